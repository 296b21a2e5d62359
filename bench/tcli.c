/* tcli: HiveServer2 messages of the benchmark programs. No state. */
#include "tcli.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    FIRST_COLUMN_KIND = 1, /* TColumn is a union: boolVal 1 to binaryVal 8 */
    STRING_COLUMN = 7,
    LAST_COLUMN_KIND = 8,
};

static void put_identifier(Bytes *out, const Handle *handle)
{
    thrift_put_field(out, THRIFT_STRUCT, 1);
    thrift_put_field(out, THRIFT_STRING, 1);
    thrift_put_string(out, handle->guid, sizeof handle->guid);
    thrift_put_field(out, THRIFT_STRING, 2);
    thrift_put_string(out, handle->secret, sizeof handle->secret);
    thrift_put_stop(out);
}

void tcli_put_session_handle(Bytes *out, uint16_t id, const Handle *handle)
{
    thrift_put_field(out, THRIFT_STRUCT, id);
    put_identifier(out, handle);
    thrift_put_stop(out);
}

void tcli_put_operation_handle(Bytes *out, uint16_t id, const Handle *handle)
{
    thrift_put_field(out, THRIFT_STRUCT, id);
    put_identifier(out, handle);
    thrift_put_i32_field(out, 2, 0); /* operationType EXECUTE_STATEMENT */
    thrift_put_bool_field(out, 3, true);
    thrift_put_stop(out);
}

static bool read_half(ThriftReader reader, uint16_t id, uint8_t half[16])
{
    const uint8_t *data;
    if (!thrift_enter(&reader, id, THRIFT_STRING) || thrift_read_string(&reader, &data) != 16)
        return false;
    memcpy(half, data, 16);
    return true;
}

bool tcli_read_handle(ThriftReader *reader, Handle *handle)
{
    return thrift_enter(reader, 1, THRIFT_STRUCT) && read_half(*reader, 1, handle->guid) &&
           read_half(*reader, 2, handle->secret);
}

size_t tcli_begin_frame(Bytes *out, bool sasl)
{
    size_t at = out->len;
    if (sasl)
        thrift_put_u32(out, 0);
    return at;
}

void tcli_end_frame(Bytes *out, size_t at, bool sasl, size_t more)
{
    if (!sasl)
        return;
    uint32_t len = htonl((uint32_t)(out->len - at - SASL_FRAME_HEAD_BYTES + more));
    memcpy(out->data + at, &len, sizeof len);
}

void tcli_sample_value(uint32_t row, char value[TCLI_SAMPLE_VALUE_BYTES])
{
    char head[16];
    int len = snprintf(head, sizeof head, "row %u ", row);
    memcpy(value, head, (size_t)len);
    for (int i = len; i < TCLI_SAMPLE_VALUE_BYTES; i++)
        value[i] = (char)('a' + (row + (uint32_t)i) % 26);
}

void tcli_put_sample_rows(Bytes *out, size_t bytes)
{
    char value[TCLI_SAMPLE_VALUE_BYTES];
    size_t rows = bytes / (4 + sizeof value);
    if (rows == 0)
        rows = 1;
    thrift_put_field(out, THRIFT_STRUCT, 3);
    thrift_put_field(out, THRIFT_I64, 1); /* startRowOffset */
    thrift_put_u64(out, 0);
    thrift_put_field(out, THRIFT_LIST, 2); /* rows: unused since protocol V6 */
    thrift_put_u8(out, THRIFT_STRUCT);
    thrift_put_u32(out, 0);
    thrift_put_field(out, THRIFT_LIST, 3); /* columns */
    thrift_put_u8(out, THRIFT_STRUCT);
    thrift_put_u32(out, 1);
    thrift_put_field(out, THRIFT_STRUCT, STRING_COLUMN);
    thrift_put_field(out, THRIFT_LIST, 1); /* values */
    thrift_put_u8(out, THRIFT_STRING);
    thrift_put_u32(out, (uint32_t)rows);
    for (size_t row = 0; row < rows; row++) {
        tcli_sample_value((uint32_t)row, value);
        thrift_put_string(out, value, sizeof value);
    }
    thrift_put_field(out, THRIFT_STRING, 2); /* nulls: none */
    thrift_put_string(out, "", 1);
    thrift_put_stop(out); /* TStringColumn */
    thrift_put_stop(out); /* TColumn */
    thrift_put_stop(out); /* TRowSet */
}

/* Moves into the one field that the TColumn at the reader holds. */
static bool enter_column(ThriftReader *reader)
{
    uint8_t type = thrift_read_u8(reader);
    uint16_t id = thrift_read_u16(reader);
    return reader->fault == THRIFT_FINE && type == THRIFT_STRUCT && id >= FIRST_COLUMN_KIND &&
           id <= LAST_COLUMN_KIND;
}

uint32_t tcli_enter_rows(ThriftReader *reader, uint8_t *type)
{
    *type = THRIFT_STOP;
    if (!thrift_enter(reader, 3, THRIFT_LIST))
        return 0;
    thrift_read_u8(reader);
    if (thrift_read_u32(reader) == 0 || !enter_column(reader) ||
        !thrift_enter(reader, 1, THRIFT_LIST))
        return 0;
    *type = thrift_read_u8(reader);
    return thrift_read_u32(reader);
}
