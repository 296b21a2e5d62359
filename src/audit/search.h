/* Finding events, in a database and in what a spool has beyond it. Blocks; one thread. */
#pragma once

#include "audit/database.h"

/* What to find; NULL and 0 ask for anything. */
typedef struct {
    const char *user;  /* as principal or effective user */
    const char *table; /* read or written */
    const char *kind;
    const char *session;
    gint64 since_us; /* wall clock; 0: any time */
    gint64 until_us; /* 0: any time */
    guint most;      /* of the newest */
} HgSearch;

/* Called for each event found, oldest first, with its JSON text. */
typedef void (*HgSearchFound)(void *data, HgSlice event);

/* Searches the database. */
gboolean hg_search_database(HgDatabase *database, const HgSearch *search, HgSearchFound found,
                            void *data, GError **error);

/* Searches the spool in the folder: with a database (which may be NULL), only what it doesn't have
 * yet. */
gboolean hg_search_spool(const char *folder, HgDatabase *database, const HgSearch *search,
                         HgSearchFound found, void *data, GError **error);

/* TRUE when the event is one that is searched for. Pure. */
gboolean hg_search_matches(const HgSearch *search, HgSlice event);
