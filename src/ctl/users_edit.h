/* Changing a users file: locked, whole, and on the disk before anybody is told.
 *
 * From open to free this process alone edits files of that folder (a lock on the folder, so nothing
 * is left lying about). Lines that aren't changed, comments too, stay as they are. Saving writes a
 * new file beside the old one and renames it over it: a reader sees the old or the new, never a
 * part, and owner and mode stay. One thread. */
#pragma once

#include "auth/users.h"

typedef struct HgUsersEdit HgUsersEdit;

/* Locks and reads the file; waits for another editor. A file that doesn't exist is an error, or
 * with `create` an empty one (mode 0600) that saving makes. A file with errors is refused: they are
 * in the error, one a line. Symbolic links are followed. */
gboolean hg_users_edit_open(const char *path, gboolean create, HgUsersEdit **out, GError **error);

/* Unlocks; what isn't saved is gone. NULL does nothing. */
void hg_users_edit_free(HgUsersEdit *edit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgUsersEdit, hg_users_edit_free)

/* The users that were read; borrowed. */
HgUsers *hg_users_edit_users(const HgUsersEdit *edit);

/* Adds the user, or replaces the line of the one with that name. `groups` (NULL-terminated) may be
 * NULL: none for a new user, those it has for an old one. Name, hash and groups were checked by the
 * caller. */
void hg_users_edit_put(HgUsersEdit *edit, const char *name, const char *hash,
                       const char *const *groups);

/* Takes the user's line away; FALSE when there is no such user. */
gboolean hg_users_edit_remove(HgUsersEdit *edit, const char *name);

/* Writes the file. On an error the old one is untouched. */
gboolean hg_users_edit_save(HgUsersEdit *edit, GError **error);
