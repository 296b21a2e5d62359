/* Heads of HTTP/1.0 and HTTP/1.1 messages, and what they say about the body that follows.
 *
 * Strict as a gateway must be: what two readers could understand differently is refused (RFC 9112,
 * 11.2), even where a lone server might guess. Pure functions over slices, which borrow from the
 * input; any thread. The reading of a chunked body is wire/http_chunks, what is inside of targets
 * and cookies wire/http_text. */
#pragma once

#include "wire/http_scan.h"

#define HG_HTTP_SIZE_MAX ((guint64)1 << 40) /* bytes of a body with a length, or of one chunk */

typedef enum {
    HG_HTTP_BODY_NONE,
    HG_HTTP_BODY_LENGTH,      /* `length` bytes, which may be 0 */
    HG_HTTP_BODY_CHUNKED,     /* read it with HgHttpChunks */
    HG_HTTP_BODY_UNTIL_CLOSE, /* responses only: up to the end of the connection */
} HgHttpBody;

/* What requests and responses have in common. */
typedef struct {
    gsize size;   /* bytes of the head: the body begins there */
    guint8 minor; /* version: 0 is HTTP/1.0, 1 is HTTP/1.1 */
    HgHttpBody body;
    guint64 length;      /* of the body, at most HG_HTTP_SIZE_MAX; 0 unless BODY_LENGTH */
    gboolean keep_alive; /* the sender will go on with this connection behind the body */
    HgSlice fields;      /* the field lines, for hg_http_find_field() and hg_http_next_field() */
} HgHttpHead;

typedef struct {
    HgHttpHead head;
    HgSlice method; /* a token, as sent: methods are case-sensitive */
    HgSlice target; /* as sent */
    HgSlice path; /* begins with '/', or is "*" (OPTIONS only), or empty (http://host); undecoded */
    HgSlice query;            /* what follows the first '?', undecoded; may be empty */
    gboolean expect_continue; /* the client waits for "100 Continue" before it sends the body */
} HgHttpRequest;

typedef struct {
    HgHttpHead head;
    guint16 status; /* 100 to 599. 1xx: another head follows at once, of the real response */
    HgSlice reason; /* may be empty */
} HgHttpResponse;

/* One field: the value is without the white space around it and may be empty. */
typedef struct {
    HgSlice name;
    HgSlice value;
} HgHttpField;

/* Each reads one head. SHORT while the blank line hasn't come; then call again with the same bytes
 * from the head's first one and those that came since: they may have moved. *scan, all zeros before
 * the first call, remembers what was looked at, so that a head that comes in drips costs no more
 * than one that comes whole; NULL begins anew each time. After OK it is ready for the next head;
 * after BAD it says BAD for ever. On BAD *why gets a static text that says what is wrong, in words
 * fit to be sent to the other side, and what no further byte can mend is BAD at once: a character
 * that can't be where it is, the version, a head past HG_HTTP_HEAD_MAX or HG_HTTP_FIELDS_MAX. *out
 * is untouched on another status than OK.
 *
 * Refused, beside all that isn't HTTP/1.0 or HTTP/1.1 as RFC 9112 has it: bare CR or LF, folded
 * lines, white space before a colon; Content-Length twice with different texts, as a list, with
 * anything but digits, or together with Transfer-Encoding; Transfer-Encoding twice, other than
 * `chunked`, or in HTTP/1.0; more than one Host, none in HTTP/1.1, or one that is no host; an
 * absolute target that isn't http(s)://host...; CONNECT. One empty line in front of a request is
 * passed over (RFC 9112, 2.2) and counted into its size. */
HgWireStatus hg_http_read_request(HgHttpScan *scan, HgSlice bytes, HgHttpRequest *out,
                                  const char **why) G_GNUC_WARN_UNUSED_RESULT;

/* The response must be to a request that may have a body in its answer: not to HEAD. 1xx, 204 and
 * 304 have none; 101 is refused, as hivegate never asks to switch protocols. */
HgWireStatus hg_http_read_response(HgHttpScan *scan, HgSlice bytes, HgHttpResponse *out,
                                   const char **why) G_GNUC_WARN_UNUSED_RESULT;

/* Cuts the next field off the front of *rest, which begins as a copy of HgHttpHead.fields. FALSE
 * at the end. */
gboolean hg_http_next_field(HgSlice *rest, HgHttpField *out);

/* Looks for a field by name, in any case. Returns how many there are; *value gets the first one's
 * value and is untouched when there is none. */
guint hg_http_find_field(HgSlice fields, const char *name, HgSlice *value);
