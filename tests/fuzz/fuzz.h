/* What the fuzz targets share: a check that counts as a finding, taking an input apart, memory of
 * just the right size.
 *
 * Each target is one file with LLVMFuzzerTestOneInput(). It checks that things agree, not only that
 * nothing crashes: with a second, plainer reader, with another way to cut the same bytes, or with
 * what was written before. */
#pragma once

#include "base/slice.h"

#include <stdint.h>
#include <stdlib.h>

/* Ends the process when `condition` doesn't hold: libFuzzer keeps the input. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
    } while (0)

G_NORETURN void fuzz_fail(const char *file, int line, const char *condition);

/* libFuzzer calls this. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the next byte or bytes off the input; 0 when it is used up. */
guint fuzz_take_u8(HgSlice *input);
guint fuzz_take_u16(HgSlice *input);
guint32 fuzz_take_u32(HgSlice *input);

/* Takes `size` bytes off the input, or what is left. */
HgSlice fuzz_take(HgSlice *input, gsize size);

/* A copy in memory of just its size, so that the sanitizer sees each read behind the end. Free the
 * data with fuzz_free(). */
HgSlice fuzz_copy(HgSlice bytes);
void fuzz_free(HgSlice copy);

/* The next number of a small generator; the state is any number. */
guint32 fuzz_random(guint32 *state);
