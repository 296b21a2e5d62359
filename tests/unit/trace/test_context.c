/* Tests of trace/context: which texts are a traceparent, by W3C's recommendation. */
#include "suites.h"
#include "trace/context.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static const struct {
    const char *text;
    gboolean good;
    gboolean sampled;
} cases[] = {
    {"00-" TRACE "-" SPAN "-01", TRUE, TRUE},
    {"00-" TRACE "-" SPAN "-00", TRUE, FALSE},
    {"00-" TRACE "-" SPAN "-02", TRUE, FALSE},
    {"00-" TRACE "-" SPAN "-ff", TRUE, TRUE},
    {"cc-" TRACE "-" SPAN "-01", TRUE, TRUE},
    {"cc-" TRACE "-" SPAN "-01-what-comes", TRUE, TRUE},
    {"cc-" TRACE "-" SPAN "-01.what-comes", FALSE, FALSE},
    {"00-" TRACE "-" SPAN "-01-", FALSE, FALSE},
    {"ff-" TRACE "-" SPAN "-01", FALSE, FALSE},
    {"00-00000000000000000000000000000000-" SPAN "-01", FALSE, FALSE},
    {"00-" TRACE "-0000000000000000-01", FALSE, FALSE},
    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", FALSE, FALSE},
    {"00-" TRACE "-" SPAN "-0", FALSE, FALSE},
    {"00-" TRACE "-" SPAN "-0g", FALSE, FALSE},
    {"00_" TRACE "-" SPAN "-01", FALSE, FALSE},
    {"0-0" TRACE "-" SPAN "-01", FALSE, FALSE},
    {" 00-" TRACE "-" SPAN "-1", FALSE, FALSE},
    {"", FALSE, FALSE},
};

START_TEST(test_parse)
{
    HgTraceContext context = {.span_id = "before"};
    ck_assert_msg(hg_trace_context_parse(hg_slice_from_string(cases[_i].text), &context) ==
                      cases[_i].good,
                  "%s", cases[_i].text);
    if (cases[_i].good)
        ck_assert_int_eq(context.sampled, cases[_i].sampled);
    else
        ck_assert_str_eq((const char *)context.span_id, "before");
}
END_TEST

START_TEST(test_print)
{
    static const char text[] = "00-" TRACE "-" SPAN "-01";
    HgTraceContext context;
    char out[HG_TRACEPARENT_SIZE];
    ck_assert(hg_trace_context_parse(hg_slice_from_string(text), &context));
    hg_trace_context_print(&context, out);
    ck_assert_str_eq(out, text);
    context.sampled = FALSE;
    hg_trace_context_print(&context, out);
    ck_assert_str_eq(out, "00-" TRACE "-" SPAN "-00");
}
END_TEST

Suite *context_suite(void)
{
    Suite *suite = suite_create("context");
    TCase *tests = tcase_create("traceparent");
    tcase_add_loop_test(tests, test_parse, 0, G_N_ELEMENTS(cases));
    tcase_add_test(tests, test_print);
    suite_add_tcase(suite, tests);
    return suite;
}
