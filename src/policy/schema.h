/* The tables that are known, with their columns: what names are resolved against.
 *
 * Filled once, then immutable and read by any thread. Pure. */
#pragma once

#include "policy/type.h"

/* A column, in the table's order. */
typedef struct {
    char *name;
    char *folded; /* as names are compared */
    HgType *type; /* NULL when its text isn't understood */
} HgColumn;

/* A table or view. */
typedef struct {
    char *catalog;
    char *database;
    char *name;
    char *key;       /* folded: catalog.database.name */
    char **folded;   /* the three parts, folded */
    GArray *columns; /* of HgColumn */
    GHashTable
        *by_name;     /* folded name of a column -> its place, from 1; the keys are the columns' */
    gboolean is_view; /* its text is somebody else's, and not known here */
} HgTable;

typedef struct HgSchemas HgSchemas;

HgSchemas *hg_schemas_new(void);

/* Adds a table. The parts are of a name like catalog.database.name, or database.name in Spark's own
 * catalog. NULL with *error when the name isn't one, or the table is there already. Borrowed. */
HgTable *hg_schemas_add(HgSchemas *schemas, const char *name, GError **error);

/* A table that isn't known, for questions about its name: it has no columns. Owned by the caller.
 */
HgTable *hg_table_new(const char *catalog, const char *database, const char *name);
void hg_table_free(HgTable *table);

/* Adds a column behind those that the table has. FALSE with *error when it has one of that name. */
gboolean hg_schemas_add_column(HgTable *table, const char *name, const char *type, GError **error);

/* The table of this key (folded catalog.database.name); NULL when none is known. */
const HgTable *hg_schemas_find(const HgSchemas *schemas, const char *key);

/* TRUE when a table of that catalog, or of that database in it, is known; both folded. The session
 * catalog always is. */
gboolean hg_schemas_has_catalog(const HgSchemas *schemas, const char *catalog);
gboolean hg_schemas_has_database(const HgSchemas *schemas, const char *catalog,
                                 const char *database);

/* All tables, in the order in which they came. */
guint hg_schemas_count(const HgSchemas *schemas);
const HgTable *hg_schemas_nth(const HgSchemas *schemas, guint index);

/* The column's place by its folded name; -1 when there is none. */
int hg_table_column(const HgTable *table, const char *folded);

/* NULL does nothing. */
void hg_schemas_free(HgSchemas *schemas);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSchemas, hg_schemas_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTable, hg_table_free)
