/* The writer of Thrift binary: see writer.h. One thread at a time. */
#include "hs2/writer.h"

#define STRICT_VERSION 0x80010000u

HgWriter hg_writer(HgBuffer *out)
{
    return (HgWriter){.out = out, .before = hg_buffer_size(out)};
}

void hg_writer_abandon(HgWriter *writer)
{
    if (writer->before == 0)
        hg_buffer_clear(writer->out);
    else
        writer->out->end = writer->out->start + writer->before;
    writer->failed = TRUE;
}

gboolean hg_writer_finish(HgWriter *writer)
{
    if (writer->failed)
        hg_writer_abandon(writer);
    return !writer->failed;
}

void hg_writer_bytes(HgWriter *writer, HgSlice bytes)
{
    writer->failed = writer->failed || !hg_buffer_append(writer->out, bytes, G_MAXSIZE);
}

void hg_writer_i8(HgWriter *writer, gint8 value)
{
    hg_writer_bytes(writer, hg_slice(&value, sizeof value));
}

void hg_writer_i16(HgWriter *writer, gint16 value)
{
    gint16 big = GINT16_TO_BE(value);
    hg_writer_bytes(writer, hg_slice(&big, sizeof big));
}

void hg_writer_i32(HgWriter *writer, gint32 value)
{
    gint32 big = GINT32_TO_BE(value);
    hg_writer_bytes(writer, hg_slice(&big, sizeof big));
}

void hg_writer_i64(HgWriter *writer, gint64 value)
{
    gint64 big = GINT64_TO_BE(value);
    hg_writer_bytes(writer, hg_slice(&big, sizeof big));
}

void hg_writer_string(HgWriter *writer, HgSlice text)
{
    g_assert(text.size <= G_MAXINT32);
    hg_writer_i32(writer, (gint32)text.size);
    hg_writer_bytes(writer, text);
}

void hg_writer_head(HgWriter *writer, HgMessageType type, HgSlice name, gint32 seqid)
{
    hg_writer_i32(writer, (gint32)(STRICT_VERSION | (guint32)type));
    hg_writer_string(writer, name);
    hg_writer_i32(writer, seqid);
}

void hg_writer_field(HgWriter *writer, HgThriftType type, gint16 id)
{
    hg_writer_i8(writer, (gint8)type);
    hg_writer_i16(writer, id);
}

void hg_writer_stop(HgWriter *writer)
{
    hg_writer_i8(writer, HG_THRIFT_STOP);
}

void hg_writer_field_bool(HgWriter *writer, gint16 id, gboolean value)
{
    hg_writer_field(writer, HG_THRIFT_BOOL, id);
    hg_writer_i8(writer, value ? 1 : 0);
}

void hg_writer_field_i16(HgWriter *writer, gint16 id, gint16 value)
{
    hg_writer_field(writer, HG_THRIFT_I16, id);
    hg_writer_i16(writer, value);
}

void hg_writer_field_i32(HgWriter *writer, gint16 id, gint32 value)
{
    hg_writer_field(writer, HG_THRIFT_I32, id);
    hg_writer_i32(writer, value);
}

void hg_writer_field_i64(HgWriter *writer, gint16 id, gint64 value)
{
    hg_writer_field(writer, HG_THRIFT_I64, id);
    hg_writer_i64(writer, value);
}

void hg_writer_field_string(HgWriter *writer, gint16 id, HgSlice text)
{
    hg_writer_field(writer, HG_THRIFT_STRING, id);
    hg_writer_string(writer, text);
}
