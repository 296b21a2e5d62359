/* Fuzz target: the first bytes of a reply, of which only what is needed is read, and edited for
 * clients of Databricks.
 *
 * Input: the method it answers, where it is cut, then the bytes. */
#include "fuzz.h"
#include "hs2/detail.h"
#include "hs2/dialect.h"
#include "reference.h"

static HgWireStatus peek_copy(HgSlice bytes, const HgMethod *method, HgReplyHead *reply)
{
    HgSlice copy = fuzz_copy(bytes);
    HgWireStatus status = hg_reply_peek(copy, method, reply);
    fuzz_free(copy);
    return status;
}

/* Another handle put in is read back in the same place. */
static void check_handle(const HgReplyHead *reply, const HgMethod *method, HgSlice bytes)
{
    FUZZ_CHECK(reply->guid_offset >= reply->head.size && reply->secret_offset >= reply->head.size);
    FUZZ_CHECK(reply->guid_offset + HG_HANDLE_HALF <= bytes.size);
    FUZZ_CHECK(reply->secret_offset + HG_HANDLE_HALF <= bytes.size);
    HgSlice copy = fuzz_copy(bytes);
    HgHandle theirs;
    HgHandle ours;
    HgHandle got;
    memset(&ours, 0xff, sizeof ours);
    hg_reply_get_handle(reply, copy.data, &theirs);
    hg_reply_set_handle(reply, (guint8 *)copy.data, &ours);
    HgReplyHead again;
    FUZZ_CHECK(hg_reply_peek(copy, method, &again) == HG_WIRE_OK && again.has_handle);
    hg_reply_get_handle(&again, copy.data, &got);
    FUZZ_CHECK(hg_handle_equal(&got, &ours));
    hg_reply_set_handle(&again, (guint8 *)copy.data, &theirs);
    FUZZ_CHECK(hg_slice_equal(copy, bytes));
    fuzz_free(copy);
}

/* The text of a handle in the middle of the bytes is found and replaced, and back again. */
static void check_replaced_text(HgSlice bytes)
{
    HgHandle from;
    HgHandle to;
    memset(from.guid, 0xaa, sizeof from.guid);
    memset(from.secret, 0xab, sizeof from.secret);
    memset(to.guid, 0x11, sizeof to.guid);
    memset(to.secret, 0x12, sizeof to.secret);
    char text[HG_HANDLE_TEXT_SIZE];
    hg_handle_text(&from, text);
    g_autoptr(GByteArray) message = g_byte_array_new();
    g_byte_array_append(message, bytes.data, (guint)(bytes.size / 2));
    g_byte_array_append(message, (const guint8 *)text, sizeof text - 1);
    HgSlice tail = hg_slice(bytes.data + bytes.size / 2, bytes.size - bytes.size / 2);
    g_byte_array_append(message, tail.data, (guint)tail.size);
    HgSlice copy = fuzz_copy(hg_slice(message->data, message->len));
    FUZZ_CHECK(hg_reply_replace_text((guint8 *)copy.data, copy.size, &from, &to) >= 1);
    FUZZ_CHECK(memmem(copy.data, copy.size, text, sizeof text - 1) == NULL);
    FUZZ_CHECK(hg_reply_replace_text((guint8 *)copy.data, copy.size, &from, &to) == 0);
    hg_handle_text(&to, text);
    FUZZ_CHECK(memmem(copy.data, copy.size, text, sizeof text - 1) != NULL);
    fuzz_free(copy);
}

/* An edited reply is a message still, when it was one, and says the same of itself. */
static void check_edited(HgSlice bytes, const HgMethod *method, const HgReplyHead *reply)
{
    HgDialect dialect = {.protocol = 0xa504, .says_format = TRUE, .has_catalogs = TRUE};
    g_autofree guint8 *room = g_malloc(HG_DIALECT_GROWTH + bytes.size);
    guint8 *message = room + HG_DIALECT_GROWTH;
    memcpy(message, bytes.data, bytes.size);
    HgReplyHead head;
    FUZZ_CHECK(hg_reply_peek(hg_slice(message, bytes.size), method, &head) == HG_WIRE_OK);
    guint grown = hg_dialect_edit(&dialect, method, &head, message);
    FUZZ_CHECK(grown <= HG_DIALECT_GROWTH);
    HgSlice edited = fuzz_copy(hg_slice(message - grown, bytes.size + grown));
    HgReplyHead again;
    FUZZ_CHECK(hg_reply_peek(edited, method, &again) == HG_WIRE_OK);
    FUZZ_CHECK(again.status_code == reply->status_code && again.has_rows == reply->has_rows);
    FUZZ_CHECK(again.has_handle == reply->has_handle && again.exception == reply->exception);
    FUZZ_CHECK(hg_reply_answers(&again, reply->head.name, reply->head.seqid) ==
               hg_reply_answers(reply, reply->head.name, reply->head.seqid));
    gsize end = 0;
    gsize end_again = 0;
    if (reference_message(bytes, &end) == REFERENCE_OK)
        FUZZ_CHECK(reference_message(edited, &end_again) == REFERENCE_OK &&
                   end_again == end + grown);
    fuzz_free(edited);
}

/* What is read of a reply that is there in full. */
static void check_detail(HgSlice bytes, const HgMethod *method)
{
    g_autofree char *sql_state = NULL;
    g_autofree char *message = NULL;
    HgSlice copy = fuzz_copy(bytes);
    hg_detail_error(copy, method, &sql_state, &message);
    g_autoptr(GPtrArray) columns = hg_detail_texts(copy);
    for (guint i = 0; columns != NULL && i < columns->len; i++)
        FUZZ_CHECK(((const GPtrArray *)columns->pdata[i])->len <= bytes.size);
    fuzz_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice bytes = hg_slice(data, size);
    const HgMethod *method = hg_method_get((HgMethodId)(fuzz_take_u8(&bytes) % HG_METHOD_COUNT));
    guint where = fuzz_take_u16(&bytes);
    check_replaced_text(bytes);
    check_detail(bytes, method);
    HgReplyHead reply; /* its name points into the bytes */
    HgWireStatus status = hg_reply_peek(bytes, method, &reply);
    HgReplyHead part;
    FUZZ_CHECK(peek_copy(bytes, method, &part) == status);
    HgWireStatus before = peek_copy(hg_slice(bytes.data, where % (bytes.size + 1)), method, &part);
    FUZZ_CHECK(before != HG_WIRE_BAD || status == HG_WIRE_BAD);
    FUZZ_CHECK(status != HG_WIRE_SHORT || before == HG_WIRE_SHORT);
    if (status != HG_WIRE_OK)
        return 0;
    FUZZ_CHECK(reply.head.size <= bytes.size);
    FUZZ_CHECK(hg_reply_answers(&reply, reply.head.name, reply.head.seqid) ==
               (reply.head.type == HG_MESSAGE_REPLY || reply.head.type == HG_MESSAGE_EXCEPTION));
    FUZZ_CHECK(reply.exception == (reply.head.type == HG_MESSAGE_EXCEPTION));
    check_edited(bytes, method, &reply);
    if (reply.has_handle)
        check_handle(&reply, method, bytes);
    return 0;
}
