/* A growable byte buffer with a read position, headroom in front, and a hard cap.
 *
 * Its memory is taken from a shared budget, so a peer can't make the process grow past its ceiling.
 * An empty buffer owns no memory: hg_buffer_clear() gives all of it back. The first
 * HG_BUFFER_HEADROOM bytes in front of the unread bytes are always writable, so that a frame header
 * can be put before a message without copying it. One thread at a time. */
#pragma once

#include "base/budget.h"
#include "base/slice.h"

#define HG_BUFFER_HEADROOM 56

typedef struct {
    guint8 *bytes;    /* HG_BUFFER_HEADROOM bytes, then `capacity`; NULL while empty */
    gsize start;      /* offset of the first unread byte, counted after the headroom */
    gsize end;        /* offset behind the last byte */
    gsize capacity;   /* bytes after the headroom */
    HgBudget *budget; /* borrowed; may be NULL; outlives the buffer */
} HgBuffer;

/* Starts an empty buffer that owns no memory. */
void hg_buffer_init(HgBuffer *buffer, HgBudget *budget);

/* Gives back all memory; the buffer is empty and usable again. */
void hg_buffer_clear(HgBuffer *buffer);

/* Unread bytes. */
static inline gsize hg_buffer_size(const HgBuffer *buffer)
{
    return buffer->end - buffer->start;
}

/* First unread byte (with HG_BUFFER_HEADROOM writable bytes in front); NULL when the buffer owns no
 * memory. Valid until the buffer grows or is cleared. */
static inline guint8 *hg_buffer_data(const HgBuffer *buffer)
{
    return buffer->bytes != NULL ? buffer->bytes + HG_BUFFER_HEADROOM + buffer->start : NULL;
}

/* Makes room for `more` bytes behind the end, and at most `cap` unread bytes in all. FALSE when the
 * cap or the budget's ceiling would be passed; the contents stay as they are. */
gboolean hg_buffer_reserve(HgBuffer *buffer, gsize more, gsize cap) G_GNUC_WARN_UNUSED_RESULT;

/* Where bytes may be written after hg_buffer_reserve(); commit with hg_buffer_commit(). */
static inline guint8 *hg_buffer_tail(const HgBuffer *buffer)
{
    return buffer->bytes + HG_BUFFER_HEADROOM + buffer->end;
}

/* Room behind the end, in bytes. */
static inline gsize hg_buffer_room(const HgBuffer *buffer)
{
    return buffer->capacity - buffer->end;
}

/* Counts `size` bytes written at the tail as content. */
static inline void hg_buffer_commit(HgBuffer *buffer, gsize size)
{
    g_assert(size <= hg_buffer_room(buffer));
    buffer->end += size;
}

/* Appends a copy of the slice, under the same cap and errors as hg_buffer_reserve(). */
gboolean hg_buffer_append(HgBuffer *buffer, HgSlice bytes, gsize cap) G_GNUC_WARN_UNUSED_RESULT;

/* Drops `size` bytes at the front; a buffer that becomes empty gives its memory back. */
void hg_buffer_consume(HgBuffer *buffer, gsize size);
