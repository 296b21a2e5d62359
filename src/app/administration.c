/* Opening the admin server: see administration.h. Owns nothing that outlives a call but what it
 * hands on. */
#include "app/administration.h"

#include "net/socket.h"

#include <unistd.h>

/* One address that is open, with what belongs to it. */
typedef struct {
    HgAdminListen listen;
    char *certificate;
    char *key;
    char *client_ca;
    HgSecret *token;
} Opened;

static void clear_opened(gpointer data)
{
    Opened *opened = data;
    g_free(opened->certificate);
    hg_secret_free_string(opened->key);
    g_free(opened->client_ca);
    hg_secret_unref(opened->token);
}

static gboolean read_files(const HgAdminListenConfig *config, Opened *opened, GError **error)
{
    if (config->certificate_file != NULL &&
        !g_file_get_contents(config->certificate_file, &opened->certificate, NULL, error))
        return FALSE;
    if (config->key_file != NULL &&
        !g_file_get_contents(config->key_file, &opened->key, NULL, error))
        return FALSE;
    if (config->client_ca_file != NULL &&
        !g_file_get_contents(config->client_ca_file, &opened->client_ca, NULL, error))
        return FALSE;
    HgFileExposure exposure;
    return config->token_file == NULL ||
           hg_secret_load_file(config->token_file, &opened->token, &exposure, error);
}

static void announce(HgLog *log, const char *name, const HgAddress *bind, int fd)
{
    HgAddress address = {.size = sizeof address.storage};
    if (getsockname(fd, (struct sockaddr *)&address.storage, &address.size) != 0)
        address = *bind;
    g_autofree char *text = hg_address_format(&address);
    hg_log(log, HG_LOG_INFO, "listening", hg_log_text("listener", name),
           hg_log_text("address", text));
}

static HgAdminAccessOptions access_options(const HgAdminListenConfig *config, gboolean control,
                                           const Opened *opened, const HgAdminOptions *options)
{
    return (HgAdminAccessOptions){
        .everybody = !control || hg_address_path(&config->bind) != NULL,
        .token = opened->token,
        .certificates = opened->client_ca != NULL,
        .certificate_names = config->client_names,
        .authenticator = config->own_sessions ? hg_gateway_authenticator(options->gateway) : NULL,
        .log = options->log,
    };
}

static gboolean open_one(const HgAdminListenConfig *config, gboolean control,
                         const HgAdminOptions *options, GArray *all, GError **error)
{
    const char *name = control ? "admin" : "metrics";
    Opened opened = {.listen.control = control};
    if (!read_files(config, &opened, error)) {
        clear_opened(&opened);
        return FALSE;
    }
    int fd = hg_socket_listen(&config->bind, config->mode, error);
    if (fd < 0) {
        g_prefix_error(error, "%s: ", name);
        clear_opened(&opened);
        return FALSE;
    }
    announce(options->log, name, &config->bind, fd);
    opened.listen.door =
        (HgAdminDoorOptions){.take_fd = fd,
                             .certificate = opened.certificate,
                             .key = opened.key,
                             .client_ca = opened.client_ca,
                             .access = access_options(config, control, &opened, options)};
    g_array_append_val(all, opened);
    return TRUE;
}

/* Nobody has asked for this one, so it isn't an error when it can't be opened. */
static void open_default(const HgAdminOptions *options, GArray *all)
{
    HgAdminListenConfig config = {.mode = 0600};
    g_autoptr(GError) error = NULL;
    if (!hg_address_from_path(HG_ADMIN_DEFAULT_SOCKET, &config.bind, &error) ||
        !open_one(&config, TRUE, options, all, &error))
        hg_log(options->log, HG_LOG_INFO, "admin_not_started", hg_log_text("why", error->message),
               hg_log_text("hint", "admin: listen names another address, admin: enabled: false "
                                   "none"));
}

static gboolean open_all(const HgAdminConfig *config, const HgAdminOptions *options, GArray *all,
                         GError **error)
{
    for (guint i = 0; i < config->n_listen; i++)
        if (!open_one(&config->listen[i], TRUE, options, all, error))
            return FALSE;
    if (config->n_listen == 0)
        open_default(options, all);
    HgAdminListenConfig metrics = {.bind = config->metrics_listen, .mode = 0666};
    return metrics.bind.size == 0 || open_one(&metrics, FALSE, options, all, error);
}

gboolean hg_administration_new(const HgConfig *config, HgAdminOptions *options, HgAdmin **out,
                               GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Opened));
    *out = NULL;
    if (!config->admin.enabled)
        return TRUE;
    g_array_set_clear_func(all, clear_opened);
    if (!open_all(&config->admin, options, all, error)) {
        for (guint i = 0; i < all->len; i++)
            close(g_array_index(all, Opened, i).listen.door.take_fd);
        return FALSE;
    }
    g_autofree HgAdminListen *listen = g_new0(HgAdminListen, all->len + 1);
    for (guint i = 0; i < all->len; i++)
        listen[i] = g_array_index(all, Opened, i).listen;
    options->listen = listen;
    options->n_listen = all->len;
    *out = hg_admin_new(options, error);
    options->listen = NULL;
    return *out != NULL;
}

static void remove_socket(const HgAddress *bind)
{
    const char *path = bind->size != 0 ? hg_address_path(bind) : NULL;
    if (path != NULL)
        unlink(path);
}

void hg_administration_clean(const HgConfig *config)
{
    if (!config->admin.enabled)
        return;
    for (guint i = 0; i < config->admin.n_listen; i++)
        remove_socket(&config->admin.listen[i].bind);
    remove_socket(&config->admin.metrics_listen);
}
