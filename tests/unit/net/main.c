/* Runs the unit tests of the net layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

#include <signal.h>

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as in hivegate itself */
    SRunner *runner = srunner_create(loop_suite());
    srunner_add_suite(runner, timer_suite());
    srunner_add_suite(runner, stream_suite());
    srunner_add_suite(runner, dial_suite());
    srunner_add_suite(runner, jobs_suite());
    srunner_add_suite(runner, socket_suite());
    srunner_add_suite(runner, tls_suite());
    srunner_add_suite(runner, http_client_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
