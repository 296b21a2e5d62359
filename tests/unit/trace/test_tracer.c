/* Tests of trace/tracer: what is recorded, and that nobody waits for a collector that isn't there.
 */
#include "suites.h"
#include "trace/tracer.h"

/* A tracer whose collector refuses connections (nobody listens on port 1). */
static HgTracer *tracer_new(guint one_in, gboolean follow, guint queue)
{
    HgTracerConfig config = {.url = "http://127.0.0.1:1/v1/traces",
                             .one_in = one_in,
                             .follow = follow,
                             .queue = queue,
                             .interval_ms = 100000,
                             .timeout_ms = 1000,
                             .version = "0"};
    HgTracer *tracer = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(hg_tracer_new(&config, &tracer, &error));
    return tracer;
}

static guint begun_of(HgTracer *tracer, const HgTraceContext *parent, guint tries)
{
    guint begun = 0;
    for (guint i = 0; i < tries; i++) {
        g_autoptr(HgTraceSpan) span = hg_tracer_begin(tracer, "x", HG_TRACE_SPAN_SERVER, parent, 0);
        begun += span != NULL;
    }
    return begun;
}

START_TEST(test_one_in)
{
    static const struct {
        guint one_in;
        guint of_100;
    } cases[] = {{0, 0}, {1, 100}, {10, 10}, {1000, 1}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HgTracer) tracer = tracer_new(cases[i].one_in, TRUE, 10);
        ck_assert_uint_eq(begun_of(tracer, NULL, 100), cases[i].of_100);
    }
    ck_assert_uint_eq(begun_of(NULL, NULL, 3), 0);
}
END_TEST

START_TEST(test_parents_decide)
{
    HgTraceContext parent = {.trace_id = {7}, .span_id = {8}, .sampled = TRUE};
    g_autoptr(HgTracer) follows = tracer_new(0, TRUE, 10);
    ck_assert_uint_eq(begun_of(follows, &parent, 5), 5);
    g_autoptr(HgTraceSpan) span = hg_tracer_begin(follows, "x", HG_TRACE_SPAN_SERVER, &parent, 0);
    ck_assert_mem_eq(hg_trace_span_context(span)->trace_id, parent.trace_id, HG_TRACE_ID_SIZE);
    ck_assert_mem_eq(hg_trace_span_parent(span), parent.span_id, HG_SPAN_ID_SIZE);
    parent.sampled = FALSE;
    ck_assert_uint_eq(begun_of(follows, &parent, 5), 0);

    g_autoptr(HgTracer) deaf = tracer_new(1, FALSE, 10);
    g_autoptr(HgTraceSpan) own = hg_tracer_begin(deaf, "x", HG_TRACE_SPAN_SERVER, &parent, 0);
    ck_assert_mem_ne(hg_trace_span_context(own)->trace_id, parent.trace_id, HG_TRACE_ID_SIZE);
    ck_assert_ptr_null(hg_trace_span_parent(own));
}
END_TEST

START_TEST(test_no_room)
{
    HgTracerCounts counts;
    HgTracer *tracer = tracer_new(1, TRUE, 10);
    for (guint i = 0; i < 25; i++)
        hg_tracer_end(tracer, hg_tracer_begin(tracer, "x", HG_TRACE_SPAN_SERVER, NULL, 0), 1);
    hg_tracer_end(tracer, NULL, 1);
    hg_tracer_count(tracer, &counts);
    ck_assert_uint_eq(counts.waiting, 10);
    ck_assert_uint_eq(counts.dropped, 15);
    ck_assert_uint_eq(counts.exported + counts.rejected, 0);
    hg_tracer_free(tracer); /* nobody takes them: it ends all the same */
}
END_TEST

Suite *tracer_suite(void)
{
    Suite *suite = suite_create("tracer");
    TCase *tests = tcase_create("recorded");
    tcase_add_test(tests, test_one_in);
    tcase_add_test(tests, test_parents_decide);
    tcase_add_test(tests, test_no_room);
    suite_add_tcase(suite, tests);
    return suite;
}
