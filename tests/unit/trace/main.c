/* Runs the unit tests of the trace layer. CK_FORK=no runs them in this process, for a debugger.
 * What needs a collector is in tests/faults/test_tracing.py. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(context_suite());
    srunner_add_suite(runner, otlp_suite());
    srunner_add_suite(runner, tracer_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
