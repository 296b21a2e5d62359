/* Tests of auth/impersonation: who may act as whom. */
#include "auth/impersonation.h"
#include "suites.h"

#include <string.h>

static const char *const bob_and_carol[] = {"bob", "carol", NULL};
static const char *const analysts[] = {"analysts", NULL};
static const char *const nobody[] = {NULL};

static HgImpersonation *rules_new(const HgImpersonationRule *rules, guint n)
{
    HgImpersonation *made = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_impersonation_new(rules, n, &made, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    return made;
}

static HgImpersonationVerdict check(const HgImpersonation *rules, const char *realm,
                                    const char *name, const char *const *groups, const char *other)
{
    g_autoptr(HgPrincipal) who = hg_principal_new(realm, name, groups, NULL);
    return hg_impersonation_check(rules, who, other);
}

START_TEST(test_without_rules)
{
    g_autoptr(HgImpersonation) none = rules_new(NULL, 0);
    HgImpersonationRule empty = {.principal = "tableau", .users = nobody, .groups = nobody};
    g_autoptr(HgImpersonation) of_nobody = rules_new(&empty, 1);
    ck_assert_int_eq(check(none, "users", "root", NULL, "bob"), HG_IMPERSONATION_REFUSED);
    ck_assert_int_eq(check(of_nobody, "users", "tableau", NULL, "bob"), HG_IMPERSONATION_REFUSED);
}
END_TEST

START_TEST(test_names_and_patterns)
{
    const HgImpersonationRule rules[] = {
        {.principal = "tableau", .users = bob_and_carol},
        {.principal_pattern = "svc-[a-z]+|bot", .pattern = "team-.*|guest"},
        {.principal_group = "bi", .users = bob_and_carol},
        {.realm = "ldap", .principal = "admin", .pattern = ".*"},
    };
    static const HgImpersonationVerdict listed = HG_IMPERSONATION_ALLOWED;
    static const HgImpersonationVerdict maybe = HG_IMPERSONATION_LOOK_UP;
    static const HgImpersonationVerdict never = HG_IMPERSONATION_REFUSED;
    static const char *const bi[] = {"bi", NULL};
    g_autoptr(HgImpersonation) made = rules_new(rules, G_N_ELEMENTS(rules));
    const struct {
        const char *realm, *name;
        const char *const *groups;
        const char *other;
        HgImpersonationVerdict verdict;
        gboolean allowed; /* once it is looked up */
    } cases[] = {
        {"users", "tableau", NULL, "bob", listed, TRUE},
        {"users", "tableau", NULL, "dora", never, FALSE},
        {"users", "tableau", NULL, "Bob", never, FALSE},
        {"users", "Tableau", NULL, "bob", never, FALSE},
        {"users", "svc-x", NULL, "team-1", maybe, TRUE},
        {"users", "svc-x", NULL, "guest", maybe, TRUE},
        {"users", "svc-x", NULL, "Guest", maybe, FALSE},
        {"users", "svc-x", NULL, "xguest", maybe, FALSE},
        {"users", "svc-x1", NULL, "guest", never, FALSE},
        {"users", "xbot", NULL, "guest", never, FALSE},
        {"users", "bots", NULL, "guest", never, FALSE},
        {"users", "svc-x\n", NULL, "guest", never, FALSE},
        {"users", "svc-x", NULL, "guest\n", maybe, FALSE},
        {"users", "superset", bi, "carol", listed, TRUE},
        {"users", "superset", NULL, "carol", never, FALSE},
        {"users", "superset", nobody, "carol", never, FALSE},
        {"ldap", "admin", NULL, "anyone", maybe, TRUE},
        {"users", "admin", NULL, "anyone", never, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *other = cases[i].other;
        g_autoptr(HgPrincipal) who =
            hg_principal_new(cases[i].realm, cases[i].name, cases[i].groups, NULL);
        g_autoptr(HgPrincipal) known = hg_principal_new("users", other, NULL, NULL);
        ck_assert_msg(hg_impersonation_check(made, who, other) == cases[i].verdict, "%s as %s",
                      cases[i].name, other);
        ck_assert_msg(hg_impersonation_check_known(made, who, known) == cases[i].allowed,
                      "%s as %s", cases[i].name, other);
        ck_assert_int_eq(hg_impersonation_check_unknown(made, who, other),
                         cases[i].allowed && cases[i].verdict == maybe);
    }
}
END_TEST

START_TEST(test_groups)
{
    const HgImpersonationRule rule = {.principal = "tableau", .groups = analysts};
    static const char *const others[] = {"ops", NULL};
    g_autoptr(HgImpersonation) made = rules_new(&rule, 1);
    g_autoptr(HgPrincipal) tableau = hg_principal_new("users", "tableau", NULL, NULL);
    g_autoptr(HgPrincipal) alice = hg_principal_new("users", "alice", analysts, NULL);
    g_autoptr(HgPrincipal) bob = hg_principal_new("users", "bob", others, NULL);
    g_autoptr(HgPrincipal) unknown = hg_principal_new("users", "carol", NULL, NULL);
    ck_assert_int_eq(hg_impersonation_check(made, tableau, "alice"), HG_IMPERSONATION_LOOK_UP);
    ck_assert_int_eq(hg_impersonation_check(made, bob, "alice"), HG_IMPERSONATION_REFUSED);
    ck_assert(hg_impersonation_check_known(made, tableau, alice));
    ck_assert(!hg_impersonation_check_known(made, tableau, bob));
    ck_assert(!hg_impersonation_check_known(made, tableau, unknown));
    ck_assert(!hg_impersonation_check_known(made, bob, alice));
    ck_assert(!hg_impersonation_check_unknown(made, tableau, "alice"));
}
END_TEST

START_TEST(test_bad_patterns)
{
    const HgImpersonationRule rules[] = {
        {.principal_pattern = "("}, {.pattern = "a)(b"}, {.pattern = "(?x)a # b"}};
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
        HgImpersonation *made = NULL;
        g_autoptr(GError) error = NULL;
        ck_assert(!hg_impersonation_new(&rules[i], 1, &made, &error));
        ck_assert_ptr_nonnull(strstr(error->message, "is of no use"));
    }
}
END_TEST

Suite *impersonation_suite(void)
{
    Suite *suite = suite_create("auth/impersonation");
    TCase *tcase = tcase_create("impersonation");
    tcase_add_test(tcase, test_without_rules);
    tcase_add_test(tcase, test_names_and_patterns);
    tcase_add_test(tcase, test_groups);
    tcase_add_test(tcase, test_bad_patterns);
    suite_add_tcase(suite, tcase);
    return suite;
}
