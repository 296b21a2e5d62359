/* The structured log: one line per event, to one descriptor, as text or JSON.
 *
 *   hg_log(log, HG_LOG_INFO, "listening", hg_log_text("listener", name), hg_log_int("port",
 * 10000));
 *
 *   2026-11-21T10:00:00.123Z info listening listener=thrift port=10000
 *   {"time":"2026-11-21T10:00:00.123Z","level":"info","event":"listening","listener":"thrift",...}
 *
 * Any thread may write; each line is one write(2) of at most PIPE_BUF bytes, so lines never mix.
 * Values may come from anybody: they are escaped (base/text), cut at 1,000 bytes, and can't forge a
 * line or reach a terminal as a command. A reader that doesn't read costs lines, not a standing
 * process: see hg_log_new(). Library code never logs; the layer that decides does, once. */
#pragma once

#include "base/peer_address.h"
#include "base/slice.h"

#include <stdatomic.h>

typedef struct HgLog HgLog;

typedef enum {
    HG_LOG_DEBUG, /* for finding a fault; not for every day */
    HG_LOG_INFO,  /* what the process does */
    HG_LOG_WARN,  /* works, but somebody should look */
    HG_LOG_ERROR, /* something asked for was not done */
} HgLogLevel;

typedef enum {
    HG_LOG_FORMAT_TEXT, /* for people: time level event key=value ... */
    HG_LOG_FORMAT_JSON, /* for collectors: one object per line */
} HgLogFormat;

/* Made by the hg_log_*() constructors below; its members are the log's business. */
typedef struct {
    const char *key;
    enum {
        HG_LOG_KIND_TEXT,
        HG_LOG_KIND_INT,
        HG_LOG_KIND_UINT,
        HG_LOG_KIND_BOOL,
        HG_LOG_KIND_PEER,
    } kind;
    union {
        HgSlice text;
        gint64 integer;
        guint64 natural;
        gboolean truth;
        const HgPeerAddress *peer;
    };
} HgLogField;

/* One key=value of a line. `key` is a literal of a-z and '_', other than time, level, event, cut,
 * lost and suppressed. Values are borrowed until the line is written. */
static inline HgLogField hg_log_slice(const char *key, HgSlice value)
{
    return (HgLogField){.key = key, .kind = HG_LOG_KIND_TEXT, .text = value};
}

/* Like hg_log_slice() for a C string; NULL is written as an empty value. */
static inline HgLogField hg_log_text(const char *key, const char *value)
{
    return hg_log_slice(key, hg_slice_from_string(value));
}

static inline HgLogField hg_log_int(const char *key, gint64 value)
{
    return (HgLogField){.key = key, .kind = HG_LOG_KIND_INT, .integer = value};
}

static inline HgLogField hg_log_uint(const char *key, guint64 value)
{
    return (HgLogField){.key = key, .kind = HG_LOG_KIND_UINT, .natural = value};
}

static inline HgLogField hg_log_bool(const char *key, gboolean value)
{
    return (HgLogField){.key = key, .kind = HG_LOG_KIND_BOOL, .truth = value};
}

/* An address as hg_peer_address_print() writes it. NULL leaves the field out of the line. */
static inline HgLogField hg_log_peer(const char *key, const HgPeerAddress *value)
{
    return (HgLogField){.key = key, .kind = HG_LOG_KIND_PEER, .peer = value};
}

/* A log that writes to `fd`, which stays the caller's and outlives the log. When the reader of a
 * pipe or socket is stuck, a line waits 50 ms at most; from then on lines are dropped at once until
 * there is room again, and the next line says how many (lost=N). */
HgLog *hg_log_new(int fd, HgLogLevel level, HgLogFormat format);

/* Frees the log; no thread may use it any more. NULL does nothing. */
void hg_log_free(HgLog *log);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLog, hg_log_free)

/* Changes what is written from now on. Any thread. */
void hg_log_set_level(HgLog *log, HgLogLevel level);
void hg_log_set_format(HgLog *log, HgLogFormat format);

/* Names as in the configuration: debug, info, warn, error; text, json. FALSE for any other. */
gboolean hg_log_level_parse(const char *text, HgLogLevel *out);
gboolean hg_log_format_parse(const char *text, HgLogFormat *out);
const char *hg_log_level_name(HgLogLevel level);
const char *hg_log_format_name(HgLogFormat format);

/* TRUE when lines of this level are written. `log` may be NULL: never. One relaxed load. */
gboolean hg_log_enabled(const HgLog *log, HgLogLevel level);

/* Writes a line; use hg_log(). fields[0] carries the event as its key. */
void hg_log_write(HgLog *log, HgLogLevel level, const HgLogField *fields, gsize count);

/* Writes one line when the level is on; otherwise the values aren't even computed. `event` is a
 * literal of a-z, 0-9 and '_'; fields follow, none to many. `log` may be NULL. Any thread. */
#define hg_log(log, level, event, ...)                                                             \
    do {                                                                                           \
        if (hg_log_enabled(log, level)) {                                                          \
            const HgLogField fields_[] = {{.key = (event)}, ##__VA_ARGS__};                        \
            hg_log_write(log, level, fields_, G_N_ELEMENTS(fields_));                              \
        }                                                                                          \
    } while (0)

/* A limit for one kind of line: at most `per_second` in each second, the others are counted. An
 * open value that lives with whoever logs; start it with hg_log_limit_init(). */
typedef struct {
    guint32 per_second;
    _Atomic guint64 window;     /* second << 32 | lines in it */
    _Atomic guint64 suppressed; /* since the last line that was written */
} HgLogLimit;

void hg_log_limit_init(HgLogLimit *limit, guint32 per_second);

/* TRUE when a line may be written now, and then *suppressed is how many were not, since the last
 * that was. `now_us` is monotonic time in microseconds. No lock. Any thread. */
gboolean hg_log_limit_pass(HgLogLimit *limit, gint64 now_us, guint64 *suppressed);

/* Like hg_log() under a limit; the first line after a gap has suppressed=N at its end. */
#define hg_log_limited(log, limit, level, event, ...)                                              \
    do {                                                                                           \
        guint64 missed_ = 0;                                                                       \
        if (hg_log_enabled(log, level) &&                                                          \
            hg_log_limit_pass(limit, g_get_monotonic_time(), &missed_)) {                          \
            const HgLogField fields_[] = {                                                         \
                {.key = (event)}, ##__VA_ARGS__, hg_log_uint("suppressed", missed_)};              \
            hg_log_write(log, level, fields_, G_N_ELEMENTS(fields_) - (missed_ == 0));             \
        }                                                                                          \
    } while (0)

/* Says how many lines of `event` the limit holds back, when there are any: call it now and then and
 * at the end, so that the last ones of a burst are counted too. */
void hg_log_limit_report(HgLog *log, HgLogLimit *limit, HgLogLevel level, const char *event);
