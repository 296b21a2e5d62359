/* What methods say of a login, as a value: see method.h. */
#include "auth/method.h"

void hg_login_clear(HgLogin *login)
{
    hg_principal_unref(login->principal);
    g_free(login->evidence);
    g_free(login->why);
    g_free(login->say);
    *login = (HgLogin){0};
}

HgLogin hg_login_copy(const HgLogin *login)
{
    return (HgLogin){
        .verdict = login->verdict,
        .principal = login->principal != NULL ? hg_principal_ref(login->principal) : NULL,
        .good_until = login->good_until,
        .evidence = g_strdup(login->evidence),
        .why = g_strdup(login->why),
        .say = g_strdup(login->say),
    };
}

void hg_login_say(HgLogin *out, HgVerdict verdict, const char *why)
{
    out->verdict = verdict;
    g_free(out->why);
    out->why = g_strdup(why);
}
