/* A cursor over Thrift binary bytes that are there in full, or end short.
 *
 * The cursor never allocates, never recurses without a cap and never believes a length or count
 * that the remaining bytes can't hold. It reads in place: strings come out as slices. Pure: no I/O,
 * clock or log; any thread, one cursor each. */
#pragma once

#include "wire/thrift.h"

typedef struct {
    const guint8 *start; /* first byte of the message */
    const guint8 *at;    /* next byte */
    const guint8 *end;   /* behind the last byte */
} HgCursor;

/* A cursor at the first byte of `bytes`, which must outlive it. Empty ones may have NULL data. */
static inline HgCursor hg_cursor(HgSlice bytes)
{
    static const guint8 nothing[1]; /* so that no pointer arithmetic is done on NULL */
    const guint8 *data = bytes.data != NULL ? bytes.data : nothing;
    return (HgCursor){data, data, data + bytes.size};
}

/* Offset of the next byte from the start. */
static inline gsize hg_cursor_offset(const HgCursor *cursor)
{
    return (gsize)(cursor->at - cursor->start);
}

/* Each reads one value and moves behind it; on another status than OK the cursor stays where it is
 * and *out is untouched. A verdict depends on the bytes up to the first that settles it, never on
 * what comes later: BAD is said as soon as no further byte could mend the value, also when it isn't
 * there in full, and a prefix of something sound is SHORT. */
HgWireStatus hg_cursor_read_byte(HgCursor *cursor, guint8 *out);
HgWireStatus hg_cursor_read_i16(HgCursor *cursor, gint16 *out);
HgWireStatus hg_cursor_read_i32(HgCursor *cursor, gint32 *out);
HgWireStatus hg_cursor_read_i64(HgCursor *cursor, gint64 *out);

/* A string or binary: the slice points into the message. A negative length is BAD. */
HgWireStatus hg_cursor_read_string(HgCursor *cursor, HgSlice *out);

/* A field head. *type is HG_THRIFT_STOP at the end of the struct (then *id is 0). */
HgWireStatus hg_cursor_read_field(HgCursor *cursor, guint8 *type, gint16 *id);

/* Skips one value of `type` and all that is in it. `depth` counts the structs and containers
 * already open around the value; BAD where more than HG_THRIFT_MAX_DEPTH would be open, and for a
 * type that no value can have. Linear in the bytes that are there, whatever the counts say: no
 * value takes zero bytes. Elements of an empty list, set or map may be of any type; bools may be
 * any byte. */
HgWireStatus hg_cursor_skip(HgCursor *cursor, guint8 type, guint depth);

/* Reads the head of a message and stops in front of its struct. SHORT while it isn't there in full;
 * BAD, at the first byte that shows it, for a wrong version, or a name that is empty, longer than
 * HG_THRIFT_MAX_NAME, or not printable ASCII. */
HgWireStatus hg_cursor_read_head(HgCursor *cursor, HgMessageHead *out);
