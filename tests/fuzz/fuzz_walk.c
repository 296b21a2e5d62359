/* Fuzz target: any bytes as a message and as a value, read whole and in pieces.
 *
 * Input: two bytes that decide how it is cut, then the message. */
#include "agree.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    guint seed = fuzz_take_u16(&input);
    gsize end;
    agree_on_message(input, seed, &end);
    agree_on_value(input, 11 + seed % 6, seed % 35);
    return 0;
}
