/* The suites of the trace layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *context_suite(void);
Suite *otlp_suite(void);
Suite *tracer_suite(void);
