/* Tests of auth/principal. */
#include "auth/principal.h"
#include "suites.h"

#include <string.h>

START_TEST(test_copies)
{
    char realm[] = "users";
    char name[] = "alice";
    char group[] = "analysts";
    char value[] = "emea";
    const char *groups[] = {group, "admins", NULL};
    const char *attributes[] = {"region", value, "dept", "ops", NULL};
    HgPrincipal *one = hg_principal_new(realm, name, groups, attributes);
    memset(realm, 'x', 5);
    memset(name, 'x', 5);
    memset(group, 'x', 8);
    memset(value, 'x', 4);
    HgPrincipal *two = hg_principal_ref(one);
    hg_principal_unref(one);
    ck_assert_str_eq(hg_principal_realm(two), "users");
    ck_assert_str_eq(hg_principal_name(two), "alice");
    ck_assert_str_eq(hg_principal_groups(two)[0], "analysts");
    ck_assert_str_eq(hg_principal_groups(two)[1], "admins");
    ck_assert_ptr_null(hg_principal_groups(two)[2]);
    ck_assert_str_eq(hg_principal_attributes(two)[0], "region");
    ck_assert_str_eq(hg_principal_attributes(two)[1], "emea");
    ck_assert_str_eq(hg_principal_attributes(two)[3], "ops");
    ck_assert_ptr_null(hg_principal_attributes(two)[4]);
    hg_principal_unref(two);
    hg_principal_unref(NULL);
}
END_TEST

/* To know of no groups is not to be in none. */
START_TEST(test_unknown_groups)
{
    const char *none[] = {NULL};
    g_autoptr(HgPrincipal) unknown = hg_principal_new("ldap", "alice", NULL, NULL);
    g_autoptr(HgPrincipal) groupless = hg_principal_new("ldap", "alice", none, none);
    ck_assert_ptr_null(hg_principal_groups(unknown));
    ck_assert_ptr_nonnull(hg_principal_groups(groupless));
    ck_assert_ptr_null(hg_principal_groups(groupless)[0]);
    ck_assert_ptr_null(hg_principal_attributes(unknown));
    ck_assert_ptr_null(hg_principal_attributes(groupless)[0]);
}
END_TEST

START_TEST(test_equal)
{
    const char *groups[] = {"g", NULL};
    g_autoptr(HgPrincipal) alice = hg_principal_new("users", "alice", NULL, NULL);
    g_autoptr(HgPrincipal) same = hg_principal_new("users", "alice", groups, NULL);
    g_autoptr(HgPrincipal) other_realm = hg_principal_new("ldap", "alice", NULL, NULL);
    g_autoptr(HgPrincipal) other_name = hg_principal_new("users", "Alice", NULL, NULL);
    ck_assert(hg_principal_equal(alice, alice));
    ck_assert(hg_principal_equal(alice, same));
    ck_assert(!hg_principal_equal(alice, other_realm));
    ck_assert(!hg_principal_equal(alice, other_name));
}
END_TEST

Suite *principal_suite(void)
{
    Suite *suite = suite_create("auth/principal");
    TCase *tcase = tcase_create("principal");
    tcase_add_test(tcase, test_copies);
    tcase_add_test(tcase, test_unknown_groups);
    tcase_add_test(tcase, test_equal);
    suite_add_tcase(suite, tcase);
    return suite;
}
