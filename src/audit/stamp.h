/* Ids and times of audit events.
 *
 * An id has the form of a UUID version 7 (RFC 9562, 5.7): 48 bits of the wall clock's milliseconds,
 * then a counter of 26 bits (12 in rand_a, 14 in rand_b) and 48 random bits. Ids of one clock never
 * repeat and grow, but for a wall clock that was set back by more than a moment: then they follow
 * it, and the spool's sequence numbers are the order. Any thread; a mutex inside. */
#pragma once

#include <glib.h>

#define HG_AUDIT_ID_TEXT 37 /* bytes of an id as text, with the NUL */

typedef struct {
    guint8 bytes[16];
} HgAuditId;

/* Where the wall clock has its time from, as far as the kernel knows (adjtimex(2)). */
typedef enum {
    HG_TIME_SYNCHRONIZED,   /* some service keeps it synchronized */
    HG_TIME_UNSYNCHRONIZED, /* nobody does */
    HG_TIME_STEPPED_BACK,   /* this reading lies before the one of an earlier event */
} HgTimeSource;

typedef struct {
    HgAuditId id;
    gint64 wall_us; /* since 1970 */
    gint64 mono_us; /* of the monotonic clock */
    HgTimeSource source;
} HgAuditStamp;

typedef struct HgAuditClock HgAuditClock;

/* Reads both clocks in microseconds, and whether the wall clock is synchronized. */
typedef void (*HgAuditClockRead)(void *data, gint64 *wall_us, gint64 *mono_us,
                                 gboolean *synchronized);

/* A clock over the machine's own, or over `read` (for tests; NULL = the machine's). */
HgAuditClock *hg_audit_clock_new(HgAuditClockRead read, void *data);
void hg_audit_clock_free(HgAuditClock *clock);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAuditClock, hg_audit_clock_free)

/* The next id, and the time. Any thread. */
void hg_audit_clock_stamp(HgAuditClock *clock, HgAuditStamp *out);

/* The id as 36 characters of lower-case text, and back. FALSE when it is none. */
void hg_audit_id_print(const HgAuditId *id, char out[HG_AUDIT_ID_TEXT]);
gboolean hg_audit_id_parse(const char *text, HgAuditId *out);

/* TRUE when all bytes are 0: there is no id. */
gboolean hg_audit_id_is_none(const HgAuditId *id);

/* Days since 1970-01-01 (UTC) of the id's milliseconds: the partition that it belongs to. */
gint64 hg_audit_id_day(const HgAuditId *id);

/* An id of 16 random bytes in the form of version 4: for spools, not for events. */
void hg_audit_id_random(HgAuditId *out);

/* The name of a source of time, as it stands in events. */
const char *hg_time_source_name(HgTimeSource source);
