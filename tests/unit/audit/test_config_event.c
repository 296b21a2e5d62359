/* Tests of audit/config_event: differences that turn the one text into the other, and the event. */
#include "audit/config_event.h"
#include "audit/fields.h"
#include "suites.h"

static char *difference(const char *before, const char *after)
{
    return hg_config_difference(hg_slice_from_string(before), hg_slice_from_string(after));
}

START_TEST(test_differences)
{
    static const struct {
        const char *before, *after, *lines;
    } rows[] = {
        {"", "", ""},
        {"a\nb\n", "a\nb\n", ""},
        {"a\nb\n", "a\nb", ""},
        {"", "a\n", "+a\n"},
        {"a\n", "", "-a\n"},
        {"a\nb\nc\n", "a\nx\nc\n", "-b\n+x\n"},
        {"a\nb\nc\nd\n", "a\nc\nd\ne\n", "-b\n+e\n"},
        {"a\nb\n", "b\na\n", "-a\n+a\n"},
        {"a\n\n\nb\n", "a\n\nb\n", "-\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *lines = difference(rows[i].before, rows[i].after);
        ck_assert_msg(strcmp(lines, rows[i].lines) == 0, "row %zu: %s", i, lines);
    }
}
END_TEST

START_TEST(test_too_many_lines)
{
    g_autoptr(GString) before = g_string_new("same\n");
    g_autoptr(GString) after = g_string_new("same\n");
    for (guint i = 0; i < 4000; i++) {
        g_string_append_printf(before, "old %u\n", i);
        g_string_append_printf(after, "new %u\n", i);
    }
    g_autofree char *lines = difference(before->str, after->str);
    guint minus = 0, plus = 0;
    for (const char *at = lines; *at != '\0'; at = strchr(at, '\n') + 1) {
        minus += *at == '-';
        plus += *at == '+';
    }
    ck_assert_uint_eq(minus, 4000);
    ck_assert_uint_eq(plus, 4000);
}
END_TEST

START_TEST(test_event)
{
    HgSlice before = hg_slice_from_string("a: 1\n"), text = hg_slice_from_string("a: 2\n");
    g_autoptr(HgConfigEvent) config = hg_config_event_new("configuration", text, &before);
    HgAuditEvent event;
    HgBuffer out;
    hg_config_event_fill(config, &event);
    hg_buffer_init(&out, NULL);
    ck_assert(hg_audit_event_encode(&event, &out));
    HgSlice json = hg_slice(hg_buffer_data(&out), hg_buffer_size(&out));
    g_autofree char *content = hg_audit_fields_text(json, "content");
    g_autofree char *detail = hg_audit_fields_text(json, "detail");
    g_autofree char *hash = hg_audit_fields_text(json, "content_hash");
    ck_assert_str_eq(content, "a: 2\n");
    ck_assert_str_eq(detail, "-a: 1\n+a: 2\n");
    ck_assert_str_eq(hash, "3a55d721fdd6a21fc7793a07ad20c6ad037c302ad003f552d5913039777eaec0");
    hg_buffer_clear(&out);
}
END_TEST

Suite *config_event_suite(void)
{
    Suite *suite = suite_create("config_event");
    TCase *tests = tcase_create("config_event");
    tcase_add_test(tests, test_differences);
    tcase_add_test(tests, test_too_many_lines);
    tcase_add_test(tests, test_event);
    suite_add_tcase(suite, tests);
    return suite;
}
