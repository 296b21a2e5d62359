/* Tests of trace/otlp: the JSON, member by member; a collector's view of it is in tests/faults. */
#include "suites.h"
#include "trace/otlp.h"

#include <jansson.h>
#include <string.h>

static const HgOtlpResource resource = {"hivegate", "1.2.3", "an-instance", NULL};

static json_t *request_of(HgTraceSpan *span)
{
    json_error_t problem;
    g_autofree char *text = hg_otlp_request(&resource, &span, 1);
    json_t *root = json_loads(text, 0, &problem);
    ck_assert_msg(root != NULL, "%s", problem.text);
    return root;
}

/* The one span of a request. */
static json_t *span_of(json_t *request)
{
    json_t *of_resource = json_array_get(json_object_get(request, "resourceSpans"), 0);
    json_t *of_scope = json_array_get(json_object_get(of_resource, "scopeSpans"), 0);
    return json_array_get(json_object_get(of_scope, "spans"), 0);
}

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_t *attribute_of(json_t *span, const char *key)
{
    gsize index;
    json_t *each;
    json_array_foreach(json_object_get(span, "attributes"), index,
                       each) if (strcmp(text_of(each, "key"), key) ==
                                 0) return json_object_get(each, "value");
    return NULL;
}

START_TEST(test_span)
{
    HgTraceContext parent = {.trace_id = {1, 2, 3, 0xfe}, .span_id = {9}, .sampled = TRUE};
    g_autoptr(HgTraceSpan) span =
        hg_trace_span_new("fetch", HG_TRACE_SPAN_CLIENT, &parent, 1700000000000001);
    hg_trace_span_text(span, "enduser.id", "alice");
    hg_trace_span_text(span, "none", NULL);
    hg_trace_span_number(span, "hivegate.rows", G_MAXINT64);
    hg_trace_span_set_end(span, 1700000000000005);
    json_t *request = request_of(span);
    json_t *json = span_of(request);
    ck_assert_str_eq(text_of(json, "traceId"), "010203fe000000000000000000000000");
    ck_assert_str_eq(text_of(json, "parentSpanId"), "0900000000000000");
    ck_assert_uint_eq(strlen(text_of(json, "spanId")), 16);
    ck_assert_str_eq(text_of(json, "name"), "fetch");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "kind")), 3);
    ck_assert_str_eq(text_of(json, "startTimeUnixNano"), "1700000000000001000");
    ck_assert_str_eq(text_of(json, "endTimeUnixNano"), "1700000000000005000");
    ck_assert_str_eq(text_of(attribute_of(json, "enduser.id"), "stringValue"), "alice");
    ck_assert_str_eq(text_of(attribute_of(json, "hivegate.rows"), "intValue"),
                     "9223372036854775807");
    ck_assert_ptr_null(attribute_of(json, "none"));
    ck_assert_ptr_null(json_object_get(json, "status"));
    json_decref(request);
}
END_TEST

START_TEST(test_failure)
{
    g_autoptr(HgTraceSpan) span = hg_trace_span_new("login", HG_TRACE_SPAN_SERVER, NULL, 5);
    hg_trace_span_fail(span, "a\xff reason");
    hg_trace_span_set_end(span, 3);
    json_t *request = request_of(span);
    json_t *json = span_of(request);
    json_t *status = json_object_get(json, "status");
    ck_assert_ptr_null(json_object_get(json, "parentSpanId"));
    ck_assert_int_eq(json_integer_value(json_object_get(status, "code")), 2);
    ck_assert_str_eq(text_of(status, "message"), "a\xef\xbf\xbd reason");
    ck_assert_str_eq(text_of(json, "endTimeUnixNano"), "5000");
    json_decref(request);
}
END_TEST

START_TEST(test_long_text)
{
    g_autofree char *text = g_strnfill(100000, 'x');
    g_autoptr(HgTraceSpan) span = hg_trace_span_new("statement", HG_TRACE_SPAN_SERVER, NULL, 5);
    hg_trace_span_text(span, "db.query.text", text);
    json_t *request = request_of(span);
    ck_assert_uint_eq(
        strlen(text_of(attribute_of(span_of(request), "db.query.text"), "stringValue")), 4096);
    json_decref(request);
}
END_TEST

START_TEST(test_ids_differ)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < 1000; i++) {
        g_autoptr(HgTraceSpan) span = hg_trace_span_new("x", HG_TRACE_SPAN_INTERNAL, NULL, 0);
        char *text = g_malloc(HG_TRACEPARENT_SIZE);
        hg_trace_context_print(hg_trace_span_context(span), text);
        ck_assert(g_hash_table_add(seen, text));
        HgTraceContext again;
        ck_assert(hg_trace_context_parse(hg_slice_from_string(text), &again));
    }
}
END_TEST

START_TEST(test_rejected)
{
    static const struct {
        const char *answer;
        gint64 count;
    } cases[] = {
        {"{}", 0},
        {"", 0},
        {"nonsense", 0},
        {"{\"partialSuccess\":{}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"7\"}}", 7},
        {"{\"partialSuccess\":{\"rejectedSpans\":8,\"errorMessage\":\"x\"}}", 8},
        {"{\"partialSuccess\":{\"rejectedSpans\":-8}}", 0},
        {"[1]", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        ck_assert_int_eq(hg_otlp_rejected(hg_slice_from_string(cases[i].answer)), cases[i].count);
}
END_TEST

Suite *otlp_suite(void)
{
    Suite *suite = suite_create("otlp");
    TCase *tests = tcase_create("json");
    tcase_add_test(tests, test_span);
    tcase_add_test(tests, test_failure);
    tcase_add_test(tests, test_long_text);
    tcase_add_test(tests, test_ids_differ);
    tcase_add_test(tests, test_rejected);
    suite_add_tcase(suite, tests);
    return suite;
}
