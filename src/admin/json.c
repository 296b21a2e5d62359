/* JSON answers: see json.h. Owns nothing. */
#include "admin/json.h"

#include <stdlib.h>
#include <string.h>

json_t *hg_admin_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

json_t *hg_admin_json_time(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    g_autofree char *text = time != NULL ? g_date_time_format_iso8601(time) : NULL;
    return hg_admin_json_text(text);
}

void hg_admin_answer_json(HgAdminAnswer *out, guint status, json_t *take_value)
{
    char *text = json_dumps(take_value, JSON_INDENT(2));
    json_decref(take_value);
    *out = (HgAdminAnswer){status, "application/json", g_strconcat(text, "\n", NULL)};
    free(text);
}

void hg_admin_answer_error(HgAdminAnswer *out, guint status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    hg_admin_answer_json(out, status, json_pack("{s:o}", "error", hg_admin_json_text(text)));
}
