/* Tests of auth/name: which names are let in. */
#include "auth/name.h"
#include "base/error.h"
#include "suites.h"

typedef gboolean (*Check)(HgSlice name, GError **error);

static void check_good(Check check, const char *const *names, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_msg(check(hg_slice_from_string(names[i]), &error), "%s",
                      error != NULL ? error->message : names[i]);
    }
}

static void check_bad(Check check, HgSlice name, const char *why)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!check(name, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
    ck_assert(!check(name, NULL));
}

#define BAD(check, literal, why) check_bad(check, hg_slice(literal, sizeof(literal) - 1), why)

START_TEST(test_good_users)
{
    static const char *const names[] = {
        "a",
        "alice",
        "Alice Smith",
        "j.doe-2_x",
        "J\xc3\xbcrgen",
        "a,b",
        "-x",
        "x#y",
        "\xe6\x97\xa5\xe6\x9c\xac",
        "user\\domain",
    };
    check_good(hg_user_name_check, names, G_N_ELEMENTS(names));
}
END_TEST

START_TEST(test_bad_users)
{
    BAD(hg_user_name_check, "", "is empty");
    BAD(hg_user_name_check, "a:b", "':'");
    BAD(hg_user_name_check, "alice@corp", "two users could become one");
    BAD(hg_user_name_check, "alice/admin", "two users could become one");
    BAD(hg_user_name_check, "#alice", "comment");
    BAD(hg_user_name_check, " alice", "white space");
    BAD(hg_user_name_check, "alice ", "white space");
    BAD(hg_user_name_check, "alice\xc2\xa0", "white space");
    BAD(hg_user_name_check, "al\nice", "control");
    BAD(hg_user_name_check, "al\x7fice", "control");
    BAD(hg_user_name_check, "al\xe2\x80\x8bice", "invisible");
    BAD(hg_user_name_check,
        "\xe2\x80\xae"
        "ecila",
        "invisible");
    BAD(hg_user_name_check, "al\xff", "UTF-8");
    BAD(hg_user_name_check, "al\0ice", "UTF-8");
    BAD(hg_user_name_check, "\xc0\xaf", "UTF-8");
}
END_TEST

START_TEST(test_length)
{
    g_autofree char *text = g_strnfill(257, 'x');
    ck_assert(hg_user_name_check(hg_slice(text, 256), NULL));
    check_bad(hg_user_name_check, hg_slice(text, 257), "256 bytes");
    ck_assert(hg_group_name_check(hg_slice(text, 256), NULL));
    check_bad(hg_group_name_check, hg_slice(text, 257), "256 bytes");
}
END_TEST

START_TEST(test_groups)
{
    static const char *const names[] = {"analysts", "g@corp", "cn=x/y", "#1"};
    check_good(hg_group_name_check, names, G_N_ELEMENTS(names));
    BAD(hg_group_name_check, "", "is empty");
    BAD(hg_group_name_check, "a,b", "','");
    BAD(hg_group_name_check, "a:b", "':'");
    BAD(hg_group_name_check, "a ", "white space");
    BAD(hg_group_name_check, "a\tb", "control");
}
END_TEST

/* Spellings that a directory may take for one name. */
START_TEST(test_skeletons)
{
    static const char *const same[][2] = {
        {"bob", "BOB"},
        {"bob", " b o  b\t"},
        {"bob", "bob@example.org"},
        {"bob", "Bob@EXAMPLE.ORG"},
        {"bob", "b\xc2\xadob"},                          /* a soft hyphen */
        {"bob", "b\xe2\x80\x8bob"},                      /* a space of no width */
        {"bob", "\xef\xbc\xa2\xef\xbc\xaf\xef\xbc\xa2"}, /* full-width */
        {"kim", "\xe2\x84\xaaim"},                       /* the sign of Kelvin */
        {"jurgen", "J\xc3\xbcrgen"},
        {"j\xc3\xbcrgen", "ju\xcc\x88rgen"},
        {"strasse", "stra\xc3\x9f"
                    "e"},
        {"istanbul", "\xc4\xb0stanbul"}, /* I with a dot */
        {"file", "\xef\xac\x81le"},      /* a ligature */
    };
    static const char *const other[][2] = {
        {"bob", "bobb"}, {"bob", "b-ob"}, {"bob", "bob1"},    {"a@b", "b"},
        {"@a", "@b"},    {"bob", ""},     {"x\xff", "y\xff"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(same); i++) {
        g_autofree char *a = hg_name_skeleton(same[i][0]);
        g_autofree char *b = hg_name_skeleton(same[i][1]);
        ck_assert_str_eq(a, b);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(other); i++) {
        g_autofree char *a = hg_name_skeleton(other[i][0]);
        g_autofree char *b = hg_name_skeleton(other[i][1]);
        ck_assert_str_ne(a, b);
    }
}
END_TEST

Suite *name_suite(void)
{
    Suite *suite = suite_create("auth/name");
    TCase *tcase = tcase_create("name");
    tcase_add_test(tcase, test_good_users);
    tcase_add_test(tcase, test_bad_users);
    tcase_add_test(tcase, test_length);
    tcase_add_test(tcase, test_groups);
    tcase_add_test(tcase, test_skeletons);
    suite_add_tcase(suite, tcase);
    return suite;
}
