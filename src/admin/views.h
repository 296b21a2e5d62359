/* What there is, as JSON: sessions, operations, endpoints, and what they use up. Any thread. */
#pragma once

#include "admin/admin.h"

/* Answers GET /v1/...; FALSE: not one of these. */
gboolean hg_admin_route_views(const HgAdminOptions *admin, const HgAdminRequest *request,
                              HgAdminAnswer *out);
