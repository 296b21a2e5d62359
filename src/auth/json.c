/* Strict JSON over jansson: see json.h. Pure; any thread. */
#include "auth/json.h"

#include "base/error.h"

#include <math.h>

#define SECONDS_MAX G_GINT64_CONSTANT(253402300799) /* the last one of the year 9999 */

/* TRUE when no brackets are open more than HG_JSON_DEPTH_MAX deep. jansson has a limit of its own,
 * of 2048, which is a lot of stack for what a stranger sends. */
static gboolean is_shallow(HgSlice text)
{
    guint depth = 0;
    gboolean in_string = FALSE;
    for (gsize i = 0; i < text.size; i++) {
        guint8 c = text.data[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > HG_JSON_DEPTH_MAX)
            return FALSE;
    }
    return TRUE;
}

json_t *hg_json_read(HgSlice text, GError **error)
{
    json_error_t problem;
    if (!is_shallow(text)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "it is nested more than %d deep",
                    HG_JSON_DEPTH_MAX);
        return NULL;
    }
    json_t *value =
        json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &problem);
    if (json_is_object(value))
        return value;
    if (value != NULL)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "it is JSON, but not an object");
    else if (json_error_code(&problem) == json_error_duplicate_key)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "a name is in an object twice, at byte %d",
                    problem.position);
    else if (json_error_code(&problem) == json_error_numeric_overflow)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "a number is out of range, at byte %d",
                    problem.position);
    else if (json_error_code(&problem) == json_error_invalid_utf8)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "it is not valid UTF-8, at byte %d",
                    problem.position);
    else
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "it is not JSON, at byte %d",
                    problem.position);
    json_decref(value);
    return NULL;
}

const char *hg_json_string(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

gboolean hg_json_seconds(const json_t *value, gint64 *out)
{
    if (json_is_integer(value)) {
        json_int_t seconds = json_integer_value(value);
        if (seconds < 0 || seconds > SECONDS_MAX)
            return FALSE;
        *out = seconds;
        return TRUE;
    }
    double seconds = json_is_real(value) ? json_real_value(value) : -1;
    if (!isfinite(seconds) || seconds < 0 || seconds > (double)SECONDS_MAX)
        return FALSE;
    *out = (gint64)seconds;
    return TRUE;
}

/* A part of a JSON pointer with ~1 and ~0 made '/' and '~'. */
static char *unescape_pointer(const char *part)
{
    GString *text = g_string_new(part);
    g_string_replace(text, "~1", "/", 0);
    g_string_replace(text, "~0", "~", 0);
    return g_string_free(text, FALSE);
}

json_t *hg_json_find(json_t *object, const char *claim)
{
    gboolean is_pointer = claim[0] == '/';
    if (!is_pointer && strstr(claim, "://") != NULL)
        return json_object_get(object, claim);
    g_auto(GStrv) parts = g_strsplit(is_pointer ? claim + 1 : claim, is_pointer ? "/" : ".", -1);
    json_t *at = object;
    for (gsize i = 0; at != NULL && parts[i] != NULL; i++) {
        g_autofree char *name = is_pointer ? unescape_pointer(parts[i]) : g_strdup(parts[i]);
        at = json_object_get(at, name);
    }
    return at;
}

/* One value as a text; NULL when it is null, an object or a list. */
static char *text_of(const json_t *value)
{
    if (json_is_string(value))
        return g_strdup(json_string_value(value));
    if (json_is_boolean(value))
        return g_strdup(json_is_true(value) ? "true" : "false");
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value)) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        return g_strdup(g_ascii_dtostr(number, sizeof number, json_real_value(value)));
    }
    return NULL;
}

char **hg_json_texts(const json_t *value)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    gsize count = json_is_array(value) ? json_array_size(value) : 1;
    for (gsize i = 0; i < count; i++) {
        char *text = text_of(json_is_array(value) ? json_array_get(value, i) : value);
        if (text == NULL)
            return NULL;
        g_ptr_array_add(texts, text);
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_steal(texts, NULL);
}

/* Cuts the text at any of the separators, without blanks around the words and without empty ones.
 */
static char **cut(const char *text, const char *separators)
{
    g_auto(GStrv) parts = g_strsplit_set(text, separators, -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; parts[i] != NULL; i++)
        if (*g_strstrip(parts[i]) != '\0')
            g_ptr_array_add(words, g_strdup(parts[i]));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_steal(words, NULL);
}

char **hg_json_words(const json_t *value)
{
    const char *text = json_string_value(value);
    if (text != NULL)
        return cut(text, strchr(text, ',') != NULL ? "," : " \t\r\n");
    if (!json_is_array(value))
        return NULL;
    for (gsize i = 0; i < json_array_size(value); i++)
        if (!json_is_string(json_array_get(value, i)))
            return NULL;
    return hg_json_texts(value);
}
