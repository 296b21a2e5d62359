/* Which session variables of an OpenSession may pass to a backend.
 *
 * A session variable's key says where it goes (read from the bytecode of Spark 3.5.3's
 * HiveSessionImpl, and tried out): "set:" starts an assignment, whose rest is trimmed
 * and begins with system: (a JVM property of the server, for everybody on it), env:, metaconf:,
 * hiveconf:, hivevar: or nothing; "use:" names a database; any other key is a setting of Hive. The
 * exact bare key hive.server2.proxy.user makes the session run as somebody else.
 *
 * The server compares case-sensitively and looks for each prefix once. Here any case, any white
 * space and any row of prefixes is taken for the same key, so that no server's leniency opens a
 * way. Pure; any thread. */
#pragma once

#include "base/slice.h"

#define HG_VARIABLE_PROXY_USER  "hive.server2.proxy.user"
#define HG_VARIABLE_POOL        "hivegate.pool" /* hivegate's own: which pool the session goes to */
#define HG_VARIABLE_TRACEPARENT "traceparent"   /* the same: which trace it belongs to */

typedef enum {
    HG_VARIABLE_PASS,
    HG_VARIABLE_DROP,   /* says what holds anyway: leave it out */
    HG_VARIABLE_REFUSE, /* the session must not be opened: *error says why */
} HgVariableVerdict;

/* What the operator says of session variables. Lists end with NULL; patterns hold '*' and '?', and
 * match whole names in any case, without set:, hiveconf: and hivevar:. */
typedef struct {
    const char *const *allow; /* patterns of what clients may set; NULL: whatever isn't refused */
    const char *const *deny;  /* patterns of what they may not, even so; NULL: nothing more */
    const char *const *defaults; /* names and values in turns, for what the client doesn't set;
                                    NULL: none */
    /* what the policies allow as well: asked with the name in lower case; NULL: anything */
    gboolean (*policy_allows)(const void *policy, const char *name);
    const void *policy;
} HgVariableRules;

/* TRUE when the key, in any spelling, asks for a session as somebody else. */
gboolean hg_variable_is_proxy_user(HgSlice key);

/* TRUE when both keys name the same variable, however they are spelled. */
gboolean hg_variable_is(HgSlice key, const char *name);

/* TRUE when no session may set the variable: it is the server's, for all its users (memory, class
 * path, master, what Spark calls static), or loads code into it. The name has no prefix. */
gboolean hg_variable_is_server_wide(const char *name);

/* Judges one variable of a session that runs as `user`, as the client names them. `key` and `value`
 * are valid UTF-8 without NUL. *error is set for REFUSE only: HG_ERROR_DENIED, a text for the user.
 */
HgVariableVerdict hg_variable_judge(HgSlice key, HgSlice value, const char *user,
                                    const HgVariableRules *rules, GError **error);
