/* The suites of the app layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *config_diagnostics_suite(void);
Suite *config_yaml_suite(void);
Suite *config_suite(void);
Suite *config_load_suite(void);
Suite *options_suite(void);
Suite *cmdline_suite(void);
Suite *config_ldap_suite(void);
Suite *config_tokens_suite(void);
Suite *policy_file_suite(void);
