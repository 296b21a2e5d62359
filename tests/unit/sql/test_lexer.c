/* Tests of sql/lexer: each rule by an example, with Spark's names of the tokens. */
#include "sql/keywords.h"
#include "sql/lexer.h"
#include "suites.h"

#include <string.h>

/* The tokens of a text, as "NAME:text NAME:text". */
static char *tokens_of(const char *text, gsize size, HgSqlEngine engine)
{
    GString *out = g_string_new(NULL);
    HgSqlLexer lexer;
    HgSqlToken token;
    hg_sql_lexer_init(&lexer, hg_slice(text, size), engine);
    while (hg_sql_lexer_next(&lexer, &token)) {
        HOLDS(token.start < token.end && token.end <= size);
        g_string_append_printf(out, "%s%s:%.*s", out->len > 0 ? " " : "",
                               hg_sql_token_name((HgSqlTokenKind)token.kind),
                               (int)(token.end - token.start), text + token.start);
    }
    HOLDS(token.kind == HG_SQL_TOKEN_EOF && token.start == token.end);
    return g_string_free(out, FALSE);
}

static void check(const char *text, HgSqlEngine engine, const char *expected)
{
    g_autofree char *found = tokens_of(text, strlen(text), engine);
    ck_assert_str_eq(found, expected);
}

static void check_both(const char *text, const char *expected)
{
    check(text, HG_SQL_SPARK_35, expected);
    check(text, HG_SQL_SPARK_40, expected);
}

START_TEST(comments)
{
    check_both("1 /* a /* b */ c */ 2", "INTEGER_VALUE:1 INTEGER_VALUE:2");
    check_both("1 /* a /*+ b */ 2", "INTEGER_VALUE:1 INTEGER_VALUE:2");
    check_both("/*+ a */", "HENT_START:/*+ IDENTIFIER:a HENT_END:*/");
    check_both("1 -- a\\\nb\n2", "INTEGER_VALUE:1 INTEGER_VALUE:2");
    check_both("1 -- a\r2", "INTEGER_VALUE:1 INTEGER_VALUE:2");
    check_both("1 -- a", "INTEGER_VALUE:1");
}
END_TEST

START_TEST(unclosed_comments)
{
    HgSqlLexer lexer;
    HgSqlToken token;
    hg_sql_lexer_init(&lexer, hg_slice_from_string("1 /* a /* b */"), HG_SQL_SPARK_35);
    ck_assert(hg_sql_lexer_next(&lexer, &token));
    ck_assert(!hg_sql_lexer_next(&lexer, &token));
    ck_assert(hg_sql_lexer_has_unclosed_comment(&lexer));
}
END_TEST

START_TEST(strings)
{
    check_both("'a\\'b' 'it''s'", "STRING_LITERAL:'a\\'b' STRING_LITERAL:'it' STRING_LITERAL:'s'");
    check_both("r'\\' R\"\\\"", "STRING_LITERAL:r'\\' STRING_LITERAL:R\"\\\"");
    check_both("xr'a'", "IDENTIFIER:xr STRING_LITERAL:'a'");
    check_both("\"a\"", "DOUBLEQUOTED_STRING:\"a\"");
    check_both("'a", "UNRECOGNIZED:' IDENTIFIER:a");
    check_both("`a``b` `c``",
               "BACKQUOTED_IDENTIFIER:`a``b` BACKQUOTED_IDENTIFIER:`c` UNRECOGNIZED:`");
}
END_TEST

START_TEST(numbers)
{
    check_both("1 1L 1S 1Y 1e5 1e+5 1.5 .5 1. 1.5e3",
               "INTEGER_VALUE:1 BIGINT_LITERAL:1L SMALLINT_LITERAL:1S TINYINT_LITERAL:1Y "
               "EXPONENT_VALUE:1e5 EXPONENT_VALUE:1e+5 DECIMAL_VALUE:1.5 DECIMAL_VALUE:.5 "
               "DECIMAL_VALUE:1. EXPONENT_VALUE:1.5e3");
    check_both("1f 1.5D 1e2BD", "FLOAT_LITERAL:1f DOUBLE_LITERAL:1.5D BIGDECIMAL_LITERAL:1e2BD");
    check_both("1a 1e5x", "IDENTIFIER:1a IDENTIFIER:1e5x");
    check_both("1.5x", "INTEGER_VALUE:1 DOT:. IDENTIFIER:5x");
    check_both("1.5e+5x", "INTEGER_VALUE:1 DOT:. EXPONENT_VALUE:5e+5 BINARY_HEX:x");
    check_both("a.1", "IDENTIFIER:a DECIMAL_VALUE:.1");
}
END_TEST

START_TEST(versions)
{
    check("! !> << ::", HG_SQL_SPARK_35, "NOT:! LTE:!> LT:< LT:< COLON:: COLON::");
    check("! !> << :: |>", HG_SQL_SPARK_40,
          "BANG:! LTE:!> SHIFT_LEFT:<< DOUBLE_COLON::: OPERATOR_PIPE:|>");
    check("a>>b array<array<int>>", HG_SQL_SPARK_40,
          "IDENTIFIER:a SHIFT_RIGHT:>> IDENTIFIER:b ARRAY:array LT:< ARRAY:array LT:< INT:int GT:> "
          "GT:>");
    check("begin", HG_SQL_SPARK_35, "IDENTIFIER:begin");
    check("begin", HG_SQL_SPARK_40, "BEGIN:begin");
    check("s://a/b c", HG_SQL_SPARK_40, "IDENTIFIER:s://a/b IDENTIFIER:c");
}
END_TEST

START_TEST(beyond_ascii)
{
    check_both("\u017felect l\u0131ke", "SELECT:\u017felect LIKE:l\u0131ke");
    check_both("1\u017f", "SMALLINT_LITERAL:1\u017f");
    check("\u4e2d", HG_SQL_SPARK_35, "UNRECOGNIZED:\u4e2d");
    check("\u4e2da", HG_SQL_SPARK_40, "IDENTIFIER:\u4e2da");
    check("1\u00a02", HG_SQL_SPARK_35, "INTEGER_VALUE:1 UNRECOGNIZED:\u00a0 INTEGER_VALUE:2");
    check("1\u00a02\v3", HG_SQL_SPARK_40, "INTEGER_VALUE:1 INTEGER_VALUE:2 INTEGER_VALUE:3");
    check_both("\xff\xc3", "UNRECOGNIZED:\xff UNRECOGNIZED:\xc3");
}
END_TEST

START_TEST(nul_and_clean)
{
    g_autofree char *found = tokens_of("a\0b", 3, HG_SQL_SPARK_40);
    ck_assert_str_eq(found, "IDENTIFIER:a UNRECOGNIZED: IDENTIFIER:b");
    gsize position = 9;
    ck_assert(!hg_sql_text_is_clean(hg_slice("a\0b", 3), &position));
    ck_assert_uint_eq(position, 1);
    ck_assert(!hg_sql_text_is_clean(hg_slice("ab\xff", 3), &position));
    ck_assert_uint_eq(position, 2);
    ck_assert(hg_sql_text_is_clean(hg_slice("ab\u00e9", 4), &position));
    ck_assert(hg_sql_text_is_clean(hg_slice(NULL, 0), &position));
}
END_TEST

/* What stands behind the parenthesis that closes the first one. */
static void check_skip(const char *text, const char *rest)
{
    HgSqlLexer lexer;
    HgSqlToken token;
    hg_sql_lexer_init(&lexer, hg_slice_from_string(text), HG_SQL_SPARK_40);
    do {
        ck_assert(hg_sql_lexer_next(&lexer, &token));
    } while (token.kind != HG_SQL_TOKEN_LEFT_PAREN);
    hg_sql_lexer_skip_parentheses(&lexer);
    ck_assert_str_eq(text + lexer.at, rest);
}

START_TEST(skips_parentheses)
{
    check_skip("a (b (c) d) e", " e");
    check_skip("('(' \"(\" `(` r'\\' -- (\n /* ( /* ) */ ) */ x) y", " y");
    check_skip("(xr'\\'' ) y", " y");
    check_skip("(\u00e9r'\\'' ) y", " y");
    check_skip("(a://b--c) y", " y");
    check_skip("(a /*+ b */ - 1 / 2) y", " y");
    check_skip("(a ' b) y", " y");
    check_skip("('(' c' a://b ) y", " y");
    check_skip("(a (b)", "");
}
END_TEST

/* Four million quotes that nothing closes: were each looked for to the end, this would run for
 * hours. */
START_TEST(linear_in_unclosed_quotes)
{
    static const char *const patterns[] = {"'\\", "\"\\", "r'\\", "`a``"};
    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
        GString *text = g_string_new(NULL);
        while (text->len < 4000000)
            g_string_append(text, patterns[i]);
        HgSqlLexer lexer;
        HgSqlToken token;
        guint count = 0;
        hg_sql_lexer_init(&lexer, hg_slice(text->str, text->len), HG_SQL_SPARK_40);
        while (hg_sql_lexer_next(&lexer, &token))
            count++;
        ck_assert_uint_gt(count, 0);
        g_string_free(text, TRUE);
    }
}
END_TEST

Suite *lexer_suite(void)
{
    Suite *suite = suite_create("lexer");
    TCase *tcase = tcase_create("lexer");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, comments);
    tcase_add_test(tcase, unclosed_comments);
    tcase_add_test(tcase, strings);
    tcase_add_test(tcase, numbers);
    tcase_add_test(tcase, versions);
    tcase_add_test(tcase, beyond_ascii);
    tcase_add_test(tcase, nul_and_clean);
    tcase_add_test(tcase, skips_parentheses);
    tcase_add_test(tcase, linear_in_unclosed_quotes);
    suite_add_tcase(suite, tcase);
    return suite;
}
