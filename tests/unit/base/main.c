/* Runs the unit tests of the base layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(slice_suite());
    srunner_add_suite(runner, error_suite());
    srunner_add_suite(runner, budget_suite());
    srunner_add_suite(runner, buffer_suite());
    srunner_add_suite(runner, text_suite());
    srunner_add_suite(runner, address_suite());
    srunner_add_suite(runner, peer_address_suite());
    srunner_add_suite(runner, network_suite());
    srunner_add_suite(runner, secret_suite());
    srunner_add_suite(runner, log_suite());
    srunner_add_suite(runner, metrics_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
