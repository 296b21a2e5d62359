/* Tests of hs2/reply: heads of replies as Spark writes them, whole and cut at every byte. */
#include "hs2/reply.h"
#include "hs2/reply_error.h"
#include "notation.h"
#include "suites.h"

#define HANDLE_REPLY "reply GetTables 3 {0:{1:{1:0} 2:{1:" IDENTIFIER " 2:4 3:t}}}"

static HgWireStatus peek_slice(HgSlice bytes, HgMethodId method, HgReplyHead *out)
{
    HgSlice tight = tight_copy(bytes);
    HgWireStatus status = hg_reply_peek(tight, hg_method_get(method), out);
    g_free((guint8 *)tight.data);
    return status;
}

static HgWireStatus peek(const char *notation, HgMethodId method, HgReplyHead *out)
{
    AUTO_MESSAGE(bytes, notation);
    return peek_slice(bytes_slice(bytes), method, out);
}

/* The smallest number of first bytes that is enough; everything less must be SHORT. */
static gsize enough_bytes(const GByteArray *bytes, HgMethodId method)
{
    HgReplyHead head;
    gsize size = 0;
    while (peek_slice(hg_slice(bytes->data, size), method, &head) == HG_WIRE_SHORT)
        HOLDS(size++ < bytes->len);
    for (gsize more = size; more <= bytes->len; more++)
        HOLDS(peek_slice(hg_slice(bytes->data, more), method, &head) == HG_WIRE_OK);
    return size;
}

START_TEST(test_session)
{
    AUTO_MESSAGE(bytes, "reply OpenSession 1 {0:{1:{1:0} 2:9 3:{1:" IDENTIFIER "} 4:<11 11>}}");
    HgReplyHead head;
    ck_assert_int_eq(peek_slice(bytes_slice(bytes), HG_METHOD_OPEN_SESSION, &head), HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, HG_STATUS_SUCCESS);
    ck_assert_int_eq(head.protocol, 9);
    ck_assert_uint_eq(bytes->data[head.protocol_offset + 3], 9);
    ck_assert_uint_eq(head.fields_offset, head.head.size + 3);
    ck_assert(head.has_handle);
    ck_assert(!head.exception);
    ck_assert_int_eq(head.operation_type, -1);
    ck_assert_int_eq(head.operation_state, -1);
    HgHandle handle;
    hg_reply_get_handle(&head, bytes->data, &handle);
    ck_assert_uint_eq(handle.guid[0], 0xa1);
    ck_assert_uint_eq(handle.secret[15], 0xb2);
    memset(&handle, 0x77, sizeof handle);
    hg_reply_set_handle(&head, bytes->data, &handle);
    AUTO_MESSAGE(expected, "reply OpenSession 1 {0:{1:{1:0} 2:9 3:{1:{1:@16:77 2:@16:77}} "
                           "4:<11 11>}}");
    ck_assert(hg_slice_equal(bytes_slice(bytes), bytes_slice(expected)));
    /* the configuration, its STOPs and what is behind needn't be there */
    ck_assert_uint_eq(enough_bytes(bytes, HG_METHOD_OPEN_SESSION), bytes->len - 11);
}
END_TEST

START_TEST(test_operation)
{
    AUTO_MESSAGE(bytes, HANDLE_REPLY);
    HgReplyHead head;
    ck_assert_int_eq(peek_slice(bytes_slice(bytes), HG_METHOD_GET_TABLES, &head), HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, 0);
    ck_assert_int_eq(head.operation_type, 4);
    ck_assert(head.has_handle);
    ck_assert_uint_eq(enough_bytes(bytes, HG_METHOD_GET_TABLES), bytes->len - 2);
}
END_TEST

START_TEST(test_fields_in_another_order)
{
    HgReplyHead head;
    ck_assert_int_eq(peek("reply GetTables 3 {5:{1:[11 'x']} 0:{0x501:{1:{1:{1:1}}} "
                          "2:{9:'x' 3:t 2:4 1:{3:t 2:@16:b2 1:@16:a1}} 1:{2:[11 'i'] 1:1}}}",
                          HG_METHOD_GET_TABLES, &head),
                     HG_WIRE_OK);
    ck_assert(head.has_handle);
    ck_assert_int_eq(head.operation_type, 4);
    ck_assert_int_eq(head.status_code, HG_STATUS_SUCCESS_WITH_INFO);
    AUTO_MESSAGE(bytes, "reply OpenSession 1 {0:{3:{1:" IDENTIFIER "} 1:{1:0} 2:7}}");
    ck_assert_uint_eq(enough_bytes(bytes, HG_METHOD_OPEN_SESSION), bytes->len - 2);
    ck_assert_int_eq(peek_slice(bytes_slice(bytes), HG_METHOD_OPEN_SESSION, &head), HG_WIRE_OK);
    ck_assert_int_eq(head.protocol, 7);
}
END_TEST

/* A server that fails gives no handle: all of the response must be there to know. */
START_TEST(test_error_instead_of_handle)
{
    AUTO_MESSAGE(bytes, "reply ExecuteStatement 3 {0:{1:{1:3 2:[11 '*a:b:1:0' 'c:d:e:1'] "
                        "3:'42703' 4:0 5:'no such column'}}}");
    HgReplyHead head;
    ck_assert_int_eq(peek_slice(bytes_slice(bytes), HG_METHOD_EXECUTE_STATEMENT, &head),
                     HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, HG_STATUS_ERROR);
    ck_assert(!head.has_handle);
    ck_assert_uint_eq(enough_bytes(bytes, HG_METHOD_EXECUTE_STATEMENT), bytes->len - 1);
}
END_TEST

START_TEST(test_handles_that_arent_whole)
{
    static const char *const handles[] = {
        "{1:{1:@8:a1 2:@16:b2} 2:4 3:t}",
        "{1:{1:@16:a1 2:@17:b2} 2:4 3:t}",
        "{1:{1:@16:a1} 2:4 3:t}",
        "{1:{} 2:4 3:t}",
        "{2:4 3:t}",
        "{1:'x' 2:4}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(handles); i++) {
        g_autofree char *notation =
            g_strdup_printf("reply GetTables 3 {0:{1:{1:0} 2:%s}}", handles[i]);
        HgReplyHead head;
        ck_assert_int_eq(peek(notation, HG_METHOD_GET_TABLES, &head), HG_WIRE_OK);
        ck_assert(!head.has_handle);
    }
}
END_TEST

/* What a batch says of itself, at every cut as far as it can be read. */
START_TEST(test_fetch_reads_up_to_the_rows)
{
    static const struct {
        const char *response;
        gboolean more;
        gboolean rows;
        gboolean bare; /* neither rows nor columns, and known to its end */
    } batches[] = {
        {"1:{1:0} 2:f 3:{1:0l 2:[12] 3:[12 {5:{1:[10 1l 2l] 2:''}}]}", TRUE, TRUE, FALSE},
        {"1:{1:0} 2:f 3:{1:9l 2:[12] 3:[12 {7:{1:[11] 2:''}} {7:{1:[11] 2:''}}]}", TRUE, FALSE,
         FALSE},
        {"1:{1:0} 2:t 3:{1:0l 2:[12] 3:[12 {7:{2:'\\x00' 1:[11 '']}}]}", TRUE, TRUE, FALSE},
        {"1:{1:0} 2:f 3:{1:0l 2:[12 {1:[12 {2:{1:t}}]}]}", TRUE, TRUE, FALSE},
        {"1:{1:0} 2:f 3:{1:0l 2:[12]}", TRUE, FALSE, TRUE},
        {"1:{1:0} 2:f 3:{1:0l 2:[12] 3:[12]}", TRUE, FALSE, TRUE},
        {"1:{1:0} 2:f 3:{1:0l 2:[12] 3:[12 {}]}", TRUE, FALSE, FALSE},
        {"1:{1:0} 2:f 3:{1:0l 3:[8]}", TRUE, FALSE, FALSE},
        {"1:{1:0} 3:{3:[12 {5:{1:[10 1l] 2:''}}] 1:0l 2:[12]} 2:f", FALSE, TRUE, FALSE},
        {"3:{1:0l 2:[12 {1:[12]}]} 2:f 1:{1:0}", TRUE, FALSE,
         FALSE}, /* unread: the status comes last */
        {"1:{1:0} 2:f", TRUE, FALSE, FALSE},
        {"1:{1:3 5:'text'}", FALSE, FALSE, FALSE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(batches); i++) {
        g_autofree char *notation =
            g_strdup_printf("reply FetchResults 8 {0:{%s}}", batches[i].response);
        AUTO_MESSAGE(bytes, notation);
        enough_bytes(bytes, HG_METHOD_FETCH_RESULTS);
        HgReplyHead head;
        ck_assert_int_eq(peek_slice(bytes_slice(bytes), HG_METHOD_FETCH_RESULTS, &head),
                         HG_WIRE_OK);
        ck_assert_msg(head.has_rows == batches[i].rows, "%s", notation);
        ck_assert_msg((head.more_offset != 0) == batches[i].more, "%s", notation);
        ck_assert_uint_eq(head.fields_offset, head.head.size + 3);
        ck_assert_msg((head.rows_end != 0) == batches[i].bare, "%s", notation);
        if (head.rows_end != 0)
            ck_assert_uint_eq(head.rows_end, bytes->len - 3); /* the STOPs behind it */
        if (head.columns_offset != 0)
            ck_assert_uint_eq(head.columns_offset, head.rows_end - 4);
        if (head.more_offset != 0) {
            ck_assert_uint_eq(bytes->data[head.more_offset - 3], HG_THRIFT_BOOL);
            ck_assert_uint_eq(bytes->data[head.more_offset - 1], 2);
        }
    }
}
END_TEST

START_TEST(test_fetch_that_lies_of_its_rows)
{
    static const char *const responses[] = {
        "1:{1:0} 2:1",
        "1:{1:0} 2:f 3:'x'",
        "1:{1:0} 2:f 3:{2:[10 1l]}",
        "1:{1:0} 2:f 3:{3:[11 'x']}",
        "1:{1:-1}", /* else what a longer beginning says could be less */
        "1:{1:0} 1:{1:-1}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(responses); i++) {
        g_autofree char *notation = g_strdup_printf("reply FetchResults 8 {0:{%s}}", responses[i]);
        HgReplyHead head;
        ck_assert_msg(peek(notation, HG_METHOD_FETCH_RESULTS, &head) == HG_WIRE_BAD, "%s",
                      notation);
    }
}
END_TEST

START_TEST(test_fetch_needs_only_the_status)
{
    AUTO_MESSAGE(bytes, "reply FetchResults 8 {0:{1:{1:0} 2:f 3:{1:0l 2:[12] "
                        "3:[12 {5:{1:[10 1l 2l] 2:''}}]}}}");
    HgReplyHead head;
    gsize head_size = 4 + 4 + 12 + 4;
    gsize status_size = 3 + 3 + 3 + 4; /* field 0, field 1, field 1 and its i32 */
    ck_assert_uint_eq(enough_bytes(bytes, HG_METHOD_FETCH_RESULTS), head_size + status_size);
    ck_assert_int_eq(peek_slice(bytes_slice(bytes), HG_METHOD_FETCH_RESULTS, &head), HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, 0);
    ck_assert(!head.has_handle);
}
END_TEST

START_TEST(test_operation_state)
{
    AUTO_MESSAGE(bytes, "reply GetOperationStatus 8 {0:{1:{1:0} 2:5 3:'42703' 5:'text'}}");
    HgReplyHead head;
    ck_assert_int_eq(peek_slice(bytes_slice(bytes), HG_METHOD_GET_OPERATION_STATUS, &head),
                     HG_WIRE_OK);
    ck_assert_int_eq(head.operation_state, HG_STATE_ERROR);
    /* when only the code has come, that is what it says */
    gsize code = enough_bytes(bytes, HG_METHOD_GET_OPERATION_STATUS);
    ck_assert_int_eq(peek_slice(hg_slice(bytes->data, code), HG_METHOD_GET_OPERATION_STATUS, &head),
                     HG_WIRE_OK);
    ck_assert_int_eq(head.operation_state, -1);
    ck_assert_int_eq(head.status_code, 0);
    ck_assert_int_eq(
        peek_slice(hg_slice(bytes->data, code + 8), HG_METHOD_GET_OPERATION_STATUS, &head),
        HG_WIRE_OK);
    ck_assert_int_eq(head.operation_state, HG_STATE_ERROR);
    ck_assert_int_eq(peek("reply GetOperationStatus 8 {0:{1:{1:3 5:'x'}}}",
                          HG_METHOD_GET_OPERATION_STATUS, &head),
                     HG_WIRE_OK);
    ck_assert_int_eq(head.operation_state, -1);
    ck_assert_int_eq(head.status_code, 3);
}
END_TEST

START_TEST(test_exception)
{
    HgReplyHead head;
    ck_assert_int_eq(
        peek("exception GetTables 3 {1:'Invalid method name' 2:1}", HG_METHOD_GET_TABLES, &head),
        HG_WIRE_OK);
    ck_assert(head.exception);
    ck_assert_int_eq(head.status_code, -1);
    ck_assert(!head.has_handle);
}
END_TEST

START_TEST(test_query_id_and_empty_results)
{
    HgReplyHead head;
    ck_assert_int_eq(peek("reply GetQueryId 3 {0:{1:'q'}}", HG_METHOD_GET_QUERY_ID, &head),
                     HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, -1);
    ck_assert_int_eq(peek("reply GetTables 3 {}", HG_METHOD_GET_TABLES, &head), HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, -1);
    ck_assert_int_eq(peek("reply GetTables 3 {0:{}}", HG_METHOD_GET_TABLES, &head), HG_WIRE_OK);
    ck_assert_int_eq(head.status_code, -1);
}
END_TEST

START_TEST(test_nonsense)
{
    HgReplyHead head;
    ck_assert_int_eq(peek("reply GetTables 3 {0:'x'}", HG_METHOD_GET_TABLES, &head), HG_WIRE_BAD);
    ck_assert_int_eq(peek("reply GetTables 3 {0:{1:'x'}}", HG_METHOD_GET_TABLES, &head),
                     HG_WIRE_BAD);
    ck_assert_int_eq(peek("reply GetTables 3 {0:{1:{1:'x'}}}", HG_METHOD_GET_TABLES, &head),
                     HG_WIRE_BAD);
    ck_assert_int_eq(peek("reply GetTables 3 {0:{1:{1:0l}}}", HG_METHOD_GET_TABLES, &head),
                     HG_WIRE_BAD);
    ck_assert_int_eq(peek("reply GetTables 3 {0:{2:'x'}}", HG_METHOD_GET_TABLES, &head),
                     HG_WIRE_BAD);
    ck_assert_int_eq(peek("reply OpenSession 3 {0:{2:'x'}}", HG_METHOD_OPEN_SESSION, &head),
                     HG_WIRE_BAD);
    ck_assert_int_eq(peek_slice(hg_slice_from_string("HTTP/1.1 400 Bad Request\r\n"),
                                HG_METHOD_GET_TABLES, &head),
                     HG_WIRE_BAD);
}
END_TEST

START_TEST(test_answers)
{
    HgSlice name = hg_slice_from_string("GetTables");
    static const char *const right[] = {"reply GetTables 3 {}", "exception GetTables 3 {1:'x'}"};
    static const char *const wrong[] = {"reply GetTables 4 {}", "reply GetTable 3 {}",
                                        "call GetTables 3 {}",  "oneway GetTables 3 {}",
                                        "type9 GetTables 3 {}", "reply gettables 3 {}"};
    const HgMethod *method = hg_method_get(HG_METHOD_GET_TABLES);
    for (guint i = 0; i < G_N_ELEMENTS(right); i++) {
        AUTO_MESSAGE(bytes, right[i]);
        HgReplyHead head;
        ck_assert_int_eq(hg_reply_peek(bytes_slice(bytes), method, &head), HG_WIRE_OK);
        ck_assert(hg_reply_answers(&head, name, 3));
    }
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        AUTO_MESSAGE(bytes, wrong[i]);
        HgReplyHead head;
        ck_assert_int_eq(hg_reply_peek(bytes_slice(bytes), method, &head), HG_WIRE_OK);
        ck_assert(!hg_reply_answers(&head, name, 3));
    }
}
END_TEST

START_TEST(test_handle_texts_are_replaced)
{
    HgHandle from = {{0}, {0}};
    HgHandle to = {{0}, {0}};
    for (guint i = 0; i < HG_HANDLE_HALF; i++) {
        from.guid[i] = (guint8)i;
        from.secret[i] = (guint8)(0xf0 + i);
    }
    memset(to.guid, 0xab, HG_HANDLE_HALF);
    memset(to.secret, 0xcd, HG_HANDLE_HALF);
    char text[] = "00010203-0405-0607-0809-0a0b0c0d0e0f|[00010203-0405-0607-0809-0a0b0c0d0e0f]"
                  "|00010203-0405-0607-0809-0a0b0c0d0e0e|00010203-0405-0607-0809-0A0B0C0D0E0F"
                  "|guid:00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F, "
                  "secret:F0 F1 F2 F3 F4 F5 F6 F7 F8 F9 FA FB FC FD FE FF)"
                  "|0001020304050607";
    ck_assert_uint_eq(hg_reply_replace_text((guint8 *)text, sizeof text - 1, &from, &to), 4);
    ck_assert_str_eq(text,
                     "abababab-abab-abab-abab-abababababab|[abababab-abab-abab-abab-abababababab]"
                     "|00010203-0405-0607-0809-0a0b0c0d0e0e|00010203-0405-0607-0809-0A0B0C0D0E0F"
                     "|guid:AB AB AB AB AB AB AB AB AB AB AB AB AB AB AB AB, "
                     "secret:CD CD CD CD CD CD CD CD CD CD CD CD CD CD CD CD)"
                     "|0001020304050607");
    ck_assert_uint_eq(hg_reply_replace_text((guint8 *)text, sizeof text - 1, &from, &to), 0);
    ck_assert_uint_eq(hg_reply_replace_text((guint8 *)text, 0, &from, &to), 0);
    HgSlice cut = tight_copy(hg_slice("xx00010203-0405-0607-0809-0a0b0c0d0e0", 37));
    ck_assert_uint_eq(hg_reply_replace_text((guint8 *)cut.data, cut.size, &from, &to), 0);
    g_free((guint8 *)cut.data);
}
END_TEST

/* Random changes never make it read beyond the bytes; the sanitizers look on. */
START_TEST(test_changed_replies)
{
    static const char *const replies[] = {
        "reply OpenSession 1 {0:{1:{1:0} 2:9 3:{1:" IDENTIFIER "} 4:<11 11>}}",
        HANDLE_REPLY,
        "reply GetTables 3 {0:{1:{1:3 2:[11 '*a:b:1:0' 'c:d:e:1'] 3:'42703' 4:0 5:'x'}}}",
    };
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    guint handles = 0;
    for (guint i = 0; i < 30000; i++) {
        AUTO_MESSAGE(bytes, replies[i % G_N_ELEMENTS(replies)]);
        for (gint changes = g_rand_int_range(random, 1, 4); changes > 0; changes--)
            bytes->data[g_rand_int_range(random, 0, (gint32)bytes->len)] =
                (guint8)(g_rand_int_range(random, 0, 256) >> g_rand_int_range(random, 0, 5));
        HgReplyHead head;
        HgWireStatus status = peek_slice(
            bytes_slice(bytes), i % 2 == 0 ? HG_METHOD_OPEN_SESSION : HG_METHOD_GET_TABLES, &head);
        if (status != HG_WIRE_OK || !head.has_handle)
            continue;
        handles++;
        HOLDS(head.guid_offset > 0 && head.guid_offset + HG_HANDLE_HALF <= bytes->len);
        HOLDS(head.secret_offset > 0 && head.secret_offset + HG_HANDLE_HALF <= bytes->len);
    }
    ck_assert_uint_gt(handles, 100);
}
END_TEST

static void check_error(const char *notation, HgMethodId method, const char *state,
                        const char *message)
{
    HgReplyHead head;
    AUTO_MESSAGE(bytes, notation);
    HgSlice reply = tight_copy(bytes_slice(bytes));
    ck_assert_int_eq(hg_reply_peek(reply, hg_method_get(method), &head), HG_WIRE_OK);
    HgReplyError error = hg_reply_read_error(&head, hg_method_get(method), reply);
    ck_assert(hg_slice_equal_string(error.sql_state, state));
    ck_assert(hg_slice_equal_string(error.message, message));
    for (gsize size = 0; size < reply.size; size++) { /* whatever is there: nothing behind it */
        HgSlice part = tight_copy(hg_slice(reply.data, size));
        (void)hg_reply_read_error(&head, hg_method_get(method), part);
        g_free((guint8 *)part.data);
    }
    g_free((guint8 *)reply.data);
}

START_TEST(test_what_went_wrong)
{
    check_error("reply ExecuteStatement 3 {0:{1:{1:3 2:[11 '*a:b:1:0'] 3:'42703' 4:0 5:'no'}}}",
                HG_METHOD_EXECUTE_STATEMENT, "42703", "no");
    check_error("reply ExecuteStatement 3 {0:{1:{1:3}}}", HG_METHOD_EXECUTE_STATEMENT, "", "");
    check_error("reply GetOperationStatus 3 {0:{1:{1:0} 2:5 3:'22012' 4:0 5:'by zero'}}",
                HG_METHOD_GET_OPERATION_STATUS, "22012", "by zero");
    check_error("reply GetOperationStatus 3 {0:{1:{1:3 5:'gone'}}}", HG_METHOD_GET_OPERATION_STATUS,
                "", "gone");
    check_error("exception ExecuteStatement 3 {1:'Internal error' 2:6}",
                HG_METHOD_EXECUTE_STATEMENT, "", "Internal error");
}
END_TEST

Suite *reply_suite(void)
{
    Suite *suite = suite_create("hs2/reply");
    TCase *tests = tcase_create("reply");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_session);
    tcase_add_test(tests, test_operation);
    tcase_add_test(tests, test_fields_in_another_order);
    tcase_add_test(tests, test_error_instead_of_handle);
    tcase_add_test(tests, test_handles_that_arent_whole);
    tcase_add_test(tests, test_fetch_reads_up_to_the_rows);
    tcase_add_test(tests, test_fetch_that_lies_of_its_rows);
    tcase_add_test(tests, test_fetch_needs_only_the_status);
    tcase_add_test(tests, test_operation_state);
    tcase_add_test(tests, test_exception);
    tcase_add_test(tests, test_what_went_wrong);
    tcase_add_test(tests, test_query_id_and_empty_results);
    tcase_add_test(tests, test_nonsense);
    tcase_add_test(tests, test_answers);
    tcase_add_test(tests, test_handle_texts_are_replaced);
    tcase_add_test(tests, test_changed_replies);
    suite_add_tcase(suite, tests);
    return suite;
}
