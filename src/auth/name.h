/* Which texts may name a user or a group. Pure; any thread.
 *
 * Names come from clients, from the users file and from hivegatectl, and end up in logs, in the
 * backend's login and in policies, so all of them pass the same check. */
#pragma once

#include "base/slice.h"

#define HG_NAME_MAX_BYTES 256

/* TRUE when `name` may be a user's name: 1 to 256 bytes of printable UTF-8, no white space at
 * either end, no '#' in front (that begins a comment in a users file), none of ':', '@' and '/'.
 * Spark cuts a login name at '@' and at '/' before it uses it, so two such users would become one.
 * The error says which rule is broken. */
gboolean hg_user_name_check(HgSlice name, GError **error);

/* TRUE when `name` may be a group's name: as above, but '@' and '/' are allowed and ',' isn't. */
gboolean hg_group_name_check(HgSlice name, GError **error);

/* What all spellings have in common that a directory may take for one name: without case, marks,
 * white space, invisible characters and what is behind the last '@' (RFC 4518 prepares names in
 * much the same way). Names that differ may have the same one, so it says nothing about who
 * somebody is. What isn't valid UTF-8 stays as it is. Free with g_free. */
char *hg_name_skeleton(const char *name);
