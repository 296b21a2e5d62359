/* Minting ids and reading clocks: see stamp.h. Owns the counter and a store of random bytes. */
#include "audit/stamp.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timex.h>
#include <time.h>

#define COUNTER_BITS   26
#define COUNTER_END    (1u << COUNTER_BITS)
#define BACK_HELD_MS   1000 /* a clock that went back by less: ids keep to the latest time */
#define RANDOM_STORE   960
#define RANDOM_OF_ID   6
#define SYNC_LOOK_US   G_USEC_PER_SEC
#define MS_OF_DAY      86400000
#define VERSION_7      0x70
#define VERSION_4      0x40
#define VARIANT        0x80
#define LATE_MS_OF_IDS ((G_GINT64_CONSTANT(1) << 48) - 1)

struct HgAuditClock {
    pthread_mutex_t lock;
    HgAuditClockRead read;
    void *data;
    gint64 last_ms; /* in the latest id */
    guint32 counter;
    gint64 latest_wall_us; /* of any event */
    gint64 looked_us;      /* monotonic: when `synchronized` was asked for */
    gboolean synchronized;
    guint8 random[RANDOM_STORE];
    gsize random_used;
};

static gint64 microseconds(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void get_random(guint8 *bytes, gsize size)
{
    for (gsize got = 0; got < size;) {
        ssize_t n = getrandom(bytes + got, size - got, 0);
        if (n > 0)
            got += (gsize)n;
    }
}

static gboolean kernel_is_synchronized(void)
{
    struct timex state = {0};
    int rc = adjtimex(&state);
    return rc >= 0 && rc != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

HgAuditClock *hg_audit_clock_new(HgAuditClockRead read, void *data)
{
    HgAuditClock *clock = g_new0(HgAuditClock, 1);
    pthread_mutex_init(&clock->lock, NULL);
    clock->read = read;
    clock->data = data;
    clock->random_used = RANDOM_STORE;
    clock->looked_us = -SYNC_LOOK_US;
    return clock;
}

void hg_audit_clock_free(HgAuditClock *clock)
{
    if (clock == NULL)
        return;
    pthread_mutex_destroy(&clock->lock);
    g_free(clock);
}

static void read_clocks(HgAuditClock *clock, gint64 *wall_us, gint64 *mono_us)
{
    if (clock->read != NULL) {
        clock->read(clock->data, wall_us, mono_us, &clock->synchronized);
        return;
    }
    *wall_us = microseconds(CLOCK_REALTIME);
    *mono_us = microseconds(CLOCK_MONOTONIC);
    if (*mono_us - clock->looked_us < SYNC_LOOK_US)
        return;
    clock->looked_us = *mono_us;
    clock->synchronized = kernel_is_synchronized();
}

static const guint8 *take_random(HgAuditClock *clock)
{
    if (clock->random_used + RANDOM_OF_ID > RANDOM_STORE) {
        get_random(clock->random, RANDOM_STORE);
        clock->random_used = 0;
    }
    const guint8 *taken = clock->random + clock->random_used;
    clock->random_used += RANDOM_OF_ID;
    return taken;
}

/* Moves on to the milliseconds and counter of the next id. */
static void advance(HgAuditClock *clock, gint64 now_ms)
{
    gboolean held = now_ms <= clock->last_ms && clock->last_ms - now_ms < BACK_HELD_MS;
    if (held && clock->counter + 1 < COUNTER_END) {
        clock->counter++;
        return;
    }
    clock->last_ms = held ? clock->last_ms + 1 : now_ms;
    clock->counter = 0;
}

static void mint(HgAuditClock *clock, HgAuditId *id)
{
    const guint8 *random = take_random(clock);
    for (guint i = 0; i < 6; i++)
        id->bytes[i] = (guint8)(clock->last_ms >> (40 - 8 * i));
    guint32 counter = clock->counter;
    id->bytes[6] = (guint8)(VERSION_7 | (counter >> 22));
    id->bytes[7] = (guint8)(counter >> 14);
    id->bytes[8] = (guint8)(VARIANT | ((counter >> 8) & 0x3f));
    id->bytes[9] = (guint8)counter;
    memcpy(id->bytes + 10, random, RANDOM_OF_ID);
}

void hg_audit_clock_stamp(HgAuditClock *clock, HgAuditStamp *out)
{
    pthread_mutex_lock(&clock->lock);
    read_clocks(clock, &out->wall_us, &out->mono_us);
    out->source = clock->synchronized ? HG_TIME_SYNCHRONIZED : HG_TIME_UNSYNCHRONIZED;
    if (out->wall_us < clock->latest_wall_us)
        out->source = HG_TIME_STEPPED_BACK;
    else
        clock->latest_wall_us = out->wall_us;
    advance(clock, CLAMP(out->wall_us / 1000, 0, LATE_MS_OF_IDS));
    mint(clock, &out->id);
    pthread_mutex_unlock(&clock->lock);
}

static char hex(guint nibble)
{
    return "0123456789abcdef"[nibble & 15];
}

void hg_audit_id_print(const HgAuditId *id, char out[HG_AUDIT_ID_TEXT])
{
    char *at = out;
    for (guint i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex(id->bytes[i] >> 4);
        *at++ = hex(id->bytes[i]);
    }
    *at = '\0';
}

gboolean hg_audit_id_parse(const char *text, HgAuditId *out)
{
    HgAuditId id = {{0}};
    guint digits = 0;
    if (strnlen(text, HG_AUDIT_ID_TEXT) != HG_AUDIT_ID_TEXT - 1)
        return FALSE;
    for (gsize i = 0; text[i] != '\0'; i++) {
        gboolean dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text[i] == '-') || (!dash && !g_ascii_isxdigit(text[i])))
            return FALSE;
        if (dash)
            continue;
        guint8 nibble = (guint8)g_ascii_xdigit_value(text[i]);
        id.bytes[digits / 2] = (guint8)(id.bytes[digits / 2] << 4 | nibble);
        digits++;
    }
    *out = id;
    return TRUE;
}

gboolean hg_audit_id_is_none(const HgAuditId *id)
{
    static const HgAuditId none = {{0}};
    return memcmp(id, &none, sizeof none) == 0;
}

gint64 hg_audit_id_day(const HgAuditId *id)
{
    gint64 ms = 0;
    for (guint i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return ms / MS_OF_DAY;
}

void hg_audit_id_random(HgAuditId *out)
{
    get_random(out->bytes, sizeof out->bytes);
    out->bytes[6] = (guint8)(VERSION_4 | (out->bytes[6] & 0x0f));
    out->bytes[8] = (guint8)(VARIANT | (out->bytes[8] & 0x3f));
}

const char *hg_time_source_name(HgTimeSource source)
{
    switch (source) {
    case HG_TIME_SYNCHRONIZED:
        return "synchronized";
    case HG_TIME_UNSYNCHRONIZED:
        return "unsynchronized";
    case HG_TIME_STEPPED_BACK:
        return "stepped_back";
    }
    g_return_val_if_reached("");
}
