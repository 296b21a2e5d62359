/* Tests of policy/identity. */
#include "policy/identity.h"
#include "suites.h"

START_TEST(looks)
{
    static const char *const groups[] = {"eu-sales", "it", NULL};
    static const char *const attributes[] = {"dept", "it", "dept", "ops", NULL};
    HgIdentity identity = {.user = "bob", .groups = groups, .attributes = attributes};
    char *sales[] = {(char *)"*-sales", NULL}, *none[] = {(char *)"IT", NULL};
    ck_assert(hg_identity_in_group(&identity, sales));
    ck_assert(!hg_identity_in_group(&identity, none));
    ck_assert(!hg_identity_in_group(&identity, NULL));
    ck_assert(hg_identity_has(&identity, "dept", "o*"));
    ck_assert(!hg_identity_has(&identity, "site", "*"));
    ck_assert_str_eq(hg_identity_value(&identity, "dept", 1), "ops");
    ck_assert_ptr_null(hg_identity_value(&identity, "dept", 2));
    HgIdentity bare = {.user = "x"};
    ck_assert(!hg_identity_in_group(&bare, sales));
    ck_assert_ptr_null(hg_identity_value(&bare, "dept", 0));
}
END_TEST

Suite *identity_suite(void)
{
    Suite *suite = suite_create("identity");
    TCase *tests = tcase_create("identities");
    tcase_add_test(tests, looks);
    suite_add_tcase(suite, tests);
    return suite;
}
