/* The suites of the hs2 layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *answer_suite(void);
Suite *dialect_suite(void);
Suite *execute_suite(void);
Suite *handle_suite(void);
Suite *method_suite(void);
Suite *open_suite(void);
Suite *oracle_suite(void);
Suite *reply_suite(void);
Suite *request_suite(void);
Suite *schema_suite(void);
Suite *utf8_suite(void);
Suite *variable_suite(void);
Suite *writer_suite(void);

/* As ck_assert(), for loops that run a million times: Check writes a mark for each of its own. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("doesn't hold: %s", #condition);                                          \
    } while (0)
