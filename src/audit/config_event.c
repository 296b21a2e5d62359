/* Configurations as events: see config_event.h. Pure. */
#include "audit/config_event.h"

#define LINES_MAX 3000 /* of each text, between the common beginning and end */

struct HgConfigEvent {
    const char *what;
    HgSlice text;
    char *hash;
    char *difference; /* NULL: there was none before */
};

/* ---- difference ---- */

/* The lines without their ends: a new array of HgSlice. */
static GArray *lines_of(HgSlice text)
{
    GArray *lines = g_array_new(FALSE, FALSE, sizeof(HgSlice));
    while (text.size > 0) {
        const guint8 *end = memchr(text.data, '\n', text.size);
        gsize size = end != NULL ? (gsize)(end - text.data) : text.size;
        HgSlice line = hg_slice(text.data, size);
        g_array_append_val(lines, line);
        gsize taken = MIN(size + 1, text.size);
        text = hg_slice(text.data + taken, text.size - taken);
    }
    return lines;
}

static HgSlice line_at(const GArray *lines, guint number)
{
    return g_array_index(lines, HgSlice, number);
}

static void put(GString *out, char sign, HgSlice line)
{
    g_string_append_c(out, sign);
    g_string_append_len(out, (const char *)line.data, (gssize)line.size);
    g_string_append_c(out, '\n');
}

typedef struct {
    const GArray *before;
    const GArray *after;
    guint front; /* lines in common at the beginning */
    guint n, m;  /* lines between those and the ones in common at the end */
} Pair;

/* common[i * (m + 1) + j]: how many lines the rests from i and from j have in common, in order. */
static guint16 *count_common(const Pair *pair)
{
    gsize width = pair->m + 1;
    guint16 *common = g_new0(guint16, (pair->n + 1) * width);
    for (guint i = pair->n; i-- > 0;)
        for (guint j = pair->m; j-- > 0;) {
            gboolean same = hg_slice_equal(line_at(pair->before, pair->front + i),
                                           line_at(pair->after, pair->front + j));
            guint16 down = common[(i + 1) * width + j], right = common[i * width + j + 1];
            common[i * width + j] =
                same ? (guint16)(common[(i + 1) * width + j + 1] + 1) : MAX(down, right);
        }
    return common;
}

static void print_pair(const Pair *pair, GString *out)
{
    gsize width = pair->m + 1;
    gboolean small = pair->n <= LINES_MAX && pair->m <= LINES_MAX;
    g_autofree guint16 *common = small ? count_common(pair) : NULL;
    guint i = 0, j = 0;
    while (i < pair->n || j < pair->m) {
        HgSlice old = i < pair->n ? line_at(pair->before, pair->front + i) : hg_slice(NULL, 0);
        HgSlice new = j < pair->m ? line_at(pair->after, pair->front + j) : hg_slice(NULL, 0);
        if (small && i < pair->n && j < pair->m && hg_slice_equal(old, new)) {
            i++;
            j++;
        } else if (j == pair->m || (i < pair->n && (!small || common[(i + 1) * width + j] >=
                                                                  common[i * width + j + 1]))) {
            put(out, '-', old);
            i++;
        } else {
            put(out, '+', new);
            j++;
        }
    }
}

char *hg_config_difference(HgSlice before, HgSlice after)
{
    g_autoptr(GArray) old = lines_of(before);
    g_autoptr(GArray) new = lines_of(after);
    GString *out = g_string_new(NULL);
    Pair pair = {.before = old, .after = new, .n = old->len, .m = new->len};
    while (pair.n > 0 && pair.m > 0 &&
           hg_slice_equal(line_at(old, pair.front), line_at(new, pair.front))) {
        pair.front++;
        pair.n--;
        pair.m--;
    }
    while (pair.n > 0 && pair.m > 0 &&
           hg_slice_equal(line_at(old, pair.front + pair.n - 1),
                          line_at(new, pair.front + pair.m - 1))) {
        pair.n--;
        pair.m--;
    }
    print_pair(&pair, out);
    return g_string_free(out, FALSE);
}

/* ---- the event ---- */

HgConfigEvent *hg_config_event_new(const char *what, HgSlice text, const HgSlice *before)
{
    HgConfigEvent *event = g_new0(HgConfigEvent, 1);
    event->what = what;
    event->text = text;
    event->hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, text.data, text.size);
    event->difference = before != NULL ? hg_config_difference(*before, text) : NULL;
    return event;
}

void hg_config_event_free(HgConfigEvent *event)
{
    if (event == NULL)
        return;
    g_free(event->hash);
    g_free(event->difference);
    g_free(event);
}

void hg_config_event_fill(const HgConfigEvent *event, HgAuditEvent *out)
{
    hg_audit_event_init(out, HG_AUDIT_CONFIG_LOADED);
    out->call = hg_slice_from_string(event->what);
    out->content_hash = hg_slice_from_string(event->hash);
    out->content =
        hg_slice(event->text.size > 0 ? event->text.data : (const guint8 *)"", event->text.size);
    out->detail = hg_slice_from_string(event->difference);
}
