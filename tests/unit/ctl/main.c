/* Runs the unit tests of the ctl layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(users_edit_suite());
    srunner_add_suite(runner, prompt_suite());
    srunner_add_suite(runner, command_suite());
    srunner_add_suite(runner, sql_command_suite());
    srunner_add_suite(runner, table_suite());
    srunner_add_suite(runner, policy_command_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
