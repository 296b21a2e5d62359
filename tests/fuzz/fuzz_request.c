/* Fuzz target: a request as it comes from a client.
 *
 * Input: two bytes that say where it is cut, then the message. The reader has to agree with the
 * plain reader on where the message ends, call every part of it SHORT, and give spans that lie
 * inside. */
#include "fuzz.h"
#include "hs2/execute.h"
#include "hs2/request.h"
#include "reference.h"

static HgRequestStatus read_copy(HgSlice bytes, HgRequest *request)
{
    HgSlice copy = fuzz_copy(bytes);
    HgRequestStatus status = hg_request_read(copy, request);
    fuzz_free(copy);
    return status;
}

static void check_why(HgRequestStatus status, const HgRequest *request)
{
    gsize size = strnlen(request->why, sizeof request->why);
    FUZZ_CHECK(size < sizeof request->why);
    gboolean says = status == HG_REQUEST_REFUSED || status == HG_REQUEST_BROKEN ||
                    (status == HG_REQUEST_OK && request->incomplete);
    FUZZ_CHECK((size > 0) == says);
    for (gsize i = 0; i < size; i++)
        FUZZ_CHECK(g_ascii_isprint(request->why[i]));
}

static void check_span(const HgRequest *request, HgSpan span)
{
    if (span.offset == 0) {
        FUZZ_CHECK(span.size == 0);
        return;
    }
    FUZZ_CHECK(span.offset > request->head.size && span.offset < request->size);
    FUZZ_CHECK(span.size < request->size - span.offset);
}

static void check_text(HgSlice message, HgSpan span)
{
    const char *text = (const char *)message.data + span.offset;
    FUZZ_CHECK(g_utf8_validate(text, (gssize)span.size, NULL)); /* which refuses NUL, too */
}

static void check_spans(const HgRequest *request, HgSlice message)
{
    check_span(request, request->req_fields);
    check_span(request, request->statement);
    check_span(request, request->configuration);
    check_span(request, request->username);
    check_span(request, request->password);
    check_text(message, request->statement);
    check_text(message, request->username);
}

typedef struct {
    gint16 ids[1000];
    guint count;
} Ids;

/* No id twice: Java would take the last one. */
static void note_id(guint type, gint16 id, HgSlice value, gpointer data)
{
    Ids *ids = data;
    for (guint i = 0; i < ids->count; i++)
        FUZZ_CHECK(ids->ids[i] != id);
    FUZZ_CHECK(ids->count < G_N_ELEMENTS(ids->ids));
    ids->ids[ids->count++] = id;
}

static void check_ids(HgSlice fields)
{
    g_autofree Ids *ids = g_new0(Ids, 1);
    reference_fields(fields, note_id, ids);
}

/* A handle that is put in is read back, and nothing else of the request changes. */
static void check_handle(const HgRequest *request, HgSlice message)
{
    HgSlice copy = fuzz_copy(message);
    HgHandle ours;
    memset(&ours, 0x80, sizeof ours);
    memset(ours.secret, 0, sizeof ours.secret);
    hg_request_set_handle(request, (guint8 *)copy.data, &ours);
    HgRequest again;
    FUZZ_CHECK(hg_request_read(copy, &again) == HG_REQUEST_OK && again.has_handle);
    FUZZ_CHECK(again.guid_offset == request->guid_offset && again.size == request->size);
    HgHandle got;
    hg_request_get_handle(&again, copy.data, &got);
    FUZZ_CHECK(hg_handle_equal(&got, &ours));
    HgHandle theirs;
    hg_request_get_handle(request, message.data, &theirs);
    hg_request_set_handle(&again, (guint8 *)copy.data, &theirs);
    FUZZ_CHECK(hg_slice_equal(copy, message));
    fuzz_free(copy);
}

/* A statement that is put in the place of another is what is read of the request then. */
static void check_rewritten(const HgRequest *request, HgSlice message)
{
    static const char text[] = "SELECT 1";
    HgExecuteEdit edit = {.statement = hg_slice_from_string(text), .strip = TRUE, .wait = TRUE};
    HgRequest again;
    HgHandle before, after;
    HgBuffer out;
    if (request->method->id != HG_METHOD_EXECUTE_STATEMENT || request->incomplete ||
        !request->has_handle)
        return;
    hg_buffer_init(&out, NULL);
    FUZZ_CHECK(hg_execute_rewrite(request, message.data, &edit, &out));
    HgSlice made = hg_slice(hg_buffer_data(&out), hg_buffer_size(&out));
    FUZZ_CHECK(hg_request_read(made, &again) == HG_REQUEST_OK && !again.incomplete);
    FUZZ_CHECK(again.size == made.size && again.has_handle && !again.run_async);
    FUZZ_CHECK(again.configuration.size == 0);
    FUZZ_CHECK(hg_slice_equal_string(
        hg_slice(made.data + again.statement.offset, again.statement.size), text));
    hg_request_get_handle(request, message.data, &before);
    hg_request_get_handle(&again, made.data, &after);
    FUZZ_CHECK(hg_handle_equal(&before, &after));
    hg_buffer_clear(&out);
}

static void check_sound(const HgRequest *request, HgSlice message)
{
    if (request->method == NULL)
        return;
    check_spans(request, message);
    check_ids(hg_slice(message.data + request->head.size, request->size - request->head.size));
    if (request->req_fields.offset != 0)
        check_ids(hg_slice(message.data + request->req_fields.offset, request->req_fields.size));
    if (request->has_handle)
        check_handle(request, message);
    check_rewritten(request, message);
    FUZZ_CHECK(!request->has_handle || request->method->takes != HG_TAKES_NOTHING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice message = hg_slice(data, size);
    guint where = fuzz_take_u16(&message);
    gsize end;
    ReferenceStatus expected = reference_message(message, &end);
    HgRequest request;
    HgRequestStatus status = read_copy(message, &request);
    check_why(status, &request);
    switch (expected) {
    case REFERENCE_OK:
        FUZZ_CHECK(status == HG_REQUEST_OK || status == HG_REQUEST_REFUSED);
        FUZZ_CHECK(request.size == end);
        break;
    case REFERENCE_SHORT:
        FUZZ_CHECK(status == HG_REQUEST_SHORT);
        return 0;
    case REFERENCE_BAD: /* a reader that wants a whole number before it looks may say SHORT */
        FUZZ_CHECK(status == HG_REQUEST_BROKEN || status == HG_REQUEST_SHORT);
        return 0;
    }
    HgRequest part;
    FUZZ_CHECK(read_copy(hg_slice(message.data, where % end), &part) == HG_REQUEST_SHORT);
    FUZZ_CHECK(read_copy(hg_slice(message.data, end - 1), &part) == HG_REQUEST_SHORT);
    FUZZ_CHECK(read_copy(hg_slice(message.data, end), &part) == status && part.size == end);
    if (status == HG_REQUEST_OK)
        check_sound(&request, hg_slice(message.data, end));
    return 0;
}
