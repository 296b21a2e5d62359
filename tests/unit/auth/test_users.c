/* Tests of auth/users: what a users file may hold, and that every error of it is named. */
#include "auth/users.h"
#include "base/error.h"
#include "fixtures.h"
#include "suites.h"

#include <sys/stat.h>
#include <unistd.h>

#define HASH "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6"

static HgUsers *parse(const char *text)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    HgUsers *users = hg_users_parse("users.txt", hg_slice_from_string(text), problems);
    ck_assert_msg(users != NULL, "%s",
                  users != NULL ? "" : (const char *)g_ptr_array_index(problems, 0));
    ck_assert_uint_eq(problems->len, 0);
    return users;
}

START_TEST(test_good_file)
{
    g_autoptr(HgUsers) users = parse("# users\n"
                                     "\n"
                                     "alice:" HASH "\n"
                                     "  \t\n"
                                     "bob:" HASH ":analysts,cn=ops/eu\r\n"
                                     "J\xc3\xbcrgen:" HASH ":");
    ck_assert_uint_eq(hg_users_count(users), 3);
    const char *hash = NULL;
    HgPrincipal *bob = hg_users_find(users, hg_slice_from_string("bob"), &hash);
    ck_assert_ptr_eq(bob, hg_users_nth(users, 1));
    ck_assert_str_eq(hash, HASH);
    ck_assert_str_eq(hg_principal_realm(bob), "users");
    ck_assert_str_eq(hg_principal_groups(bob)[0], "analysts");
    ck_assert_str_eq(hg_principal_groups(bob)[1], "cn=ops/eu");
    ck_assert_ptr_null(hg_principal_groups(bob)[2]);
    ck_assert_ptr_null(hg_principal_groups(hg_users_nth(users, 0))[0]);
    ck_assert_str_eq(hg_principal_name(hg_users_nth(users, 2)), "J\xc3\xbcrgen");
}
END_TEST

START_TEST(test_find)
{
    g_autoptr(HgUsers) users = parse("alice:" HASH "\n");
    static const char *const unknown[] = {"", "Alice", "alic", "alicee", " alice", "alice:"};
    const char *hash = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(unknown); i++)
        ck_assert_ptr_null(hg_users_find(users, hg_slice_from_string(unknown[i]), &hash));
    ck_assert_ptr_null(hg_users_find(users, hg_slice("alice\0x", 7), &hash));
    g_autofree char *endless = g_strnfill(100000, 'a');
    ck_assert_ptr_null(hg_users_find(users, hg_slice(endless, 100000), &hash));
    ck_assert_ptr_null(hash);
    ck_assert_ptr_nonnull(hg_users_find(users, hg_slice("alice and more", 5), &hash));
}
END_TEST

START_TEST(test_empty)
{
    static const char *const texts[] = {"", "\n\n", "# nobody", "\xef\xbb\xbf# nobody\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(HgUsers) users = parse(texts[i]);
        ck_assert_uint_eq(hg_users_count(users), 0);
        ck_assert_ptr_nonnull(hg_users_decoy(users, hg_slice_from_string("x")));
    }
    g_autoptr(HgUsers) bom = parse("\xef\xbb\xbf"
                                   "alice:" HASH "\n");
    const char *hash = NULL;
    ck_assert_ptr_nonnull(hg_users_find(bom, hg_slice_from_string("alice"), &hash));
}
END_TEST

static void check_problem(const char *text, gsize size, const char *expected)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HgUsers) users = hg_users_parse("u", hg_slice(text, size), problems);
    ck_assert_msg(users == NULL, "taken: %s", text);
    ck_assert_uint_eq(problems->len, 1);
    const char *problem = g_ptr_array_index(problems, 0);
    ck_assert_msg(strstr(problem, expected) != NULL, "%s", problem);
}

#define PROBLEM(literal, expected) check_problem(literal, sizeof(literal) - 1, expected)

START_TEST(test_problems)
{
    PROBLEM("alice\n", "u:1: no ':'");
    PROBLEM("\n#\nalice:\n", "u:3: the hash");
    PROBLEM("alice:secret\n", "u:1: the hash is of no method");
    PROBLEM("alice:$y$j9T$abc$cut\n", "u:1: the hash is cut");
    PROBLEM(":" HASH "\n", "u:1: \"\" can't be the name of a user: it is empty");
    PROBLEM("a@b:" HASH "\n", "two users could become one");
    PROBLEM(" alice:" HASH "\n", "white space");
    PROBLEM("alice :" HASH "\n", "white space");
    PROBLEM("al\xff:" HASH "\n", "UTF-8");
    PROBLEM("alice:" HASH ":a,,b\n", "group");
    PROBLEM("alice:" HASH ":a,\n", "nothing follows the last ','");
    PROBLEM("alice:" HASH ":a:b\n", "group");
    PROBLEM("alice:" HASH ": a\n", "white space");
    PROBLEM("alice:" HASH "\0\n", "u:1: the line holds a NUL byte");
    PROBLEM("alice:" HASH "\nbob:" HASH "\nalice:" HASH "\n",
            "u:3: the user \"alice\" is on line 1");
}
END_TEST

START_TEST(test_long_line)
{
    g_autofree char *group = g_strnfill(5000, 'g');
    g_autofree char *text = g_strconcat("alice:" HASH ":", group, "\n", NULL);
    check_problem(text, strlen(text), "longer than 4096 bytes");
    GString *many = g_string_new("alice:" HASH ":g");
    for (int i = 0; i < 256; i++)
        g_string_append(many, ",g");
    check_problem(many->str, many->len, "more than 256 groups");
    g_string_free(many, TRUE);
}
END_TEST

START_TEST(test_all_problems)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HgUsers) users =
        hg_users_parse("u", hg_slice_from_string("x\nalice:" HASH "\ny\n\nz:z\n"), problems);
    ck_assert_ptr_null(users);
    ck_assert_uint_eq(problems->len, 3);
    ck_assert(g_str_has_prefix(g_ptr_array_index(problems, 0), "u:1: "));
    ck_assert(g_str_has_prefix(g_ptr_array_index(problems, 1), "u:3: "));
    ck_assert(g_str_has_prefix(g_ptr_array_index(problems, 2), "u:5: "));

    g_autoptr(GPtrArray) many = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *garbage = g_strnfill(20000, 'x');
    for (int i = 1; i < 20000; i += 2)
        garbage[i] = '\n';
    ck_assert_ptr_null(hg_users_parse("u", hg_slice_from_string(garbage), many));
    ck_assert_uint_eq(many->len, 100);
}
END_TEST

START_TEST(test_load)
{
    g_autofree char *path = write_file("alice:" HASH "\n");
    g_autoptr(HgUsers) users = NULL;
    HgFileExposure exposure = HG_FILE_WRITABLE;
    ck_assert(hg_users_load(path, &users, &exposure, NULL, NULL));
    ck_assert_int_eq(exposure, HG_FILE_PRIVATE);
    ck_assert_int_eq(chmod(path, 0644), 0);
    g_autoptr(HgUsers) again = NULL;
    ck_assert(hg_users_load(path, &again, &exposure, NULL, NULL));
    ck_assert_int_eq(exposure, HG_FILE_READABLE);

    rewrite_file(path, "x\ny\n");
    HgUsers *untouched = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_users_load(path, &untouched, &exposure, NULL, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    ck_assert_ptr_nonnull(strstr(error->message, ":1: "));
    ck_assert_ptr_nonnull(strstr(error->message, "(and 1 more)"));
    ck_assert_ptr_null(untouched);
    unlink(path);

    g_autoptr(GError) gone = NULL;
    ck_assert(!hg_users_load(path, &untouched, &exposure, NULL, &gone));
    ck_assert(g_error_matches(gone, HG_ERROR, HG_ERROR_IO));
}
END_TEST

START_TEST(test_decoy)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 10; i++) {
        g_autofree char *hash = g_strdup(HASH);
        hash[4] = (char)('a' + i); /* ten users with ten salts */
        g_string_append_printf(text, "user%d:%s\n", i, hash);
    }
    g_autoptr(HgUsers) users = parse(text->str);
    gboolean used[10] = {0};
    for (int i = 0; i < 1000; i++) {
        g_autofree char *name = g_strdup_printf("nobody%d", i);
        const char *decoy = hg_users_decoy(users, hg_slice_from_string(name));
        ck_assert_str_eq(decoy, hg_users_decoy(users, hg_slice_from_string(name)));
        used[decoy[4] - 'a'] = TRUE;
    }
    for (int i = 0; i < 10; i++)
        ck_assert(used[i]);
}
END_TEST

/* Many users are read in a moment: nothing is hashed or compared pairwise. */
START_TEST(test_many)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 100000; i++)
        g_string_append_printf(text, "user%d:" HASH ":group%d\n", i, i % 10);
    g_autoptr(HgUsers) users = parse(text->str);
    ck_assert_uint_eq(hg_users_count(users), 100000);
    const char *hash = NULL;
    ck_assert_ptr_nonnull(hg_users_find(users, hg_slice_from_string("user99999"), &hash));
}
END_TEST

Suite *users_suite(void)
{
    Suite *suite = suite_create("auth/users");
    TCase *tcase = tcase_create("users");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_good_file);
    tcase_add_test(tcase, test_find);
    tcase_add_test(tcase, test_empty);
    tcase_add_test(tcase, test_problems);
    tcase_add_test(tcase, test_long_line);
    tcase_add_test(tcase, test_all_problems);
    tcase_add_test(tcase, test_load);
    tcase_add_test(tcase, test_decoy);
    tcase_add_test(tcase, test_many);
    suite_add_tcase(suite, tcase);
    return suite;
}
