/* The rules of `admin`: see config_check_admin.h. One thread. */
#include "app/config_check_admin.h"

#include "base/text.h"

static HgMark place(const HgYaml *map, const char *key)
{
    const HgYaml *value = hg_yaml_get(map, key);
    return hg_yaml_mark(value != NULL ? value : map);
}

static const HgYaml *item_of(const HgYaml *root, guint index)
{
    return hg_yaml_nth(hg_yaml_get(hg_yaml_get(root, "admin"), "listen"), index);
}

/* Over TCP nobody is let in without a token, and no token goes out in clear. */
static void check_tcp(const HgAdminListenConfig *listen, const HgYaml *map, guint index,
                      HgDiagnostics *diagnostics)
{
    if (listen->token_file == NULL && listen->client_ca_file == NULL && !listen->own_sessions)
        hg_diagnostics_error(diagnostics, place(map, "bind"),
                             "admin.listen[%u].token_file is missing: anybody could steer "
                             "hivegate; expected a file with a token, client_ca_file, "
                             "own_sessions, or a Unix socket",
                             index);
    if (listen->client_names != NULL && listen->client_ca_file == NULL)
        hg_diagnostics_error(diagnostics, place(map, "client_names"),
                             "admin.listen[%u].client_names is of no use without client_ca_file",
                             index);
    if (listen->certificate_file == NULL || listen->key_file == NULL)
        hg_diagnostics_error(diagnostics, place(map, "bind"),
                             "admin.listen[%u] has no TLS, so its token could be read on the way; "
                             "expected certificate_file and key_file, or a Unix socket",
                             index);
}

static void check_unix(const HgAdminListenConfig *listen, const HgYaml *map, guint index,
                       HgDiagnostics *diagnostics)
{
    static const char *const keys[] = {"certificate_file", "key_file",     "token_file",
                                       "client_ca_file",   "client_names", "own_sessions"};
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (hg_yaml_get(map, keys[i]) != NULL)
            hg_diagnostics_error(diagnostics, place(map, keys[i]),
                                 "admin.listen[%u].%s is of no use on a Unix socket; expected "
                                 "mode to say who may",
                                 index, keys[i]);
}

/* Every address that something else of the configuration listens on, too. */
static void check_overlap(const HgConfig *config, const HgAddress *bind, HgMark mark,
                          const char *what, HgDiagnostics *diagnostics)
{
    for (guint i = 0; i < config->n_listeners; i++) {
        const HgAddress *other = &config->listeners[i].bind;
        if (bind->size == 0 || other->size == 0 || !hg_address_overlaps(bind, other))
            continue;
        g_autofree char *text = hg_address_format(bind);
        hg_diagnostics_error(diagnostics, mark,
                             "%s: %s can't be bound beside listeners[%u]; expected another "
                             "address or port",
                             what, text, i);
    }
}

void hg_config_check_admin(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgAdminConfig *admin = &config->admin;
    for (guint i = 0; i < admin->n_listen; i++) {
        const HgAdminListenConfig *listen = &admin->listen[i];
        const HgYaml *map = item_of(root, i);
        if (listen->bind.size == 0)
            continue;
        g_autofree char *what = g_strdup_printf("admin.listen[%u].bind", i);
        check_overlap(config, &listen->bind, place(map, "bind"), what, diagnostics);
        if (hg_address_path(&listen->bind) != NULL)
            check_unix(listen, map, i, diagnostics);
        else
            check_tcp(listen, map, i, diagnostics);
    }
    if (admin->metrics_listen.size != 0)
        check_overlap(config, &admin->metrics_listen,
                      place(hg_yaml_get(root, "admin"), "metrics_listen"), "admin.metrics_listen",
                      diagnostics);
}

static void check_file(const char *path, HgMark mark, const char *what, guint index,
                       HgDiagnostics *diagnostics)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (path != NULL && !g_file_get_contents(path, &text, NULL, &error))
        hg_diagnostics_error(diagnostics, mark, "admin.listen[%u].%s: %s", index, what,
                             error->message);
}

static void check_token(const char *path, HgMark mark, guint index, HgDiagnostics *diagnostics)
{
    g_autoptr(HgSecret) token = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    if (path == NULL)
        return;
    if (!hg_secret_load_file(path, &token, &exposure, &error)) {
        hg_diagnostics_error(diagnostics, mark, "admin.listen[%u].token_file: %s", index,
                             error->message);
        return;
    }
    if (hg_secret_slice(token).size < HG_ADMIN_TOKEN_MIN)
        hg_diagnostics_error(diagnostics, mark,
                             "admin.listen[%u].token_file: the token could be guessed; expected at "
                             "least %d characters",
                             index, HG_ADMIN_TOKEN_MIN);
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(path));
    if (exposure == HG_FILE_READABLE)
        hg_diagnostics_warn(diagnostics, mark,
                            "%s can be read by everybody on this machine; chmod o-r it", quoted);
    else if (exposure == HG_FILE_WRITABLE)
        hg_diagnostics_warn(diagnostics, mark,
                            "%s can be changed by others than its owner; chmod go-w it", quoted);
}

void hg_config_check_admin_files(const HgConfig *config, const HgYaml *root,
                                 HgDiagnostics *diagnostics)
{
    for (guint i = 0; i < config->admin.n_listen; i++) {
        const HgAdminListenConfig *listen = &config->admin.listen[i];
        const HgYaml *map = item_of(root, i);
        check_file(listen->certificate_file, place(map, "certificate_file"), "certificate_file", i,
                   diagnostics);
        check_file(listen->key_file, place(map, "key_file"), "key_file", i, diagnostics);
        check_file(listen->client_ca_file, place(map, "client_ca_file"), "client_ca_file", i,
                   diagnostics);
        check_token(listen->token_file, place(map, "token_file"), i, diagnostics);
    }
}
