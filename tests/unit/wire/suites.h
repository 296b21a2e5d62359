/* The suites of the wire layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *layout_suite(void);
Suite *cursor_suite(void);
Suite *walker_suite(void);
Suite *sasl_suite(void);
Suite *http_suite(void);
Suite *http_text_suite(void);
Suite *http_chunks_suite(void);
Suite *proxy_protocol_suite(void);
Suite *forwarded_for_suite(void);

/* As ck_assert(), for loops that run a million times: Check writes a mark for each of its own. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("doesn't hold: %s", #condition);                                          \
    } while (0)
