/* The authenticator: is this name with this password, or this certificate, a principal, and which
 * one?
 *
 * It asks the methods of the configured chain (`certificate`: what the client showed in TLS;
 * `users`: a users file) and remembers a success for a while. A worker thread asks
 * hg_authenticator_try_cached(), which never blocks; only when that doesn't know, a job thread runs
 * hg_authenticator_check(). */
#pragma once

#include "auth/certificate.h"
#include "auth/cookie.h"
#include "auth/principal.h"
#include "base/slice.h"

/* The text of the error for a wrong name or a wrong password: it doesn't say which. */
#define HG_AUTH_DENIED_TEXT "Wrong user name or password"

typedef struct HgAuthenticator HgAuthenticator;

typedef enum {
    HG_AUTH_ACCEPTED, /* *out is the principal */
    HG_AUTH_DENIED,   /* can't be anybody: no valid name, or no password that could be hashed */
    HG_AUTH_CHECK,    /* not known here: a job thread has to check */
} HgAuthOutcome;

typedef struct {
    const char *const *chain; /* method names, NULL-terminated; see hg_authenticator_methods() */
    const char *users_file;   /* path, for the method `users` */
    HgCertificateField certificate_field; /* for the method `certificate` */
    const char *certificate_pattern;      /* NULL: the field is the name */
    HgSlice cookie_key;                   /* empty: a random one; see auth/cookie.h */
    guint cookie_max_age;                 /* seconds; 0 = no cookies */
    gint64 cache_ttl_ms;                  /* how long a success is remembered; 0 = not at all */
    guint cache_entries;                  /* successes remembered at most */
} HgAuthenticatorConfig;

/* The names of all methods, NULL-terminated; static. */
const char *const *hg_authenticator_methods(void);

/* Reads what the methods of the chain need; `config` is only read during the call. Blocks on the
 * disk. The object is safe for all threads until it is freed. */
gboolean hg_authenticator_new(const HgAuthenticatorConfig *config, HgAuthenticator **out,
                              GError **error);

/* Frees it; no thread may use it any more. NULL does nothing. */
void hg_authenticator_free(HgAuthenticator *auth);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAuthenticator, hg_authenticator_free)

/* Logs in by a certificate, at once: HG_AUTH_ACCEPTED when the chain has the method, the
 * certificate names a user, and the client asks to be that user or says "anonymous" (what JDBC
 * sends for no user). Else HG_AUTH_CHECK: name and password decide. `peer` may be NULL. On
 * HG_AUTH_ACCEPTED *out is the caller's reference. Any thread. */
HgAuthOutcome hg_authenticator_try_certificate(HgAuthenticator *auth, const HgTlsPeer *peer,
                                               HgSlice name,
                                               HgPrincipal **out) G_GNUC_WARN_UNUSED_RESULT;

/* The value of a cookie that logs the principal in from now on, and for how many seconds; NULL when
 * there are no cookies, or none for such a principal. Free with g_free. Any thread. */
char *hg_authenticator_make_cookie(HgAuthenticator *auth, const HgPrincipal *principal,
                                   guint *max_age);

/* Logs in by such a cookie, at once: HG_AUTH_DENIED when it isn't good (any more). On
 * HG_AUTH_ACCEPTED *out is the caller's reference. Any thread. */
HgAuthOutcome hg_authenticator_try_cookie(HgAuthenticator *auth, HgSlice value,
                                          HgPrincipal **out) G_GNUC_WARN_UNUSED_RESULT;

/* Answers at once (about 1 us). On HG_AUTH_ACCEPTED *out is the caller's reference; otherwise it is
 * untouched. Any thread. */
HgAuthOutcome hg_authenticator_try_cached(HgAuthenticator *auth, HgSlice name, HgSlice password,
                                          HgPrincipal **out) G_GNUC_WARN_UNUSED_RESULT;

/* Checks with all the work it takes (tens of milliseconds), the same for a name that doesn't exist.
 * *out is the caller's reference. A wrong name or password is HG_ERROR_DENIED with
 * HG_AUTH_DENIED_TEXT; any other error is the operator's, and no client should see its text. Job
 * threads. The caller wipes its own copy of the password. */
gboolean hg_authenticator_check(HgAuthenticator *auth, HgSlice name, HgSlice password,
                                HgPrincipal **out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads the users file again, when there is one. From then on a deleted user or an old password is
 * refused, however fresh the memory of a success; groups are the new ones. On failure everything
 * stays as it was. Blocks on the disk: main or job thread. */
gboolean hg_authenticator_reload(HgAuthenticator *auth, GError **error);

/* Users known now, for the log. Any thread. */
guint hg_authenticator_user_count(HgAuthenticator *auth);
