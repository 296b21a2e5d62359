/* Who may do what at a door: see access.h. Owns a reference to the token. */
#include "admin/access.h"

#include <openssl/crypto.h>
#include <string.h>

#define LOGINS_MOST 16   /* checked at once: each holds one of the door's threads */
#define DELAY_MOST  2000 /* ms: guessing is slowed, the end of hivegate isn't */

struct HgAdminAccess {
    HgAdminAccessOptions options;
    gint logins; /* under way; atomic */
};

HgAdminAccess *hg_admin_access_new(const HgAdminAccessOptions *options)
{
    HgAdminAccess *access = g_new0(HgAdminAccess, 1);
    access->options = *options;
    if (options->token != NULL)
        hg_secret_ref(options->token);
    return access;
}

void hg_admin_access_free(HgAdminAccess *access)
{
    if (access == NULL)
        return;
    hg_secret_unref(access->options.token);
    g_free(access);
}

static gboolean is_token(const HgSecret *token, const char *text)
{
    HgSlice wanted = token != NULL ? hg_secret_slice(token) : hg_slice(NULL, 0);
    return wanted.size > 0 && text != NULL && strlen(text) == wanted.size &&
           CRYPTO_memcmp(text, wanted.data, wanted.size) == 0;
}

static gboolean is_certificate(const HgAdminAccessOptions *options, const char *name)
{
    const char *const *names = options->certificate_names;
    return options->certificates && name != NULL && (names == NULL || g_strv_contains(names, name));
}

static void check_login(HgAuthenticator *authenticator, const HgAttempt *attempt, HgLogin *out)
{
    guint delay = 0;
    if (hg_authenticator_try(authenticator, attempt, out))
        return;
    hg_authenticator_check(authenticator, attempt, NULL, NULL, out, &delay);
    if (delay > 0)
        g_usleep((gulong)MIN(delay, DELAY_MOST) * 1000);
}

static HgPrincipal *log_in(HgAdminAccess *access, const HgAdminProof *proof)
{
    g_auto(HgLogin) login = {0};
    gboolean bearer = proof->bearer != NULL;
    HgAttempt attempt = {
        .credentials = {.name = hg_slice_from_string(bearer ? "" : proof->user),
                        .secret = hg_slice_from_string(bearer ? proof->bearer : proof->password),
                        .bearer = bearer},
        .address = proof->address,
    };
    check_login(access->options.authenticator, &attempt, &login);
    if (login.verdict == HG_VERDICT_ACCEPTED)
        return hg_principal_ref(login.principal);
    hg_log(access->options.log, HG_LOG_INFO, "login_refused", hg_log_text("listener", "admin"),
           hg_log_peer("client", &proof->address), hg_log_text("user", bearer ? NULL : proof->user),
           hg_log_text("why", login.why));
    return NULL;
}

/* TRUE when there is something that a login can be tried with. */
static gboolean has_credentials(const HgAdminAccessOptions *options, const HgAdminProof *proof)
{
    if (options->authenticator == NULL)
        return FALSE;
    if (proof->bearer != NULL)
        return *proof->bearer != '\0' && hg_authenticator_takes_bearer(options->authenticator, 0);
    return proof->user != NULL && *proof->user != '\0' && proof->password != NULL &&
           *proof->password != '\0';
}

HgAdminReach hg_admin_access_check(HgAdminAccess *access, const HgAdminProof *proof,
                                   HgPrincipal **out)
{
    const HgAdminAccessOptions *options = &access->options;
    *out = NULL;
    if (options->everybody || is_token(options->token, proof->bearer) ||
        is_certificate(options, proof->certificate))
        return HG_ADMIN_EVERYTHING;
    if (!has_credentials(options, proof))
        return HG_ADMIN_NOTHING;
    gboolean room = g_atomic_int_add(&access->logins, 1) < LOGINS_MOST;
    if (room)
        *out = log_in(access, proof);
    g_atomic_int_add(&access->logins, -1);
    return !room ? HG_ADMIN_BUSY : *out != NULL ? HG_ADMIN_OWN : HG_ADMIN_NOTHING;
}

const char *hg_admin_access_wanted(const HgAdminAccess *access)
{
    const HgAdminAccessOptions *options = &access->options;
    if (options->authenticator != NULL)
        return options->token != NULL || options->certificates
                   ? "an administrator's token or certificate is needed here, or the right user "
                     "and "
                     "password for what is your own"
                   : "the right user and password are needed here";
    if (options->token == NULL)
        return "a client certificate of an administrator is needed here";
    return options->certificates
               ? "Authorization: Bearer with the right token, or a client certificate of an "
                 "administrator, is needed here"
               : "Authorization: Bearer with the right token is needed here";
}

gboolean hg_admin_access_takes_passwords(const HgAdminAccess *access)
{
    return access->options.authenticator != NULL;
}
