/* See kit.h. */
#include "kit.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

Kit *kit_new(void)
{
    Kit *kit = g_new0(Kit, 1);
    kit->folder = g_dir_make_tmp("spool-XXXXXX", NULL);
    kit->clock = hg_audit_clock_new(NULL, NULL);
    kit->options = (HgSpoolOptions){.folder = kit->folder,
                                    .limit = 1 << 30,
                                    .memory = 16 << 20,
                                    .segment = 1 << 20,
                                    .segment_age_ms = 3600000,
                                    .interval_ms = 50,
                                    .clock = kit->clock};
    return kit;
}

void kit_free(Kit *kit)
{
    kit_close(kit);
    GDir *dir = g_dir_open(kit->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(kit->folder, name, NULL);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(kit->folder);
    hg_audit_clock_free(kit->clock);
    g_free(kit->folder);
    g_free(kit);
}

void kit_open(Kit *kit)
{
    g_autoptr(GError) error = NULL;
    kit->spool = hg_spool_open(&kit->options, &kit->recovery, &error);
    if (kit->spool == NULL)
        ck_abort_msg("the spool doesn't open: %s", error->message);
}

void kit_close(Kit *kit)
{
    g_clear_pointer(&kit->spool, hg_spool_close);
}

HgAuditEvent kit_event(Kit *kit, HgAuditKind kind)
{
    HgAuditEvent event;
    hg_audit_event_init(&event, kind);
    hg_audit_clock_stamp(kit->clock, &event.stamp);
    event.principal = hg_slice_from_string("alice");
    event.statement = hg_slice_from_string("select 1");
    return event;
}

typedef struct {
    HgSpoolReceipt receipt;
    pthread_mutex_t lock;
    pthread_cond_t told;
    gboolean done;
} Wait;

static void on_receipt(HgTask *task)
{
    Wait *wait = (Wait *)task;
    pthread_mutex_lock(&wait->lock);
    wait->done = TRUE;
    pthread_cond_signal(&wait->told);
    pthread_mutex_unlock(&wait->lock);
}

HgSpoolOutcome kit_append(Kit *kit, HgAuditKind kind, const HgAuditId *statement, HgAuditId *id)
{
    HgAuditEvent event = kit_event(kit, kind);
    Wait wait = {.receipt = {.task = {.run = on_receipt}}};
    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.told, NULL);
    event.statement_id = statement != NULL ? *statement : event.stamp.id;
    if (id != NULL)
        *id = event.statement_id;
    HgSpoolOutcome outcome = hg_spool_append(kit->spool, &event, &wait.receipt);
    if (outcome != HG_SPOOL_WAIT)
        return outcome;
    pthread_mutex_lock(&wait.lock);
    while (!wait.done)
        pthread_cond_wait(&wait.told, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    return wait.receipt.outcome;
}

void kit_settle(Kit *kit)
{
    HgSpoolStatus status;
    do {
        g_usleep(500);
        hg_spool_status(kit->spool, &status, NULL);
    } while (status.memory_bytes > 0 || status.durable < status.sequence);
}

char *kit_kinds(Kit *kit)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(kit->folder, &error);
    GString *kinds = g_string_new(NULL);
    HgSpoolRead read;
    HgRecord record;
    if (reader == NULL || !hg_spool_reader_seek(reader, 0, &error))
        ck_abort_msg("can't read: %s", error->message);
    while ((read = hg_spool_reader_next(reader, G_MAXUINT64, &record, &error)) !=
           HG_SPOOL_READ_NOTHING) {
        if (read == HG_SPOOL_READ_ERROR)
            ck_abort_msg("can't read: %s", error->message);
        g_string_append(kinds, kinds->len > 0 ? " " : "");
        g_string_append(kinds, read == HG_SPOOL_READ_HOLE ? "!" : hg_audit_kind_name(record.kind));
    }
    return g_string_free(kinds, FALSE);
}

static GArray *segments(Kit *kit)
{
    GArray *firsts = NULL;
    int folder = open(kit->folder, O_RDONLY | O_DIRECTORY);
    ck_assert(hg_segment_list(folder, &firsts, NULL));
    close(folder);
    return firsts;
}

char *kit_segment(Kit *kit, guint number)
{
    char name[HG_SEGMENT_NAME];
    g_autoptr(GArray) firsts = segments(kit);
    ck_assert_uint_lt(number, firsts->len);
    hg_segment_name(g_array_index(firsts, guint64, number), name);
    return g_build_filename(kit->folder, name, NULL);
}

char *kit_last_segment(Kit *kit)
{
    return kit_segment(kit, kit_count_segments(kit) - 1);
}

guint kit_count_segments(Kit *kit)
{
    g_autoptr(GArray) firsts = segments(kit);
    return firsts->len;
}

void file_flip(const char *path, goffset at)
{
    guint8 byte;
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x20;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

void file_cut(const char *path, goffset size)
{
    ck_assert_int_eq(truncate(path, size), 0);
}

void file_append(const char *path, HgSlice bytes)
{
    int fd = open(path, O_WRONLY | O_APPEND);
    ck_assert_int_eq(write(fd, bytes.data, bytes.size), (gssize)bytes.size);
    close(fd);
}

goffset file_size(const char *path)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}
