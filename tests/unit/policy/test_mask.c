/* Tests of policy/mask: which type each mask keeps something of, and its SQL. */
#include "policy/mask.h"
#include "suites.h"

static void check(const char *name, const char *type_text, const char *expected)
{
    HgMaskKind kind = HG_MASK_SQL;
    g_autoptr(HgType) type = hg_type_parse(type_text);
    g_autoptr(GString) out = g_string_new(NULL);
    ck_assert(hg_mask_kind(name, &kind));
    hg_mask_append(out, kind, type, "c", "k");
    ck_assert_str_eq(out->str, expected);
}

START_TEST(masks)
{
    check("MASK", "string", "mask(c, 'X', 'x', 'n', NULL)");
    check("MASK", "int", "NULL");
    check("MASK_NULL", "int", "NULL");
    check("MASK_NONE", "int", "c");
    check("MASK_HASH", "string", "sha2(concat('k', sha2(concat('k', c), 256)), 256)");
    check("MASK_HASH", "bigint", "NULL");
    check("MASK_DATE_SHOW_YEAR", "date", "trunc(c, 'YEAR')");
    check("MASK_DATE_SHOW_YEAR", "timestamp", "date_trunc('YEAR', c)");
    check("MASK_DATE_SHOW_YEAR", "string", "NULL");
    check("MASK_SHOW_FIRST_4", "string",
          "CASE WHEN length(c) > 4 THEN concat(substring(c, 1, 4), mask(substring(c, 5), 'X', 'x', "
          "'n', NULL)) ELSE mask(c, 'X', 'x', 'n', NULL) END");
}
END_TEST

START_TEST(names)
{
    HgMaskKind kind = HG_MASK_SQL;
    ck_assert(!hg_mask_kind("mask", &kind));
    ck_assert_int_eq(kind, HG_MASK_SQL);
    ck_assert_str_eq(hg_mask_nth(0), "MASK");
    ck_assert_ptr_null(hg_mask_nth(100));
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(HgType) type = hg_type_parse("string");
    hg_mask_append(out, HG_MASK_HASH, type, "c", NULL); /* no key, no hash */
    ck_assert_str_eq(out->str, "NULL");
}
END_TEST

Suite *mask_suite(void)
{
    Suite *suite = suite_create("mask");
    TCase *tests = tcase_create("masks");
    tcase_add_test(tests, masks);
    tcase_add_test(tests, names);
    suite_add_tcase(suite, tests);
    return suite;
}
