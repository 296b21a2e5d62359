/* A trusted issuer of tokens and its public keys, kept fresh by a thread of its own.
 *
 * The thread fetches the keys at the start, whenever they reach an age, and when a login meets a
 * key that isn't among them (at most once in a while, and once for all who ask). A login that the
 * keys at hand can decide never waits. When the issuer is away, the last good keys serve on, up to
 * a highest age. */
#pragma once

#include "auth/jwks.h"

typedef struct {
    const char *name;      /* the realm of its users */
    const char *issuer;    /* what `iss` must be, exactly */
    const char *jwks_url;  /* where the keys are; without it and a file, the issuer's discovery */
    const char *jwks_file; /* document tells (OpenID Connect Discovery 1.0) */
    const char *ca_file;   /* NULL: the system's */
    const char *proxy;     /* NULL: none */
    gboolean plaintext;    /* http may go to other machines */
    gint64 refresh_ms;     /* the age at which keys are fetched again */
    gint64 refetch_ms;     /* at least this long between fetches for unknown keys */
    gint64 max_age_ms;     /* keys older than this aren't trusted; 0: whatever their age */
    gint64 connect_timeout_ms;
    gint64 timeout_ms; /* of a fetch; nobody waits longer */
} HgIssuerConfig;

typedef struct HgIssuer HgIssuer;

typedef enum {
    HG_KEYS_NEWER,   /* *out are other keys than those that were tried */
    HG_KEYS_NO_NEW,  /* the issuer was asked just now or lately: there are no others */
    HG_KEYS_UNKNOWN, /* it couldn't be asked, so nobody knows */
} HgKeysOutcome;

/* An issuer whose thread begins to fetch at once. A key file is read now, and an error is one here;
 * a URL that doesn't answer is none. `config` is only read during the call. */
gboolean hg_issuer_new(const HgIssuerConfig *config, HgIssuer **out, GError **error);

/* Ends its thread, within about a second. No other thread may use it any more. NULL does nothing.
 */
void hg_issuer_free(HgIssuer *issuer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgIssuer, hg_issuer_free)

/* Borrowed. */
const char *hg_issuer_name(const HgIssuer *issuer);
const char *hg_issuer_url(const HgIssuer *issuer);

/* The keys at hand, the caller's reference. Waits only while there were never any and the first
 * fetch is under way. FALSE when there are none, or they are too old: *why says what is broken
 * (g_free). Job threads. */
gboolean hg_issuer_keys(HgIssuer *issuer, HgJwks **out, char **why);

/* Keys other than `tried`, which didn't do: fetches them when that may be, and waits for that. On
 * HG_KEYS_NEWER *out is the caller's reference, else *why (g_free). Job threads. */
HgKeysOutcome hg_issuer_newer_keys(HgIssuer *issuer, const HgJwks *tried, HgJwks **out, char **why);

/* Reads the key file again, or has the keys fetched soon. On failure everything stays as it was.
 * Blocks on the disk. */
gboolean hg_issuer_reload(HgIssuer *issuer, GError **error);

/* What stands with the keys, in a line for the operator. Free with g_free. Any thread. */
char *hg_issuer_describe(HgIssuer *issuer);
