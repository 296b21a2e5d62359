/* Tests of policy/type: Spark's types as their texts say. */
#include "policy/type.h"
#include "suites.h"

static void check(const char *text, HgTypeKind kind, const char *cast)
{
    g_autoptr(HgType) type = hg_type_parse(text);
    ck_assert_msg(type != NULL, "%s isn't read", text);
    ck_assert_int_eq(type->kind, kind);
    ck_assert_str_eq(type->text, cast);
}

START_TEST(kinds)
{
    check("int", HG_TYPE_INTEGER, "int");
    check("BIGINT", HG_TYPE_INTEGER, "BIGINT");
    check("decimal(38,10)", HG_TYPE_DECIMAL, "decimal(38,10)");
    check("varchar(10)", HG_TYPE_STRING, "string");
    check("timestamp", HG_TYPE_TIMESTAMP, "timestamp");
    check("timestamp_ntz", HG_TYPE_OTHER, "timestamp_ntz");
    check("array<map<string,int>>", HG_TYPE_ARRAY, "array<map<string,int>>");
    check("interval day to second", HG_TYPE_OTHER, "interval day to second");
    check("string collate UNICODE_CI", HG_TYPE_OTHER, "string collate UNICODE_CI");
}
END_TEST

START_TEST(structs)
{
    g_autoptr(HgType) type = hg_type_parse("struct<A:int,`b c`:struct<d:decimal(4,1)>>");
    ck_assert_ptr_nonnull(type);
    ck_assert_uint_eq(type->fields->len, 2);
    ck_assert_str_eq(hg_type_field(type, "a")->name, "A");
    ck_assert_uint_eq(hg_type_field(hg_type_field(type, "b c")->type, "d")->type->digits, 4);
    ck_assert_ptr_null(hg_type_field(type, "d"));
    g_autoptr(HgType) empty = hg_type_parse("struct<>");
    ck_assert_uint_eq(empty->fields->len, 0);
}
END_TEST

START_TEST(refused)
{
    static const char *const texts[] = {"",      "int) x",     "struct<a>",  "struct<a:int",
                                        "map<a", "decimal(x)", "int, b int", "array<int>>"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        ck_assert_msg(hg_type_parse(texts[i]) == NULL, "%s is read", texts[i]);
    GString *deep = g_string_new(NULL);
    for (guint i = 0; i < 10000; i++)
        g_string_append(deep, "array<");
    ck_assert_ptr_null(hg_type_parse(deep->str));
    g_string_free(deep, TRUE);
}
END_TEST

Suite *type_suite(void)
{
    Suite *suite = suite_create("type");
    TCase *tests = tcase_create("types");
    tcase_add_test(tests, kinds);
    tcase_add_test(tests, structs);
    tcase_add_test(tests, refused);
    suite_add_tcase(suite, tests);
    return suite;
}
