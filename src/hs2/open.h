/* The OpenSession that goes to the backend, made from the one the client sent.
 *
 * Fields 2 (username) and 3 (password) are replaced: a client's password never travels on. Session
 * variables that name another user or reach into the server's JVM are taken out or refused. A
 * client of Databricks' family (hs2/dialect) gets a protocol version that Hive's servers know in
 * field 1, if it had another one there, and its initial namespace as the variable use:database,
 * unless it sends one itself. All other bytes, unknown fields too, stay as they came. Pure; any
 * thread. */
#pragma once

#include "base/buffer.h"
#include "hs2/request.h"
#include "hs2/variable.h"

typedef struct {
    const char *effective_user; /* who the session runs as */
    const char *asked_user;     /* the same as the client names them; NULL: as effective_user */
    const char *login_name; /* hivegate's login at the endpoint (the effective user, or the service
                             * account): field 2, which a server without SASL takes the user from */
    gboolean name_proxy_user;  /* login: service: set hive.server2.proxy.user to effective_user */
    HgVariableRules variables; /* what clients may set, and what is set when they don't */
} HgOpenPlan;

/* Whom an OpenSession asks to run as: what hive.server2.proxy.user holds, in any spelling, in the
 * configuration or in Databricks' connectionProperties. *out is NULL when it names nobody; g_free.
 * FALSE: it names several. `request` as below. */
gboolean hg_open_find_proxy_user(const HgRequest *request, HgSlice message, char **out,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What an OpenSession asks for beside the user. */
typedef struct {
    char *database;    /* use:database, or the initial namespace of Databricks' family; or NULL */
    char *traceparent; /* the variable HG_VARIABLE_TRACEPARENT, which isn't passed on; or NULL */
    char *pool;        /* the variable HG_VARIABLE_POOL, which isn't passed on; or NULL */
} HgOpenWishes;

/* Reads them; free with hg_open_wishes_clear(). HG_ERROR_INVALID: it names several pools. `request`
 * as below. */
gboolean hg_open_read_wishes(const HgRequest *request, HgSlice message, HgOpenWishes *out,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
void hg_open_wishes_clear(HgOpenWishes *wishes);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgOpenWishes, hg_open_wishes_clear)

/* The same of the edited message; *out is NULL when it names none;
 * g_free. FALSE: it can't be read. */
gboolean hg_open_read_database(HgSlice message, char **out) G_GNUC_WARN_UNUSED_RESULT;

/* Appends the edited message, always with a strict head. FALSE with *error:
 *
 * - HG_ERROR_DENIED: a session variable that must not pass: hive.server2.proxy.user in any spelling
 *   (bare, set:, set:hiveconf:, set:hivevar:, any case) that names another user than
 *   asked_user; set:system:*, set:env:* (and metaconf); what is the server's own, or the rules
 * don't allow; the same in Databricks' connectionProperties.
 * - HG_ERROR_INVALID: the map can't be read (the validator refuses such a request before).
 * - HG_ERROR_LIMIT: the buffer can't grow.
 *
 * The message fits an SQL client's error dialog. `request` must be an OK OpenSession over
 * `message`, and not incomplete. On failure `out` holds what it held before. */
gboolean hg_open_rewrite(const HgRequest *request, HgSlice message, const HgOpenPlan *plan,
                         HgBuffer *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;
