/* Runs the unit tests of the wire layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(layout_suite());
    srunner_add_suite(runner, cursor_suite());
    srunner_add_suite(runner, walker_suite());
    srunner_add_suite(runner, sasl_suite());
    srunner_add_suite(runner, http_suite());
    srunner_add_suite(runner, http_text_suite());
    srunner_add_suite(runner, http_chunks_suite());
    srunner_add_suite(runner, proxy_protocol_suite());
    srunner_add_suite(runner, forwarded_for_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
