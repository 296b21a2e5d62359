/* Tests of hs2/answer: its messages byte for byte, each read back by hs2/reply or hs2/request and
 * by Thrift C GLib. The texts are those that Spark 3.5.3 was seen to send. */
#include "hs2/answer.h"
#include "hs2/info.h"
#include "hs2/reply.h"
#include "hs2/request.h"
#include "notation.h"
#include "oracle.h"
#include "suites.h"

static const HgHandle handle = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {16, 17}};

static const HgMethod *method_of(const char *name)
{
    return hg_method_find(hg_slice_from_string(name));
}

static HgSlice written(const HgBuffer *out)
{
    return hg_slice(hg_buffer_data(out), hg_buffer_size(out));
}

static void check_bytes(const HgBuffer *out, const char *expected)
{
    AUTO_MESSAGE(bytes, expected);
    ck_assert_msg(hg_slice_equal(written(out), bytes_slice(bytes)), "%s", expected);
}

/* Reads a reply back in both ways; returns the status code, or -1 for an exception. */
static gint32 check_reply(const HgBuffer *out, const HgMethod *method, gint32 seqid)
{
    HgReplyHead head;
    ck_assert_int_eq(hg_reply_peek(written(out), method, &head), HG_WIRE_OK);
    ck_assert(hg_reply_answers(&head, hg_slice_from_string(method->name), seqid));
    ck_assert(head.head.strict);
    HgCursor cursor = hg_cursor(written(out));
    cursor.at += head.head.size;
    HgSlice body = hg_slice(cursor.at, (gsize)(cursor.end - cursor.at));
    ck_assert_int_eq(hg_cursor_skip(&cursor, HG_THRIFT_STRUCT, 0), HG_WIRE_OK);
    ck_assert_ptr_eq(cursor.at, cursor.end);
    if (head.exception)
        return -1;
    gsize used = 0;
    g_autoptr(OracleObject) result = oracle_read(body, oracle_result_type(method->id), &used);
    ck_assert_ptr_nonnull(result);
    ck_assert_uint_eq(used, body.size);
    g_autoptr(OracleObject) status = oracle_find(result, "success.status");
    ck_assert_int_eq(oracle_number(status, "statusCode"), head.status_code);
    g_autoptr(GByteArray) again = oracle_write(result);
    ck_assert(hg_slice_equal(bytes_slice(again), body));
    return head.status_code;
}

START_TEST(test_exception)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    ck_assert(hg_answer_exception(&out, hg_slice("GetLogXYZ", 6), 9, HG_EXCEPTION_UNKNOWN_METHOD,
                                  "Invalid method name: 'GetLog'"));
    check_bytes(&out, "exception GetLog 9 {1:'Invalid method name: \\x27GetLog\\x27' 2:1}");
    hg_buffer_clear(&out);
}
END_TEST

START_TEST(test_errors_of_every_method)
{
    for (guint i = 0; i < HG_METHOD_COUNT; i++) {
        const HgMethod *method = hg_method_get((HgMethodId)i);
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        ck_assert(hg_answer_error(&out, method, -2, "08S01", "the server is gone"));
        gint32 expected = i == HG_METHOD_GET_QUERY_ID ? -1 : HG_STATUS_ERROR;
        ck_assert_int_eq(check_reply(&out, method, -2), expected);
        hg_buffer_clear(&out);
    }
}
END_TEST

START_TEST(test_error_bytes)
{
    static const struct {
        const char *method;
        const char *sql_state;
        const char *expected;
    } errors[] = {
        {"GetTables", "08S01", "reply GetTables 1 {0:{1:{1:3 3:'08S01' 4:0 5:'why'}}}"},
        {"GetTables", NULL, "reply GetTables 1 {0:{1:{1:3 4:0 5:'why'}}}"},
        {"OpenSession", "28000", "reply OpenSession 1 {0:{1:{1:3 3:'28000' 4:0 5:'why'} 2:9}}"},
        {"GetInfo", NULL, "reply GetInfo 1 {0:{1:{1:3 4:0 5:'why'} 2:{1:''}}}"},
        {"UploadData", NULL,
         "reply UploadData 1 {0:{1:{1:3 4:0 5:'why'} 2:{1:{1:@16:00 2:@16:00} 2:0 3:f}}}"},
        {"GetQueryId", "08S01", "exception GetQueryId 1 {1:'why' 2:6}"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(errors); i++) {
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        ck_assert(
            hg_answer_error(&out, method_of(errors[i].method), 1, errors[i].sql_state, "why"));
        check_bytes(&out, errors[i].expected);
        hg_buffer_clear(&out);
    }
}
END_TEST

START_TEST(test_success)
{
    static const char *const names[] = {"CloseSession", "CloseOperation", "CancelOperation"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        ck_assert(hg_answer_success(&out, method_of(names[i]), 3));
        ck_assert_int_eq(check_reply(&out, method_of(names[i]), 3), HG_STATUS_SUCCESS);
        g_autofree char *expected = g_strdup_printf("reply %s 3 {0:{1:{1:0}}}", names[i]);
        check_bytes(&out, expected);
        hg_buffer_clear(&out);
    }
}
END_TEST

#define GUID "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define JAVA "*org.apache.hive.service.cli.HiveSQLException:"

START_TEST(test_invalid_handles)
{
    static const struct {
        const char *method;
        gint32 type;
        const char *expected;
    } answers[] = {
        {"GetCatalogs", -1,
         "reply GetCatalogs 4 {0:{1:{1:3 2:[11 '" JAVA "Invalid SessionHandle: SessionHandle [" GUID
         "]:1:0' 'hivegate:GetCatalogs::-1'] "
         "4:0 5:'Invalid SessionHandle: SessionHandle [" GUID "]'}}}"},
        {"CloseSession", -1,
         "reply CloseSession 4 {0:{1:{1:3 2:[11 '" JAVA
         "Session does not exist!:1:0' 'hivegate:CloseSession::-1'] "
         "4:0 5:'Session does not exist!'}}}"},
        {"GetInfo", -1,
         "reply GetInfo 4 {0:{1:{1:3 2:[11 '" JAVA "Invalid SessionHandle: SessionHandle [" GUID
         "]:1:0' 'hivegate:GetInfo::-1'] "
         "4:0 5:'Invalid SessionHandle: SessionHandle [" GUID "]'} 2:{1:''}}}"},
        {"FetchResults", 7,
         "reply FetchResults 4 {0:{1:{1:3 2:[11 '" JAVA
         "Invalid OperationHandle: OperationHandle [opType=GET_FUNCTIONS, "
         "getHandleIdentifier()=" GUID "]:1:0' 'hivegate:FetchResults::-1'] "
         "4:0 5:'Invalid OperationHandle: OperationHandle [opType=GET_FUNCTIONS, "
         "getHandleIdentifier()=" GUID "]'}}}"},
        {"GetQueryId", 0, "exception GetQueryId 4 {1:'Internal error processing GetQueryId' 2:6}"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        ck_assert(hg_answer_invalid_handle(&out, method_of(answers[i].method), 4, &handle,
                                           answers[i].type));
        check_bytes(&out, answers[i].expected);
        hg_buffer_clear(&out);
    }
}
END_TEST

START_TEST(test_invalid_handles_of_every_method)
{
    for (guint i = 0; i < HG_METHOD_COUNT; i++) {
        const HgMethod *method = hg_method_get((HgMethodId)i);
        if (method->takes == HG_TAKES_NOTHING)
            continue;
        for (guint with = 0; with < 2; with++) {
            HgBuffer out;
            hg_buffer_init(&out, NULL);
            ck_assert(hg_answer_invalid_handle(&out, method, 0, with ? &handle : NULL, 8));
            gint32 expected = i == HG_METHOD_GET_QUERY_ID ? -1 : HG_STATUS_ERROR;
            ck_assert_int_eq(check_reply(&out, method, 0), expected);
            hg_buffer_clear(&out);
        }
    }
}
END_TEST

START_TEST(test_operation_type_names)
{
    static const char *const names[] = {
        "EXECUTE_STATEMENT", "GET_TYPE_INFO",   "GET_CATALOGS", "GET_SCHEMAS",
        "GET_TABLES",        "GET_TABLE_TYPES", "GET_COLUMNS",  "GET_FUNCTIONS",
        "UNKNOWN_OPERATION", "PROCEDURAL_SQL",
    };
    for (gint32 type = -1; type < 12; type++) {
        const char *name = type >= 0 && type < 10 ? names[type] : "UNKNOWN_OPERATION";
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        ck_assert(hg_answer_invalid_handle(&out, method_of("CloseOperation"), 4, &handle, type));
        g_autofree char *expected = g_strdup_printf("[opType=%s, get", name);
        ck_assert_ptr_nonnull(
            memmem(hg_buffer_data(&out), hg_buffer_size(&out), expected, strlen(expected)));
        hg_buffer_clear(&out);
    }
}
END_TEST

/* All types of TGetInfoType. */
static const gint32 info_types[] = {
    0,  1,   2,   8,   13,  14,  17,  18,  19,  20,    23,    25,    26,    28,    29,    30,
    31, 32,  34,  35,  43,  46,  47,  72,  73,  81,    85,    86,    90,    94,    97,    98,
    99, 100, 101, 102, 104, 105, 106, 107, 115, 10000, 10001, 10002, 10003, 10004, 10005, 10006,
};

START_TEST(test_info_of_every_type)
{
    ck_assert_uint_eq(G_N_ELEMENTS(info_types), 48);
    guint forwarded = 0;
    guint errors = 0;
    for (guint i = 0; i < G_N_ELEMENTS(info_types); i++) {
        ck_assert_ptr_nonnull(hg_info_find(info_types[i]));
        forwarded += hg_info_is_forwarded(info_types[i]) ? 1 : 0;
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        ck_assert(hg_answer_info(&out, 5, info_types[i], "alice"));
        errors += check_reply(&out, method_of("GetInfo"), 5) == HG_STATUS_ERROR ? 1 : 0;
        hg_buffer_clear(&out);
    }
    ck_assert_uint_eq(forwarded, 4);
    ck_assert_uint_eq(errors, 4 + 2); /* those forwarded aren't ours to answer */
    ck_assert(hg_info_is_forwarded(13) && hg_info_is_forwarded(17) && hg_info_is_forwarded(18) &&
              hg_info_is_forwarded(10006));
}
END_TEST

START_TEST(test_info_bytes)
{
    static const struct {
        gint32 type;
        const char *expected;
    } infos[] = {
        {14, "reply GetInfo 5 {0:{1:{1:0} 2:{1:'\\x5c'}}}"},
        {29, "reply GetInfo 5 {0:{1:{1:0} 2:{1:'`'}}}"},
        {47, "reply GetInfo 5 {0:{1:{1:0} 2:{1:'alice'}}}"},
        {85, "reply GetInfo 5 {0:{1:{1:0} 2:{2:1s}}}"},
        {115, "reply GetInfo 5 {0:{1:{1:0} 2:{3:127}}}"},
        {10001, "reply GetInfo 5 {0:{1:{1:0} 2:{4:1}}}"},
        {105, "reply GetInfo 5 {0:{1:{1:0} 2:{6:0l}}}"},
        {81, "reply GetInfo 5 {0:{1:{1:3 3:'HYC00' 4:0 "
             "5:'GetInfo: the server has no value for info type 81'} 2:{1:''}}}"},
        {12345, "reply GetInfo 5 {0:{1:{1:3 3:'HYC00' 4:0 "
                "5:'GetInfo: the server has no value for info type 12345'} 2:{1:''}}}"},
        {-1, "reply GetInfo 5 {0:{1:{1:3 3:'HYC00' 4:0 "
             "5:'GetInfo: the server has no value for info type -1'} 2:{1:''}}}"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(infos); i++) {
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        ck_assert(hg_answer_info(&out, 5, infos[i].type, "alice"));
        check_bytes(&out, infos[i].expected);
        hg_buffer_clear(&out);
        ck_assert(!hg_info_is_forwarded(infos[i].type));
    }
}
END_TEST

/* A call is a request that the validator takes, with the handle in its place. */
static void check_call(const HgBuffer *out, HgMethodId method, gint32 seqid, gint32 operation_type)
{
    HgRequest request;
    ck_assert_int_eq(hg_request_read(written(out), &request), HG_REQUEST_OK);
    ck_assert(!request.incomplete);
    ck_assert_uint_eq(request.size, hg_buffer_size(out));
    ck_assert_int_eq(request.method->id, method);
    ck_assert_int_eq(request.head.seqid, seqid);
    ck_assert_int_eq(request.head.type, HG_MESSAGE_CALL);
    ck_assert_int_eq(request.operation_type, operation_type);
    ck_assert(request.has_handle);
    HgHandle found;
    hg_request_get_handle(&request, hg_buffer_data(out), &found);
    ck_assert(hg_handle_equal(&found, &handle));
    HgSlice body =
        hg_slice(hg_buffer_data(out) + request.head.size, request.size - request.head.size);
    gsize used = 0;
    g_autoptr(OracleObject) args = oracle_read(body, oracle_args_type(method), &used);
    ck_assert_ptr_nonnull(args);
    ck_assert_uint_eq(used, body.size);
    g_autoptr(GByteArray) again = oracle_write(args);
    ck_assert(hg_slice_equal(bytes_slice(again), body));
}

START_TEST(test_calls)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    ck_assert(hg_call_close_session(&out, 11, &handle));
    check_call(&out, HG_METHOD_CLOSE_SESSION, 11, -1);
    hg_buffer_clear(&out);
    for (gint32 type = 0; type < 10; type++) {
        ck_assert(hg_call_cancel_operation(&out, -1, &handle, type));
        check_call(&out, HG_METHOD_CANCEL_OPERATION, -1, type);
        hg_buffer_clear(&out);
    }
}
END_TEST

START_TEST(test_no_memory)
{
    HgBudget budget;
    hg_budget_init(&budget, 100);
    HgBuffer out;
    hg_buffer_init(&out, &budget);
    ck_assert(!hg_answer_error(&out, method_of("GetTables"), 1, NULL, "why"));
    ck_assert(!hg_answer_exception(&out, hg_slice("x", 1), 1, 1, "why"));
    ck_assert(!hg_answer_success(&out, method_of("CloseSession"), 1));
    ck_assert(!hg_call_close_session(&out, 1, &handle));
    ck_assert_uint_eq(hg_buffer_size(&out), 0);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

START_TEST(test_long_texts)
{
    g_autofree char *text = g_strnfill(1000000, 'x');
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    ck_assert(hg_answer_error(&out, method_of("ExecuteStatement"), 1, NULL, text));
    ck_assert_int_eq(check_reply(&out, method_of("ExecuteStatement"), 1), HG_STATUS_ERROR);
    ck_assert_uint_gt(hg_buffer_size(&out), 1000000);
    hg_buffer_clear(&out);
}
END_TEST

Suite *answer_suite(void)
{
    Suite *suite = suite_create("hs2/answer");
    TCase *tests = tcase_create("answer");
    tcase_add_test(tests, test_exception);
    tcase_add_test(tests, test_errors_of_every_method);
    tcase_add_test(tests, test_error_bytes);
    tcase_add_test(tests, test_success);
    tcase_add_test(tests, test_invalid_handles);
    tcase_add_test(tests, test_invalid_handles_of_every_method);
    tcase_add_test(tests, test_operation_type_names);
    tcase_add_test(tests, test_info_of_every_type);
    tcase_add_test(tests, test_info_bytes);
    tcase_add_test(tests, test_calls);
    tcase_add_test(tests, test_no_memory);
    tcase_add_test(tests, test_long_texts);
    suite_add_tcase(suite, tests);
    return suite;
}
