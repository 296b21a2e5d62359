/* The thread that signs: see anchorer.h. It owns the HTTP client; status and error are under the
 * lock. */
#include "audit/anchorer.h"

#include "audit/anchor.h"
#include "audit/spool_reader.h"
#include "base/error.h"
#include "net/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECT_MS 3000
#define SEND_MS    5000
#define SETTLE_MS  2000
#define LOOK_MS    5

struct HgAnchorer {
    HgAnchorerOptions options;
    char *folder;
    char *key_file;
    char *file;
    char *url;
    HgHttpClient *client; /* NULL: no URL */
    int stop_fd;
    pthread_t thread;
    guint64 done; /* durable records before this one need no further anchor */
    pthread_mutex_t lock;
    HgAnchorerStatus status;
    char *error;
};

/* ---- delivery ---- */

static gboolean append_line(const char *path, const char *line, GError **error)
{
    g_autofree char *text = g_strconcat(line, "\n", NULL);
    gsize size = strlen(text);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        hg_error_set_errno(error, errno, "can't open the file of anchors %s", path);
        return FALSE;
    }
    /* one call, so that several gateways may share the file */
    gssize written = write(fd, text, size);
    gboolean ok = written == (gssize)size && fdatasync(fd) == 0;
    if (!ok)
        hg_error_set_errno(error, written < 0 || written == (gssize)size ? errno : ENOSPC,
                           "can't write the file of anchors %s", path);
    close(fd);
    return ok;
}

static gboolean post_line(HgAnchorer *anchorer, const char *line, GError **error)
{
    HgHttpRequest request = {.url = anchorer->url,
                             .content_type = "application/json",
                             .body = hg_slice_from_string(line)};
    g_autoptr(HgHttpAnswer) answer = NULL;
    if (!hg_http_client_send(anchorer->client, &request, &answer, error)) {
        g_prefix_error(error, "can't send an anchor: ");
        return FALSE;
    }
    if (answer->status < 300)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "the URL of anchors answers with status %u",
                answer->status);
    return FALSE;
}

/* Both ways are tried; the first error counts. */
static gboolean deliver(HgAnchorer *anchorer, const char *line, GError **error)
{
    gboolean filed = anchorer->file == NULL || append_line(anchorer->file, line, error);
    gboolean posted = anchorer->url == NULL || post_line(anchorer, line, filed ? error : NULL);
    return filed && posted;
}

/* ---- anchors ---- */

static gboolean read_hash(HgAnchorer *anchorer, guint64 durable, HgAnchor *anchor, GError **error)
{
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(anchorer->folder, error);
    if (reader == NULL || !hg_spool_reader_seek(reader, durable, error))
        return FALSE;
    if (hg_spool_reader_sequence(reader) != durable) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_IO,
                            "the spool's last segment can't be read to its end: no anchor is made");
        return FALSE;
    }
    anchor->spool = *hg_spool_reader_id(reader);
    anchor->sequence = durable - 1;
    anchor->hash = *hg_spool_reader_hash(reader);
    return TRUE;
}

/* Puts the anchor into the chain. */
static gboolean record(HgAnchorer *anchorer, const HgAuditStamp *stamp, const char *line,
                       GError **error)
{
    HgAuditEvent event;
    hg_audit_event_init(&event, HG_AUDIT_ANCHOR);
    event.stamp = *stamp;
    event.detail = hg_slice_from_string(line);
    if (hg_spool_append(anchorer->options.spool, &event, NULL) == HG_SPOOL_TAKEN)
        return TRUE;
    g_set_error_literal(error, HG_ERROR, HG_ERROR_LIMIT, "the spool took no anchor: it is full");
    return FALSE;
}

static gboolean make(HgAnchorer *anchorer, guint64 durable, GError **error)
{
    HgAnchor anchor = {.sequence = 0};
    HgAuditStamp stamp;
    g_autoptr(HgAnchorKey) key = hg_anchor_key_load(anchorer->key_file, error);
    if (key == NULL || !read_hash(anchorer, durable, &anchor, error))
        return FALSE;
    hg_audit_clock_stamp(anchorer->options.clock, &stamp);
    hg_anchor_set_time(&anchor, stamp.wall_us);
    if (!hg_anchor_sign(&anchor, key)) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_FAILED, "OpenSSL can't sign an anchor");
        return FALSE;
    }
    g_autofree char *line = hg_anchor_print(&anchor);
    if (!record(anchorer, &stamp, line, error))
        return FALSE;
    anchorer->done = durable + 1; /* its own event asks for no further one */
    pthread_mutex_lock(&anchorer->lock);
    anchorer->status.anchors++;
    anchorer->status.sequence = anchor.sequence;
    pthread_mutex_unlock(&anchorer->lock);
    return deliver(anchorer, line, error);
}

static void turn(HgAnchorer *anchorer)
{
    g_autoptr(GError) error = NULL;
    guint64 durable = hg_spool_durable(anchorer->options.spool);
    if (durable <= MAX(anchorer->done, 1))
        return;
    gboolean ok = make(anchorer, durable, &error);
    pthread_mutex_lock(&anchorer->lock);
    g_clear_pointer(&anchorer->error, g_free);
    if (!ok) {
        anchorer->status.failures++;
        anchorer->error = g_strdup(error->message);
    }
    pthread_mutex_unlock(&anchorer->lock);
}

/* Until what was appended is durable, so that the last anchor stands for it, too. */
static void settle(const HgAnchorer *anchorer)
{
    gint64 until = g_get_monotonic_time() + SETTLE_MS * 1000;
    HgSpoolStatus status;
    for (;;) {
        hg_spool_status(anchorer->options.spool, &status, NULL);
        gboolean done = status.memory_bytes == 0 && status.durable >= status.sequence;
        if (done || status.failing || g_get_monotonic_time() >= until)
            return;
        g_usleep(LOOK_MS * 1000);
    }
}

static void *work(void *data)
{
    HgAnchorer *anchorer = data;
    struct pollfd fd = {.fd = anchorer->stop_fd, .events = POLLIN};
    gint64 due = g_get_monotonic_time() / 1000 + anchorer->options.interval_ms;
    for (;;) {
        gint64 left = due - g_get_monotonic_time() / 1000;
        if (left > 0 && poll(&fd, 1, (int)MIN(left, G_MAXINT)) > 0)
            break;
        if (left > 0)
            continue;
        turn(anchorer);
        due = g_get_monotonic_time() / 1000 + anchorer->options.interval_ms;
    }
    settle(anchorer);
    turn(anchorer);
    return NULL;
}

/* ---- start and end ---- */

static void anchorer_free(HgAnchorer *anchorer)
{
    hg_http_client_free(anchorer->client);
    pthread_mutex_destroy(&anchorer->lock);
    if (anchorer->stop_fd >= 0)
        close(anchorer->stop_fd);
    g_free(anchorer->error);
    g_free(anchorer->folder);
    g_free(anchorer->key_file);
    g_free(anchorer->file);
    g_free(anchorer->url);
    g_free(anchorer);
}

/* Checks what can be known before the first anchor. */
static gboolean check_options(const HgAnchorerOptions *options, HgHttpClient **client,
                              GError **error)
{
    HgHttpClientConfig config = {.ca_file = options->ca_file,
                                 .connect_timeout_ms = CONNECT_MS,
                                 .timeout_ms = SEND_MS,
                                 .answer_max = 65536,
                                 .requests = 1};
    g_autoptr(HgAnchorKey) key = hg_anchor_key_load(options->key_file, error);
    gboolean https = FALSE, loopback = FALSE;
    if (key == NULL)
        return FALSE;
    if (options->url == NULL)
        return TRUE;
    if (!hg_http_url_check(options->url, &https, &loopback, NULL, error))
        return FALSE;
    if (!https && !loopback) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                            "the URL of anchors is plain http to another machine; expected https");
        return FALSE;
    }
    return hg_http_client_new(&config, client, error);
}

HgAnchorer *hg_anchorer_new(const HgAnchorerOptions *options, GError **error)
{
    HgHttpClient *client = NULL;
    if (!check_options(options, &client, error))
        return NULL;
    HgAnchorer *anchorer = g_new0(HgAnchorer, 1);
    anchorer->options = *options;
    anchorer->client = client;
    anchorer->folder = g_strdup(options->folder);
    anchorer->key_file = g_strdup(options->key_file);
    anchorer->file = g_strdup(options->file);
    anchorer->url = g_strdup(options->url);
    pthread_mutex_init(&anchorer->lock, NULL);
    anchorer->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = anchorer->stop_fd < 0 ? errno : 0;
    if (rc == 0)
        rc = pthread_create(&anchorer->thread, NULL, work, anchorer);
    if (rc == 0)
        return anchorer;
    hg_error_set_errno(error, rc, "can't start the thread that makes anchors");
    anchorer_free(anchorer);
    return NULL;
}

void hg_anchorer_free(HgAnchorer *anchorer)
{
    if (anchorer == NULL)
        return;
    eventfd_write(anchorer->stop_fd, 1);
    pthread_join(anchorer->thread, NULL);
    anchorer_free(anchorer);
}

void hg_anchorer_status(HgAnchorer *anchorer, HgAnchorerStatus *out, char **error_text)
{
    pthread_mutex_lock(&anchorer->lock);
    *out = anchorer->status;
    if (error_text != NULL)
        *error_text = g_strdup(anchorer->error);
    pthread_mutex_unlock(&anchorer->lock);
}
