/* libldap with deadlines: see ldap_connection.h. libldap is seen here and in ldap_text only. */
#include "auth/ldap_connection.h"

#include "auth/ldap_dial.h"
#include "base/error.h"

#include <errno.h>
#include <ldap.h>
#include <openldap.h>
#include <poll.h>
#include <unistd.h>

#define MESSAGE_MOST (4 * 1024 * 1024) /* bytes of one message of a server */

struct HgLdapConnection {
    LDAP *handle;
    gboolean spoiled; /* an answer may still come that nobody waits for */
};

static struct timeval time_until(gint64 deadline_us)
{
    gint64 left = MAX(deadline_us - g_get_monotonic_time(), 1);
    return (struct timeval){.tv_sec = left / G_USEC_PER_SEC, .tv_usec = left % G_USEC_PER_SEC};
}

/* What libldap says of its last failure on the handle. Free with g_free. */
static char *describe(LDAP *handle, int code)
{
    char *message = NULL;
    ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &message);
    char *text = message != NULL && *message != '\0'
                     ? g_strdup_printf("%s (%s)", ldap_err2string(code), message)
                     : g_strdup(ldap_err2string(code));
    ldap_memfree(message);
    return text;
}

/* libldap over GnuTLS (Debian's) loads no authorities by itself; these are where systems have them.
 */
static const char *authorities(const HgLdapConfig *config)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    if (config->tls.ca_file != NULL)
        return config->tls.ca_file;
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

/* GnuTLS knows no option for the oldest version (libldap's tls_g.c ignores it), but takes it with
 * the ciphers, where OpenSSL wants something else. */
static int set_oldest_version(LDAP *handle, HgTlsVersion oldest)
{
    char *package = NULL;
    int version =
        oldest == HG_TLS_1_3 ? LDAP_OPT_X_TLS_PROTOCOL_TLS1_3 : LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    ldap_get_option(NULL, LDAP_OPT_X_TLS_PACKAGE, &package);
    gboolean gnutls = g_strcmp0(package, "GnuTLS") == 0;
    ldap_memfree(package);
    if (!gnutls)
        return ldap_set_option(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, &version);
    return ldap_set_option(handle, LDAP_OPT_X_TLS_CIPHER_SUITE,
                           oldest == HG_TLS_1_3 ? "NORMAL:-VERS-ALL:+VERS-TLS1.3"
                                                : "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2");
}

/* Gives the handle a TLS context of its own; all that ldap.conf could have set is set again. */
static gboolean set_tls(LDAP *handle, const HgLdapConfig *config, GError **error)
{
    const HgLdapTlsConfig *tls = &config->tls;
    const char *ca_file = authorities(config);
    int demand = tls->verify == HG_LDAP_VERIFY_NONE ? LDAP_OPT_X_TLS_NEVER : LDAP_OPT_X_TLS_DEMAND;
    int no_revocation = LDAP_OPT_X_TLS_CRL_NONE;
    int client = 0;
    if (ca_file == NULL && tls->verify != HG_LDAP_VERIFY_NONE) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the system has no file of certificate authorities where it is looked for; "
                    "expected tls: {ca_file: ...}");
        return FALSE;
    }
    ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTDIR, NULL);
    ldap_set_option(handle, LDAP_OPT_X_TLS_CRLCHECK, &no_revocation);
    int wrong = ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    if (wrong == LDAP_OPT_SUCCESS)
        wrong = ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, ca_file);
    if (wrong == LDAP_OPT_SUCCESS)
        wrong = ldap_set_option(handle, LDAP_OPT_X_TLS_CERTFILE, tls->certificate_file);
    if (wrong == LDAP_OPT_SUCCESS)
        wrong = ldap_set_option(handle, LDAP_OPT_X_TLS_KEYFILE, tls->key_file);
    if (wrong == LDAP_OPT_SUCCESS)
        wrong = set_oldest_version(handle, tls->min_version);
    if (wrong == LDAP_OPT_SUCCESS)
        wrong = ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client);
    if (wrong == LDAP_OPT_SUCCESS)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "the TLS library takes no connection with these files (ca_file %s%s%s); expected "
                "certificates and a key in PEM that this process may read",
                ca_file != NULL ? ca_file : "none",
                tls->certificate_file != NULL ? ", certificate_file " : "",
                tls->certificate_file != NULL ? tls->certificate_file : "");
    return FALSE;
}

static gboolean uses_tls(const HgLdapConfig *config)
{
    gboolean ldaps = FALSE;
    for (guint i = 0; i < config->n_urls; i++)
        ldaps = ldaps || g_str_has_prefix(config->urls[i], "ldaps:");
    return ldaps || config->start_tls;
}

gboolean hg_ldap_connection_prepare(const HgLdapConfig *config, GError **error)
{
    LDAP *handle = NULL;
    int wrong = ldap_create(&handle);
    if (wrong != LDAP_SUCCESS) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "libldap: %s", ldap_err2string(wrong));
        return FALSE;
    }
    gboolean ok = !uses_tls(config) || set_tls(handle, config, error);
    ldap_unbind_ext(handle, NULL, NULL);
    /* GnuTLS takes a file without certificates for a good one */
    if (ok && uses_tls(config) && config->tls.ca_file != NULL) {
        g_autofree char *text = NULL;
        gsize size = 0;
        if (!g_file_get_contents(config->tls.ca_file, &text, &size, NULL) ||
            strstr(text, "-----BEGIN ") == NULL) {
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                        "%s holds no certificate that can be read; expected authorities in PEM",
                        config->tls.ca_file);
            return FALSE;
        }
    }
    return ok;
}

static void set_options(LDAP *handle)
{
    int version = LDAP_VERSION3;
    int never = LDAP_DEREF_NEVER;
    int no_limit = 0;
    ber_len_t most = MESSAGE_MOST;
    Sockbuf *sockbuf = NULL;
    ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    ldap_set_option(handle, LDAP_OPT_DEREF, &never);
    ldap_set_option(handle, LDAP_OPT_SIZELIMIT, &no_limit);
    ldap_set_option(handle, LDAP_OPT_TIMELIMIT, &no_limit);
    ldap_set_option(handle, LDAP_OPT_RESTART, LDAP_OPT_ON);
    ldap_set_option(handle, LDAP_OPT_DEFBASE, NULL);
    /* only with this does the handshake of TLS wait for a socket that doesn't block, and end in
     * time (libldap 2.5, ldap_int_tls_start) */
    ldap_set_option(handle, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON);
    if (ldap_get_option(handle, LDAP_OPT_SOCKBUF, &sockbuf) == LDAP_OPT_SUCCESS)
        ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &most);
}

static void fail_late(HgLdapReply *reply)
{
    reply->status = HG_LDAP_LATE;
    reply->text = g_strdup("no answer in time");
}

static void fail_lost(HgLdapConnection *connection, int code, HgLdapReply *reply)
{
    reply->status = HG_LDAP_LOST;
    reply->code = code;
    reply->text = describe(connection->handle, code);
}

/* Fails when a request couldn't be sent. */
static gboolean sent(HgLdapConnection *connection, int code, HgLdapReply *reply)
{
    if (code == LDAP_SUCCESS)
        return TRUE;
    connection->spoiled = TRUE;
    /* what libldap finds wrong before it sends anything has nothing to do with the connection */
    gboolean ours = code == LDAP_FILTER_ERROR || code == LDAP_PARAM_ERROR ||
                    code == LDAP_ENCODING_ERROR || code == LDAP_NOT_SUPPORTED;
    fail_lost(connection, code, reply);
    if (ours)
        reply->status = HG_LDAP_ANSWERED;
    return FALSE;
}

/* The next message for the request; NULL when none comes any more, which the reply then says. */
static LDAPMessage *next_message(HgLdapConnection *connection, int id, gint64 deadline_us,
                                 HgLdapReply *reply)
{
    LDAPMessage *message = NULL;
    struct timeval wait = time_until(deadline_us);
    int kind = ldap_result(connection->handle, id, LDAP_MSG_ONE, &wait, &message);
    if (kind > 0)
        return message;
    ldap_msgfree(message);
    connection->spoiled = TRUE;
    int code = LDAP_SERVER_DOWN;
    ldap_get_option(connection->handle, LDAP_OPT_RESULT_CODE, &code);
    if (kind == 0)
        fail_late(reply);
    else
        fail_lost(connection, code != LDAP_SUCCESS ? code : LDAP_SERVER_DOWN, reply);
    return NULL;
}

static void read_policy(LDAP *handle, LDAPControl **controls, HgLdapReply *reply)
{
    LDAPControl *control = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL);
    ber_int_t expires = 0;
    ber_int_t grace = 0;
    LDAPPasswordPolicyError policy = PP_noError;
    if (control != NULL &&
        ldap_parse_passwordpolicy_control(handle, control, &expires, &grace, &policy) ==
            LDAP_SUCCESS &&
        policy != PP_noError)
        reply->policy = (int)policy;
}

/* The final message of a request; frees it. */
static void read_result(HgLdapConnection *connection, LDAPMessage *take_message, HgLdapReply *reply)
{
    int code = LDAP_OTHER;
    char *text = NULL;
    LDAPControl **controls = NULL;
    int wrong = ldap_parse_result(connection->handle, take_message, &code, NULL, &text, NULL,
                                  &controls, TRUE);
    if (wrong != LDAP_SUCCESS) {
        connection->spoiled = TRUE;
        fail_lost(connection, wrong, reply);
    } else {
        reply->status = HG_LDAP_ANSWERED;
        reply->code = code;
        reply->text = g_utf8_make_valid(text != NULL ? text : "", -1);
        read_policy(connection->handle, controls, reply);
    }
    ldap_memfree(text);
    ldap_controls_free(controls);
}

/* Asks for TLS on a plain connection (RFC 4511 4.14). */
static gboolean ask_for_tls(HgLdapConnection *connection, gint64 deadline_us, GError **error)
{
    g_auto(HgLdapReply) reply = {.policy = HG_LDAP_POLICY_NONE};
    int id = 0;
    LDAPMessage *message = NULL;
    if (sent(connection, ldap_start_tls(connection->handle, NULL, NULL, &id), &reply))
        message = next_message(connection, id, deadline_us, &reply);
    if (message != NULL)
        read_result(connection, message, &reply);
    if (message != NULL && reply.status == HG_LDAP_ANSWERED && reply.code == LDAP_SUCCESS)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "StartTLS: %s%s%s",
                message != NULL ? ldap_err2string(reply.code) : reply.text,
                message != NULL ? ": " : "", message != NULL ? reply.text : "");
    return FALSE;
}

/* The handshake; libldap checks the name in the certificate too. */
static gboolean start_tls(HgLdapConnection *connection, const HgLdapConfig *config,
                          gint64 deadline_us, GError **error)
{
    struct timeval wait = time_until(deadline_us);
    if (!set_tls(connection->handle, config, error))
        return FALSE;
    ldap_set_option(connection->handle, LDAP_OPT_NETWORK_TIMEOUT, &wait);
    int wrong = ldap_install_tls(connection->handle);
    if (wrong == LDAP_SUCCESS)
        return TRUE;
    g_autofree char *text = describe(connection->handle, wrong);
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "TLS: %s", text);
    return FALSE;
}

gboolean hg_ldap_connection_open(const HgLdapServer *server, const HgLdapConfig *config,
                                 gint64 deadline_us, HgLdapConnection **out, GError **error)
{
    g_autoptr(HgLdapConnection) connection = g_new0(HgLdapConnection, 1);
    int fd = hg_ldap_dial(server, deadline_us, error);
    if (fd < 0)
        return FALSE;
    int wrong = ldap_init_fd(fd, LDAP_PROTO_TCP, server->url, &connection->handle);
    if (wrong != LDAP_SUCCESS) {
        close(fd);
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "libldap: %s", ldap_err2string(wrong));
        return FALSE;
    }
    set_options(connection->handle);
    if (!server->ldaps && config->start_tls && !ask_for_tls(connection, deadline_us, error))
        return FALSE;
    if ((server->ldaps || config->start_tls) && !start_tls(connection, config, deadline_us, error))
        return FALSE;
    *out = g_steal_pointer(&connection);
    return TRUE;
}

void hg_ldap_connection_free(HgLdapConnection *connection)
{
    if (connection == NULL)
        return;
    if (connection->handle != NULL)
        ldap_unbind_ext(connection->handle, NULL, NULL);
    g_free(connection);
}

gboolean hg_ldap_connection_is_good(HgLdapConnection *connection)
{
    struct pollfd watched = {.fd = -1, .events = POLLIN | POLLRDHUP};
    if (connection->spoiled ||
        ldap_get_option(connection->handle, LDAP_OPT_DESC, &watched.fd) != LDAP_OPT_SUCCESS ||
        watched.fd < 0)
        return FALSE;
    return poll(&watched, 1, 0) == 0;
}

void hg_ldap_connection_bind(HgLdapConnection *connection, const char *name, HgSlice password,
                             gint64 deadline_us, HgLdapReply *reply)
{
    hg_ldap_reply_clear(reply);
    if (password.size == 0) {
        reply->code = LDAP_INAPPROPRIATE_AUTH;
        reply->text = g_strdup("an empty password is never sent");
        return;
    }
    int id = 0;
    LDAPControl *policy = NULL;
    struct berval secret = {.bv_val = (char *)password.data, .bv_len = password.size};
    ldap_create_passwordpolicy_control(connection->handle, &policy);
    LDAPControl *controls[] = {policy, NULL};
    int code =
        ldap_sasl_bind(connection->handle, name, LDAP_SASL_SIMPLE, &secret, controls, NULL, &id);
    ldap_control_free(policy);
    if (!sent(connection, code, reply))
        return;
    LDAPMessage *message = next_message(connection, id, deadline_us, reply);
    if (message != NULL)
        read_result(connection, message, reply);
}

void hg_ldap_connection_who(HgLdapConnection *connection, gint64 deadline_us, char **out,
                            HgLdapReply *reply)
{
    int id = 0;
    struct berval *name = NULL;
    *out = NULL;
    hg_ldap_reply_clear(reply);
    LDAPMessage *message = NULL;
    if (sent(connection, ldap_whoami(connection->handle, NULL, NULL, &id), reply))
        message = next_message(connection, id, deadline_us, reply);
    if (message == NULL)
        return;
    gboolean ok = ldap_parse_whoami(connection->handle, message, &name) == LDAP_SUCCESS;
    read_result(connection, message, reply);
    if (ok && reply->status == HG_LDAP_ANSWERED && reply->code == LDAP_SUCCESS)
        *out =
            name != NULL ? hg_slice_dup_string(hg_slice(name->bv_val, name->bv_len)) : g_strdup("");
    ber_bvfree(name);
}

static void read_entry(LDAP *handle, LDAPMessage *message, GPtrArray *entries)
{
    char *dn = ldap_get_dn(handle, message);
    BerElement *state = NULL;
    HgLdapEntry *entry = hg_ldap_entry_new(dn != NULL ? dn : "");
    for (char *name = ldap_first_attribute(handle, message, &state); name != NULL;
         name = ldap_next_attribute(handle, message, state)) {
        struct berval **values = ldap_get_values_len(handle, message, name);
        for (int i = 0; values != NULL && values[i] != NULL; i++)
            hg_ldap_entry_add(entry, name, values[i]->bv_val, values[i]->bv_len);
        ldap_value_free_len(values);
        ldap_memfree(name);
    }
    ber_free(state, 0);
    ldap_memfree(dn);
    g_ptr_array_add(entries, entry);
}

/* A server that sends more than it was asked for isn't listened to any further. */
static void give_up(HgLdapConnection *connection, int id, HgLdapReply *reply)
{
    ldap_abandon_ext(connection->handle, id, NULL, NULL);
    connection->spoiled = TRUE;
    reply->status = HG_LDAP_ANSWERED;
    reply->code = LDAP_SIZELIMIT_EXCEEDED;
    reply->text = g_strdup("more entries than asked for");
}

static void collect(HgLdapConnection *connection, int id, guint most, gint64 deadline_us,
                    GPtrArray *entries, HgLdapReply *reply)
{
    LDAPMessage *message;
    guint found = 0;
    while ((message = next_message(connection, id, deadline_us, reply)) != NULL) {
        switch (ldap_msgtype(message)) {
        case LDAP_RES_SEARCH_RESULT:
            read_result(connection, message, reply);
            return;
        case LDAP_RES_SEARCH_ENTRY:
            if (found++ == most) {
                ldap_msgfree(message);
                give_up(connection, id, reply);
                return;
            }
            read_entry(connection->handle, message, entries);
            break;
        default: /* a reference to another server */
            break;
        }
        ldap_msgfree(message);
    }
}

void hg_ldap_connection_search(HgLdapConnection *connection, const HgLdapSearch *search,
                               gint64 deadline_us, GPtrArray *entries, HgLdapReply *reply)
{
    static const char *const nothing[] = {LDAP_NO_ATTRS, NULL};
    const char *const *wanted = search->attributes[0] != NULL ? search->attributes : nothing;
    struct timeval limit = time_until(deadline_us);
    int id = 0;
    limit.tv_sec++; /* servers count whole seconds; ours is the sooner one */
    hg_ldap_reply_clear(reply);
    int code = ldap_search_ext(
        connection->handle, search->base, search->only_base ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
        search->filter, (char **)wanted, FALSE, NULL, NULL, &limit, (int)search->most, &id);
    if (sent(connection, code, reply))
        collect(connection, id, search->most, deadline_us, entries, reply);
}
