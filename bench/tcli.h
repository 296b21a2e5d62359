/* tcli: the pieces of the HiveServer2 service (TCLIService) that the stand-in backend writes
 * and the load generator reads, or the other way round: SASL frames, handles, status, and the
 * rows of the sample result. Field numbers are those of Hive's IDL. */
#ifndef BENCH_TCLI_H
#define BENCH_TCLI_H

#include "thrift.h"

/* SASL negotiation: one status byte, a 32-bit length, the payload. */
enum {
    SASL_START = 1,
    SASL_OK = 2,
    SASL_BAD = 3,
    SASL_ERROR = 4,
    SASL_COMPLETE = 5,
    SASL_HEAD_BYTES = 5,
    SASL_FRAME_HEAD_BYTES = 4, /* after negotiation: a 32-bit length, the payload */
};

enum {
    TCLI_STATUS_SUCCESS = 0,
    TCLI_STATUS_SUCCESS_WITH_INFO = 1,
    TCLI_STATUS_ERROR = 3,
    TCLI_STATE_FINISHED = 2,
    TCLI_PROTOCOL_V10 = 9,
    TCLI_SAMPLE_VALUE_BYTES = 100,
};

/* A session's or operation's identity on the wire: 16 bytes guid, 16 bytes secret. */
typedef struct Handle {
    uint8_t guid[16];
    uint8_t secret[16];
} Handle;

/* Field `id` holding a TSessionHandle. */
void tcli_put_session_handle(Bytes *out, uint16_t id, const Handle *handle);
/* Field `id` holding a TOperationHandle of a statement with a result set. */
void tcli_put_operation_handle(Bytes *out, uint16_t id, const Handle *handle);
/* Reads the THandleIdentifier of a session's or operation's handle; the reader stands at the
 * value of the TSessionHandle or TOperationHandle. */
bool tcli_read_handle(ThriftReader *reader, Handle *handle);

/* Appends the head of a SASL frame whose length isn't known yet and returns where it is; with
 * `sasl` false appends nothing. */
size_t tcli_begin_frame(Bytes *out, bool sasl);
/* Fills in the length of the frame begun at `at`, counting `more` bytes that will follow what
 * is in `out` now. */
void tcli_end_frame(Bytes *out, size_t at, bool sasl, size_t more);

/* Value of row `row` of the sample result, not terminated. */
void tcli_sample_value(uint32_t row, char value[TCLI_SAMPLE_VALUE_BYTES]);
/* Appends field 3 of TFetchResultsResp: a TRowSet with one string column of sample values,
 * about `bytes` long in all. */
void tcli_put_sample_rows(Bytes *out, size_t bytes);

/* Opens the string or other column of the TRowSet at the reader: the reader stands at the
 * value of `results`; afterwards at the first value. Returns the number of rows; 0 with no
 * fault when the result is empty. `type` gets the type of the values. */
uint32_t tcli_enter_rows(ThriftReader *reader, uint8_t *type);

#endif
