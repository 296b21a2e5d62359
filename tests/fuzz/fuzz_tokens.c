/* Fuzz target: the SQL lexer.
 *
 * Input: a text. Both versions read it; tokens follow each other, lie within the text, hold no
 * white space in front, and each, read alone, is itself. */
#include "fuzz.h"
#include "sql/keywords.h"
#include "sql/lexer.h"

/* A token alone reads the same, unless what was in front of it mattered: open complex types, or
 * what an unclosed quote or comment swallows. */
static void check_alone(HgSlice text, const HgSqlToken *token, HgSqlEngine engine)
{
    if (token->kind == HG_SQL_TOKEN_UNRECOGNIZED || token->kind == HG_SQL_TOKEN_GT)
        return;
    HgSlice copy = fuzz_copy(hg_slice(text.data + token->start, token->end - token->start));
    HgSqlLexer lexer;
    HgSqlToken alone;
    hg_sql_lexer_init(&lexer, copy, engine);
    FUZZ_CHECK(hg_sql_lexer_next(&lexer, &alone));
    FUZZ_CHECK(alone.start == 0 && alone.end == copy.size && alone.kind == token->kind);
    FUZZ_CHECK(!hg_sql_lexer_next(&lexer, &alone));
    fuzz_free(copy);
}

/* Skipping parentheses comes to the place that reading them token by token comes to. */
static void check_skip(HgSqlLexer lexer)
{
    HgSqlLexer other = lexer;
    HgSqlToken token;
    guint32 depth = 1;
    hg_sql_lexer_skip_parentheses(&lexer);
    while (depth > 0 && hg_sql_lexer_next(&other, &token)) {
        depth += token.kind == HG_SQL_TOKEN_LEFT_PAREN;
        depth -= token.kind == HG_SQL_TOKEN_RIGHT_PAREN;
    }
    FUZZ_CHECK(lexer.at == other.at);
}

static void read_all(HgSlice text, HgSqlEngine engine)
{
    HgSqlLexer lexer;
    HgSqlToken token;
    guint32 before = 0;
    hg_sql_lexer_init(&lexer, text, engine);
    while (hg_sql_lexer_next(&lexer, &token)) {
        FUZZ_CHECK(token.start >= before && token.end > token.start && token.end <= text.size);
        FUZZ_CHECK(token.kind > HG_SQL_TOKEN_EOF && token.kind < HG_SQL_TOKEN_COUNT);
        before = token.end;
        if (token.kind == HG_SQL_TOKEN_LEFT_PAREN && text.size < 500)
            check_skip(lexer);
        check_alone(text, &token, engine);
    }
    FUZZ_CHECK(token.kind == HG_SQL_TOKEN_EOF && token.start == text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice text = fuzz_copy(hg_slice(data, size));
    read_all(text, HG_SQL_SPARK_35);
    read_all(text, HG_SQL_SPARK_40);
    fuzz_free(text);
    return 0;
}
