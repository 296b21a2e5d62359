/* The suites of the audit layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *archive_file_suite(void);
Suite *anchor_suite(void);
Suite *pseudonym_suite(void);
Suite *config_event_suite(void);
Suite *stamp_suite(void);
Suite *event_suite(void);
Suite *record_suite(void);
Suite *row_suite(void);
Suite *spool_suite(void);
Suite *spool_reader_suite(void);
