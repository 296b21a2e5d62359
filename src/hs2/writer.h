/* Writes Thrift binary at the end of an HgBuffer: what hivegate authors itself.
 *
 * Why not the objects of Thrift C GLib: in 0.17 neither the library's classes nor those that the
 * compiler generates chain up when they are finalised, so GLib's notify queue leaks with every
 * object; an error answer leaked 383 bytes and took 4 us (measured), and a client can ask for as
 * many as it likes. The tests compare every message written here with what Thrift C GLib makes of
 * it.
 *
 * A writer that can't get room stays failed and writes no more, so only hg_writer_finish() has to
 * be looked at. Open value; one thread at a time. */
#pragma once

#include "base/buffer.h"
#include "wire/thrift.h"

typedef struct {
    HgBuffer *out; /* borrowed */
    gsize before;  /* bytes that were in it */
    gboolean failed;
} HgWriter;

/* A writer at the end of the buffer. */
HgWriter hg_writer(HgBuffer *out);

/* TRUE when all was written. Otherwise the buffer holds what it held before. */
gboolean hg_writer_finish(HgWriter *writer) G_GNUC_WARN_UNUSED_RESULT;

/* Gives up: the buffer holds what it held before. */
void hg_writer_abandon(HgWriter *writer);

/* Bytes as they are. */
void hg_writer_bytes(HgWriter *writer, HgSlice bytes);

/* Values. A bool is an i8 of 0 or 1; a string may be any bytes. */
void hg_writer_i8(HgWriter *writer, gint8 value);
void hg_writer_i16(HgWriter *writer, gint16 value);
void hg_writer_i32(HgWriter *writer, gint32 value);
void hg_writer_i64(HgWriter *writer, gint64 value);
void hg_writer_string(HgWriter *writer, HgSlice text);

/* The head of a strict message; the args or result struct comes next. */
void hg_writer_head(HgWriter *writer, HgMessageType type, HgSlice name, gint32 seqid);

/* The head of a field, and the end of a struct. */
void hg_writer_field(HgWriter *writer, HgThriftType type, gint16 id);
void hg_writer_stop(HgWriter *writer);

/* Whole fields. */
void hg_writer_field_bool(HgWriter *writer, gint16 id, gboolean value);
void hg_writer_field_i16(HgWriter *writer, gint16 id, gint16 value);
void hg_writer_field_i32(HgWriter *writer, gint16 id, gint32 value);
void hg_writer_field_i64(HgWriter *writer, gint16 id, gint64 value);
void hg_writer_field_string(HgWriter *writer, gint16 id, HgSlice text);
