/* The scanner of an HTTP/1 head: see http_scan.h. Owns nothing; one thread at a time.
 *
 * One state per place in a line. Long runs (a target, a name, a value) are passed over by a table
 * of characters; the byte that ends a run takes the step to the next state. */
#include "wire/http_scan.h"

typedef enum {
    STATE_BEGIN,       /* first byte of the start line, or of the empty line in front of it */
    STATE_EMPTY_LF,    /* LF of that empty line */
    STATE_METHOD,      /* in the method */
    STATE_TARGET,      /* in the target, which may still be empty */
    STATE_VERSION,     /* in "HTTP/1.x": `index` bytes of it were seen */
    STATE_VERSION_END, /* what follows the version */
    STATE_CODE,        /* in the status code: `index` digits of it were seen */
    STATE_CODE_END,    /* what follows the status code */
    STATE_REASON,      /* in the reason, which may be empty */
    STATE_START_LF,    /* LF of the start line */
    STATE_LINE,        /* first byte of a field line or of the blank line */
    STATE_NAME,        /* in a field's name */
    STATE_VALUE,       /* in a field's value, or the white space around it */
    STATE_VALUE_LF,    /* LF of a field line */
    STATE_END_LF,      /* LF of the blank line */
    STATE_OVER,        /* the head ended */
    STATE_BAD,         /* it can't be one; `why` says why */
} State;

enum {
    TOKEN = 1,  /* RFC 9110, 5.6.2 */
    TARGET = 2, /* RFC 3986: what a URI may have, but '#', which no request may */
    VALUE = 4,  /* RFC 9110, 5.5: visible, blank, or not ASCII */
    HOST = 8,   /* RFC 3986, 3.2: host and port, but ',', which only a list of hosts has */
};

#define EVERYWHERE (TOKEN | TARGET | VALUE | HOST)

static const guint8 classes[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['0' ... '9'] = EVERYWHERE,
    ['A' ... 'Z'] = EVERYWHERE,
    ['a' ... 'z'] = EVERYWHERE,
    ['-'] = EVERYWHERE,
    ['.'] = EVERYWHERE,
    ['_'] = EVERYWHERE,
    ['~'] = EVERYWHERE,
    ['!'] = EVERYWHERE,
    ['$'] = EVERYWHERE,
    ['%'] = EVERYWHERE,
    ['&'] = EVERYWHERE,
    ['\''] = EVERYWHERE,
    ['*'] = EVERYWHERE,
    ['+'] = EVERYWHERE,
    ['('] = TARGET | VALUE | HOST,
    [')'] = TARGET | VALUE | HOST,
    [':'] = TARGET | VALUE | HOST,
    [';'] = TARGET | VALUE | HOST,
    ['='] = TARGET | VALUE | HOST,
    ['['] = TARGET | VALUE | HOST,
    [']'] = TARGET | VALUE | HOST,
    [','] = TARGET | VALUE,
    ['/'] = TARGET | VALUE,
    ['?'] = TARGET | VALUE,
    ['@'] = TARGET | VALUE,
    ['#'] = TOKEN | VALUE,
    ['^'] = TOKEN | VALUE,
    ['`'] = TOKEN | VALUE,
    ['|'] = TOKEN | VALUE,
    ['"'] = VALUE,
    ['<'] = VALUE,
    ['>'] = VALUE,
    ['\\'] = VALUE,
    ['{'] = VALUE,
    ['}'] = VALUE,
    [0x80 ... 0xff] = VALUE,
};

/* What may stand in a run, by state; 0 where there is no run. */
static const guint8 runs[] = {
    [STATE_METHOD] = TOKEN, [STATE_TARGET] = TARGET, [STATE_REASON] = VALUE,
    [STATE_NAME] = TOKEN,   [STATE_VALUE] = VALUE,   [STATE_BAD] = 0,
};

/* How many bytes at the front are of a class (one bit). */
static gsize run_size(HgSlice text, guint8 class)
{
    const guint8 *at = text.data;
    const guint8 *end = at + text.size;
    while (end - at >= 4 &&
           (classes[at[0]] & classes[at[1]] & classes[at[2]] & classes[at[3]] & class) != 0)
        at += 4;
    while (at < end && (classes[*at] & class) != 0)
        at++;
    return (gsize)(at - text.data);
}

gboolean hg_http_is_token(HgSlice text)
{
    return text.size > 0 && run_size(text, TOKEN) == text.size;
}

gboolean hg_http_is_host(HgSlice text)
{
    return run_size(text, HOST) == text.size;
}

static const char *go(HgHttpScan *scan, State state)
{
    scan->state = (guint8)state;
    return NULL;
}

/* What is wrong with a byte that may not stand where it does: a control character anywhere, or
 * `otherwise`, which may be NULL only where each other byte is fine. */
static const char *name_control(guint8 byte, const char *otherwise)
{
    if (byte == '\n')
        return "a line ends in LF without CR";
    if (byte == '\0')
        return "the head has a NUL byte";
    if ((byte < ' ' && byte != '\r') || byte == 0x7f)
        return "the head has a control character";
    return otherwise;
}

/* Takes the LF of a line whose CR was seen. */
static const char *step_lf(HgHttpScan *scan, guint8 byte, State next)
{
    return byte == '\n' ? go(scan, next) : "a CR isn't followed by LF";
}

/* What speaks here that isn't HTTP, as far as its first byte shows it. */
static const char *name_stranger(guint8 byte)
{
    if (byte == 0x16)
        return "this is TLS, and plain HTTP is spoken here: leave ssl=true away";
    if (byte <= 0x05 || byte == 0x80)
        return "this is Thrift without HTTP, and HTTP is spoken here: use transportMode=http";
    return name_control(byte, "the request doesn't begin with a method");
}

static const char *step_begin(HgHttpScan *scan, guint8 byte)
{
    if (scan->kind == HG_HTTP_REQUEST && byte == '\r' && !scan->seen) {
        scan->seen = TRUE;
        return go(scan, STATE_EMPTY_LF);
    }
    scan->start_at = scan->size;
    if (scan->kind == HG_HTTP_RESPONSE) {
        scan->index = 1;
        return byte == 'H' ? go(scan, STATE_VERSION) : "the response doesn't begin with HTTP/1";
    }
    if (byte == '\r')
        return "more than one empty line stands in front of the request";
    return (classes[byte] & TOKEN) != 0 ? go(scan, STATE_METHOD) : name_stranger(byte);
}

static const char *step_method(HgHttpScan *scan, guint8 byte)
{
    if (byte != ' ')
        return name_control(byte, "the method has a character that no method may have");
    scan->method_end = scan->size;
    return go(scan, STATE_TARGET);
}

static const char *step_target(HgHttpScan *scan, guint8 byte)
{
    if (scan->size == scan->method_end + 1)
        return name_control(byte, "the request's target is missing, or has a character that no "
                                  "target may have");
    if (byte == '\r')
        return "the request line has no version, and HTTP/0.9 isn't spoken here";
    if (byte != ' ')
        return name_control(byte, "the request's target has a character that no target may have: "
                                  "it must be percent-encoded");
    scan->target_end = scan->size;
    scan->index = 0;
    return go(scan, STATE_VERSION);
}

static const char *step_version(HgHttpScan *scan, guint8 byte)
{
    static const char version[] = "HTTP/1.";
    gsize index = scan->index++;
    if (index < strlen(version)) {
        if (byte == (guint8)version[index])
            return NULL;
        if (index == strlen("HTTP/") && (byte == '2' || byte == '3'))
            return "this is HTTP/2 or HTTP/3, and only HTTP/1.0 and HTTP/1.1 are spoken here";
        return name_control(byte, "the version isn't HTTP/1.0 or HTTP/1.1");
    }
    if (byte != '0' && byte != '1')
        return "the version isn't HTTP/1.0 or HTTP/1.1";
    scan->minor = byte - '0';
    return go(scan, STATE_VERSION_END);
}

/* Ends the start line at a CR. */
static const char *end_start(HgHttpScan *scan)
{
    scan->start_end = scan->size;
    return go(scan, STATE_START_LF);
}

static const char *step_version_end(HgHttpScan *scan, guint8 byte)
{
    if (scan->kind == HG_HTTP_REQUEST)
        return byte == '\r' ? end_start(scan)
                            : name_control(byte, "the request line goes on behind the version");
    scan->index = 0;
    return byte == ' ' ? go(scan, STATE_CODE) : "the response has no status code";
}

static const char *step_code(HgHttpScan *scan, guint8 byte)
{
    gboolean first = scan->index++ == 0;
    if (byte < (first ? '1' : '0') || byte > (first ? '5' : '9'))
        return "the status code isn't one from 100 to 599";
    scan->status = (guint16)(scan->status * 10 + (byte - '0'));
    return scan->index < 3 ? NULL : go(scan, STATE_CODE_END);
}

/* The blank behind the code must be there even without a reason (RFC 9112, 4), but servers forget
 * it, and nothing hangs on it. */
static const char *step_code_end(HgHttpScan *scan, guint8 byte)
{
    scan->reason_at = scan->size;
    if (byte == '\r')
        return end_start(scan);
    scan->reason_at++;
    return byte == ' ' ? go(scan, STATE_REASON) : "the status code isn't one from 100 to 599";
}

static const char *step_line(HgHttpScan *scan, guint8 byte)
{
    if (scan->fields_at == 0)
        scan->fields_at = scan->size;
    if (byte == '\r') {
        scan->fields_end = scan->size;
        return go(scan, STATE_END_LF);
    }
    if (byte == ' ' || byte == '\t')
        return "a header line begins with white space: folded lines aren't read";
    if (byte == ':')
        return "a header line has no name";
    if ((classes[byte] & TOKEN) == 0)
        return name_control(byte, "a header's name has a character that no name may have");
    if (scan->fields == HG_HTTP_FIELDS_MAX)
        return "there are more than 100 header lines";
    scan->fields++;
    return go(scan, STATE_NAME);
}

static const char *step_name(HgHttpScan *scan, guint8 byte)
{
    if (byte == ':')
        return go(scan, STATE_VALUE);
    if (byte == ' ' || byte == '\t')
        return "white space stands between a header's name and its colon";
    if (byte == '\r')
        return "a header line has no colon";
    return name_control(byte, "a header's name has a character that no name may have");
}

/* Takes a byte that no run took. NULL, or what is wrong with it. */
static const char *step(HgHttpScan *scan, guint8 byte)
{
    switch ((State)scan->state) {
    case STATE_BEGIN:
        return step_begin(scan, byte);
    case STATE_EMPTY_LF:
        return step_lf(scan, byte, STATE_BEGIN);
    case STATE_METHOD:
        return step_method(scan, byte);
    case STATE_TARGET:
        return step_target(scan, byte);
    case STATE_VERSION:
        return step_version(scan, byte);
    case STATE_VERSION_END:
        return step_version_end(scan, byte);
    case STATE_CODE:
        return step_code(scan, byte);
    case STATE_CODE_END:
        return step_code_end(scan, byte);
    case STATE_REASON:
        return byte == '\r' ? end_start(scan) : name_control(byte, NULL);
    case STATE_START_LF:
        return step_lf(scan, byte, STATE_LINE);
    case STATE_LINE:
        return step_line(scan, byte);
    case STATE_NAME:
        return step_name(scan, byte);
    case STATE_VALUE:
        return byte == '\r' ? go(scan, STATE_VALUE_LF) : name_control(byte, NULL);
    case STATE_VALUE_LF:
        return step_lf(scan, byte, STATE_LINE);
    case STATE_END_LF:
        return step_lf(scan, byte, STATE_OVER);
    case STATE_OVER:
    case STATE_BAD:
        break;
    }
    return "the head is over";
}

HgWireStatus hg_http_scan_refuse(HgHttpScan *scan, const char *why)
{
    scan->state = STATE_BAD;
    scan->why = why;
    return HG_WIRE_BAD;
}

/* The most bytes that a head of this kind may have. */
static guint32 size_max(const HgHttpScan *scan)
{
    return scan->kind == HG_HTTP_TRAILER ? HG_HTTP_TRAILER_MAX : HG_HTTP_HEAD_MAX;
}

static HgWireStatus say(const HgHttpScan *scan)
{
    if (scan->state == STATE_OVER)
        return HG_WIRE_OK;
    return scan->state == STATE_BAD ? HG_WIRE_BAD : HG_WIRE_SHORT;
}

HgWireStatus hg_http_scan(HgHttpScan *scan, HgHttpKind kind, HgSlice piece, gsize *used)
{
    *used = 0;
    if (scan->size == 0 && scan->state == STATE_BEGIN) {
        scan->kind = (guint8)kind;
        scan->state = kind == HG_HTTP_TRAILER ? STATE_LINE : STATE_BEGIN;
    }
    gsize room = size_max(scan) - scan->size;
    gsize end = MIN(piece.size, room);
    while (*used < end && say(scan) == HG_WIRE_SHORT) {
        HgSlice rest = hg_slice(piece.data + *used, end - *used);
        gsize size = run_size(rest, runs[scan->state]);
        if (size == 0) {
            const char *why = step(scan, rest.data[0]);
            if (why != NULL)
                return hg_http_scan_refuse(scan, why);
            size = 1;
        }
        *used += size;
        scan->size += (guint32)size;
    }
    if (say(scan) == HG_WIRE_SHORT && scan->size == size_max(scan))
        return hg_http_scan_refuse(scan, kind == HG_HTTP_TRAILER
                                             ? "the trailer is longer than 8 KiB"
                                             : "the head is longer than 32 KiB");
    return say(scan);
}
