/* load_reply: from bytes to replies, by transport. Owns what an Inbox holds. */
#include "load_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "http.h"
#include "tcli.h"

enum {
    MAX_REPLY_BYTES = 1 << 30, /* anything longer is a broken gateway */
    SHOWN_BYTES = 200,         /* of an error's text */
};

/* Moves what has come of the present part behind `whole`. True when the part is over. */
static bool take_part(Inbox *inbox)
{
    size_t fresh = inbox->bytes.len - inbox->whole;
    size_t taken = fresh < inbox->left ? fresh : inbox->left;
    inbox->whole += taken;
    inbox->left -= taken;
    return inbox->left == 0;
}

/* Takes `len` bytes that stand in front of a part out, or, before the first one, passes them. */
static void pass(Inbox *inbox, size_t len)
{
    if (inbox->whole == inbox->head)
        inbox->head = inbox->whole += len;
    else
        bytes_remove(&inbox->bytes, inbox->whole, len);
}

/* ---- SASL frames ---- */

static const char *look_at_frames(Inbox *inbox, bool *ended)
{
    *ended = false;
    while (inbox->bytes.len > inbox->whole) {
        if (inbox->left > 0) {
            *ended = take_part(inbox);
            continue;
        }
        size_t fresh = inbox->bytes.len - inbox->whole;
        if (fresh < SASL_FRAME_HEAD_BYTES)
            return NULL;
        ThriftReader reader = thrift_reader(inbox->bytes.data + inbox->whole, fresh);
        inbox->left = thrift_read_u32(&reader);
        if (inbox->left == 0 || inbox->left > MAX_REPLY_BYTES)
            return "a frame of impossible length";
        pass(inbox, SASL_FRAME_HEAD_BYTES);
    }
    return NULL;
}

/* ---- HTTP ---- */

/* Keeps the cookie that the response sets, without its attributes. */
static void note_cookie(Inbox *inbox, const uint8_t *head, size_t size)
{
    const char *value;
    size_t len = http_find(head, size, "Set-Cookie", &value);
    const char *end = len > 0 ? memchr(value, ';', len) : NULL;
    if (len == 0)
        return;
    free(inbox->cookie);
    inbox->cookie = strndup(value, end ? (size_t)(end - value) : len);
    if (!inbox->cookie)
        bench_die("out of memory");
}

static const char *describe_status(const uint8_t *data, size_t len, char *text, size_t text_size)
{
    size_t shown = len < SHOWN_BYTES ? len : SHOWN_BYTES;
    snprintf(text, text_size, "the answer isn't 200: %.*s", (int)shown, (const char *)data);
    for (char *at = text; *at; at++)
        if (*at == '\r' || *at == '\n')
            *at = ' ';
    return text;
}

/* Looks at a response's head. `*goes_on`: it is there. */
static const char *look_at_head(Inbox *inbox, bool *goes_on, char *text, size_t text_size)
{
    static const char good[] = "HTTP/1.1 200 ";
    const uint8_t *data = inbox->bytes.data + inbox->whole;
    size_t fresh = inbox->bytes.len - inbox->whole;
    size_t size = http_head_size(data, fresh);
    *goes_on = size > 0;
    if (size == 0)
        return fresh > HTTP_MAX_HEAD_BYTES ? "the response's head has no end" : NULL;
    if (size < sizeof good || memcmp(data, good, sizeof good - 1) != 0)
        return describe_status(data, fresh, text, text_size);
    note_cookie(inbox, data, size);
    inbox->chunked = http_is_chunked(data, size);
    inbox->left = 0;
    if (!inbox->chunked && !http_find_length(data, size, &inbox->left))
        return "the response says no length";
    if (!inbox->chunked && (inbox->left == 0 || inbox->left > MAX_REPLY_BYTES))
        return "a response of impossible length";
    inbox->part = inbox->chunked ? PART_CHUNK_HEAD : PART_BODY;
    pass(inbox, size);
    return NULL;
}

static const char *look_at_chunk_head(Inbox *inbox, bool *goes_on)
{
    size_t fresh = inbox->bytes.len - inbox->whole;
    ssize_t size = http_chunk_head(inbox->bytes.data + inbox->whole, fresh, &inbox->left);
    *goes_on = size > 0;
    if (size < 0)
        return "a chunk without a length";
    if (size > 0) {
        inbox->part = inbox->left > 0 ? PART_BODY : PART_LAST;
        pass(inbox, (size_t)size);
    }
    return NULL;
}

/* Takes the CRLF behind a chunk out. */
static const char *look_at_line_end(Inbox *inbox, bool *goes_on)
{
    *goes_on = inbox->bytes.len - inbox->whole >= 2;
    if (!*goes_on)
        return NULL;
    if (memcmp(inbox->bytes.data + inbox->whole, "\r\n", 2) != 0)
        return "a chunk doesn't end where it should";
    bytes_remove(&inbox->bytes, inbox->whole, 2);
    return NULL;
}

static const char *look_at_http(Inbox *inbox, bool *ended, char *text, size_t text_size)
{
    const char *wrong = NULL;
    bool goes_on = true;
    *ended = false;
    while (!wrong && goes_on && !*ended) {
        switch (inbox->part) {
        case PART_HEAD:
            wrong = look_at_head(inbox, &goes_on, text, text_size);
            break;
        case PART_BODY:
            goes_on = take_part(inbox);
            *ended = goes_on && !inbox->chunked;
            inbox->part = goes_on && inbox->chunked ? PART_CHUNK_END : PART_BODY;
            break;
        case PART_CHUNK_HEAD:
            wrong = look_at_chunk_head(inbox, &goes_on);
            break;
        case PART_CHUNK_END:
            wrong = look_at_line_end(inbox, &goes_on);
            inbox->part = goes_on ? PART_CHUNK_HEAD : PART_CHUNK_END;
            break;
        case PART_LAST:
            wrong = look_at_line_end(inbox, &goes_on);
            *ended = goes_on;
            break;
        }
    }
    return wrong || !*ended || inbox->whole == inbox->bytes.len ? wrong
                                                                : "bytes follow the response";
}

/* ---- all ---- */

const char *inbox_look(Inbox *inbox, LoadTransport transport, bool *ended, char *text,
                       size_t text_size)
{
    switch (transport) {
    case LOAD_SASL:
        return look_at_frames(inbox, ended);
    case LOAD_HTTP:
        return look_at_http(inbox, ended, text, text_size);
    case LOAD_RAW:
        break;
    }
    inbox->whole = inbox->bytes.len;
    *ended = true;
    return NULL;
}

void inbox_clear(Inbox *inbox)
{
    inbox->bytes.len = 0;
    inbox->head = inbox->whole = inbox->left = 0;
    inbox->part = PART_HEAD;
}

void inbox_free(Inbox *inbox)
{
    inbox_clear(inbox);
    bytes_free(&inbox->bytes);
    free(inbox->cookie);
    inbox->cookie = NULL;
}
