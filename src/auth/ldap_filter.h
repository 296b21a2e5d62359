/* Whether a text is a search filter (RFC 4515), and how deep one may be.
 *
 * For the filters of a configuration and for what a template made: libldap would only say "bad
 * filter", and only when somebody logs in. Pure; any thread. */
#pragma once

#include <glib.h>

#define HG_LDAP_FILTER_MAX_BYTES 8192
#define HG_LDAP_FILTER_MAX_DEPTH 32

/* TRUE when `text` is a filter in parentheses. The error says what was expected and where. */
gboolean hg_ldap_filter_check(const char *text, GError **error);
