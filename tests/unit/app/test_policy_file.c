/* Tests of app/policy_file: every key, and all errors of a file at once. */
#include "app/policy_file.h"
#include "suites.h"

#include <string.h>

static HgPolicyFile *parse(const char *text)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("p");
    HgPolicyFile *file = hg_policy_file_parse("p", hg_slice_from_string(text), diagnostics);
    g_autofree char *said = hg_diagnostics_text(diagnostics);
    ck_assert_msg(file != NULL, "%s", said);
    return file;
}

static void check_errors(const char *text, const char *expected)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("p");
    g_autoptr(HgPolicyFile) file =
        hg_policy_file_parse("p", hg_slice_from_string(text), diagnostics);
    hg_diagnostics_sort(diagnostics);
    g_autofree char *said = hg_diagnostics_text(diagnostics);
    ck_assert_ptr_null(file);
    ck_assert_str_eq(said, expected);
}

START_TEST(test_keys)
{
    g_autoptr(HgPolicyFile) file =
        parse("default_access: deny\n"
              "trusted_views: [hr.v]\n"
              "policies:\n"
              "  - name: all-keys\n"
              "    description: for people\n"
              "    labels: [x, y]\n"
              "    tables: [\"hr.*\", cat.db.t]\n"
              "    subjects: {users: bob, groups: [a, b], attributes: {site: [x, y]}}\n"
              "    except: {users: [eve]}\n"
              "    row_filter: {sql: \"id > 1\", combine: restrictive}\n"
              "    masks: {SSN: MASK, a.b: {sql: \"{col}\"}}\n"
              "    columns: {deny: [Pay]}\n"
              "    access: {select: allow, write: deny}\n"
              "    capabilities: [transform, load]\n"
              "    functions: [db.F]\n"
              "    copies: refuse\n"
              "    priority: 3\n"
              "    valid_from: 1970-01-01T00:00:10Z\n"
              "    valid_until: 1970-01-01T01:00:00+01:00\n"
              "tests:\n"
              "  - {user: bob, groups: [a], sql: \"SELECT 1\", becomes: \"SELECT 1\"}\n"
              "  - {user: bob, sql: x, expect: refused, database: hr, attributes: {k: v}}\n");
    const HgPolicy *policy = hg_policy_set_nth(file->set, 0);
    ck_assert(!hg_policy_set_default_allow(file->set));
    ck_assert_str_eq(policy->name, "all-keys");
    ck_assert_uint_eq(policy->line, 4);
    ck_assert_str_eq(policy->tables[0], "*.hr.*");
    ck_assert_str_eq(policy->tables[1], "cat.db.t");
    ck_assert_str_eq(policy->subjects.users[0], "bob");
    ck_assert_str_eq(policy->subjects.groups[1], "b");
    ck_assert_str_eq(policy->subjects.attributes[3], "y");
    ck_assert(policy->filter != NULL && policy->restrictive && !policy->everyone);
    ck_assert_uint_eq(policy->masks->len, 2);
    ck_assert_str_eq(((HgMaskRule *)g_ptr_array_index(policy->masks, 1))->path[1], "b");
    ck_assert_str_eq(policy->columns_deny[0], "pay");
    ck_assert_uint_eq(policy->allow, HG_ACTION_SELECT);
    ck_assert_uint_eq(policy->deny, HG_ACTION_WRITE);
    ck_assert_uint_eq(policy->capabilities, HG_CAPABILITY_TRANSFORM | HG_CAPABILITY_LOAD);
    ck_assert_str_eq(policy->functions[0], "db.f");
    ck_assert(policy->refuse_copies);
    ck_assert_int_eq(policy->priority, 3);
    ck_assert_int_eq(policy->valid_from, 10);
    ck_assert_int_eq(policy->valid_until, 0);
    ck_assert_uint_eq(file->tests->len, 2);
    ck_assert(g_str_has_prefix(hg_policy_set_version(file->set), "sha256:"));
}
END_TEST

START_TEST(test_errors)
{
    check_errors("policies:\n"
                 "  - nam: x\n"
                 "    tables: [emp]\n"
                 "    row_filter: \"dept = '{user}'\"\n"
                 "  - name: y\n"
                 "    tables: [hr.emp]\n"
                 "    masks: {a: MASKED, b: MASK_HASH}\n"
                 "    access: {see: allow, select: yes}\n"
                 "    capabilities: [fly]\n"
                 "    copies: inherit\n"
                 "    priority: high\n"
                 "    valid_from: tomorrow\n"
                 "  - {name: y, tables: [hr.emp]}\n"
                 "tests: [{user: a}]\n",
                 "p:1:1: default_access is missing; expected allow or deny\n"
                 "p:1:1: MASK_HASH needs a key, or a list of likely values undoes it; put some "
                 "secret line into a file and name it: hash_key_file: ...\n"
                 "p:2:5: a policy has no key \"nam\"; did you mean name?\n"
                 "p:2:5: the policy has no name\n"
                 "p:3:13: tables: emp names no tables; expected [catalog.]database.table, * "
                 "allowed\n"
                 "p:4:17: row_filter: '{user}' stands in quotes, where it isn't replaced; write "
                 "it without\n"
                 "p:7:16: masks: a: expected MASK, MASK_SHOW_LAST_4, MASK_SHOW_FIRST_4, "
                 "MASK_HASH, MASK_NULL, MASK_NONE, MASK_DATE_SHOW_YEAR or {sql: ...}\n"
                 "p:8:14: access: there is no action \"see\"; expected select, insert, update, "
                 "delete, write, create, alter, drop, ddl or all\n"
                 "p:8:34: access: expected allow or deny\n"
                 "p:9:19: capabilities: there is no \"fly\"; docs/policies.md lists them\n"
                 "p:10:13: copies: expected allow or refuse\n"
                 "p:11:15: priority: expected a whole number; higher ones come first\n"
                 "p:12:17: expected a time with its zone, such as 2026-05-03T08:00:00Z\n"
                 "p:13:5: the policy says nothing\n"
                 "p:13:12: there are two policies y\n"
                 "p:14:9: a test needs user, sql, and either becomes or expect\n");
}
END_TEST

START_TEST(test_no_tables)
{
    check_errors("default_access: allow\npolicies: [{name: x, row_filter: \"a = 1\"}]\n",
                 "p:2:12: the policy names no tables; expected tables: [database.table]\n");
    check_errors("default_access: maybe\npolicies: {}\n",
                 "p:1:17: default_access: expected allow or deny\n"
                 "p:2:11: policies: expected a list\n");
}
END_TEST

Suite *policy_file_suite(void)
{
    Suite *suite = suite_create("policy_file");
    TCase *tests = tcase_create("files");
    tcase_add_test(tests, test_keys);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_no_tables);
    suite_add_tcase(suite, tests);
    return suite;
}
