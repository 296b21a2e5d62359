/* The suites of the proxy layer that stand in files of their own; main.c runs them all. */
#pragma once

#include <check.h>

Suite *rate_suite(void);
Suite *touched_suite(void);
