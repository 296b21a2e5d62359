/* Tests of auth/json: what is refused, and how values are found and turned into texts. */
#include "auth/json.h"
#include "suites.h"

static const struct {
    const char *text;
    const char *why; /* NULL: it is read */
} texts[] = {
    {"{}", NULL},
    {"{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}", NULL},
    {"", "it is not JSON"},
    {"[]", "not an object"},
    {"\"a\"", "it is not JSON"},
    {"{\"a\":1} x", "it is not JSON"},
    {"{\"a\":1}{}", "it is not JSON"},
    {"{a:1}", "it is not JSON"},
    {"{\"a\":1,\"a\":1}", "twice"},
    {"{\"a\":1,\"\\u0061\":1}", "twice"},
    {"{\"b\":{\"a\":1,\"a\":2}}", "twice"},
    {"{\"a\":99999999999999999999}", "out of range"},
    {"{\"a\":1e999}", "out of range"},
    {"{\"a\":01}", "it is not JSON"},
    {"{\"a\":\"\xff\"}", "UTF-8"},
    {"{\"a\":\"\xed\xa0\x80\"}", "UTF-8"},
    {"{\"a\":\"\\ud800\"}", "it is not JSON"},
    {"{\"a\":\"\\u0000\"}", "it is not JSON"},
    {"{\"\\u0000\":1}", "it is not JSON"},
};

START_TEST(test_texts)
{
    g_autoptr(GError) error = NULL;
    json_auto_t *value = hg_json_read(hg_slice_from_string(texts[_i].text), &error);
    ck_assert_int_eq(value == NULL, texts[_i].why != NULL);
    if (value == NULL)
        ck_assert_msg(strstr(error->message, texts[_i].why) != NULL, "%s", error->message);
}
END_TEST

static char *nested(guint depth, const char *inside)
{
    GString *text = g_string_new("{\"a\":");
    for (guint i = 1; i < depth; i++)
        g_string_append_c(text, '[');
    g_string_append(text, inside);
    for (guint i = 1; i < depth; i++)
        g_string_append_c(text, ']');
    g_string_append_c(text, '}');
    return g_string_free(text, FALSE);
}

START_TEST(test_depth)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *fits = nested(HG_JSON_DEPTH_MAX, "1");
    g_autofree char *deep = nested(HG_JSON_DEPTH_MAX + 1, "1");
    g_autofree char *brackets = nested(2, "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"");
    json_auto_t *read = hg_json_read(hg_slice_from_string(fits), &error);
    ck_assert_ptr_nonnull(read);
    json_auto_t *string = hg_json_read(hg_slice_from_string(brackets), &error);
    ck_assert_ptr_nonnull(string);
    ck_assert_ptr_null(hg_json_read(hg_slice_from_string(deep), &error));
    ck_assert_msg(strstr(error->message, "nested") != NULL, "%s", error->message);
}
END_TEST

static const struct {
    const char *number;
    gint64 seconds; /* -1: none */
} times[] = {
    {"0", 0},
    {"1700000000", 1700000000},
    {"1700000000.9", 1700000000},
    {"1.7e9", 1700000000},
    {"-1", -1},
    {"-0.5", -1},
    {"253402300799", 253402300799},
    {"253402300800", -1},
    {"9223372036854775807", -1},
    {"1e300", -1},
    {"\"1700000000\"", -1},
    {"true", -1},
    {"null", -1},
    {"[1]", -1},
};

START_TEST(test_seconds)
{
    g_autofree char *text = g_strdup_printf("{\"t\":%s}", times[_i].number);
    json_auto_t *value = hg_json_read(hg_slice_from_string(text), NULL);
    gint64 seconds = -1;
    gboolean ok = hg_json_seconds(json_object_get(value, "t"), &seconds);
    ck_assert_int_eq(ok, times[_i].seconds >= 0);
    ck_assert_int_eq(seconds, times[_i].seconds);
}
END_TEST

#define CLAIMS                                                                                     \
    "{\"sub\":\"s\",\"realm_access\":{\"roles\":\"r\"},\"https://a.b/c\":\"u\","                   \
    "\"kubernetes.io\":{\"x/y~z\":\"k\"},\"a.b\":\"no\"}"

static const struct {
    const char *claim;
    const char *found; /* NULL: not there */
} finds[] = {
    {"sub", "s"},
    {"realm_access.roles", "r"},
    {"/realm_access/roles", "r"},
    {"https://a.b/c", "u"},
    {"/kubernetes.io/x~1y~0z", "k"},
    {"/a.b", "no"},
    {"a.b", NULL},
    {"kubernetes.io", NULL},
    {"sub.x", NULL},
    {"realm_access.", NULL},
    {"", NULL},
};

START_TEST(test_find)
{
    json_auto_t *claims = hg_json_read(hg_slice_from_string(CLAIMS), NULL);
    ck_assert_str_eq(json_string_value(hg_json_find(claims, "sub")), "s");
    ck_assert_int_eq(
        g_strcmp0(json_string_value(hg_json_find(claims, finds[_i].claim)), finds[_i].found), 0);
}
END_TEST

static const struct {
    const char *value;
    const char *texts; /* between '|'; NULL: none */
    const char *words;
} values[] = {
    {"\"a b\"", "a b", "a|b"},
    {"\"a b, c ,,d\"", "a b, c ,,d", "a b|c|d"},
    {"\"\"", "", ""},
    {"[\"a b\",\"c,d\"]", "a b|c,d", "a b|c,d"},
    {"[]", "", ""},
    {"5", "5", NULL},
    {"1.5", "1.5", NULL},
    {"true", "true", NULL},
    {"[1,true,\"x\"]", "1|true|x", NULL},
    {"null", NULL, NULL},
    {"{}", NULL, NULL},
    {"[\"a\",null]", NULL, NULL},
    {"[[\"a\"]]", NULL, NULL},
};

static void check_list(char **list, const char *expected)
{
    g_autofree char *joined = list != NULL ? g_strjoinv("|", list) : NULL;
    ck_assert_msg(g_strcmp0(joined, expected) == 0, "%s", joined != NULL ? joined : "nothing");
}

START_TEST(test_values)
{
    g_autofree char *text = g_strdup_printf("{\"v\":%s}", values[_i].value);
    json_auto_t *object = hg_json_read(hg_slice_from_string(text), NULL);
    const json_t *value = json_object_get(object, "v");
    g_auto(GStrv) texts_found = hg_json_texts(value);
    g_auto(GStrv) words_found = hg_json_words(value);
    check_list(texts_found, values[_i].texts);
    check_list(words_found, values[_i].words);
}
END_TEST

Suite *json_suite(void)
{
    Suite *suite = suite_create("auth/json");
    TCase *tests = tcase_create("json");
    tcase_add_loop_test(tests, test_texts, 0, G_N_ELEMENTS(texts));
    tcase_add_test(tests, test_depth);
    tcase_add_loop_test(tests, test_seconds, 0, G_N_ELEMENTS(times));
    tcase_add_loop_test(tests, test_find, 0, G_N_ELEMENTS(finds));
    tcase_add_loop_test(tests, test_values, 0, G_N_ELEMENTS(values));
    suite_add_tcase(suite, tests);
    return suite;
}
