/* What Spark's grammars know of each word: is it a keyword, and may it be a name all the same?
 *
 * The data is made by tools/sql_keywords.py from keywords.txt. Pure; any thread. */
#pragma once

#include "sql/token_kind.h"

#include <glib.h>

/* The length of the longest keyword. */
#define HG_SQL_KEYWORD_MAX 17

/* What a word is in each version. */
enum {
    HG_SQL_WORD_35 = 1 << 0,      /* a keyword of 3.5 */
    HG_SQL_NAME_35 = 1 << 1,      /* may be a name while ANSI's reserved words aren't enforced */
    HG_SQL_ANSI_NAME_35 = 1 << 2, /* may be a name even then */
    HG_SQL_JOIN_35 = 1 << 3,      /* a join or set word: a name, but no table alias */
    HG_SQL_WORD_40 = 1 << 4,      /* the same for 4.0 */
    HG_SQL_NAME_40 = 1 << 5,
    HG_SQL_ANSI_NAME_40 = 1 << 6,
    HG_SQL_JOIN_40 = 1 << 7,
};

/* One spelling of a keyword. */
typedef struct {
    const char *text; /* upper case */
    guint8 length;
    guint16 kind; /* HgSqlTokenKind */
} HgSqlKeyword;

/* The hash that the table is made with; `word` has at least one character. */
static inline guint hg_sql_keyword_hash(const char *word, gsize length)
{
    const guint8 *bytes = (const guint8 *)word;
    guint32 mixed = ((guint32)length * 0x9E3779B1u) ^ (bytes[0] * 0x85EBCA6Bu) ^
                    (bytes[length - 1] * 0xC2B2AE35u) ^ (bytes[length / 2] * 0x27D4EB2Fu) ^
                    (bytes[length > 1 ? 1 : 0] * 0x165667B1u);
    return mixed >> 15;
}

/* The keyword of this spelling, in upper case; NULL when it is none in any version. */
const HgSqlKeyword *hg_sql_keyword_find(const char *word, gsize length);

/* All spellings, for tests: how many, and each of them. */
gsize hg_sql_keyword_count(void);
const HgSqlKeyword *hg_sql_keyword_at(gsize index);

/* Spark's name of a kind. */
const char *hg_sql_token_name(HgSqlTokenKind kind);

/* What the word of this kind is (the flags above); 0 for what is no keyword. */
guint hg_sql_token_classes(HgSqlTokenKind kind);
