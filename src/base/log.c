/* The structured log: see log.h. Owns the lock around its descriptor; any thread. */
#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES  PIPE_BUF /* a write of this size to a pipe is all or nothing */
#define VALUE_MAX_BYTES 1000
#define TAIL_BYTES      64 /* kept free for what ends a line: cut, lost, a brace, the line end */
#define STUCK_WAIT_MS   50

struct HgLog {
    int fd;
    atomic_int level;
    atomic_int format;
    pthread_mutex_t lock; /* around the write and what follows */
    gboolean stuck;       /* the last line found no room */
    guint64 lost;         /* lines dropped since the last one written */
};

/* A line under construction. Fields go in whole or not at all. */
typedef struct {
    char bytes[LINE_MAX_BYTES];
    gsize size;
    gsize limit; /* bytes that may be used now */
    gboolean json;
    gboolean full; /* something didn't fit */
} Line;

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const format_names[] = {"text", "json"};

HgLog *hg_log_new(int fd, HgLogLevel level, HgLogFormat format)
{
    HgLog *log = g_new0(HgLog, 1);
    log->fd = fd;
    atomic_init(&log->level, level);
    atomic_init(&log->format, format);
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void hg_log_free(HgLog *log)
{
    if (log == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    g_free(log);
}

void hg_log_set_level(HgLog *log, HgLogLevel level)
{
    atomic_store_explicit(&log->level, level, memory_order_relaxed);
}

void hg_log_set_format(HgLog *log, HgLogFormat format)
{
    atomic_store_explicit(&log->format, format, memory_order_relaxed);
}

gboolean hg_log_level_parse(const char *text, HgLogLevel *out)
{
    for (guint i = 0; i < G_N_ELEMENTS(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (HgLogLevel)i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean hg_log_format_parse(const char *text, HgLogFormat *out)
{
    for (guint i = 0; i < G_N_ELEMENTS(format_names); i++) {
        if (strcmp(text, format_names[i]) == 0) {
            *out = (HgLogFormat)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *hg_log_level_name(HgLogLevel level)
{
    return level_names[level];
}

const char *hg_log_format_name(HgLogFormat format)
{
    return format_names[format];
}

gboolean hg_log_enabled(const HgLog *log, HgLogLevel level)
{
    return log != NULL && (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed);
}

static void put(Line *line, const char *bytes, gsize size)
{
    if (size > line->limit - line->size) {
        line->full = TRUE;
        return;
    }
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
}

static void put_string(Line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_format(Line *line, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void put_format(Line *line, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(line, text, MIN((gsize)size, sizeof text - 1));
}

/* What a space-separated key=value reader would stumble over, besides what is escaped anyway. */
static gboolean needs_quotes(const char *escaped, gsize size)
{
    if (size == 1)
        return *escaped == ' ' || *escaped == '=';
    if (*escaped == '\\')
        return TRUE;
    return g_unichar_isspace(g_utf8_get_char(escaped));
}

/* In text, quotes only where needed: they are put first and taken away again. */
static void put_text(Line *line, HgSlice value)
{
    gboolean quotes = line->json || value.size == 0;
    put(line, "\"", 1);
    gsize start = line->size;
    while (value.size > 0 && line->size - start < VALUE_MAX_BYTES && !line->full) {
        char escaped[HG_TEXT_ESCAPE_MAX];
        gsize size = hg_text_escape_next(&value, escaped);
        quotes = quotes || needs_quotes(escaped, size);
        put(line, escaped, size);
    }
    if (value.size > 0)
        put(line, "...", 3);
    if (line->full)
        return;
    if (quotes) {
        put(line, "\"", 1);
        return;
    }
    memmove(line->bytes + start - 1, line->bytes + start, line->size - start);
    line->size--;
}

static void put_peer(Line *line, const HgPeerAddress *peer)
{
    char text[HG_PEER_ADDRESS_TEXT_MAX];
    hg_peer_address_print(peer, text);
    put_text(line, hg_slice_from_string(text));
}

static void put_value(Line *line, const HgLogField *field)
{
    switch (field->kind) {
    case HG_LOG_KIND_TEXT:
        put_text(line, field->text);
        break;
    case HG_LOG_KIND_INT:
        put_format(line, "%" G_GINT64_FORMAT, field->integer);
        break;
    case HG_LOG_KIND_UINT:
        put_format(line, "%" G_GUINT64_FORMAT, field->natural);
        break;
    case HG_LOG_KIND_BOOL:
        put_string(line, field->truth ? "true" : "false");
        break;
    case HG_LOG_KIND_PEER:
        put_peer(line, field->peer);
        break;
    }
}

/* Adds a field, or nothing of it when it doesn't fit. */
static void put_field(Line *line, const HgLogField *field)
{
    gsize before = line->size;
    if (field->kind == HG_LOG_KIND_PEER && field->peer == NULL)
        return;
    put_string(line, line->json ? ",\"" : " ");
    put_string(line, field->key);
    put_string(line, line->json ? "\":" : "=");
    put_value(line, field);
    if (line->full)
        line->size = before;
}

static void put_head(Line *line, HgLogLevel level, const char *event)
{
    struct timespec now;
    struct tm utc;
    char time_text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    gsize size = strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &utc);
    put_string(line, line->json ? "{\"time\":\"" : "");
    put(line, time_text, size);
    put_format(line, ".%03dZ", (int)(now.tv_nsec / 1000000));
    put_string(line, line->json ? "\",\"level\":\"" : " ");
    put_string(line, level_names[level]);
    put_string(line, line->json ? "\",\"event\":\"" : " ");
    put_string(line, event);
    put_string(line, line->json ? "\"" : "");
}

/* TRUE when a whole line can be written without waiting (longer than once). */
static gboolean has_room(HgLog *log)
{
    struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
    int n = poll(&ready, 1, log->stuck ? 0 : STUCK_WAIT_MS);
    return n > 0 && (ready.revents & POLLOUT) != 0;
}

/* Ends the line and writes it; with the lock held. */
static void emit(HgLog *log, Line *line)
{
    if (!has_room(log)) {
        log->stuck = TRUE;
        log->lost++;
        return;
    }
    log->stuck = FALSE;
    if (log->lost > 0) {
        HgLogField lost = hg_log_uint("lost", log->lost);
        put_field(line, &lost);
    }
    put_string(line, line->json ? "}\n" : "\n");
    ssize_t n;
    do {
        n = write(log->fd, line->bytes, line->size);
    } while (n < 0 && errno == EINTR);
    log->lost = n == (ssize_t)line->size ? 0 : log->lost + 1;
}

void hg_log_write(HgLog *log, HgLogLevel level, const HgLogField *fields, gsize count)
{
    Line line;
    line.size = 0;
    line.limit = LINE_MAX_BYTES - TAIL_BYTES;
    line.json = atomic_load_explicit(&log->format, memory_order_relaxed) == HG_LOG_FORMAT_JSON;
    line.full = FALSE;
    put_head(&line, level, fields[0].key);
    for (gsize i = 1; i < count && !line.full; i++)
        put_field(&line, &fields[i]);
    line.limit = LINE_MAX_BYTES;
    if (line.full) {
        HgLogField cut = hg_log_bool("cut", TRUE);
        line.full = FALSE;
        put_field(&line, &cut);
    }
    pthread_mutex_lock(&log->lock);
    emit(log, &line);
    pthread_mutex_unlock(&log->lock);
}

void hg_log_limit_init(HgLogLimit *limit, guint32 per_second)
{
    limit->per_second = per_second;
    atomic_init(&limit->window, 0);
    atomic_init(&limit->suppressed, 0);
}

gboolean hg_log_limit_pass(HgLogLimit *limit, gint64 now_us, guint64 *suppressed)
{
    guint64 second = (guint64)(now_us / G_USEC_PER_SEC) & G_MAXUINT32;
    guint64 old = atomic_load_explicit(&limit->window, memory_order_relaxed);
    guint64 next;
    do {
        guint64 lines = old >> 32 == second ? old & G_MAXUINT32 : 0;
        if (lines >= limit->per_second) {
            atomic_fetch_add_explicit(&limit->suppressed, 1, memory_order_relaxed);
            return FALSE;
        }
        next = second << 32 | (lines + 1);
    } while (!atomic_compare_exchange_weak_explicit(&limit->window, &old, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    *suppressed = atomic_exchange_explicit(&limit->suppressed, 0, memory_order_relaxed);
    return TRUE;
}

void hg_log_limit_report(HgLog *log, HgLogLimit *limit, HgLogLevel level, const char *event)
{
    guint64 missed = atomic_exchange_explicit(&limit->suppressed, 0, memory_order_relaxed);
    if (missed > 0)
        hg_log(log, level, event, hg_log_uint("suppressed", missed));
}
