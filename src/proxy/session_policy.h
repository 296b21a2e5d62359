/* What a session is as far as policies go: who it runs as, where it stands (catalog and database),
 * and whether it was opened as policies want it; and the ruling on each of its statements.
 *
 * It belongs to the session; what changes is under a lock. Any thread. */
#pragma once

#include "auth/principal.h"
#include "policy/decide.h"
#include "proxy/policies.h"

/* Bytes of a statement that is analysed, whatever limits: statement_size says. Reading one takes up
 * to 64 times its size in memory, and holds up a worker: 4 MiB of columns took 260 MB and half a
 * second (measured). */
#define HG_POLICY_STATEMENT_MOST (1u << 20)

typedef struct HgSessionPolicy HgSessionPolicy;

/* What may be done with a statement. */
typedef enum {
    HG_RULING_PASSES,  /* as it came */
    HG_RULING_REWRITE, /* `sql` runs instead */
    HG_RULING_REFUSE,  /* `reason` says why */
    HG_RULING_LOOK_UP, /* `missing`, and the engine when `asks_engine`, have to be learned first */
} HgRulingKind;

typedef struct {
    HgRulingKind kind;
    gboolean same;    /* REWRITE: to the text that came */
    gboolean covered; /* policies limit the user: what the backend says of it is looked through */
    HgSqlStatementKind statement;
    char *sql;
    const char *sql_state; /* REFUSE: constant; NULL: that of what policies don't allow */
    char *reason;          /* for the user */
    char *detail;          /* for an operator; may be NULL */
    char *policies;        /* names, with commas between; may be NULL */
    GPtrArray *tables;     /* of char *: keys of what a covered user's statement names; or NULL */
    GPtrArray *missing;    /* of char * */
    gboolean asks_engine;
    gboolean moves; /* when it succeeds, the session stands at `catalog` and `database` */
    char *catalog;
    char *database;
    gboolean changes_tables; /* it may make what is known of tables wrong */
} HgRuling;

void hg_ruling_clear(HgRuling *ruling);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgRuling, hg_ruling_clear)

/* For a session of `user`, of whom `known` says the rest; NULL: nothing is known, neither
 * groups nor attributes. `pinned`: it was opened with the settings that policies want. `database`:
 * where it begins; NULL: at the default. */
HgSessionPolicy *hg_session_policy_new(const char *user, HgPrincipal *known, gboolean pinned,
                                       const char *database);
void hg_session_policy_free(HgSessionPolicy *session); /* NULL is fine */

/* TRUE when a policy in force limits this user now. */
gboolean hg_session_policy_limits(const HgSessionPolicy *session, HgPolicyVersion *version);

/* What of the tables themselves is hidden from the user, whatever is in them. */
typedef struct {
    gboolean limited; /* as above */
    gboolean misses_tables;
    gboolean misses_columns;
} HgPolicySight;
HgPolicySight hg_session_policy_sight(const HgSessionPolicy *session, HgPolicyVersion *version);

/* The same before there is a session. */
gboolean hg_policy_version_limits(HgPolicyVersion *version, const char *user, HgPrincipal *known);

/* TRUE when the user may make statements that can't be read: nothing is policed, or the capability
 * dynamic_sql is granted. */
gboolean hg_policy_version_trusts(HgPolicyVersion *version, const char *user, HgPrincipal *known);

/* Rules on a statement; *out is to be cleared. */
void hg_session_policy_rule(HgSessionPolicy *session, HgPolicyVersion *version,
                            const HgPicture *picture, HgSlice text, HgRuling *out);

/* The session's time zone was set: once policies depend on it, nothing of a user whom they limit is
 * let through. Rulings on SET see to it themselves. */
void hg_session_policy_note_zone(HgSessionPolicy *session);

/* Around a USE: while one is under way, and for ever when it isn't known what became of it or of
 * two at once, no statement of a user whom policies limit is let through. */
void hg_session_policy_begin_move(HgSessionPolicy *session);
void hg_session_policy_end_move(HgSessionPolicy *session, gboolean known);

/* The session stands elsewhere. */
void hg_session_policy_move(HgSessionPolicy *session, const char *catalog, const char *database);

/* Reads the value of use:database; the names that it means, to be freed. FALSE when they can't be
 * read, or are too long. */
gboolean hg_session_policy_read_database(const char *value, char **database);
