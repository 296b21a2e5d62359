/* Runs the unit tests of the hs2 layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(method_suite());
    srunner_add_suite(runner, schema_suite());
    srunner_add_suite(runner, execute_suite());
    srunner_add_suite(runner, handle_suite());
    srunner_add_suite(runner, utf8_suite());
    srunner_add_suite(runner, request_suite());
    srunner_add_suite(runner, oracle_suite());
    srunner_add_suite(runner, reply_suite());
    srunner_add_suite(runner, writer_suite());
    srunner_add_suite(runner, answer_suite());
    srunner_add_suite(runner, variable_suite());
    srunner_add_suite(runner, dialect_suite());
    srunner_add_suite(runner, open_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
