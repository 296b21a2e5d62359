/* Tests of audit/event: the JSON text to the byte, what is hard in texts, cuts, the budget. */
#include "audit/event.h"
#include "suites.h"

#define ANY_SIZE G_MAXINT32

static HgAuditEvent an_event(HgAuditKind kind)
{
    HgAuditEvent event;
    hg_audit_event_init(&event, kind);
    ck_assert(hg_audit_id_parse("019aa5dd-107b-7000-8000-0000000000ff", &event.stamp.id));
    event.stamp.wall_us = G_GINT64_CONSTANT(1763716800000042);
    event.stamp.mono_us = 1234;
    event.stamp.source = HG_TIME_UNSYNCHRONIZED;
    return event;
}

static char *encode(const HgAuditEvent *event)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    ck_assert(hg_audit_event_encode(event, &out));
    char *text = hg_slice_dup_string(hg_slice(hg_buffer_data(&out), hg_buffer_size(&out)));
    hg_buffer_clear(&out);
    return text;
}

#define HEAD(kind)                                                                                 \
    "{\"id\":\"019aa5dd-107b-7000-8000-0000000000ff\",\"kind\":\"" kind                            \
    "\",\"at\":\"2025-11-21T09:20:00.000042Z\",\"monotonic_us\":1234,"                             \
    "\"time_source\":\"unsynchronized\""

START_TEST(test_what_isnt_known_isnt_written)
{
    HgAuditEvent event = an_event(HG_AUDIT_SERVICE_STARTED);
    g_autofree char *text = encode(&event);
    ck_assert_str_eq(text, HEAD("service_started") "}");
}
END_TEST

START_TEST(test_members)
{
    static const char *const tables[] = {"db.a", "db.\"b\"", NULL};
    static const char *const none[] = {NULL};
    HgAuditEvent event = an_event(HG_AUDIT_STATEMENT_FINISHED);
    event.statement_id = event.stamp.id;
    event.principal = hg_slice_from_string("alice");
    event.database = hg_slice_from_string("");
    event.statement = hg_slice_from_string("select 'a\\b'\n");
    event.tables_read = tables;
    event.tables_written = none;
    event.rows_returned = 0;
    event.run_us = 12;
    g_autofree char *text = encode(&event);
    ck_assert_str_eq(
        text,
        HEAD("statement_finished") ",\"statement_id\":\"019aa5dd-107b-7000-8000-0000000000ff\","
                                   "\"principal\":\"alice\",\"database\":\"\","
                                   "\"statement\":\"select 'a\\\\b'\\n\","
                                   "\"tables_read\":[\"db.a\",\"db.\\\"b\\\"\"],\"tables_written\":"
                                   "[],"
                                   "\"rows_returned\":0,\"run_us\":12}");
}
END_TEST

START_TEST(test_hard_texts)
{
    static const struct {
        HgSlice text;
        const char *written;
    } cases[] = {
        {{(const guint8 *)"\xc3\xa9\xf0\x9f\x90\x9d", 6}, "\xc3\xa9\xf0\x9f\x90\x9d"},
        {{(const guint8 *)"a\0b", 3},
         "a\xef\xbf\xbd"
         "b"},
        {{(const guint8 *)"\xff\xc3", 2}, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{(const guint8 *)"\x1b[0m\x7f", 5}, "\\u001b[0m\\u007f"},
        {{(const guint8 *)"\xe2\x80\xa8", 3}, "\\u2028"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgAuditEvent event = an_event(HG_AUDIT_LOGIN_REFUSED);
        event.reason = cases[i].text;
        g_autofree char *text = encode(&event);
        g_autofree char *expected =
            g_strdup_printf(HEAD("login_refused") ",\"reason\":\"%s\"}", cases[i].written);
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

START_TEST(test_a_long_text_is_cut_before_a_character)
{
    gsize size = HG_AUDIT_TEXT_MAX + 10;
    g_autofree char *long_text = g_malloc(size + 1);
    memset(long_text, 'x', size);
    memcpy(long_text + HG_AUDIT_TEXT_MAX - 1, "\xc3\xa9", 2);
    long_text[size] = '\0';
    HgAuditEvent event = an_event(HG_AUDIT_STATEMENT_REFUSED);
    event.statement = hg_slice_from_string(long_text);
    g_autofree char *text = encode(&event);
    g_autofree char *end = g_strdup_printf("x\",\"statement_size\":%" G_GSIZE_FORMAT "}", size);
    ck_assert(g_str_has_suffix(text, end));
    ck_assert_uint_eq(strlen(text), strlen(HEAD("statement_refused") ",\"statement\":\"") +
                                        HG_AUDIT_TEXT_MAX - 1 + strlen(end) - 1);
}
END_TEST

START_TEST(test_without_memory_nothing_is_written)
{
    HgBudget budget;
    HgBuffer out;
    HgAuditEvent event = an_event(HG_AUDIT_STATEMENT_FAILED);
    g_autofree char *filler = g_strnfill(5000, 'x');
    event.message = hg_slice_from_string(filler);
    hg_budget_init(&budget, 2000);
    hg_buffer_init(&out, &budget);
    ck_assert(hg_buffer_append(&out, hg_slice_from_string("before"), ANY_SIZE));
    ck_assert(!hg_audit_event_encode(&event, &out));
    ck_assert(
        hg_slice_equal_string(hg_slice(hg_buffer_data(&out), hg_buffer_size(&out)), "before"));
    hg_buffer_clear(&out);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

START_TEST(test_kinds)
{
    for (guint i = 1; i < HG_AUDIT_KINDS; i++) {
        HgAuditKind kind = 0;
        ck_assert_ptr_nonnull(hg_audit_kind_name(i));
        ck_assert(hg_audit_kind_parse(hg_audit_kind_name(i), &kind));
        ck_assert_uint_eq(kind, i);
        if (g_str_has_prefix(hg_audit_kind_name(i), "statement_") &&
            i != HG_AUDIT_STATEMENT_SUBMITTED && i != HG_AUDIT_STATEMENT_REWRITTEN &&
            i != HG_AUDIT_STATEMENT_FETCHED)
            ck_assert_int_eq(hg_audit_kind_effect(i), HG_AUDIT_ENDS);
    }
    ck_assert_ptr_null(hg_audit_kind_name(0));
    ck_assert_ptr_null(hg_audit_kind_name(200));
    ck_assert(!hg_audit_kind_parse("statement", &(HgAuditKind){0}));
    ck_assert(hg_audit_kind_admits(HG_AUDIT_STATEMENT_SUBMITTED));
    ck_assert(!hg_audit_kind_admits(HG_AUDIT_STATEMENT_FINISHED));
}
END_TEST

Suite *event_suite(void)
{
    Suite *suite = suite_create("event");
    TCase *tests = tcase_create("event");
    tcase_add_test(tests, test_what_isnt_known_isnt_written);
    tcase_add_test(tests, test_members);
    tcase_add_test(tests, test_hard_texts);
    tcase_add_test(tests, test_a_long_text_is_cut_before_a_character);
    tcase_add_test(tests, test_without_memory_nothing_is_written);
    tcase_add_test(tests, test_kinds);
    suite_add_tcase(suite, tests);
    return suite;
}
