/* Tests of auth/cookie: what is made is taken, and nothing else is. */
#include "auth/cookie.h"
#include "suites.h"

#include <string.h>

#define NOW 1700000000

/* 256 bytes, the most a name may have */
#define TEN     "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONGEST HUNDRED HUNDRED TEN TEN TEN TEN TEN "123456"

static const char key_text[] = "0123456789abcdef0123456789abcdef";

static HgCookies *make_cookies(const char *key)
{
    HgCookies *cookies = NULL;
    ck_assert(hg_cookies_new(hg_slice_from_string(key), 100, &cookies, NULL));
    return cookies;
}

static gboolean good(HgCookies *cookies, const char *value, const char *evidence, gint64 now)
{
    HgCookieClaim claim;
    return hg_cookies_read(hg_slice_from_string(value), &claim) &&
           hg_cookies_check(cookies, &claim, hg_slice_from_string(evidence), now);
}

START_TEST(test_made_and_taken)
{
    static const char *const users[] = {"alice", "a b&c=d;e", "j\u00fcrgen", "x", "four", LONGEST};
    const char *user = users[_i];
    g_autoptr(HgCookies) cookies = make_cookies(key_text);
    g_autoptr(HgCookies) other_gateway = make_cookies(key_text);
    g_autoptr(HgCookies) other_key = make_cookies("0123456789abcdef0123456789abcdeF");
    g_autofree char *value = hg_cookies_make(cookies, user, hg_slice_from_string("hash"), NOW);
    HgCookieClaim claim;
    ck_assert(hg_cookies_read(hg_slice_from_string(value), &claim));
    ck_assert_str_eq(claim.user, user);
    ck_assert_int_eq(claim.expires, NOW + 100);
    ck_assert(strpbrk(value, " ;,\"\\") == NULL);
    ck_assert(good(cookies, value, "hash", NOW));
    ck_assert(good(cookies, value, "hash", NOW + 99));
    ck_assert(!good(cookies, value, "hash", NOW + 100));
    ck_assert(good(other_gateway, value, "hash", NOW - 60)); /* whose clock is late */
    ck_assert(!good(cookies, value, "hash", NOW - 61)); /* made in the future: a clock is wrong */
    ck_assert(!good(cookies, value, "another hash", NOW));
    ck_assert(!good(cookies, value, "", NOW));
    ck_assert(good(other_gateway, value, "hash", NOW));
    ck_assert(!good(other_key, value, "hash", NOW));
}
END_TEST

/* Every character changed, left out or doubled. */
START_TEST(test_tampered)
{
    g_autoptr(HgCookies) cookies = make_cookies(key_text);
    g_autofree char *value = hg_cookies_make(cookies, "alice", hg_slice_from_string("h"), NOW);
    gsize size = strlen(value);
    for (gsize i = 0; i < size; i++) {
        for (int how = 0; how < 4; how++) {
            g_autoptr(GString) text = g_string_new(value);
            if (how == 0)
                text->str[i] ^= 1;
            else if (how == 1)
                text->str[i] = (char)(text->str[i] == 'A' ? 'B' : 'A');
            else if (how == 2)
                g_string_erase(text, (gssize)i, 1);
            else
                g_string_insert_c(text, (gssize)i, text->str[i]);
            ck_assert_msg(!good(cookies, text->str, "h", NOW), "%s", text->str);
        }
    }
    ck_assert(good(cookies, value, "h", NOW));
}
END_TEST

START_TEST(test_values_of_others)
{
    static const char *const values[] = {
        "",
        "cu=alice&rn=123&s=AbCd=",
        "v=1&cu=YWxpY2U&ex=1700000050&s=",
        "v=1&cu=YWxpY2U&ex=-5&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpY2U&ex=99999999999999999999&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=!!!!&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpY2U&ex=01700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpY2V&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* spare bits
                                                                                       */
        "v=1&cu=YWxpY2U=&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpYQB&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpY&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpY2U&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpY2U&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&x=1",
        "v=1&cu=YWxpY2U&ex=&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1",
        "v=2&cu=YWxpY2U&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "v=1&cu=YWxpY2U&ex=1700000050&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    enum { READABLE = G_N_ELEMENTS(values) - 1 }; /* the last one only lacks the right MAC */
    g_autoptr(HgCookies) cookies = make_cookies(key_text);
    HgCookieClaim claim;
    ck_assert_int_eq(hg_cookies_read(hg_slice_from_string(values[_i]), &claim), _i == READABLE);
    ck_assert(!good(cookies, values[_i], "h", NOW));
}
END_TEST

START_TEST(test_keys)
{
    HgCookies *cookies = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_cookies_new(hg_slice_from_string("short"), 100, &cookies, &error));
    ck_assert(strstr(error->message, "at least 32") != NULL);
    g_autoptr(HgCookies) one = make_cookies("");
    g_autoptr(HgCookies) two = make_cookies("");
    g_autofree char *value = hg_cookies_make(one, "alice", hg_slice_from_string("h"), NOW);
    ck_assert(good(one, value, "h", NOW));
    ck_assert(!good(two, value, "h", NOW)); /* random keys */
    ck_assert_uint_eq(hg_cookies_max_age(one), 100);
}
END_TEST

Suite *cookie_suite(void)
{
    Suite *suite = suite_create("auth/cookie");
    TCase *tcase = tcase_create("cookie");
    tcase_add_loop_test(tcase, test_made_and_taken, 0, 6);
    tcase_add_test(tcase, test_tampered);
    tcase_add_loop_test(tcase, test_values_of_others, 0, 18);
    tcase_add_test(tcase, test_keys);
    suite_add_tcase(suite, tcase);
    return suite;
}
