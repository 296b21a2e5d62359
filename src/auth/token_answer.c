/* Answers of token servers: see token_answer.h. Owns nothing; any thread. */
#include "auth/token_answer.h"

#include "auth/json.h"

void hg_token_answer_judge(const HgTokenAnswerRules *rules, const HgCredentials *credentials,
                           HgSlice answer, HgLogin *out)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HgPrincipal) principal = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    gint64 good_until = 0;
    json_auto_t *claims = hg_json_read(answer, &error);
    if (claims == NULL) {
        g_autofree char *why =
            g_strdup_printf("the server's answer is of no use: %s", error->message);
        hg_token_login_unavailable(out, rules->realm, why);
    } else if (rules->check(rules->self, claims, &good_until, &refusal) &&
               hg_claims_check(rules->rules, claims, &refusal) &&
               hg_claims_principal(rules->rules, claims, rules->realm, &principal, &refusal) &&
               hg_token_login_check_name(rules->login, credentials, principal, &refusal)) {
        hg_token_login_accept(out, g_steal_pointer(&principal), good_until);
    } else {
        hg_token_login_deny(out, rules->realm, &refusal);
    }
}
