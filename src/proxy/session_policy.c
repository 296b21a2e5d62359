/* Ruling on a session's statements: see session_policy.h. Owns where the session stands, under its
 * lock; a subject lives for one ruling. */
#include "proxy/session_policy.h"

#include "hs2/handle.h"
#include "policy/name.h"
#include "policy/use.h"
#include "sql/classify.h"

#include <pthread.h>
#include <string.h>

#define RECONNECT                                                                                  \
    "policies that limit what you see have taken effect since this session was opened; connect "   \
    "again to go on"

#define DATABASE_MOST 1024 /* bytes of the name of a database */

#define LOST                                                                                       \
    "it isn't known which database is current, since the answer to a USE was lost; connect again " \
    "to go on"

struct HgSessionPolicy {
    char *user;
    HgPrincipal *known; /* NULL: nothing is */
    gboolean pinned;    /* never changes */
    pthread_mutex_t lock;
    guint moves;      /* USEs under way */
    gboolean lost;    /* where it stands isn't known any more */
    gboolean strayed; /* statements ran while nothing limited the user: settings may be any */
    gboolean zoned;   /* the time zone is one that the user chose */
    char *catalog;
    char *database;
};

void hg_ruling_clear(HgRuling *ruling)
{
    g_free(ruling->sql);
    g_free(ruling->reason);
    g_free(ruling->detail);
    g_free(ruling->policies);
    g_free(ruling->catalog);
    g_free(ruling->database);
    g_clear_pointer(&ruling->missing, g_ptr_array_unref);
    g_clear_pointer(&ruling->tables, g_ptr_array_unref);
    *ruling = (HgRuling){0};
}

HgSessionPolicy *hg_session_policy_new(const char *user, HgPrincipal *known, gboolean pinned,
                                       const char *database)
{
    HgSessionPolicy *session = g_new0(HgSessionPolicy, 1);
    session->user = g_strdup(user);
    session->known = known != NULL ? hg_principal_ref(known) : NULL;
    session->pinned = pinned;
    session->catalog = g_strdup(HG_POLICY_SESSION_CATALOG);
    session->database = g_strdup(database != NULL ? database : "default");
    pthread_mutex_init(&session->lock, NULL);
    return session;
}

void hg_session_policy_free(HgSessionPolicy *session)
{
    if (session == NULL)
        return;
    hg_principal_unref(session->known);
    pthread_mutex_destroy(&session->lock);
    g_free(session->user);
    g_free(session->catalog);
    g_free(session->database);
    g_free(session);
}

static HgIdentity identity_of(const char *user, HgPrincipal *known)
{
    const char *const *groups = known != NULL ? hg_principal_groups(known) : NULL;
    const char *const *attributes = known != NULL ? hg_principal_attributes(known) : NULL;
    return (HgIdentity){.user = user,
                        .groups = groups,
                        .groups_unknown = groups == NULL,
                        .attributes = attributes,
                        .attributes_unknown = attributes == NULL};
}

static HgSubject *subject_new(HgPolicyVersion *version, const HgSchemas *schemas,
                              const HgIdentity *identity)
{
    return hg_subject_new(hg_policy_version_set(version), schemas, identity,
                          g_get_real_time() / G_USEC_PER_SEC);
}

static HgPolicySight sight_of(HgPolicyVersion *version, const char *user, HgPrincipal *known)
{
    HgIdentity identity = identity_of(user, known);
    g_autoptr(HgSchemas) schemas = hg_schemas_new();
    g_autoptr(HgSubject) subject = subject_new(version, schemas, &identity);
    return (HgPolicySight){.limited = hg_subject_is_covered(subject),
                           .misses_tables = hg_subject_misses_tables(subject),
                           .misses_columns = hg_subject_misses_columns(subject)};
}

gboolean hg_policy_version_limits(HgPolicyVersion *version, const char *user, HgPrincipal *known)
{
    return sight_of(version, user, known).limited;
}

gboolean hg_policy_version_trusts(HgPolicyVersion *version, const char *user, HgPrincipal *known)
{
    HgIdentity identity = identity_of(user, known);
    g_autoptr(HgSchemas) schemas = hg_schemas_new();
    g_autoptr(HgSubject) subject = subject_new(version, schemas, &identity);
    return hg_policy_set_count(hg_policy_version_set(version)) == 0 ||
           hg_subject_can(subject, HG_CAPABILITY_DYNAMIC_SQL);
}

HgPolicySight hg_session_policy_sight(const HgSessionPolicy *session, HgPolicyVersion *version)
{
    return sight_of(version, session->user, session->known);
}

gboolean hg_session_policy_limits(const HgSessionPolicy *session, HgPolicyVersion *version)
{
    return hg_policy_version_limits(version, session->user, session->known);
}

void hg_session_policy_move(HgSessionPolicy *session, const char *catalog, const char *database)
{
    pthread_mutex_lock(&session->lock);
    g_free(session->catalog);
    g_free(session->database);
    session->catalog = g_strdup(catalog);
    session->database = g_strdup(database);
    pthread_mutex_unlock(&session->lock);
}

void hg_session_policy_note_zone(HgSessionPolicy *session)
{
    pthread_mutex_lock(&session->lock);
    session->zoned = TRUE;
    pthread_mutex_unlock(&session->lock);
}

void hg_session_policy_begin_move(HgSessionPolicy *session)
{
    pthread_mutex_lock(&session->lock);
    session->lost |= session->moves++ > 0;
    pthread_mutex_unlock(&session->lock);
}

void hg_session_policy_end_move(HgSessionPolicy *session, gboolean known)
{
    pthread_mutex_lock(&session->lock);
    session->moves--;
    session->lost |= !known;
    pthread_mutex_unlock(&session->lock);
}

gboolean hg_session_policy_read_database(const char *value, char **database)
{
    if (strlen(value) > DATABASE_MOST)
        return FALSE;
    g_autofree char *text = g_strconcat("USE ", value, NULL);
    HgSqlOptions options = {.engine = HG_SQL_SPARK_35};
    g_auto(HgPolicyUse) use = {0};
    gboolean good = hg_policy_use_read(hg_slice_from_string(text), &options, &use) &&
                    use.second == NULL && !use.catalog;
    g_autofree char *first = good ? hg_policy_fold(use.first) : NULL;
    if (good && strcmp(first, HG_POLICY_SESSION_CATALOG) != 0)
        *database = g_strdup(use.first);
    return good;
}

/* ---- a ruling ---- */

typedef struct {
    HgSessionPolicy *session;
    HgPolicyVersion *version;
    const HgPicture *picture;
    HgSubject *subject;
    HgSqlEngine engine;
    HgSlice text;
    HgRuling *out;
} Ruling;

static void refuse(Ruling *ruling, const char *reason)
{
    ruling->out->kind = HG_RULING_REFUSE;
    g_free(ruling->out->reason);
    ruling->out->reason = g_strdup(reason);
}

static void look_up(Ruling *ruling, GPtrArray *take_missing)
{
    ruling->out->kind = HG_RULING_LOOK_UP;
    ruling->out->missing = take_missing;
}

static char *join(const GPtrArray *names)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", (const char *)names->pdata[i]);
    return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static GPtrArray *keys_of(const GArray *uses)
{
    GPtrArray *keys = g_ptr_array_new_full(uses->len, g_free);
    for (guint i = 0; i < uses->len; i++)
        g_ptr_array_add(keys, g_strdup(g_array_index(uses, HgDecisionUse, i).access->table->key));
    return keys;
}

static void take_decision(Ruling *ruling, HgDecision *decision)
{
    HgRuling *out = ruling->out;
    out->statement = decision->statement;
    if (decision->missing != NULL) {
        look_up(ruling, g_steal_pointer(&decision->missing));
        return;
    }
    out->policies = join(decision->policies);
    switch (decision->kind) {
    case HG_DECISION_UNCHANGED:
    case HG_DECISION_REWRITTEN:
        if (decision->sets_zone)
            hg_session_policy_note_zone(ruling->session);
        out->same = decision->kind == HG_DECISION_UNCHANGED;
        out->kind = out->covered ? HG_RULING_REWRITE : HG_RULING_PASSES;
        if (out->covered) {
            out->sql = g_steal_pointer(&decision->sql);
            out->tables = keys_of(decision->uses);
        }
        break;
    case HG_DECISION_REFUSED:
        out->kind = HG_RULING_REFUSE;
        out->reason = g_steal_pointer(&decision->reason);
        out->detail = g_steal_pointer(&decision->detail);
        break;
    }
}

static void decide(Ruling *ruling)
{
    HgSessionPolicy *session = ruling->session;
    HgHandle random;
    char nonce[HG_HANDLE_TEXT_SIZE];
    hg_handle_random(&random);
    for (guint i = 0; i < HG_HANDLE_HALF; i++)
        g_snprintf(nonce + 2 * i, 3, "%02x", random.guid[i]);
    pthread_mutex_lock(&session->lock);
    g_autofree char *catalog = g_strdup(session->catalog);
    g_autofree char *database = g_strdup(session->database);
    pthread_mutex_unlock(&session->lock);
    HgPolicySession at = {.catalog = catalog,
                          .database = database,
                          .options = {.engine = ruling->engine},
                          .absent = hg_picture_absent(ruling->picture),
                          .nonce = nonce};
    g_auto(HgDecision) decision = {0};
    hg_policy_decide(ruling->subject, &at, ruling->text, &decision);
    take_decision(ruling, &decision);
}

/* Statements behind which names may mean something else. */
static gboolean changes_tables(HgSqlStatementKind kind)
{
    switch (kind) {
    case HG_SQL_STATEMENT_UNKNOWN:
    case HG_SQL_STATEMENT_EXECUTE_IMMEDIATE:
    case HG_SQL_STATEMENT_CALL:
    case HG_SQL_STATEMENT_SCRIPT:
    case HG_SQL_STATEMENT_LOAD:
    case HG_SQL_STATEMENT_REPAIR:
        return TRUE;
    default:
        return kind >= HG_SQL_STATEMENT_CREATE_TABLE && kind <= HG_SQL_STATEMENT_DROP_NAMESPACE;
    }
}

/* FALSE when there is a ruling already: the statement is too long to be analysed. */
static gboolean check_size(Ruling *ruling)
{
    if (ruling->text.size <= HG_POLICY_STATEMENT_MOST)
        return TRUE;
    g_autofree char *reason = g_strdup_printf(
        "the statement has %zu bytes, and may have %u where policies have to be applied to it; "
        "shorten it, or put its values into a table",
        (gsize)ruling->text.size, HG_POLICY_STATEMENT_MOST);
    refuse(ruling, reason);
    ruling->out->sql_state = "54000";
    return FALSE;
}

/* TRUE when Spark takes the USE for one of the catalog that is current: its session stays where it
 * is. Spark finds the catalog of a USE first, and compares the name of what it found; behind SET
 * CATALOG it compares the word itself. */
static gboolean stays(const HgPolicyUse *use, const char *first, const char *current)
{
    g_autofree char *folded = hg_policy_fold(current);
    if (use->second != NULL || strcmp(first, folded) != 0)
        return FALSE;
    const char *own = strcmp(folded, HG_POLICY_SESSION_CATALOG) == 0 ? folded : current;
    return !use->catalog || strcmp(use->first, own) == 0;
}

/* USE: where the session will stand. Refused when that can't be told: what names mean depends on
 * it. */
static void read_use(Ruling *ruling)
{
    HgRuling *out = ruling->out;
    HgSessionPolicy *session = ruling->session;
    HgSqlOptions options = {.engine = ruling->engine, .keeps_variables = TRUE};
    g_auto(HgPolicyUse) use = {0};
    if (!check_size(ruling))
        return;
    if (!hg_policy_use_read(ruling->text, &options, &use)) {
        refuse(ruling, "write the catalog's or database's name without quotes");
        return;
    }
    g_autofree char *first = hg_policy_fold(use.first);
    gboolean catalog = use.catalog || use.second != NULL ||
                       strcmp(first, HG_POLICY_SESSION_CATALOG) == 0 ||
                       hg_schemas_has_catalog(hg_picture_schemas(ruling->picture), first);
    out->moves = TRUE;
    pthread_mutex_lock(&session->lock);
    g_autofree char *at = g_strdup(session->catalog);
    g_autofree char *in = g_strdup(session->database);
    pthread_mutex_unlock(&session->lock);
    if (!catalog) {
        out->catalog = g_steal_pointer(&at);
        out->database = g_steal_pointer(&use.first);
    } else if (stays(&use, first, at)) {
        out->catalog = g_steal_pointer(&at);
        out->database = g_steal_pointer(&in);
    } else {
        out->catalog = g_steal_pointer(&use.first);
        out->database = use.second != NULL ? g_steal_pointer(&use.second) : g_strdup("default");
    }
}

/* A user whom nothing limits and who may do everything: nobody looks at the text, but for what it
 * does to the session and to tables. */
static gboolean is_free(const Ruling *ruling)
{
    return !ruling->out->covered &&
           (hg_policy_set_count(hg_policy_version_set(ruling->version)) == 0 ||
            hg_subject_can(ruling->subject, HG_CAPABILITY_ALL));
}

/* FALSE when there is a ruling already: the session isn't as it must be. */
static gboolean check_session(Ruling *ruling)
{
    HgSessionPolicy *session = ruling->session;
    gboolean zone_counts = hg_policy_set_uses_time_zone(hg_policy_version_set(ruling->version));
    pthread_mutex_lock(&session->lock);
    if (!ruling->out->covered)
        session->strayed = TRUE;
    gboolean good = !ruling->out->covered ||
                    (session->pinned && !session->strayed && !(session->zoned && zone_counts));
    gboolean stands = !ruling->out->covered || (session->moves == 0 && !session->lost);
    gboolean lost = session->lost;
    pthread_mutex_unlock(&session->lock);
    if (!good)
        refuse(ruling, RECONNECT);
    else if (!stands)
        refuse(ruling, lost ? LOST : "a USE of this session hasn't ended yet; try again");
    return good && stands;
}

/* FALSE when there is a ruling already: the engine isn't known, or not one that can be looked at.
 */
static gboolean check_engine(Ruling *ruling)
{
    switch (hg_picture_engine(ruling->picture, &ruling->engine)) {
    case HG_ENGINE_SPARK:
        return TRUE;
    case HG_ENGINE_UNASKED:
        ruling->out->asks_engine = TRUE;
        look_up(ruling, NULL);
        return FALSE;
    case HG_ENGINE_OTHER:
        refuse(ruling, "policies can't be enforced on this endpoint: it is neither Spark 3.5 nor "
                       "4.0");
        return FALSE;
    }
    g_return_val_if_reached(FALSE);
}

/* FALSE when there is a ruling already: a table that policies read isn't known yet. */
static gboolean check_reads(Ruling *ruling)
{
    g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
    if (!ruling->out->covered)
        return TRUE;
    hg_policy_set_missing_reads(hg_policy_version_set(ruling->version),
                                hg_picture_schemas(ruling->picture),
                                hg_picture_absent(ruling->picture), missing);
    if (missing->len == 0)
        return TRUE;
    look_up(ruling, g_steal_pointer(&missing));
    return FALSE;
}

/* What the gateway doesn't follow yet is refused to users whom policies limit. */
static void check_supported(Ruling *ruling)
{
    HgRuling *out = ruling->out;
    if (!out->covered || out->kind != HG_RULING_REWRITE)
        return;
    if (out->statement == HG_SQL_STATEMENT_CREATE_TEMPORARY_VIEW)
        refuse(ruling, "temporary views can't be made where policies limit what you see; use WITH");
    else if (out->statement == HG_SQL_STATEMENT_CACHE)
        refuse(ruling, "CACHE TABLE isn't possible where policies limit what you see");
}

static void rule(Ruling *ruling)
{
    HgRuling *out = ruling->out;
    if (!check_session(ruling) || (!is_free(ruling) && !check_size(ruling)) ||
        !check_engine(ruling))
        return;
    HgSqlStatementKind kind = hg_sql_classify(ruling->text, ruling->engine, NULL);
    out->statement = kind;
    out->changes_tables = changes_tables(kind);
    if (kind == HG_SQL_STATEMENT_USE)
        read_use(ruling);
    if (out->kind == HG_RULING_REFUSE || is_free(ruling) || !check_reads(ruling))
        return;
    decide(ruling);
    /* the classifier leaves texts with ${ alone */
    if (out->statement == HG_SQL_STATEMENT_USE && !out->moves &&
        (out->kind == HG_RULING_REWRITE || out->kind == HG_RULING_PASSES))
        read_use(ruling);
    check_supported(ruling);
    out->changes_tables |= changes_tables(out->statement);
}

void hg_session_policy_rule(HgSessionPolicy *session, HgPolicyVersion *version,
                            const HgPicture *picture, HgSlice text, HgRuling *out)
{
    *out = (HgRuling){.kind = HG_RULING_PASSES};
    HgIdentity identity = identity_of(session->user, session->known);
    g_autoptr(HgSubject) subject = subject_new(version, hg_picture_schemas(picture), &identity);
    Ruling ruling = {.session = session,
                     .version = version,
                     .picture = picture,
                     .subject = subject,
                     .text = text,
                     .out = out};
    out->covered = hg_subject_is_covered(subject);
    rule(&ruling);
}
