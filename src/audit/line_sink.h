/* A TCP or TLS connection to something that takes bytes and answers nothing, for a thread that must
 * be able to stop at once.
 *
 * All calls wait on the socket and on a stop descriptor, with a deadline; after any error the
 * connection is of no more use. One thread. */
#pragma once

#include "base/slice.h"

typedef struct {
    const char *host; /* name or address; what the certificate must be made out to */
    const char *port;
    gboolean tls;
    const char *ca_file;          /* PEM; NULL: the system's */
    const char *certificate_file; /* with key_file: shown when asked for; NULL: none */
    const char *key_file;
    int stop_fd;       /* readable: give up at once; -1: none */
    gint64 timeout_ms; /* for connecting, and without any progress */
} HgLineSinkOptions;

typedef struct HgLineSink HgLineSink;

/* Connects. `options` is borrowed during the call, the stop descriptor for the sink's life. */
HgLineSink *hg_line_sink_connect(const HgLineSinkOptions *options, GError **error);
void hg_line_sink_free(HgLineSink *sink);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLineSink, hg_line_sink_free)

/* Sends all of it, and waits until the other side's machine has it: TCP's own acknowledgement, as
 * there is no other. */
gboolean hg_line_sink_send(HgLineSink *sink, HgSlice bytes, GError **error);

/* FALSE with *error when the other side has closed. Doesn't wait. */
gboolean hg_line_sink_check(HgLineSink *sink, GError **error);
