/* HTTP GETs whose answer is read as it comes, for a control thread: pages of a list, and a watch
 * that goes on for minutes.
 *
 * Over libcurl, HTTP/1.1, one request at a time; the connection is kept for the next. Certificates
 * and names are always verified. It follows no redirect, reads no proxy or other setting from the
 * environment and decompresses nothing. A peer that has vanished is noticed by TCP itself in about
 * half a minute. All on the control's thread, whose stop ends a request at once. */
#pragma once

#include "base/slice.h"
#include "discovery/control.h"

typedef struct HgHttpStream HgHttpStream;

/* Who reads an answer. */
typedef struct {
    /* the head has come, with this status; NULL: doesn't matter */
    void (*head)(void *data, guint status);
    /* the next bytes of the body of any status; FALSE with an error ends the request */
    gboolean (*body)(void *data, guint status, HgSlice bytes, GError **error);
    void *data;
    gint64 until_us; /* of the monotonic clock: when it is too late; 0: never. head() and body() may
                        set it anew */
} HgHttpReader;

/* A stream that trusts the authorities in ca_file (PEM; NULL: the system's), which is read again at
 * most a minute after it changed. The control is borrowed. */
gboolean hg_http_stream_new(HgControl *control, const char *ca_file, gint64 connect_timeout_ms,
                            HgHttpStream **out, GError **error);

/* Frees it. NULL does nothing. */
void hg_http_stream_free(HgHttpStream *stream);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgHttpStream, hg_http_stream_free)

/* Asks for `url`, with a bearer token unless that is empty, and reads the answer to its end. TRUE
 * when it came whole, whatever its status, which is then in *status. The errors are those of
 * body(), or HG_ERROR_UNAVAILABLE: no connection, broken off, too late, or the control is stopping.
 * They name host and port, never a token. */
gboolean hg_http_stream_get(HgHttpStream *stream, const char *url, HgSlice bearer,
                            HgHttpReader *reader, guint *status, GError **error);

/* What the last answer asked for with Retry-After, in ms; 0: nothing. */
gint64 hg_http_stream_retry_after(const HgHttpStream *stream);
