/* Tests of hs2/execute, hs2/call and hs2/detail: what hivegate changes, asks and reads itself. */
#include "hs2/answer.h"
#include "hs2/call.h"
#include "hs2/detail.h"
#include "hs2/execute.h"
#include "hs2/reply.h"
#include "hs2/writer.h"
#include "suites.h"

static HgSlice whole(const HgBuffer *buffer)
{
    return hg_slice(hg_buffer_data(buffer), hg_buffer_size(buffer));
}

/* An ExecuteStatement with settings, to be run asynchronously, and a field from later. */
static void write_request(HgBuffer *out)
{
    HgHandle session;
    HgWriter writer = hg_writer(out);
    hg_handle_random(&session);
    hg_writer_head(&writer, HG_MESSAGE_CALL, hg_slice_from_string("ExecuteStatement"), 7);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1);
    hg_writer_field_string(&writer, 1, hg_slice(session.guid, HG_HANDLE_HALF));
    hg_writer_field_string(&writer, 2, hg_slice(session.secret, HG_HANDLE_HALF));
    hg_writer_stop(&writer);
    hg_writer_stop(&writer);
    hg_writer_field_string(&writer, 2, hg_slice_from_string("SELECT 1"));
    hg_writer_field(&writer, HG_THRIFT_MAP, 3);
    hg_writer_i8(&writer, HG_THRIFT_STRING);
    hg_writer_i8(&writer, HG_THRIFT_STRING);
    hg_writer_i32(&writer, 1);
    hg_writer_string(&writer, hg_slice_from_string("a"));
    hg_writer_string(&writer, hg_slice_from_string("b"));
    hg_writer_field_bool(&writer, 4, TRUE);
    hg_writer_field_i64(&writer, 5, 30);
    hg_writer_stop(&writer);
    hg_writer_stop(&writer);
    ck_assert(hg_writer_finish(&writer));
}

static void check_edit(const HgExecuteEdit *edit, const char *statement, gboolean overlay,
                       gboolean run_async)
{
    HgBuffer before, after;
    HgRequest request, edited;
    HgHandle handle, kept;
    hg_buffer_init(&before, NULL);
    hg_buffer_init(&after, NULL);
    write_request(&before);
    ck_assert_int_eq(hg_request_read(whole(&before), &request), HG_REQUEST_OK);
    ck_assert(hg_execute_rewrite(&request, hg_buffer_data(&before), edit, &after));
    ck_assert_int_eq(hg_request_read(whole(&after), &edited), HG_REQUEST_OK);
    ck_assert_uint_eq(edited.size, hg_buffer_size(&after));
    ck_assert_int_eq(edited.head.seqid, 7);
    HgSlice text =
        hg_slice(hg_buffer_data(&after) + edited.statement.offset, edited.statement.size);
    ck_assert(hg_slice_equal_string(text, statement));
    ck_assert_int_eq(edited.configuration.size > 0, overlay);
    ck_assert_int_eq(edited.run_async, run_async);
    hg_request_get_handle(&request, hg_buffer_data(&before), &handle);
    hg_request_get_handle(&edited, hg_buffer_data(&after), &kept);
    ck_assert(hg_handle_equal(&handle, &kept));
    hg_buffer_clear(&before);
    hg_buffer_clear(&after);
}

START_TEST(test_rewrite)
{
    HgSlice text = hg_slice_from_string("SELECT a, b FROM `t`");
    check_edit(&(HgExecuteEdit){0}, "SELECT 1", TRUE, TRUE);
    check_edit(&(HgExecuteEdit){.statement = text}, "SELECT a, b FROM `t`", TRUE, TRUE);
    check_edit(&(HgExecuteEdit){.strip = TRUE}, "SELECT 1", FALSE, TRUE);
    check_edit(&(HgExecuteEdit){.wait = TRUE}, "SELECT 1", TRUE, FALSE);
    check_edit(&(HgExecuteEdit){text, TRUE, TRUE}, "SELECT a, b FROM `t`", FALSE, FALSE);
}
END_TEST

/* Our own calls are read as those of clients are. */
START_TEST(test_calls)
{
    static const char *const settings[] = {"use:database", "hr", NULL};
    HgBuffer out;
    HgRequest request;
    HgHandle handle, found;
    hg_handle_random(&handle);
    hg_buffer_init(&out, NULL);
    ck_assert(hg_call_open_session(&out, 1, "hive", settings));
    ck_assert_int_eq(hg_request_read(whole(&out), &request), HG_REQUEST_OK);
    ck_assert_int_eq(request.protocol, 9);
    ck_assert(hg_slice_equal_string(
        hg_slice(hg_buffer_data(&out) + request.username.offset, request.username.size), "hive"));
    ck_assert_uint_gt(request.configuration.size, 0);
    hg_buffer_clear(&out);
    ck_assert(hg_call_execute(&out, 2, &handle, "SELECT 1"));
    ck_assert_int_eq(hg_request_read(whole(&out), &request), HG_REQUEST_OK);
    ck_assert(!request.run_async && !request.incomplete);
    hg_request_get_handle(&request, hg_buffer_data(&out), &found);
    ck_assert(hg_handle_equal(&handle, &found));
    hg_buffer_clear(&out);
    ck_assert(hg_call_fetch(&out, 3, &handle, 0, 100));
    ck_assert_int_eq(hg_request_read(whole(&out), &request), HG_REQUEST_OK);
    ck_assert(!request.incomplete);
    ck_assert_int_eq(request.operation_type, 0);
    ck_assert_int_eq(request.fetch_type, 0);
    hg_buffer_clear(&out);
}
END_TEST

static void check_error(HgBuffer *reply, HgMethodId method, const char *state, const char *message)
{
    g_autofree char *found_state = NULL;
    g_autofree char *found = NULL;
    hg_detail_error(whole(reply), hg_method_get(method), &found_state, &found);
    ck_assert_pstr_eq(found_state, state);
    ck_assert_pstr_eq(found, message);
    for (gsize size = 0; size < hg_buffer_size(reply); size++) { /* cut anywhere: never beyond */
        g_autofree char *a = NULL, *b = NULL;
        g_autofree guint8 *part = g_memdup2(hg_buffer_data(reply), MAX(size, 1));
        hg_detail_error(hg_slice(part, size), hg_method_get(method), &a, &b);
        g_autoptr(GPtrArray) texts = hg_detail_texts(hg_slice(part, size));
    }
    hg_buffer_clear(reply);
}

START_TEST(test_errors)
{
    HgBuffer out;
    const HgMethod *execute = hg_method_get(HG_METHOD_EXECUTE_STATEMENT);
    hg_buffer_init(&out, NULL);
    ck_assert(hg_answer_error(&out, execute, 1, "42000", "no"));
    check_error(&out, HG_METHOD_EXECUTE_STATEMENT, "42000", "no");
    ck_assert(hg_answer_error(&out, execute, 1, NULL, "no"));
    check_error(&out, HG_METHOD_EXECUTE_STATEMENT, NULL, "no");
    ck_assert(hg_answer_operation_failed(&out, 1, HG_STATE_ERROR, "22012", "zero"));
    check_error(&out, HG_METHOD_GET_OPERATION_STATUS, "22012", "zero");
    ck_assert(hg_answer_exception(&out, hg_slice_from_string("FetchResults"), 1,
                                  HG_EXCEPTION_INTERNAL_ERROR, "thrown"));
    check_error(&out, HG_METHOD_FETCH_RESULTS, NULL, "thrown");
    ck_assert(hg_answer_success(&out, hg_method_get(HG_METHOD_CLOSE_SESSION), 1));
    check_error(&out, HG_METHOD_CLOSE_SESSION, NULL, NULL);
}
END_TEST

START_TEST(test_operation_failed)
{
    HgBuffer out;
    HgReplyHead head;
    hg_buffer_init(&out, NULL);
    ck_assert(hg_answer_operation_failed(&out, 9, HG_STATE_TIMEDOUT, NULL, "late"));
    ck_assert_int_eq(
        hg_reply_peek(whole(&out), hg_method_get(HG_METHOD_GET_OPERATION_STATUS), &head),
        HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, HG_STATUS_SUCCESS);
    ck_assert_int_eq(head.operation_state, HG_STATE_TIMEDOUT);
    hg_buffer_clear(&out);
}
END_TEST

/* Two columns of texts and one of numbers. */
static void write_rows(HgBuffer *out)
{
    HgWriter writer = hg_writer(out);
    hg_writer_head(&writer, HG_MESSAGE_REPLY, hg_slice_from_string("FetchResults"), 1);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 0);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1);
    hg_writer_field_i32(&writer, 1, 0);
    hg_writer_stop(&writer);
    hg_writer_field_bool(&writer, 2, FALSE);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 3);
    hg_writer_field_i64(&writer, 1, 0);
    hg_writer_field(&writer, HG_THRIFT_LIST, 2);
    hg_writer_i8(&writer, HG_THRIFT_STRUCT);
    hg_writer_i32(&writer, 0);
    hg_writer_field(&writer, HG_THRIFT_LIST, 3);
    hg_writer_i8(&writer, HG_THRIFT_STRUCT);
    hg_writer_i32(&writer, 3);
    for (guint i = 0; i < 3; i++) {
        gboolean text = i != 1;
        hg_writer_field(&writer, HG_THRIFT_STRUCT, text ? 7 : 4);
        hg_writer_field(&writer, HG_THRIFT_LIST, 1);
        hg_writer_i8(&writer, text ? HG_THRIFT_STRING : HG_THRIFT_I32);
        hg_writer_i32(&writer, 2);
        for (gint32 k = 0; k < 2; k++) {
            g_autofree char *value = g_strdup_printf("%u.%d", i, k);
            if (text)
                hg_writer_string(&writer, hg_slice_from_string(value));
            else
                hg_writer_i32(&writer, k);
        }
        hg_writer_field_string(&writer, 2, hg_slice_from_string(""));
        hg_writer_stop(&writer);
        hg_writer_stop(&writer);
    }
    hg_writer_stop(&writer);
    hg_writer_stop(&writer);
    hg_writer_stop(&writer);
    ck_assert(hg_writer_finish(&writer));
}

START_TEST(test_texts)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    write_rows(&out);
    g_autoptr(GPtrArray) columns = hg_detail_texts(whole(&out));
    ck_assert_ptr_nonnull(columns);
    ck_assert_uint_eq(columns->len, 3);
    const GPtrArray *first = columns->pdata[0], *numbers = columns->pdata[1],
                    *last = columns->pdata[2];
    ck_assert_uint_eq(first->len, 2);
    ck_assert_uint_eq(numbers->len, 0);
    ck_assert_str_eq(last->pdata[1], "2.1");
    check_error(&out, HG_METHOD_FETCH_RESULTS, NULL, NULL);
    ck_assert(hg_answer_no_texts(&out, 1));
    g_autoptr(GPtrArray) none = hg_detail_texts(whole(&out));
    ck_assert_ptr_nonnull(none);
    ck_assert_uint_eq(none->len, 1);
    HgReplyHead head;
    ck_assert_int_eq(hg_reply_peek(whole(&out), hg_method_get(HG_METHOD_FETCH_RESULTS), &head),
                     HG_WIRE_OK);
    ck_assert(!head.has_rows);
    check_error(&out, HG_METHOD_FETCH_RESULTS, NULL, NULL);
}
END_TEST

Suite *execute_suite(void)
{
    Suite *suite = suite_create("hs2/execute, hs2/call, hs2/detail");
    TCase *tests = tcase_create("messages");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_rewrite);
    tcase_add_test(tests, test_calls);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_operation_failed);
    tcase_add_test(tests, test_texts);
    suite_add_tcase(suite, tests);
    return suite;
}
