/* Small helps around jansson for the admin server's answers and requests. */
#pragma once

#include "admin/door.h"

#include <jansson.h>

/* A string, or null; bytes that are no UTF-8 become U+FFFD. */
json_t *hg_admin_json_text(const char *text);

/* Seconds since 1970 as an ISO 8601 text in UTC. */
json_t *hg_admin_json_time(gint64 seconds);

/* Answers with the value, which is taken. */
void hg_admin_answer_json(HgAdminAnswer *out, guint status, json_t *take_value);

/* Answers {"error": text}. */
void hg_admin_answer_error(HgAdminAnswer *out, guint status, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
