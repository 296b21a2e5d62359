/* Tests of hs2/request: what is read from good requests, what is refused and why, what is missing,
 * and messages that are cut, too long, or no Thrift. */
#include "corpus.h"
#include "hs2/request.h"
#include "notation.h"
#include "suites.h"

static HgRequestStatus read_bytes(const GByteArray *bytes, HgRequest *out)
{
    HgSlice tight = tight_copy(bytes_slice(bytes));
    HgRequestStatus status = hg_request_read(tight, out);
    if (out->head.name.size > 0) /* borrowed from the copy: the same in the original */
        out->head.name.data = bytes->data + (out->head.name.data - tight.data);
    g_free((guint8 *)tight.data);
    return status;
}

static HgRequestStatus read_notation(const char *notation, HgRequest *out)
{
    AUTO_MESSAGE(bytes, notation);
    HgRequestStatus status = read_bytes(bytes, out);
    out->head.name = (HgSlice){NULL, 0}; /* its bytes are gone */
    return status;
}

static void check_span(const GByteArray *bytes, HgSpan span, const char *expected)
{
    ck_assert(hg_slice_equal_string(hg_slice(bytes->data + span.offset, span.size), expected));
}

/* ---- what is read ---- */

START_TEST(test_corpus_is_accepted)
{
    gsize count;
    const char *const *corpus = request_corpus(&count);
    for (gsize i = 0; i < count; i++) {
        AUTO_MESSAGE(bytes, corpus[i]);
        HgRequest request;
        HgRequestStatus status = read_bytes(bytes, &request);
        ck_assert_msg(status == HG_REQUEST_OK, "%s: %s", corpus[i], request.why);
        ck_assert_str_eq(request.why, "");
        ck_assert(!request.incomplete);
        ck_assert_uint_eq(request.size, bytes->len);
        ck_assert_ptr_nonnull(request.method);
        ck_assert(hg_slice_equal_string(request.head.name, request.method->name));
        ck_assert_int_eq(request.has_handle, request.method->takes != HG_TAKES_NOTHING);
    }
}
END_TEST

START_TEST(test_corpus_cut_anywhere_is_short)
{
    gsize count;
    const char *const *corpus = request_corpus(&count);
    for (gsize i = 0; i < count; i++) {
        AUTO_MESSAGE(bytes, corpus[i]);
        for (gsize size = 0; size < bytes->len; size++) {
            HgSlice cut = tight_copy(hg_slice(bytes->data, size));
            HgRequest request;
            HOLDS(hg_request_read(cut, &request) == HG_REQUEST_SHORT);
            HOLDS(request.why[0] == '\0' && request.size == 0 && !request.incomplete);
            g_free((guint8 *)cut.data);
        }
    }
}
END_TEST

START_TEST(test_bytes_behind_are_left)
{
    AUTO_MESSAGE(bytes, "call GetCatalogs 1 {1:{" SESSION "}}");
    AUTO_MESSAGE(next, "call CloseSession 2 {1:{" SESSION "}}");
    guint size = bytes->len;
    g_byte_array_append(bytes, next->data, next->len);
    HgRequest request;
    ck_assert_int_eq(read_bytes(bytes, &request), HG_REQUEST_OK);
    ck_assert_uint_eq(request.size, size);
    HgSlice rest = hg_slice(bytes->data + size, next->len);
    ck_assert_int_eq(hg_request_read(rest, &request), HG_REQUEST_OK);
    ck_assert_int_eq(request.method->id, HG_METHOD_CLOSE_SESSION);
    ck_assert_int_eq(request.head.seqid, 2);
}
END_TEST

START_TEST(test_execute)
{
    AUTO_MESSAGE(bytes, "call ExecuteStatement 6 {1:{" SESSION
                        " 2:'select 1' 3:<11 11 'a' 'b'> 4:t 5:7l 0x501:{1:1l}}}");
    HgRequest request;
    ck_assert_int_eq(read_bytes(bytes, &request), HG_REQUEST_OK);
    check_span(bytes, request.statement, "select 1");
    ck_assert(request.run_async);
    ck_assert_uint_eq(request.configuration.size, 2 + 4 + 5 + 5);
    const guint8 *map = bytes->data + request.configuration.offset;
    ck_assert(memcmp(map, "\x0b\x0b\0\0\0\1\0\0\0\1a\0\0\0\1b", 16) == 0);
    ck_assert_uint_eq(bytes->data[request.req_fields.offset], 12);
    ck_assert_uint_eq(request.req_fields.offset + request.req_fields.size + 1, bytes->len);
    ck_assert_int_eq(request.operation_type, -1);
}
END_TEST

START_TEST(test_open)
{
    AUTO_MESSAGE(bytes, "call OpenSession 6 {1:{1:5 2:'carol' 3:'secret' 4:<11 11>}}");
    HgRequest request;
    ck_assert_int_eq(read_bytes(bytes, &request), HG_REQUEST_OK);
    check_span(bytes, request.username, "carol");
    check_span(bytes, request.password, "secret");
    ck_assert(request.has_protocol);
    ck_assert_int_eq(request.protocol, 5);
    ck_assert_uint_eq(request.configuration.size, 6);
    ck_assert(!request.has_handle);
}
END_TEST

START_TEST(test_absent_values)
{
    HgRequest request;
    ck_assert_int_eq(read_notation("call OpenSession 6 {1:{}}", &request), HG_REQUEST_OK);
    ck_assert(!request.has_protocol);
    ck_assert_int_eq(request.protocol, 9);
    ck_assert_uint_eq(request.username.offset, 0);
    ck_assert_uint_eq(request.password.offset, 0);
    ck_assert_uint_eq(request.configuration.offset, 0);
    ck_assert_uint_eq(request.req_fields.size, 1);
}
END_TEST

START_TEST(test_other_values)
{
    HgRequest request;
    ck_assert_int_eq(read_notation("call GetInfo 5 {1:{" SESSION " 2:10006}}", &request),
                     HG_REQUEST_OK);
    ck_assert_int_eq(request.info_type, 10006);
    ck_assert_int_eq(read_notation("call FetchResults 5 {1:{1:{1:" IDENTIFIER
                                   " 2:7 3:f} 2:0 3:1l 4:1s}}",
                                   &request),
                     HG_REQUEST_OK);
    ck_assert_int_eq(request.fetch_type, 1);
    ck_assert_int_eq(request.operation_type, 7);
    ck_assert_int_eq(read_notation("call DownloadData 5 {1:{" SESSION " 3:'select 1'}}", &request),
                     HG_REQUEST_OK);
    ck_assert_uint_eq(request.statement.size, 8);
    ck_assert_int_eq(read_notation("old-call GetInfo 5 {1:{" SESSION " 2:18}}", &request),
                     HG_REQUEST_OK);
    ck_assert(!request.head.strict);
}
END_TEST

START_TEST(test_handle_is_swapped_in_place)
{
    AUTO_MESSAGE(bytes, "call GetOperationStatus 17 {1:{" OPERATION " 2:t}}");
    HgRequest request;
    ck_assert_int_eq(hg_request_read(bytes_slice(bytes), &request), HG_REQUEST_OK);
    HgHandle handle;
    hg_request_get_handle(&request, bytes->data, &handle);
    for (guint i = 0; i < HG_HANDLE_HALF; i++) {
        ck_assert_uint_eq(handle.guid[i], 0xa1);
        ck_assert_uint_eq(handle.secret[i], 0xb2);
    }
    memset(handle.guid, 0x11, HG_HANDLE_HALF);
    memset(handle.secret, 0x22, HG_HANDLE_HALF);
    hg_request_set_handle(&request, bytes->data, &handle);
    AUTO_MESSAGE(expected,
                 "call GetOperationStatus 17 {1:{1:{1:{1:@16:11 2:@16:22} 2:0 3:t} 2:t}}");
    ck_assert(hg_slice_equal(bytes_slice(bytes), bytes_slice(expected)));
}
END_TEST

START_TEST(test_odd_handles_count_as_none)
{
    static const char *const identifiers[] = {
        "{1:@8:a1 2:@16:b2}",  "{1:@16:a1 2:@8:b2}",  "{1:'' 2:@16:b2}",
        "{1:@20:a1 2:@16:b2}", "{1:@16:a1 2:@17:b2}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(identifiers); i++) {
        g_autofree char *notation =
            g_strdup_printf("call GetCatalogs 1 {1:{1:{1:%s}}}", identifiers[i]);
        HgRequest request;
        ck_assert_int_eq(read_notation(notation, &request), HG_REQUEST_OK);
        ck_assert(!request.has_handle);
        ck_assert(!request.incomplete);
    }
}
END_TEST

START_TEST(test_unknown_method)
{
    AUTO_MESSAGE(bytes, "call GetLog 9 {1:{" OPERATION "} 1:t 7:<11 11 'a' 'a' 'a' 'a'>}");
    HgRequest request;
    ck_assert_int_eq(read_bytes(bytes, &request), HG_REQUEST_OK);
    ck_assert_ptr_null(request.method);
    ck_assert(hg_slice_equal_string(request.head.name, "GetLog"));
    ck_assert_int_eq(request.head.seqid, 9);
    ck_assert_uint_eq(request.size, bytes->len);
    ck_assert(!request.has_handle);
}
END_TEST

/* ---- what is refused ---- */

typedef struct {
    const char *notation;
    const char *why;
} Refused;

static const Refused refused[] = {
    /* twice: known and unknown ids, at every level */
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'a' 2:'b'}}",
     "ExecuteStatement: field 2 (statement) appears twice"},
    {"call GetCatalogs 1 {1:{" SESSION " " SESSION "}}",
     "GetCatalogs: field 1 (sessionHandle) appears twice"},
    {"call GetCatalogs 1 {1:{" SESSION "} 1:{" SESSION "}}",
     "GetCatalogs: field 1 (req) appears twice"},
    {"call GetCatalogs 1 {1:{1:{1:{1:@16:a1 2:@16:b2 1:@16:a1}}}}",
     "GetCatalogs: field 1 (guid) appears twice"},
    {"call GetCatalogs 1 {1:{1:{1:" IDENTIFIER " 0xd01:1 0xd01:1}}}",
     "GetCatalogs: field 3329 appears twice"},
    {"call GetCatalogs 1 {1:{" SESSION " 0x501:1 -3:t 0x501:1}}",
     "GetCatalogs: field 1281 appears twice"},
    {"call GetCatalogs 1 {1:{" SESSION " -3:t 64:t -3:t}}", "GetCatalogs: field -3 appears twice"},
    {"call GetCatalogs 1 {1:{" SESSION " 63:t 63:f}}", "GetCatalogs: field 63 appears twice"},
    {"call GetCatalogs 1 {1:{" SESSION "} 2:t 2:t}", "GetCatalogs: field 2 appears twice"},
    {"call GetCatalogs 1 {1:{" SESSION "} 0:t 0:1}", "GetCatalogs: field 0 appears twice"},
    /* another type than the service has */
    {"call ExecuteStatement 1 {1:{" SESSION " 2:5}}",
     "ExecuteStatement: field 2 (statement) is an i32, where the service has a string"},
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'a' 4:1}}",
     "ExecuteStatement: field 4 (runAsync) is an i32, where the service has a bool"},
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'a' 3:[11 'a']}}",
     "ExecuteStatement: field 3 (confOverlay) is a list, where the service has a map"},
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'a' 5:1}}",
     "ExecuteStatement: field 5 (queryTimeout) is an i32, where the service has an i64"},
    {"call GetCatalogs 1 {1:5}",
     "GetCatalogs: field 1 (req) is an i32, where the service has a struct"},
    {"call GetCatalogs 1 {1:{1:{1:{1:{} 2:@16:b2}}}}",
     "GetCatalogs: field 1 (guid) is a struct, where the service has a string"},
    {"call GetTables 1 {1:{" SESSION " 5:(11 'a')}}",
     "GetTables: field 5 (tableTypes) is a set, where the service has a list"},
    {"call FetchResults 1 {1:{" OPERATION " 2:0 3:1l 4:1}}",
     "FetchResults: field 4 (fetchType) is an i32, where the service has an i16"},
    {"call FetchResults 1 {1:{1:{1:" IDENTIFIER " 2:0 3:t 4:1l} 2:0 3:1l}}",
     "FetchResults: field 4 (modifiedRowCount) is an i64, where the service has a double"},
    {"call OpenSession 1 {1:{1:9l}}",
     "OpenSession: field 1 (client_protocol) is an i64, where the service has an i32"},
    /* texts */
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'a\\x00b'}}",
     "ExecuteStatement: field 2 (statement) holds a NUL character"},
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'a\\xff'}}",
     "ExecuteStatement: field 2 (statement) isn't valid UTF-8"},
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'\\xed\\xa0\\x80'}}",
     "ExecuteStatement: field 2 (statement) isn't valid UTF-8"},
    {"call GetTables 1 {1:{" SESSION " 4:'t\\x00'}}",
     "GetTables: field 4 (tableName) holds a NUL character"},
    {"call GetTables 1 {1:{" SESSION " 5:[11 'TABLE' '\\xc0']}}",
     "GetTables: field 5 (tableTypes) isn't valid UTF-8"},
    {"call OpenSession 1 {1:{0x504:{2:'s\\x00'}}}",
     "OpenSession: field 2 (schemaName) holds a NUL character"},
    {"call OpenSession 1 {1:{0x504:{2:'a' 2:'b'}}}",
     "OpenSession: field 2 (schemaName) appears twice"},
    {"call OpenSession 1 {1:{0x501:[11 'a']}}",
     "OpenSession: field 1281 (getInfos) holds other elements than i32"},
    {"call OpenSession 1 {1:{0x503:<11 11 'a' '1' 'a' '2'>}}",
     "OpenSession: field 1283 (connectionProperties) has the same key twice"},
    {"call OpenSession 1 {1:{2:'al\\x00ice'}}",
     "OpenSession: field 2 (username) holds a NUL character"},
    {"call OpenSession 1 {1:{4:<11 11 'a\\x00' 'b'>}}",
     "OpenSession: field 4 (configuration) holds a NUL character"},
    {"call OpenSession 1 {1:{4:<11 11 'a' '\\x80'>}}",
     "OpenSession: field 4 (configuration) isn't valid UTF-8"},
    /* maps and lists */
    {"call OpenSession 1 {1:{4:<11 11 'a' '1' 'b' '2' 'a' '1'>}}",
     "OpenSession: field 4 (configuration) has the same key twice"},
    {"call OpenSession 1 {1:{4:<11 11 '' '1' '' '2'>}}",
     "OpenSession: field 4 (configuration) has the same key twice"},
    {"call OpenSession 1 {1:{4:<11 8 'a' 1>}}",
     "OpenSession: field 4 (configuration) holds other elements than strings"},
    {"call OpenSession 1 {1:{4:<8 11 1 'a'>}}",
     "OpenSession: field 4 (configuration) holds other elements than strings"},
    {"call GetTables 1 {1:{" SESSION " 5:[8 1]}}",
     "GetTables: field 5 (tableTypes) holds other elements than strings"},
    {"call OpenSession 1 {1:{4:<11 11 @4097:61 'v'>}}",
     "OpenSession: field 4 (configuration) has a key of more than 4096 bytes"},
    /* values that readers read differently */
    {"call ExecuteStatement 1 {1:{" SESSION " 2:'a' 4:%2}}",
     "ExecuteStatement: field 4 (runAsync) is a bool, but neither 0 nor 1"},
    {"call GetOperationStatus 1 {1:{1:{1:" IDENTIFIER " 2:0 3:%255}}}",
     "GetOperationStatus: field 3 (hasResultSet) is a bool, but neither 0 nor 1"},
    /* no calls */
    {"reply GetCatalogs 1 {0:{1:{1:0}}}", "GetCatalogs: message type 2 is no call"},
    {"exception GetCatalogs 1 {1:'x' 2:1}", "GetCatalogs: message type 3 is no call"},
    {"type0 Unknown 1 {}", "Unknown: message type 0 is no call"},
    {"type9 GetCatalogs 1 {1:{" SESSION "}}", "GetCatalogs: message type 9 is no call"},
    /* the first mistake counts; what is missing doesn't hide it */
    {"call ExecuteStatement 1 {1:{2:'a' 2:5}}",
     "ExecuteStatement: field 2 (statement) appears twice"},
    {"call ExecuteStatement 1 {1:{2:'a'} 1:t}", "ExecuteStatement: field 1 (req) appears twice"},
};

START_TEST(test_refused)
{
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        AUTO_MESSAGE(bytes, refused[i].notation);
        HgRequest request;
        ck_assert_msg(read_bytes(bytes, &request) == HG_REQUEST_REFUSED, "%s", refused[i].notation);
        ck_assert_str_eq(request.why, refused[i].why);
        ck_assert_uint_eq(request.size, bytes->len);
        ck_assert(!request.incomplete);
    }
}
END_TEST

/* Nothing is refused before it is there in full: what follows must be found. */
START_TEST(test_refused_cut_anywhere_is_short)
{
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        AUTO_MESSAGE(bytes, refused[i].notation);
        for (gsize size = 0; size < bytes->len; size++) {
            HgSlice cut = tight_copy(hg_slice(bytes->data, size));
            HgRequest request;
            HOLDS(hg_request_read(cut, &request) == HG_REQUEST_SHORT);
            HOLDS(request.why[0] == '\0');
            g_free((guint8 *)cut.data);
        }
    }
}
END_TEST

/* An OpenSession whose map has `count` entries with the keys 0, 1, ..., the last one `last`. */
static char *big_map(guint count, const char *last)
{
    GString *text = g_string_new("call OpenSession 1 {1:{4:<11 11");
    for (guint i = 0; i + 1 < count; i++)
        g_string_append_printf(text, " 'key%u' 'v'", i);
    g_string_append_printf(text, " '%s' 'v'>}}", last);
    return g_string_free(text, FALSE);
}

START_TEST(test_map_sizes)
{
    static const guint sizes[] = {1, 2, 31, 32, 33, 34, 100, 4095, 4096};
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *good = big_map(sizes[i], "last");
        HgRequest request;
        ck_assert_int_eq(read_notation(good, &request), HG_REQUEST_OK);
        if (sizes[i] == 1)
            continue;
        g_autofree char *first_twice = big_map(sizes[i], "key0");
        ck_assert_int_eq(read_notation(first_twice, &request), HG_REQUEST_REFUSED);
        ck_assert_str_eq(request.why,
                         "OpenSession: field 4 (configuration) has the same key twice");
    }
    g_autofree char *too_big = big_map(4097, "last");
    HgRequest request;
    ck_assert_int_eq(read_notation(too_big, &request), HG_REQUEST_REFUSED);
    ck_assert_str_eq(request.why,
                     "OpenSession: field 4 (configuration) has more than 4096 entries");
}
END_TEST

START_TEST(test_field_counts)
{
    for (guint count = 127; count <= 129; count++) {
        g_autoptr(GString) text = g_string_new("call GetCatalogs 1 {1:{" SESSION);
        for (guint i = 1; i < count; i++)
            g_string_append_printf(text, " %u:t", 1000 + i);
        g_string_append(text, "}}");
        HgRequest request;
        ck_assert_int_eq(read_notation(text->str, &request),
                         count <= 128 ? HG_REQUEST_OK : HG_REQUEST_REFUSED);
    }
}
END_TEST

/* ---- what is missing ---- */

START_TEST(test_incomplete)
{
    static const Refused incomplete[] = {
        {"call GetCatalogs 1 {}", "Required field 'req' is unset! Struct:GetCatalogs_args"},
        {"call OpenSession 1 {2:{}}", "Required field 'req' is unset! Struct:OpenSession_args"},
        {"call GetCatalogs 1 {1:{}}",
         "Required field 'sessionHandle' is unset! Struct:TGetCatalogsReq"},
        {"call GetCatalogs 1 {1:{1:{}}}",
         "Required field 'sessionId' is unset! Struct:TSessionHandle"},
        {"call GetCatalogs 1 {1:{1:{1:{}}}}",
         "Required field 'guid' is unset! Struct:THandleIdentifier"},
        {"call GetCatalogs 1 {1:{1:{1:{1:@16:a1}}}}",
         "Required field 'secret' is unset! Struct:THandleIdentifier"},
        {"call GetOperationStatus 1 {1:{1:{1:" IDENTIFIER " 3:t}}}",
         "Required field 'operationType' is unset! Struct:TOperationHandle"},
        {"call GetOperationStatus 1 {1:{1:{1:" IDENTIFIER " 2:0}}}",
         "Required field 'hasResultSet' is unset! Struct:TOperationHandle"},
        {"call GetOperationStatus 1 {1:{1:{1:" IDENTIFIER " 2:10 3:t}}}",
         "Required field 'operationType' is unset! Struct:TOperationHandle"},
        {"call GetOperationStatus 1 {1:{1:{1:" IDENTIFIER " 2:-1 3:t}}}",
         "Required field 'operationType' is unset! Struct:TOperationHandle"},
        {"call ExecuteStatement 1 {1:{" SESSION "}}",
         "Required field 'statement' is unset! Struct:TExecuteStatementReq"},
        {"call ExecuteStatement 1 {1:{1:{} 4:t}}",
         "Required field 'sessionId' is unset! Struct:TSessionHandle"},
        {"call FetchResults 1 {1:{" OPERATION " 2:0}}",
         "Required field 'maxRows' is unset! Struct:TFetchResultsReq"},
        {"call FetchResults 1 {1:{" OPERATION " 2:6 3:1l}}",
         "Required field 'orientation' is unset! Struct:TFetchResultsReq"},
        {"call GetFunctions 1 {1:{" SESSION "}}",
         "Required field 'functionName' is unset! Struct:TGetFunctionsReq"},
        {"call GetInfo 1 {1:{" SESSION "}}",
         "Required field 'infoType' is unset! Struct:TGetInfoReq"},
        {"call GetDelegationToken 1 {1:{" SESSION " 3:'r'}}",
         "Required field 'owner' is unset! Struct:TGetDelegationTokenReq"},
        {"call UploadData 1 {1:{" SESSION "}}",
         "Required field 'values' is unset! Struct:TUploadDataReq"},
        {"call OpenSession 1 {1:{1:11}}",
         "Required field 'client_protocol' is unset! Struct:TOpenSessionReq"},
        {"call OpenSession 1 {1:{1:-7}}",
         "Required field 'client_protocol' is unset! Struct:TOpenSessionReq"},
        {"call OpenSession 1 {1:{1:-7 0x502:9l}}",
         "Required field 'client_protocol' is unset! Struct:TOpenSessionReq"},
        {"call OpenSession 1 {1:{1:-7 0x502:9223372036854775807l}}",
         "Required field 'client_protocol' is unset! Struct:TOpenSessionReq"},
        {"call OpenSession 1 {1:{1:-6 0x502:42250l}}",
         "Required field 'client_protocol' is unset! Struct:TOpenSessionReq"},
        {"call OpenSession 1 {1:{1:65281 0x502:42250l}}",
         "Required field 'client_protocol' is unset! Struct:TOpenSessionReq"},
        {"call OpenSession 1 {1:{1:42240}}",
         "Required field 'client_protocol' is unset! Struct:TOpenSessionReq"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(incomplete); i++) {
        HgRequest request;
        ck_assert_int_eq(read_notation(incomplete[i].notation, &request), HG_REQUEST_OK);
        ck_assert_msg(request.incomplete, "%s", incomplete[i].notation);
        ck_assert_str_eq(request.why, incomplete[i].why);
        ck_assert_uint_gt(request.size, 0);
    }
}
END_TEST

/* ---- what is no message ---- */

static HgRequestStatus read_raw(const char *bytes, gsize size, HgRequest *out)
{
    HgSlice tight = tight_copy(hg_slice(bytes, size));
    HgRequestStatus status = hg_request_read(tight, out);
    g_free((guint8 *)tight.data);
    return status;
}

START_TEST(test_broken)
{
#define BROKEN(literal)                                                                            \
    do {                                                                                           \
        HgRequest request;                                                                         \
        ck_assert_int_eq(read_raw(literal, sizeof literal - 1, &request), HG_REQUEST_BROKEN);      \
        ck_assert_uint_gt(strlen(request.why), 0);                                                 \
        ck_assert_uint_eq(request.size, 0);                                                        \
    } while (0)
    BROKEN("GET / HTTP/1.1\r\n");
    BROKEN("\x80\x02\x00\x01");
    BROKEN("\x80\x01\x00\x01\x00\x00\x00\x00");
    BROKEN("\x80\x01\x00\x01\x7f\xff\xff\xff");
    BROKEN("\x80\x01\x00\x01\x00\x00\x00\x07GetInfo\x00\x00\x00\x01\x01"); /* no type */
    BROKEN("\x80\x01\x00\x01\x00\x00\x00\x07GetInfo\x00\x00\x00\x01\x0c\x00\x01\x63");
    BROKEN("\x80\x01\x00\x01\x00\x00\x00\x04Gone\x00\x00\x00\x01\x0f\x00\x01\x63\x00\x00\x00\x01");
    BROKEN("\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession\x00\x00\x00\x01\x0c\x00\x01"
           "\x0b\x00\x02\xff\xff\xff\xff"); /* a length below 0 */
    BROKEN("\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession\x00\x00\x00\x01\x0c\x00\x01"
           "\x0d\x00\x04\x0b\x0b\x80\x00\x00\x00"); /* a count below 0 */
    BROKEN(
        "\x80\x01\x00\x02\x00\x00\x00\x07GetInfo\x00\x00\x00\x01\x01"); /* refused, then broken */
#undef BROKEN
}
END_TEST

/* Struct inside struct, `depth` in all, as an unknown field of a request. */
static char *nest(guint depth, const char *method, const char *before)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "call %s 1 {1:{%s ", method, before);
    for (guint i = 0; i < depth; i++)
        g_string_append(text, "99:{");
    for (guint i = 0; i < depth; i++)
        g_string_append(text, "}");
    g_string_append(text, "}}");
    return g_string_free(text, FALSE);
}

START_TEST(test_nesting)
{
    for (guint i = 0; i < 2; i++) {
        const char *method = i == 0 ? "GetCatalogs" : "NoSuchMethod";
        g_autofree char *deepest = nest(HG_THRIFT_MAX_DEPTH - 2, method, SESSION);
        g_autofree char *deeper = nest(HG_THRIFT_MAX_DEPTH - 1, method, SESSION);
        g_autofree char *bomb = nest(10000, method, SESSION);
        HgRequest request;
        ck_assert_int_eq(read_notation(deepest, &request), HG_REQUEST_OK);
        ck_assert_int_eq(read_notation(deeper, &request), HG_REQUEST_BROKEN);
        ck_assert_int_eq(read_notation(bomb, &request), HG_REQUEST_BROKEN);
        g_autofree char *refused_bomb = nest(10000, method, SESSION " " SESSION);
        ck_assert_int_eq(read_notation(refused_bomb, &request), HG_REQUEST_BROKEN);
    }
}
END_TEST

/* Counts and lengths that the bytes don't hold cost nothing. */
START_TEST(test_huge_numbers_are_short)
{
    HgRequest request;
    static const char length[] = "\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession\x00\x00\x00\x01\x0c"
                                 "\x00\x01\x0b\x00\x02\x7f\xff\xff\xff";
    ck_assert_int_eq(read_raw(length, sizeof length - 1, &request), HG_REQUEST_SHORT);
    static const char count[] = "\x80\x01\x00\x01\x00\x00\x00\x09GetTables\x00\x00\x00\x01\x0c"
                                "\x00\x01\x0f\x00\x05\x0b\x7f\xff\xff\xff";
    ck_assert_int_eq(read_raw(count, sizeof count - 1, &request), HG_REQUEST_SHORT);
}
END_TEST

START_TEST(test_the_largest_message)
{
    AUTO_MESSAGE(bytes, "call ExecuteStatement 1 {1:{2:'' " SESSION "}}");
    static const guint8 empty[] = {11, 0, 2, 0, 0, 0, 0};
    guint at = 0;
    while (memcmp(bytes->data + at, empty, sizeof empty) != 0)
        at++;
    guint before = at + sizeof empty;
    for (gint over = -1; over <= 1; over++) {
        gsize size = HG_REQUEST_MAX_SIZE + (gsize)over;
        guint32 length = (guint32)(size - bytes->len);
        guint32 big = GUINT32_TO_BE(length);
        g_autofree guint8 *message = g_malloc(size);
        memset(message, 'x', size);
        memcpy(message, bytes->data, before);
        memcpy(message + before - 4, &big, sizeof big);
        memcpy(message + before + length, bytes->data + before, bytes->len - before);
        HgRequest request;
        HgRequestStatus status = hg_request_read(hg_slice(message, size), &request);
        ck_assert_int_eq(status, over <= 0 ? HG_REQUEST_OK : HG_REQUEST_BROKEN);
        if (over <= 0)
            ck_assert_uint_eq(request.statement.size, length);
        else
            ck_assert_str_eq(request.why, "message: longer than 104857600 bytes");
    }
}
END_TEST

Suite *request_suite(void)
{
    Suite *suite = suite_create("hs2/request");
    TCase *tests = tcase_create("request");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_corpus_is_accepted);
    tcase_add_test(tests, test_corpus_cut_anywhere_is_short);
    tcase_add_test(tests, test_bytes_behind_are_left);
    tcase_add_test(tests, test_execute);
    tcase_add_test(tests, test_open);
    tcase_add_test(tests, test_absent_values);
    tcase_add_test(tests, test_other_values);
    tcase_add_test(tests, test_handle_is_swapped_in_place);
    tcase_add_test(tests, test_odd_handles_count_as_none);
    tcase_add_test(tests, test_unknown_method);
    tcase_add_test(tests, test_refused);
    tcase_add_test(tests, test_refused_cut_anywhere_is_short);
    tcase_add_test(tests, test_map_sizes);
    tcase_add_test(tests, test_field_counts);
    tcase_add_test(tests, test_incomplete);
    tcase_add_test(tests, test_broken);
    tcase_add_test(tests, test_nesting);
    tcase_add_test(tests, test_huge_numbers_are_short);
    tcase_add_test(tests, test_the_largest_message);
    suite_add_tcase(suite, tests);
    return suite;
}
