/* The users file in the chain: see users_method.h. Owns the snapshot. */
#include "auth/users_method.h"

#include "auth/name.h"
#include "auth/password.h"
#include "auth/users.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

struct HgUsersMethod {
    char *path;
    pthread_mutex_t lock; /* around `users`: the pointer, not what it points to */
    HgUsers *users;
    sem_t
        hashing; /* one for each processor: hashing more at once would only take them from others */
};

static void method_free(void *self)
{
    HgUsersMethod *method = self;
    hg_users_unref(method->users);
    sem_destroy(&method->hashing);
    pthread_mutex_destroy(&method->lock);
    g_free(method->path);
    g_free(method);
}

gboolean hg_users_method_new(const char *path, HgUsersMethod **out, GError **error)
{
    HgFileExposure exposure = HG_FILE_PRIVATE;
    HgUsers *users = NULL;
    if (!hg_users_load(path, &users, &exposure, NULL, error))
        return FALSE;
    HgUsersMethod *method = g_new0(HgUsersMethod, 1);
    pthread_mutex_init(&method->lock, NULL);
    sem_init(&method->hashing, 0, g_get_num_processors());
    method->path = g_strdup(path);
    method->users = users;
    *out = method;
    return TRUE;
}

static HgUsers *current_users(HgUsersMethod *method)
{
    pthread_mutex_lock(&method->lock);
    HgUsers *users = hg_users_ref(method->users);
    pthread_mutex_unlock(&method->lock);
    return users;
}

guint hg_users_method_count(HgUsersMethod *method)
{
    g_autoptr(HgUsers) users = current_users(method);
    return hg_users_count(users);
}

static gboolean verify(HgUsersMethod *method, HgSlice password, const char *hash, gboolean *right,
                       GError **error)
{
    while (sem_wait(&method->hashing) != 0 && errno == EINTR)
        ;
    gboolean done = hg_password_verify(password, hash, right, error);
    sem_post(&method->hashing);
    return done;
}

/* An unknown name costs what a known one does, so that the time taken doesn't tell them apart. */
static void check(void *self, const HgCredentials *credentials, HgLogin *out)
{
    if (credentials->bearer || !hg_user_name_check(credentials->name, NULL) ||
        !hg_password_check(credentials->secret, NULL))
        return; /* no user of a file can be meant */
    g_autoptr(HgUsers) users = current_users(self);
    g_autoptr(GError) error = NULL;
    const char *hash = NULL;
    gboolean right = FALSE;
    HgPrincipal *principal = hg_users_find(users, credentials->name, &hash);
    if (principal == NULL)
        hash = hg_users_decoy(users, credentials->name);
    if (!verify(self, credentials->secret, hash, &right, &error)) {
        hg_login_say(out, HG_VERDICT_UNAVAILABLE, error->message);
    } else if (principal == NULL) {
        hg_login_say(out, HG_VERDICT_NOT_MINE, "no such user in the users file");
    } else if (!right) {
        hg_login_say(out, HG_VERDICT_DENIED, "wrong password");
    } else {
        out->verdict = HG_VERDICT_ACCEPTED;
        out->principal = hg_principal_ref(principal);
        out->evidence = g_strdup(hash);
    }
}

static HgPrincipal *vouch(void *self, const char *name, char **evidence)
{
    const char *hash = NULL;
    g_autoptr(HgUsers) users = current_users(self);
    HgPrincipal *principal = hg_users_find(users, hg_slice_from_string(name), &hash);
    if (principal == NULL)
        return NULL;
    *evidence = g_strdup(hash);
    return hg_principal_ref(principal);
}

static HgPrincipal *look_up(void *self, const char *name, GError **error)
{
    const char *hash = NULL;
    g_autoptr(HgUsers) users = current_users(self);
    HgPrincipal *principal = hg_users_find(users, hg_slice_from_string(name), &hash);
    return principal != NULL ? hg_principal_ref(principal) : NULL;
}

static gboolean reload(void *self, GError **error)
{
    HgUsersMethod *method = self;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    HgUsers *fresh = NULL;
    if (!hg_users_load(method->path, &fresh, &exposure, NULL, error))
        return FALSE;
    pthread_mutex_lock(&method->lock);
    HgUsers *old = method->users;
    method->users = fresh;
    pthread_mutex_unlock(&method->lock);
    hg_users_unref(old);
    return TRUE;
}

const HgMethodTable *hg_users_method(void)
{
    static const HgMethodTable table = {.name = "users",
                                        .check = check,
                                        .vouch = vouch,
                                        .look_up = look_up,
                                        .reload = reload,
                                        .free = method_free};
    return &table;
}
