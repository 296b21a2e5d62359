/* The top of a policies file: see policy_file.h. */
#include "app/policy_file.h"

#include "app/policy_file_private.h"
#include "base/secret.h"
#include "base/text.h"
#include "policy/name.h"

#include <string.h>

/* The keys of the file. */
typedef struct {
    const HgYaml *default_access;
    const HgYaml *policies;
    const HgYaml *trusted_views;
    const HgYaml *hash_key_file;
    const HgYaml *tests;
} Top;

gboolean hg_policy_read_map(HgPolicyReader *reader, const HgYaml *node, const char *what,
                            const HgPolicyKey *keys, gsize count, gpointer out)
{
    if (node->kind != HG_YAML_MAP) {
        hg_diagnostics_error(reader->diagnostics, node->mark, "%s is no map of keys and values",
                             what);
        return FALSE;
    }
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree const char **known = g_new0(const char *, count);
    for (gsize k = 0; k < count; k++)
        known[k] = keys[k].key;
    for (guint i = 0; i < hg_yaml_size(node); i++) {
        const HgYaml *key = hg_yaml_key(node, i);
        gsize k = 0;
        while (k < count && strcmp(keys[k].key, key->text) != 0)
            k++;
        if (k == count) {
            const char *near = hg_text_nearest(key->text, known, count);
            g_autofree char *quoted = hg_text_quote(hg_slice_from_string(key->text));
            hg_diagnostics_error(reader->diagnostics, key->mark, "%s has no key %s; %s%s%s", what,
                                 quoted,
                                 near != NULL ? "did you mean " : "look into docs/policies.md",
                                 near != NULL ? near : "", near != NULL ? "?" : "");
        } else if (!g_hash_table_add(seen, key->text)) {
            hg_diagnostics_error(reader->diagnostics, key->mark, "%s has %s twice", what,
                                 key->text);
        } else {
            keys[k].read(reader, hg_yaml_item(node, i), out);
        }
    }
    return TRUE;
}

const char *hg_policy_read_text(HgPolicyReader *reader, const HgYaml *node)
{
    if (node->kind == HG_YAML_SCALAR && !node->is_null && *node->text != '\0')
        return node->text;
    hg_diagnostics_error(reader->diagnostics, node->mark, "expected a text that isn't empty");
    return NULL;
}

char **hg_policy_read_list(HgPolicyReader *reader, const HgYaml *node)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    if (node->kind == HG_YAML_SCALAR) {
        const char *text = hg_policy_read_text(reader, node);
        if (text == NULL)
            return NULL;
        g_strv_builder_add(list, text);
    } else if (node->kind == HG_YAML_LIST) {
        for (guint i = 0; i < hg_yaml_size(node); i++) {
            const char *text = hg_policy_read_text(reader, hg_yaml_item(node, i));
            if (text == NULL)
                return NULL;
            g_strv_builder_add(list, text);
        }
    } else {
        hg_diagnostics_error(reader->diagnostics, node->mark, "expected a text or a list of texts");
        return NULL;
    }
    return g_strv_builder_end(list);
}

char **hg_policy_read_folded(HgPolicyReader *reader, const HgYaml *node)
{
    char **list = hg_policy_read_list(reader, node);
    for (guint i = 0; list != NULL && list[i] != NULL; i++) {
        char *folded = hg_policy_fold(list[i]);
        g_free(list[i]);
        list[i] = folded;
    }
    return list;
}

char **hg_policy_read_pairs(HgPolicyReader *reader, const HgYaml *node)
{
    g_autoptr(GStrvBuilder) pairs = g_strv_builder_new();
    if (node->kind != HG_YAML_MAP) {
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "expected attributes: {name: value, ...}");
        return NULL;
    }
    for (guint i = 0; i < hg_yaml_size(node); i++) {
        g_auto(GStrv) values = hg_policy_read_list(reader, hg_yaml_item(node, i));
        if (values == NULL)
            return NULL;
        for (guint k = 0; values[k] != NULL; k++) {
            g_strv_builder_add(pairs, hg_yaml_key(node, i)->text);
            g_strv_builder_add(pairs, values[k]);
        }
    }
    return g_strv_builder_end(pairs);
}

static void keep_default(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Top *)out)->default_access = node;
}

static void keep_policies(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Top *)out)->policies = node;
}

static void keep_trusted(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Top *)out)->trusted_views = node;
}

static void keep_hash_key(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Top *)out)->hash_key_file = node;
}

static void keep_tests(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Top *)out)->tests = node;
}

static const HgPolicyKey top_keys[] = {
    {"default_access", keep_default}, {"policies", keep_policies}, {"trusted_views", keep_trusted},
    {"hash_key_file", keep_hash_key}, {"tests", keep_tests},
};

static gboolean read_default(HgPolicyReader *reader, const HgYaml *node)
{
    const char *text = node != NULL && node->kind == HG_YAML_SCALAR ? node->text : NULL;
    if (node == NULL || g_strcmp0(text, "deny") == 0)
        return FALSE;
    if (g_strcmp0(text, "allow") != 0)
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "default_access: expected allow or deny");
    return TRUE;
}

static gboolean is_list(HgPolicyReader *reader, const HgYaml *node, const char *what)
{
    if (node == NULL)
        return FALSE;
    if (node->kind != HG_YAML_LIST)
        hg_diagnostics_error(reader->diagnostics, node->mark, "%s: expected a list", what);
    return node->kind == HG_YAML_LIST;
}

static void read_policies(HgPolicyReader *reader, const HgYaml *node)
{
    for (guint i = 0; is_list(reader, node, "policies") && i < hg_yaml_size(node); i++) {
        HgPolicy *policy = hg_policy_read_policy(reader, hg_yaml_item(node, i));
        if (policy != NULL)
            hg_policy_set_take(reader->set, policy);
    }
}

static void read_tests(HgPolicyReader *reader, const HgYaml *node, GPtrArray *tests)
{
    for (guint i = 0; is_list(reader, node, "tests") && i < hg_yaml_size(node); i++) {
        HgPolicyTest *test = hg_policy_read_test(reader, hg_yaml_item(node, i));
        if (test != NULL)
            g_ptr_array_add(tests, test);
    }
}

static void read_trusted(HgPolicyReader *reader, const HgYaml *node)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) patterns = node != NULL ? hg_policy_read_list(reader, node) : NULL;
    if (patterns != NULL && !hg_policy_set_trust(reader->set, patterns, &error))
        hg_diagnostics_error(reader->diagnostics, node->mark, "trusted_views: %s", error->message);
}

/* The place of the key in *key_file, borrowed from `root`. */
static HgPolicyFile *read_file(const char *name, HgSlice text, const HgYaml *root,
                               HgDiagnostics *diagnostics, const HgYaml **key_file)
{
    g_autofree char *hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, text.data, text.size);
    g_autofree char *version = g_strdup_printf("sha256:%s", hash);
    g_autoptr(HgPolicyFile) file = g_new0(HgPolicyFile, 1);
    HgPolicyReader reader = {.diagnostics = diagnostics};
    Top top = {0};
    hg_policy_read_map(&reader, root, "the file", top_keys, G_N_ELEMENTS(top_keys), &top);
    if (top.default_access == NULL)
        hg_diagnostics_error(diagnostics, root->mark,
                             "default_access is missing; expected allow or deny");
    file->tests = g_ptr_array_new_with_free_func((GDestroyNotify)hg_policy_test_free);
    file->set = hg_policy_set_new(version, read_default(&reader, top.default_access));
    reader.set = file->set;
    reader.names = g_hash_table_new(g_str_hash, g_str_equal);
    read_policies(&reader, top.policies);
    read_trusted(&reader, top.trusted_views);
    read_tests(&reader, top.tests, file->tests);
    if (reader.uses_hash && top.hash_key_file == NULL)
        hg_diagnostics_error(diagnostics, root->mark,
                             "MASK_HASH needs a key, or a list of likely values undoes it; put "
                             "some secret line into a file and name it: hash_key_file: ...");
    g_hash_table_unref(reader.names);
    *key_file = top.hash_key_file;
    return hg_diagnostics_errors(diagnostics) == 0 ? g_steal_pointer(&file) : NULL;
}

HgPolicyFile *hg_policy_file_parse(const char *file, HgSlice text, HgDiagnostics *diagnostics)
{
    const HgYaml *key_file;
    g_autoptr(HgYaml) root = hg_yaml_parse(text, diagnostics);
    return root != NULL ? read_file(file, text, root, diagnostics, &key_file) : NULL;
}

/* Reads the key that MASK_HASH needs; a relative path counts from the policies file. */
static gboolean load_key(const char *path, const HgYaml *node, HgPolicySet *set,
                         HgDiagnostics *diagnostics)
{
    g_autoptr(HgSecret) secret = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure;
    if (node == NULL)
        return TRUE;
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *full = g_path_is_absolute(node->text)
                                ? g_strdup(node->text)
                                : g_build_filename(folder, node->text, NULL);
    if (!hg_secret_load_file(full, &secret, &exposure, &error)) {
        hg_diagnostics_error(diagnostics, node->mark, "hash_key_file: %s", error->message);
        return FALSE;
    }
    if (exposure != HG_FILE_PRIVATE)
        hg_diagnostics_warn(diagnostics, node->mark, "hash_key_file: others can read or change it");
    g_autofree char *key = hg_slice_dup_string(hg_secret_slice(secret));
    hg_policy_set_hash_key(set, key);
    return TRUE;
}

HgPolicyFile *hg_policy_file_load(const char *path, HgDiagnostics *diagnostics)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    const HgYaml *key_file = NULL;
    gsize size = 0;
    if (!g_file_get_contents(path, &text, &size, &error)) {
        hg_diagnostics_error(diagnostics, (HgMark){0, 0}, "can't be read: %s", error->message);
        return NULL;
    }
    g_autoptr(HgYaml) root = hg_yaml_parse(hg_slice(text, size), diagnostics);
    if (root == NULL)
        return NULL;
    g_autoptr(HgPolicyFile) file =
        read_file(path, hg_slice(text, size), root, diagnostics, &key_file);
    if (file == NULL || !load_key(path, key_file, file->set, diagnostics))
        return NULL;
    return g_steal_pointer(&file);
}

void hg_policy_file_free(HgPolicyFile *file)
{
    if (file == NULL)
        return;
    hg_policy_set_free(file->set);
    g_clear_pointer(&file->tests, g_ptr_array_unref);
    g_free(file);
}
