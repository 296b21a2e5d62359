/* Tests of sql/arena: pieces are aligned, zeroed, apart from each other. */
#include "sql/arena.h"
#include "suites.h"

#include <string.h>

START_TEST(gives_pieces)
{
    HgSqlArena *arena = hg_sql_arena_new(10);
    guint8 *before = NULL;
    for (gsize size = 1; size < 3000; size += 7) {
        guint8 *piece = hg_sql_arena_take(arena, size);
        HOLDS(((gsize)piece & 15) == 0);
        for (gsize i = 0; i < size; i++)
            HOLDS(piece[i] == 0);
        memset(piece, 0xff, size);
        HOLDS(piece != before);
        before = piece;
    }
    hg_sql_arena_free(arena);
    hg_sql_arena_free(NULL);
}
END_TEST

Suite *arena_suite(void)
{
    Suite *suite = suite_create("arena");
    TCase *tcase = tcase_create("arena");
    tcase_add_test(tcase, gives_pieces);
    suite_add_tcase(suite, tcase);
    return suite;
}
