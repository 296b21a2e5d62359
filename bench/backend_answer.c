/* backend_answer: the stand-in HiveServer2's answers. Owns the shared rows of fetch replies and
 * the counter that new handles are made from. */
#include "backend_answer.h"

#include <stdatomic.h>
#include <string.h>

#include "common.h"
#include "http.h"

enum {
    CHUNK_BYTES = 32 * 1024, /* Jetty's output buffer: what Spark sends at a time */
};

typedef enum HandleKind {
    HANDLE_NONE,
    HANDLE_SESSION,
    HANDLE_OPERATION,
} HandleKind;

typedef enum ReplyKind {
    REPLY_STATUS,    /* status alone */
    REPLY_SESSION,   /* a new session */
    REPLY_OPERATION, /* a new operation */
    REPLY_STATE,     /* the operation is finished */
    REPLY_SCHEMA,    /* one column of strings */
    REPLY_ROWS,      /* the shared rows */
    REPLY_INFO,      /* the server's name */
    REPLY_QUERY_ID,  /* a string, with no status */
} ReplyKind;

typedef struct Method {
    const char *name;
    HandleKind takes;
    ReplyKind gives;
} Method;

/* The calls that a measured loop repeats come first. */
static const Method methods[] = {
    {"GetOperationStatus", HANDLE_OPERATION, REPLY_STATE},
    {"FetchResults", HANDLE_OPERATION, REPLY_ROWS},
    {"ExecuteStatement", HANDLE_SESSION, REPLY_OPERATION},
    {"GetResultSetMetadata", HANDLE_OPERATION, REPLY_SCHEMA},
    {"CloseOperation", HANDLE_OPERATION, REPLY_STATUS},
    {"OpenSession", HANDLE_NONE, REPLY_SESSION},
    {"CloseSession", HANDLE_SESSION, REPLY_STATUS},
    {"CancelOperation", HANDLE_OPERATION, REPLY_STATUS},
    {"GetInfo", HANDLE_SESSION, REPLY_INFO},
    {"GetTypeInfo", HANDLE_SESSION, REPLY_OPERATION},
    {"GetCatalogs", HANDLE_SESSION, REPLY_OPERATION},
    {"GetSchemas", HANDLE_SESSION, REPLY_OPERATION},
    {"GetTables", HANDLE_SESSION, REPLY_OPERATION},
    {"GetTableTypes", HANDLE_SESSION, REPLY_OPERATION},
    {"GetColumns", HANDLE_SESSION, REPLY_OPERATION},
    {"GetFunctions", HANDLE_SESSION, REPLY_OPERATION},
    {"GetPrimaryKeys", HANDLE_SESSION, REPLY_OPERATION},
    {"GetCrossReference", HANDLE_SESSION, REPLY_OPERATION},
    {"GetQueryId", HANDLE_OPERATION, REPLY_QUERY_ID},
    {"SetClientInfo", HANDLE_SESSION, REPLY_STATUS},
};

struct Answers {
    Bytes fetch_tail;   /* rows, then the ends of the reply's two structs */
    Bytes chunked_tail; /* the same in chunks of HTTP, with the last one */
    atomic_uint_fast64_t handles;
};

static void put_chunks(Bytes *out, const Bytes *body)
{
    for (size_t at = 0; at < body->len; at += CHUNK_BYTES) {
        size_t len = body->len - at < CHUNK_BYTES ? body->len - at : CHUNK_BYTES;
        http_put(out, "%zx\r\n", len);
        bytes_put(out, body->data + at, len);
        http_put(out, "\r\n");
    }
    http_put(out, "0\r\n\r\n");
}

Answers *answers_new(size_t fetch_bytes)
{
    Answers *answers = bench_allocate(1, sizeof *answers);
    tcli_put_sample_rows(&answers->fetch_tail, fetch_bytes);
    thrift_put_stop(&answers->fetch_tail);
    thrift_put_stop(&answers->fetch_tail);
    put_chunks(&answers->chunked_tail, &answers->fetch_tail);
    return answers;
}

const Bytes *answers_fetch_tail(const Answers *answers)
{
    return &answers->fetch_tail;
}

const Bytes *answers_chunked_tail(const Answers *answers)
{
    return &answers->chunked_tail;
}

/* Spreads `value` over all 64 bits (splitmix64's step). */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

/* The secret follows from the guid and the kind: so handles can be told from foreign ones
 * without keeping any. */
static void derive_secret(HandleKind kind, const uint8_t guid[16], uint8_t secret[16])
{
    uint64_t low, high;
    memcpy(&low, guid, 8);
    memcpy(&high, guid + 8, 8);
    low = mix(low ^ (uint64_t)kind);
    high = mix(high ^ low);
    memcpy(secret, &low, 8);
    memcpy(secret + 8, &high, 8);
}

static Handle make_handle(Answers *answers, HandleKind kind)
{
    Handle handle;
    uint64_t number = atomic_fetch_add_explicit(&answers->handles, 1, memory_order_relaxed);
    uint64_t low = mix(number), high = mix(low ^ number);
    memcpy(handle.guid, &low, 8);
    memcpy(handle.guid + 8, &high, 8);
    derive_secret(kind, handle.guid, handle.secret);
    return handle;
}

/* Whether the request (reader at its arguments) carries a handle of `kind` made here. */
static bool has_own_handle(ThriftReader reader, HandleKind kind)
{
    Handle handle;
    uint8_t secret[16];
    if (!thrift_enter(&reader, 1, THRIFT_STRUCT) || !thrift_enter(&reader, 1, THRIFT_STRUCT) ||
        !tcli_read_handle(&reader, &handle))
        return false;
    derive_secret(kind, handle.guid, secret);
    return memcmp(secret, handle.secret, sizeof secret) == 0;
}

static void put_status(Bytes *out)
{
    thrift_put_field(out, THRIFT_STRUCT, 1);
    thrift_put_i32_field(out, 1, TCLI_STATUS_SUCCESS);
    thrift_put_stop(out);
}

static void put_invalid_handle(Bytes *out, HandleKind kind)
{
    thrift_put_field(out, THRIFT_STRUCT, 1);
    thrift_put_i32_field(out, 1, TCLI_STATUS_ERROR);
    thrift_put_text_field(out, 3, "HY000");
    thrift_put_i32_field(out, 4, 0);
    thrift_put_text_field(
        out, 5, kind == HANDLE_SESSION ? "Invalid SessionHandle" : "Invalid OperationHandle");
    thrift_put_stop(out);
}

static void put_schema(Bytes *out)
{
    thrift_put_field(out, THRIFT_STRUCT, 2); /* TTableSchema */
    thrift_put_field(out, THRIFT_LIST, 1);
    thrift_put_u8(out, THRIFT_STRUCT);
    thrift_put_u32(out, 1);
    thrift_put_text_field(out, 1, "value"); /* TColumnDesc */
    thrift_put_field(out, THRIFT_STRUCT, 2);
    thrift_put_field(out, THRIFT_LIST, 1);
    thrift_put_u8(out, THRIFT_STRUCT);
    thrift_put_u32(out, 1);
    thrift_put_field(out, THRIFT_STRUCT, 1);
    thrift_put_i32_field(out, 1, 7); /* STRING_TYPE */
    thrift_put_stop(out);
    thrift_put_stop(out);
    thrift_put_stop(out);
    thrift_put_i32_field(out, 3, 1);
    thrift_put_stop(out);
    thrift_put_stop(out);
}

/* What follows the status in the reply's TxxxResp. */
static void put_body(Answers *answers, ReplyKind kind, Bytes *out)
{
    Handle handle;
    switch (kind) {
    case REPLY_SESSION:
        handle = make_handle(answers, HANDLE_SESSION);
        thrift_put_i32_field(out, 2, TCLI_PROTOCOL_V10);
        tcli_put_session_handle(out, 3, &handle);
        thrift_put_field(out, THRIFT_MAP, 4);
        thrift_put_u8(out, THRIFT_STRING);
        thrift_put_u8(out, THRIFT_STRING);
        thrift_put_u32(out, 0);
        break;
    case REPLY_OPERATION:
        handle = make_handle(answers, HANDLE_OPERATION);
        tcli_put_operation_handle(out, 2, &handle);
        break;
    case REPLY_STATE:
        thrift_put_i32_field(out, 2, TCLI_STATE_FINISHED);
        break;
    case REPLY_SCHEMA:
        put_schema(out);
        break;
    case REPLY_ROWS:
        thrift_put_bool_field(out, 2, false); /* hasMoreRows: Spark never says true */
        break;
    case REPLY_INFO:
        thrift_put_field(out, THRIFT_STRUCT, 2);
        thrift_put_text_field(out, 1, "Spark SQL");
        thrift_put_stop(out);
        break;
    case REPLY_QUERY_ID:
        thrift_put_text_field(out, 1, "bench");
        break;
    case REPLY_STATUS:
        break;
    }
}

static const Method *find_method(const ThriftMessage *message)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strlen(methods[i].name) == message->name_len &&
            memcmp(methods[i].name, message->name, message->name_len) == 0)
            return &methods[i];
    return NULL;
}

static void put_unknown_method(const ThriftMessage *message, Bytes *out)
{
    static const char text[] = "Invalid method name";
    thrift_put_message(out, THRIFT_EXCEPTION, (const char *)message->name, message->name_len,
                       message->seqid);
    thrift_put_text_field(out, 1, text);
    thrift_put_i32_field(out, 2, 1); /* UNKNOWN_METHOD */
    thrift_put_stop(out);
}

bool answers_reply(Answers *answers, const uint8_t *data, size_t len, bool sasl, Bytes *out,
                   bool *with_tail)
{
    ThriftReader reader = thrift_reader(data, len);
    ThriftMessage message;
    *with_tail = false;
    if (!thrift_read_message(&reader, &message) || message.type != THRIFT_CALL)
        return false;
    const Method *method = find_method(&message);
    size_t at = tcli_begin_frame(out, sasl);
    if (!method) {
        put_unknown_method(&message, out);
        tcli_end_frame(out, at, sasl, 0);
        return true;
    }
    thrift_put_message(out, THRIFT_REPLY, method->name, message.name_len, message.seqid);
    thrift_put_field(out, THRIFT_STRUCT, 0);
    bool valid = method->takes == HANDLE_NONE || has_own_handle(reader, method->takes);
    if (!valid) {
        put_invalid_handle(out, method->takes);
    } else {
        if (method->gives != REPLY_QUERY_ID)
            put_status(out);
        put_body(answers, method->gives, out);
    }
    *with_tail = valid && method->gives == REPLY_ROWS;
    if (!*with_tail) {
        thrift_put_stop(out);
        thrift_put_stop(out);
    }
    tcli_end_frame(out, at, sasl, *with_tail ? answers->fetch_tail.len : 0);
    return true;
}
