/* thrift: writer and reader of the Thrift binary protocol for the benchmark programs. */
#include "thrift.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    MAX_DEPTH = 32,
    MAX_NAME = 256,
};

void thrift_put_u8(Bytes *out, uint8_t value)
{
    bytes_put(out, &value, 1);
}

void thrift_put_u16(Bytes *out, uint16_t value)
{
    value = htons(value);
    bytes_put(out, &value, 2);
}

void thrift_put_u32(Bytes *out, uint32_t value)
{
    value = htonl(value);
    bytes_put(out, &value, 4);
}

void thrift_put_u64(Bytes *out, uint64_t value)
{
    thrift_put_u32(out, (uint32_t)(value >> 32));
    thrift_put_u32(out, (uint32_t)value);
}

void thrift_put_string(Bytes *out, const void *data, size_t len)
{
    thrift_put_u32(out, (uint32_t)len);
    bytes_put(out, data, len);
}

void thrift_put_field(Bytes *out, uint8_t type, uint16_t id)
{
    thrift_put_u8(out, type);
    thrift_put_u16(out, id);
}

void thrift_put_text_field(Bytes *out, uint16_t id, const char *text)
{
    thrift_put_field(out, THRIFT_STRING, id);
    thrift_put_string(out, text, strlen(text));
}

void thrift_put_i32_field(Bytes *out, uint16_t id, uint32_t value)
{
    thrift_put_field(out, THRIFT_I32, id);
    thrift_put_u32(out, value);
}

void thrift_put_bool_field(Bytes *out, uint16_t id, bool value)
{
    thrift_put_field(out, THRIFT_BOOL, id);
    thrift_put_u8(out, value);
}

void thrift_put_stop(Bytes *out)
{
    thrift_put_u8(out, THRIFT_STOP);
}

void thrift_put_message(Bytes *out, uint8_t type, const char *name, size_t name_len, uint32_t seqid)
{
    thrift_put_u32(out, 0x80010000u | type);
    thrift_put_string(out, name, name_len);
    thrift_put_u32(out, seqid);
}

ThriftReader thrift_reader(const void *data, size_t len)
{
    const uint8_t *start = data;
    return (ThriftReader){.at = start, .end = start + len, .fault = THRIFT_FINE};
}

static void set_fault(ThriftReader *reader, ThriftFault fault)
{
    if (reader->fault == THRIFT_FINE)
        reader->fault = fault;
}

/* The next `len` bytes, or NULL with the fault set. */
static const uint8_t *take(ThriftReader *reader, size_t len)
{
    const uint8_t *at = reader->at;
    if (reader->fault != THRIFT_FINE)
        return NULL;
    if ((size_t)(reader->end - at) < len) {
        set_fault(reader, THRIFT_SHORT);
        return NULL;
    }
    reader->at = at + len;
    return at;
}

uint8_t thrift_read_u8(ThriftReader *reader)
{
    const uint8_t *at = take(reader, 1);
    return at ? *at : 0;
}

uint16_t thrift_read_u16(ThriftReader *reader)
{
    const uint8_t *at = take(reader, 2);
    uint16_t value = 0;
    if (at)
        memcpy(&value, at, 2);
    return ntohs(value);
}

uint32_t thrift_read_u32(ThriftReader *reader)
{
    const uint8_t *at = take(reader, 4);
    uint32_t value = 0;
    if (at)
        memcpy(&value, at, 4);
    return ntohl(value);
}

uint32_t thrift_read_string(ThriftReader *reader, const uint8_t **data)
{
    uint32_t len = thrift_read_u32(reader);
    if (len > INT32_MAX)
        set_fault(reader, THRIFT_MALFORMED);
    *data = take(reader, len);
    return *data ? len : 0;
}

bool thrift_read_message(ThriftReader *reader, ThriftMessage *message)
{
    uint32_t head = thrift_read_u32(reader);
    if (reader->fault == THRIFT_FINE && (head & 0xffffff00u) != 0x80010000u)
        set_fault(reader, THRIFT_MALFORMED);
    message->type = (uint8_t)head;
    message->name_len = thrift_read_string(reader, &message->name);
    if (message->name_len > MAX_NAME)
        set_fault(reader, THRIFT_MALFORMED);
    message->seqid = thrift_read_u32(reader);
    return reader->fault == THRIFT_FINE;
}

static void skip_value(ThriftReader *reader, uint8_t type, int depth);

static void skip_struct(ThriftReader *reader, int depth)
{
    for (;;) {
        uint8_t type = thrift_read_u8(reader);
        if (reader->fault != THRIFT_FINE || type == THRIFT_STOP)
            return;
        thrift_read_u16(reader);
        skip_value(reader, type, depth);
    }
}

static void skip_items(ThriftReader *reader, uint8_t first, uint8_t second, int depth)
{
    uint32_t count = thrift_read_u32(reader);
    if (count > INT32_MAX)
        set_fault(reader, THRIFT_MALFORMED);
    while (count-- > 0 && reader->fault == THRIFT_FINE) {
        skip_value(reader, first, depth);
        if (second != THRIFT_STOP)
            skip_value(reader, second, depth);
    }
}

static void skip_value(ThriftReader *reader, uint8_t type, int depth)
{
    const uint8_t *ignored;
    uint8_t first, second;
    if (depth > MAX_DEPTH) {
        set_fault(reader, THRIFT_MALFORMED);
        return;
    }
    switch (type) {
    case THRIFT_BOOL:
    case THRIFT_BYTE:
        take(reader, 1);
        break;
    case THRIFT_I16:
        take(reader, 2);
        break;
    case THRIFT_I32:
        take(reader, 4);
        break;
    case THRIFT_I64:
    case THRIFT_DOUBLE:
        take(reader, 8);
        break;
    case THRIFT_STRING:
        thrift_read_string(reader, &ignored);
        break;
    case THRIFT_STRUCT:
        skip_struct(reader, depth + 1);
        break;
    case THRIFT_MAP:
        first = thrift_read_u8(reader);
        second = thrift_read_u8(reader);
        skip_items(reader, first, second, depth + 1);
        break;
    case THRIFT_SET:
    case THRIFT_LIST:
        first = thrift_read_u8(reader);
        skip_items(reader, first, THRIFT_STOP, depth + 1);
        break;
    default:
        set_fault(reader, THRIFT_MALFORMED);
    }
}

void thrift_skip(ThriftReader *reader, uint8_t type)
{
    skip_value(reader, type, 0);
}

bool thrift_enter(ThriftReader *reader, uint16_t id, uint8_t type)
{
    for (;;) {
        uint8_t found = thrift_read_u8(reader);
        if (reader->fault != THRIFT_FINE || found == THRIFT_STOP)
            return false;
        uint16_t found_id = thrift_read_u16(reader);
        if (found_id == id && found == type)
            return reader->fault == THRIFT_FINE;
        thrift_skip(reader, found);
    }
}
