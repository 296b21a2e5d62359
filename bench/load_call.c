/* load_call: requests and replies of the load generator. No state. */
#include "load_call.h"

#include <stdio.h>
#include <string.h>

#include "http.h"

static const char *const names[] = {
    [CALL_OPEN_SESSION] = "OpenSession",   [CALL_EXECUTE] = "ExecuteStatement",
    [CALL_STATUS] = "GetOperationStatus",  [CALL_METADATA] = "GetResultSetMetadata",
    [CALL_FETCH] = "FetchResults",         [CALL_CLOSE_OPERATION] = "CloseOperation",
    [CALL_CLOSE_SESSION] = "CloseSession",
};

static Call call_after_open(LoadMode mode)
{
    if (mode == LOAD_SESSION)
        return CALL_CLOSE_SESSION;
    return mode == LOAD_IDLE ? CALL_NONE : CALL_EXECUTE;
}

Call call_after(LoadMode mode, Call call, uint32_t rows)
{
    switch (call) {
    case CALL_OPEN_SESSION:
        return call_after_open(mode);
    case CALL_EXECUTE:
        return mode == LOAD_STATUS || mode == LOAD_QUERY ? CALL_STATUS : CALL_FETCH;
    case CALL_STATUS:
        return mode == LOAD_QUERY ? CALL_METADATA : CALL_STATUS;
    case CALL_METADATA:
        return CALL_FETCH;
    case CALL_FETCH:
        if (mode == LOAD_QUERY || (mode == LOAD_TABLE && rows == 0))
            return CALL_CLOSE_OPERATION;
        return CALL_FETCH;
    case CALL_CLOSE_OPERATION:
        return CALL_EXECUTE;
    default:
        return CALL_NONE;
    }
}

bool call_starts_operation(LoadMode mode, Call call)
{
    switch (mode) {
    case LOAD_STATUS:
        return call == CALL_STATUS;
    case LOAD_FETCH:
    case LOAD_STREAM:
        return call == CALL_FETCH;
    case LOAD_QUERY:
        return call == CALL_EXECUTE;
    default: /* session: starts with connecting; table: see call_ends_operation() */
        return false;
    }
}

bool call_ends_operation(LoadMode mode, Call call, Call next)
{
    switch (mode) {
    case LOAD_STATUS:
        return call == CALL_STATUS;
    case LOAD_FETCH:
    case LOAD_STREAM:
        return call == CALL_FETCH;
    case LOAD_QUERY:
        return call == CALL_CLOSE_OPERATION;
    case LOAD_TABLE:
        return call == CALL_FETCH && next == CALL_CLOSE_OPERATION;
    case LOAD_SESSION:
        return call == CALL_CLOSE_SESSION;
    default:
        return false;
    }
}

void call_put_login(Bytes *out, const LoadPlan *plan)
{
    size_t user = strlen(plan->user), password = strlen(plan->password);
    thrift_put_u8(out, SASL_START);
    thrift_put_string(out, "PLAIN", 5);
    thrift_put_u8(out, SASL_COMPLETE); /* as Java clients send it; python ones say OK */
    thrift_put_u32(out, (uint32_t)(user + password + 2));
    thrift_put_u8(out, 0);
    bytes_put(out, plan->user, user);
    thrift_put_u8(out, 0);
    bytes_put(out, plan->password, password);
}

static void put_open_session(Bytes *out, const LoadPlan *plan)
{
    thrift_put_i32_field(out, 1, TCLI_PROTOCOL_V10);
    thrift_put_text_field(out, 2, plan->user);
    thrift_put_text_field(out, 3, plan->password);
    thrift_put_field(out, THRIFT_MAP, 4);
    thrift_put_u8(out, THRIFT_STRING);
    thrift_put_u8(out, THRIFT_STRING);
    thrift_put_u32(out, 1);
    thrift_put_string(out, "use:database", 12);
    thrift_put_string(out, "default", 7);
}

static void put_execute(Bytes *out, const LoadPlan *plan, const Handle *session)
{
    tcli_put_session_handle(out, 1, session);
    thrift_put_text_field(out, 2, plan->statement);
    thrift_put_field(out, THRIFT_MAP, 3);
    thrift_put_u8(out, THRIFT_STRING);
    thrift_put_u8(out, THRIFT_STRING);
    thrift_put_u32(out, 0);
    thrift_put_bool_field(out, 4, false); /* runAsync: the reply comes when it has run */
}

static void put_fetch(Bytes *out, const LoadPlan *plan, const Handle *operation)
{
    tcli_put_operation_handle(out, 1, operation);
    thrift_put_i32_field(out, 2, 0); /* FETCH_NEXT */
    thrift_put_field(out, THRIFT_I64, 3);
    thrift_put_u64(out, plan->max_rows);
    thrift_put_field(out, THRIFT_I16, 4); /* rows, not the log */
    thrift_put_u16(out, 0);
}

static void put_message(Bytes *out, const LoadPlan *plan, Call call, const Handles *handles,
                        uint32_t seqid)
{
    thrift_put_message(out, THRIFT_CALL, names[call], strlen(names[call]), seqid);
    thrift_put_field(out, THRIFT_STRUCT, 1);
    switch (call) {
    case CALL_OPEN_SESSION:
        put_open_session(out, plan);
        break;
    case CALL_EXECUTE:
        put_execute(out, plan, &handles->session);
        break;
    case CALL_CLOSE_SESSION:
        tcli_put_session_handle(out, 1, &handles->session);
        break;
    case CALL_FETCH:
        put_fetch(out, plan, &handles->operation);
        break;
    default:
        tcli_put_operation_handle(out, 1, &handles->operation);
    }
    thrift_put_stop(out);
    thrift_put_stop(out);
}

static void put_basic(Bytes *out, const LoadPlan *plan)
{
    char login[512];
    int len = snprintf(login, sizeof login, "%s:%s", plan->user, plan->password);
    http_put(out, "Authorization: Basic ");
    http_put_base64(out, login, len < (int)sizeof login ? (size_t)len : sizeof login - 1);
    http_put(out, "\r\n");
}

enum {
    LENGTH_DIGITS = 8, /* of a Content-Length, with blanks in front */
};

/* The headers that Hive's JDBC driver sends (measured, 3.1.3), the length, which isn't known yet,
 * last; returns where its digits are. */
static size_t put_http_head(Bytes *out, const LoadPlan *plan, const char *cookie)
{
    http_put(out,
             "POST /%s HTTP/1.1\r\nAccept: application/x-thrift\r\n"
             "User-Agent: Java/THttpClient/HC\r\nX-XSRF-HEADER: true\r\n"
             "Content-Type: application/x-thrift\r\nHost: localhost:%u\r\n"
             "Connection: Keep-Alive\r\nAccept-Encoding: gzip,deflate\r\n",
             plan->path, ntohs(plan->address.sin_port));
    if (cookie && plan->cookies)
        http_put(out, "Cookie: %s\r\n", cookie);
    else
        put_basic(out, plan);
    http_put(out, "Content-Length: ");
    size_t at = out->len;
    http_put(out, "%*s\r\n\r\n", LENGTH_DIGITS, "");
    return at;
}

void call_put(Bytes *out, const LoadPlan *plan, Call call, const Handles *handles, uint32_t seqid,
              const char *cookie)
{
    if (plan->transport != LOAD_HTTP) {
        bool sasl = plan->transport == LOAD_SASL;
        size_t at = tcli_begin_frame(out, sasl);
        put_message(out, plan, call, handles, seqid);
        tcli_end_frame(out, at, sasl, 0);
        return;
    }
    char digits[LENGTH_DIGITS + 1];
    size_t length_at = put_http_head(out, plan, cookie);
    size_t body_at = out->len;
    put_message(out, plan, call, handles, seqid);
    snprintf(digits, sizeof digits, "%*zu", LENGTH_DIGITS, (out->len - body_at) % 100000000);
    memcpy(out->data + length_at, digits, LENGTH_DIGITS);
}

static const char *describe_exception(ThriftReader reader, char *text, size_t text_size)
{
    const uint8_t *message = (const uint8_t *)"";
    uint32_t len = 0;
    if (thrift_enter(&reader, 1, THRIFT_STRING))
        len = thrift_read_string(&reader, &message);
    snprintf(text, text_size, "exception: %.*s", (int)len, (const char *)message);
    return text;
}

const char *call_check_reply(const uint8_t *data, size_t len, uint32_t seqid, char *text,
                             size_t text_size)
{
    ThriftMessage message;
    ThriftReader reader = thrift_reader(data, len);
    if (!thrift_read_message(&reader, &message))
        return "the reply isn't a Thrift message";
    if (message.type == THRIFT_EXCEPTION)
        return describe_exception(reader, text, text_size);
    if (message.type != THRIFT_REPLY)
        return "the answer isn't a reply";
    if (message.seqid != seqid)
        return "the reply belongs to another call";
    if (!thrift_enter(&reader, 0, THRIFT_STRUCT) || !thrift_enter(&reader, 1, THRIFT_STRUCT))
        return "the reply has no status";
    ThriftReader status = reader;
    if (!thrift_enter(&status, 1, THRIFT_I32))
        return "the reply has no status code";
    uint32_t code = thrift_read_u32(&status);
    if (code <= TCLI_STATUS_SUCCESS_WITH_INFO)
        return NULL;
    const uint8_t *reason = (const uint8_t *)"";
    uint32_t reason_len = 0;
    if (thrift_enter(&status, 5, THRIFT_STRING))
        reason_len = thrift_read_string(&status, &reason);
    snprintf(text, text_size, "status %u: %.*s", code, (int)reason_len, (const char *)reason);
    return text;
}

/* Reader at the fields of the reply's TxxxResp. */
static ThriftReader enter_response(const uint8_t *data, size_t len)
{
    ThriftMessage message;
    ThriftReader reader = thrift_reader(data, len);
    thrift_read_message(&reader, &message);
    thrift_enter(&reader, 0, THRIFT_STRUCT);
    return reader;
}

bool call_take_handle(const uint8_t *data, size_t len, Call call, Handles *handles)
{
    if (call != CALL_OPEN_SESSION && call != CALL_EXECUTE)
        return true;
    bool session = call == CALL_OPEN_SESSION;
    ThriftReader reader = enter_response(data, len);
    return thrift_enter(&reader, session ? 3 : 2, THRIFT_STRUCT) &&
           tcli_read_handle(&reader, session ? &handles->session : &handles->operation);
}

static uint32_t enter_fetched(ThriftReader *reader, uint8_t *type)
{
    return thrift_enter(reader, 3, THRIFT_STRUCT) ? tcli_enter_rows(reader, type) : 0;
}

uint32_t call_count_rows(const uint8_t *data, size_t len)
{
    uint8_t type;
    ThriftReader reader = enter_response(data, len);
    return enter_fetched(&reader, &type);
}

bool call_rows_are_sample(const uint8_t *data, size_t len)
{
    uint8_t type;
    ThriftReader reader = enter_response(data, len);
    uint32_t rows = enter_fetched(&reader, &type);
    if (rows == 0 || type != THRIFT_STRING)
        return false;
    for (uint32_t row = 0; row < rows; row++) {
        char expected[TCLI_SAMPLE_VALUE_BYTES];
        const uint8_t *value;
        if (thrift_read_string(&reader, &value) != sizeof expected)
            return false;
        tcli_sample_value(row, expected);
        if (memcmp(value, expected, sizeof expected) != 0)
            return false;
    }
    return true;
}
