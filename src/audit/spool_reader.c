/* Records across segments: see spool_reader.h. Owns the folder's descriptor and the segment that is
 * read. */
#include "audit/spool_reader.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct HgSpoolReader {
    int folder;
    HgAuditId id;
    HgSegmentReader *segment; /* NULL before seeking */
    guint64 first;            /* of the segment */
    guint64 sequence;
    HgAuditHash hash;
    HgSpoolHole hole;
};

static gboolean list(const HgSpoolReader *reader, GArray **out, GError **error)
{
    if (!hg_segment_list(reader->folder, out, error))
        return FALSE;
    if ((*out)->len > 0)
        return TRUE;
    g_clear_pointer(out, g_array_unref);
    g_set_error_literal(error, HG_ERROR, HG_ERROR_NOT_FOUND, "the folder holds no spool");
    return FALSE;
}

HgSpoolReader *hg_spool_reader_new(const char *folder, GError **error)
{
    g_autoptr(GArray) firsts = NULL;
    g_autoptr(HgSpoolReader) reader = g_new0(HgSpoolReader, 1);
    reader->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (reader->folder < 0) {
        hg_error_set_errno(error, errno, "can't open the spool %s", folder);
        return NULL;
    }
    if (!list(reader, &firsts, error))
        return NULL;
    g_autoptr(HgSegmentReader) last = hg_segment_reader_open(
        reader->folder, g_array_index(firsts, guint64, firsts->len - 1), error);
    if (last == NULL)
        return NULL;
    reader->id = hg_segment_reader_head(last)->spool;
    return g_steal_pointer(&reader);
}

void hg_spool_reader_free(HgSpoolReader *reader)
{
    if (reader == NULL)
        return;
    hg_segment_reader_free(reader->segment);
    if (reader->folder >= 0)
        close(reader->folder);
    g_free(reader);
}

const HgAuditId *hg_spool_reader_id(const HgSpoolReader *reader)
{
    return &reader->id;
}

gboolean hg_spool_reader_first(const HgSpoolReader *reader, guint64 *out, GError **error)
{
    g_autoptr(GArray) firsts = NULL;
    if (!list(reader, &firsts, error))
        return FALSE;
    *out = g_array_index(firsts, guint64, 0);
    return TRUE;
}

/* Opens the segment. FALSE with NOT_FOUND when it was deleted meanwhile. */
static gboolean enter(HgSpoolReader *reader, guint64 first, GError **error)
{
    HgSegmentReader *segment = hg_segment_reader_open(reader->folder, first, error);
    if (segment == NULL)
        return FALSE;
    hg_segment_reader_free(reader->segment);
    reader->segment = segment;
    reader->first = first;
    return TRUE;
}

/* Enters the segment in which the sequence stands or would stand. */
static gboolean enter_around(HgSpoolReader *reader, guint64 sequence, GError **error)
{
    g_autoptr(GArray) firsts = NULL;
    if (!list(reader, &firsts, error))
        return FALSE;
    guint at = 0;
    while (at + 1 < firsts->len && g_array_index(firsts, guint64, at + 1) <= sequence)
        at++;
    return enter(reader, g_array_index(firsts, guint64, at), error);
}

gboolean hg_spool_reader_seek(HgSpoolReader *reader, guint64 sequence, GError **error)
{
    HgRecord record;
    if (!enter_around(reader, sequence, error))
        return FALSE;
    while (hg_segment_reader_sequence(reader->segment) < sequence) {
        HgSegmentStep step = hg_segment_reader_next(reader->segment, &record, error);
        if (step == HG_SEGMENT_ERROR)
            return FALSE;
        if (step == HG_SEGMENT_END || step == HG_SEGMENT_TORN)
            break;
        if (step == HG_SEGMENT_BROKEN && !hg_segment_reader_skip(reader->segment, error))
            break;
    }
    reader->sequence = hg_segment_reader_sequence(reader->segment);
    reader->hash = *hg_segment_reader_hash(reader->segment);
    return TRUE;
}

static HgSpoolRead report(HgSpoolReader *reader, guint64 to, const char *what)
{
    reader->hole = (HgSpoolHole){reader->sequence, to, what};
    reader->sequence = to;
    return HG_SPOOL_READ_HOLE;
}

/* The first sequence of the segment behind the present one; 0: there is none. */
static gboolean find_next(HgSpoolReader *reader, guint64 *first, GError **error)
{
    g_autoptr(GArray) firsts = NULL;
    *first = 0;
    if (!list(reader, &firsts, error))
        return FALSE;
    for (guint i = firsts->len; i-- > 0 && g_array_index(firsts, guint64, i) > reader->first;)
        *first = g_array_index(firsts, guint64, i);
    return TRUE;
}

/* Enters the next segment. RECORD when reading may go on there. */
static HgSpoolRead enter_next(HgSpoolReader *reader, guint64 first, GError **error)
{
    if (!enter(reader, first, error))
        return HG_SPOOL_READ_ERROR;
    const HgSegmentHead *head = hg_segment_reader_head(reader->segment);
    HgAuditHash before = reader->hash;
    reader->hash = head->before;
    if (memcmp(&head->spool, &reader->id, sizeof reader->id) != 0)
        return report(reader, head->first, "a segment belongs to another spool");
    if (head->first != reader->sequence)
        return report(reader, head->first, "a segment or its end is missing");
    if (!hg_audit_hash_equal(&before, &head->before))
        return report(reader, head->first, "a segment doesn't follow the one before it");
    return HG_SPOOL_READ_RECORD;
}

static HgSpoolRead take(HgSpoolReader *reader, const HgRecord *record)
{
    reader->sequence = record->sequence + 1;
    reader->hash = record->hash;
    return HG_SPOOL_READ_RECORD;
}

/* The segment's end, as it seems: records that came before the next segment was begun count. */
static HgSpoolRead pass_end(HgSpoolReader *reader, HgRecord *out, gboolean *got, GError **error)
{
    guint64 next = 0;
    if (!find_next(reader, &next, error))
        return HG_SPOOL_READ_ERROR;
    if (next == 0)
        return HG_SPOOL_READ_NOTHING;
    *got = hg_segment_reader_next(reader->segment, out, NULL) == HG_SEGMENT_RECORD;
    return *got ? take(reader, out) : enter_next(reader, next, error);
}

HgSpoolRead hg_spool_reader_next(HgSpoolReader *reader, guint64 end, HgRecord *out, GError **error)
{
    g_assert(reader->segment != NULL);
    while (reader->sequence < end) {
        gboolean got = FALSE;
        HgSegmentStep step = hg_segment_reader_next(reader->segment, out, error);
        if (step == HG_SEGMENT_RECORD)
            return take(reader, out);
        if (step == HG_SEGMENT_ERROR)
            return HG_SPOOL_READ_ERROR;
        if (step == HG_SEGMENT_BROKEN && hg_segment_reader_skip(reader->segment, error))
            return report(reader, hg_segment_reader_sequence(reader->segment),
                          "a record was changed, or is missing");
        HgSpoolRead read = pass_end(reader, out, &got, error);
        if (got || read != HG_SPOOL_READ_RECORD)
            return read;
    }
    return HG_SPOOL_READ_NOTHING;
}

const HgSpoolHole *hg_spool_reader_hole(const HgSpoolReader *reader)
{
    return &reader->hole;
}

guint64 hg_spool_reader_sequence(const HgSpoolReader *reader)
{
    return reader->sequence;
}

const HgAuditHash *hg_spool_reader_hash(const HgSpoolReader *reader)
{
    return &reader->hash;
}
