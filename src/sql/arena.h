/* Memory that is given out in pieces and taken back all at once. Pure; an arena belongs to one
 * thread.
 */
#pragma once

#include <glib.h>

typedef struct HgSqlArena HgSqlArena;

/* A new arena; its first block has room for `size` bytes. */
HgSqlArena *hg_sql_arena_new(gsize size);

/* `size` bytes, zeroed, aligned for any type; they live as long as the arena. */
void *hg_sql_arena_take(HgSqlArena *arena, gsize size);

/* Frees all that was taken; NULL does nothing. */
void hg_sql_arena_free(HgSqlArena *arena);
