/* Anchors against chains: see anchor_check.h. Owns the anchors of the files and the hashes of the
 * records that were walked last. */
#include "audit/anchor_check.h"

#include "audit/fields.h"
#include "base/error.h"

#define RECENT 65536 /* records between an anchor's own and what it stands for, at most */

typedef struct {
    HgAnchor anchor;
    gboolean held; /* by some chain that was walked */
} Entry;

/* The anchors of a spool. */
typedef struct {
    HgAuditId spool;
    GArray *entries; /* of Entry, by sequence */
    gboolean seen;
} Anchored;

typedef struct {
    guint64 sequence;
    HgAuditHash hash;
} Seen;

struct HgAnchorCheck {
    const HgAnchorKeys *keys;
    GPtrArray *spools; /* of Anchored */
    Seen *recent;      /* RECENT of them, by sequence */
    HgAnchorCounts counts;
    /* the walk */
    const HgAnchorReport *report;
    HgAuditId spool;
    Anchored *anchored; /* of the spool; NULL: it has none */
    guint next;         /* entry */
    guint64 first;      /* record that the walk may look back to */
};

static void anchored_free(Anchored *anchored)
{
    g_array_unref(anchored->entries);
    g_free(anchored);
}

HgAnchorCheck *hg_anchor_check_new(const HgAnchorKeys *keys)
{
    HgAnchorCheck *check = g_new0(HgAnchorCheck, 1);
    check->keys = keys;
    check->spools = g_ptr_array_new_with_free_func((GDestroyNotify)anchored_free);
    check->recent = g_new0(Seen, RECENT);
    return check;
}

void hg_anchor_check_free(HgAnchorCheck *check)
{
    if (check == NULL)
        return;
    g_ptr_array_unref(check->spools);
    g_free(check->recent);
    g_free(check);
}

/* ---- files ---- */

static Anchored *find_spool(const HgAnchorCheck *check, const HgAuditId *spool)
{
    for (guint i = 0; i < check->spools->len; i++) {
        Anchored *anchored = g_ptr_array_index(check->spools, i);
        if (memcmp(&anchored->spool, spool, sizeof *spool) == 0)
            return anchored;
    }
    return NULL;
}

static void add(HgAnchorCheck *check, const HgAnchor *anchor)
{
    Entry entry = {.anchor = *anchor};
    Anchored *anchored = find_spool(check, &anchor->spool);
    if (anchored == NULL) {
        anchored = g_new0(Anchored, 1);
        anchored->spool = anchor->spool;
        anchored->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
        g_ptr_array_add(check->spools, anchored);
    }
    g_array_append_val(anchored->entries, entry);
}

static gint by_sequence(gconstpointer a, gconstpointer b)
{
    const Entry *one = a, *other = b;
    return (one->anchor.sequence > other->anchor.sequence) -
           (one->anchor.sequence < other->anchor.sequence);
}

static const char *trust_text(HgAnchorTrust trust)
{
    return trust == HG_ANCHOR_UNKNOWN
               ? "is signed by a key that isn't among those named; name the keys that were in use "
                 "before, too"
               : "has a wrong signature: it was changed, or forged";
}

static gboolean add_line(HgAnchorCheck *check, const char *path, guint number, HgSlice line,
                         GError **error)
{
    HgAnchor anchor;
    if (!hg_anchor_parse(line, &anchor)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s: line %u is no anchor", path, number);
        return FALSE;
    }
    HgAnchorTrust trust = hg_anchor_check(&anchor, check->keys);
    if (trust != HG_ANCHOR_GOOD) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s: the anchor in line %u, of key %s, %s",
                    path, number, anchor.key, trust_text(trust));
        return FALSE;
    }
    add(check, &anchor);
    return TRUE;
}

gboolean hg_anchor_check_load(HgAnchorCheck *check, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) failed = NULL;
    gsize size = 0;
    guint number = 0, anchors = 0;
    if (!g_file_get_contents(path, &text, &size, &failed)) {
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't read the anchors: %s", failed->message);
        return FALSE;
    }
    for (const char *at = text, *end; at < text + size; at = end + 1) {
        end = memchr(at, '\n', (gsize)(text + size - at));
        end = end != NULL ? end : text + size;
        number++;
        if (end == at)
            continue;
        if (!add_line(check, path, number, hg_slice(at, (gsize)(end - at)), error))
            return FALSE;
        anchors++;
    }
    if (anchors == 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s holds no anchors", path);
        return FALSE;
    }
    for (guint i = 0; i < check->spools->len; i++) {
        Anchored *anchored = g_ptr_array_index(check->spools, i);
        g_array_sort(anchored->entries, by_sequence);
    }
    return TRUE;
}

/* ---- walks ---- */

static void fault(HgAnchorCheck *check, guint64 from, guint64 to, const char *what)
{
    check->report->on_fault(check->report->data, &check->spool, from, to, what);
}

static Entry *next_entry(HgAnchorCheck *check)
{
    if (check->anchored == NULL || check->next >= check->anchored->entries->len)
        return NULL;
    return &g_array_index(check->anchored->entries, Entry, check->next);
}

/* The chain has this hash at this record: holds it against the files' anchors on it. */
static void compare(HgAnchorCheck *check, guint64 sequence, const HgAuditHash *hash)
{
    for (Entry *entry; (entry = next_entry(check)) != NULL && entry->anchor.sequence <= sequence;
         check->next++) {
        if (entry->anchor.sequence < sequence) {
            fault(check, entry->anchor.sequence, entry->anchor.sequence,
                  "the record that an anchor stands for is missing");
        } else if (!hg_audit_hash_equal(&entry->anchor.hash, hash)) {
            fault(check, sequence, sequence,
                  "an anchor has another hash: the chain was made anew up to here");
        } else {
            entry->held = TRUE;
            check->counts.held++;
            check->counts.last = MAX(check->counts.last, sequence);
        }
    }
}

/* Anchors on records up to this one can't be looked at. */
static void pass(HgAnchorCheck *check, guint64 last)
{
    for (Entry *entry; (entry = next_entry(check)) != NULL && entry->anchor.sequence <= last;
         check->next++)
        check->counts.elsewhere++;
}

static void remember(HgAnchorCheck *check, guint64 sequence, const HgAuditHash *hash)
{
    check->recent[sequence % RECENT] = (Seen){sequence, *hash};
}

void hg_anchor_check_begin(HgAnchorCheck *check, const HgAnchorReport *report,
                           const HgAuditId *spool, guint64 sequence, const HgAuditHash *hash)
{
    check->report = report;
    check->spool = *spool;
    check->anchored = find_spool(check, spool);
    check->next = 0;
    check->first = MAX(sequence, 1);
    memset(check->recent, 0, RECENT * sizeof *check->recent);
    if (check->anchored != NULL)
        check->anchored->seen = TRUE;
    if (sequence == 0)
        return;
    pass(check, sequence - 1);
    compare(check, sequence, hash);
    remember(check, sequence, hash);
}

/* An anchor that stands in the chain. */
static void check_own(HgAnchorCheck *check, guint64 sequence, HgSlice payload)
{
    g_autofree char *line = hg_audit_fields_text(payload, "detail");
    HgAnchor anchor;
    if (line == NULL || !hg_anchor_parse(hg_slice_from_string(line), &anchor)) {
        fault(check, sequence, sequence, "the anchor in the chain can't be read");
        return;
    }
    const Seen *seen = &check->recent[anchor.sequence % RECENT];
    HgAnchorTrust trust = hg_anchor_check(&anchor, check->keys);
    if (trust == HG_ANCHOR_UNKNOWN)
        fault(check, sequence, sequence, "the anchor in the chain is signed by an unknown key");
    else if (trust == HG_ANCHOR_FORGED)
        fault(check, sequence, sequence, "the anchor in the chain has a wrong signature");
    else if (memcmp(&anchor.spool, &check->spool, sizeof anchor.spool) != 0 ||
             anchor.sequence >= sequence)
        fault(check, sequence, sequence, "the anchor in the chain is of another place");
    else if (anchor.sequence < check->first)
        return; /* what it stands for is elsewhere */
    else if (seen->sequence != anchor.sequence)
        fault(check, anchor.sequence, sequence,
              "the record that the anchor in the chain stands for is missing or too far away");
    else if (!hg_audit_hash_equal(&seen->hash, &anchor.hash))
        fault(check, anchor.sequence, sequence,
              "the anchor in the chain has another hash: the chain was made anew");
    else
        check->counts.chain++;
}

void hg_anchor_check_record(HgAnchorCheck *check, guint64 sequence, const HgAuditHash *hash,
                            HgSlice payload)
{
    static const char wanted[] = "\"kind\":\"anchor\"";
    compare(check, sequence, hash);
    remember(check, sequence, hash);
    if (memmem(payload.data, MIN(payload.size, 256), wanted, sizeof wanted - 1) == NULL)
        return;
    g_autofree char *kind = hg_audit_fields_text(payload, "kind");
    if (g_strcmp0(kind, "anchor") == 0)
        check_own(check, sequence, payload);
}

void hg_anchor_check_dropped(HgAnchorCheck *check, guint64 first, guint64 last,
                             const HgAuditHash *hash)
{
    pass(check, last - 1);
    compare(check, last, hash);
    remember(check, last, hash);
    check->first = last;
}

void hg_anchor_check_leave(HgAnchorCheck *check)
{
    pass(check, G_MAXUINT64);
}

void hg_anchor_check_end(HgAnchorCheck *check)
{
    for (Entry *entry; (entry = next_entry(check)) != NULL; check->next++)
        if (!entry->held) /* by the spool: then these records weren't shipped yet */
            fault(check, entry->anchor.sequence, entry->anchor.sequence,
                  "there is an anchor, but the records up to it are missing: they were cut off, or "
                  "aren't shipped yet (then name the spool, too)");
}

void hg_anchor_check_unseen(HgAnchorCheck *check, const HgAnchorReport *report)
{
    for (guint i = 0; i < check->spools->len; i++) {
        const Anchored *anchored = g_ptr_array_index(check->spools, i);
        const Entry *last = &g_array_index(anchored->entries, Entry, anchored->entries->len - 1);
        if (!anchored->seen)
            report->on_fault(report->data, &anchored->spool, 1, last->anchor.sequence,
                             "there are anchors of this spool, but nothing else of it");
    }
}

void hg_anchor_check_counts(HgAnchorCheck *check, HgAnchorCounts *out)
{
    *out = check->counts;
    check->counts = (HgAnchorCounts){0};
}
