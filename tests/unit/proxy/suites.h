/* The suites of the proxy layer that stand in files of their own; main.c runs them all. */
#pragma once

#include <check.h>

Suite *rate_suite(void);
Suite *touched_suite(void);
Suite *clean_error_suite(void);
Suite *schema_cache_suite(void);
Suite *session_policy_suite(void);
Suite *described_suite(void);
