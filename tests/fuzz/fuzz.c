/* What the fuzz targets share: see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: doesn't hold: %s\n", file, line, condition);
    abort();
}

HgSlice fuzz_take(HgSlice *input, gsize size)
{
    HgSlice taken = hg_slice(input->data, MIN(size, input->size));
    *input = hg_slice(input->data + taken.size, input->size - taken.size);
    return taken;
}

guint fuzz_take_u8(HgSlice *input)
{
    HgSlice byte = fuzz_take(input, 1);
    return byte.size == 1 ? byte.data[0] : 0;
}

guint fuzz_take_u16(HgSlice *input)
{
    guint high = fuzz_take_u8(input);
    return high << 8 | fuzz_take_u8(input);
}

guint32 fuzz_take_u32(HgSlice *input)
{
    guint32 high = fuzz_take_u16(input);
    return high << 16 | fuzz_take_u16(input);
}

HgSlice fuzz_copy(HgSlice bytes)
{
    guint8 *copy = malloc(MAX(bytes.size, 1));
    if (copy == NULL)
        abort();
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return hg_slice(copy, bytes.size);
}

void fuzz_free(HgSlice copy)
{
    free((guint8 *)copy.data);
}

guint32 fuzz_random(guint32 *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}
