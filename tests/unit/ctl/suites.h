/* The suites of the ctl layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *users_edit_suite(void);
Suite *prompt_suite(void);
Suite *command_suite(void);
Suite *sql_command_suite(void);
Suite *table_suite(void);
Suite *policy_command_suite(void);
