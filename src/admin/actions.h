/* What an administrator may do: kill, drain, pause, reload, unlock. Each is noted in the log with
 * who did it. Any thread. */
#pragma once

#include "admin/admin.h"

/* Answers POST /v1/...; FALSE: not one of these. */
gboolean hg_admin_route_actions(const HgAdminOptions *admin, const HgAdminRequest *request,
                                HgAdminAnswer *out);
