/* Errors without what is hidden: see clean_error.h. Owns nothing. */
#include "proxy/clean_error.h"

#include <string.h>

/* Spark's classes of errors (3.5 and 4.0) that statements of users meet, up to the first dot. */
static const char *const classes[] = {
    "AMBIGUOUS_COLUMN_OR_FIELD",
    "AMBIGUOUS_LATERAL_COLUMN_ALIAS",
    "AMBIGUOUS_REFERENCE",
    "ARITHMETIC_OVERFLOW",
    "BINARY_ARITHMETIC_OVERFLOW",
    "CANNOT_PARSE_TIMESTAMP",
    "CAST_INVALID_INPUT",
    "CAST_OVERFLOW",
    "COLUMN_ALREADY_EXISTS",
    "DATATYPE_MISMATCH",
    "DIVIDE_BY_ZERO",
    "ELEMENT_AT_BY_INDEX_ZERO",
    "FIELD_NOT_FOUND",
    "GROUP_BY_AGGREGATE",
    "GROUP_BY_POS_AGGREGATE",
    "GROUP_BY_POS_OUT_OF_RANGE",
    "GROUPING_COLUMN_MISMATCH",
    "INSERT_COLUMN_ARITY_MISMATCH",
    "INTERNAL_ERROR",
    "INVALID_ARRAY_INDEX",
    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
    "INVALID_EXTRACT_FIELD",
    "INVALID_PARAMETER_VALUE",
    "INVALID_SCHEMA",
    "INVALID_SUBQUERY_EXPRESSION",
    "INVALID_USAGE_OF_STAR_OR_REGEX",
    "INVALID_WHERE_CONDITION",
    "MISSING_AGGREGATION",
    "MISSING_ATTRIBUTES",
    "MISSING_GROUP_BY",
    "NESTED_AGGREGATE_FUNCTION",
    "NUMERIC_VALUE_OUT_OF_RANGE",
    "NUM_COLUMNS_MISMATCH",
    "OPERATION_CANCELED",
    "ORDER_BY_POS_OUT_OF_RANGE",
    "PARSE_SYNTAX_ERROR",
    "SCALAR_SUBQUERY_IS_IN_GROUP_BY_OR_AGGREGATE_FUNCTION",
    "SCALAR_SUBQUERY_TOO_MANY_ROWS",
    "SCHEMA_NOT_FOUND",
    "TABLE_OR_VIEW_ALREADY_EXISTS",
    "TABLE_OR_VIEW_NOT_FOUND",
    "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
    "UNRESOLVED_COLUMN",
    "UNRESOLVED_FIELD",
    "UNRESOLVED_MAP_KEY",
    "UNRESOLVED_ROUTINE",
    "UNRESOLVED_USING_COLUMN_FOR_JOIN",
    "UNSUPPORTED_FEATURE",
    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY",
    "USER_RAISED_EXCEPTION",
    "WRONG_NUM_ARGS",
};

static gboolean is_class(const char *text, gsize size)
{
    const char *dot = memchr(text, '.', size);
    gsize head = dot != NULL ? (gsize)(dot - text) : size;
    for (gsize i = head; i < size; i++)
        if (!g_ascii_isupper(text[i]) && !g_ascii_isdigit(text[i]) && text[i] != '_' &&
            text[i] != '.')
            return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(classes); i++)
        if (strlen(classes[i]) == head && memcmp(classes[i], text, head) == 0)
            return TRUE;
    return FALSE;
}

const char *hg_clean_error_class(const char *message, gsize *size)
{
    const char *at = message;
    while (at != NULL && (at = strchr(at, '[')) != NULL) {
        const char *end = strchr(++at, ']');
        if (end == NULL)
            return NULL;
        if (!is_class(at, (gsize)(end - at)))
            continue;
        const char *dot = memchr(at, '.', (gsize)(end - at));
        *size = (gsize)((dot != NULL ? dot : end) - at);
        return at;
    }
    return NULL;
}

/* The name in back-ticks that the message is about, when the user wrote that word, too; to be
 * freed. */
static char *name_in_both(const char *message, const char *sent)
{
    const char *at = strstr(message, "name `");
    if (at == NULL || sent == NULL)
        return NULL;
    at += strlen("name `");
    gsize size = strcspn(at, "`");
    g_autofree char *name = g_strndup(at, size);
    for (const char *letter = name; *letter != '\0'; letter++)
        if (!g_ascii_isalnum(*letter) && *letter != '_')
            return NULL;
    g_autofree char *folded = g_ascii_strdown(name, -1);
    g_autofree char *text = g_ascii_strdown(sent, -1);
    return size > 0 && strstr(text, folded) != NULL ? g_steal_pointer(&name) : NULL;
}

char *hg_clean_error_text(const char *message, const char *sent, const char *reference)
{
    gsize size = 0;
    const char *class = message != NULL ? hg_clean_error_class(message, &size) : NULL;
    g_autofree char *name = class != NULL ? name_in_both(message, sent) : NULL;
    GString *out = g_string_new("hivegate: the endpoint reports an error");
    if (class != NULL)
        g_string_append_printf(out, ": [%.*s]", (int)size, class);
    if (name != NULL)
        g_string_append_printf(out, " with the name `%s`", name);
    g_string_append_printf(out,
                           ". More of it isn't shown where policies limit what you see; an "
                           "operator finds it under the reference %s.",
                           reference);
    return g_string_free(out, FALSE);
}

gboolean hg_clean_error_is_of_names(const char *message)
{
    gsize size = 0;
    const char *class = message != NULL ? hg_clean_error_class(message, &size) : NULL;
    return class != NULL &&
           (strncmp(class, "UNRESOLVED", 10) == 0 || strncmp(class, "TABLE_OR_VIEW_NOT", 17) == 0 ||
            strncmp(class, "DATATYPE_MISMATCH", 17) == 0 ||
            strncmp(class, "FIELD_NOT_FOUND", 15) == 0);
}
