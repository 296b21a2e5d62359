/* What each way to log in is to the chain that asks them one after the other: a table of functions
 * over an object of the method's own.
 *
 * A method looks at credentials and says one of four things. Only "not mine" lets the chain go on
 * to the next method: who was denied by one method must not be let in by another, and what a method
 * that is away would have said isn't known. */
#pragma once

#include "auth/principal.h"
#include "base/slice.h"

/* What a client sent to say who it is. */
typedef struct {
    HgSlice name;    /* as it stands on the wire: 1 to 256 bytes of UTF-8 without control
                        characters, maybe not one that a user can have; empty with `bearer` */
    HgSlice secret;  /* the password, or a token; never empty, without NUL */
    gboolean bearer; /* it came as Authorization: Bearer, so it can only be a token */
} HgCredentials;

/* What isn't allowed any more once the token of a login has expired; over HTTP, where each request
 * carries its token, nothing is. What runs already is never ended by it. */
typedef enum {
    HG_TOKEN_EXPIRY_STATEMENTS, /* new sessions, and new statements and metadata calls */
    HG_TOKEN_EXPIRY_SESSIONS,   /* new sessions */
    HG_TOKEN_EXPIRY_LOGINS,     /* new logins only */
} HgTokenExpiry;

typedef enum {
    HG_VERDICT_NOT_MINE,    /* somebody else has to say */
    HG_VERDICT_ACCEPTED,    /* `principal` is who it is */
    HG_VERDICT_DENIED,      /* `why` says what was wrong */
    HG_VERDICT_UNAVAILABLE, /* it can't be checked at the moment; `why` says what is broken */
} HgVerdict;

/* What one method says of one login. */
typedef struct {
    HgVerdict verdict;
    HgPrincipal *principal; /* ACCEPTED: a reference for whoever asked */
    gint64 good_until;      /* ACCEPTED: the second since 1970 from which it is to be asked again (a
                               token's expiry); 0: whenever the chain likes */
    char *evidence;         /* ACCEPTED: what `vouch` says of the principal; NULL without. g_free */
    char *why;              /* else, and for NOT_MINE if it likes: for the operator's log; names
                               everything but secrets. g_free */
    char *say;              /* what the client may hear of it; NULL: only that the login is wrong.
                               g_free */
} HgLogin;

/* Frees what the login holds, and zeroes it. */
void hg_login_clear(HgLogin *login);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgLogin, hg_login_clear)

/* A copy with texts and a reference of its own. */
HgLogin hg_login_copy(const HgLogin *login);

/* Fills in a verdict other than ACCEPTED; `why` is copied. */
void hg_login_say(HgLogin *out, HgVerdict verdict, const char *why);

typedef struct {
    const char *name;      /* the word in `authentication: chain`; static */
    gboolean takes_bearer; /* credentials with `bearer` may be its own */
    /* Decides about the credentials, however long it takes within the method's own time limits;
     * *out is zeroed before. Job threads, several at once. */
    void (*check)(void *self, const HgCredentials *credentials, HgLogin *out);
    /* The principal of that name and, in *evidence (g_free), something that changes when logins of
     * it that have succeeded aren't good any more, such as the hash of its password. NULL when
     * there is no such principal. NULL for the function: what was accepted stays good for its time.
     * Never blocks; any thread. */
    HgPrincipal *(*vouch)(void *self, const char *name, char **evidence);
    /* The principal of that name without a login, for its groups and its name: NULL and no error
     * when there is nobody of that name; HG_ERROR_NOT_FOUND when the method has no means to tell,
     * HG_ERROR_DENIED when nobody may be that user. NULL: as if it knew nobody. Job threads. */
    HgPrincipal *(*look_up)(void *self, const char *name, GError **error);
    /* Reads its files again; on failure everything stays as it was. NULL: it has none. Blocks;
     * main thread. */
    gboolean (*reload)(void *self, GError **error);
    void (*free)(void *self);
} HgMethodTable;
