/* Which table each name means, as Spark decides it: common table expressions, temporary views, then
 * the current catalog and database. What means nothing that is known is refused. See analysis.h. */
#include "policy/analysis.h"
#include "policy/name.h"

#include <string.h>

/* The same for a table that is hidden and one that isn't there: who asks can't tell. */
static gboolean refuse_unknown(HgAnalysis *analysis, const HgSqlNode *name)
{
    g_autofree char *text = hg_analysis_text(analysis, name);
    return hg_analysis_refuse(analysis, name->first, "no table or view %s is known here", text);
}

static gboolean is_temporary(const HgAnalysis *analysis, const char *folded)
{
    const char *const *views = analysis->session->temporary_views;
    return views != NULL && g_strv_contains(views, folded);
}

/* TRUE when tables of these roles have to be there; others may be about to be made. */
static gboolean must_exist(HgSqlRole role)
{
    return role == HG_SQL_ROLE_READ || role == HG_SQL_ROLE_CHANGE;
}

static void made_free(gpointer data)
{
    HgTableAccess *made = data;
    hg_table_free((HgTable *)made->table);
    hg_access_free(made);
}

/* A table that isn't known, kept by the decision. */
static const HgTable *make_up(HgAnalysis *analysis, const char *catalog, const char *database,
                              const char *name)
{
    GPtrArray **made = &analysis->out->made;
    HgTable *table = hg_table_new(catalog, database, name);
    if (*made == NULL)
        *made = g_ptr_array_new_with_free_func(made_free);
    g_ptr_array_add(*made, hg_subject_access_new(analysis->subject, table));
    return table;
}

/* What a table is to who asks; of one that was made up, too. */
static const HgTableAccess *access_of(HgAnalysis *analysis, const HgTable *table)
{
    const GPtrArray *made = analysis->out->made;
    for (guint i = 0; made != NULL && i < made->len; i++) {
        const HgTableAccess *access = g_ptr_array_index(made, i);
        if (access->table == table)
            return access;
    }
    return hg_subject_access(analysis->subject, table);
}

/* Notes a name of which the caller doesn't know yet whether it is a table's. */
static void note_missing(HgAnalysis *analysis, const char *key)
{
    const GHashTable *absent = analysis->session->absent;
    GPtrArray **missing = &analysis->out->missing;
    if (absent == NULL || g_hash_table_contains((GHashTable *)absent, key))
        return;
    if (*missing == NULL) {
        *missing = g_ptr_array_new_with_free_func(g_free);
        analysis->asked = g_hash_table_new(g_str_hash, g_str_equal);
    }
    if (g_hash_table_contains(analysis->asked, key))
        return;
    char *kept = g_strdup(key);
    g_ptr_array_add(*missing, kept);
    g_hash_table_add(analysis->asked, kept);
}

/* The table of a catalog, database and name; one that isn't known is made up, to be asked about by
 * its name alone. NULL when it is neither. */
static const HgTable *find(HgAnalysis *analysis, const HgSqlNode *name, const char *catalog,
                           const char *database, const char *table)
{
    const HgSchemas *schemas = hg_subject_schemas(analysis->subject);
    g_autofree char *written = g_strconcat(catalog, ".", database, ".", table, NULL);
    g_autofree char *key = hg_policy_fold(written);
    g_autofree char *folded = hg_policy_fold(catalog);
    gboolean plain =
        strchr(catalog, '.') == NULL && strchr(database, '.') == NULL && strchr(table, '.') == NULL;
    const HgTable *found = plain ? hg_schemas_find(schemas, key) : NULL;
    if (plain && found == NULL)
        note_missing(analysis, key);
    if (!plain || !hg_schemas_has_catalog(schemas, folded) || found != NULL ||
        must_exist((HgSqlRole)name->role))
        return found;
    return make_up(analysis, catalog, database, table);
}

/* The current catalog and database, for names that leave them out. */
static const char *current_catalog(const HgAnalysis *analysis)
{
    const char *catalog = analysis->session->catalog;
    return catalog != NULL ? catalog : HG_POLICY_SESSION_CATALOG;
}

static const char *current_database(const HgAnalysis *analysis)
{
    const char *database = analysis->session->database;
    return database != NULL ? database : "default";
}

/* Appends a word to a key, folded; FALSE when it has letters that take more than that. */
static gboolean append_folded(char *key, gsize room, gsize *size, const char *word)
{
    for (; *word != '\0'; word++) {
        if ((guchar)*word >= 0x80 || *size + 1 >= room)
            return FALSE;
        key[(*size)++] = hg_policy_lower(*word);
    }
    key[*size] = '\0';
    return TRUE;
}

/* The table of a name of one plain word, which most are: looked up without detours. NULL when it
 * has to be looked at more closely. */
static const HgTable *find_plain(HgAnalysis *analysis, const char *word)
{
    char key[256];
    gsize size = 0;
    if (analysis->session->temporary_views != NULL ||
        !append_folded(key, sizeof key, &size, current_catalog(analysis)) ||
        !append_folded(key, sizeof key, &size, ".") ||
        !append_folded(key, sizeof key, &size, current_database(analysis)) ||
        !append_folded(key, sizeof key, &size, ".") || !append_folded(key, sizeof key, &size, word))
        return NULL;
    return hg_schemas_find(hg_subject_schemas(analysis->subject), key);
}

/* The table of a name; NULL with *temporary for a temporary view, NULL without it for none. */
static const HgTable *lookup(HgAnalysis *analysis, const HgSqlNode *name, char *const *parts,
                             gboolean *temporary)
{
    const char *catalog = current_catalog(analysis);
    const char *database = current_database(analysis);
    const HgTable *plain = parts[1] == NULL ? find_plain(analysis, parts[0]) : NULL;
    if (plain != NULL)
        return plain;
    g_autofree char *first = hg_policy_fold(parts[0]);
    switch (g_strv_length((char **)parts)) {
    case 1:
        *temporary = is_temporary(analysis, first);
        return *temporary ? NULL : find(analysis, name, catalog, database, parts[0]);
    case 2:
        /* a catalog's name comes first: then there is no database, and nobody means that */
        if (hg_schemas_has_catalog(hg_subject_schemas(analysis->subject), first) ||
            strcmp(first, "global_temp") == 0)
            return NULL;
        return find(analysis, name, catalog, parts[0], parts[1]);
    case 3:
        return find(analysis, name, parts[0], parts[1], parts[2]);
    default:
        return NULL;
    }
}

static const HgSqlNode *owner_of(const HgSqlNode *node)
{
    while (node->parent != NULL && node->kind != HG_SQL_NODE_SELECT &&
           node->kind != HG_SQL_NODE_QUERY)
        node = node->parent;
    return node;
}

/* Refuses what can't be used by anybody now, and what is hidden. */
static gboolean check_access(HgAnalysis *analysis, const HgUse *use)
{
    g_autofree char *text = NULL;
    if (use->role == HG_SQL_ROLE_READ && !hg_access_allows(use->access, HG_ACTION_SELECT))
        return refuse_unknown(analysis, use->name);
    /* of a table that isn't known nothing can fit; rules.c says what may be made */
    gboolean unknown = use->table->columns->len == 0 && !must_exist(use->role) &&
                       !hg_subject_identity(analysis->subject)->groups_unknown;
    if (use->access->broken == NULL || unknown)
        return TRUE;
    text = hg_analysis_text(analysis, use->name);
    g_free(analysis->out->detail);
    analysis->out->detail = g_strdup_printf("%s: %s", use->table->key, use->access->broken);
    return hg_analysis_refuse(analysis, use->name->first,
                              "%s can't be used at present; who looks after the policies can say "
                              "why",
                              text);
}

static gboolean add_use(HgAnalysis *analysis, const HgSqlReference *reference, char *const *parts)
{
    gboolean temporary = FALSE;
    const HgSqlNode *name = reference->name, *alias = reference->alias;
    HgUse use = {.name = name,
                 .alias = alias,
                 .relation = name->parent,
                 .owner = owner_of(name->parent),
                 .role = reference->role};
    guint last = g_strv_length((char **)parts) - 1;
    if (reference->cte == NULL) {
        use.table = lookup(analysis, name, parts, &temporary);
        if (use.table == NULL && !temporary && analysis->out->missing != NULL) {
            analysis->unknown++;
            return TRUE; /* it is refused in the end, once all that is missing was noted */
        }
        if (use.table == NULL && !temporary)
            return refuse_unknown(analysis, name);
    }
    if (use.table != NULL)
        use.access = access_of(analysis, use.table);
    guint32 at = alias != NULL ? alias->first : 0;
    g_autofree char *called = alias != NULL ? hg_sql_tree_part(analysis->tree, alias, &at) : NULL;
    use.exposed = hg_policy_fold(alias != NULL ? called : parts[last]);
    g_array_append_val(analysis->uses, use);
    return use.access == NULL || check_access(analysis, &use);
}

/* Names whose meaning no table gives: of new temporary views, and of what CACHE makes. */
static gboolean is_own_name(const HgAnalysis *analysis, const HgSqlReference *reference)
{
    return reference->role == HG_SQL_ROLE_OBJECT &&
           (analysis->kind == HG_SQL_STATEMENT_CREATE_TEMPORARY_VIEW ||
            analysis->kind == HG_SQL_STATEMENT_CACHE);
}

/* TRUE for a name of one plain word that is read: nothing to unquote or compute. */
static gboolean is_plain_read(const HgAnalysis *analysis, const HgSqlReference *reference)
{
    const HgSqlNode *name = reference->name;
    return reference->role == HG_SQL_ROLE_READ && name->end == name->first + 1 &&
           hg_analysis_kind_at(analysis, name->first) == HG_SQL_TOKEN_IDENTIFIER;
}

static gboolean resolve_one(HgAnalysis *analysis, const HgSqlReference *reference)
{
    g_autoptr(GError) error = NULL;
    if (reference->role == HG_SQL_ROLE_NONE || reference->role == HG_SQL_ROLE_CTE ||
        reference->role == HG_SQL_ROLE_FUNCTION || reference->role == HG_SQL_ROLE_NAMESPACE)
        return TRUE;
    if (reference->role == HG_SQL_ROLE_VARIABLE || is_own_name(analysis, reference))
        return TRUE;
    if (is_plain_read(analysis, reference)) {
        g_autofree char *word =
            hg_policy_fold_slice(hg_analysis_token(analysis, reference->name->first));
        return add_use(analysis, reference, (char *const[]){word, NULL});
    }
    g_auto(GStrv) parts = hg_sql_reference_parts(analysis->tree, reference, &error);
    if (parts == NULL)
        return hg_analysis_refuse(analysis, reference->name->first, "%s", error->message);
    if (parts[0] == NULL)
        return refuse_unknown(analysis, reference->name);
    return add_use(analysis, reference, parts);
}

/* Nobody needs to look up what is missing from a statement that is refused anyway. */
static gboolean refuse_many(HgAnalysis *analysis, const HgSqlNode *name)
{
    g_clear_pointer(&analysis->asked, g_hash_table_unref);
    g_clear_pointer(&analysis->out->missing, g_ptr_array_unref);
    return hg_analysis_refuse(analysis, name->first, "the statement names too many tables");
}

/* TRUE when so much is missing that it makes no difference what else is. */
static gboolean misses_too_much(const HgAnalysis *analysis)
{
    const GPtrArray *missing = analysis->out->missing;
    return missing != NULL && missing->len > HG_POLICY_MAX_MISSING;
}

gboolean hg_analysis_resolve(HgAnalysis *analysis)
{
    const char *opaque = hg_sql_scope_opaque(analysis->scope);
    if (opaque != NULL)
        return hg_analysis_refuse(analysis, 0, "%s", opaque);
    for (gsize i = 0; i < hg_sql_scope_count(analysis->scope) && !misses_too_much(analysis); i++) {
        if (!resolve_one(analysis, hg_sql_scope_at(analysis->scope, i)))
            return FALSE;
        if (analysis->uses->len + analysis->unknown > HG_POLICY_MAX_USES)
            return refuse_many(analysis, hg_sql_scope_at(analysis->scope, i)->name);
    }
    return analysis->out->missing == NULL ||
           hg_analysis_refuse(analysis, 0, "the tables that it names aren't known yet");
}
