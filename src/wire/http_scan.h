/* The scanner of an HTTP/1 head: finds where it ends, byte by byte, and refuses what no head has.
 *
 * It knows characters and lines (RFC 9112, sections 2 to 5), not what fields mean: that is
 * wire/http. Each byte is looked at once however the bytes are cut, and it says BAD at the first
 * byte that settles it. A chunked body's trailer has the same lines, so it is scanned here too.
 * Pure; one thread at a time. */
#pragma once

#include "wire/thrift.h"

#define HG_HTTP_HEAD_MAX    32768 /* bytes of a head, start line and blank line included */
#define HG_HTTP_TRAILER_MAX 8192  /* bytes of a chunked body's trailer, blank line included */
#define HG_HTTP_FIELDS_MAX  100   /* fields of a head or a trailer */

typedef enum {
    HG_HTTP_REQUEST,
    HG_HTTP_RESPONSE,
    HG_HTTP_TRAILER, /* field lines only */
} HgHttpKind;

/* How far a head was scanned. A value: all zeros begins a head. Only `size`, the offsets and what
 * follows them are for reading; an offset is 0 while it isn't known. */
typedef struct {
    guint8 state;
    guint8 kind;      /* HgHttpKind, set by the first call */
    guint8 index;     /* place inside a text of fixed length */
    guint8 fields;    /* lines begun */
    gboolean seen;    /* the one empty line that may stand in front of a request was */
    guint32 size;     /* bytes looked at; the head's size once it is over */
    guint32 start_at; /* the method or version begins */
    guint32 method_end;
    guint32 target_end;
    guint32 reason_at;
    guint32 start_end; /* the start line ends, without its CRLF */
    guint32 fields_at;
    guint32 fields_end; /* the blank line begins */
    guint16 status;     /* of a response */
    guint8 minor;       /* of the version: 0 or 1 */
    const char *why;    /* BAD: static, says what is wrong */
} HgHttpScan;

/* Scans the next piece. *used gets the bytes of it that belong to the head: all of them for SHORT;
 * for BAD those in front of the byte that can't be. After OK or BAD no more bytes are used and the
 * same is said again. `kind` must stay the same for one head. */
HgWireStatus hg_http_scan(HgHttpScan *scan, HgHttpKind kind, HgSlice piece, gsize *used);

/* Makes the scan say BAD from now on: for what isn't seen in characters. `why` is static. */
HgWireStatus hg_http_scan_refuse(HgHttpScan *scan, const char *why);

/* TRUE when every byte is one that a token (a method, a field's name) may have, and there is one.
 */
gboolean hg_http_is_token(HgSlice text);

/* TRUE when every byte is one that a host and port may have; TRUE for no bytes. */
gboolean hg_http_is_host(HgSlice text);
