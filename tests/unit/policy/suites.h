/* The suites of the policy layer, one per module or two; main.c runs them all. */
#pragma once

#include <check.h>

Suite *name_suite(void);
Suite *type_suite(void);
Suite *schema_suite(void);
Suite *function_suite(void);
Suite *identity_suite(void);
Suite *expression_suite(void);
Suite *mask_suite(void);
Suite *set_suite(void);
Suite *access_suite(void);
Suite *check_suite(void);
Suite *decide_suite(void);
