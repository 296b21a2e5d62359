/* Segments as they are written, rotated, recovered and deleted: see spool_file.h. Owns the folder's
 * descriptor, the lock and the segment that is written. */
#include "audit/spool_file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOCK_NAME "lock"
#define NEXT_NAME "next.tmp"
#define PIECES    256 /* entries to one pwritev */

typedef struct {
    guint64 first;
    guint64 bytes;
} Segment;

struct HgSpoolFile {
    const HgSpoolOptions *options;
    HgChain *chain;
    HgAuditId id;
    HgAuditId boot;
    int folder;
    int lock_fd;
    int fd; /* the segment that is written; -1: none could be begun */
    off_t offset;
    gint64 begun_us;  /* monotonic */
    gboolean unclean; /* something may stand behind `offset` */
    guint64 first;    /* of the segment */
    guint64 sequence; /* of the next record */
    guint64 durable;  /* of the first record that isn't on the disk for sure */
    HgAuditHash hash;
    GHashTable *running; /* of HgAuditId */
    guint64 syncs;
    guint64 sync_us;
    pthread_mutex_t lock; /* of what follows */
    GArray *segments;     /* of Segment */
};

static guint id_hash(gconstpointer key)
{
    guint hash;
    memcpy(&hash, ((const HgAuditId *)key)->bytes + 12, sizeof hash); /* its random end */
    return hash;
}

static gboolean id_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(HgAuditId)) == 0;
}

/* Keeps the set of statements that run. */
static void follow(HgSpoolFile *file, const HgRecord *record)
{
    HgAuditEffect effect = hg_audit_kind_effect(record->kind);
    if (effect == HG_AUDIT_OPENS)
        g_hash_table_add(file->running, g_memdup2(&record->statement_id, sizeof(HgAuditId)));
    else if (effect == HG_AUDIT_ENDS)
        g_hash_table_remove(file->running, &record->statement_id);
}

static GArray *list_running(const HgSpoolFile *file)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(HgAuditId));
    GHashTableIter iter;
    gpointer id;
    g_hash_table_iter_init(&iter, file->running);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_array_append_vals(ids, id, 1);
    return ids;
}

/* ---- the disk ---- */

static gint64 now_us(void)
{
    return g_get_monotonic_time();
}

static gboolean sync_data(HgSpoolFile *file, int fd, GError **error)
{
    gint64 begun = now_us();
    int rc = fdatasync(fd);
    file->syncs++;
    file->sync_us += (guint64)(now_us() - begun);
    if (rc == 0)
        return TRUE;
    hg_error_set_errno(error, errno, "can't make the spool durable");
    return FALSE;
}

static gboolean sync_folder(HgSpoolFile *file, GError **error)
{
    if (fsync(file->folder) == 0)
        return TRUE;
    hg_error_set_errno(error, errno, "can't make the spool's folder durable");
    return FALSE;
}

static gboolean write_whole(int fd, const GByteArray *bytes, GError **error)
{
    for (gsize done = 0; done < bytes->len;) {
        ssize_t n = pwrite(fd, bytes->data + done, bytes->len - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            hg_error_set_errno(error, errno, "can't begin a segment of the spool");
            return FALSE;
        }
        done += (gsize)n;
    }
    return TRUE;
}

static void count_segment(HgSpoolFile *file, guint64 first, guint64 bytes)
{
    pthread_mutex_lock(&file->lock);
    guint last = file->segments->len;
    if (last > 0 && g_array_index(file->segments, Segment, last - 1).first == first) {
        g_array_index(file->segments, Segment, last - 1).bytes = bytes;
    } else {
        Segment segment = {first, bytes};
        g_array_append_val(file->segments, segment);
    }
    pthread_mutex_unlock(&file->lock);
}

/* Writes the new segment under another name, and names it once it is whole and durable: a segment
 * never has half a head. One without records has the next one's name, and is replaced by it. */
static gboolean place_segment(HgSpoolFile *file, const GByteArray *head, int *fd, GError **error)
{
    char name[HG_SEGMENT_NAME];
    hg_segment_name(file->sequence, name);
    *fd = openat(file->folder, NEXT_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (*fd < 0) {
        hg_error_set_errno(error, errno, "can't begin a segment of the spool");
        return FALSE;
    }
    if (write_whole(*fd, head, error) && sync_data(file, *fd, error)) {
        if (renameat(file->folder, NEXT_NAME, file->folder, name) == 0)
            return sync_folder(file, error);
        hg_error_set_errno(error, errno, "can't name a segment of the spool");
    }
    unlinkat(file->folder, NEXT_NAME, 0); /* gives the room back */
    return FALSE;
}

static gboolean begin_segment(HgSpoolFile *file, GError **error)
{
    g_auto(HgSegmentHead) head = {.first = file->sequence,
                                  .spool = file->id,
                                  .before = file->hash,
                                  .boot = file->boot,
                                  .open = list_running(file)};
    HgAuditStamp stamp;
    int fd = -1;
    if (file->fd >= 0 && file->durable < file->sequence && !hg_spool_file_sync(file, error))
        return FALSE;
    hg_audit_clock_stamp(file->options->clock, &stamp);
    head.wall_us = stamp.wall_us;
    g_autoptr(GByteArray) bytes = hg_segment_head_write(&head);
    if (!place_segment(file, bytes, &fd, error)) {
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    if (file->fd >= 0)
        close(file->fd);
    file->fd = fd;
    file->first = file->sequence;
    file->offset = (off_t)bytes->len;
    file->begun_us = now_us();
    file->unclean = FALSE;
    count_segment(file, file->first, bytes->len);
    return TRUE;
}

/* ---- writing ---- */

/* Cuts off what a failed write left. */
static gboolean clean(HgSpoolFile *file, GError **error)
{
    if (file->fd < 0 || !file->unclean)
        return TRUE;
    if (ftruncate(file->fd, file->offset) != 0) {
        hg_error_set_errno(error, errno, "can't cut the spool back to its last good record");
        return FALSE;
    }
    file->unclean = FALSE;
    return TRUE;
}

static gboolean is_due(const HgSpoolFile *file)
{
    if (file->fd < 0)
        return TRUE;
    if (file->sequence == file->first)
        return FALSE; /* no record yet */
    return (guint64)file->offset >= file->options->segment ||
           now_us() - file->begun_us >= file->options->segment_age_ms * 1000;
}

/* Gives the entry the next place in the chain. */
static void seal(HgSpoolFile *file, HgSpoolEntry *entry, guint64 sequence, HgAuditHash *hash)
{
    guint8 *bytes = hg_buffer_data(&entry->bytes);
    HgRecord *record = &entry->record;
    record->payload =
        hg_slice(bytes + HG_RECORD_HEAD, hg_buffer_size(&entry->bytes) - HG_RECORD_HEAD);
    record->sequence = sequence;
    hg_chain_next(file->chain, hash, sequence, record->payload, &record->hash);
    *hash = record->hash;
    hg_record_seal(record, bytes);
}

/* Writes all of the pieces at the offset, which may take several calls. */
static gboolean write_pieces(int fd, struct iovec *pieces, guint count, off_t offset,
                             GError **error)
{
    while (count > 0) {
        ssize_t n = pwritev(fd, pieces, (int)count, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            hg_error_set_errno(error, errno, "can't write to the spool");
            return FALSE;
        }
        offset += n;
        while (count > 0 && (gsize)n >= pieces->iov_len) {
            n -= (ssize_t)pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (guint8 *)pieces->iov_base + n;
            pieces->iov_len -= (gsize)n;
        }
    }
    return TRUE;
}

/* Writes the entries behind `offset`, which moves behind them. */
static gboolean write_entries(HgSpoolFile *file, HgSpoolEntry *entries, off_t *offset,
                              GError **error)
{
    struct iovec pieces[PIECES];
    guint64 sequence = file->sequence;
    HgAuditHash hash = file->hash;
    while (entries != NULL) {
        guint count = 0;
        off_t at = *offset;
        for (; entries != NULL && count < PIECES; entries = entries->next, count++) {
            seal(file, entries, sequence++, &hash);
            pieces[count].iov_base = hg_buffer_data(&entries->bytes);
            pieces[count].iov_len = hg_buffer_size(&entries->bytes);
            *offset += (off_t)pieces[count].iov_len;
        }
        if (!write_pieces(file->fd, pieces, count, at, error))
            return FALSE;
    }
    return TRUE;
}

gboolean hg_spool_file_write(HgSpoolFile *file, HgSpoolEntry *entries, gboolean sync,
                             GError **error)
{
    if (!clean(file, error) || (is_due(file) && !begin_segment(file, error)))
        return FALSE;
    off_t offset = file->offset;
    file->unclean = TRUE;
    if (!write_entries(file, entries, &offset, error) ||
        (sync && !sync_data(file, file->fd, error))) {
        clean(file, NULL); /* gives the room back; if that fails, the next write tries it again */
        return FALSE;
    }
    for (; entries != NULL; entries = entries->next) {
        file->sequence = entries->record.sequence + 1;
        file->hash = entries->record.hash;
        follow(file, &entries->record);
    }
    file->offset = offset;
    file->unclean = FALSE;
    if (sync)
        file->durable = file->sequence;
    count_segment(file, file->first, (guint64)offset);
    return TRUE;
}

gboolean hg_spool_file_sync(HgSpoolFile *file, GError **error)
{
    if (file->fd < 0 || !sync_data(file, file->fd, error))
        return FALSE;
    file->durable = file->sequence;
    return TRUE;
}

/* ---- opening ---- */

static gboolean take_lock(HgSpoolFile *file, GError **error)
{
    const char *path = file->options->folder;
    file->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->folder < 0 && errno == ENOENT && mkdir(path, 0700) == 0)
        file->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->folder < 0) {
        hg_error_set_errno(error, errno, "can't open the spool's folder %s", path);
        return FALSE;
    }
    file->lock_fd = openat(file->folder, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->lock_fd >= 0 && flock(file->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (file->lock_fd >= 0 && errno == EWOULDBLOCK)
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                    "the spool %s is in use by another process; each hivegate needs a folder of "
                    "its own",
                    path);
    else
        hg_error_set_errno(error, errno, "can't lock the spool %s", path);
    return FALSE;
}

/* Cuts off what stands behind the last good record, and makes the rest durable: what a killed
 * process wrote may be in the kernel only. */
static gboolean settle_last(HgSpoolFile *file, guint64 first, off_t size, HgSpoolRecovery *recovery,
                            GError **error)
{
    char name[HG_SEGMENT_NAME];
    struct stat status;
    hg_segment_name(first, name);
    int fd = openat(file->folder, name, O_RDWR | O_CLOEXEC);
    gboolean ok = fd >= 0 && fstat(fd, &status) == 0 &&
                  (status.st_size == size || ftruncate(fd, size) == 0) && fsync(fd) == 0;
    if (ok)
        recovery->torn_bytes += (guint64)(status.st_size - size);
    else
        hg_error_set_errno(error, errno, "can't make the segment %s end with a whole record", name);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Follows the records of the last segment to its end. */
static gboolean read_last(HgSpoolFile *file, guint64 first, HgSpoolRecovery *recovery,
                          GError **error)
{
    g_autoptr(HgSegmentReader) reader = hg_segment_reader_open(file->folder, first, error);
    HgSegmentStep step;
    HgRecord record;
    if (reader == NULL)
        return FALSE;
    const HgSegmentHead *head = hg_segment_reader_head(reader);
    file->id = head->spool;
    for (guint i = 0; i < head->open->len; i++)
        g_hash_table_add(file->running,
                         g_memdup2(&g_array_index(head->open, HgAuditId, i), sizeof(HgAuditId)));
    while ((step = hg_segment_reader_next(reader, &record, error)) != HG_SEGMENT_END) {
        if (step == HG_SEGMENT_ERROR)
            return FALSE;
        if (step == HG_SEGMENT_RECORD)
            follow(file, &record);
        else if (hg_segment_reader_skip(reader, error))
            recovery->damaged++;
        else
            break;
    }
    if (!settle_last(file, first, hg_segment_reader_offset(reader), recovery, error))
        return FALSE;
    file->sequence = hg_segment_reader_sequence(reader);
    file->hash = *hg_segment_reader_hash(reader);
    return TRUE;
}

static gboolean count_segments(HgSpoolFile *file, const GArray *firsts, GError **error)
{
    for (guint i = 0; i < firsts->len; i++) {
        guint64 first = g_array_index(firsts, guint64, i);
        char name[HG_SEGMENT_NAME];
        struct stat status;
        hg_segment_name(first, name);
        if (fstatat(file->folder, name, &status, 0) != 0) {
            hg_error_set_errno(error, errno, "can't look at the segment %s", name);
            return FALSE;
        }
        count_segment(file, first, (guint64)status.st_size);
    }
    return TRUE;
}

static gboolean recover(HgSpoolFile *file, HgSpoolRecovery *recovery, GError **error)
{
    g_autoptr(GArray) firsts = NULL;
    if (unlinkat(file->folder, NEXT_NAME, 0) != 0 && errno != ENOENT) {
        hg_error_set_errno(error, errno, "can't delete %s in the spool", NEXT_NAME);
        return FALSE;
    }
    if (!hg_segment_list(file->folder, &firsts, error))
        return FALSE;
    if (firsts->len == 0) {
        hg_audit_id_random(&file->id);
        file->sequence = 1;
        return TRUE;
    }
    return read_last(file, g_array_index(firsts, guint64, firsts->len - 1), recovery, error) &&
           count_segments(file, firsts, error);
}

HgSpoolFile *hg_spool_file_open(const HgSpoolOptions *options, HgSpoolRecovery *recovery,
                                GArray **running, GError **error)
{
    HgSpoolFile *file = g_new0(HgSpoolFile, 1);
    file->options = options;
    file->chain = hg_chain_new();
    file->folder = file->lock_fd = file->fd = -1;
    file->running = g_hash_table_new_full(id_hash, id_equal, g_free, NULL);
    file->segments = g_array_new(FALSE, FALSE, sizeof(Segment));
    pthread_mutex_init(&file->lock, NULL);
    hg_segment_boot_id(&file->boot);
    *recovery = (HgSpoolRecovery){0};
    if (!take_lock(file, error) || !recover(file, recovery, error) || !begin_segment(file, error)) {
        hg_spool_file_close(file);
        return NULL;
    }
    file->durable = file->sequence;
    recovery->sequence = file->sequence;
    *running = list_running(file);
    return file;
}

void hg_spool_file_close(HgSpoolFile *file)
{
    if (file == NULL)
        return;
    for (guint i = 0; i < 3; i++) {
        int fd = i == 0 ? file->fd : i == 1 ? file->lock_fd : file->folder;
        if (fd >= 0)
            close(fd);
    }
    hg_chain_free(file->chain);
    g_hash_table_unref(file->running);
    g_array_unref(file->segments);
    pthread_mutex_destroy(&file->lock);
    g_free(file);
}

/* ---- for others ---- */

guint64 hg_spool_file_next(const HgSpoolFile *file)
{
    return file->sequence;
}

guint64 hg_spool_file_durable(const HgSpoolFile *file)
{
    return file->durable;
}

const HgAuditId *hg_spool_file_id(const HgSpoolFile *file)
{
    return &file->id;
}

guint hg_spool_file_running(const HgSpoolFile *file)
{
    return g_hash_table_size(file->running);
}

void hg_spool_file_syncs(const HgSpoolFile *file, guint64 *count, guint64 *us)
{
    *count = file->syncs;
    *us = file->sync_us;
}

gboolean hg_spool_file_release(HgSpoolFile *file, guint64 sequence, GError **error)
{
    gboolean ok = TRUE;
    pthread_mutex_lock(&file->lock);
    while (ok && file->segments->len > 1 &&
           g_array_index(file->segments, Segment, 1).first <= sequence) {
        char name[HG_SEGMENT_NAME];
        hg_segment_name(g_array_index(file->segments, Segment, 0).first, name);
        ok = unlinkat(file->folder, name, 0) == 0 || errno == ENOENT;
        if (ok)
            g_array_remove_index(file->segments, 0);
        else
            hg_error_set_errno(error, errno, "can't delete the shipped segment %s", name);
    }
    pthread_mutex_unlock(&file->lock);
    return ok;
}

void hg_spool_file_sizes(HgSpoolFile *file, guint64 *bytes, guint64 *segments)
{
    *bytes = 0;
    pthread_mutex_lock(&file->lock);
    for (guint i = 0; i < file->segments->len; i++)
        *bytes += g_array_index(file->segments, Segment, i).bytes;
    *segments = file->segments->len;
    pthread_mutex_unlock(&file->lock);
}
