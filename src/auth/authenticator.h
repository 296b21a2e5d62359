/* The authenticator: who is it that logs in with these credentials?
 *
 * It asks the methods of a chain in order until one decides, and remembers for a while what came of
 * it. A listener may have a chain of its own. A worker thread asks hg_authenticator_try(), which
 * never blocks; only when that doesn't know, a job thread runs hg_authenticator_check(). Whoever
 * fails again and again is slowed down and then refused (auth/throttle). */
#pragma once

#include "auth/certificate.h"
#include "auth/cookie.h"
#include "auth/method.h"
#include "auth/throttle.h"
#include "base/metrics.h"

/* What the client hears when there is nothing else that it may know. */
#define HG_AUTH_DENIED_TEXT "Wrong user name or password"

typedef struct HgAuthenticator HgAuthenticator;

/* One method that chains may name, with its object. */
typedef struct {
    const HgMethodTable *table;
    void *self;
} HgAuthMethod;

typedef struct {
    const HgAuthMethod *take_methods; /* freed by the authenticator, or when it can't be made */
    guint n_methods;
    const char *const *const *chains; /* of method names, each NULL-terminated; the first is for
                                         listeners without one of their own */
    guint n_chains;
    HgCertificateField certificate_field; /* for the method `certificate` */
    const char *certificate_pattern;      /* NULL: the field is the name */
    HgSlice cookie_key;                   /* empty: a random one; see auth/cookie.h */
    guint cookie_max_age;                 /* seconds; 0 = no cookies */
    gint64 cache_ttl_ms;                  /* how long a success is remembered; 0 = not at all */
    gint64 failure_ttl_ms;                /* how long a failure is; 0 = not at all */
    guint cache_entries;                  /* successes, and failures, remembered at most */
    HgThrottleConfig throttle;
} HgAuthenticatorConfig;

/* What Hive's JDBC sends when the URL names no user (measured, 3.1.3). */
#define HG_AUTH_NO_USER "anonymous"

/* A client that wants to log in. */
typedef struct {
    guint chain; /* index of the listener's chain */
    HgCredentials credentials;
    HgPeerAddress address; /* of the client */
} HgAttempt;

/* The names of all methods there are, NULL-terminated; static. */
const char *const *hg_authenticator_methods(void);

/* Makes the chains; `config` is only read during the call. Fails when a chain is empty, or names a
 * method that isn't among take_methods (or `certificate`). The object is safe for all threads until
 * it is freed. */
gboolean hg_authenticator_new(const HgAuthenticatorConfig *config, HgAuthenticator **out,
                              GError **error);

/* Frees it and its methods; no thread may use it any more. NULL does nothing. */
void hg_authenticator_free(HgAuthenticator *auth);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAuthenticator, hg_authenticator_free)

/* Counts checks there from now on; `shard` is one for several threads and outlives the object.
 * Before other threads use it. */
void hg_authenticator_count_in(HgAuthenticator *auth, HgMetricsShard *shard);

/* TRUE when that chain takes tokens as `Authorization: Bearer`. */
gboolean hg_authenticator_takes_bearer(const HgAuthenticator *auth, guint chain);

/* Logs in by a certificate, at once: TRUE when the chain has the method, the certificate names a
 * user, and the client asks to be that user or says HG_AUTH_NO_USER. Then *out is the caller's
 * reference. Else other credentials decide. `peer` may be NULL. Any thread. */
gboolean hg_authenticator_try_certificate(HgAuthenticator *auth, guint chain, const HgTlsPeer *peer,
                                          HgSlice name,
                                          HgPrincipal **out) G_GNUC_WARN_UNUSED_RESULT;

/* The value of a cookie that logs the principal in from now on, and for how many seconds; NULL when
 * there are no cookies, or none for such a principal. Free with g_free. Any thread. */
char *hg_authenticator_make_cookie(HgAuthenticator *auth, guint chain, const HgPrincipal *principal,
                                   guint *max_age);

/* Logs in by such a cookie, at once: FALSE when it isn't good (any more). Else *out is the caller's
 * reference. Any thread. */
gboolean hg_authenticator_try_cookie(HgAuthenticator *auth, guint chain, HgSlice value,
                                     HgPrincipal **out) G_GNUC_WARN_UNUSED_RESULT;

/* Answers at once (about 1 us) when it is known how this attempt ends: TRUE, with ACCEPTED or
 * DENIED in *out, which the caller clears. FALSE: a job thread has to check. Any thread. */
gboolean hg_authenticator_try(HgAuthenticator *auth, const HgAttempt *attempt,
                              HgLogin *out) G_GNUC_WARN_UNUSED_RESULT;

/* What each method said, in turn: `table` is NULL for what the authenticator itself found. */
typedef void (*HgAuthTrace)(void *data, const HgMethodTable *table, const HgLogin *login);

/* Checks with all the work it takes: hashing, asking directories. *out is ACCEPTED, DENIED or
 * UNAVAILABLE; the caller clears it, and keeps a refusal back for *delay_ms before telling it.
 * `trace` hears of each step; NULL: nobody does. Job threads. The caller wipes its own copy of the
 * secret. */
void hg_authenticator_check(HgAuthenticator *auth, const HgAttempt *attempt, HgAuthTrace trace,
                            void *data, HgLogin *out, guint *delay_ms);

/* The principal of that name as the first method of the chain has it that knows it, in any
 * spelling, without a login: for its groups and its name. NULL without an error: nobody knows the
 * name; with HG_ERROR_NOT_FOUND: a method has no means to tell; HG_ERROR_DENIED: it knows somebody
 * whom it lets nobody be. Job threads. */
HgPrincipal *hg_authenticator_look_up(HgAuthenticator *auth, guint chain, const char *name,
                                      GError **error);

/* The same, when it is remembered (for as long as a login would be): TRUE, with the caller's
 * reference in *out. FALSE: a job thread has to look. Never blocks; any thread. */
gboolean hg_authenticator_try_look_up(HgAuthenticator *auth, guint chain, const char *name,
                                      HgPrincipal **out) G_GNUC_WARN_UNUSED_RESULT;

/* Signs cookies with another key from now on. Those of the key before stay good for their time,
 * those of the one before that don't. Without cookies nothing changes. Any thread. */
gboolean hg_authenticator_set_cookie_key(HgAuthenticator *auth, HgSlice key, GError **error);

/* Users and addresses whose logins are refused now, after too many failures. Any thread. */
guint hg_authenticator_throttled(HgAuthenticator *auth);

/* Lets those try again who failed too often: see hg_throttle_unlock(). Any thread. */
guint hg_authenticator_unlock(HgAuthenticator *auth, const char *user,
                              const HgPeerAddress *address);

/* Lets every method read its files again, and forgets failures: who was refused may try anew. From
 * then on a deleted user or an old password of the users file is refused, however fresh the memory
 * of a success; groups are the new ones. A method that can't read its files keeps what it had; the
 * error names them all. Blocks on the disk: main or job thread. */
gboolean hg_authenticator_reload(HgAuthenticator *auth, GError **error);
