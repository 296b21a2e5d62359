/* Segment files: see segment.h. A reader owns its descriptor and a buffer of the bytes ahead. */
#include "audit/segment.h"

#include "audit/crc32c.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define HEAD_SIZE 96
#define OPEN_MAX  (1u << 24)
#define CHUNK     (256 * 1024)
#define SUFFIX    ".seg"
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

static const char magic[8] = "HGAUDIT1";

struct HgSegmentReader {
    int fd;
    HgSegmentHead head;
    HgChain *chain;
    off_t offset; /* of the next record */
    guint64 sequence;
    HgAuditHash hash;
    gboolean skipped; /* the next record's link is taken on trust */
    guint8 *bytes;    /* of the file from `from` on */
    off_t from;
    gsize size;
    gsize room;
};

void hg_segment_head_clear(HgSegmentHead *head)
{
    g_clear_pointer(&head->open, g_array_unref);
}

void hg_segment_name(guint64 first, char out[HG_SEGMENT_NAME])
{
    g_snprintf(out, HG_SEGMENT_NAME, "%020" G_GUINT64_FORMAT SUFFIX, first);
}

static gboolean parse_name(const char *name, guint64 *first)
{
    char again[HG_SEGMENT_NAME];
    char *end = NULL;
    *first = g_ascii_strtoull(name, &end, 10);
    hg_segment_name(*first, again);
    return strcmp(name, again) == 0;
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;
    return x < y ? -1 : x > y;
}

gboolean hg_segment_list(int folder, GArray **out, GError **error)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        hg_error_set_errno(error, errno, "can't list the spool's folder");
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    GArray *found = g_array_new(FALSE, FALSE, sizeof(guint64));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        guint64 first;
        if (parse_name(entry->d_name, &first))
            g_array_append_val(found, first);
    }
    closedir(dir);
    g_array_sort(found, by_number);
    *out = found;
    return TRUE;
}

/* ---- the head ---- */

GByteArray *hg_segment_head_write(const HgSegmentHead *head)
{
    guint count = head->open != NULL ? head->open->len : 0;
    guint8 fixed[HEAD_SIZE] = {0};
    guint32 count_le = GUINT32_TO_LE(count);
    guint64 first_le = GUINT64_TO_LE(head->first);
    gint64 wall_le = GINT64_TO_LE(head->wall_us);
    memcpy(fixed, magic, sizeof magic);
    memcpy(fixed + 12, &count_le, 4);
    memcpy(fixed + 16, &first_le, 8);
    memcpy(fixed + 24, &head->spool, 16);
    memcpy(fixed + 40, &head->before, 32);
    memcpy(fixed + 72, &wall_le, 8);
    memcpy(fixed + 80, &head->boot, 16);
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, fixed, sizeof fixed);
    if (count > 0)
        g_byte_array_append(bytes, (const guint8 *)head->open->data,
                            count * (guint)sizeof(HgAuditId));
    guint32 checksum = GUINT32_TO_LE(hg_audit_crc32c(hg_slice(bytes->data + 12, bytes->len - 12)));
    memcpy(bytes->data + 8, &checksum, 4);
    return bytes;
}

void hg_segment_boot_id(HgAuditId *out)
{
    g_autofree char *text = NULL;
    *out = (HgAuditId){{0}};
    if (g_file_get_contents(BOOT_FILE, &text, NULL, NULL))
        hg_audit_id_parse(g_strchomp(text), out);
}

/* ---- reading ---- */

/* Reads until `size` bytes from the present record on are there, or the file ends. */
static gboolean fill(HgSegmentReader *reader, gsize size, GError **error)
{
    gsize skip = (gsize)(reader->offset - reader->from);
    if (skip > 0) {
        memmove(reader->bytes, reader->bytes + skip, reader->size - skip);
        reader->size -= skip;
        reader->from = reader->offset;
    }
    if (reader->room < size) {
        reader->room = MAX(size, (gsize)CHUNK);
        reader->bytes = g_realloc(reader->bytes, reader->room);
    }
    while (reader->size < size) {
        ssize_t n = pread(reader->fd, reader->bytes + reader->size, reader->room - reader->size,
                          reader->from + (off_t)reader->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            hg_error_set_errno(error, errno, "can't read a segment of the spool");
            return FALSE;
        }
        if (n == 0)
            break;
        reader->size += (gsize)n;
    }
    return TRUE;
}

static HgSlice ahead(const HgSegmentReader *reader)
{
    gsize skip = (gsize)(reader->offset - reader->from);
    return hg_slice(reader->bytes + skip, reader->size - skip);
}

static gboolean refuse(GError **error, guint64 first, const char *what)
{
    char name[HG_SEGMENT_NAME];
    hg_segment_name(first, name);
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "the segment %s %s", name, what);
    return FALSE;
}

static void read_fixed(HgSegmentHead *head, const guint8 *at, guint32 *count)
{
    memcpy(count, at + 12, 4);
    *count = GUINT32_FROM_LE(*count);
    memcpy(&head->first, at + 16, 8);
    head->first = GUINT64_FROM_LE(head->first);
    memcpy(&head->spool, at + 24, 16);
    memcpy(&head->before, at + 40, 32);
    memcpy(&head->wall_us, at + 72, 8);
    head->wall_us = GINT64_FROM_LE(head->wall_us);
    memcpy(&head->boot, at + 80, 16);
}

static gboolean read_head(HgSegmentReader *reader, guint64 first, GError **error)
{
    HgSegmentHead *head = &reader->head;
    guint32 count = 0, checksum;
    if (!fill(reader, HEAD_SIZE, error))
        return FALSE;
    if (reader->size < HEAD_SIZE)
        return refuse(error, first, "ends inside its head");
    if (memcmp(reader->bytes, magic, sizeof magic) != 0)
        return refuse(error, first, "doesn't begin like one");
    read_fixed(head, reader->bytes, &count);
    if (count > OPEN_MAX)
        return refuse(error, first, "has a damaged head");
    gsize size = HEAD_SIZE + count * sizeof(HgAuditId);
    if (!fill(reader, size, error))
        return FALSE;
    if (reader->size < size)
        return refuse(error, first, "ends inside its head");
    memcpy(&checksum, reader->bytes + 8, 4);
    if (GUINT32_FROM_LE(checksum) != hg_audit_crc32c(hg_slice(reader->bytes + 12, size - 12)))
        return refuse(error, first, "has a damaged head");
    if (head->first != first)
        return refuse(error, first, "was renamed: its head names another first record");
    head->open = g_array_new(FALSE, FALSE, sizeof(HgAuditId));
    g_array_append_vals(head->open, reader->bytes + HEAD_SIZE, count);
    reader->offset = (off_t)size;
    reader->sequence = first;
    reader->hash = head->before;
    return TRUE;
}

HgSegmentReader *hg_segment_reader_open(int folder, guint64 first, GError **error)
{
    char name[HG_SEGMENT_NAME];
    hg_segment_name(first, name);
    g_autoptr(HgSegmentReader) reader = g_new0(HgSegmentReader, 1);
    reader->fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0) {
        int errnum = errno;
        hg_error_set_errno(error, errnum, "can't open the segment %s", name);
        if (error != NULL && errnum == ENOENT)
            (*error)->code = HG_ERROR_NOT_FOUND;
    }
    if (reader->fd < 0 || !read_head(reader, first, error))
        return NULL;
    reader->chain = hg_chain_new();
    return g_steal_pointer(&reader);
}

void hg_segment_reader_free(HgSegmentReader *reader)
{
    if (reader == NULL)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    hg_segment_head_clear(&reader->head);
    hg_chain_free(reader->chain);
    g_free(reader->bytes);
    g_free(reader);
}

const HgSegmentHead *hg_segment_reader_head(const HgSegmentReader *reader)
{
    return &reader->head;
}

/* The record at the reader's place, as far as it stands alone. */
static HgSegmentStep look(HgSegmentReader *reader, HgRecord *out, gsize *size, GError **error)
{
    HgSlice bytes = ahead(reader);
    HgRecordCheck check = bytes.size > 0 ? hg_record_read(bytes, out, size) : HG_RECORD_SHORT;
    *size = bytes.size > 0 ? *size : HG_RECORD_HEAD;
    while (check == HG_RECORD_SHORT) {
        gsize wanted = *size;
        if (!fill(reader, wanted, error))
            return HG_SEGMENT_ERROR;
        bytes = ahead(reader);
        if (bytes.size == 0)
            return HG_SEGMENT_END;
        check = hg_record_read(bytes, out, size);
        if (check == HG_RECORD_SHORT && bytes.size < wanted)
            return HG_SEGMENT_TORN;
    }
    return check == HG_RECORD_OK ? HG_SEGMENT_RECORD : HG_SEGMENT_BROKEN;
}

HgSegmentStep hg_segment_reader_next(HgSegmentReader *reader, HgRecord *out, GError **error)
{
    HgAuditHash hash;
    gsize size = 0;
    HgSegmentStep step = look(reader, out, &size, error);
    if (step != HG_SEGMENT_RECORD) {
        /* what was read may have been half of what is being written: read it again next time */
        reader->size = (gsize)(reader->offset - reader->from);
        return step;
    }
    hg_chain_next(reader->chain, &reader->hash, out->sequence, out->payload, &hash);
    gboolean linked = hg_audit_hash_equal(&hash, &out->hash) || reader->skipped;
    if (out->sequence != reader->sequence || !linked)
        return HG_SEGMENT_BROKEN;
    reader->offset += (off_t)size;
    reader->sequence++;
    reader->hash = out->hash;
    reader->skipped = FALSE;
    return HG_SEGMENT_RECORD;
}

gboolean hg_segment_reader_skip(HgSegmentReader *reader, GError **error)
{
    off_t began = reader->offset;
    for (;; reader->offset++) {
        HgRecord record;
        gsize size = 0;
        if (ahead(reader).size < HG_RECORD_HEAD && !fill(reader, HG_RECORD_HEAD, error))
            break;
        HgSlice bytes = ahead(reader);
        if (bytes.size < HG_RECORD_HEAD)
            break;
        if (bytes.data[0] != 'H' || look(reader, &record, &size, error) != HG_SEGMENT_RECORD ||
            record.sequence < reader->sequence)
            continue;
        reader->sequence = record.sequence;
        reader->skipped = TRUE;
        return TRUE;
    }
    reader->offset = began;
    reader->from = began;
    reader->size = 0;
    return FALSE;
}

off_t hg_segment_reader_offset(const HgSegmentReader *reader)
{
    return reader->offset;
}

guint64 hg_segment_reader_sequence(const HgSegmentReader *reader)
{
    return reader->sequence;
}

const HgAuditHash *hg_segment_reader_hash(const HgSegmentReader *reader)
{
    return &reader->hash;
}
