/* Why a token is refused: one value per reason, what the operator reads and what the client may
 * hear. Pure; any thread. */
#pragma once

#include <glib.h>

typedef enum {
    HG_TOKEN_GOOD,
    HG_TOKEN_TOO_LONG,
    HG_TOKEN_HEADER,      /* its header can't be read */
    HG_TOKEN_PAYLOAD,     /* its claims, or the token server's answer, can't be read */
    HG_TOKEN_ALGORITHM,   /* signed in a way that is never trusted: none, HS256, ... */
    HG_TOKEN_NOT_ALLOWED, /* signed in a way that this issuer's tokens aren't */
    HG_TOKEN_CRITICAL,    /* "crit" demands what hivegate doesn't know */
    HG_TOKEN_TYPE,        /* "typ" says it is something else */
    HG_TOKEN_NO_KEY,      /* the issuer has no key of that "kid" */
    HG_TOKEN_UNFIT_KEY,   /* it has, but for another algorithm */
    HG_TOKEN_SIGNATURE,   /* the signature is wrong */
    HG_TOKEN_CLAIM,       /* a claim isn't of the kind that it has to be */
    HG_TOKEN_ISSUER,      /* from another issuer than the configured one */
    HG_TOKEN_AUDIENCE,    /* made for somebody else */
    HG_TOKEN_PARTY,       /* made out to another client program */
    HG_TOKEN_NO_EXPIRY,   /* would be good for ever */
    HG_TOKEN_EXPIRED,
    HG_TOKEN_NOT_YET,        /* "nbf" lies ahead */
    HG_TOKEN_ISSUED_LATER,   /* "iat" lies ahead */
    HG_TOKEN_SCOPE,          /* lacks a scope */
    HG_TOKEN_REQUIRED_CLAIM, /* lacks a claim, or its value */
    HG_TOKEN_NO_USER,        /* doesn't name the user */
    HG_TOKEN_USER_NAME,      /* names one that can't be a user's */
    HG_TOKEN_EMAIL,          /* the e-mail address wasn't verified */
    HG_TOKEN_SOMEBODY_ELSE,  /* another user's than who the client says it is */
    HG_TOKEN_INACTIVE,       /* the token server doesn't take it (any more) */
    HG_TOKEN_FAULTS,         /* how many there are */
} HgTokenFault;

typedef struct {
    HgTokenFault fault;
    char *why; /* for the operator; g_free */
} HgTokenRefusal;

/* Fills the refusal, which must be empty ({0}), and returns FALSE. `format` says what was wrong, to
 * somebody who can't see the token. */
gboolean hg_token_refuse(HgTokenRefusal *refusal, HgTokenFault fault, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Frees its text and makes it empty again. */
void hg_token_refusal_clear(HgTokenRefusal *refusal);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgTokenRefusal, hg_token_refusal_clear)

/* What the client may hear: its owner can do something about an expired token, but nobody learns
 * what would pass. Static. */
const char *hg_token_say(HgTokenFault fault);
