/* Clean text: see utf8.h. Pure; any thread. */
#include "hs2/utf8.h"

#define LOW_BITS  G_GUINT64_CONSTANT(0x0101010101010101)
#define HIGH_BITS G_GUINT64_CONSTANT(0x8080808080808080)

/* Where the first eight bytes begin that aren't all ASCII without NUL. */
static gsize ascii_prefix(HgSlice text)
{
    gsize at = 0;
    for (guint64 word; at + sizeof word <= text.size; at += sizeof word) {
        memcpy(&word, text.data + at, sizeof word);
        /* without high bits, taking 1 from each byte borrows only where a byte is 0 */
        if (((word | (word - LOW_BITS)) & HIGH_BITS) != 0)
            break;
    }
    return at;
}

gboolean hg_utf8_is_clean(HgSlice text)
{
    gsize at = ascii_prefix(text);
    /* it refuses NUL too, as a length is given */
    return at == text.size ||
           g_utf8_validate_len((const char *)text.data + at, text.size - at, NULL);
}
