/* A slice: bytes that somebody else owns. An open value type, passed by value.
 *
 * A slice never owns; whoever hands one out says how long its bytes live. Reading threads are those
 * that may read the owner. */
#pragma once

#include <glib.h>
#include <string.h>

typedef struct {
    const guint8 *data; /* may be NULL when size is 0 */
    gsize size;         /* bytes */
} HgSlice;

/* A slice over `size` bytes at `data`. */
static inline HgSlice hg_slice(const void *data, gsize size)
{
    return (HgSlice){(const guint8 *)data, size};
}

/* A slice over the characters of a C string, without its NUL. NULL gives an empty slice. */
static inline HgSlice hg_slice_from_string(const char *text)
{
    return hg_slice(text, text != NULL ? strlen(text) : 0);
}

/* TRUE when both hold the same bytes. Not constant-time: never for secrets. */
static inline gboolean hg_slice_equal(HgSlice a, HgSlice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* TRUE when the slice holds exactly the characters of `text`. */
static inline gboolean hg_slice_equal_string(HgSlice a, const char *text)
{
    return hg_slice_equal(a, hg_slice_from_string(text));
}

/* A NUL-terminated copy of the bytes, never NULL. The caller owns it (g_free). Bytes after an inner
 * NUL are copied too, but C will not see them: check before, where it matters. */
static inline char *hg_slice_dup_string(HgSlice a)
{
    char *copy = (char *)g_malloc(a.size + 1);
    if (a.size > 0)
        memcpy(copy, a.data, a.size);
    copy[a.size] = '\0';
    return copy;
}
