/* Rules across the options of a configuration: see config_check.h. One thread. */
#include "app/config_check.h"

#include "app/authentication.h"
#include "app/config_check_admin.h"
#include "app/config_check_audit.h"
#include "app/config_check_ldap.h"
#include "app/enforcement.h"
#include "app/tls_settings.h"
#include "app/tracing.h"
#include "auth/authenticator.h"
#include "auth/users.h"
#include "base/text.h"
#include "hs2/variable.h"

#include <string.h>

static char *quote(const char *text)
{
    return hg_text_quote(hg_slice_from_string(text));
}

/* The place of a key's value in a map, or of the map itself when the key isn't there. */
static HgMark place(const HgYaml *map, const char *key)
{
    const HgYaml *value = hg_yaml_get(map, key);
    return hg_yaml_mark(value != NULL ? value : map);
}

static gboolean same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Reports when item `index` of the list has the name of an earlier one. */
static void check_name(const HgYaml *list, guint index, const char *what,
                       HgDiagnostics *diagnostics)
{
    const HgYaml *name = hg_yaml_get(hg_yaml_nth(list, index), "name");
    if (name == NULL || name->kind != HG_YAML_SCALAR)
        return;
    for (guint i = 0; i < index; i++) {
        const HgYaml *other = hg_yaml_get(hg_yaml_nth(list, i), "name");
        if (other == NULL || !same(other->text, name->text))
            continue;
        g_autofree char *quoted = quote(name->text);
        hg_diagnostics_error(diagnostics, name->mark,
                             "%s is the name of the %s on line %u already; expected a name of its "
                             "own",
                             quoted, what, other->mark.line);
        return;
    }
}

static void check_bind(const HgConfig *config, const HgYaml *list, guint index,
                       HgDiagnostics *diagnostics)
{
    const HgAddress *bind = &config->listeners[index].bind;
    for (guint i = 0; i < index; i++) {
        const HgAddress *other = &config->listeners[i].bind;
        if (bind->size == 0 || other->size == 0 || !hg_address_overlaps(bind, other))
            continue;
        g_autofree char *text = hg_address_format(bind);
        g_autofree char *other_text = hg_address_format(other);
        hg_diagnostics_error(diagnostics, place(hg_yaml_nth(list, index), "bind"),
                             "listeners[%u].bind: %s can't be bound beside %s of line %u; expected "
                             "another address or port",
                             index, text, other_text, place(hg_yaml_nth(list, i), "bind").line);
        return;
    }
}

static void check_listener_tls(const HgConfig *config, const HgYaml *list, guint index,
                               HgDiagnostics *diagnostics)
{
    const HgListenerTlsConfig *tls = &config->listeners[index].tls;
    const HgYaml *map = hg_yaml_get(hg_yaml_nth(list, index), "tls");
    gboolean asked = tls->client_certificate != HG_TLS_CLIENT_NONE;
    if (map == NULL || asked == (hg_yaml_get(map, "client_ca_file") != NULL))
        return;
    if (asked)
        hg_diagnostics_error(diagnostics, place(map, "client_certificate"),
                             "listeners[%u].tls.client_ca_file is missing; expected the "
                             "authorities whose client certificates are good",
                             index);
    else
        hg_diagnostics_error(diagnostics, place(map, "client_ca_file"),
                             "listeners[%u].tls.client_ca_file: nobody is asked for a "
                             "certificate; expected client_certificate: optional or required",
                             index);
}

static void check_transport(HgConfigTransport transport, const char *path, const HgYaml *map,
                            const char *what, guint index, HgDiagnostics *diagnostics)
{
    if (transport == HG_CONFIG_TRANSPORT_HTTP && hg_yaml_get(map, "sasl") != NULL)
        hg_diagnostics_error(diagnostics, place(map, "sasl"),
                             "%s[%u].sasl: HTTP has no SASL; expected no sasl with transport: http",
                             what, index);
    if (transport != HG_CONFIG_TRANSPORT_HTTP && hg_yaml_get(map, "http") != NULL)
        hg_diagnostics_error(diagnostics, place(map, "http"),
                             "%s[%u].http is of no use; expected transport: http", what, index);
    if (path == NULL || *path == '/' || strpbrk(path, " ?#%\"<>\\^`{|}") != NULL ||
        !g_str_is_ascii(path))
        hg_diagnostics_error(diagnostics, place(hg_yaml_get(map, "http"), "path"),
                             "%s[%u].http.path: expected a path of an URL without the '/' in "
                             "front, such as cliservice",
                             what, index);
}

static gboolean has_method(const char *const *chain, const char *name)
{
    return chain != NULL && g_strv_contains(chain, name);
}

/* One name of a chain: known, and not there before. `what` names the chain. */
static void check_method(const char *what, const HgYaml *item, const HgYaml *chain, guint index,
                         HgDiagnostics *diagnostics)
{
    const char *const *methods = hg_authenticator_methods();
    if (item->kind != HG_YAML_SCALAR)
        return;
    if (!g_strv_contains(methods, item->text)) {
        g_autofree char *quoted = quote(item->text);
        g_autofree char *all = g_strjoinv(", ", (char **)methods);
        hg_diagnostics_error(diagnostics, item->mark,
                             "%s: there is no authenticator %s in this version; expected %s", what,
                             quoted, all);
        return;
    }
    for (guint i = 0; i < index; i++)
        if (same(hg_yaml_nth(chain, i)->text, item->text))
            hg_diagnostics_error(diagnostics, item->mark,
                                 "%s: %s is in the list twice; expected it once", what, item->text);
}

static void check_chain(const char *what, const HgYaml *chain, HgDiagnostics *diagnostics)
{
    if (chain != NULL && chain->kind == HG_YAML_LIST)
        for (guint i = 0; i < hg_yaml_size(chain); i++)
            check_method(what, hg_yaml_item(chain, i), chain, i, diagnostics);
}

static void check_listener_chain(const HgListenerConfig *listener, const HgYaml *map, guint index,
                                 HgDiagnostics *diagnostics)
{
    g_autofree char *what = g_strdup_printf("listeners[%u].chain", index);
    check_chain(what, hg_yaml_get(map, "chain"), diagnostics);
    if (has_method(listener->chain, "certificate") &&
        listener->tls.client_certificate == HG_TLS_CLIENT_NONE)
        hg_diagnostics_error(diagnostics, place(map, "chain"),
                             "%s: certificate can log nobody in, because this listener asks for "
                             "none; expected tls: {client_certificate: optional or required}",
                             what);
}

/* Warns when the list holds everybody of a family: then anybody can claim any address. */
static void check_trust(const HgNetwork *networks, guint count, const HgYaml *list,
                        const char *what, guint index, HgDiagnostics *diagnostics)
{
    /* items and networks match only when every item could be read */
    if (list == NULL || list->kind != HG_YAML_LIST || hg_yaml_size(list) != count)
        return;
    for (guint i = 0; i < count; i++)
        if (networks[i].length == 0 && networks[i].family != HG_PEER_UNIX)
            hg_diagnostics_warn(diagnostics, hg_yaml_item(list, i)->mark,
                                "listeners[%u].%s: %s is everybody, so that anybody who reaches "
                                "the listener can claim any address; name the balancers alone",
                                index, what, hg_yaml_item(list, i)->text);
}

static void check_proxies(const HgConfig *config, const HgYaml *map, guint index,
                          HgDiagnostics *diagnostics)
{
    const HgListenerConfig *listener = &config->listeners[index];
    const HgProxyProtocolConfig *proxy = &listener->proxy_protocol;
    const HgYaml *section = hg_yaml_get(map, "proxy_protocol");
    const HgPeerAddress over_unix = {.family = HG_PEER_UNIX};
    gboolean has_unix = hg_networks_have((HgNetworks){proxy->from, proxy->n_from}, &over_unix);
    gboolean is_unix = listener->bind.size > 0 && hg_address_path(&listener->bind) != NULL;
    check_trust(proxy->from, proxy->n_from, hg_yaml_get(section, "from"), "proxy_protocol.from",
                index, diagnostics);
    check_trust(listener->http.trusted_proxies, listener->http.n_trusted_proxies,
                hg_yaml_get(hg_yaml_get(map, "http"), "trusted_proxies"), "http.trusted_proxies",
                index, diagnostics);
    if (proxy->n_from == 0 || listener->bind.size == 0 ||
        (is_unix && has_unix && proxy->n_from == 1))
        return;
    if (is_unix)
        hg_diagnostics_error(diagnostics, place(section, "from"),
                             "listeners[%u].proxy_protocol.from: whoever connects to a Unix socket "
                             "has no address; expected [unix]",
                             index);
    else if (has_unix)
        hg_diagnostics_error(diagnostics, place(section, "from"),
                             "listeners[%u].proxy_protocol.from: nobody connects to this listener "
                             "over a Unix socket; expected no unix, or bind: unix:PATH",
                             index);
}

static void check_listeners(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgYaml *list = hg_yaml_get(root, "listeners");
    for (guint i = 0; i < config->n_listeners; i++) {
        const HgYaml *map = hg_yaml_nth(list, i);
        const HgAddress *bind = &config->listeners[i].bind;
        check_name(list, i, "listener", diagnostics);
        check_bind(config, list, i, diagnostics);
        check_transport(config->listeners[i].transport, config->listeners[i].http.path, map,
                        "listeners", i, diagnostics);
        check_listener_tls(config, list, i, diagnostics);
        check_listener_chain(&config->listeners[i], map, i, diagnostics);
        check_proxies(config, map, i, diagnostics);
        if (hg_yaml_get(map, "mode") != NULL && bind->size > 0 && hg_address_path(bind) == NULL)
            hg_diagnostics_error(diagnostics, place(map, "mode"),
                                 "listeners[%u].mode: only a Unix socket has permissions; expected "
                                 "bind: unix:PATH, or no mode",
                                 i);
    }
}

gboolean hg_config_is_chained(const HgConfig *config, const char *method)
{
    for (guint i = 0; i < config->n_listeners; i++)
        if (has_method(config->listeners[i].chain, method))
            return TRUE;
    return has_method(config->authentication.chain, method);
}

/* TRUE when some listener that uses the common chain asks for certificates. */
static gboolean asks_for_certificates(const HgConfig *config)
{
    for (guint i = 0; i < config->n_listeners; i++)
        if (config->listeners[i].tls.client_certificate != HG_TLS_CLIENT_NONE &&
            config->listeners[i].chain == NULL)
            return TRUE;
    return FALSE;
}

static void check_certificate_login(const HgConfig *config, const HgYaml *map,
                                    HgDiagnostics *diagnostics)
{
    const HgCertificateConfig *certificate = &config->authentication.certificate;
    const HgYaml *section = hg_yaml_get(map, "certificate");
    g_autoptr(HgCertificateRule) rule = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_certificate_rule_new(certificate->field, certificate->pattern, &rule, &error))
        hg_diagnostics_error(diagnostics, place(section, "pattern"),
                             "authentication.certificate.pattern: %s", error->message);
    if (section != NULL && !hg_config_is_chained(config, "certificate"))
        hg_diagnostics_error(diagnostics, hg_yaml_mark(section),
                             "authentication.certificate is of no use; expected certificate in "
                             "the chain too");
    if (has_method(config->authentication.chain, "certificate") && !asks_for_certificates(config))
        hg_diagnostics_error(diagnostics, place(map, "chain"),
                             "authentication.chain: certificate can log nobody in, because no "
                             "listener asks for one; expected a listener with "
                             "tls: {client_certificate: optional or required}");
}

static void check_authentication(const HgConfig *config, const HgYaml *root,
                                 HgDiagnostics *diagnostics)
{
    const HgYaml *map = hg_yaml_get(root, "authentication");
    check_chain("authentication.chain", hg_yaml_get(map, "chain"), diagnostics);
    check_certificate_login(config, map, diagnostics);
    hg_config_check_ldap(config, map, hg_config_is_chained(config, "ldap"), diagnostics);
    hg_config_check_tokens(config, root, diagnostics);
    const HgYaml *users = hg_yaml_get(map, "users");
    if (hg_config_is_chained(config, "users") && hg_yaml_get(users, "file") == NULL &&
        (users == NULL || users->kind == HG_YAML_MAP))
        hg_diagnostics_error(
            diagnostics, place(map, "users"),
            "authentication.users.file is missing; expected the path of a users "
            "file, because the chain names users (hivegatectl user add makes one)");
}

/* The operator's own variables: none that no session may set. */
static void check_session_variables(const HgConfig *config, const HgYaml *root,
                                    HgDiagnostics *diagnostics)
{
    const HgSessionVariablesConfig *variables = &config->session_variables;
    const HgYaml *list = hg_yaml_get(hg_yaml_get(root, "session_variables"), "defaults");
    for (guint i = 0; i < variables->n_defaults; i++) {
        const HgVariableDefaultsConfig *entry = &variables->defaults[i];
        for (guint k = 0; k < entry->n_set; k++) {
            HgSlice name = hg_slice_from_string(entry->set[2 * k]);
            gboolean prefixed = memchr(name.data, ':', name.size) != NULL;
            if (!prefixed && !hg_variable_is_server_wide(entry->set[2 * k]) &&
                !hg_variable_is_proxy_user(name))
                continue;
            g_autofree char *quoted = quote(entry->set[2 * k]);
            hg_diagnostics_error(diagnostics, place(hg_yaml_nth(list, i), "set"),
                                 "session_variables.defaults[%u].set: %s %s", i, quoted,
                                 prefixed ? "has a prefix; expected the name alone"
                                          : "can't be set for a session: it is the server's own");
        }
    }
}

static void check_service(const HgPoolConfig *pool, const HgYaml *map, guint index,
                          HgDiagnostics *diagnostics)
{
    if (hg_yaml_get(map, "user") == NULL)
        hg_diagnostics_error(diagnostics, place(map, "login"),
                             "pools[%u].user is missing; expected the name of the service account, "
                             "because of login: service",
                             index);
    else if (pool->sasl != HG_CONFIG_SASL_NONE && pool->user != NULL && !g_str_is_ascii(pool->user))
        hg_diagnostics_error(diagnostics, place(map, "user"),
                             "pools[%u].user: the endpoints can't read characters beyond ASCII in "
                             "a login; expected an ASCII name",
                             index);
    if (hg_yaml_get(map, "password_file") == NULL && hg_yaml_get(map, "password_env") == NULL)
        hg_diagnostics_error(diagnostics, place(map, "login"),
                             "pools[%u].password_file is missing; expected a file with the service "
                             "account's password (or password_env), because of login: service",
                             index);
}

static void check_endpoints(const HgPoolConfig *pool, const HgYaml *list, guint index,
                            HgDiagnostics *diagnostics)
{
    /* items and endpoints match only when every item could be read */
    if (list == NULL || list->kind != HG_YAML_LIST || hg_yaml_size(list) != pool->n_endpoints)
        return;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < pool->n_endpoints; i++) {
        const HgEndpointConfig *endpoint = &pool->endpoints[i];
        char *name = g_strdup_printf("%s %s", endpoint->host, endpoint->port);
        if (!g_hash_table_add(seen, name))
            hg_diagnostics_error(diagnostics, hg_yaml_item(list, i)->mark,
                                 "pools[%u].endpoints: %s is in the list twice; expected each "
                                 "endpoint once",
                                 index, hg_yaml_item(list, i)->text);
    }
}

/* What a certificate may be made out to: a host name or an address. */
static gboolean is_server_name(const char *name)
{
    gsize size = strlen(name);
    return size > 0 && size <= 253 &&
           strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".-_:") == size;
}

static void check_pool_tls(const HgPoolConfig *pool, const HgYaml *map, guint index,
                           HgDiagnostics *diagnostics)
{
    const HgPoolTlsConfig *tls = &pool->tls;
    if ((tls->certificate_file != NULL) != (tls->key_file != NULL))
        hg_diagnostics_error(diagnostics, place(map, "tls"),
                             "pools[%u].tls: certificate_file and key_file belong together; "
                             "expected both or none",
                             index);
    if (tls->server_name != NULL && !is_server_name(tls->server_name))
        hg_diagnostics_error(diagnostics, place(hg_yaml_get(map, "tls"), "server_name"),
                             "pools[%u].tls.server_name: expected a host name or an address, such "
                             "as spark.example.org",
                             index);
    if (tls->verify == HG_CONFIG_TLS_NO_CHECK && tls->ca_file != NULL)
        hg_diagnostics_error(diagnostics, place(hg_yaml_get(map, "tls"), "ca_file"),
                             "pools[%u].tls.ca_file is of no use with verify: none; expected "
                             "verify: full or chain",
                             index);
}

static void check_pool(const HgConfig *config, const HgYaml *list, guint index,
                       HgDiagnostics *diagnostics)
{
    const HgPoolConfig *pool = &config->pools[index];
    const HgYaml *map = hg_yaml_nth(list, index);
    if (map->kind != HG_YAML_MAP)
        return;
    check_name(list, index, "pool", diagnostics);
    check_endpoints(pool, hg_yaml_get(map, "endpoints"), index, diagnostics);
    hg_config_check_discovery(pool, map, index, diagnostics);
    hg_config_check_balancing(pool, map, index, diagnostics);
    check_pool_tls(pool, map, index, diagnostics);
    check_transport(pool->transport, pool->http.path, map, "pools", index, diagnostics);
    if (pool->login == HG_CONFIG_LOGIN_SERVICE)
        check_service(pool, map, index, diagnostics);
    else if (hg_yaml_get(map, "user") != NULL)
        hg_diagnostics_error(
            diagnostics, place(map, "user"),
            "pools[%u].user: with login: as-user the name is the client's; expected "
            "login: service, or no user",
            index);
    if (hg_yaml_get(map, "password_file") != NULL && hg_yaml_get(map, "password_env") != NULL)
        hg_diagnostics_error(diagnostics, place(map, "password_env"),
                             "pools[%u]: both password_file and password_env are set; expected one "
                             "of them",
                             index);
}

static void check_pools(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgYaml *list = hg_yaml_get(root, "pools");
    for (guint i = 0; i < config->n_pools; i++)
        check_pool(config, list, i, diagnostics);
    hg_config_check_routing(config, root, diagnostics);
    hg_config_check_announcement(config, root, diagnostics);
}

/* TRUE when the option isn't there or holds a size: then its value is what the file says. */
static gboolean is_size_or_default(const HgYaml *map, const char *key)
{
    const HgYaml *value = hg_yaml_get(map, key);
    gint64 size;
    return value == NULL ||
           (value->kind == HG_YAML_SCALAR && hg_text_parse_size(value->text, &size, NULL));
}

static void check_limits(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgLimitsConfig *limits = &config->limits;
    const HgYaml *map = hg_yaml_get(root, "limits");
    if (limits->message_size <= limits->memory || !is_size_or_default(map, "message_size") ||
        !is_size_or_default(map, "memory"))
        return;
    const char *key = hg_yaml_get(map, "message_size") != NULL ? "message_size" : "memory";
    g_autofree char *size = hg_text_format_size(limits->message_size);
    g_autofree char *memory = hg_text_format_size(limits->memory);
    hg_diagnostics_error(diagnostics, place(map, key),
                         "limits.message_size (%s) is above limits.memory (%s), so that such a "
                         "message could never come in; expected it to be smaller",
                         size, memory);
}

void hg_config_check(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    check_listeners(config, root, diagnostics);
    check_authentication(config, root, diagnostics);
    hg_config_check_realms(config, root, diagnostics);
    check_session_variables(config, root, diagnostics);
    check_pools(config, root, diagnostics);
    check_limits(config, root, diagnostics);
    hg_config_check_admin(config, root, diagnostics);
    hg_config_check_audit(config, root, diagnostics);
    hg_enforcement_check(config, root, diagnostics);
    hg_config_check_tracing(config, root, diagnostics);
}

/* Says when others than the owner can get at a file with secrets. */
static void warn_exposure(const char *path, HgFileExposure exposure, HgMark mark,
                          HgDiagnostics *diagnostics)
{
    g_autofree char *quoted = quote(path);
    if (exposure == HG_FILE_READABLE)
        hg_diagnostics_warn(diagnostics, mark,
                            "%s can be read by everybody on this machine; chmod o-r it", quoted);
    if (exposure == HG_FILE_WRITABLE)
        hg_diagnostics_warn(diagnostics, mark,
                            "%s can be changed by others than its owner; chmod go-w it", quoted);
}

static void check_users_file(const char *path, HgMark mark, HgDiagnostics *diagnostics)
{
    g_autoptr(HgUsers) users = NULL;
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    gboolean ok = hg_users_load(path, &users, &exposure, problems, &error);
    for (guint i = 0; i < problems->len; i++)
        hg_diagnostics_error_elsewhere(diagnostics, mark, g_ptr_array_index(problems, i));
    if (!ok && problems->len == 0)
        hg_diagnostics_error(
            diagnostics, mark,
            "authentication.users.file: %s; expected a users file: hivegatectl user "
            "add --file %s NAME makes one",
            error->message, path);
    if (!ok)
        return;
    warn_exposure(path, exposure, mark, diagnostics);
    if (hg_users_count(users) == 0)
        hg_diagnostics_warn(diagnostics, mark,
                            "%s has no users, so nobody can log in; add one with hivegatectl user "
                            "add --file %s NAME",
                            path, path);
}

/* Reads one pool's password from where the pool says; NULL after an error. */
static HgSecret *load_password(const HgPoolConfig *pool, const HgYaml *map, guint index,
                               HgDiagnostics *diagnostics)
{
    HgSecret *password = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    gboolean from_file = pool->password_file != NULL;
    HgMark mark = place(map, from_file ? "password_file" : "password_env");
    gboolean ok = from_file ? hg_secret_load_file(pool->password_file, &password, &exposure, &error)
                            : hg_secret_load_env(pool->password_env, &password, &error);
    if (!ok) {
        hg_diagnostics_error(diagnostics, mark, "pools[%u].%s: %s", index,
                             from_file ? "password_file" : "password_env", error->message);
        return NULL;
    }
    if (from_file)
        warn_exposure(pool->password_file, exposure, mark, diagnostics);
    return password;
}

HgSecret *hg_config_load_cookie_key(const HgConfig *config, const HgYaml *root,
                                    HgDiagnostics *diagnostics)
{
    const char *path = config->authentication.cookie.key_file;
    const HgYaml *section = hg_yaml_get(hg_yaml_get(root, "authentication"), "cookie");
    HgFileExposure exposure = HG_FILE_PRIVATE;
    g_autoptr(HgSecret) key = NULL;
    g_autoptr(GError) error = NULL;
    if (path == NULL)
        return NULL;
    if (!hg_authentication_read_cookie_key(path, &key, &exposure, &error)) {
        hg_diagnostics_error(diagnostics, place(section, "key_file"),
                             "authentication.cookie.key_file: %s", error->message);
        return NULL;
    }
    warn_exposure(path, exposure, place(section, "key_file"), diagnostics);
    return g_steal_pointer(&key);
}

/* Reads the certificates of a listener or pool, for --check-config and before anything starts. */
static void check_certificates(HgTls *take_tls, const GError *error, HgMark mark, const char *what,
                               guint index, HgDiagnostics *diagnostics)
{
    if (error != NULL)
        hg_diagnostics_error(diagnostics, mark, "%s[%u].tls: %s", what, index, error->message);
    hg_tls_unref(take_tls);
}

static void check_tls_files(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgYaml *listeners = hg_yaml_get(root, "listeners");
    const HgYaml *pools = hg_yaml_get(root, "pools");
    for (guint i = 0; i < config->n_listeners; i++) {
        g_autoptr(GError) error = NULL;
        HgTls *tls = hg_tls_settings_of_listener(&config->listeners[i], &error);
        check_certificates(tls, error, place(hg_yaml_nth(listeners, i), "tls"), "listeners", i,
                           diagnostics);
    }
    for (guint i = 0; i < config->n_pools; i++) {
        g_autoptr(GError) error = NULL;
        HgTls *tls = hg_tls_settings_of_pool(&config->pools[i], &error);
        check_certificates(tls, error, place(hg_yaml_nth(pools, i), "tls"), "pools", i,
                           diagnostics);
    }
}

void hg_config_check_files(const HgConfig *config, const HgYaml *root, HgSecret **passwords,
                           HgDiagnostics *diagnostics)
{
    const HgYaml *users = hg_yaml_get(hg_yaml_get(root, "authentication"), "users");
    const HgYaml *pools = hg_yaml_get(root, "pools");
    if (config->authentication.users.file != NULL)
        check_users_file(config->authentication.users.file, place(users, "file"), diagnostics);
    hg_config_check_ldap_files(config, hg_yaml_get(root, "authentication"), diagnostics);
    if (hg_diagnostics_errors(diagnostics) == 0)
        check_tls_files(config, root, diagnostics);
    hg_config_check_token_files(config, root, diagnostics);
    hg_config_check_admin_files(config, root, diagnostics);
    hg_enforcement_check_file(config, root, diagnostics);
    hg_config_check_audit_files(config, root, diagnostics);
    for (guint i = 0; i < config->n_pools; i++) {
        const HgPoolConfig *pool = &config->pools[i];
        if (pool->password_file != NULL || pool->password_env != NULL)
            passwords[i] = load_password(pool, hg_yaml_nth(pools, i), i, diagnostics);
    }
}
