/* The users file as a method of the chain: the present snapshot of it, replaced when it is read
 * again. Any thread. */
#pragma once

#include "auth/method.h"

typedef struct HgUsersMethod HgUsersMethod;

/* Reads the users file. Blocks on the disk. Belongs to the chain that gets it with the table. */
gboolean hg_users_method_new(const char *path, HgUsersMethod **out, GError **error);

/* Static. */
const HgMethodTable *hg_users_method(void);

/* Users in the present snapshot. */
guint hg_users_method_count(HgUsersMethod *method);
