/* Tests of wire/http_text: comma lists, percent-encoding, parameters of a query, cookies. */
#include "bytes.h"
#include "suites.h"
#include "wire/http_text.h"

START_TEST(test_names_in_any_case)
{
    ck_assert(hg_http_same_name(hg_slice_from_string("Content-Length"), "content-LENGTH"));
    ck_assert(!hg_http_same_name(hg_slice_from_string("Content-Lengt"), "Content-Length"));
    ck_assert(!hg_http_same_name(hg_slice_from_string("Content-Lengthy"), "Content-Length"));
    ck_assert(!hg_http_same_name(hg_slice("a\0", 2), "a"));
    ck_assert(!hg_http_same_name(hg_slice("a[", 2), "a{")); /* '[' + 32: no letters */
    ck_assert(hg_http_same_name(hg_slice(NULL, 0), ""));
}
END_TEST

START_TEST(test_comma_lists)
{
    static const struct {
        const char *list;
        const char *items[4];
    } cases[] = {
        {"", {NULL}}, {" \t", {NULL}}, {",", {NULL}},       {" , ,\t,", {NULL}},
        {"a", {"a"}}, {" a ", {"a"}},  {"a,b", {"a", "b"}}, {",\ta b ,, c\t,", {"a b", "c"}},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgSlice rest = hg_slice_from_string(cases[i].list);
        HgSlice item;
        for (guint j = 0; cases[i].items[j] != NULL; j++) {
            ck_assert_msg(hg_http_next_item(&rest, &item), "%s", cases[i].list);
            ck_assert_msg(hg_slice_equal_string(item, cases[i].items[j]), "%s", cases[i].list);
        }
        ck_assert_msg(!hg_http_next_item(&rest, &item), "%s", cases[i].list);
        guint count = 0;
        while (cases[i].items[count] != NULL)
            count++;
        rest = hg_slice_from_string(cases[i].list);
        while (count-- > 0) {
            ck_assert_msg(hg_http_last_item(&rest, &item), "%s", cases[i].list);
            ck_assert_msg(hg_slice_equal_string(item, cases[i].items[count]), "%s", cases[i].list);
        }
        ck_assert_msg(!hg_http_last_item(&rest, &item), "%s", cases[i].list);
    }
}
END_TEST

START_TEST(test_percent_decoding)
{
    static const struct {
        const char *text;
        const char *plain; /* NULL: it can't be decoded */
        const char *form;
    } cases[] = {
        {"", "", ""},
        {"alice", "alice", "alice"},
        {"a+b", "a+b", "a b"},
        {"a%2Bb", "a+b", "a+b"},
        {"%41%6a%6A", "Ajj", "Ajj"},
        {"%2541", "%41", "%41"}, /* once only */
        {"%C3%A9%ff", "\xc3\xa9\xff", "\xc3\xa9\xff"},
        {"%20", " ", " "},
        {"%0a", "\n", "\n"},
        {"%", NULL, NULL},
        {"a%", NULL, NULL},
        {"a%4", NULL, NULL},
        {"%4g", NULL, NULL},
        {"%g4", NULL, NULL},
        {"%%41", NULL, NULL},
        {"%+1", NULL, NULL},
        {"% 1", NULL, NULL},
        {"%00", NULL, NULL},
        {"a%00b", NULL, NULL},
        {"%u0041", NULL, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (guint plus = HG_HTTP_PLUS_IS_PLUS; plus <= HG_HTTP_PLUS_IS_SPACE; plus++) {
            const char *expected = plus == HG_HTTP_PLUS_IS_PLUS ? cases[i].plain : cases[i].form;
            gsize room = strlen(cases[i].text);
            g_autofree guint8 *in_place = g_memdup2(cases[i].text, MAX(room, 1));
            g_autofree guint8 *out = g_malloc(MAX(room, 1));
            gsize size = 999;
            gboolean done =
                hg_http_decode(hg_slice_from_string(cases[i].text), (HgHttpPlus)plus, out, &size);
            ck_assert_msg(done == (expected != NULL), "%s", cases[i].text);
            if (!done) {
                ck_assert_uint_eq(size, 999);
                continue;
            }
            ck_assert(hg_slice_equal_string(hg_slice(out, size), expected));
            ck_assert(hg_http_decode(hg_slice(in_place, room), (HgHttpPlus)plus, in_place, &size));
            ck_assert(hg_slice_equal_string(hg_slice(in_place, size), expected));
        }
    }
}
END_TEST

typedef struct {
    const char *text;
    guint found;
    const char *value;
} Find;

START_TEST(test_decoding_stays_inside)
{
    guint8 out[3];
    gsize size = 0;
    for (gsize cut = 1; cut < 3; cut++)
        ck_assert(!hg_http_decode(hg_slice("%41", cut), HG_HTTP_PLUS_IS_PLUS, out, &size));
    ck_assert(hg_http_decode(hg_slice("%41", 3), HG_HTTP_PLUS_IS_PLUS, out, &size));
    HgSlice value;
    ck_assert_uint_eq(hg_http_find_parameter(hg_slice("%61", 2), "a", &value), 0);
    ck_assert_uint_eq(hg_http_find_parameter(hg_slice("%61", 3), "a", &value), 1);
}
END_TEST

START_TEST(test_parameters)
{
    static const Find cases[] = {
        {"", 0, NULL},
        {"doAs", 1, ""},
        {"doAs=", 1, ""},
        {"doAs=bob", 1, "bob"},
        {"DOAS=bob", 1, "bob"},
        {"doas=bob=x", 1, "bob=x"},
        {"a=b&doAs=bob&c", 1, "bob"},
        {"&&doAs=bob&", 1, "bob"},
        {"doAs=bob&doas=carl", 2, "bob"},
        {"doAs=bob&doAs&DoAs=", 3, "bob"},
        {"do%41s=bo%62", 1, "bo%62"}, /* as a servlet reads it */
        {"%64%6F%41%53=bob", 1, "bob"},
        {"do%41s=bob&doAs=carl", 2, "bob"},
        {"xdoAs=bob", 0, NULL},
        {"doAsx=bob", 0, NULL},
        {"doA=s", 0, NULL},
        {"doAs+=bob", 0, NULL},
        {"doAs%=bob", 0, NULL},
        {"doAs%00=bob", 0, NULL},
        {"do%4=bob", 0, NULL},
        {"a=doAs=bob", 0, NULL},
        {"=doAs", 0, NULL},
        {"a;doAs=bob", 0, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        g_byte_array_append(bytes, (const guint8 *)cases[i].text, (guint)strlen(cases[i].text));
        HgSlice query = tight_copy(bytes, bytes->len);
        HgSlice value = hg_slice_from_string("as it was");
        ck_assert_msg(hg_http_find_parameter(query, "doAs", &value) == cases[i].found, "%s",
                      cases[i].text);
        const char *expected = cases[i].value != NULL ? cases[i].value : "as it was";
        ck_assert_msg(hg_slice_equal_string(value, expected), "%s", cases[i].text);
        g_free((guint8 *)query.data);
    }
}
END_TEST

START_TEST(test_cookies)
{
    static const Find cases[] = {
        {"", 0, NULL},
        {"hive.server2.auth", 0, NULL},
        {"hive.server2.auth=", 1, ""},
        {"hive.server2.auth=cu=alice&rn=1&s=x=", 1, "cu=alice&rn=1&s=x="},
        {"a=b; hive.server2.auth=v; c=d", 1, "v"},
        {"a=b;hive.server2.auth=v;c=d", 1, "v"},
        {"hive.server2.auth=\"cu=alice\"", 1, "cu=alice"},
        {"hive.server2.auth=\"", 1, "\""},
        {"hive.server2.auth=\"\"", 1, ""},
        {"hive.server2.auth =\tv ", 1, "v"},
        {"$Version=0; hive.server2.auth=v; $Path=/", 1, "v"},
        {"hive.server2.auth=v; hive.server2.auth=w", 2, "v"},
        {"Hive.Server2.Auth=v", 0, NULL},
        {"hive.server2.authx=v", 0, NULL},
        {"xhive.server2.auth=v", 0, NULL},
        {"hive.server2.aut=v", 0, NULL},
        {"a=hive.server2.auth=v", 0, NULL},
        {"a, hive.server2.auth=v", 0, NULL},
        {";;=; =v", 0, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        g_byte_array_append(bytes, (const guint8 *)cases[i].text, (guint)strlen(cases[i].text));
        HgSlice field = tight_copy(bytes, bytes->len);
        HgSlice value = hg_slice_from_string("as it was");
        ck_assert_msg(hg_http_find_cookie(field, "hive.server2.auth", &value) == cases[i].found,
                      "%s", cases[i].text);
        const char *expected = cases[i].value != NULL ? cases[i].value : "as it was";
        ck_assert_msg(hg_slice_equal_string(value, expected), "%s", cases[i].text);
        g_free((guint8 *)field.data);
    }
}
END_TEST

START_TEST(test_numbers)
{
    static const guint64 numbers[] = {0, 9, 10, 12345, G_MAXINT64, G_MAXUINT64};
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autofree char *expected = g_strdup_printf("%" G_GUINT64_FORMAT, numbers[i]);
        char out[HG_HTTP_NUMBER_MAX];
        gsize size = hg_http_write_number(out, numbers[i]);
        ck_assert_uint_eq(size, strlen(expected));
        ck_assert_mem_eq(out, expected, size);
    }
}
END_TEST

START_TEST(test_field_values)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"Wrong user name or password", "Wrong user name or password"},
        {"a\r\nSet-Cookie: x=1", "a  Set-Cookie: x=1"},
        {"tab\there \x01\x1b[31m\x7f", "tab here   [31m "},
        {"J\xc3\xbcrgen\xff", "J??rgen?"},
        {"0123456789012345678901234567890123456789", "01234567890123456789012345678901"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *value = hg_http_make_field_value(cases[i][0], 32);
        ck_assert_str_eq(value, cases[i][1]);
    }
}
END_TEST

Suite *http_text_suite(void)
{
    Suite *suite = suite_create("wire/http_text");
    TCase *texts = tcase_create("texts");
    tcase_add_test(texts, test_names_in_any_case);
    tcase_add_test(texts, test_comma_lists);
    tcase_add_test(texts, test_percent_decoding);
    tcase_add_test(texts, test_decoding_stays_inside);
    tcase_add_test(texts, test_parameters);
    tcase_add_test(texts, test_cookies);
    tcase_add_test(texts, test_numbers);
    tcase_add_test(texts, test_field_values);
    suite_add_tcase(suite, texts);
    return suite;
}
