/* The configuration snapshot: see config.h. Owns everything it points to; immutable once made. */
#include "app/config.h"

#include "app/config_check.h"
#include "app/config_read.h"
#include "base/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

/* A Spark server without authentication wants any password but an empty one (measured, 3.5.3).
 */
#define PASSWORD_PLACEHOLDER "hivegate"

typedef struct {
    HgConfig config;
    atomic_uint references;
    GPtrArray *owned; /* texts and lists that `config` points to */
} Snapshot;

static Snapshot *snapshot_of(HgConfig *config)
{
    return HG_CONTAINER_OF(config, Snapshot, config);
}

static HgConfig *config_new(void)
{
    Snapshot *snapshot = g_new0(Snapshot, 1);
    atomic_init(&snapshot->references, 1);
    snapshot->owned = g_ptr_array_new_with_free_func(g_free);
    return &snapshot->config;
}

HgConfig *hg_config_ref(HgConfig *config)
{
    atomic_fetch_add_explicit(&snapshot_of(config)->references, 1, memory_order_relaxed);
    return config;
}

void hg_config_unref(HgConfig *config)
{
    if (config == NULL)
        return;
    Snapshot *snapshot = snapshot_of(config);
    if (atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    for (guint i = 0; i < config->n_pools; i++)
        hg_secret_unref(config->pools[i].password);
    hg_secret_unref(config->authentication.cookie.key);
    g_ptr_array_unref(snapshot->owned);
    g_free(snapshot);
}

/* The lists of a configuration are const to its readers; while it is made they are not. */
static HgPoolConfig *pool_in_the_making(HgConfig *config, guint index)
{
    return (HgPoolConfig *)&config->pools[index];
}

/* Reads the text into a configuration that may be incomplete when there were errors; NULL when it
 * isn't even a map. *root is the caller's. */
static HgConfig *read_text(const char *name, HgSlice text, HgYaml **root,
                           HgDiagnostics *diagnostics)
{
    *root = hg_yaml_parse(text, diagnostics);
    if (*root == NULL)
        return NULL;
    if ((*root)->kind != HG_YAML_MAP) {
        hg_diagnostics_error(
            diagnostics, (*root)->mark,
            "the file is not a map; expected keys with values, at least listeners, "
            "authentication and pools (hivegate --help-config shows an example)");
        return NULL;
    }
    HgConfig *config = config_new();
    g_autofree char *folder = g_path_get_dirname(name);
    HgConfigReader reader = {folder, diagnostics, snapshot_of(config)->owned};
    hg_config_read(&reader, hg_options(), *root, "", config);
    hg_config_check(config, *root, diagnostics);
    for (guint i = 0; i < config->n_pools; i++)
        if (config->pools[i].password_file == NULL && config->pools[i].password_env == NULL)
            pool_in_the_making(config, i)->password =
                hg_secret_new(hg_slice_from_string(PASSWORD_PLACEHOLDER));
    return config;
}

/* The configuration when it has no errors; otherwise it goes. */
static HgConfig *finish(HgConfig *take_config, HgDiagnostics *diagnostics)
{
    hg_diagnostics_sort(diagnostics);
    if (hg_diagnostics_errors(diagnostics) == 0)
        return take_config;
    hg_config_unref(take_config);
    return NULL;
}

HgConfig *hg_config_parse(const char *name, HgSlice text, HgDiagnostics *diagnostics)
{
    g_autoptr(HgYaml) root = NULL;
    HgConfig *config = read_text(name, text, &root, diagnostics);
    return finish(config, diagnostics);
}

/* Reads until the end of the file, or until it is too much for the YAML reader, which says so. */
static gboolean read_all(int fd, GByteArray *out)
{
    guint8 chunk[16384];
    while (out->len <= HG_YAML_MAX_BYTES) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        if (n == 0)
            break;
        g_byte_array_append(out, chunk, (guint)n);
    }
    return TRUE;
}

/* The contents of the file; a pipe is fine, so that a shell may write the configuration. */
static GByteArray *read_file(const char *path, HgDiagnostics *diagnostics)
{
    g_autoptr(GByteArray) text = g_byte_array_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    gboolean ok = fd >= 0 && read_all(fd, text);
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    if (ok)
        return g_steal_pointer(&text);
    hg_diagnostics_error(diagnostics, (HgMark){0, 0},
                         "can't read the file: %s; expected the path of a configuration",
                         g_strerror(errnum));
    return NULL;
}

HgConfig *hg_config_load(const char *path, HgDiagnostics *diagnostics)
{
    g_autoptr(GByteArray) text = read_file(path, diagnostics);
    g_autoptr(HgYaml) root = NULL;
    if (text == NULL)
        return NULL;
    HgConfig *config = read_text(path, hg_slice(text->data, text->len), &root, diagnostics);
    if (config != NULL) {
        g_autofree HgSecret **passwords = g_new0(HgSecret *, config->n_pools + 1);
        hg_config_check_files(config, root, passwords, diagnostics);
        for (guint i = 0; i < config->n_pools; i++)
            if (passwords[i] != NULL)
                pool_in_the_making(config, i)->password = passwords[i];
        config->authentication.cookie.key = hg_config_load_cookie_key(config, root, diagnostics);
        if (config->workers == 0)
            config->workers = g_get_num_processors();
    }
    return finish(config, diagnostics);
}

static const char *sasl_name(HgConfigSasl sasl)
{
    return sasl == HG_CONFIG_SASL_PLAIN ? "sasl plain" : "sasl none";
}

static char *endpoints_text(const HgPoolConfig *pool)
{
    switch (pool->discovery) {
    case HG_CONFIG_DISCOVERY_STATIC:
        break;
    case HG_CONFIG_DISCOVERY_DNS:
        return g_strdup_printf("endpoints by DNS of %s", pool->dns.name);
    case HG_CONFIG_DISCOVERY_KUBERNETES:
        return g_strdup_printf("endpoints of the Kubernetes Service %s", pool->kubernetes.service);
    case HG_CONFIG_DISCOVERY_ZOOKEEPER:
        return g_strdup_printf("endpoints by ZooKeeper at %s", pool->zookeeper.hosts);
    }
    return g_strdup_printf("%u endpoint%s", pool->n_endpoints, pool->n_endpoints == 1 ? "" : "s");
}

char *hg_config_summary(const HgConfig *config)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < config->n_listeners; i++) {
        const HgListenerConfig *listener = &config->listeners[i];
        g_autofree char *address = hg_address_format(&listener->bind);
        gboolean http = listener->transport == HG_CONFIG_TRANSPORT_HTTP;
        g_string_append_printf(out, "  listener %s: %s, %s%s%s%s\n", listener->name, address,
                               http ? "http at /" : "binary, ",
                               http ? listener->http.path : sasl_name(listener->sasl),
                               listener->tls.n_certificates > 0 ? ", TLS" : "",
                               listener->proxy_protocol.n_from > 0 ? ", PROXY protocol" : "");
    }
    g_autofree char *chain = g_strjoinv(", ", (char **)config->authentication.chain);
    g_string_append_printf(out, "  authentication: %s\n", chain);
    for (guint i = 0; i < config->n_pools; i++) {
        const HgPoolConfig *pool = &config->pools[i];
        gboolean service = pool->login == HG_CONFIG_LOGIN_SERVICE;
        gboolean http = pool->transport == HG_CONFIG_TRANSPORT_HTTP;
        g_autofree char *endpoints = endpoints_text(pool);
        g_string_append_printf(out, "  pool %s: %s, %s%s%s, login %s%s\n", pool->name, endpoints,
                               http ? "http at /" : "binary, ",
                               http ? pool->http.path : sasl_name(pool->sasl),
                               pool->tls.verify != HG_CONFIG_TLS_OFF ? ", TLS" : "",
                               service ? "as " : "as the user", service ? pool->user : "");
    }
    g_string_append_printf(out, "  workers: %u\n", config->workers);
    return g_string_free(out, FALSE);
}

gboolean hg_config_impersonation(const HgConfig *config, HgImpersonation **out, GError **error)
{
    g_autofree HgImpersonationRule *rules = g_new0(HgImpersonationRule, config->n_impersonation);
    for (guint i = 0; i < config->n_impersonation; i++) {
        const HgImpersonationConfig *rule = &config->impersonation[i];
        rules[i] = (HgImpersonationRule){.realm = rule->realm,
                                         .principal = rule->principal,
                                         .principal_group = rule->principal_group,
                                         .principal_pattern = rule->principal_pattern,
                                         .users = rule->may_act_as.users,
                                         .groups = rule->may_act_as.groups,
                                         .pattern = rule->may_act_as.pattern};
    }
    return hg_impersonation_new(rules, config->n_impersonation, out, error);
}
