/* A chain of blocks, each larger than the last: see arena.h. Owns its blocks; one thread. */
#include "sql/arena.h"

#define ALIGNMENT 16

typedef struct Block Block;

struct Block {
    Block *before;
    gsize size;
    gsize used;
    gsize padding; /* keeps `bytes` aligned */
    guint8 bytes[];
};

struct HgSqlArena {
    Block *block; /* the newest */
};

static Block *block_new(gsize size, Block *before)
{
    Block *block = g_malloc0(sizeof *block + size);
    block->before = before;
    block->size = size;
    return block;
}

HgSqlArena *hg_sql_arena_new(gsize size)
{
    HgSqlArena *arena = g_new0(HgSqlArena, 1);
    arena->block = block_new(MAX(size, ALIGNMENT), NULL);
    return arena;
}

void *hg_sql_arena_take(HgSqlArena *arena, gsize size)
{
    size = (size + ALIGNMENT - 1) & ~(gsize)(ALIGNMENT - 1);
    if (size > arena->block->size - arena->block->used)
        arena->block = block_new(MAX(size, arena->block->size * 2), arena->block);
    void *bytes = arena->block->bytes + arena->block->used;
    arena->block->used += size;
    return bytes;
}

void hg_sql_arena_free(HgSqlArena *arena)
{
    if (arena == NULL)
        return;
    for (Block *block = arena->block; block != NULL;) {
        Block *before = block->before;
        g_free(block);
        block = before;
    }
    g_free(arena);
}
