/* Fuzz target: HTTP/1 heads, chunked bodies, queries and cookies, as a client or a backend sends
 * them, and X-Forwarded-For.
 *
 * Input: a byte that says where to begin (request, response, body), a number for the places at
 * which the bytes are cut, the bytes. Each message's head, and its body when it is chunked, is read
 * whole and in pieces, which must agree; a head is written again from what was read of it and must
 * read the same; then the next message follows. */
#include "fuzz.h"
#include "wire/forwarded_for.h"
#include "wire/http_chunks.h"
#include "wire/http_text.h"

enum { FROM_REQUEST, FROM_RESPONSE, FROM_BODY };

static HgSlice behind(HgSlice bytes, gsize size)
{
    return hg_slice(bytes.data + size, bytes.size - size);
}

static void check_inside(HgSlice part, HgSlice whole)
{
    FUZZ_CHECK(part.size <= whole.size);
    FUZZ_CHECK(part.size == 0 ||
               (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

/* The rules of lines once more, over a head that was accepted. */
static void check_lines(HgSlice head)
{
    FUZZ_CHECK(head.size >= 4 && head.size <= HG_HTTP_HEAD_MAX);
    FUZZ_CHECK(memcmp(head.data + head.size - 4, "\r\n\r\n", 4) == 0);
    guint lines = 0;
    for (gsize i = 0; i < head.size; i++) {
        guint8 byte = head.data[i];
        FUZZ_CHECK(byte != 0x7f && (byte >= ' ' || byte == '\r' || byte == '\n' || byte == '\t'));
        if (byte == '\r')
            FUZZ_CHECK(head.data[i + 1] == '\n');
        if (byte != '\n')
            continue;
        FUZZ_CHECK(i > 0 && head.data[i - 1] == '\r');
        FUZZ_CHECK(i + 1 == head.size || (head.data[i + 1] != ' ' && head.data[i + 1] != '\t'));
        lines++;
    }
    FUZZ_CHECK(lines <= HG_HTTP_FIELDS_MAX + 3); /* an empty one, the first, the blank one */
}

/* What frames the body, looked up one by one. */
static void check_framing(const HgHttpHead *head)
{
    HgSlice length = hg_slice(NULL, 0);
    HgSlice coding = hg_slice(NULL, 0);
    guint lengths = hg_http_find_field(head->fields, "content-length", &length);
    guint codings = hg_http_find_field(head->fields, "transfer-encoding", &coding);
    FUZZ_CHECK(codings <= 1 && (codings == 0 || lengths == 0));
    FUZZ_CHECK(codings == 0 || (hg_http_same_name(coding, "chunked") && head->minor == 1));
    FUZZ_CHECK(head->body != HG_HTTP_BODY_CHUNKED || codings == 1);
    FUZZ_CHECK(head->body != HG_HTTP_BODY_UNTIL_CLOSE || (!head->keep_alive && lengths == 0));
    FUZZ_CHECK(head->length <= HG_HTTP_SIZE_MAX);
    if (head->body == HG_HTTP_BODY_LENGTH) {
        g_autofree char *text = g_strndup((const char *)length.data, length.size);
        FUZZ_CHECK(length.size > 0 && strspn(text, "0123456789") == length.size);
        FUZZ_CHECK(g_ascii_strtoull(text, NULL, 10) == head->length);
    } else {
        FUZZ_CHECK(head->length == 0);
    }
}

static void check_same_head(const HgHttpHead *a, const HgHttpHead *b)
{
    FUZZ_CHECK(a->minor == b->minor && a->body == b->body && a->length == b->length);
    FUZZ_CHECK(a->keep_alive == b->keep_alive);
}

/* Reads a head piece by piece, in memory of just its size each time; must come to `status`. */
static void check_pieces(gboolean response, HgSlice bytes, HgWireStatus expected,
                         const char *expected_why, guint32 seed)
{
    HgHttpScan scan = {.size = 0};
    gsize size = 0;
    for (;;) {
        HgSlice copy = fuzz_copy(hg_slice(bytes.data, size));
        HgHttpRequest request = {.head.size = 0};
        HgHttpResponse reply = {.head.size = 0};
        const char *why = NULL;
        HgWireStatus status = response ? hg_http_read_response(&scan, copy, &reply, &why)
                                       : hg_http_read_request(&scan, copy, &request, &why);
        fuzz_free(copy);
        if (status != HG_WIRE_SHORT) {
            FUZZ_CHECK(status == expected && why == expected_why);
            return;
        }
        if (size == bytes.size)
            break;
        gsize more = 1 + fuzz_random(&seed) % (seed % 3 == 0 ? 200 : 9);
        size += MIN(more, bytes.size - size);
    }
    FUZZ_CHECK(expected == HG_WIRE_SHORT);
}

/* Everything but the last byte of an accepted head is SHORT. */
static void check_end(gboolean response, HgSlice head)
{
    HgHttpRequest request;
    HgHttpResponse reply;
    const char *why = NULL;
    HgSlice cut = hg_slice(head.data, head.size - 1);
    FUZZ_CHECK((response ? hg_http_read_response(NULL, cut, &reply, &why)
                         : hg_http_read_request(NULL, cut, &request, &why)) == HG_WIRE_SHORT);
}

static void put(GByteArray *out, HgSlice bytes)
{
    g_byte_array_append(out, bytes.data, (guint)bytes.size);
}

static void put_fields(GByteArray *out, HgSlice fields)
{
    HgHttpField field;
    while (hg_http_next_field(&fields, &field)) {
        FUZZ_CHECK(hg_http_is_token(field.name));
        put(out, field.name);
        put(out, hg_slice_from_string(":"));
        put(out, field.value);
        put(out, hg_slice_from_string("\r\n"));
    }
    FUZZ_CHECK(fields.size == 0);
    put(out, hg_slice_from_string("\r\n"));
}

static void check_rewritten_request(const HgHttpRequest *request)
{
    g_autoptr(GByteArray) written = g_byte_array_new();
    put(written, request->method);
    put(written, hg_slice_from_string(" "));
    put(written, request->target);
    put(written,
        hg_slice_from_string(request->head.minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n"));
    put_fields(written, request->head.fields);
    HgHttpRequest again;
    const char *why = NULL;
    HgSlice bytes = hg_slice(written->data, written->len);
    FUZZ_CHECK(hg_http_read_request(NULL, bytes, &again, &why) == HG_WIRE_OK);
    FUZZ_CHECK(again.head.size == written->len && again.head.size <= request->head.size);
    check_same_head(&request->head, &again.head);
    FUZZ_CHECK(hg_slice_equal(request->method, again.method));
    FUZZ_CHECK(hg_slice_equal(request->target, again.target));
    FUZZ_CHECK(hg_slice_equal(request->path, again.path));
    FUZZ_CHECK(hg_slice_equal(request->query, again.query));
    FUZZ_CHECK(request->expect_continue == again.expect_continue);
}

static void check_rewritten_response(const HgHttpResponse *response)
{
    g_autoptr(GByteArray) written = g_byte_array_new();
    g_autofree char *line =
        g_strdup_printf("HTTP/1.%u %u ", response->head.minor, (guint)response->status);
    put(written, hg_slice_from_string(line));
    put(written, response->reason);
    put(written, hg_slice_from_string("\r\n"));
    put_fields(written, response->head.fields);
    HgHttpResponse again;
    const char *why = NULL;
    HgSlice bytes = hg_slice(written->data, written->len);
    if (bytes.size > HG_HTTP_HEAD_MAX) /* by the blank that was missing behind the status */
        return;
    FUZZ_CHECK(hg_http_read_response(NULL, bytes, &again, &why) == HG_WIRE_OK);
    FUZZ_CHECK(again.head.size == written->len);
    check_same_head(&response->head, &again.head);
    FUZZ_CHECK(response->status == again.status);
    FUZZ_CHECK(hg_slice_equal(response->reason, again.reason));
}

static void check_decoded(HgSlice text)
{
    HgSlice copy = fuzz_copy(text);
    for (guint plus = HG_HTTP_PLUS_IS_PLUS; plus <= HG_HTTP_PLUS_IS_SPACE; plus++) {
        g_autofree guint8 *out = g_malloc(MAX(text.size, 1));
        gsize size = 0;
        if (hg_http_decode(copy, (HgHttpPlus)plus, out, &size)) {
            FUZZ_CHECK(size <= text.size && (text.size - size) % 2 == 0);
            gboolean has_nul = size > 0 && memchr(out, 0, size) != NULL;
            FUZZ_CHECK(!has_nul || memchr(text.data, 0, text.size) != NULL);
        } else {
            FUZZ_CHECK(memchr(text.data, '%', text.size) != NULL);
        }
    }
    fuzz_free(copy);
}

static void check_texts(HgSlice query)
{
    HgSlice value = hg_slice(NULL, 0);
    if (hg_http_find_parameter(query, "doAs", &value) > 0) {
        check_inside(value, query);
        FUZZ_CHECK(value.size == 0 || memchr(value.data, '&', value.size) == NULL);
        check_decoded(value);
    }
    if (hg_http_find_cookie(query, "hive.server2.auth", &value) > 0) {
        check_inside(value, query);
        FUZZ_CHECK(value.size == 0 || memchr(value.data, ';', value.size) == NULL);
    }
    HgSlice rest = query;
    HgSlice item;
    while (hg_http_next_item(&rest, &item)) {
        check_inside(item, query);
        FUZZ_CHECK(item.size > 0 && item.data[0] != ' ' && item.data[item.size - 1] != ' ');
    }
    check_decoded(query);
}

/* The items of all X-Forwarded-For lines, from the left. */
static GPtrArray *forwarded_items(HgSlice fields)
{
    GPtrArray *items = g_ptr_array_new_with_free_func(g_free);
    HgHttpField field;
    while (hg_http_next_field(&fields, &field)) {
        if (!hg_http_same_name(field.name, "x-forwarded-for"))
            continue;
        HgSlice item;
        while (hg_http_next_item(&field.value, &item))
            g_ptr_array_add(items, hg_slice_dup_string(item));
    }
    return items;
}

/* X-Forwarded-For once more: all items in a list, then from its end. */
static void check_forwarded(HgSlice fields)
{
    HgNetwork networks[3];
    FUZZ_CHECK(hg_network_parse("10.0.0.0/8", &networks[0], NULL) &&
               hg_network_parse("192.0.2.1", &networks[1], NULL) &&
               hg_network_parse("2001:db8::/32", &networks[2], NULL));
    HgNetworks trusted = {networks, 3};
    HgPeerAddress client = {.family = HG_PEER_UNKNOWN}, last = client;
    const char *why = NULL;
    HgForwarded found = hg_forwarded_for_read(fields, trusted, &client, &why);
    FUZZ_CHECK((why != NULL) == (found == HG_FORWARDED_BAD));
    g_autoptr(GPtrArray) items = forwarded_items(fields);
    FUZZ_CHECK((items->len == 0) == (found == HG_FORWARDED_NONE));
    HgForwarded expected = items->len > 0 ? HG_FORWARDED_CLIENT : HG_FORWARDED_NONE;
    for (guint i = 0; i < items->len; i++) {
        const char *item = g_ptr_array_index(items, items->len - 1 - i);
        gboolean sound = hg_peer_address_parse(hg_slice_from_string(item), &last);
        if (i >= HG_FORWARDED_HOPS_MAX || !sound)
            expected = HG_FORWARDED_BAD;
        if (expected == HG_FORWARDED_BAD || !hg_networks_have(trusted, &last))
            break;
    }
    FUZZ_CHECK(found == expected);
    FUZZ_CHECK(found != HG_FORWARDED_CLIENT || memcmp(&client, &last, sizeof last) == 0);
}

typedef struct {
    HgHttpChunksStatus status;
    gsize used;
    GByteArray *data;
    const char *why;
} Body;

/* Decodes a body in windows of the sizes that `seed` gives; 0: all at once. */
static Body decode(HgSlice bytes, guint32 seed)
{
    Body body = {.status = HG_HTTP_CHUNKS_MORE, .data = g_byte_array_new()};
    HgHttpChunks chunks = {.state = 0};
    guint32 random = seed;
    for (gsize at = 0; at < bytes.size && body.status == HG_HTTP_CHUNKS_MORE;) {
        gsize size = bytes.size - at;
        if (seed != 0) {
            gsize some = fuzz_random(&random) % (seed % 3 == 0 ? 2 : 40);
            size = MIN(size, some);
        }
        HgSlice window = fuzz_copy(hg_slice(bytes.data + at, size));
        gsize used = 0;
        gsize made = 0;
        body.status = hg_http_chunks_feed(&chunks, (guint8 *)window.data, size, &used, &made);
        FUZZ_CHECK(made <= used && used <= size);
        FUZZ_CHECK(body.status != HG_HTTP_CHUNKS_MORE || used == size);
        FUZZ_CHECK(memcmp(window.data + used, bytes.data + at + used, size - used) == 0);
        g_byte_array_append(body.data, window.data, (guint)made);
        fuzz_free(window);
        body.used += used;
        at += size;
    }
    body.why = chunks.why;
    FUZZ_CHECK((body.why != NULL) == (body.status == HG_HTTP_CHUNKS_BAD));
    return body;
}

/* The body that was read, written as one chunk, reads the same. */
static void check_rewritten_body(const GByteArray *data)
{
    g_autoptr(GByteArray) written = g_byte_array_new();
    char head[HG_HTTP_CHUNK_HEAD_MAX];
    gsize size = hg_http_write_chunk_head(head, data->len);
    if (size > 0) {
        put(written, hg_slice(head, size));
        put(written, hg_slice(data->data, data->len));
        put(written, hg_slice_from_string(HG_HTTP_CHUNK_END));
    }
    put(written, hg_slice_from_string(HG_HTTP_LAST_CHUNK));
    Body again = decode(hg_slice(written->data, written->len), 0);
    FUZZ_CHECK(again.status == HG_HTTP_CHUNKS_DONE && again.used == written->len);
    FUZZ_CHECK(again.data->len == data->len);
    FUZZ_CHECK(data->len == 0 || memcmp(again.data->data, data->data, data->len) == 0);
    g_byte_array_unref(again.data);
}

/* Takes a chunked body off *rest. FALSE when it doesn't end there. */
static gboolean take_body(HgSlice *rest, guint32 seed)
{
    Body whole = decode(*rest, 0);
    Body pieces = decode(*rest, seed | 1);
    FUZZ_CHECK(whole.status == pieces.status && whole.used == pieces.used);
    FUZZ_CHECK(whole.why == pieces.why && whole.data->len == pieces.data->len);
    FUZZ_CHECK(whole.data->len == 0 ||
               memcmp(whole.data->data, pieces.data->data, whole.data->len) == 0);
    gboolean done = whole.status == HG_HTTP_CHUNKS_DONE;
    if (done)
        check_rewritten_body(whole.data);
    g_byte_array_unref(whole.data);
    g_byte_array_unref(pieces.data);
    *rest = behind(*rest, whole.used);
    return done;
}

static HgWireStatus take_request(HgSlice bytes, HgHttpHead *head, guint32 seed)
{
    HgHttpRequest request;
    const char *why = NULL;
    HgWireStatus status = hg_http_read_request(NULL, bytes, &request, &why);
    FUZZ_CHECK((why != NULL) == (status == HG_WIRE_BAD));
    check_pieces(FALSE, bytes, status, why, seed);
    if (status != HG_WIRE_OK)
        return status;
    HgSlice whole = hg_slice(bytes.data, request.head.size);
    check_inside(whole, bytes);
    check_inside(request.method, whole);
    check_inside(request.path, request.target);
    check_inside(request.query, request.target);
    check_inside(request.target, whole);
    FUZZ_CHECK(hg_http_is_token(request.method));
    FUZZ_CHECK(request.head.body != HG_HTTP_BODY_UNTIL_CLOSE);
    HgSlice host;
    guint hosts = hg_http_find_field(request.head.fields, "HOST", &host);
    FUZZ_CHECK(hosts == 1 || (hosts == 0 && request.head.minor == 0));
    check_end(FALSE, whole);
    check_rewritten_request(&request);
    check_texts(request.query);
    check_forwarded(request.head.fields);
    HgSlice cookie;
    if (hg_http_find_field(request.head.fields, "Cookie", &cookie) > 0)
        check_texts(cookie);
    *head = request.head;
    return HG_WIRE_OK;
}

static HgWireStatus take_response(HgSlice bytes, HgHttpHead *head, guint32 seed)
{
    HgHttpResponse response;
    const char *why = NULL;
    HgWireStatus status = hg_http_read_response(NULL, bytes, &response, &why);
    FUZZ_CHECK((why != NULL) == (status == HG_WIRE_BAD));
    check_pieces(TRUE, bytes, status, why, seed);
    if (status != HG_WIRE_OK)
        return status;
    HgSlice whole = hg_slice(bytes.data, response.head.size);
    check_inside(whole, bytes);
    check_inside(response.reason, whole);
    FUZZ_CHECK(response.status >= 100 && response.status <= 599 && response.status != 101);
    check_end(TRUE, whole);
    check_rewritten_response(&response);
    *head = response.head;
    return HG_WIRE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    guint from = fuzz_take_u8(&input) % 3;
    guint32 seed = fuzz_take_u8(&input);
    HgSlice copy = fuzz_copy(input);
    HgSlice rest = copy;
    check_texts(rest);
    gboolean goes_on = from != FROM_BODY || take_body(&rest, seed);
    while (goes_on && rest.size > 0) {
        HgHttpHead head;
        HgWireStatus status = from == FROM_RESPONSE ? take_response(rest, &head, seed)
                                                    : take_request(rest, &head, seed);
        if (status == HG_WIRE_SHORT)
            FUZZ_CHECK(rest.size < HG_HTTP_HEAD_MAX);
        if (status != HG_WIRE_OK)
            break;
        check_lines(hg_slice(rest.data, head.size));
        check_framing(&head);
        check_inside(head.fields, hg_slice(rest.data, head.size));
        rest = behind(rest, head.size);
        goes_on = head.keep_alive;
        if (head.body == HG_HTTP_BODY_CHUNKED)
            goes_on = take_body(&rest, seed) && goes_on;
        else
            rest = behind(rest, (gsize)MIN(head.length, rest.size));
    }
    fuzz_free(copy);
    return 0;
}
