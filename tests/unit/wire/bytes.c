/* Thrift binary written by hand: see bytes.h. */
#include "bytes.h"

#include <stdlib.h>

void put_u8(GByteArray *out, guint value)
{
    guint8 byte = (guint8)value;
    g_byte_array_append(out, &byte, 1);
}

void put_u16(GByteArray *out, guint value)
{
    put_u8(out, value >> 8);
    put_u8(out, value);
}

void put_u32(GByteArray *out, guint32 value)
{
    put_u16(out, value >> 16);
    put_u16(out, value);
}

void put_u64(GByteArray *out, guint64 value)
{
    put_u32(out, (guint32)(value >> 32));
    put_u32(out, (guint32)value);
}

void put_text(GByteArray *out, const char *text)
{
    put_u32(out, (guint32)strlen(text));
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

void put_field(GByteArray *out, guint type, gint id)
{
    put_u8(out, type);
    put_u16(out, (guint)id);
}

void put_list(GByteArray *out, guint element, guint32 count)
{
    put_u8(out, element);
    put_u32(out, count);
}

void put_map(GByteArray *out, guint key, guint value, guint32 count)
{
    put_u8(out, key);
    put_u8(out, value);
    put_u32(out, count);
}

void put_head(GByteArray *out, guint type, const char *name, gint32 seqid)
{
    put_u32(out, 0x80010000u | type);
    put_text(out, name);
    put_u32(out, (guint32)seqid);
}

void put_old_head(GByteArray *out, guint type, const char *name, gint32 seqid)
{
    put_text(out, name);
    put_u8(out, type);
    put_u32(out, (guint32)seqid);
}

static void put_plain_fields(GByteArray *out)
{
    put_field(out, HG_THRIFT_BOOL, 1);
    put_u8(out, 1);
    put_field(out, HG_THRIFT_BYTE, 2);
    put_u8(out, 0xff);
    put_field(out, HG_THRIFT_DOUBLE, 3);
    put_u64(out, 0x3ff8000000000000u);
    put_field(out, HG_THRIFT_I16, -4);
    put_u16(out, 0x8000);
    put_field(out, HG_THRIFT_I32, 0x501);
    put_u32(out, 0x80000000u);
    put_field(out, HG_THRIFT_I64, 6);
    put_u64(out, 0x8000000000000000u);
    put_field(out, HG_THRIFT_STRING, 7);
    put_text(out, "h\xc3\xa9");
}

static void put_container_fields(GByteArray *out)
{
    put_field(out, HG_THRIFT_LIST, 9);
    put_list(out, HG_THRIFT_STRING, 5);
    put_text(out, "abc");
    put_text(out, "def");
    put_text(out, "");
    put_text(out, "");
    put_text(out, "longer than the others");
    put_field(out, HG_THRIFT_SET, 10);
    put_list(out, HG_THRIFT_I16, 3);
    put_u16(out, 1);
    put_u32(out, 2);
    put_field(out, HG_THRIFT_MAP, 11);
    put_map(out, HG_THRIFT_STRING, HG_THRIFT_I32, 2);
    put_text(out, "a");
    put_u32(out, 1);
    put_text(out, "bc");
    put_u32(out, 2);
    put_field(out, HG_THRIFT_MAP, 12);
    put_map(out, HG_THRIFT_BYTE, HG_THRIFT_I64, 2);
    for (guint i = 0; i < 18; i++)
        put_u8(out, i);
    put_field(out, HG_THRIFT_MAP, 13);
    put_map(out, HG_THRIFT_STRING, HG_THRIFT_STRING, 1);
    put_text(out, "key");
    put_text(out, "value");
    put_field(out, HG_THRIFT_MAP, 14);
    put_map(out, 0, 0, 0); /* as writers leave the types of an empty map */
}

static void put_nesting_fields(GByteArray *out)
{
    put_field(out, HG_THRIFT_LIST, 15);
    put_list(out, HG_THRIFT_STRUCT, 2);
    put_field(out, HG_THRIFT_BOOL, 1);
    put_u8(out, 7);
    put_u8(out, HG_THRIFT_STOP);
    put_u8(out, HG_THRIFT_STOP);
    put_field(out, HG_THRIFT_LIST, 16);
    put_list(out, HG_THRIFT_LIST, 2);
    put_list(out, HG_THRIFT_STRING, 1);
    put_text(out, "x");
    put_list(out, HG_THRIFT_STRING, 0);
    put_field(out, HG_THRIFT_MAP, 17);
    put_map(out, HG_THRIFT_I32, HG_THRIFT_STRUCT, 2);
    put_u32(out, 1);
    put_field(out, HG_THRIFT_STRING, 1);
    put_text(out, "in a map");
    put_u8(out, HG_THRIFT_STOP);
    put_u32(out, 2);
    put_u8(out, HG_THRIFT_STOP);
}

void put_every_type(GByteArray *out)
{
    put_plain_fields(out);
    put_container_fields(out);
    put_nesting_fields(out);
    put_u8(out, HG_THRIFT_STOP);
}

/* A column of a TRowSet: `id` says which member of the union, the caller puts the values' list. */
static void put_column(GByteArray *out, gint id)
{
    put_field(out, HG_THRIFT_STRUCT, id);
    put_field(out, HG_THRIFT_LIST, 1);
}

static void end_column(GByteArray *out)
{
    put_field(out, HG_THRIFT_STRING, 2);
    put_text(out, "");
    put_u8(out, HG_THRIFT_STOP);
    put_u8(out, HG_THRIFT_STOP);
}

static void put_columns(GByteArray *out)
{
    put_column(out, 5);
    put_list(out, HG_THRIFT_I64, 3);
    for (guint i = 0; i < 3; i++)
        put_u64(out, i);
    end_column(out);
    put_column(out, 7);
    put_list(out, HG_THRIFT_STRING, 3);
    put_text(out, "UA");
    put_text(out, "AA");
    put_text(out, "N14228");
    end_column(out);
    put_column(out, 1);
    put_list(out, HG_THRIFT_BOOL, 3);
    for (guint i = 0; i < 3; i++)
        put_u8(out, i % 2);
    end_column(out);
}

void put_fetch_reply(GByteArray *out)
{
    put_head(out, HG_MESSAGE_REPLY, "FetchResults", 8);
    put_field(out, HG_THRIFT_STRUCT, 0);
    put_field(out, HG_THRIFT_STRUCT, 1);
    put_field(out, HG_THRIFT_I32, 1);
    put_u32(out, 0);
    put_u8(out, HG_THRIFT_STOP);
    put_field(out, HG_THRIFT_BOOL, 2);
    put_u8(out, 0);
    put_field(out, HG_THRIFT_STRUCT, 3);
    put_field(out, HG_THRIFT_I64, 1);
    put_u64(out, 0);
    put_field(out, HG_THRIFT_LIST, 2);
    put_list(out, HG_THRIFT_STRUCT, 0);
    put_field(out, HG_THRIFT_LIST, 3);
    put_list(out, HG_THRIFT_STRUCT, 3);
    put_columns(out);
    put_u8(out, HG_THRIFT_STOP); /* TRowSet */
    put_u8(out, HG_THRIFT_STOP); /* TFetchResultsResp */
    put_u8(out, HG_THRIFT_STOP); /* the result struct */
}

void put_open_call(GByteArray *out)
{
    put_head(out, HG_MESSAGE_CALL, "OpenSession", 1);
    put_field(out, HG_THRIFT_STRUCT, 1);
    put_field(out, HG_THRIFT_I32, 1);
    put_u32(out, 9);
    put_field(out, HG_THRIFT_MAP, 4);
    put_map(out, HG_THRIFT_STRING, HG_THRIFT_STRING, 2);
    put_text(out, "set:hiveconf:hive.server2.thrift.resultset.default.fetch.size");
    put_text(out, "1000");
    put_text(out, "use:database");
    put_text(out, "default");
    put_u8(out, HG_THRIFT_STOP);
    put_u8(out, HG_THRIFT_STOP);
}

void put_nested(GByteArray *out, guint8 type, guint depth)
{
    for (guint i = 1; i < depth; i++) {
        if (type == HG_THRIFT_STRUCT)
            put_field(out, type, 1);
        else if (type == HG_THRIFT_MAP)
            put_map(out, HG_THRIFT_BYTE, type, 1);
        else
            put_list(out, type, 1);
        if (type == HG_THRIFT_MAP)
            put_u8(out, i);
    }
    if (type == HG_THRIFT_STRUCT) {
        for (guint i = 0; i < depth; i++)
            put_u8(out, HG_THRIFT_STOP);
    } else if (type == HG_THRIFT_MAP) {
        put_map(out, 0, 0, 0);
    } else {
        put_list(out, HG_THRIFT_STOP, 0);
    }
}

HgSlice tight_copy(const GByteArray *bytes, gsize size)
{
    g_assert(size <= bytes->len);
    guint8 *data = malloc(MAX(size, 1));
    g_assert(data != NULL);
    if (size > 0)
        memcpy(data, bytes->data, size);
    return hg_slice(data, size);
}
