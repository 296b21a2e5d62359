/* A key set: see jwks.h. Owns its keys; immutable, any thread. */
#include "auth/jwks.h"

#include "auth/json.h"
#include "base/error.h"

#include <stdatomic.h>

#define TEXT_MAX (256 * 1024)
#define KEYS_MAX 100

struct HgJwks {
    atomic_uint references;
    GPtrArray *keys; /* of HgJwk, owned */
    guint skipped;
    char *problem;
};

HgJwks *hg_jwks_ref(HgJwks *keys)
{
    atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
    return keys;
}

void hg_jwks_unref(HgJwks *keys)
{
    if (keys == NULL)
        return;
    if (atomic_fetch_sub_explicit(&keys->references, 1, memory_order_acq_rel) != 1)
        return;
    g_ptr_array_unref(keys->keys);
    g_free(keys->problem);
    g_free(keys);
}

static void read_key(HgJwks *keys, const json_t *object)
{
    g_autoptr(GError) error = NULL;
    HgJwk *key = hg_jwk_new(object, &error);
    if (key != NULL) {
        g_ptr_array_add(keys->keys, key);
        return;
    }
    keys->skipped++;
    if (keys->problem == NULL)
        keys->problem = g_strdup(error->message);
}

static gboolean refuse(GError **error, const char *why)
{
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "the key set is of no use: %s", why);
    return FALSE;
}

/* The list of keys in the text; *root has to be given back. NULL after an error. */
static const json_t *read_list(HgSlice text, json_t **root, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (text.size > TEXT_MAX) {
        refuse(error, "it is longer than 256 KiB");
        return NULL;
    }
    *root = hg_json_read(text, &problem);
    const json_t *list = json_object_get(*root, "keys");
    if (*root == NULL)
        refuse(error, problem->message);
    else if (!json_is_array(list))
        refuse(error, "it has no list \"keys\"");
    else if (json_array_size(list) > KEYS_MAX)
        refuse(error, "it has more than 100 keys");
    else
        return list;
    return NULL;
}

gboolean hg_jwks_read(HgSlice text, HgJwks **out, GError **error)
{
    json_auto_t *root = NULL;
    const json_t *list = read_list(text, &root, error);
    if (list == NULL)
        return FALSE;
    g_autoptr(HgJwks) keys = g_new0(HgJwks, 1);
    atomic_init(&keys->references, 1);
    keys->keys = g_ptr_array_new_with_free_func((GDestroyNotify)hg_jwk_free);
    for (gsize i = 0; i < json_array_size(list); i++)
        read_key(keys, json_array_get(list, i));
    if (keys->keys->len == 0) {
        g_autofree char *why =
            keys->skipped == 0 ? g_strdup("it has no keys")
                               : g_strdup_printf("none of its %u keys can check signatures; the "
                                                 "first: %s",
                                                 keys->skipped, keys->problem);
        return refuse(error, why);
    }
    *out = g_steal_pointer(&keys);
    return TRUE;
}

guint hg_jwks_count(const HgJwks *keys)
{
    return keys->keys->len;
}

const HgJwk *hg_jwks_nth(const HgJwks *keys, guint index)
{
    return g_ptr_array_index(keys->keys, index);
}

guint hg_jwks_skipped(const HgJwks *keys)
{
    return keys->skipped;
}

const char *hg_jwks_problem(const HgJwks *keys)
{
    return keys->problem;
}

gboolean hg_jwks_has(const HgJwks *keys, const char *id)
{
    for (guint i = 0; i < keys->keys->len; i++)
        if (g_strcmp0(hg_jwk_id(hg_jwks_nth(keys, i)), id) == 0)
            return TRUE;
    return FALSE;
}
