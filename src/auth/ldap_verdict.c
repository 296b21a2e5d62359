/* The meaning of replies: see ldap_verdict.h. Pure; any thread. */
#include "auth/ldap_verdict.h"

#include <ldap.h>
#include <stdarg.h>
#include <string.h>

#define SAY_AWAY    "The directory of users can't be asked at the moment; try again later"
#define SAY_EXPIRED "Your password has expired; change it first"
#define SAY_CHANGE  "Your password has to be changed before you can log in"

/* One way in which a directory says more than "invalid credentials". */
typedef struct {
    int code;
    HgVerdict verdict;
    const char *why;
    const char *say;
} Meaning;

/* Errors of the control (draft-behera-ldap-password-policy-10 6.2). */
static const Meaning policies[] = {
    {PP_passwordExpired, HG_VERDICT_DENIED, "the password has expired", SAY_EXPIRED},
    {PP_accountLocked, HG_VERDICT_DENIED, "the account is locked", NULL},
    {PP_changeAfterReset, HG_VERDICT_DENIED, "the password was reset and has to be changed",
     SAY_CHANGE},
};

/* Windows error codes in Active Directory's diagnostic message; it looks at the password before it
 * says any of those with a text for the client. */
static const Meaning windows[] = {
    {0x525, HG_VERDICT_NOT_MINE, "there is no such user", NULL},
    {0x52e, HG_VERDICT_DENIED, "the password is wrong", NULL},
    {0x530, HG_VERDICT_DENIED, "the user may not log in at this time", NULL},
    {0x531, HG_VERDICT_DENIED, "the user may not log in from this machine", NULL},
    {0x532, HG_VERDICT_DENIED, "the password has expired", SAY_EXPIRED},
    {0x533, HG_VERDICT_DENIED, "the account is disabled", NULL},
    {0x701, HG_VERDICT_DENIED, "the account has expired", NULL},
    {0x773, HG_VERDICT_DENIED, "the password has to be changed", SAY_CHANGE},
    {0x775, HG_VERDICT_DENIED, "the account is locked", NULL},
};

/* Result codes of a bind (RFC 4511 A.2). What isn't here is the directory's trouble, not the
 * user's. */
static const Meaning results[] = {
    {LDAP_INVALID_CREDENTIALS, HG_VERDICT_DENIED, "the password is wrong", NULL},
    {LDAP_NO_SUCH_OBJECT, HG_VERDICT_NOT_MINE, "there is no such entry", NULL},
    {LDAP_INVALID_DN_SYNTAX, HG_VERDICT_NOT_MINE, "the directory takes it for no DN", NULL},
    {LDAP_INAPPROPRIATE_AUTH, HG_VERDICT_DENIED, "the entry has no password", NULL},
    {LDAP_INSUFFICIENT_ACCESS, HG_VERDICT_DENIED, "the entry may not log in", NULL},
    {LDAP_UNWILLING_TO_PERFORM, HG_VERDICT_DENIED, "the account is disabled", NULL},
    {LDAP_CONSTRAINT_VIOLATION, HG_VERDICT_DENIED, "the account is locked", NULL},
};

void hg_ldap_decide(HgLogin *login, HgVerdict verdict, const char *say, const char *why, ...)
{
    va_list values;
    g_free(login->why);
    g_free(login->say);
    login->verdict = verdict;
    va_start(values, why);
    login->why = g_strdup_vprintf(why, values);
    va_end(values);
    login->say = g_strdup(verdict == HG_VERDICT_UNAVAILABLE && say == NULL ? SAY_AWAY : say);
}

static const Meaning *meaning_of(const Meaning *list, gsize count, int code)
{
    for (gsize i = 0; i < count; i++)
        if (list[i].code == code)
            return &list[i];
    return NULL;
}

/* The code in "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e,
 * v1db1" ([MS-ADTS] leaves it open; Microsoft's KB lists the codes); -1: none. */
static int windows_code(const char *text)
{
    const char *at = strstr(text, "AcceptSecurityContext");
    at = at != NULL ? strstr(at, ", data ") : NULL;
    if (at == NULL)
        return -1;
    at += strlen(", data ");
    gsize digits = strspn(at, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 6)
        return -1;
    return (int)g_ascii_strtoull(at, NULL, 16);
}

static const Meaning *meaning_of_bind(const HgLdapReply *reply)
{
    const Meaning *meaning = meaning_of(policies, G_N_ELEMENTS(policies), reply->policy);
    /* a password that has expired may still be good for some "grace" logins, which succeed */
    if (reply->code == LDAP_SUCCESS)
        return meaning != NULL && reply->policy == PP_changeAfterReset ? meaning : NULL;
    if (meaning == NULL && reply->code == LDAP_INVALID_CREDENTIALS)
        meaning = meaning_of(windows, G_N_ELEMENTS(windows), windows_code(reply->text));
    return meaning != NULL ? meaning : meaning_of(results, G_N_ELEMENTS(results), reply->code);
}

void hg_ldap_judge_bind(const HgLdapReply *reply, const char *who, HgLogin *login)
{
    const char *server = reply->server != NULL ? reply->server : "ldap";
    if (reply->status != HG_LDAP_ANSWERED) {
        hg_ldap_decide(login, HG_VERDICT_UNAVAILABLE, NULL, "%s", reply->text);
        return;
    }
    const Meaning *meaning = meaning_of_bind(reply);
    const char *more = reply->text != NULL && *reply->text != '\0' ? reply->text : NULL;
    if (meaning != NULL)
        hg_ldap_decide(login, meaning->verdict, meaning->say, "%s: login as %s: %s (%s%s%s)",
                       server, who, meaning->why, ldap_err2string(reply->code),
                       more != NULL ? ": " : "", more != NULL ? more : "");
    else if (reply->code == LDAP_SUCCESS)
        hg_ldap_decide(login, HG_VERDICT_ACCEPTED, NULL, "%s: login as %s", server, who);
    else
        hg_ldap_decide(login, HG_VERDICT_UNAVAILABLE, NULL, "%s: login as %s: %s%s%s%s", server,
                       who, ldap_err2string(reply->code), more != NULL ? ": " : "",
                       more != NULL ? more : "",
                       reply->code == LDAP_REFERRAL ? " (referrals aren't followed)" : "");
}

void hg_ldap_judge_search(const HgLdapReply *reply, const char *what, HgLogin *login)
{
    const char *server = reply->server != NULL ? reply->server : "ldap";
    const char *hint = "";
    if (reply->status != HG_LDAP_ANSWERED) {
        hg_ldap_decide(login, HG_VERDICT_UNAVAILABLE, NULL, "%s: %s", what, reply->text);
        return;
    }
    if (reply->code == LDAP_REFERRAL)
        hint = " (referrals aren't followed; name the server that has the entries)";
    if (reply->code == LDAP_NO_SUCH_OBJECT)
        hint = " (the base doesn't exist, or may not be seen)";
    gboolean text = reply->text != NULL && *reply->text != '\0';
    hg_ldap_decide(login, HG_VERDICT_UNAVAILABLE, NULL, "%s: %s: %s%s%s%s", server, what,
                   ldap_err2string(reply->code), text ? ": " : "", text ? reply->text : "", hint);
}
