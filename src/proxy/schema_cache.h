/* What is known of the tables of each endpoint, for a while: their columns, or that there is none
 * of a name.
 *
 * What is learned is put into a new immutable picture of the endpoint, which whoever decides holds
 * on to. A statement that changes tables makes all of it forgotten. Any thread. */
#pragma once

#include "policy/schema.h"
#include "sql/lexer.h"

typedef struct HgSchemaCache HgSchemaCache;
typedef struct HgPicture HgPicture;

/* What was learned of one name; all texts are owned by whoever has the struct. */
typedef struct {
    char *key;          /* folded: catalog.database.name */
    GPtrArray *columns; /* NULL: there is no such table. Names and types in turns (char *) */
    gboolean is_view;
    guint64 generation; /* of the cache when it was asked for */
} HgLearnt;

void hg_learnt_free(HgLearnt *learnt);

/* `ttl`: ms for which it is believed; `most`: tables that are remembered of an endpoint. */
HgSchemaCache *hg_schema_cache_new(guint ttl, guint most);
void hg_schema_cache_free(HgSchemaCache *cache);

/* The picture of an endpoint, with what was learned lately, which may be nothing; the caller's
 * reference. */
HgPicture *hg_schema_cache_picture(HgSchemaCache *cache, const char *endpoint);

/* Goes up whenever all is forgotten. */
guint64 hg_schema_cache_generation(HgSchemaCache *cache);

/* Adds what was learned (of HgLearnt, taken), and the version of the engine when it was asked for
 * (NULL: it wasn't). What was asked for before all was forgotten is thrown away. */
void hg_schema_cache_learn(HgSchemaCache *cache, const char *endpoint, GPtrArray *take_learnt,
                           const char *engine);

/* Forgets all tables: one may have changed. */
void hg_schema_cache_forget(HgSchemaCache *cache);

/* Forgets these tables (of char *: keys) of one endpoint: somebody else may have changed one. Those
 * that were learned within the last second stay: asking again would hardly tell more, and who makes
 * errors all the time is no reason to do so. */
void hg_schema_cache_forget_tables(HgSchemaCache *cache, const char *endpoint,
                                   const GPtrArray *keys);

void hg_picture_unref(HgPicture *picture); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPicture, hg_picture_unref)

const HgSchemas *hg_picture_schemas(const HgPicture *picture);
const GHashTable *hg_picture_absent(const HgPicture *picture); /* keys of what is no table */

/* What texts the endpoint reads. */
typedef enum {
    HG_ENGINE_UNASKED, /* not known yet */
    HG_ENGINE_SPARK,   /* *out says which */
    HG_ENGINE_OTHER,   /* one whose texts hivegate can't read */
} HgEngineState;
HgEngineState hg_picture_engine(const HgPicture *picture, HgSqlEngine *out);
