/* The suites of the discovery layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *backoff_suite(void);
Suite *endpoint_set_suite(void);
Suite *control_suite(void);
Suite *source_suite(void);
Suite *dns_message_suite(void);
Suite *endpoint_slice_suite(void);
Suite *zookeeper_node_suite(void);
