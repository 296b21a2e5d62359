/* What the methods that ask a server about a token make of its answer: a JSON object with the
 * token's claims. Any thread. */
#pragma once

#include "auth/claims.h"
#include "auth/token_login.h"

/* The rules that an answer is held to. */
typedef struct {
    const char *realm; /* of the users */
    const HgTokenLogin *login;
    const HgClaimsRules *rules;
    /* What only one method knows of its answers: whether the token is good, and until when (0: the
     * server doesn't say). FALSE after a refusal. */
    gboolean (*check)(const void *self, const json_t *claims, gint64 *good_until,
                      HgTokenRefusal *refusal);
    const void *self;
} HgTokenAnswerRules;

/* Fills `out`: ACCEPTED, DENIED, or UNAVAILABLE when the answer is no such object. */
void hg_token_answer_judge(const HgTokenAnswerRules *rules, const HgCredentials *credentials,
                           HgSlice answer, HgLogin *out);
