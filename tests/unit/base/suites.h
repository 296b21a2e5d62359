/* The suites of the base layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *slice_suite(void);
Suite *error_suite(void);
Suite *budget_suite(void);
Suite *buffer_suite(void);
Suite *text_suite(void);
Suite *address_suite(void);
Suite *peer_address_suite(void);
Suite *network_suite(void);
Suite *secret_suite(void);
Suite *log_suite(void);
Suite *metrics_suite(void);
