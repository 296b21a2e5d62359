/* Redaction: see redact.h. One pass over the tokens for names and literals, then, on what is left,
 * one for URLs. Where a pattern can't be tried to its end, the text counts as one that matches. */
#include "sql/redact.h"

#include "base/error.h"
#include "sql/lexer.h"

#define HIDDEN    "?"
#define NAME_MOST 256 /* bytes of a name that are looked at */

#define PARAMETER                                                                                  \
    "(?:[A-Za-z0-9_.-]{0,64}(?:password|passwd|passphrase|pwd|secret|token|credential|signature|"  \
    "(?:api|access|account|private)[_.-]?key)[A-Za-z0-9_.-]{0,64}|sig)"

/* What is hidden in URLs, each behind its first group. */
static const char *const url_patterns[] = {
    "(://[^/\\s:@'\"?#]{0,256}:)[^@/\\s'\"]+(?=@)",                  /* //user:password@host */
    "(jdbc:oracle:[a-z]{1,16}:[^/\\s'\"@]{0,256}/)[^@\\s'\"]+(?=@)", /* thin:user/password@host */
    "([?&;]" PARAMETER "=)[^&;'\"\\s]+",
};

struct HgSqlRedaction {
    gboolean all_literals;
    GPtrArray *patterns; /* GRegex */
    GPtrArray *urls;     /* GRegex */
};

/* A statement that is being gone through. */
typedef struct {
    const HgSqlRedaction *redaction;
    HgSlice text;
    GString *out; /* NULL while nothing was hidden */
    gsize kept;   /* bytes of the text that are in `out`, or were left out */
    char name[NAME_MOST];
    gsize name_size;
    gboolean joins; /* the last token goes on with the name */
    gboolean names; /* a name, then nothing but = and the like, is in front */
} Pass;

HgSqlRedaction *hg_sql_redaction_new(gboolean all_literals, const char *const *patterns,
                                     GError **error)
{
    g_autoptr(HgSqlRedaction) redaction = g_new0(HgSqlRedaction, 1);
    redaction->all_literals = all_literals;
    redaction->patterns = g_ptr_array_new_with_free_func((GDestroyNotify)g_regex_unref);
    redaction->urls = g_ptr_array_new_with_free_func((GDestroyNotify)g_regex_unref);
    for (gsize i = 0; i < G_N_ELEMENTS(url_patterns); i++)
        g_ptr_array_add(redaction->urls,
                        g_regex_new(url_patterns[i], G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL));
    for (; patterns != NULL && *patterns != NULL; patterns++) {
        g_autoptr(GError) problem = NULL;
        GRegex *regex = g_regex_new(*patterns, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, &problem);
        if (regex == NULL) {
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "the pattern %s can't be read: %s",
                        *patterns, problem->message);
            return NULL;
        }
        g_ptr_array_add(redaction->patterns, regex);
    }
    return g_steal_pointer(&redaction);
}

void hg_sql_redaction_free(HgSqlRedaction *redaction)
{
    if (redaction == NULL)
        return;
    g_ptr_array_unref(redaction->patterns);
    g_ptr_array_unref(redaction->urls);
    g_free(redaction);
}

/* ---- names and literals ---- */

static void hide(Pass *pass, gsize start, gsize end, const char *with)
{
    if (pass->out == NULL)
        pass->out = g_string_sized_new(pass->text.size + 16);
    g_string_append_len(pass->out, (const char *)pass->text.data + pass->kept,
                        (gssize)(start - pass->kept));
    g_string_append(pass->out, with);
    pass->kept = end;
}

/* TRUE when a pattern matches these bytes, or can't be tried. */
static gboolean matches(const HgSqlRedaction *redaction, const guint8 *bytes, gsize size)
{
    for (guint i = 0; i < redaction->patterns->len; i++) {
        g_autoptr(GError) error = NULL;
        if (g_regex_match_full(g_ptr_array_index(redaction->patterns, i), (const char *)bytes,
                               (gssize)size, 0, 0, NULL, &error) ||
            error != NULL)
            return TRUE;
    }
    return FALSE;
}

/* TRUE when a name, of which only lower-case letters and digits are left, speaks of a secret. */
static gboolean is_secret(const char *name)
{
    static const char *const words[] = {"password",   "passwd",     "passphrase",    "pwd",
                                        "secret",     "token",      "credential",    "accesskey",
                                        "accountkey", "privatekey", "encryptionkey", "signature",
                                        "apikey"};
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (strstr(name, words[i]) != NULL)
            return TRUE;
    return FALSE;
}

static void add_to_name(Pass *pass, const guint8 *bytes, gsize size)
{
    for (gsize i = 0; i < size && pass->name_size + 1 < NAME_MOST; i++)
        if (g_ascii_isalnum(bytes[i]))
            pass->name[pass->name_size++] = g_ascii_tolower((char)bytes[i]);
    pass->name[pass->name_size] = '\0';
}

static void note_name(Pass *pass, const HgSqlToken *token)
{
    if (!pass->joins)
        pass->name_size = 0;
    add_to_name(pass, pass->text.data + token->start, token->end - token->start);
    pass->names = TRUE;
    pass->joins = FALSE;
}

static gboolean is_literal(guint16 kind)
{
    return kind >= HG_SQL_TOKEN_STRING_LITERAL && kind <= HG_SQL_TOKEN_BIGDECIMAL_LITERAL;
}

static void take_literal(Pass *pass, const HgSqlToken *token)
{
    const guint8 *bytes = pass->text.data + token->start;
    gsize size = token->end - token->start;
    gboolean secret = pass->names && is_secret(pass->name);
    gboolean text = token->kind == HG_SQL_TOKEN_STRING_LITERAL ||
                    token->kind == HG_SQL_TOKEN_DOUBLEQUOTED_STRING;
    if (secret || pass->redaction->all_literals || matches(pass->redaction, bytes, size))
        hide(pass, token->start, token->end, HIDDEN);
    if (!text) {
        pass->names = FALSE;
    } else if (!secret) { /* OPTIONS ('password' 'x') */
        note_name(pass, token);
        pass->joins = TRUE; /* literals behind each other are one; so they are behind a secret's */
    }
}

static void take_token(Pass *pass, const HgSqlToken *token)
{
    switch (token->kind) {
    case HG_SQL_TOKEN_DOT:
    case HG_SQL_TOKEN_MINUS:
        pass->joins = pass->names;
        return;
    case HG_SQL_TOKEN_EQ:
    case HG_SQL_TOKEN_NSEQ:
    case HG_SQL_TOKEN_NEQ:
    case HG_SQL_TOKEN_NEQJ:
    case HG_SQL_TOKEN_FAT_ARROW:
    case HG_SQL_TOKEN_COLON:
        pass->joins = FALSE;
        return;
    default:
        break;
    }
    if (is_literal(token->kind))
        take_literal(pass, token);
    else if (token->kind == HG_SQL_TOKEN_IDENTIFIER ||
             token->kind == HG_SQL_TOKEN_BACKQUOTED_IDENTIFIER ||
             token->kind <= HG_SQL_TOKEN_LAST_KEYWORD)
        note_name(pass, token);
    else
        pass->names = FALSE;
}

/* White space and comments between two tokens. */
static void take_gap(Pass *pass, gsize start, gsize end)
{
    const guint8 *bytes = pass->text.data;
    gsize at = start;
    while (at < end && g_ascii_isspace(bytes[at]))
        at++;
    if (at < end &&
        (pass->redaction->all_literals || matches(pass->redaction, bytes + start, end - start)))
        hide(pass, start, end, " ");
}

/* SET key=value: the value is taken as it stands, whatever it holds. TRUE when it was hidden. */
static gboolean hide_setting(Pass *pass, HgSqlEngine engine)
{
    HgSqlLexer lexer;
    HgSqlToken token;
    hg_sql_lexer_init(&lexer, pass->text, engine);
    if (!hg_sql_lexer_next(&lexer, &token) || token.kind != HG_SQL_TOKEN_SET)
        return FALSE;
    gsize key = token.end;
    const guint8 *equals = memchr(pass->text.data + key, '=', pass->text.size - key);
    if (equals == NULL)
        return FALSE;
    gsize value = (gsize)(equals - pass->text.data) + 1;
    add_to_name(pass, pass->text.data + key, value - key);
    if (!is_secret(pass->name) && !pass->redaction->all_literals &&
        !matches(pass->redaction, pass->text.data + value, pass->text.size - value))
        return FALSE;
    hide(pass, value, pass->text.size, HIDDEN);
    return TRUE;
}

static void hide_in_tokens(Pass *pass)
{
    HgSqlLexer lexer;
    HgSqlToken token;
    gsize before = 0;
    if (hide_setting(pass, HG_SQL_SPARK_40))
        return;
    pass->name_size = 0;
    hg_sql_lexer_init(&lexer, pass->text, HG_SQL_SPARK_40);
    while (hg_sql_lexer_next(&lexer, &token)) {
        take_gap(pass, before, token.start);
        before = token.end;
        if (token.kind == HG_SQL_TOKEN_UNRECOGNIZED && pass->redaction->all_literals) {
            hide(pass, token.start, pass->text.size, HIDDEN); /* such as a quote without an end */
            return;
        }
        take_token(pass, &token);
    }
    take_gap(pass, before, pass->text.size);
}

/* ---- URLs ---- */

/* The text without the secrets of URLs; NULL when it has none. */
static char *hide_in_urls(const HgSqlRedaction *redaction, HgSlice text)
{
    char *hidden = NULL;
    if (memchr(text.data, ':', text.size) == NULL && memchr(text.data, '=', text.size) == NULL)
        return NULL;
    for (guint i = 0; i < redaction->urls->len; i++) {
        const char *from = hidden != NULL ? hidden : (const char *)text.data;
        gssize size = hidden != NULL ? (gssize)strlen(hidden) : (gssize)text.size;
        g_autoptr(GError) error = NULL;
        const GRegex *regex = g_ptr_array_index(redaction->urls, i);
        gboolean found = g_regex_match_full(regex, from, size, 0, 0, NULL, &error);
        if (!found && error == NULL)
            continue;
        char *next =
            error == NULL ? g_regex_replace(regex, from, size, 0, "\\1" HIDDEN, 0, &error) : NULL;
        g_free(hidden);
        hidden = next != NULL ? next : g_strdup(HIDDEN);
    }
    return hidden;
}

/* ---- statements and messages ---- */

gboolean hg_sql_redact(const HgSqlRedaction *redaction, HgSlice statement, char **out)
{
    Pass pass = {.redaction = redaction, .text = statement};
    if (statement.size == 0)
        return FALSE;
    if (statement.size > HG_SQL_MAX_TEXT) {
        *out = g_strdup(HIDDEN);
        return TRUE;
    }
    hide_in_tokens(&pass);
    if (pass.out == NULL) {
        char *urls = hide_in_urls(redaction, statement);
        if (urls != NULL)
            *out = urls;
        return urls != NULL;
    }
    g_string_append_len(pass.out, (const char *)statement.data + pass.kept,
                        (gssize)(statement.size - pass.kept));
    char *urls = hide_in_urls(redaction, hg_slice(pass.out->str, pass.out->len));
    *out = g_string_free(pass.out, urls != NULL);
    if (urls != NULL)
        *out = urls;
    return TRUE;
}

/* The first [ERROR_CLASS] of a message; size 0: none. */
static HgSlice error_class(HgSlice message)
{
    for (gsize i = 0; i < message.size; i++) {
        if (message.data[i] != '[')
            continue;
        gsize end = i + 1;
        while (end < message.size &&
               (g_ascii_isupper(message.data[end]) || g_ascii_isdigit(message.data[end]) ||
                message.data[end] == '_' || message.data[end] == '.'))
            end++;
        if (end < message.size && message.data[end] == ']' && end > i + 3)
            return hg_slice(message.data + i, end + 1 - i);
    }
    return hg_slice("", 0);
}

char *hg_sql_redact_message(const HgSqlRedaction *redaction, HgSlice message, gboolean hidden)
{
    if (!hidden) {
        char *urls = message.size > 0 ? hide_in_urls(redaction, message) : NULL;
        return urls != NULL ? urls : hg_slice_dup_string(message);
    }
    HgSlice class = error_class(message);
    return g_strdup_printf("%.*s%s(the rest isn't kept: it may repeat what is hidden)",
                           (int)class.size, (const char *)class.data, class.size > 0 ? " " : "");
}
