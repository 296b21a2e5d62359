/* What nobody may do unless it is granted by name, covered or not: a shell in the shared JVM is
 * everybody's data. See analysis.h. */
#include "policy/analysis.h"
#include "policy/function.h"
#include "policy/name.h"
#include "policy/setting.h"
#include "sql/walk.h"

#include <string.h>

#define T(name) HG_SQL_TOKEN_##name

static gboolean need(HgAnalysis *analysis, guint32 token, guint capability, const char *what)
{
    return hg_subject_can(analysis->subject, capability) ||
           hg_analysis_refuse(analysis, token, "%s isn't allowed here; it needs the capability %s",
                              what, hg_capability_name(capability));
}

/* ---- kinds of statement ---- */

static gboolean check_kind(HgAnalysis *analysis, const HgSqlNode *node)
{
    switch ((HgSqlStatementKind)node->detail) {
    case HG_SQL_STATEMENT_ADD_RESOURCE:
    case HG_SQL_STATEMENT_LIST_RESOURCES:
        return need(analysis, node->first, HG_CAPABILITY_RESOURCES, "ADD or LIST of files");
    case HG_SQL_STATEMENT_CREATE_FUNCTION:
    case HG_SQL_STATEMENT_CREATE_TEMPORARY_FUNCTION:
    case HG_SQL_STATEMENT_DROP_FUNCTION:
    case HG_SQL_STATEMENT_DROP_TEMPORARY_FUNCTION:
        return need(analysis, node->first, HG_CAPABILITY_FUNCTIONS,
                    "making or dropping a function");
    case HG_SQL_STATEMENT_LOAD:
        return need(analysis, node->first, HG_CAPABILITY_LOAD, "LOAD DATA");
    case HG_SQL_STATEMENT_EXECUTE_IMMEDIATE:
    case HG_SQL_STATEMENT_SCRIPT:
        return need(analysis, node->first, HG_CAPABILITY_DYNAMIC_SQL, "running a text or a script");
    case HG_SQL_STATEMENT_CALL:
        return need(analysis, node->first, HG_CAPABILITY_PROCEDURES, "calling a procedure");
    case HG_SQL_STATEMENT_INSERT:
    case HG_SQL_STATEMENT_INSERT_DIRECTORY:
        return (node->flags & HG_SQL_FLAG_PATH) == 0 ||
               need(analysis, node->first, HG_CAPABILITY_DIRECTORIES, "writing into a directory");
    default:
        return (node->flags & HG_SQL_FLAG_PATH) == 0 ||
               need(analysis, node->first, HG_CAPABILITY_PATHS, "naming a path");
    }
}

/* Formats that are files of a table's own folder. */
static gboolean is_plain_format(HgSlice word)
{
    static const char *const formats[] = {"parquet", "orc",     "csv",  "json", "text",
                                          "avro",    "iceberg", "hive", "delta"};
    g_autofree char *folded = g_ascii_strdown((const char *)word.data, (gssize)word.size);
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i], folded) == 0)
            return TRUE;
    return FALSE;
}

/* A source that a table is made from: USING x, OPTIONS, classes. */
static gboolean check_source(HgAnalysis *analysis, const HgSqlNode *node)
{
    guint32 end = node->end;
    for (const HgSqlNode *child = node->child; child != NULL; child = child->next)
        if (child->kind == HG_SQL_NODE_QUERY)
            end = MIN(end, child->first);
    for (guint32 i = node->first; i < end; i++) {
        guint kind = hg_analysis_kind_at(analysis, i), next = hg_analysis_kind_at(analysis, i + 1);
        gboolean named = kind == T(USING) && i + 1 < end && next != T(LEFT_PAREN);
        gboolean wrong = (kind == T(OPTIONS) && next == T(LEFT_PAREN)) ||
                         (kind == T(SERDE) && next == T(STRING_LITERAL)) ||
                         kind == T(SERDEPROPERTIES) || /* where a table's files are is one */
                         kind == T(INPUTFORMAT) || (kind == T(STORED) && next == T(BY)) ||
                         (named && (!is_plain_format(hg_analysis_token(analysis, i + 1)) ||
                                    hg_analysis_kind_at(analysis, i + 2) == T(DOT)));
        if (wrong && !need(analysis, i, HG_CAPABILITY_DATA_SOURCES, "naming a data source"))
            return FALSE;
    }
    return TRUE;
}

static gboolean makes_table(HgSqlStatementKind kind)
{
    switch (kind) {
    case HG_SQL_STATEMENT_CREATE_TABLE:
    case HG_SQL_STATEMENT_CREATE_TABLE_AS:
    case HG_SQL_STATEMENT_CREATE_TABLE_LIKE:
    case HG_SQL_STATEMENT_REPLACE_TABLE:
    case HG_SQL_STATEMENT_REPLACE_TABLE_AS:
    case HG_SQL_STATEMENT_CREATE_TEMPORARY_VIEW:
    case HG_SQL_STATEMENT_ALTER_TABLE:
    case HG_SQL_STATEMENT_INSERT_DIRECTORY:
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean check_setting(HgAnalysis *analysis, const HgSqlNode *node)
{
    gboolean writes = FALSE;
    g_autofree char *key = hg_analysis_set_key(analysis, &writes);
    if (!writes || key == NULL)
        return TRUE;
    if (hg_policy_is_quoting(key))
        return need(analysis, node->first, HG_CAPABILITY_DYNAMIC_SQL,
                    "setting what double quotes mean");
    if (!g_str_has_prefix(key, "spark.sql.catalog.") &&
        strcmp(key, "spark.sql.defaultcatalog") != 0)
        return TRUE;
    return need(analysis, node->first, HG_CAPABILITY_CATALOGS, "setting a catalog");
}

static gboolean check_statement(HgAnalysis *analysis, const HgSqlNode *node)
{
    if (!check_kind(analysis, node))
        return FALSE;
    if ((node->flags & HG_SQL_FLAG_GLOBAL) != 0 &&
        !need(analysis, node->first, HG_CAPABILITY_GLOBAL_VIEWS, "a global temporary view"))
        return FALSE;
    if (makes_table((HgSqlStatementKind)node->detail) && !check_source(analysis, node))
        return FALSE;
    return node->detail != HG_SQL_STATEMENT_SET || check_setting(analysis, node);
}

/* ---- names ---- */

/* TRUE for a name of two parts that is a path behind a format, whatever databases there are. */
static gboolean is_path(const HgAnalysis *analysis, const char *first, const char *second)
{
    static const char *const formats[] = {
        "parquet", "orc",    "csv", "json",    "text", "avro", "delta", "jdbc",  "binaryfile",
        "image",   "libsvm", "xml", "iceberg", "hive", "noop", "rate",  "socket"};
    g_autofree char *folded = hg_policy_fold(first);
    const char *current = analysis->session->catalog;
    if (hg_schemas_has_database(hg_subject_schemas(analysis->subject),
                                current != NULL ? current : HG_POLICY_SESSION_CATALOG, folded))
        return FALSE;
    if (strchr(folded, '.') != NULL || strpbrk(second, "/:\\") != NULL)
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i], folded) == 0)
            return TRUE;
    return FALSE;
}

static gboolean check_table_name(HgAnalysis *analysis, const HgSqlReference *reference)
{
    const HgSqlNode *name = reference->name;
    gboolean computed = (name->flags & HG_SQL_FLAG_DYNAMIC) != 0;
    if (computed || name->end == name->first + 3) {
        g_auto(GStrv) parts = hg_sql_reference_parts(analysis->tree, reference, NULL);
        if (parts == NULL)
            return need(analysis, name->first, HG_CAPABILITY_DYNAMIC_SQL,
                        "a name that is computed");
        if (g_strv_length(parts) == 2 && is_path(analysis, parts[0], parts[1]) &&
            !need(analysis, name->first, HG_CAPABILITY_PATHS,
                  "reading or writing a path as a table"))
            return FALSE;
    }
    return hg_analysis_kind_at(analysis, name->end) != T(WITH) ||
           hg_analysis_kind_at(analysis, name->end + 1) != T(LEFT_PAREN) ||
           need(analysis, name->end, HG_CAPABILITY_DATA_SOURCES, "options of a table");
}

static gboolean check_function_name(HgAnalysis *analysis, const HgSqlNode *name)
{
    if ((name->flags & HG_SQL_FLAG_DYNAMIC) != 0)
        return need(analysis, name->first, HG_CAPABILITY_DYNAMIC_SQL,
                    "a function whose name is computed");
    HgSlice last = hg_analysis_token(analysis, name->end - 1);
    if (last.size > 2 && (last.data[0] == '`' || last.data[0] == '"'))
        last = hg_slice(last.data + 1, last.size - 2);
    if (hg_function_kind(last) != HG_FUNCTION_REFLECT)
        return TRUE;
    return need(analysis, name->first, HG_CAPABILITY_REFLECT, "calling methods of the JVM");
}

static gboolean check_name(HgAnalysis *analysis, const HgSqlReference *reference)
{
    switch (reference->role) {
    case HG_SQL_ROLE_READ:
    case HG_SQL_ROLE_WRITE:
    case HG_SQL_ROLE_CHANGE:
    case HG_SQL_ROLE_OBJECT:
        return check_table_name(analysis, reference);
    case HG_SQL_ROLE_FUNCTION:
        return check_function_name(analysis, reference->name);
    default:
        return TRUE;
    }
}

static HgSqlWalk check_node(const HgSqlNode *node, gpointer data)
{
    HgAnalysis *analysis = data;
    gboolean good = TRUE;
    if (node->kind == HG_SQL_NODE_STATEMENT)
        good = check_statement(analysis, node);
    else if (node->kind == HG_SQL_NODE_TRANSFORM)
        good = need(analysis, node->first, HG_CAPABILITY_TRANSFORM, "running a script");
    return good ? HG_SQL_WALK_CONTINUE : HG_SQL_WALK_ABORT;
}

gboolean hg_analysis_dangers(HgAnalysis *analysis)
{
    const HgSqlNode *whole = hg_sql_tree_root(analysis->tree);
    /* without such words only EXPLAIN and scripts hold more than one statement, directly */
    gboolean nested = whole->child != NULL && whole->child->kind == HG_SQL_NODE_STATEMENT;
    gboolean script = whole->detail == HG_SQL_STATEMENT_SCRIPT;
    if (!nested && !script && (analysis->seen & HG_SEEN_SCRIPT) == 0) {
        if (!check_statement(analysis, whole))
            return FALSE;
    } else if (!hg_sql_walk(whole, check_node, NULL, analysis)) {
        return FALSE;
    }
    for (gsize i = 0; i < hg_sql_scope_count(analysis->scope); i++)
        if (!check_name(analysis, hg_sql_scope_at(analysis->scope, i)))
            return FALSE;
    return TRUE;
}

/* ---- a text that can't be read ---- */

/* Words that stand in everything dangerous. */
static gboolean is_dangerous_word(guint kind)
{
    switch (kind) {
    case T(TRANSFORM):
    case T(MAP):
    case T(REDUCE):
    case T(ADD):
    case T(LIST):
    case T(FUNCTION):
    case T(LOAD):
    case T(LOCATION):
    case T(DIRECTORY):
    case T(OPTIONS):
    case T(GLOBAL):
    case T(EXECUTE):
    case T(CALL):
    case T(BEGIN):
    case T(SERDE):
    case T(INPUTFORMAT):
    case T(VIEW):
    case T(IDENTIFIER_KW):
    case T(SET):
        return TRUE;
    default:
        return FALSE;
    }
}

/* Strings in double quotes are names where an endpoint's configuration says so. */
static gboolean is_quoted(guint kind)
{
    return kind == T(BACKQUOTED_IDENTIFIER) || kind == T(DOUBLEQUOTED_STRING);
}

gboolean hg_analysis_unread_dangers(HgAnalysis *analysis)
{
    HgSqlLexer lexer;
    HgSqlToken token;
    guint before = T(EOF);
    hg_sql_lexer_init(&lexer, analysis->text, analysis->session->options.engine);
    while (hg_sql_lexer_next(&lexer, &token)) {
        HgSlice word = hg_slice(analysis->text.data + token.start, token.end - token.start);
        if (is_quoted(token.kind) && word.size >= 2)
            word = hg_slice(word.data + 1, word.size - 2);
        if (is_dangerous_word(token.kind) || (is_quoted(token.kind) && before == T(DOT)) ||
            hg_function_kind(word) == HG_FUNCTION_REFLECT) {
            guint line, column;
            hg_policy_locate(analysis->text.data, token.start, &line, &column);
            analysis->out->reason = g_strdup_printf(
                "line %u, column %u: the statement isn't understood, and this word in it could do "
                "what needs a capability",
                line, column);
            return FALSE;
        }
        before = token.kind;
    }
    return TRUE;
}
