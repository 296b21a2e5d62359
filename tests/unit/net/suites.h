/* The suites of the net layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *loop_suite(void);
Suite *timer_suite(void);
Suite *stream_suite(void);
Suite *dial_suite(void);
Suite *jobs_suite(void);
Suite *socket_suite(void);
Suite *tls_suite(void);
Suite *http_client_suite(void);
