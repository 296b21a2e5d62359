/* Tests of proxy/clean_error: nothing but the class, and a name that the user wrote. */
#include "proxy/clean_error.h"
#include "suites.h"

#include <string.h>

static void check(const char *message, const char *sent, const char *expected)
{
    g_autofree char *text = hg_clean_error_text(message, sent, "00ff");
    g_autofree char *head = g_strconcat("hivegate: the endpoint reports an error", expected, NULL);
    ck_assert_msg(g_str_has_prefix(text, head), "%s", text);
    ck_assert(strstr(text, "reference 00ff") != NULL);
    ck_assert(strstr(text, "SECRET") == NULL);
}

START_TEST(test_classes)
{
    check("Error running query: [CAST_INVALID_INPUT] The value 'SECRET' of the type", NULL,
          ": [CAST_INVALID_INPUT]. More");
    check("[DATATYPE_MISMATCH.SECRET_ONE] x", NULL, ": [DATATYPE_MISMATCH]. More");
    check("For input string: [SECRET]", NULL, ". More");
    check("[SECRET] [DIVIDE_BY_ZERO] x", NULL, ": [DIVIDE_BY_ZERO]. More");
    check("[DIVIDE_BY_ZERO.secret] x", NULL, ". More");
    check("[[DIVIDE_BY_ZERO", NULL, ". More");
    check("", NULL, ". More");
    check(NULL, NULL, ". More");
}
END_TEST

START_TEST(test_names)
{
    const char *message = "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `Nope` cannot be "
                          "resolved. Did you mean one of [`p_1`.`SECRET`]";
    check(message, "SELECT nope FROM emp", ": [UNRESOLVED_COLUMN] with the name `Nope`. More");
    check(message, "SELECT other FROM emp", ": [UNRESOLVED_COLUMN]. More");
    check(message, NULL, ": [UNRESOLVED_COLUMN]. More");
    check("[UNRESOLVED_COLUMN.X] name `a b`", "a b", ": [UNRESOLVED_COLUMN]. More");
    check("[UNRESOLVED_COLUMN.X] name ``", "a", ": [UNRESOLVED_COLUMN]. More");
    check("name `SECRET`", "SELECT SECRET", ". More");
    ck_assert(hg_clean_error_is_of_names(message));
    ck_assert(!hg_clean_error_is_of_names("[DIVIDE_BY_ZERO] name `x`"));
    ck_assert(!hg_clean_error_is_of_names(NULL));
}
END_TEST

Suite *clean_error_suite(void)
{
    Suite *suite = suite_create("proxy/clean_error");
    TCase *tests = tcase_create("texts");
    tcase_add_test(tests, test_classes);
    tcase_add_test(tests, test_names);
    suite_add_tcase(suite, tests);
    return suite;
}
