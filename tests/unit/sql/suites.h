/* The suites of the sql layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *keywords_suite(void);
Suite *lexer_suite(void);
Suite *arena_suite(void);
Suite *parser_suite(void);
Suite *scope_suite(void);
Suite *print_suite(void);
Suite *classify_suite(void);
Suite *redact_suite(void);

/* As ck_assert(), for loops that run a million times: Check writes a mark for each of its own. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("doesn't hold: %s", #condition);                                          \
    } while (0)
