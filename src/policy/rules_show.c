/* SHOW and DESCRIBE for covered users: what would show more than they may know is refused, or
 * written as a question that doesn't. See analysis.h. */
#include "policy/analysis.h"
#include "policy/name.h"

#define T(name) HG_SQL_TOKEN_##name

static gboolean refuse(HgAnalysis *analysis, const char *what)
{
    return hg_analysis_refuse(analysis, analysis->root->first, "%s", what);
}

/* The only table that the statement names; NULL when there is none. */
static const HgUse *only_use(const HgAnalysis *analysis)
{
    return analysis->uses->len > 0 ? &g_array_index(analysis->uses, HgUse, 0) : NULL;
}

static gboolean hides_columns(const HgTableAccess *access)
{
    for (guint i = 0; i < access->table->columns->len; i++)
        if (!access->shown[i])
            return TRUE;
    return FALSE;
}

/* A table of which only names and types are shown. One that isn't known has no policies here,
 * whatever the endpoint finds under its name. */
static gboolean check_outline(HgAnalysis *analysis, const HgUse *use)
{
    g_autofree char *text = NULL;
    if (use == NULL || use->access == NULL)
        return TRUE;
    text = hg_analysis_text(analysis, use->name);
    if (hg_analysis_is_made_up(analysis, use) || !hg_access_allows(use->access, HG_ACTION_SELECT))
        return hg_analysis_refuse(analysis, use->name->first, "no table or view %s is known here",
                                  text);
    return TRUE;
}

/* The same of which more is shown: its place, its size, its partitions. */
static gboolean check_inside(HgAnalysis *analysis, const HgUse *use)
{
    if (!check_outline(analysis, use))
        return FALSE;
    return use == NULL || use->access == NULL || !use->access->limited ||
           refuse(analysis, "this shows more of a protected table than you may see");
}

gboolean hg_analysis_show_rules(HgAnalysis *analysis)
{
    const HgUse *use = only_use(analysis);
    switch (hg_analysis_kind_at(analysis, analysis->root->first + 1)) {
    case T(COLUMNS):
        if (!check_outline(analysis, use))
            return FALSE;
        if (hg_analysis_kind_at(analysis, use->name->end) == T(FROM) ||
            hg_analysis_kind_at(analysis, use->name->end) == T(IN))
            return refuse(analysis, "write SHOW COLUMNS IN database.table");
        return use->access == NULL || !hides_columns(use->access) ||
               refuse(analysis, "this shows columns that are hidden; use DESCRIBE");
    case T(PARTITIONS):
    case T(TBLPROPERTIES):
    case T(CREATE):
        return check_inside(analysis, use);
    case T(TABLE):
        return refuse(analysis, "SHOW TABLE EXTENDED shows where and how tables are stored");
    case T(TABLES):
    case T(VIEWS):
        return !hg_subject_misses_tables(analysis->subject) ||
               refuse(analysis, "this would list tables that are hidden from you");
    default: /* databases, functions, catalogs, what is current */
        return TRUE;
    }
}

/* DESCRIBE of a table with hidden columns, as a question for those that are there. */
static void describe_shown(HgAnalysis *analysis, const HgUse *use)
{
    const HgTable *table = use->table;
    GString *out = g_string_new("DESCRIBE QUERY SELECT ");
    gboolean first = TRUE;
    for (guint i = 0; i < table->columns->len; i++) {
        if (!use->access->shown[i])
            continue;
        if (!first)
            g_string_append(out, ", ");
        first = FALSE;
        hg_sql_print_name(out, g_array_index(table->columns, HgColumn, i).name);
    }
    const char *parts[] = {table->catalog, table->database, table->name};
    for (guint i = 0; i < 3; i++) {
        g_string_append(out, i == 0 ? " FROM " : ".");
        hg_sql_print_name(out, parts[i]);
    }
    hg_analysis_take_edit(analysis, analysis->root->first, analysis->root->end,
                          g_string_free(out, FALSE));
}

/* The word behind DESCRIBE and TABLE. */
static gboolean is_extended(const HgAnalysis *analysis, const HgUse *use)
{
    for (guint32 i = analysis->root->first + 1; i < use->name->first; i++) {
        guint kind = hg_analysis_kind_at(analysis, i);
        if (kind == T(EXTENDED) || kind == T(FORMATTED))
            return TRUE;
    }
    return FALSE;
}

gboolean hg_analysis_describe_rules(HgAnalysis *analysis)
{
    const HgUse *use = only_use(analysis);
    if (use == NULL || use->role != HG_SQL_ROLE_OBJECT)
        return TRUE; /* of a query, a function, a database */
    if (!check_outline(analysis, use))
        return FALSE;
    if (use->access == NULL)
        return TRUE;
    if (!use->access->limited)
        return TRUE;
    if (is_extended(analysis, use) || use->name->end != analysis->root->end)
        return refuse(analysis, "this shows more of a protected table than you may see; "
                                "DESCRIBE of the table alone is possible");
    if (hides_columns(use->access))
        describe_shown(analysis, use);
    return TRUE;
}
