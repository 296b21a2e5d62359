/* Runs the unit tests of the app layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(config_diagnostics_suite());
    srunner_add_suite(runner, config_yaml_suite());
    srunner_add_suite(runner, config_suite());
    srunner_add_suite(runner, config_load_suite());
    srunner_add_suite(runner, options_suite());
    srunner_add_suite(runner, cmdline_suite());
    srunner_add_suite(runner, config_ldap_suite());
    srunner_add_suite(runner, config_tokens_suite());
    srunner_add_suite(runner, policy_file_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
