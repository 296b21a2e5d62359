/* Heads of HTTP/1 messages: see http.h. Owns nothing; any thread.
 *
 * The scanner finds the end of a head and has looked at each character by then; here the fields
 * that frame the message are understood, once, when the head is there. */
#include "wire/http.h"

#include "wire/http_text.h"

/* What the fields say that matters for framing. */
typedef struct {
    guint hosts;
    gboolean host_sound;
    guint lengths;
    HgSlice length; /* text of the first Content-Length */
    gboolean chunked;
    gboolean close;
    gboolean keep_alive;
    gboolean expects_continue;
} Facts;

/* The bytes of a head between two offsets. */
static HgSlice between(HgSlice bytes, gsize from, gsize to)
{
    return hg_slice(bytes.data + from, to - from);
}

gboolean hg_http_next_field(HgSlice *rest, HgHttpField *out)
{
    const guint8 *colon = rest->size > 0 ? memchr(rest->data, ':', rest->size) : NULL;
    if (colon == NULL)
        return FALSE;
    const guint8 *end = rest->data + rest->size;
    const guint8 *value = colon + 1;
    const guint8 *line_end = value < end ? memchr(value, '\r', (gsize)(end - value)) : NULL;
    if (line_end == NULL || end - line_end < 2)
        return FALSE;
    *out = (HgHttpField){.name = hg_slice(rest->data, (gsize)(colon - rest->data)),
                         .value = hg_http_strip(hg_slice(value, (gsize)(line_end - value)))};
    *rest = hg_slice(line_end + 2, (gsize)(end - line_end - 2));
    return TRUE;
}

guint hg_http_find_field(HgSlice fields, const char *name, HgSlice *value)
{
    guint found = 0;
    HgHttpField field;
    while (hg_http_next_field(&fields, &field)) {
        if (hg_http_same_name(field.name, name) && found++ == 0)
            *value = field.value;
    }
    return found;
}

static const char *note_length(Facts *facts, HgSlice value)
{
    if (facts->lengths++ == 0)
        facts->length = value;
    else if (!hg_slice_equal(facts->length, value))
        return "there are several Content-Length headers, and they differ";
    return NULL;
}

static const char *note_coding(Facts *facts, HgSlice value)
{
    if (facts->chunked)
        return "there are several Transfer-Encoding headers";
    if (!hg_http_same_name(value, "chunked"))
        return "the Transfer-Encoding isn't chunked, and no other is read here";
    facts->chunked = TRUE;
    return NULL;
}

static void note_connection(Facts *facts, HgSlice value)
{
    HgSlice item;
    while (hg_http_next_item(&value, &item)) {
        facts->close |= hg_http_same_name(item, "close");
        facts->keep_alive |= hg_http_same_name(item, "keep-alive");
    }
}

static void note_expectation(Facts *facts, HgSlice value)
{
    HgSlice item;
    while (hg_http_next_item(&value, &item))
        facts->expects_continue |= hg_http_same_name(item, "100-continue");
}

/* NULL, or what is wrong with the fields that frame the message. */
static const char *note_fields(Facts *facts, HgSlice fields)
{
    const char *why = NULL;
    HgHttpField field;
    while (why == NULL && hg_http_next_field(&fields, &field)) {
        if (hg_http_same_name(field.name, "Content-Length")) {
            why = note_length(facts, field.value);
        } else if (hg_http_same_name(field.name, "Transfer-Encoding")) {
            why = note_coding(facts, field.value);
        } else if (hg_http_same_name(field.name, "Connection")) {
            note_connection(facts, field.value);
        } else if (hg_http_same_name(field.name, "Expect")) {
            note_expectation(facts, field.value);
        } else if (hg_http_same_name(field.name, "Host")) {
            facts->hosts++;
            facts->host_sound = hg_http_is_host(field.value);
        }
    }
    return why;
}

static const char *read_length(HgSlice text, guint64 *out)
{
    guint64 length = 0;
    for (gsize i = 0; i < text.size; i++) {
        if (!g_ascii_isdigit(text.data[i]))
            return "the Content-Length isn't a number of digits alone";
        length = length * 10 + (text.data[i] - '0');
        if (length > HG_HTTP_SIZE_MAX)
            return "the Content-Length is more than 1 TiB";
    }
    *out = length;
    return text.size > 0 ? NULL : "the Content-Length is empty";
}

/* Fills what requests and responses have in common. NULL, or what is wrong. */
static const char *read_common(const HgHttpScan *scan, HgSlice bytes, Facts *facts, HgHttpHead *out)
{
    *out = (HgHttpHead){.size = scan->size, .minor = scan->minor};
    out->fields = between(bytes, scan->fields_at, scan->fields_end);
    const char *why = note_fields(facts, out->fields);
    if (why == NULL && facts->lengths > 0)
        why = read_length(facts->length, &out->length);
    if (why != NULL)
        return why;
    if (facts->chunked && facts->lengths > 0)
        return "there are both Content-Length and Transfer-Encoding";
    if (facts->chunked && out->minor == 0)
        return "there is a Transfer-Encoding, which HTTP/1.0 doesn't have";
    if (facts->chunked)
        out->body = HG_HTTP_BODY_CHUNKED;
    else if (facts->lengths > 0)
        out->body = HG_HTTP_BODY_LENGTH;
    out->keep_alive = !facts->close && (out->minor > 0 || facts->keep_alive);
    return NULL;
}

static gboolean starts_with(HgSlice text, const char *prefix)
{
    gsize size = strlen(prefix);
    return text.size >= size && hg_http_same_name(hg_slice(text.data, size), prefix);
}

/* Takes scheme and authority off the front of an absolute target. NULL, or what is wrong. */
static const char *cut_authority(HgSlice *target)
{
    gsize size = 0;
    if (starts_with(*target, "http://"))
        size = strlen("http://");
    else if (starts_with(*target, "https://"))
        size = strlen("https://");
    else
        return "the request's target is neither a path nor a URL of http or https";
    HgSlice rest = between(*target, size, target->size);
    gsize end = 0;
    while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    if (end == 0 || rest.data[0] == ':' || !hg_http_is_host(hg_slice(rest.data, end)))
        return "the request's target is a URL without a sound host";
    *target = between(rest, end, rest.size);
    return NULL;
}

/* Takes the target apart: method and target are known. NULL, or what is wrong with it. */
static const char *read_target(HgHttpRequest *request)
{
    HgSlice rest = request->target;
    gboolean star = hg_slice_equal_string(rest, "*");
    if (star && hg_slice_equal_string(request->method, "PRI"))
        return "this is HTTP/2, and only HTTP/1.0 and HTTP/1.1 are spoken here";
    if (hg_slice_equal_string(request->method, "CONNECT"))
        return "CONNECT asks for a tunnel, and there is none here";
    if (star && !hg_slice_equal_string(request->method, "OPTIONS"))
        return "the request's target is *, which is for OPTIONS alone";
    if (!star && rest.data[0] != '/') {
        const char *why = cut_authority(&rest);
        if (why != NULL)
            return why;
    }
    const guint8 *mark = rest.size > 0 ? memchr(rest.data, '?', rest.size) : NULL;
    gsize path_size = mark != NULL ? (gsize)(mark - rest.data) : rest.size;
    request->path = hg_slice(rest.data, path_size);
    request->query = between(rest, mark != NULL ? path_size + 1 : path_size, rest.size);
    return NULL;
}

/* Scans what wasn't scanned yet. */
static HgWireStatus scan_on(HgHttpScan *scan, HgHttpKind kind, HgSlice bytes)
{
    gsize seen = MIN(scan->size, bytes.size);
    HgSlice news = bytes.size > seen ? between(bytes, seen, bytes.size) : hg_slice(NULL, 0);
    gsize used = 0;
    return hg_http_scan(scan, kind, news, &used);
}

static const char *read_request_head(const HgHttpScan *scan, HgSlice bytes, HgHttpRequest *request)
{
    Facts facts = {.hosts = 0};
    const char *why = read_common(scan, bytes, &facts, &request->head);
    if (why != NULL)
        return why;
    if (facts.hosts > 1)
        return "there are several Host headers";
    if (facts.hosts == 0 && request->head.minor > 0)
        return "there is no Host header, which HTTP/1.1 demands";
    if (facts.hosts == 1 && !facts.host_sound)
        return "the Host header isn't a host";
    HgHttpBody body = request->head.body;
    request->expect_continue =
        facts.expects_continue && request->head.minor > 0 &&
        (body == HG_HTTP_BODY_CHUNKED || (body == HG_HTTP_BODY_LENGTH && request->head.length > 0));
    return NULL;
}

HgWireStatus hg_http_read_request(HgHttpScan *scan, HgSlice bytes, HgHttpRequest *out,
                                  const char **why)
{
    HgHttpScan fresh = {.size = 0};
    if (scan == NULL)
        scan = &fresh;
    gsize seen = scan->size;
    HgWireStatus status = scan_on(scan, HG_HTTP_REQUEST, bytes);
    HgHttpRequest request = {.expect_continue = FALSE};
    const char *wrong = NULL;
    /* the target is looked at when it has just come, and when the head has: not for each drip */
    gboolean target_is_new = scan->target_end > 0 && scan->target_end >= seen;
    if (target_is_new || status == HG_WIRE_OK) {
        request.method = between(bytes, scan->start_at, scan->method_end);
        request.target = between(bytes, scan->method_end + 1, scan->target_end);
        wrong = read_target(&request);
    }
    if (wrong == NULL && status == HG_WIRE_OK)
        wrong = read_request_head(scan, bytes, &request);
    if (wrong != NULL)
        status = hg_http_scan_refuse(scan, wrong);
    if (status == HG_WIRE_BAD)
        *why = scan->why;
    if (status != HG_WIRE_OK)
        return status;
    *out = request;
    *scan = (HgHttpScan){.size = 0};
    return HG_WIRE_OK;
}

/* What a response's status says about its body. NULL, or what is wrong. */
static const char *settle_body(HgHttpResponse *response)
{
    HgHttpHead *head = &response->head;
    gboolean bodiless = response->status < 200 || response->status == 204;
    if (response->status == 101)
        return "the server switches to another protocol, which it wasn't asked to";
    if (bodiless && (head->body == HG_HTTP_BODY_CHUNKED || head->length > 0))
        return "the response has a body, which its status rules out";
    if (bodiless || response->status == 304) {
        head->body = HG_HTTP_BODY_NONE;
        head->length = 0;
    } else if (head->body == HG_HTTP_BODY_NONE) {
        head->body = HG_HTTP_BODY_UNTIL_CLOSE;
        head->keep_alive = FALSE;
    }
    return NULL;
}

HgWireStatus hg_http_read_response(HgHttpScan *scan, HgSlice bytes, HgHttpResponse *out,
                                   const char **why)
{
    HgHttpScan fresh = {.size = 0};
    if (scan == NULL)
        scan = &fresh;
    HgWireStatus status = scan_on(scan, HG_HTTP_RESPONSE, bytes);
    HgHttpResponse response = {.status = scan->status};
    if (status == HG_WIRE_OK) {
        Facts facts = {.hosts = 0};
        const char *wrong = read_common(scan, bytes, &facts, &response.head);
        response.reason = between(bytes, scan->reason_at, scan->start_end);
        if (wrong == NULL)
            wrong = settle_body(&response);
        if (wrong != NULL)
            status = hg_http_scan_refuse(scan, wrong);
    }
    if (status == HG_WIRE_BAD)
        *why = scan->why;
    if (status != HG_WIRE_OK)
        return status;
    *out = response;
    *scan = (HgHttpScan){.size = 0};
    return HG_WIRE_OK;
}
