/* Runs the unit tests of the audit layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(stamp_suite());
    srunner_add_suite(runner, anchor_suite());
    srunner_add_suite(runner, config_event_suite());
    srunner_add_suite(runner, pseudonym_suite());
    srunner_add_suite(runner, archive_file_suite());
    srunner_add_suite(runner, event_suite());
    srunner_add_suite(runner, record_suite());
    srunner_add_suite(runner, row_suite());
    srunner_add_suite(runner, spool_suite());
    srunner_add_suite(runner, spool_reader_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
