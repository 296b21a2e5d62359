/* Putting the policies of one table together: see access.h. Filters combine as in PostgreSQL: the
 * permissive ones are ORed, the restrictive ones ANDed to that, and without a permissive one there
 * is no row. */
#include "policy/access.h"

#include "policy/access_columns.h"
#include "policy/name.h"
#include "sql/print.h"

#include <string.h>

void hg_access_free(HgTableAccess *access)
{
    if (access == NULL)
        return;
    g_clear_pointer(&access->policies, g_ptr_array_unref);
    g_free(access->broken);
    g_free(access->shown);
    g_free(access->plain);
    g_free(access->head);
    g_free(access->filter);
    g_free(access);
}

static void break_access(HgTableAccess *access, const HgPolicy *policy, const char *why)
{
    if (access->broken == NULL)
        access->broken = g_strdup_printf("policy %s: %s", policy->name, why);
}

/* ---- actions ---- */

static void add_actions(HgTableAccess *access, const HgPolicySet *set)
{
    guint allow = 0, deny = 0;
    gboolean elsewhere;
    for (guint i = 0; i < access->policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(access->policies, i);
        hg_policy_covers(policy, access->table, &elsewhere);
        allow |= elsewhere ? 0 : policy->allow;
        deny |= policy->deny;
        access->refuse_copies |= policy->refuse_copies;
    }
    access->granted = allow & ~deny;
    access->actions =
        (hg_policy_set_default_allow(set) ? HG_ACTION_ALL & ~deny : 0) | access->granted;
}

/* ---- rows ---- */

/* Appends one filter; what can't be true for want of an attribute is FALSE. */
static void append_filter(HgTableAccess *access, const HgPolicy *policy,
                          const HgRendering *rendering, GString *out, const char *word)
{
    g_autoptr(GError) error = NULL;
    if (out->len > 0)
        g_string_append_printf(out, " %s ", word);
    g_string_append_c(out, '(');
    gsize start = out->len;
    switch (hg_expression_render(policy->filter, rendering, out, &error)) {
    case HG_RENDERED:
        break;
    case HG_RENDER_BROKEN:
        break_access(access, policy, error->message);
        G_GNUC_FALLTHROUGH;
    case HG_RENDER_DENIED:
        g_string_truncate(out, start);
        g_string_append(out, "FALSE");
        break;
    }
    g_string_append_c(out, ')');
}

static void add_filter(HgTableAccess *access, const HgRendering *rendering)
{
    g_autoptr(GString) permissive = g_string_new(NULL);
    g_autoptr(GString) restrictive = g_string_new(NULL);
    gboolean any = FALSE;
    for (guint i = 0; i < access->policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(access->policies, i);
        if (policy->filter == NULL)
            continue;
        any = TRUE;
        append_filter(access, policy, rendering, policy->restrictive ? restrictive : permissive,
                      policy->restrictive ? "AND" : "OR");
    }
    if (!any)
        return;
    if (permissive->len == 0)
        g_string_append(permissive, "FALSE");
    access->filter = restrictive->len == 0
                         ? g_strdup_printf("(%s)", permissive->str)
                         : g_strdup_printf("(%s) AND (%s)", permissive->str, restrictive->str);
}

/* ---- the derived table ---- */

static void append_name(GString *out, const char *name, gboolean *first)
{
    if (!*first)
        g_string_append(out, ", ");
    *first = FALSE;
    hg_sql_print_name(out, name);
}

static void build_head(HgTableAccess *access, const HgColumnAccess *columns)
{
    const HgTable *table = access->table;
    GString *out = g_string_new("(SELECT ");
    gboolean first = TRUE;
    for (guint i = 0; i < table->columns->len; i++)
        if (access->shown[i])
            append_name(out, g_array_index(table->columns, HgColumn, i).name, &first);
    g_string_append(out, " FROM (SELECT ");
    for (guint i = 0; i < table->columns->len; i++)
        if (access->shown[i])
            g_string_append_printf(out, "%s, ", columns[i].sql);
    g_string_append_printf(out, "monotonically_increasing_id() AS b_%c FROM ", HG_NONCE_MARK);
    const char *parts[] = {table->catalog, table->database, table->name};
    for (guint i = 0; i < 3; i++) {
        if (i > 0)
            g_string_append_c(out, '.');
        hg_sql_print_name(out, parts[i]);
    }
    access->room = out->len + 16 * 2 * table->columns->len + 256;
    access->head = g_string_free(out, FALSE);
}

static void add_columns(HgTableAccess *access, const HgPolicySet *set, const HgRendering *rendering)
{
    guint count = access->table->columns->len, shown = 0;
    g_autofree HgColumnAccess *columns = g_new0(HgColumnAccess, count + 1);
    const HgPolicy *guilty = NULL;
    g_autofree char *why =
        hg_access_columns(access->policies, rendering, hg_policy_set_key(set), columns, &guilty);
    if (why != NULL)
        break_access(access, guilty, why);
    for (guint i = 0; i < count; i++) {
        access->shown[i] = columns[i].shown;
        access->plain[i] = columns[i].shown && !columns[i].masked;
        access->limited |= !access->plain[i];
        shown += columns[i].shown;
    }
    access->limited |= access->filter != NULL;
    if (shown == 0 && (count > 0 || access->limited))
        access->actions &= ~(guint)HG_ACTION_SELECT;
    else if (access->limited && access->broken == NULL)
        build_head(access, columns);
    for (guint i = 0; i < count; i++)
        g_free(columns[i].sql);
}

HgTableAccess *hg_access_new(const HgPolicySet *set, const GPtrArray *policies,
                             const HgRendering *rendering)
{
    const HgTable *table = rendering->table;
    HgTableAccess *access = g_new0(HgTableAccess, 1);
    gboolean elsewhere;
    access->table = table;
    access->shown = g_new0(gboolean, table->columns->len + 1);
    access->plain = g_new0(gboolean, table->columns->len + 1);
    access->policies = g_ptr_array_new();
    for (guint i = 0; i < policies->len; i++) {
        HgPolicy *policy = g_ptr_array_index(policies, i);
        if (!hg_policy_covers(policy, table, &elsewhere))
            continue;
        g_ptr_array_add(access->policies, policy);
    }
    add_actions(access, set);
    add_filter(access, rendering);
    add_columns(access, set, rendering);
    return access;
}

gboolean hg_access_allows(const HgTableAccess *access, guint actions)
{
    return (access->actions & actions) == actions;
}

/* Appends a text with the nonce in the place of its marks. */
static void append_marked(GString *out, const char *text, const char *nonce)
{
    gsize size = strlen(nonce), at = out->len;
    guint marks = 0;
    for (const char *mark = text; (mark = strchr(mark, HG_NONCE_MARK)) != NULL; mark++)
        marks++;
    g_string_set_size(out, at + strlen(text) + size * marks); /* a mark more than is needed each */
    char *to = out->str + at;
    for (;;) {
        const char *mark = strchrnul(text, HG_NONCE_MARK);
        memcpy(to, text, (gsize)(mark - text));
        to += mark - text;
        if (*mark == '\0')
            break;
        memcpy(to, nonce, size);
        to += size;
        text = mark + 1;
    }
    g_string_truncate(out, (gsize)(to - out->str));
}

void hg_access_append(const HgTableAccess *access, GString *out, const char *nonce,
                      const char *travel, const char *copied)
{
    append_marked(out, access->head, nonce);
    if (*travel != '\0') {
        g_string_append_c(out, ' ');
        g_string_append(out, travel);
    }
    g_string_append(out, " AS p_");
    g_string_append(out, nonce);
    if (access->filter != NULL) {
        g_string_append(out, " WHERE ");
        append_marked(out, access->filter, nonce);
    }
    if (*copied != '\0') {
        g_string_append(out, access->filter != NULL ? " AND " : " WHERE ");
        append_marked(out, copied, nonce);
    }
    g_string_append(out, ") WHERE b_");
    g_string_append(out, nonce);
    g_string_append(out, " >= 0)");
}
