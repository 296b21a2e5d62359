/* The cursor over whole Thrift messages: see cursor.h. Owns nothing; any thread, one cursor each.
 *
 * Every step first looks how many bytes are left. Counts are never multiplied out or believed: each
 * value that is skipped takes at least one byte, so the work is linear in the bytes. */
#include "wire/cursor.h"

#include "wire/layout.h"

static gsize left(const HgCursor *cursor)
{
    return (gsize)(cursor->end - cursor->at);
}

static HgSlice rest(const HgCursor *cursor)
{
    return hg_slice(cursor->at, left(cursor));
}

HgWireStatus hg_cursor_read_byte(HgCursor *cursor, guint8 *out)
{
    if (left(cursor) < 1)
        return HG_WIRE_SHORT;
    *out = *cursor->at++;
    return HG_WIRE_OK;
}

HgWireStatus hg_cursor_read_i16(HgCursor *cursor, gint16 *out)
{
    guint16 value;
    if (left(cursor) < sizeof value)
        return HG_WIRE_SHORT;
    memcpy(&value, cursor->at, sizeof value);
    *out = (gint16)GUINT16_FROM_BE(value);
    cursor->at += sizeof value;
    return HG_WIRE_OK;
}

HgWireStatus hg_cursor_read_i32(HgCursor *cursor, gint32 *out)
{
    if (left(cursor) < sizeof *out)
        return HG_WIRE_SHORT;
    *out = (gint32)hg_layout_get_u32(cursor->at);
    cursor->at += sizeof *out;
    return HG_WIRE_OK;
}

HgWireStatus hg_cursor_read_i64(HgCursor *cursor, gint64 *out)
{
    guint64 value;
    if (left(cursor) < sizeof value)
        return HG_WIRE_SHORT;
    memcpy(&value, cursor->at, sizeof value);
    *out = (gint64)GUINT64_FROM_BE(value);
    cursor->at += sizeof value;
    return HG_WIRE_OK;
}

HgWireStatus hg_cursor_read_string(HgCursor *cursor, HgSlice *out)
{
    guint32 length = 0;
    HgWireStatus status = hg_layout_read_length(rest(cursor), &length);
    if (status != HG_WIRE_OK)
        return status;
    if (length > left(cursor) - HG_LAYOUT_LENGTH_SIZE)
        return HG_WIRE_SHORT;
    *out = hg_slice(cursor->at + HG_LAYOUT_LENGTH_SIZE, length);
    cursor->at += HG_LAYOUT_LENGTH_SIZE + length;
    return HG_WIRE_OK;
}

HgWireStatus hg_cursor_read_field(HgCursor *cursor, guint8 *type, gint16 *id)
{
    HgWireStatus status = hg_layout_read_field(rest(cursor), type, id);
    if (status == HG_WIRE_OK)
        cursor->at += *type == HG_THRIFT_STOP ? HG_LAYOUT_STOP_SIZE : HG_LAYOUT_FIELD_SIZE;
    return status;
}

static HgWireStatus skip_value(HgCursor *cursor, guint8 type, guint depth);

static HgWireStatus skip_bytes(HgCursor *cursor, guint64 size)
{
    if (left(cursor) < size)
        return HG_WIRE_SHORT;
    cursor->at += size;
    return HG_WIRE_OK;
}

static HgWireStatus skip_strings(HgCursor *cursor, guint32 count)
{
    cursor->at = hg_layout_skip_strings(cursor->at, cursor->end, &count);
    if (count == 0)
        return HG_WIRE_OK;
    guint32 length = 0;
    /* the length in front of which it stopped is negative, or too long for the bytes */
    return hg_layout_read_length(rest(cursor), &length) == HG_WIRE_BAD ? HG_WIRE_BAD
                                                                       : HG_WIRE_SHORT;
}

static HgWireStatus skip_struct(HgCursor *cursor, guint depth)
{
    for (;;) {
        guint8 type;
        gint16 id;
        HgWireStatus status = hg_cursor_read_field(cursor, &type, &id);
        if (status != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return status;
        status = skip_value(cursor, type, depth);
        if (status != HG_WIRE_OK)
            return status;
    }
}

static HgWireStatus skip_run(HgCursor *cursor, guint8 container, guint depth)
{
    HgRun run;
    HgWireStatus status = hg_layout_read_run(rest(cursor), container, &run);
    if (status != HG_WIRE_OK)
        return status;
    cursor->at += hg_layout_run_head_size(container);
    guint64 size = 0;
    if (hg_layout_run_is_fixed(run, &size))
        return skip_bytes(cursor, size);
    if (run.key == HG_THRIFT_STRING && run.value == HG_THRIFT_STRING)
        return skip_strings(cursor, run.values);
    for (guint32 i = 0; i < run.values; i++) {
        status = skip_value(cursor, i % 2 == 0 ? run.key : run.value, depth);
        if (status != HG_WIRE_OK)
            return status;
    }
    return HG_WIRE_OK;
}

/* Skips one value with `depth` structs and containers open around it. Leaves the cursor anywhere
 * when the status isn't OK. Calls itself HG_THRIFT_MAX_DEPTH deep at the most. */
static HgWireStatus skip_value(HgCursor *cursor, guint8 type, guint depth)
{
    guint size = hg_layout_fixed_size(type);
    if (size > 0)
        return skip_bytes(cursor, size);
    if (type == HG_THRIFT_STRING)
        return skip_strings(cursor, 1);
    if (!hg_layout_is_value_type(type) || depth >= HG_THRIFT_MAX_DEPTH)
        return HG_WIRE_BAD;
    if (type == HG_THRIFT_STRUCT)
        return skip_struct(cursor, depth + 1);
    return skip_run(cursor, type, depth + 1);
}

HgWireStatus hg_cursor_skip(HgCursor *cursor, guint8 type, guint depth)
{
    HgCursor probe = *cursor;
    HgWireStatus status = skip_value(&probe, type, depth);
    if (status == HG_WIRE_OK)
        cursor->at = probe.at;
    return status;
}

/* Reads the name of a message: `length` bytes. */
static HgWireStatus read_name(HgCursor *cursor, guint32 length, HgSlice *out)
{
    HgSlice name = hg_slice(cursor->at, MIN(length, left(cursor)));
    if (!hg_layout_is_name(name))
        return HG_WIRE_BAD;
    if (name.size < length)
        return HG_WIRE_SHORT;
    *out = name;
    cursor->at += length;
    return HG_WIRE_OK;
}

HgWireStatus hg_cursor_read_head(HgCursor *cursor, HgMessageHead *out)
{
    HgCursor probe = *cursor;
    HgFirstWord word;
    HgWireStatus status = hg_layout_read_first_word(rest(&probe), &word);
    if (status != HG_WIRE_OK)
        return status;
    probe.at += HG_LAYOUT_LENGTH_SIZE;
    guint32 length = word.name_length;
    if (word.strict) {
        status = hg_layout_read_name_length(rest(&probe), &length);
        if (status != HG_WIRE_OK)
            return status;
        probe.at += HG_LAYOUT_LENGTH_SIZE;
    }
    HgMessageHead head = {.strict = word.strict, .type = word.type};
    status = read_name(&probe, length, &head.name);
    if (status == HG_WIRE_OK && !word.strict)
        status = hg_cursor_read_byte(&probe, &head.type);
    if (status == HG_WIRE_OK)
        status = hg_cursor_read_i32(&probe, &head.seqid);
    if (status != HG_WIRE_OK)
        return status;
    head.size = (gsize)(probe.at - cursor->at);
    cursor->at = probe.at;
    *out = head;
    return HG_WIRE_OK;
}
