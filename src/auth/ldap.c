/* Logins against a directory: see ldap.h. The order of what is asked stands here; how it is asked
 * in ldap_search, ldap_pool and ldap_connection. */
#include "auth/ldap.h"

#include "auth/ldap_search.h"
#include "base/error.h"

#include <ldap.h>

struct HgLdap {
    HgLdapRules *rules;
    HgLdapPool *pool;
};

/* One login on its way. */
typedef struct {
    HgLdap *ldap;
    HgSlice name; /* without the domain */
    HgSlice password;
    gint64 deadline_us;
    HgLogin *login;
} Attempt;

/* A bind on its way through the pool; without a service account the user's entry is read in the
 * user's own name over the same connection. */
typedef struct {
    Attempt *attempt;
    const char *who;
    HgLdapTemplateKind kind;
    gboolean read_too;
    HgPrincipal *principal;
} Bind;

gboolean hg_ldap_new(const HgLdapConfig *config, HgLdap **out, GError **error)
{
    g_autoptr(HgLdap) ldap = g_new0(HgLdap, 1);
    if (!hg_ldap_rules_new(config, &ldap->rules, error) || !hg_ldap_connection_prepare(error) ||
        !hg_ldap_pool_new(&ldap->rules->config, &ldap->pool, error))
        return FALSE;
    *out = g_steal_pointer(&ldap);
    return TRUE;
}

void hg_ldap_free(HgLdap *ldap)
{
    if (ldap == NULL)
        return;
    hg_ldap_pool_free(ldap->pool);
    hg_ldap_rules_free(ldap->rules);
    g_free(ldap);
}

static gint64 deadline(const HgLdap *ldap)
{
    return g_get_monotonic_time() + ldap->rules->config.timeout_ms * 1000;
}

/* Whether there is anybody but the user to search with. */
static gboolean has_service(const HgLdap *ldap)
{
    return ldap->rules->config.bind_dn != NULL || ldap->rules->patterns->len == 0;
}

/* The directory says who was bound by a name that is no DN (RFC 4532), and the entry that was found
 * for it has to be that: what is called alice need not be who logs in as alice@example.org. */
static gboolean is_same_user(const char *bound, const HgLdapEntry *entry, const char *attribute)
{
    g_autofree char *of_entry = hg_ldap_dn_normal(entry->dn);
    if (g_str_has_prefix(bound, "dn:")) {
        g_autofree char *of_bind = hg_ldap_dn_normal(bound + strlen("dn:"));
        return of_bind != NULL && g_strcmp0(of_bind, of_entry) == 0;
    }
    if (!g_str_has_prefix(bound, "u:"))
        return FALSE;
    const char *domain_end = strchr(bound, '\\'); /* u:DOMAIN\name */
    const char *const name[] = {domain_end != NULL ? domain_end + 1 : bound + strlen("u:"), NULL};
    g_autoptr(GPtrArray) values = hg_ldap_entry_values(entry, attribute);
    return values->len == 1 && hg_ldap_list_has(name, g_ptr_array_index(values, 0));
}

/* Finds the entry of who was bound by a name over `connection`. */
static gboolean find_bound(Bind *bind, HgLdapAsk *ask, HgLdapConnection *connection,
                           gint64 deadline_us, HgLdapEntry **out)
{
    const Attempt *attempt = bind->attempt;
    g_autofree char *bound = NULL;
    g_autoptr(HgLdapEntry) entry = NULL;
    hg_ldap_connection_who(connection, deadline_us, &bound, &ask->last);
    if (bound == NULL) {
        hg_ldap_judge_search(&ask->last, "asking who was bound (RFC 4532)", attempt->login);
        return FALSE;
    }
    if (!hg_ldap_find_user(ask, attempt->name, &entry, attempt->login)) {
        if (attempt->login->verdict == HG_VERDICT_NOT_MINE)
            hg_ldap_decide(attempt->login, HG_VERDICT_DENIED, NULL,
                           "the login as %s is right, but the user isn't found with user_filter",
                           bind->who);
        return FALSE;
    }
    if (!is_same_user(bound, entry, ask->rules->config.user_attribute)) {
        hg_ldap_decide(attempt->login, HG_VERDICT_DENIED, NULL,
                       "%s is found for the login as %s, but the directory says that this is %s; "
                       "user_filter has to find the same user",
                       entry->dn, bind->who, bound);
        return FALSE;
    }
    *out = g_steal_pointer(&entry);
    return TRUE;
}

static gboolean read_bound(const Bind *bind, HgLdapAsk *ask, HgLdapEntry **out)
{
    const Attempt *attempt = bind->attempt;
    if (!hg_ldap_read_user(ask, bind->who, attempt->name, out, attempt->login))
        return FALSE;
    if (*out == NULL)
        hg_ldap_decide(attempt->login, HG_VERDICT_DENIED, NULL,
                       "the login as %s is right, but the entry can't be read in its own name, or "
                       "isn't what user_filter wants; a service account (bind_dn) may help",
                       bind->who);
    return *out != NULL;
}

static void send_bind(HgLdapConnection *connection, gint64 deadline_us, HgLdapReply *reply,
                      void *data)
{
    Bind *bind = data;
    Attempt *attempt = bind->attempt;
    g_autoptr(HgLdapEntry) entry = NULL;
    hg_ldap_connection_bind(connection, bind->who, attempt->password, deadline_us, reply);
    hg_ldap_judge_bind(reply, bind->who, attempt->login);
    gboolean by_name = bind->kind == HG_LDAP_TEMPLATE_NAME;
    if (attempt->login->verdict != HG_VERDICT_ACCEPTED || (!by_name && !bind->read_too))
        return;
    g_auto(HgLdapAsk) ask = {.rules = attempt->ldap->rules,
                             .pool = attempt->ldap->pool,
                             .connection = connection,
                             .deadline_us = deadline_us};
    gboolean ok = by_name ? find_bound(bind, &ask, connection, deadline_us, &entry)
                          : read_bound(bind, &ask, &entry);
    if (ok)
        bind->principal = hg_ldap_make_principal(&ask, entry, attempt->login);
    /* a connection that broke here is the pool's business, which begins anew with the next */
    if (ask.last.status != HG_LDAP_ANSWERED) {
        g_clear_pointer(&bind->principal, hg_principal_unref);
        hg_ldap_reply_clear(reply);
        *reply = ask.last;
        ask.last = (HgLdapReply){.policy = HG_LDAP_POLICY_NONE};
    }
}

/* Binds; the verdict is ACCEPTED when the password is right, and *out is who it is, if the entry
 * was read too. */
static void run_bind(Attempt *attempt, const char *who, HgLdapTemplateKind kind, gboolean read_too,
                     HgPrincipal **out)
{
    g_auto(HgLdapReply) reply = {.policy = HG_LDAP_POLICY_NONE};
    Bind bind = {.attempt = attempt, .who = who, .kind = kind, .read_too = read_too};
    hg_ldap_pool_run(attempt->ldap->pool, HG_LDAP_FOR_LOGIN, attempt->deadline_us, send_bind, &bind,
                     &reply);
    if (reply.status != HG_LDAP_ANSWERED)
        hg_ldap_judge_bind(&reply, who, attempt->login);
    *out = bind.principal;
}

static void accept(HgLogin *login, HgPrincipal *take_principal)
{
    if (take_principal == NULL)
        return;
    g_clear_pointer(&login->why, g_free);
    login->verdict = HG_VERDICT_ACCEPTED;
    login->principal = take_principal;
}

/* Searches an entry, binds as it, and only then looks at groups and lists: who doesn't know the
 * password makes no more work. */
static void check_entry(Attempt *attempt, HgLdapAsk *ask, const HgLdapEntry *entry)
{
    HgPrincipal *none = NULL;
    run_bind(attempt, entry->dn, HG_LDAP_TEMPLATE_DN, FALSE, &none);
    if (attempt->login->verdict == HG_VERDICT_NOT_MINE)
        hg_ldap_decide(attempt->login, HG_VERDICT_DENIED, NULL,
                       "%s was found, but can't be logged in as: no such entry", entry->dn);
    if (attempt->login->verdict == HG_VERDICT_ACCEPTED)
        accept(attempt->login, hg_ldap_make_principal(ask, entry, attempt->login));
}

/* One pattern that makes a DN, with a service account: whether the entry is there is known before
 * the bind. FALSE when the next pattern has to be tried. */
static gboolean check_dn_pattern(Attempt *attempt, const char *dn)
{
    g_autoptr(HgLdapEntry) entry = NULL;
    g_auto(HgLdapAsk) ask = {.rules = attempt->ldap->rules,
                             .pool = attempt->ldap->pool,
                             .deadline_us = attempt->deadline_us};
    if (!hg_ldap_read_user(&ask, dn, attempt->name, &entry, attempt->login))
        return TRUE;
    if (entry == NULL) {
        hg_ldap_decide(attempt->login, HG_VERDICT_NOT_MINE, NULL, "there is no %s", dn);
        return FALSE;
    }
    check_entry(attempt, &ask, entry);
    return TRUE;
}

/* One pattern where only the bind itself can tell. A wrong password for one may be the right one
 * for the next. */
static gboolean check_blind_pattern(Attempt *attempt, const char *who, HgLdapTemplateKind kind)
{
    HgPrincipal *principal = NULL;
    run_bind(attempt, who, kind, TRUE, &principal);
    if (attempt->login->verdict == HG_VERDICT_ACCEPTED)
        accept(attempt->login, principal);
    return attempt->login->verdict == HG_VERDICT_ACCEPTED ||
           attempt->login->verdict == HG_VERDICT_UNAVAILABLE;
}

/* All patterns in order. The verdict is DENIED when one of them was denied, and all reasons are
 * told. */
static void check_patterns(Attempt *attempt)
{
    const HgLdapRules *rules = attempt->ldap->rules;
    HgLogin *login = attempt->login;
    g_autofree char *denied = NULL;
    g_autofree char *say = NULL;
    for (guint i = 0; i < rules->patterns->len; i++) {
        HgLdapTemplateKind kind = hg_ldap_pattern_kind(rules->config.user_patterns[i]);
        g_autofree char *who =
            hg_ldap_template_expand(g_ptr_array_index(rules->patterns, i), attempt->name, NULL);
        gboolean last = kind == HG_LDAP_TEMPLATE_DN && has_service(attempt->ldap)
                            ? check_dn_pattern(attempt, who)
                            : check_blind_pattern(attempt, who, kind);
        if (last)
            return;
        if (login->verdict != HG_VERDICT_DENIED)
            continue;
        char *all =
            denied == NULL ? g_strdup(login->why) : g_strdup_printf("%s; %s", denied, login->why);
        g_free(denied);
        denied = all;
        if (say == NULL)
            say = g_strdup(login->say);
    }
    if (denied != NULL)
        hg_ldap_decide(login, HG_VERDICT_DENIED, say, "%s", denied);
}

static void check_found(Attempt *attempt)
{
    g_autoptr(HgLdapEntry) entry = NULL;
    g_auto(HgLdapAsk) ask = {.rules = attempt->ldap->rules,
                             .pool = attempt->ldap->pool,
                             .deadline_us = attempt->deadline_us};
    if (hg_ldap_find_user(&ask, attempt->name, &entry, attempt->login))
        check_entry(attempt, &ask, entry);
}

static void check(void *self, const HgCredentials *credentials, HgLogin *out)
{
    HgLdap *ldap = self;
    Attempt attempt = {
        .ldap = ldap, .password = credentials->secret, .deadline_us = deadline(ldap), .login = out};
    if (credentials->bearer || credentials->name.size == 0)
        hg_ldap_decide(out, HG_VERDICT_NOT_MINE, NULL, "a directory knows no bearer tokens");
    else if (credentials->secret.size == 0)
        hg_ldap_decide(out, HG_VERDICT_DENIED, NULL,
                       "no password was given; a directory would take that for an anonymous login");
    else if (!hg_ldap_rules_strip(ldap->rules, credentials->name, &attempt.name))
        hg_ldap_decide(out, HG_VERDICT_NOT_MINE, NULL, "the name's domain isn't %s",
                       ldap->rules->config.domain);
    else if (ldap->rules->patterns->len > 0)
        check_patterns(&attempt);
    else
        check_found(&attempt);
}

/* The entry of a name by pattern or search; NULL with the login's verdict. */
static HgLdapEntry *look_up_entry(HgLdapAsk *ask, HgSlice name, HgLogin *login)
{
    const HgLdapRules *rules = ask->rules;
    HgLdapEntry *entry = NULL;
    gboolean by_name = rules->patterns->len == 0;
    for (guint i = 0; i < rules->patterns->len; i++) {
        if (hg_ldap_pattern_kind(rules->config.user_patterns[i]) == HG_LDAP_TEMPLATE_NAME) {
            by_name = TRUE;
            continue;
        }
        g_autofree char *dn =
            hg_ldap_template_expand(g_ptr_array_index(rules->patterns, i), name, NULL);
        if (!hg_ldap_read_user(ask, dn, name, &entry, login) || entry != NULL)
            return entry;
        hg_ldap_decide(login, HG_VERDICT_NOT_MINE, NULL, "there is no %s", dn);
    }
    if (by_name)
        hg_ldap_find_user(ask, name, &entry, login);
    return entry;
}

static HgPrincipal *look_up(void *self, const char *name, GError **error)
{
    HgLdap *ldap = self;
    g_auto(HgLogin) login = {0};
    HgSlice user;
    g_auto(HgLdapAsk)
        ask = {.rules = ldap->rules, .pool = ldap->pool, .deadline_us = deadline(ldap)};
    if (!hg_ldap_rules_strip(ldap->rules, hg_slice_from_string(name), &user))
        return NULL;
    if (!has_service(ldap)) {
        g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND,
                    "ldap has no service account to look %s up with; expected bind_dn in "
                    "authentication.ldap",
                    name);
        return NULL;
    }
    g_autoptr(HgLdapEntry) entry = look_up_entry(&ask, user, &login);
    HgPrincipal *principal = entry != NULL ? hg_ldap_make_principal(&ask, entry, &login) : NULL;
    if (principal == NULL && login.verdict != HG_VERDICT_NOT_MINE)
        g_set_error(error, HG_ERROR,
                    login.verdict == HG_VERDICT_DENIED ? HG_ERROR_DENIED : HG_ERROR_UNAVAILABLE,
                    "%s", login.why);
    return principal;
}

static gboolean reload(void *self, GError **error)
{
    HgLdap *ldap = self;
    return hg_ldap_pool_reload(ldap->pool, error);
}

const HgMethodTable *hg_ldap_method(void)
{
    static const HgMethodTable table = {
        .name = "ldap",
        .check = check,
        .look_up = look_up,
        .reload = reload,
        .free = (void (*)(void *))hg_ldap_free,
    };
    return &table;
}
