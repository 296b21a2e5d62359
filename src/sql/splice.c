/* The edits in the order of the text: see splice.h. Owns copies of what is put in; one thread. */
#include "sql/splice.h"

typedef struct {
    gsize start;
    gsize end;
    char *with; /* owned */
} Edit;

struct HgSqlSplice {
    HgSlice text;
    GSequence *edits; /* Edit, sorted */
};

static void edit_free(gpointer data)
{
    Edit *edit = data;
    g_free(edit->with);
    g_free(edit);
}

/* By their beginnings; at one place insertions come before a replacement. */
static gint compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const Edit *one = a, *other = b;
    if (one->start != other->start)
        return one->start < other->start ? -1 : 1;
    return (one->end > one->start) - (other->end > other->start);
}

HgSqlSplice *hg_sql_splice_new(HgSlice text)
{
    HgSqlSplice *splice = g_new0(HgSqlSplice, 1);
    splice->text = text;
    splice->edits = g_sequence_new(edit_free);
    return splice;
}

/* TRUE when the edit fits between those that would be beside it. */
static gboolean fits(GSequenceIter *place, const Edit *edit)
{
    if (!g_sequence_iter_is_begin(place)) {
        const Edit *before = g_sequence_get(g_sequence_iter_prev(place));
        if (before->end > edit->start || (before->start == edit->start &&
                                          before->end > before->start && edit->end > edit->start))
            return FALSE;
    }
    if (g_sequence_iter_is_end(place))
        return TRUE;
    const Edit *after = g_sequence_get(place);
    return after->start >= edit->end;
}

gboolean hg_sql_splice_replace(HgSqlSplice *splice, gsize start, gsize end, const char *with)
{
    if (start > end || end > splice->text.size)
        return FALSE;
    Edit probe = {.start = start, .end = end};
    GSequenceIter *place = g_sequence_search(splice->edits, &probe, compare, NULL);
    if (!fits(place, &probe))
        return FALSE;
    Edit *edit = g_new0(Edit, 1);
    *edit = probe;
    edit->with = g_strdup(with);
    g_sequence_insert_before(place, edit);
    return TRUE;
}

char *hg_sql_splice_text(const HgSqlSplice *splice, gsize *size)
{
    GString *out = g_string_sized_new(splice->text.size + 64);
    const char *text = (const char *)splice->text.data;
    gsize at = 0;
    GSequenceIter *iter = g_sequence_get_begin_iter(splice->edits);
    for (; !g_sequence_iter_is_end(iter); iter = g_sequence_iter_next(iter)) {
        const Edit *edit = g_sequence_get(iter);
        g_string_append_len(out, text + at, (gssize)(edit->start - at));
        g_string_append(out, edit->with);
        at = edit->end;
    }
    if (splice->text.size > at)
        g_string_append_len(out, text + at, (gssize)(splice->text.size - at));
    *size = out->len;
    return g_string_free(out, FALSE);
}

void hg_sql_splice_free(HgSqlSplice *splice)
{
    if (splice == NULL)
        return;
    g_sequence_free(splice->edits);
    g_free(splice);
}
