/* Tests of sql/keywords: every word is found by its spelling, and nothing else is. */
#include "sql/keywords.h"
#include "suites.h"

#include <string.h>

START_TEST(finds_every_word)
{
    ck_assert_uint_gt(hg_sql_keyword_count(), 380);
    for (gsize i = 0; i < hg_sql_keyword_count(); i++) {
        const HgSqlKeyword *word = hg_sql_keyword_at(i);
        HOLDS(strlen(word->text) == word->length && word->length <= HG_SQL_KEYWORD_MAX);
        HOLDS(hg_sql_keyword_find(word->text, word->length) == word);
        HOLDS(hg_sql_token_classes((HgSqlTokenKind)word->kind) != 0);
    }
}
END_TEST

START_TEST(finds_nothing_else)
{
    static const char *const others[] = {
        "", "select", "SELEC", "SELECTS", "XX", "PERCENTLIT", "TIMESTAMP_NTZ_AND_MORE"};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        ck_assert_ptr_null(hg_sql_keyword_find(others[i], strlen(others[i])));
}
END_TEST

START_TEST(knows_what_words_are)
{
    ck_assert_uint_eq(hg_sql_token_classes(HG_SQL_TOKEN_JOIN) & HG_SQL_JOIN_35, HG_SQL_JOIN_35);
    ck_assert_uint_eq(hg_sql_token_classes(HG_SQL_TOKEN_JOIN) & HG_SQL_NAME_35, 0);
    ck_assert_uint_ne(hg_sql_token_classes(HG_SQL_TOKEN_SELECT) & HG_SQL_NAME_40, 0);
    ck_assert_uint_eq(hg_sql_token_classes(HG_SQL_TOKEN_SELECT) & HG_SQL_ANSI_NAME_40, 0);
    ck_assert_uint_eq(hg_sql_token_classes(HG_SQL_TOKEN_BEGIN) & HG_SQL_WORD_35, 0);
    ck_assert_uint_eq(hg_sql_token_classes(HG_SQL_TOKEN_COMMA), 0);
    ck_assert_str_eq(hg_sql_token_name(HG_SQL_TOKEN_SETMINUS), "SETMINUS");
    ck_assert_str_eq(hg_sql_token_name(HG_SQL_TOKEN_UNRECOGNIZED), "UNRECOGNIZED");
}
END_TEST

Suite *keywords_suite(void)
{
    Suite *suite = suite_create("keywords");
    TCase *tcase = tcase_create("keywords");
    tcase_add_test(tcase, finds_every_word);
    tcase_add_test(tcase, finds_nothing_else);
    tcase_add_test(tcase, knows_what_words_are);
    suite_add_tcase(suite, tcase);
    return suite;
}
