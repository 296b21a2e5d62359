/* Runs the unit tests of the cluster layer. CK_FORK=no runs them in this process, for a debugger.
 */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(pool_suite());
    srunner_add_suite(runner, pool_set_suite());
    srunner_add_suite(runner, choice_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
