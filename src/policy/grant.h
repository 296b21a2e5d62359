/* The names of what policies allow and deny: actions on tables, and capabilities that reach beyond
 * tables. Constant data; any thread. */
#pragma once

#include <glib.h>

/* What may be done with a table: bits. */
enum {
    HG_ACTION_SELECT = 1 << 0,
    HG_ACTION_INSERT = 1 << 1,
    HG_ACTION_UPDATE = 1 << 2,
    HG_ACTION_DELETE = 1 << 3,
    HG_ACTION_CREATE = 1 << 4,
    HG_ACTION_ALTER = 1 << 5,
    HG_ACTION_DROP = 1 << 6,
    HG_ACTION_WRITE = HG_ACTION_INSERT | HG_ACTION_UPDATE | HG_ACTION_DELETE,
    HG_ACTION_DDL = HG_ACTION_CREATE | HG_ACTION_ALTER | HG_ACTION_DROP,
    HG_ACTION_ALL = HG_ACTION_SELECT | HG_ACTION_WRITE | HG_ACTION_DDL,
};

/* What nobody may do unless it is granted: bits. */
enum {
    HG_CAPABILITY_TRANSFORM = 1 << 0,     /* scripts: TRANSFORM, MAP, REDUCE */
    HG_CAPABILITY_REFLECT = 1 << 1,       /* reflect, java_method: any method of the JVM */
    HG_CAPABILITY_RESOURCES = 1 << 2,     /* ADD JAR, ADD FILE, LIST */
    HG_CAPABILITY_FUNCTIONS = 1 << 3,     /* CREATE and DROP FUNCTION */
    HG_CAPABILITY_PATHS = 1 << 4,         /* tables that are paths, LOCATION */
    HG_CAPABILITY_DATA_SOURCES = 1 << 5,  /* OPTIONS of a data source, sources like jdbc */
    HG_CAPABILITY_LOAD = 1 << 6,          /* LOAD DATA */
    HG_CAPABILITY_DIRECTORIES = 1 << 7,   /* INSERT OVERWRITE DIRECTORY */
    HG_CAPABILITY_GLOBAL_VIEWS = 1 << 8,  /* global temporary views */
    HG_CAPABILITY_VIEWS = 1 << 9,         /* permanent views over protected tables */
    HG_CAPABILITY_CATALOGS = 1 << 10,     /* SET spark.sql.catalog... */
    HG_CAPABILITY_SUBSTITUTION = 1 << 11, /* ${...} in a text */
    HG_CAPABILITY_PROCEDURES = 1 << 12,   /* CALL */
    HG_CAPABILITY_DYNAMIC_SQL = 1 << 13, /* EXECUTE IMMEDIATE, scripts, IDENTIFIER() of functions */
    HG_CAPABILITY_EXPLAIN = 1 << 14,     /* EXPLAIN of protected tables: shows filters */
    HG_CAPABILITY_ALL = (1 << 15) - 1,
};

/* The bits of a name ("select", "write", "all"; "transform", "all"); 0 when there is none. */
guint hg_action_bits(const char *name);
guint hg_capability_bits(const char *name);

/* The name of one bit. */
const char *hg_action_name(guint bit);
const char *hg_capability_name(guint bit);

/* The n-th name; NULL behind the last. */
const char *hg_action_nth(gsize index);
const char *hg_capability_nth(gsize index);
