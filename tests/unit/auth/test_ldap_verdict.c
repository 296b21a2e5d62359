/* Tests of auth/ldap_verdict: what each reply means for a login, and what the client hears. */
#include "auth/ldap_verdict.h"
#include "suites.h"

#include <ldap.h>

static void judge(HgLdapStatus status, int code, int policy, const char *text, HgLogin *out)
{
    g_auto(HgLdapReply) reply = {.status = status,
                                 .code = code,
                                 .policy = policy,
                                 .text = g_strdup(text),
                                 .server = g_strdup("ldap://d:389")};
    hg_ldap_judge_bind(&reply, "cn=u", out);
}

static void check_bind(int code, int policy, const char *text, HgVerdict verdict, const char *why,
                       const char *say)
{
    g_auto(HgLogin) login = {0};
    judge(HG_LDAP_ANSWERED, code, policy, text, &login);
    ck_assert_int_eq(login.verdict, verdict);
    ck_assert_msg(strstr(login.why, why) != NULL, "%s", login.why);
    ck_assert_msg(strstr(login.why, "cn=u") != NULL, "%s", login.why);
    ck_assert_msg(strstr(login.why, "ldap://d:389") != NULL, "%s", login.why);
    if (say == NULL)
        ck_assert_pstr_eq(login.say, NULL);
    else
        ck_assert_msg(login.say != NULL && strstr(login.say, say) != NULL, "%s", login.say);
}

START_TEST(test_results)
{
    check_bind(LDAP_SUCCESS, -1, "", HG_VERDICT_ACCEPTED, "", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, -1, "", HG_VERDICT_DENIED, "password is wrong", NULL);
    check_bind(LDAP_NO_SUCH_OBJECT, -1, "", HG_VERDICT_NOT_MINE, "no such entry", NULL);
    check_bind(LDAP_INVALID_DN_SYNTAX, -1, "invalid DN", HG_VERDICT_NOT_MINE, "invalid DN", NULL);
    check_bind(LDAP_INAPPROPRIATE_AUTH, -1, "", HG_VERDICT_DENIED, "no password", NULL);
    check_bind(LDAP_UNWILLING_TO_PERFORM, -1, "Account inactivated", HG_VERDICT_DENIED,
               "Account inactivated", NULL);
    check_bind(LDAP_CONSTRAINT_VIOLATION, -1, "Exceed password retry limit", HG_VERDICT_DENIED,
               "retry limit", NULL);
}
END_TEST

/* Whatever isn't said of the user is the directory's trouble. */
START_TEST(test_troubles)
{
    static const int codes[] = {
        LDAP_OPERATIONS_ERROR,
        LDAP_PROTOCOL_ERROR,
        LDAP_TIMELIMIT_EXCEEDED,
        LDAP_SIZELIMIT_EXCEEDED,
        LDAP_REFERRAL,
        LDAP_ADMINLIMIT_EXCEEDED,
        LDAP_CONFIDENTIALITY_REQUIRED,
        LDAP_STRONG_AUTH_REQUIRED,
        LDAP_BUSY,
        LDAP_UNAVAILABLE,
        LDAP_OTHER,
        LDAP_ENCODING_ERROR,
        LDAP_FILTER_ERROR,
        4711,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
        check_bind(codes[i], -1, "because", HG_VERDICT_UNAVAILABLE, "because", "try again later");
}
END_TEST

START_TEST(test_policies)
{
    check_bind(LDAP_INVALID_CREDENTIALS, PP_accountLocked, "", HG_VERDICT_DENIED, "locked", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, PP_passwordExpired, "", HG_VERDICT_DENIED, "expired",
               "expired");
    check_bind(LDAP_SUCCESS, PP_changeAfterReset, "", HG_VERDICT_DENIED, "changed", "changed");
    check_bind(LDAP_SUCCESS, PP_passwordExpired, "", HG_VERDICT_ACCEPTED, "", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, PP_passwordTooShort, "", HG_VERDICT_DENIED, "wrong", NULL);
}
END_TEST

#define AD "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data "

START_TEST(test_windows)
{
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD "52e, v3839", HG_VERDICT_DENIED, "wrong", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD "525, v3839", HG_VERDICT_NOT_MINE, "no such user",
               NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD "532, v3839", HG_VERDICT_DENIED, "expired",
               "expired");
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD "533, v3839", HG_VERDICT_DENIED, "disabled", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD "775, v3839", HG_VERDICT_DENIED, "locked", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD "773", HG_VERDICT_DENIED, "changed", "changed");
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD, HG_VERDICT_DENIED, "wrong", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, -1, AD "5251234567", HG_VERDICT_DENIED, "wrong", NULL);
    check_bind(LDAP_INVALID_CREDENTIALS, -1, "data 525, v1", HG_VERDICT_DENIED, "wrong", NULL);
    /* a code in the text of another result means nothing */
    check_bind(LDAP_OTHER, -1, AD "525, v1", HG_VERDICT_UNAVAILABLE, "525", "later");
}
END_TEST

START_TEST(test_no_answer)
{
    static const HgLdapStatus all[] = {HG_LDAP_LOST, HG_LDAP_LATE};
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        g_auto(HgLogin) login = {0};
        /* a code that was never sent doesn't count */
        judge(all[i], LDAP_INVALID_CREDENTIALS, -1, "gone", &login);
        ck_assert_int_eq(login.verdict, HG_VERDICT_UNAVAILABLE);
        ck_assert_str_eq(login.why, "gone");
        ck_assert_ptr_nonnull(strstr(login.say, "try again later"));
    }
}
END_TEST

START_TEST(test_search)
{
    static const int codes[] = {LDAP_NO_SUCH_OBJECT, LDAP_SIZELIMIT_EXCEEDED, LDAP_REFERRAL,
                                LDAP_INSUFFICIENT_ACCESS, LDAP_OTHER};
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        g_auto(HgLogin) login = {0};
        g_auto(HgLdapReply) reply = {.code = codes[i], .text = g_strdup("hm")};
        hg_ldap_judge_search(&reply, "search for x", &login);
        ck_assert_int_eq(login.verdict, HG_VERDICT_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(login.why, "search for x"));
        ck_assert_ptr_nonnull(strstr(login.why, ldap_err2string(codes[i])));
    }
}
END_TEST

Suite *ldap_verdict_suite(void)
{
    Suite *suite = suite_create("auth/ldap_verdict");
    TCase *tcase = tcase_create("ldap_verdict");
    tcase_add_test(tcase, test_results);
    tcase_add_test(tcase, test_troubles);
    tcase_add_test(tcase, test_policies);
    tcase_add_test(tcase, test_windows);
    tcase_add_test(tcase, test_no_answer);
    tcase_add_test(tcase, test_search);
    suite_add_tcase(suite, tcase);
    return suite;
}
