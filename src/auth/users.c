/* The users file as a snapshot: see users.h. Owns its users; immutable after parsing, any thread.
 */
#include "auth/users.h"

#include "auth/name.h"
#include "auth/password.h"
#include "base/error.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#define FILE_MAX_BYTES  (16 * 1024 * 1024)
#define LINE_MAX_BYTES  4096
#define GROUPS_MAX      256
#define PROBLEMS_MAX    100
#define EMPTY_FILE_HASH "$y$j9T$hivegate$" /* a setting is enough to do the work of a check */

typedef struct {
    HgPrincipal *principal;
    char *hash;
    guint line;
} User;

struct HgUsers {
    atomic_uint references;
    GPtrArray *all;      /* of User, owned */
    GHashTable *by_name; /* name, borrowed from the principal -> User, borrowed */
    guint64 decoy_key;   /* random, so that nobody can tell which decoy a name gets */
};

/* What the parser knows while it goes through the lines. */
typedef struct {
    const char *name;
    guint line;
    HgUsers *users;
    GPtrArray *problems;
} Reader;

static void user_free(User *user)
{
    hg_principal_unref(user->principal);
    g_free(user->hash);
    g_free(user);
}

static HgUsers *users_new(void)
{
    HgUsers *users = g_new0(HgUsers, 1);
    atomic_init(&users->references, 1);
    users->all = g_ptr_array_new_with_free_func((GDestroyNotify)user_free);
    users->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    if (getrandom(&users->decoy_key, sizeof users->decoy_key, 0) != sizeof users->decoy_key)
        abort();
    return users;
}

HgUsers *hg_users_ref(HgUsers *users)
{
    atomic_fetch_add_explicit(&users->references, 1, memory_order_relaxed);
    return users;
}

void hg_users_unref(HgUsers *users)
{
    if (users == NULL)
        return;
    if (atomic_fetch_sub_explicit(&users->references, 1, memory_order_acq_rel) != 1)
        return;
    g_hash_table_unref(users->by_name);
    g_ptr_array_unref(users->all);
    g_free(users);
}

static void problem(Reader *reader, const char *what)
{
    if (reader->problems->len < PROBLEMS_MAX)
        g_ptr_array_add(reader->problems,
                        g_strdup_printf("%s:%u: %s", reader->name, reader->line, what));
}

static void problem_take(Reader *reader, GError *error)
{
    problem(reader, error->message);
    g_error_free(error);
}

/* Cuts the part up to `separator` off the line; all of it when there is none. */
static HgSlice next_part(HgSlice *line, char separator)
{
    const guint8 *at = line->size > 0 ? memchr(line->data, separator, line->size) : NULL;
    HgSlice part = at != NULL ? hg_slice(line->data, (gsize)(at - line->data)) : *line;
    gsize used = at != NULL ? part.size + 1 : part.size;
    *line = hg_slice(line->data + used, line->size - used);
    return part;
}

/* The groups of a line, NULL-terminated; NULL after a problem. */
static char **read_groups(Reader *reader, HgSlice text)
{
    g_autoptr(GStrvBuilder) groups = g_strv_builder_new();
    guint count = 0;
    while (text.size > 0) {
        GError *error = NULL;
        gboolean last = memchr(text.data, ',', text.size) == NULL;
        HgSlice group = next_part(&text, ',');
        if (!hg_group_name_check(group, &error)) {
            problem_take(reader, error);
            return NULL;
        }
        if (++count > GROUPS_MAX) {
            problem(reader, "more than 256 groups");
            return NULL;
        }
        g_autofree char *name = hg_slice_dup_string(group);
        g_strv_builder_add(groups, name);
        if (!last && text.size == 0) {
            problem(reader, "nothing follows the last ','; expected a group");
            return NULL;
        }
    }
    return g_strv_builder_end(groups);
}

static void add_user(Reader *reader, HgSlice name, char *hash, char **groups)
{
    g_autofree char *text = hg_slice_dup_string(name);
    const User *before = g_hash_table_lookup(reader->users->by_name, text);
    if (before != NULL) {
        g_autofree char *quoted = hg_text_quote(name);
        g_autofree char *what = g_strdup_printf("the user %s is on line %u already; delete one of "
                                                "the two",
                                                quoted, before->line);
        problem(reader, what);
        return;
    }
    static const char *const no_attributes[] = {NULL}; /* there are none in the file */
    User *user = g_new0(User, 1);
    user->principal =
        hg_principal_new(HG_USERS_REALM, text, (const char *const *)groups, no_attributes);
    user->hash = g_strdup(hash);
    user->line = reader->line;
    g_ptr_array_add(reader->users->all, user);
    g_hash_table_insert(reader->users->by_name, (gpointer)hg_principal_name(user->principal), user);
}

static void read_user(Reader *reader, HgSlice line)
{
    if (memchr(line.data, ':', line.size) == NULL) {
        problem(reader,
                "no ':' in this line; expected name:hash or name:hash:group,group (hivegatectl "
                "user add writes it)");
        return;
    }
    HgSlice name = next_part(&line, ':');
    HgSlice hash_part = next_part(&line, ':');
    g_autofree char *hash = hg_slice_dup_string(hash_part);
    GError *error = NULL;
    if (!hg_user_name_check(name, &error)) {
        problem_take(reader, error);
        return;
    }
    if (!hg_password_hash_check(hash, &error)) {
        problem_take(reader, error);
        return;
    }
    g_auto(GStrv) groups = read_groups(reader, line);
    if (groups != NULL)
        add_user(reader, name, hash, groups);
}

static gboolean is_blank(HgSlice line)
{
    for (gsize i = 0; i < line.size; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t')
            return FALSE;
    return TRUE;
}

static void read_line(Reader *reader, HgSlice line)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (line.size > LINE_MAX_BYTES)
        problem(reader, "the line is longer than 4096 bytes");
    else if (line.size > 0 && memchr(line.data, '\0', line.size) != NULL)
        problem(reader, "the line holds a NUL byte");
    else if (!is_blank(line) && line.data[0] != '#')
        read_user(reader, line);
}

HgUsers *hg_users_parse(const char *name, HgSlice text, GPtrArray *problems)
{
    g_autoptr(HgUsers) users = users_new();
    guint before = problems->len;
    Reader reader = {.name = name, .users = users, .problems = problems};
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = hg_slice(text.data + 3, text.size - 3);
    while (text.size > 0) {
        reader.line++;
        read_line(&reader, next_part(&text, '\n'));
    }
    return problems->len == before ? g_steal_pointer(&users) : NULL;
}

gboolean hg_users_load(const char *path, HgUsers **out, HgFileExposure *exposure,
                       GPtrArray *problems, GError **error)
{
    g_autoptr(HgSecret) file = NULL;
    HgFileExposure found = HG_FILE_PRIVATE;
    if (!hg_secret_read_file(path, FILE_MAX_BYTES, &file, &found, error))
        return FALSE;
    g_autoptr(GPtrArray) list =
        problems != NULL ? g_ptr_array_ref(problems) : g_ptr_array_new_with_free_func(g_free);
    guint before = list->len;
    HgUsers *users = hg_users_parse(path, hg_secret_slice(file), list);
    if (users == NULL) {
        guint more = list->len - before - 1;
        g_autofree char *rest = more > 0 ? g_strdup_printf(" (and %u more)", more) : g_strdup("");
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s%s",
                    (const char *)g_ptr_array_index(list, before), rest);
        return FALSE;
    }
    *out = users;
    *exposure = found;
    return TRUE;
}

guint hg_users_count(const HgUsers *users)
{
    return users->all->len;
}

HgPrincipal *hg_users_nth(const HgUsers *users, guint index)
{
    return ((const User *)g_ptr_array_index(users->all, index))->principal;
}

HgPrincipal *hg_users_find(const HgUsers *users, HgSlice name, const char **hash)
{
    char text[HG_NAME_MAX_BYTES + 1];
    if (name.size == 0 || name.size > HG_NAME_MAX_BYTES ||
        memchr(name.data, '\0', name.size) != NULL)
        return NULL;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    const User *user = g_hash_table_lookup(users->by_name, text);
    if (user == NULL)
        return NULL;
    *hash = user->hash;
    return user->principal;
}

const char *hg_users_decoy(const HgUsers *users, HgSlice name)
{
    if (users->all->len == 0)
        return EMPTY_FILE_HASH;
    guint64 mix = users->decoy_key;
    for (gsize i = 0; i < name.size; i++)
        mix = (mix ^ name.data[i]) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
    mix ^= mix >> 32;
    return ((const User *)g_ptr_array_index(users->all, mix % users->all->len))->hash;
}
