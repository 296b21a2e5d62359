/* What the admin server answers to which path. Any thread. */
#pragma once

#include "admin/admin.h"

/* Answers what anybody may ask who gets to a door: /metrics, /livez, /readyz. FALSE: not one of
 * these, or not by GET. */
gboolean hg_admin_route_health(const HgAdminOptions *admin, const HgAdminRequest *request,
                               HgAdminAnswer *out);

/* An answer of plain text; takes the text. */
void hg_admin_answer_text(HgAdminAnswer *out, guint status, char *take_text);
