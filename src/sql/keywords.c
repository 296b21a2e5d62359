/* Looking up keywords in the tables that tools/sql_keywords.py makes: see keywords.h. Constant
 * data; any thread. */
#include "sql/keywords.h"

#include "sql/keywords_data.h"

#include <string.h>

gsize hg_sql_keyword_count(void)
{
    return G_N_ELEMENTS(rows);
}

const HgSqlKeyword *hg_sql_keyword_at(gsize index)
{
    return &rows[index];
}

const HgSqlKeyword *hg_sql_keyword_find(const char *word, gsize length)
{
    if (length == 0 || length > HG_SQL_KEYWORD_MAX)
        return NULL;
    guint slot = hg_sql_keyword_hash(word, length) % G_N_ELEMENTS(slots);
    for (; slots[slot] != 0; slot = (slot + 1) % G_N_ELEMENTS(slots)) {
        const HgSqlKeyword *row = &rows[slots[slot] - 1];
        if (row->length == length && memcmp(row->text, word, length) == 0)
            return row;
    }
    return NULL;
}

const char *hg_sql_token_name(HgSqlTokenKind kind)
{
    return (gsize)kind < G_N_ELEMENTS(names) ? names[kind] : "?";
}

guint hg_sql_token_classes(HgSqlTokenKind kind)
{
    return (gsize)kind < G_N_ELEMENTS(classes) ? classes[kind] : 0;
}
