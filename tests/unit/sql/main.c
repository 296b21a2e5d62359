/* Runs the unit tests of the sql layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(keywords_suite());
    srunner_add_suite(runner, lexer_suite());
    srunner_add_suite(runner, arena_suite());
    srunner_add_suite(runner, parser_suite());
    srunner_add_suite(runner, scope_suite());
    srunner_add_suite(runner, print_suite());
    srunner_add_suite(runner, classify_suite());
    srunner_add_suite(runner, redact_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
