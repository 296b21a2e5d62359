/* thrift: the part of the Thrift binary protocol that the benchmark speaks: a writer that
 * appends to Bytes, and a reader over a borrowed range that tells "not all here yet" from
 * "this isn't Thrift". It shares no code with the gateway, so that a mistake there can't hide
 * behind the same mistake here. */
#ifndef BENCH_THRIFT_H
#define BENCH_THRIFT_H

#include <stdbool.h>

#include "bytes.h"

enum {
    THRIFT_STOP = 0,
    THRIFT_BOOL = 2,
    THRIFT_BYTE = 3,
    THRIFT_DOUBLE = 4,
    THRIFT_I16 = 6,
    THRIFT_I32 = 8,
    THRIFT_I64 = 10,
    THRIFT_STRING = 11,
    THRIFT_STRUCT = 12,
    THRIFT_MAP = 13,
    THRIFT_SET = 14,
    THRIFT_LIST = 15,
};

enum {
    THRIFT_CALL = 1,
    THRIFT_REPLY = 2,
    THRIFT_EXCEPTION = 3,
};

/* ---- writing: each appends one item; numbers are big-endian on the wire ---- */
void thrift_put_u8(Bytes *out, uint8_t value);
void thrift_put_u16(Bytes *out, uint16_t value);
void thrift_put_u32(Bytes *out, uint32_t value);
void thrift_put_u64(Bytes *out, uint64_t value);
void thrift_put_string(Bytes *out, const void *data, size_t len);
void thrift_put_field(Bytes *out, uint8_t type, uint16_t id);
void thrift_put_text_field(Bytes *out, uint16_t id, const char *text);
void thrift_put_i32_field(Bytes *out, uint16_t id, uint32_t value);
void thrift_put_bool_field(Bytes *out, uint16_t id, bool value);
void thrift_put_stop(Bytes *out);
/* Head of a strict message. */
void thrift_put_message(Bytes *out, uint8_t type, const char *name, size_t name_len,
                        uint32_t seqid);

/* ---- reading ---- */
typedef enum ThriftFault {
    THRIFT_FINE,      /* everything read so far was there */
    THRIFT_SHORT,     /* the range ends before the item does */
    THRIFT_MALFORMED, /* no continuation can make this valid */
} ThriftFault;

/* Once `fault` is set every read returns 0 and moves nothing. */
typedef struct ThriftReader {
    const uint8_t *at;
    const uint8_t *end;
    ThriftFault fault;
} ThriftReader;

typedef struct ThriftMessage {
    uint8_t type;
    const uint8_t *name; /* borrowed from the range that was read */
    uint32_t name_len;
    uint32_t seqid;
} ThriftMessage;

/* Reader over `len` bytes at `data`, borrowed. */
ThriftReader thrift_reader(const void *data, size_t len);
uint8_t thrift_read_u8(ThriftReader *reader);
uint16_t thrift_read_u16(ThriftReader *reader);
uint32_t thrift_read_u32(ThriftReader *reader);
/* Returns the string's length and its start, borrowed, in `data`. */
uint32_t thrift_read_string(ThriftReader *reader, const uint8_t **data);
/* Head of a strict message; false on a fault. */
bool thrift_read_message(ThriftReader *reader, ThriftMessage *message);
/* Passes over one value of `type`. */
void thrift_skip(ThriftReader *reader, uint8_t type);
/* Moves from the start (or middle) of a struct to the value of its field `id`, which must be of
 * `type`. False, with no fault, when the struct has none; then the reader stands behind it. */
bool thrift_enter(ThriftReader *reader, uint16_t id, uint8_t type);

#endif
