/* A users file, read into an immutable snapshot.
 *
 *   # comment
 *   name:hash[:group,group]
 *
 * One user a line; the hash is crypt(3)'s, the name obeys auth/name. A file with any error gives no
 * snapshot, so that a slip of the editor never locks out or lets in somebody silently. Counted; any
 * thread may read it. */
#pragma once

#include "auth/principal.h"
#include "base/secret.h"

#define HG_USERS_REALM "users"

typedef struct HgUsers HgUsers;

/* Reads the text of a users file; `name` is how its lines are named in `problems`, which receives
 * one "name:line: what is wrong" per error (at most 100; each freed by the array's free function,
 * which must be g_free). NULL when there was any. Pure. */
HgUsers *hg_users_parse(const char *name, HgSlice text, GPtrArray *problems);

/* Reads a users file of at most 16 MiB. `problems` as above, or NULL; the error sums them up in one
 * line. *exposure says who else can get at the file. Blocks on the disk. */
gboolean hg_users_load(const char *path, HgUsers **out, HgFileExposure *exposure,
                       GPtrArray *problems, GError **error);

/* Takes another reference, and gives it back. Unref of NULL does nothing. */
HgUsers *hg_users_ref(HgUsers *users);
void hg_users_unref(HgUsers *users);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgUsers, hg_users_unref)

/* How many users there are, and one of them, in the order of the file; borrowed. */
guint hg_users_count(const HgUsers *users);
HgPrincipal *hg_users_nth(const HgUsers *users, guint index);

/* The user of that name and, in *hash, the hash to check against; NULL when there is none. Both
 * borrowed. */
HgPrincipal *hg_users_find(const HgUsers *users, HgSlice name, const char **hash);

/* A hash to do the work of a check with when no user has the name, so that the time taken doesn't
 * tell which names exist: always the same one for the same name, taken from the users in this file,
 * so that unknown names cost what known ones do. Borrowed, never NULL. */
const char *hg_users_decoy(const HgUsers *users, HgSlice name);
