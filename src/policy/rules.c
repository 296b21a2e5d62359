/* What a covered user may do with the tables that a statement names: see analysis.h. */
#include "policy/analysis.h"

#define T(name) HG_SQL_TOKEN_##name

/* A table that may not be read looks as if it weren't there, whatever is tried with it. */
static gboolean deny(HgAnalysis *analysis, const HgUse *use, const char *why)
{
    g_autofree char *text = hg_analysis_text(analysis, use->name);
    if (!hg_access_allows(use->access, HG_ACTION_SELECT))
        return hg_analysis_refuse(analysis, use->name->first, "no table or view %s is known here",
                                  text);
    return hg_analysis_refuse(analysis, use->name->first, "%s: %s", text, why);
}

/* TRUE when the name follows OVERWRITE: what is there is lost. */
static gboolean overwrites(const HgAnalysis *analysis, const HgSqlNode *name)
{
    guint32 at = name->first;
    if (at > 0 && hg_analysis_kind_at(analysis, at - 1) == T(TABLE))
        at--;
    return at > 0 && hg_analysis_kind_at(analysis, at - 1) == T(OVERWRITE);
}

/* What each kind of statement does to the table that it changes. */
static guint action_of(const HgAnalysis *analysis, const HgUse *use)
{
    switch (analysis->kind) {
    case HG_SQL_STATEMENT_INSERT:
        if (use->role == HG_SQL_ROLE_CHANGE)
            return HG_ACTION_INSERT | HG_ACTION_DELETE;
        return overwrites(analysis, use->name) ? HG_ACTION_INSERT | HG_ACTION_DELETE
                                               : HG_ACTION_INSERT;
    case HG_SQL_STATEMENT_LOAD:
        return HG_ACTION_INSERT | HG_ACTION_DELETE;
    case HG_SQL_STATEMENT_DELETE:
    case HG_SQL_STATEMENT_TRUNCATE:
        return HG_ACTION_DELETE;
    case HG_SQL_STATEMENT_UPDATE:
        return HG_ACTION_UPDATE;
    case HG_SQL_STATEMENT_MERGE:
        return HG_ACTION_WRITE;
    case HG_SQL_STATEMENT_CREATE_TABLE:
    case HG_SQL_STATEMENT_CREATE_TABLE_AS:
    case HG_SQL_STATEMENT_CREATE_VIEW:
        return HG_ACTION_CREATE;
    case HG_SQL_STATEMENT_REPLACE_TABLE:
    case HG_SQL_STATEMENT_REPLACE_TABLE_AS:
        return HG_ACTION_CREATE | HG_ACTION_DROP;
    case HG_SQL_STATEMENT_DROP_TABLE:
    case HG_SQL_STATEMENT_DROP_VIEW:
        return HG_ACTION_DROP;
    default:
        return HG_ACTION_ALTER;
    }
}

/* TRUE when the name may be one that nothing has yet. */
static gboolean may_be_new(const HgAnalysis *analysis, const HgUse *use, guint action)
{
    guint before = use->name->first > 0 ? hg_analysis_kind_at(analysis, use->name->first - 1) : 0;
    return (action & HG_ACTION_CREATE) != 0 || before == T(EXISTS) || before == T(TO) ||
           analysis->kind == HG_SQL_STATEMENT_CREATE_TABLE_LIKE;
}

gboolean hg_analysis_is_made_up(const HgAnalysis *analysis, const HgUse *use)
{
    const HgSchemas *schemas = hg_subject_schemas(analysis->subject);
    return hg_schemas_find(schemas, use->table->key) != use->table;
}

/* Statements that change a table must be allowed, and may not touch what is limited: who sees a
 * part of a table only would change what he can't see. */
static gboolean check_change(HgAnalysis *analysis, const HgUse *use)
{
    guint action = action_of(analysis, use);
    const HgPolicySet *set = hg_subject_set(analysis->subject);
    gboolean made_up = hg_analysis_is_made_up(analysis, use);
    gboolean granted = (use->access->granted & action) == action;
    /* a policy may be waiting for a table of this name */
    gboolean limited =
        use->access->limited || (made_up && !granted && hg_policy_set_protects(set, use->table));
    gboolean append = action == HG_ACTION_INSERT && granted;
    if (made_up && !may_be_new(analysis, use, action)) {
        g_autofree char *text = hg_analysis_text(analysis, use->name);
        return hg_analysis_refuse(analysis, use->name->first, "no table or view %s is known here",
                                  text);
    }
    if (!hg_access_allows(use->access, action))
        return deny(analysis, use, "you may not change this table");
    if (limited && !append)
        return deny(analysis, use,
                    "a policy limits what you see of this table, so you may not change it");
    if (hg_policy_set_reads(set, use->table))
        return deny(analysis, use, "policies read this table, so you may not change it");
    return TRUE;
}

/* Statements that show or keep a table as it is stored. */
static gboolean check_whole(HgAnalysis *analysis, const HgUse *use)
{
    if (!hg_access_allows(use->access, HG_ACTION_SELECT))
        return deny(analysis, use, "you may not read this table");
    return !use->access->limited ||
           deny(analysis, use,
                "a policy limits what you see of this table, so this isn't possible with it");
}

static gboolean changes(HgSqlStatementKind kind)
{
    switch (kind) {
    case HG_SQL_STATEMENT_INSERT:
    case HG_SQL_STATEMENT_INSERT_DIRECTORY:
    case HG_SQL_STATEMENT_DELETE:
    case HG_SQL_STATEMENT_UPDATE:
    case HG_SQL_STATEMENT_MERGE:
    case HG_SQL_STATEMENT_CREATE_TABLE_AS:
    case HG_SQL_STATEMENT_REPLACE_TABLE_AS:
    case HG_SQL_STATEMENT_CREATE_VIEW:
    case HG_SQL_STATEMENT_ALTER_VIEW:
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean check_read(HgAnalysis *analysis, const HgUse *use)
{
    if (use->access->limited && use->access->refuse_copies && changes(analysis->kind))
        return deny(analysis, use, "a policy allows no copies of this table");
    return TRUE;
}

/* The first name is what is made; CREATE TABLE ... LIKE names another behind it. */
static gboolean is_like_source(const HgAnalysis *analysis, const HgUse *use)
{
    return analysis->kind == HG_SQL_STATEMENT_CREATE_TABLE_LIKE &&
           hg_analysis_kind_at(analysis, use->name->first - 1) == T(LIKE);
}

static gboolean check_object(HgAnalysis *analysis, const HgUse *use)
{
    switch (analysis->kind) {
    case HG_SQL_STATEMENT_SHOW:
    case HG_SQL_STATEMENT_DESCRIBE:
        return TRUE; /* rules_show.c */
    case HG_SQL_STATEMENT_REFRESH:
        return hg_access_allows(use->access, HG_ACTION_SELECT) ||
               deny(analysis, use, "you may not read this table");
    default:
        return is_like_source(analysis, use) ? check_whole(analysis, use)
                                             : check_change(analysis, use);
    }
}

static gboolean check_use(HgAnalysis *analysis, const HgUse *use)
{
    if (use->access == NULL)
        return TRUE;
    switch (use->role) {
    case HG_SQL_ROLE_READ:
        if (analysis->kind == HG_SQL_STATEMENT_UNCACHE ||
            (analysis->kind == HG_SQL_STATEMENT_CACHE && use->relation == analysis->root))
            return check_whole(analysis, use);
        return check_read(analysis, use);
    case HG_SQL_ROLE_WRITE:
    case HG_SQL_ROLE_CHANGE:
        return check_change(analysis, use);
    case HG_SQL_ROLE_OBJECT:
        return check_object(analysis, use);
    default:
        return TRUE;
    }
}

static gboolean any_limited(const HgAnalysis *analysis)
{
    for (guint i = 0; i < analysis->uses->len; i++) {
        const HgUse *use = &g_array_index(analysis->uses, HgUse, i);
        if (use->access != NULL && use->access->limited)
            return TRUE;
    }
    return FALSE;
}

/* Kinds that touch more than the tables that they name. */
static gboolean check_kind(HgAnalysis *analysis)
{
    switch (analysis->kind) {
    case HG_SQL_STATEMENT_CREATE_NAMESPACE:
    case HG_SQL_STATEMENT_ALTER_NAMESPACE:
    case HG_SQL_STATEMENT_DROP_NAMESPACE:
        return hg_analysis_refuse(analysis, analysis->root->first,
                                  "databases are made, altered and dropped only by users whom no "
                                  "policy limits");
    case HG_SQL_STATEMENT_EXECUTE_IMMEDIATE:
    case HG_SQL_STATEMENT_SCRIPT:
    case HG_SQL_STATEMENT_UNKNOWN:
        return hg_analysis_refuse(analysis, analysis->root->first, "what this does can't be known");
    case HG_SQL_STATEMENT_ANALYZE:
    case HG_SQL_STATEMENT_COMMENT:
        return analysis->uses->len > 0 ||
               hg_analysis_refuse(analysis, analysis->root->first,
                                  "this touches all tables of a database; name one table");
    case HG_SQL_STATEMENT_SET:
    case HG_SQL_STATEMENT_RESET:
        return hg_analysis_set_rules(analysis);
    case HG_SQL_STATEMENT_USE:
        return hg_analysis_use_rules(analysis);
    case HG_SQL_STATEMENT_SHOW:
        return hg_analysis_show_rules(analysis);
    case HG_SQL_STATEMENT_DESCRIBE:
        return hg_analysis_describe_rules(analysis);
    case HG_SQL_STATEMENT_CREATE_VIEW:
    case HG_SQL_STATEMENT_ALTER_VIEW:
        return !any_limited(analysis) || hg_subject_can(analysis->subject, HG_CAPABILITY_VIEWS) ||
               hg_analysis_refuse(analysis, analysis->root->first,
                                  "a view over a protected table isn't allowed here; it needs the "
                                  "capability views");
    default:
        return TRUE;
    }
}

gboolean hg_analysis_rules(HgAnalysis *analysis)
{
    const HgSqlNode *whole = hg_sql_tree_root(analysis->tree);
    for (guint i = 0; i < analysis->uses->len; i++)
        if (!check_use(analysis, &g_array_index(analysis->uses, HgUse, i)))
            return FALSE;
    if (whole->detail == HG_SQL_STATEMENT_EXPLAIN && any_limited(analysis) &&
        !hg_subject_can(analysis->subject, HG_CAPABILITY_EXPLAIN))
        return hg_analysis_refuse(analysis, whole->first,
                                  "EXPLAIN of a protected table shows more than you may see; it "
                                  "needs the capability explain");
    return check_kind(analysis);
}

gboolean hg_analysis_view_rules(HgAnalysis *analysis)
{
    const HgPolicySet *set = hg_subject_set(analysis->subject);
    gboolean view = analysis->kind == HG_SQL_STATEMENT_CREATE_VIEW ||
                    analysis->kind == HG_SQL_STATEMENT_ALTER_VIEW ||
                    (analysis->root->flags & HG_SQL_FLAG_GLOBAL) != 0;
    if (!view || hg_subject_can(analysis->subject, HG_CAPABILITY_VIEWS))
        return TRUE;
    if (!hg_analysis_resolve(analysis))
        return FALSE;
    for (guint i = 0; i < analysis->uses->len; i++) {
        const HgUse *use = &g_array_index(analysis->uses, HgUse, i);
        if (use->table != NULL && use->role == HG_SQL_ROLE_READ &&
            (use->table->is_view || hg_policy_set_protects(set, use->table)))
            return deny(analysis, use,
                        "a view over a protected table isn't allowed here; it needs the "
                        "capability views");
    }
    return TRUE;
}
