/* Statements as hivegate prints them, for tests/sql: does Spark read the same in them?
 *
 * usage: sql-driver {3.5|4.0} < statements > texts, each ended by a NUL; an empty text for one that
 * is refused. One thread. */
#include "sql/parser.h"
#include "sql/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    HgSqlOptions options = {.engine = argc > 1 && strcmp(argv[1], "4.0") == 0 ? HG_SQL_SPARK_40
                                                                              : HG_SQL_SPARK_35};
    char *text = NULL;
    size_t room = 0;
    while (getdelim(&text, &room, '\0', stdin) > 0) {
        g_autoptr(HgSqlTree) tree = hg_sql_parse(hg_slice_from_string(text), &options, NULL);
        g_autofree char *printed = tree != NULL ? hg_sql_print(tree) : NULL;
        fputs(printed != NULL ? printed : "", stdout);
        putchar('\0');
    }
    free(text);
    return 0;
}
