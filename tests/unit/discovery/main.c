/* Runs the unit tests of the discovery layer. CK_FORK=no runs them in this process, for a debugger.
 * What needs servers is in tests/discovery and tests/kubernetes. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(backoff_suite());
    srunner_add_suite(runner, endpoint_set_suite());
    srunner_add_suite(runner, control_suite());
    srunner_add_suite(runner, source_suite());
    srunner_add_suite(runner, dns_message_suite());
    srunner_add_suite(runner, endpoint_slice_suite());
    srunner_add_suite(runner, zookeeper_node_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
