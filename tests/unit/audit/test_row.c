/* Tests of audit/row and audit/fields: rows as PostgreSQL prints them, and what is no event. */
#include "audit/fields.h"
#include "audit/row.h"
#include "suites.h"

#define ID "019aa5dd-b67b-7000-8000-0000000000ff"

static const HgAuditId spool = {{0xab}};
static const HgAuditHash hash = {{1, 2}};

#define SPOOL "ab000000-0000-0000-0000-000000000000"
#define HASH  "\\\\x0102000000000000000000000000000000000000000000000000000000000000"

static char *row_of(const char *payload)
{
    GString *row = g_string_new(NULL);
    if (hg_row_append(row, &spool, 7, &hash, hg_slice_from_string(payload)))
        return g_string_free(row, FALSE);
    ck_assert_uint_eq(row->len, 0);
    g_string_free(row, TRUE);
    return NULL;
}

START_TEST(test_a_row)
{
    static const char payload[] =
        "{\"id\":\"" ID "\",\"kind\":\"gap\",\"at\":\"2025-11-21T09:20:00.120000Z\","
        "\"principal\":\"a\\tb\\\\c\",\"tables_read\":[\"x.y\",\"a b\",\"\",\"null\",\"q\\\"\"],"
        "\"tables_written\":[],\"rows_returned\":12}";
    g_autofree char *row = row_of(payload);
    ck_assert_str_eq(row,
                     "2025-11-21\t" ID "\t" SPOOL "\t7\t" HASH
                     "\tgap\t2025-11-21 09:20:00.12+00\t\\N\t\\N\ta\\tb\\\\c\t\\N\t\\N\t\\N\t\\N\t"
                     "\\N\t\\N\t{x.y,\"a b\",\"\",\"null\",\"q\\\\\"\"}\t{}\t\\N\t12\t\\N\t\\N\t"
                     "{\"id\":\"" ID "\",\"kind\":\"gap\",\"at\":\"2025-11-21T09:20:00.120000Z\","
                     "\"principal\":\"a\\\\tb\\\\\\\\c\",\"tables_read\":[\"x.y\",\"a b\",\"\","
                     "\"null\",\"q\\\\\"\"],\"tables_written\":[],\"rows_returned\":12}\n");
}
END_TEST

START_TEST(test_parts_of_a_row)
{
    static const char payload[] = "{\"id\":\"" ID "\",\"at\":\"2025-11-21T09:20:00.000000Z\","
                                  "\"detail\":\"line\\n\\\"x\\\"\"}";
    g_autofree char *row = row_of(payload);
    g_autoptr(GString) body = g_string_new(NULL);
    HgRowParts parts;
    ck_assert(strstr(row, "\t2025-11-21 09:20:00+00\t") != NULL);
    ck_assert(hg_row_parse(hg_slice(row, strlen(row) - 1), &parts));
    ck_assert_uint_eq(parts.sequence, 7);
    ck_assert(hg_audit_hash_equal(&parts.hash, &hash));
    hg_row_unescape(parts.body, body);
    ck_assert_str_eq(body->str, payload);
}
END_TEST

START_TEST(test_what_is_no_row)
{
    HgRowParts parts;
    g_autofree char *row = row_of("{\"id\":\"" ID "\",\"at\":\"2025-11-21T09:20:00.000000Z\"}");
    gsize size = strlen(row) - 1;
    ck_assert(hg_row_parse(hg_slice(row, size), &parts));
    row[size] = '\t';
    ck_assert(!hg_row_parse(hg_slice(row, size + 1), &parts));
    ck_assert(!hg_row_parse(hg_slice(row, 30), &parts));
    ck_assert(!hg_row_parse(hg_slice(row, 0), &parts));
    strstr(row, "\\\\x0102")[4] = 'g';
    ck_assert(!hg_row_parse(hg_slice(row, size), &parts));
}
END_TEST

START_TEST(test_what_is_no_event)
{
    static const char *const cases[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"id\":\"" ID "\"",
        "{\"id\":\"" ID "\",}",
        "{\"id\":\"" ID "\"}x",
        "{\"id\":\"nothing\"}",
        "{\"id\":7}",
        "{\"id\":\"" ID "\",\"rows_returned\":\"x\"}",
        "{\"id\":\"" ID "\",\"rows_returned\":99999999999999999999}",
        "{\"id\":\"" ID "\",\"principal\":7}",
        "{\"id\":\"" ID "\",\"principal\":\"\\u0000\"}",
        "{\"id\":\"" ID "\",\"principal\":\"\\ud800\"}",
        "{\"id\":\"" ID "\",\"principal\":\"\\x\"}",
        "{\"id\":\"" ID "\",\"principal\":\"a\nb\"}",
        "{\"id\":\"" ID "\",\"principal\":{\"x\":1}}",
        "{\"id\":\"" ID "\",\"tables_read\":\"x\"}",
        "{\"id\":\"" ID "\",\"tables_read\":[1]}",
        "{\"id\":\"" ID "\",\"tables_read\":[\"x\"}",
        "{\"id\":\"" ID "\",\"at\":\"now\"}",
        "{\"id\":\"" ID "\",\"at\":\"\"}",
        "{\"id\":\"" ID "\" ,\"kind\":\"gap\"}",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        if (row_of(cases[i]) != NULL)
            ck_abort_msg("case %" G_GSIZE_FORMAT " is taken: %s", i, cases[i]);
}
END_TEST

/* Any beginning of an event is refused, and read no further than it goes. */
START_TEST(test_short_events)
{
    static const char payload[] =
        "{\"id\":\"" ID "\",\"kind\":\"gap\",\"at\":\"2025-11-21T09:20:00.120000Z\","
        "\"principal\":\"a\\u00e9\\ud83d\\udc1d\",\"tables_read\":[\"x\",\"y\"],\"lost\":3}";
    for (gsize size = 0; size < sizeof payload - 1; size++) {
        g_autofree char *exact = g_memdup2(payload, size);
        g_autoptr(GString) row = g_string_new(NULL);
        ck_assert(!hg_row_append(row, &spool, 1, &hash, hg_slice(exact, size)));
    }
    g_autofree char *row = row_of(payload);
    ck_assert_ptr_nonnull(strstr(row, "\ta\xc3\xa9\xf0\x9f\x90\x9d\t"));
}
END_TEST

START_TEST(test_a_text_by_name)
{
    HgSlice event = hg_slice_from_string("{\"a\":\"x\\\"y\",\"b\":[\"a\"],\"c\":12}");
    g_autofree char *a = hg_audit_fields_text(event, "a");
    ck_assert_str_eq(a, "x\"y");
    ck_assert_ptr_null(hg_audit_fields_text(event, "b"));
    ck_assert_ptr_null(hg_audit_fields_text(event, "c"));
    ck_assert_ptr_null(hg_audit_fields_text(event, "d"));
}
END_TEST

/* What audit/event writes is what is read here. */
START_TEST(test_events_make_rows)
{
    static const char *const tables[] = {"a.\"b\"", NULL};
    g_autoptr(HgAuditClock) clock = hg_audit_clock_new(NULL, NULL);
    for (guint kind = 1; kind < HG_AUDIT_KINDS; kind++) {
        HgAuditEvent event;
        HgBuffer out;
        HgRowParts parts;
        hg_audit_event_init(&event, (HgAuditKind)kind);
        hg_audit_clock_stamp(clock, &event.stamp);
        event.statement = hg_slice("a\0\x01\xff\xe2\x80\xa8\"\\", 9);
        event.tables_read = event.groups = tables;
        event.run_us = G_MAXINT64;
        event.lost = 0;
        hg_buffer_init(&out, NULL);
        ck_assert(hg_audit_event_encode(&event, &out));
        HgSlice payload = hg_slice(hg_buffer_data(&out), hg_buffer_size(&out));
        g_autoptr(GString) row = g_string_new(NULL);
        g_autoptr(GString) body = g_string_new(NULL);
        ck_assert(hg_row_append(row, &spool, kind, &hash, payload));
        ck_assert(hg_row_parse(hg_slice(row->str, row->len - 1), &parts));
        hg_row_unescape(parts.body, body);
        ck_assert(hg_slice_equal(hg_slice(body->str, body->len), payload));
        hg_buffer_clear(&out);
    }
}
END_TEST

Suite *row_suite(void)
{
    Suite *suite = suite_create("row");
    TCase *tests = tcase_create("row");
    tcase_add_test(tests, test_a_row);
    tcase_add_test(tests, test_parts_of_a_row);
    tcase_add_test(tests, test_what_is_no_row);
    tcase_add_test(tests, test_what_is_no_event);
    tcase_add_test(tests, test_short_events);
    tcase_add_test(tests, test_a_text_by_name);
    tcase_add_test(tests, test_events_make_rows);
    suite_add_tcase(suite, tests);
    return suite;
}
