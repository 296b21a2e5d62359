/* Which tables a statement reads and writes, for the record: as far as its text tells.
 *
 * Views aren't looked into, and a name may mean a temporary view. Pure; any thread. */
#pragma once

#include "base/slice.h"

#define HG_TOUCHED_MOST                                                                            \
    (256 * 1024) /* bytes of a statement that are parsed; a longer one isn't                       \
                  */

typedef struct {
    GPtrArray *read;    /* of char *, NULL at the end: "database.table" in lower case, each once */
    GPtrArray *written; /* the same */
    char *use;          /* the database that a USE names; NULL: it is none */
} HgTouched;

/* Reads the statement; names without a database get `database` (NULL: they stay as they are). FALSE
 * when it can't be told: then there is nothing in *out. */
gboolean hg_touched_read(HgSlice statement, const char *database, HgTouched *out);

/* Frees what is in it. */
void hg_touched_clear(HgTouched *touched);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgTouched, hg_touched_clear)
