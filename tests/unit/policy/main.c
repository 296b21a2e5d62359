/* Runs the unit tests of the policy layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(name_suite());
    srunner_add_suite(runner, type_suite());
    srunner_add_suite(runner, schema_suite());
    srunner_add_suite(runner, function_suite());
    srunner_add_suite(runner, identity_suite());
    srunner_add_suite(runner, expression_suite());
    srunner_add_suite(runner, mask_suite());
    srunner_add_suite(runner, set_suite());
    srunner_add_suite(runner, access_suite());
    srunner_add_suite(runner, check_suite());
    srunner_add_suite(runner, decide_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
