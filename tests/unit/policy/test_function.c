/* Tests of policy/function, policy/grant: names and what they mean. */
#include "policy/function.h"
#include "policy/function_names.h"
#include "policy/grant.h"
#include "suites.h"

#include <string.h>

static HgFunctionKind kind(const char *name)
{
    return hg_function_kind(hg_slice_from_string(name));
}

START_TEST(functions)
{
    ck_assert_int_eq(kind("Upper"), HG_FUNCTION_PURE);
    ck_assert_int_eq(kind("now"), HG_FUNCTION_SETTING);
    ck_assert_int_eq(kind("current_user"), HG_FUNCTION_IDENTITY);
    ck_assert_int_eq(kind("INPUT_FILE_NAME"), HG_FUNCTION_STORAGE);
    ck_assert_int_eq(kind("java_method"), HG_FUNCTION_REFLECT);
    ck_assert_int_eq(kind("my_udf"), HG_FUNCTION_UNKNOWN);
    ck_assert_int_eq(kind(""), HG_FUNCTION_UNKNOWN);
    ck_assert_int_eq(kind("from_avro"), HG_FUNCTION_UNKNOWN);
    ck_assert(hg_function_is_table(hg_slice_from_string("Explode")));
    ck_assert(!hg_function_is_table(hg_slice_from_string("upper")));
}
END_TEST

START_TEST(sorted)
{
    for (gsize i = 1; i < hg_function_row_count; i++)
        ck_assert_int_lt(strcmp(hg_function_rows[i - 1].name, hg_function_rows[i].name), 0);
    for (gsize i = 0; i < hg_function_row_count; i++)
        ck_assert_uint_le(strlen(hg_function_rows[i].name), HG_FUNCTION_NAME_MAX);
}
END_TEST

START_TEST(grants)
{
    ck_assert_uint_eq(hg_action_bits("write"), HG_ACTION_WRITE);
    ck_assert_uint_eq(hg_action_bits("nope"), 0);
    ck_assert_uint_eq(hg_capability_bits("all"), HG_CAPABILITY_ALL);
    guint all = 0;
    for (gsize i = 0; hg_capability_nth(i) != NULL; i++)
        if (strcmp(hg_capability_nth(i), "all") != 0)
            all |= hg_capability_bits(hg_capability_nth(i));
    ck_assert_uint_eq(all, HG_CAPABILITY_ALL);
    ck_assert_str_eq(hg_capability_name(HG_CAPABILITY_LOAD), "load");
    ck_assert_str_eq(hg_action_name(HG_ACTION_DROP), "drop");
    ck_assert_str_eq(hg_action_nth(0), "select");
}
END_TEST

Suite *function_suite(void)
{
    Suite *suite = suite_create("function");
    TCase *tests = tcase_create("functions");
    tcase_add_test(tests, functions);
    tcase_add_test(tests, sorted);
    tcase_add_test(tests, grants);
    suite_add_tcase(suite, tests);
    return suite;
}
