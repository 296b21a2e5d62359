/* The queue in front of the disk and the thread behind it: see spool.h.
 *
 * Producers fill a list under the lock; the thread takes it whole, writes it (spool_file) and tells
 * who waits. An entry belongs to the list, then to the thread. */
#include "audit/spool.h"

#include "audit/spool_file.h"
#include "base/error.h"

#include <pthread.h>
#include <time.h>

#define BATCH_BYTES (4u << 20)
#define RETRY_MS    250
#define LOOSE_TEXT  512 /* room for the members of an event beside its statement */

struct HgSpool {
    HgSpoolOptions options;
    char *folder;
    HgSpoolFile *file; /* the thread's */
    HgAuditId id;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;  /* for the thread */
    pthread_cond_t moved; /* `durable` did, or somebody was woken */
    HgSpoolEntry *first;
    HgSpoolEntry **last;
    gsize bytes;      /* of all entries that aren't written yet */
    guint64 disk;     /* bytes of all segments */
    guint64 released; /* records before it are safe elsewhere */
    guint64 needed;   /* records from it on are wanted by another reader; 0: by none */
    gboolean woken;
    guint64 lost;    /* not yet recorded in a gap */
    guint64 suspect; /* records that a failed sync may have cost; not yet recorded */
    gboolean ending;
    char *error; /* the last; NULL while all is well */
    gint64 unsynced_since_us;
    HgSpoolStatus status;
};

/* ---- entries ---- */

static void entry_free(HgSpoolEntry *entry)
{
    hg_buffer_clear(&entry->bytes);
    g_free(entry);
}

static gsize entry_size(const HgSpoolEntry *entry)
{
    return hg_buffer_size(&entry->bytes);
}

/* NULL when the event is too large. */
static HgSpoolEntry *entry_new(const HgAuditEvent *event, HgSpoolReceipt *receipt)
{
    static const guint8 head[HG_RECORD_HEAD];
    HgSpoolEntry *entry = g_new0(HgSpoolEntry, 1);
    gsize guess = HG_RECORD_HEAD + LOOSE_TEXT + event->statement.size + event->message.size;
    hg_buffer_init(&entry->bytes, NULL);
    entry->receipt = receipt;
    entry->record =
        (HgRecord){.kind = event->kind, .id = event->stamp.id, .statement_id = event->statement_id};
    if (hg_buffer_reserve(&entry->bytes, MIN(guess, (gsize)HG_AUDIT_TEXT_MAX),
                          HG_AUDIT_EVENT_MAX) &&
        hg_buffer_append(&entry->bytes, hg_slice(head, sizeof head), HG_AUDIT_EVENT_MAX) &&
        hg_audit_event_encode(event, &entry->bytes))
        return entry;
    entry_free(entry);
    return NULL;
}

/* Tells who waits. On the spool's thread, without the lock. */
static void tell(HgSpoolEntry *entry, HgSpoolOutcome outcome)
{
    HgSpoolReceipt *receipt = g_steal_pointer(&entry->receipt);
    if (receipt == NULL)
        return;
    receipt->outcome = outcome;
    if (receipt->loop == NULL)
        receipt->task.run(&receipt->task);
    else if (!hg_loop_post(receipt->loop, &receipt->task) && receipt->gone != NULL)
        receipt->gone(&receipt->task);
}

/* ---- appending ---- */

/* Whether there is room; under the lock. The last eighth is for ends of what was let in. */
static gboolean has_room(const HgSpool *spool, gsize size, gboolean admits)
{
    guint64 limit = spool->options.limit;
    gsize memory = spool->options.memory;
    if (admits) {
        limit -= limit / 8;
        memory -= memory / 8;
    }
    if (spool->disk + spool->bytes + size > limit)
        return FALSE;
    return spool->bytes == 0 || spool->bytes + size <= memory;
}

static HgSpoolOutcome give_up(HgSpool *spool, gboolean admits)
{
    if (admits && spool->options.when_full == HG_SPOOL_REFUSE) {
        spool->status.refused++;
        return HG_SPOOL_REFUSED;
    }
    spool->lost++;
    spool->status.lost++;
    return HG_SPOOL_LOST;
}

/* The entry is the list's when the answer is TAKEN or WAIT. Under the lock. */
static HgSpoolOutcome enqueue(HgSpool *spool, HgSpoolEntry *entry)
{
    gboolean admits = hg_audit_kind_admits(entry->record.kind);
    if ((spool->error != NULL && admits) || !has_room(spool, entry_size(entry), admits))
        return give_up(spool, admits);
    if (spool->options.durability == HG_SPOOL_INTERVAL)
        entry->receipt = NULL;
    gboolean waits = entry->receipt != NULL;
    if (spool->first == NULL)
        pthread_cond_signal(&spool->work);
    *spool->last = entry;
    spool->last = &entry->next;
    spool->bytes += entry_size(entry);
    return waits ? HG_SPOOL_WAIT : HG_SPOOL_TAKEN;
}

HgSpoolOutcome hg_spool_append(HgSpool *spool, const HgAuditEvent *event, HgSpoolReceipt *receipt)
{
    HgPseudonymTexts texts;
    HgAuditEvent hidden;
    if (spool->options.pseudonyms != NULL) {
        hidden = *event;
        hg_pseudonyms_apply(spool->options.pseudonyms, &hidden, &texts);
        event = &hidden;
    }
    HgSpoolEntry *entry = entry_new(event, receipt);
    pthread_mutex_lock(&spool->lock);
    HgSpoolOutcome outcome =
        entry != NULL ? enqueue(spool, entry) : give_up(spool, hg_audit_kind_admits(event->kind));
    pthread_mutex_unlock(&spool->lock);
    if (entry != NULL && (outcome == HG_SPOOL_REFUSED || outcome == HG_SPOOL_LOST))
        entry_free(entry);
    return outcome;
}

gboolean hg_spool_refuses(HgSpool *spool)
{
    pthread_mutex_lock(&spool->lock);
    gboolean refuses =
        spool->options.when_full == HG_SPOOL_REFUSE &&
        (spool->error != NULL || !has_room(spool, HG_RECORD_HEAD + LOOSE_TEXT, TRUE));
    pthread_mutex_unlock(&spool->lock);
    return refuses;
}

/* ---- the thread ---- */

/* A gap event in front of the batch, when something was lost. */
static HgSpoolEntry *gap_entry(HgSpool *spool, guint64 lost, guint64 suspect)
{
    HgAuditEvent event;
    hg_audit_event_init(&event, HG_AUDIT_GAP);
    hg_audit_clock_stamp(spool->options.clock, &event.stamp);
    event.lost = (gint64)lost;
    event.reason = hg_slice_from_string(
        suspect > 0 ? "the disk failed to make records durable; some of them may be lost"
                    : "there was no room, or the disk failed");
    g_autofree char *detail =
        suspect > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT " records are in doubt", suspect) : NULL;
    event.detail = hg_slice_from_string(detail);
    return entry_new(&event, NULL);
}

/* Takes up to BATCH_BYTES off the list; under the lock. */
static HgSpoolEntry *take_batch(HgSpool *spool)
{
    HgSpoolEntry *batch = spool->first;
    HgSpoolEntry **link = &spool->first;
    for (gsize bytes = 0; *link != NULL && bytes < BATCH_BYTES; link = &(*link)->next)
        bytes += entry_size(*link);
    spool->first = *link;
    if (spool->first == NULL)
        spool->last = &spool->first;
    *link = NULL;
    return batch;
}

static void put_back(HgSpool *spool, HgSpoolEntry *entries)
{
    if (entries == NULL)
        return;
    HgSpoolEntry **end = &entries->next;
    while (*end != NULL)
        end = &(*end)->next;
    *end = spool->first;
    if (spool->first == NULL)
        spool->last = end;
    spool->first = entries;
}

/* Under the lock, after the thread did something to the disk. */
static void note_disk(HgSpool *spool, const GError *error)
{
    HgSpoolStatus *status = &spool->status;
    g_free(spool->error);
    spool->error = error != NULL ? g_strdup(error->message) : NULL;
    hg_spool_file_sizes(spool->file, &spool->disk, &status->segments);
    hg_spool_file_syncs(spool->file, &status->syncs, &status->sync_us);
    status->sequence = hg_spool_file_next(spool->file);
    status->running = hg_spool_file_running(spool->file);
    guint64 durable = hg_spool_file_durable(spool->file);
    if (durable != status->durable)
        pthread_cond_broadcast(&spool->moved);
    status->durable = durable;
}

/* Frees the entries and tells who waited. Without the lock. */
static void dismiss(HgSpoolEntry *entries, HgSpoolOutcome outcome)
{
    while (entries != NULL) {
        HgSpoolEntry *next = entries->next;
        tell(entries, outcome);
        entry_free(entries);
        entries = next;
    }
}

static gsize bytes_of(const HgSpoolEntry *entries)
{
    gsize bytes = 0;
    for (; entries != NULL; entries = entries->next)
        bytes += entry_size(entries);
    return bytes;
}

/* The batch couldn't be written. What announces something new is refused and forgotten; what tells
 * of something that happened is kept for another try, and nobody waits for it any more. With
 * HG_SPOOL_DROP all of it is lost and counted. */
static void fail_batch(HgSpool *spool, HgSpoolEntry *batch, const GError *error)
{
    HgSpoolEntry *kept = NULL, **kept_end = &kept;
    HgSpoolEntry *refused = NULL, **refused_end = &refused;
    guint64 gone = 0;
    pthread_mutex_lock(&spool->lock);
    gboolean drop = spool->options.when_full == HG_SPOOL_DROP || spool->ending;
    pthread_mutex_unlock(&spool->lock);
    for (HgSpoolEntry *entry = batch, *next; entry != NULL; entry = next) {
        next = entry->next;
        entry->next = NULL;
        gboolean admits = hg_audit_kind_admits(entry->record.kind);
        HgSpoolEntry ***end = drop || admits ? &refused_end : &kept_end;
        **end = entry;
        *end = &entry->next;
        gone += drop || admits;
        if (!drop && !admits)
            tell(entry, HG_SPOOL_LATE);
    }
    pthread_mutex_lock(&spool->lock);
    spool->bytes -= bytes_of(refused);
    if (drop) {
        spool->lost += gone;
        spool->status.lost += gone;
    } else {
        spool->status.refused += gone;
    }
    put_back(spool, kept);
    note_disk(spool, error);
    pthread_mutex_unlock(&spool->lock);
    dismiss(refused, drop ? HG_SPOOL_LOST : HG_SPOOL_REFUSED);
}

static gboolean is_interval(const HgSpool *spool)
{
    return spool->options.durability == HG_SPOOL_INTERVAL;
}

/* Writes a batch that was taken off the list. Without the lock. */
static gboolean write_batch(HgSpool *spool, HgSpoolEntry *batch, guint64 lost, guint64 suspect)
{
    g_autoptr(GError) error = NULL;
    HgSpoolEntry *gap = lost + suspect > 0 ? gap_entry(spool, lost, suspect) : NULL;
    HgSpoolEntry *head = batch;
    if (gap != NULL) {
        gap->next = batch;
        head = gap;
    }
    gboolean ok = hg_spool_file_write(spool->file, head, !is_interval(spool), &error);
    if (gap != NULL)
        entry_free(gap);
    if (!ok) {
        fail_batch(spool, batch, error);
        return FALSE;
    }
    pthread_mutex_lock(&spool->lock);
    spool->lost -= lost;
    spool->suspect -= suspect;
    spool->bytes -= bytes_of(batch);
    note_disk(spool, NULL);
    if (is_interval(spool) && spool->unsynced_since_us == 0)
        spool->unsynced_since_us = g_get_monotonic_time();
    pthread_mutex_unlock(&spool->lock);
    dismiss(batch, HG_SPOOL_TAKEN);
    return TRUE;
}

/* HG_SPOOL_INTERVAL: makes durable what was written. Without the lock. */
static void sync_interval(HgSpool *spool)
{
    g_autoptr(GError) error = NULL;
    guint64 before = hg_spool_file_durable(spool->file);
    gboolean ok = hg_spool_file_sync(spool->file, &error);
    pthread_mutex_lock(&spool->lock);
    spool->unsynced_since_us = ok ? 0 : g_get_monotonic_time();
    if (!ok)
        spool->suspect = MAX(spool->suspect, hg_spool_file_next(spool->file) - before);
    note_disk(spool, error);
    pthread_mutex_unlock(&spool->lock);
}

/* Milliseconds until something is to be done without new work; -1: nothing is. Under the lock. */
static gint64 patience(const HgSpool *spool)
{
    if (spool->unsynced_since_us == 0)
        return -1;
    gint64 since = (g_get_monotonic_time() - spool->unsynced_since_us) / 1000;
    return MAX(spool->options.interval_ms - since, 0);
}

static void wait_on(pthread_cond_t *condition, pthread_mutex_t *lock, gint64 ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    gint64 ns = until.tv_nsec + (ms % 1000) * 1000000;
    until.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(condition, lock, &until);
}

/* Sleeps until there is work, under the lock. */
static void wait_for_work(HgSpool *spool)
{
    if (spool->error != NULL && !spool->ending) {
        wait_on(&spool->work, &spool->lock, RETRY_MS);
        return;
    }
    while (spool->first == NULL && !spool->ending) {
        gint64 ms = patience(spool);
        if (ms == 0)
            return;
        if (ms < 0)
            pthread_cond_wait(&spool->work, &spool->lock);
        else
            wait_on(&spool->work, &spool->lock, ms);
    }
}

/* Tries an empty write path after a failure, so that it is known when the disk is well again. */
static gboolean has_work(const HgSpool *spool)
{
    return spool->first != NULL || spool->lost > 0 || spool->error != NULL;
}

static void *work(void *data)
{
    HgSpool *spool = data;
    pthread_mutex_lock(&spool->lock);
    for (;;) {
        wait_for_work(spool);
        gboolean ending = spool->ending;
        gboolean due = spool->unsynced_since_us != 0 && (patience(spool) == 0 || ending);
        guint64 lost = spool->lost, suspect = spool->suspect;
        gboolean busy = has_work(spool);
        HgSpoolEntry *batch = take_batch(spool);
        pthread_mutex_unlock(&spool->lock);
        gboolean ok = TRUE;
        if (batch != NULL || lost + suspect > 0)
            ok = write_batch(spool, batch, lost, suspect);
        if (due || (busy && batch == NULL && lost + suspect == 0))
            sync_interval(spool);
        pthread_mutex_lock(&spool->lock);
        if (ending && (!ok || (spool->first == NULL && spool->unsynced_since_us == 0) ||
                       spool->error != NULL))
            break;
    }
    pthread_mutex_unlock(&spool->lock);
    return NULL;
}

/* ---- opening and closing ---- */

static void record_unknown(HgSpool *spool, const GArray *running)
{
    for (guint i = 0; i < running->len; i++) {
        HgAuditEvent event;
        hg_audit_event_init(&event, HG_AUDIT_STATEMENT_UNKNOWN);
        hg_audit_clock_stamp(spool->options.clock, &event.stamp);
        event.statement_id = g_array_index(running, HgAuditId, i);
        event.reason = hg_slice_from_string("hivegate ended before the statement did");
        HgSpoolEntry *entry = entry_new(&event, NULL);
        *spool->last = entry;
        spool->last = &entry->next;
        spool->bytes += entry_size(entry);
    }
}

static void init_conditions(HgSpool *spool)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&spool->lock, NULL);
    pthread_cond_init(&spool->work, &monotonic);
    pthread_cond_init(&spool->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void spool_free(HgSpool *spool)
{
    dismiss(spool->first, HG_SPOOL_LOST);
    hg_spool_file_close(spool->file);
    pthread_cond_destroy(&spool->work);
    pthread_cond_destroy(&spool->moved);
    pthread_mutex_destroy(&spool->lock);
    g_free(spool->error);
    g_free(spool->folder);
    g_free(spool);
}

HgSpool *hg_spool_open(const HgSpoolOptions *options, HgSpoolRecovery *recovery, GError **error)
{
    g_autoptr(GArray) running = NULL;
    HgSpool *spool = g_new0(HgSpool, 1);
    spool->options = *options;
    spool->options.folder = spool->folder = g_strdup(options->folder);
    spool->last = &spool->first;
    init_conditions(spool);
    spool->file = hg_spool_file_open(&spool->options, recovery, &running, error);
    if (spool->file == NULL) {
        spool_free(spool);
        return NULL;
    }
    spool->id = *hg_spool_file_id(spool->file);
    recovery->unknown = running->len;
    record_unknown(spool, running);
    note_disk(spool, NULL);
    int rc = pthread_create(&spool->thread, NULL, work, spool);
    if (rc == 0)
        return spool;
    hg_error_set_errno(error, rc, "can't start the spool's thread");
    spool_free(spool);
    return NULL;
}

void hg_spool_close(HgSpool *spool)
{
    if (spool == NULL)
        return;
    pthread_mutex_lock(&spool->lock);
    spool->ending = TRUE;
    pthread_cond_signal(&spool->work);
    pthread_cond_broadcast(&spool->moved);
    pthread_mutex_unlock(&spool->lock);
    pthread_join(spool->thread, NULL);
    spool_free(spool);
}

/* ---- for readers ---- */

const HgAuditId *hg_spool_id(const HgSpool *spool)
{
    return &spool->id;
}

guint64 hg_spool_durable(const HgSpool *spool)
{
    HgSpool *locked = (HgSpool *)spool;
    pthread_mutex_lock(&locked->lock);
    guint64 durable = spool->status.durable;
    pthread_mutex_unlock(&locked->lock);
    return durable;
}

void hg_spool_wait(HgSpool *spool, guint64 sequence, gint64 timeout_ms)
{
    gint64 until = g_get_monotonic_time() + timeout_ms * 1000;
    pthread_mutex_lock(&spool->lock);
    while (spool->status.durable <= sequence && !spool->woken && !spool->ending) {
        gint64 left = (until - g_get_monotonic_time()) / 1000;
        if (left <= 0)
            break;
        wait_on(&spool->moved, &spool->lock, left);
    }
    spool->woken = FALSE;
    pthread_mutex_unlock(&spool->lock);
}

void hg_spool_wake(HgSpool *spool)
{
    pthread_mutex_lock(&spool->lock);
    spool->woken = TRUE;
    pthread_cond_broadcast(&spool->moved);
    pthread_mutex_unlock(&spool->lock);
}

/* Deletes what was released and isn't needed. */
static gboolean release(HgSpool *spool, GError **error)
{
    pthread_mutex_lock(&spool->lock);
    guint64 sequence = spool->released;
    if (spool->needed != 0 && spool->disk <= spool->options.limit / 2)
        sequence = MIN(sequence, spool->needed);
    pthread_mutex_unlock(&spool->lock);
    gboolean ok = hg_spool_file_release(spool->file, sequence, error);
    guint64 bytes, segments;
    hg_spool_file_sizes(spool->file, &bytes, &segments);
    pthread_mutex_lock(&spool->lock);
    spool->disk = bytes;
    spool->status.segments = segments;
    pthread_mutex_unlock(&spool->lock);
    return ok;
}

gboolean hg_spool_release(HgSpool *spool, guint64 sequence, GError **error)
{
    pthread_mutex_lock(&spool->lock);
    spool->released = MAX(spool->released, sequence);
    pthread_mutex_unlock(&spool->lock);
    return release(spool, error);
}

gboolean hg_spool_need(HgSpool *spool, guint64 sequence, GError **error)
{
    pthread_mutex_lock(&spool->lock);
    spool->needed = sequence;
    pthread_mutex_unlock(&spool->lock);
    return release(spool, error);
}

void hg_spool_status(HgSpool *spool, HgSpoolStatus *out, char **error_text)
{
    pthread_mutex_lock(&spool->lock);
    *out = spool->status;
    out->disk_bytes = spool->disk;
    out->memory_bytes = spool->bytes;
    out->failing = spool->error != NULL;
    if (error_text != NULL)
        *error_text = g_strdup(spool->error);
    pthread_mutex_unlock(&spool->lock);
}
