/* The suites of the cluster layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *pool_suite(void);
Suite *pool_set_suite(void);
Suite *choice_suite(void);
