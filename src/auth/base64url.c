/* Strict base64url: see base64url.h. Pure; any thread. */
#include "auth/base64url.h"

/* The six bits of a character; 64 when it is none. */
static guint bits_of(guint8 c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

guint8 *hg_base64url_decode(HgSlice text, gsize *size)
{
    g_autofree guint8 *out = g_malloc(text.size / 4 * 3 + 3);
    guint32 collected = 0;
    guint held = 0; /* bits in it */
    gsize used = 0;
    if (text.size % 4 == 1)
        return NULL;
    for (gsize i = 0; i < text.size; i++) {
        guint six = bits_of(text.data[i]);
        if (six > 63)
            return NULL;
        collected = (collected << 6 | six) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[used++] = (guint8)(collected >> held);
        }
    }
    /* else several texts would stand for the same bytes */
    if ((collected & ((1U << held) - 1)) != 0)
        return NULL;
    out[used] = 0;
    *size = used;
    return g_steal_pointer(&out);
}
