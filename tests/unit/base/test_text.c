/* Tests of base/text: numbers, durations, sizes, quoting, nearest names. */
#include "base/error.h"
#include "base/text.h"
#include "suites.h"

typedef gboolean (*Parse)(const char *text, gint64 *out, GError **error);

typedef struct {
    const char *text;
    gint64 value; /* -1: refused */
} Case;

#define REFUSED -1

static void check_all(Parse parse, const Case *cases, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        gint64 value = 4711;
        g_autoptr(GError) error = NULL;
        gboolean ok = parse(cases[i].text, &value, &error);
        if (cases[i].value == REFUSED) {
            ck_assert_msg(!ok, "\"%s\" was taken", cases[i].text);
            ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
            ck_assert_int_eq(value, 4711);
        } else {
            ck_assert_msg(ok, "\"%s\" was refused", cases[i].text);
            ck_assert_int_eq(value, cases[i].value);
        }
    }
}

START_TEST(test_integer)
{
    static const Case cases[] = {
        {"0", 0},          {"007", 7},       {"9223372036854775807", G_MAXINT64},
        {"", REFUSED},     {"-", REFUSED},   {"+1", REFUSED},
        {" 1", REFUSED},   {"1 ", REFUSED},  {"1.0", REFUSED},
        {"0x10", REFUSED}, {"1e3", REFUSED}, {"9223372036854775808", REFUSED},
        {"two", REFUSED},  {"--1", REFUSED}, {"99999999999999999999", REFUSED},
    };
    check_all(hg_text_parse_integer, cases, G_N_ELEMENTS(cases));
    gint64 value = 0;
    ck_assert(hg_text_parse_integer("-12", &value, NULL));
    ck_assert_int_eq(value, -12);
}
END_TEST

START_TEST(test_duration)
{
    static const Case cases[] = {
        {"0", 0},          {"500ms", 500},     {"20s", 20000},
        {"2m", 120000},    {"1h", 3600000},    {"7d", 604800000},
        {"0s", 0},         {"20", REFUSED},    {"20 s", REFUSED},
        {"-1s", REFUSED},  {"1.5s", REFUSED},  {"1M", REFUSED},
        {"s", REFUSED},    {"", REFUSED},      {"1sec", REFUSED},
        {"20s ", REFUSED}, {"1m30s", REFUSED}, {"9223372036854775807d", REFUSED},
        {"+5s", REFUSED},  {" 5s", REFUSED},   {"106751991168d", REFUSED},
    };
    check_all(hg_text_parse_duration, cases, G_N_ELEMENTS(cases));
}
END_TEST

START_TEST(test_size)
{
    static const Case cases[] = {
        {"0", 0},
        {"4096", 4096},
        {"4096B", 4096},
        {"64KiB", 65536},
        {"1MiB", 1048576},
        {"1GiB", 1073741824},
        {"2TiB", G_GINT64_CONSTANT(2199023255552)},
        {"1KB", REFUSED},
        {"1kib", REFUSED},
        {"1 MiB", REFUSED},
        {"-1", REFUSED},
        {"", REFUSED},
        {"MiB", REFUSED},
        {"8388608TiB", REFUSED},
    };
    check_all(hg_text_parse_size, cases, G_N_ELEMENTS(cases));
}
END_TEST

static void check_format(char *(*format)(gint64), Parse parse, gint64 value, const char *expected)
{
    gint64 back = -1;
    g_autofree char *text = format(value);
    ck_assert_str_eq(text, expected);
    ck_assert(parse(text, &back, NULL));
    ck_assert_int_eq(back, value);
}

START_TEST(test_format)
{
    check_format(hg_text_format_duration, hg_text_parse_duration, 0, "0");
    check_format(hg_text_format_duration, hg_text_parse_duration, 1, "1ms");
    check_format(hg_text_format_duration, hg_text_parse_duration, 90000, "90s");
    check_format(hg_text_format_duration, hg_text_parse_duration, 86400000, "1d");
    check_format(hg_text_format_duration, hg_text_parse_duration, G_MAXINT64,
                 "9223372036854775807ms");
    check_format(hg_text_format_size, hg_text_parse_size, 0, "0");
    check_format(hg_text_format_size, hg_text_parse_size, 1, "1B");
    check_format(hg_text_format_size, hg_text_parse_size, 104857600, "100MiB");
    check_format(hg_text_format_size, hg_text_parse_size, 1025, "1025B");
    check_format(hg_text_format_size, hg_text_parse_size, G_GINT64_CONSTANT(1) << 40, "1TiB");
}
END_TEST

static void check_quote(const char *bytes, gsize size, const char *expected)
{
    g_autofree char *quoted = hg_text_quote(hg_slice(bytes, size));
    ck_assert_str_eq(quoted, expected);
}

#define QUOTE(literal, expected) check_quote(literal, sizeof(literal) - 1, expected)

START_TEST(test_quote)
{
    QUOTE("", "\"\"");
    QUOTE("plain", "\"plain\"");
    QUOTE("a\"b\\c", "\"a\\\"b\\\\c\"");
    QUOTE("\n\r\t\b\f", "\"\\n\\r\\t\\b\\f\"");
    QUOTE("a\0b\x7f\x1b[31m", "\"a\\u0000b\\u007f\\u001b[31m\"");
    QUOTE("gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"");
    QUOTE("\xe6\x97\xa5", "\"\xe6\x97\xa5\"");
    QUOTE("\xf0\x9f\x90\x9d", "\"\xf0\x9f\x90\x9d\"");       /* a bee shows as itself */
    QUOTE("\xc2\x85", "\"\\u0085\"");                        /* C1 control: next line */
    QUOTE("\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\""); /* line, paragraph separator */
    QUOTE("\xe2\x80\xae", "\"\\u202e\"");                    /* right-to-left override */
    QUOTE("\xe2\x80\x8b", "\"\\u200b\"");                    /* zero-width space */
    QUOTE("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\"");         /* a tag character */
}
END_TEST

#define BAD "\xef\xbf\xbd"

START_TEST(test_quote_invalid)
{
    QUOTE("\xff", "\"" BAD "\"");
    QUOTE("a\x80z", "\"a" BAD "z\"");
    QUOTE("\xc3", "\"" BAD "\""); /* cut in the middle of a character */
    QUOTE("\xe2\x80", "\"" BAD BAD "\"");
    QUOTE("\xc0\xaf", "\"" BAD BAD "\"");         /* overlong '/' */
    QUOTE("\xed\xa0\x80", "\"" BAD BAD BAD "\""); /* a surrogate */
    QUOTE("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"");
}
END_TEST

START_TEST(test_quote_cuts)
{
    g_autofree char *text = g_strnfill(5000, 'x');
    g_autofree char *quoted = hg_text_quote(hg_slice(text, 5000));
    ck_assert_uint_le(strlen(quoted), 100);
    ck_assert(g_str_has_suffix(quoted, "...\""));
    g_autofree char *exact = hg_text_quote(hg_slice(text, 80));
    ck_assert(!g_str_has_suffix(exact, "...\""));
}
END_TEST

/* TRUE when one character was taken and came out as it should. */
static gboolean escapes_well(HgSlice *rest)
{
    char out[HG_TEXT_ESCAPE_MAX + 1];
    gsize before = rest->size;
    gsize written = hg_text_escape_next(rest, out);
    gboolean well = rest->size < before && written >= 1 && written <= HG_TEXT_ESCAPE_MAX &&
                    g_utf8_validate(out, (gssize)written, NULL);
    for (gsize i = 0; i < written; i++)
        well = well && (guint8)out[i] >= 0x20;
    return well;
}

/* Whatever the bytes are: valid UTF-8 comes out, no control character, and every byte is used. */
START_TEST(test_escape_any_bytes)
{
    GRand *random = g_rand_new_with_seed(20);
    for (int round = 0; round < 20000; round++) {
        guint8 bytes[12];
        gsize size = (gsize)g_rand_int_range(random, 1, sizeof bytes);
        for (gsize i = 0; i < size; i++)
            bytes[i] = (guint8)g_rand_int_range(random, 0, 256);
        HgSlice rest = hg_slice(bytes, size);
        gboolean well = TRUE;
        while (well && rest.size > 0)
            well = escapes_well(&rest);
        if (!well || rest.data != bytes + size)
            ck_abort_msg("round %d", round);
    }
    g_rand_free(random);
}
END_TEST

START_TEST(test_nearest)
{
    static const char *const words[] = {"workers", "listeners", "pools", "limits", "log", "tcp"};
    gsize count = G_N_ELEMENTS(words);
    ck_assert_str_eq(hg_text_nearest("worker", words, count), "workers");
    ck_assert_str_eq(hg_text_nearest("wokrers", words, count), "workers");
    ck_assert_str_eq(hg_text_nearest("listners", words, count), "listeners");
    ck_assert_str_eq(hg_text_nearest("pool", words, count), "pools");
    ck_assert_str_eq(hg_text_nearest("lgo", words, count), "log");
    ck_assert_str_eq(hg_text_nearest("tcp", words, count), "tcp");
    ck_assert_ptr_null(hg_text_nearest("authentication", words, count));
    ck_assert_ptr_null(hg_text_nearest("x", words, count));
    ck_assert_ptr_null(hg_text_nearest("tls", words, count));
    ck_assert_ptr_null(hg_text_nearest("", words, count));
    ck_assert_ptr_null(hg_text_nearest("workers", words, 0));
    g_autofree char *endless = g_strnfill(100000, 'w');
    ck_assert_ptr_null(hg_text_nearest(endless, words, count));
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("base/text");
    TCase *tcase = tcase_create("text");
    tcase_add_test(tcase, test_integer);
    tcase_add_test(tcase, test_duration);
    tcase_add_test(tcase, test_size);
    tcase_add_test(tcase, test_format);
    tcase_add_test(tcase, test_quote);
    tcase_add_test(tcase, test_quote_invalid);
    tcase_add_test(tcase, test_quote_cuts);
    tcase_add_test(tcase, test_escape_any_bytes);
    tcase_add_test(tcase, test_nearest);
    suite_add_tcase(suite, tcase);
    return suite;
}
