/* libldap with deadlines: see ldap_connection.h. libldap is seen here and in ldap_text only. */
#include "auth/ldap_connection.h"

#include "auth/ldap_dial.h"
#include "base/error.h"
#include "net/tls_session.h"

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

gboolean hg_ldap_connection_prepare(GError **error)
{
    LDAP *handle = NULL;
    int wrong = ldap_create(&handle);
    if (wrong != LDAP_SUCCESS) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "libldap: %s", ldap_err2string(wrong));
        return FALSE;
    }
    ldap_unbind_ext(handle, NULL, NULL);
    return TRUE;
}

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

/* ---- TLS as a layer of libldap's buffer: all bytes pass through these ---- */

static int layer_set_up(Sockbuf_IO_Desc *layer, void *session)
{
    layer->sbiod_pvt = session;
    return 0;
}

static int layer_remove(Sockbuf_IO_Desc *layer)
{
    hg_tls_session_free(layer->sbiod_pvt);
    layer->sbiod_pvt = NULL;
    return 0;
}

/* Comes before the layer below closes the socket, whose number is another connection's from then
 * on. */
static int layer_close(Sockbuf_IO_Desc *layer)
{
    hg_tls_session_end(layer->sbiod_pvt);
    return 0;
}

static int layer_control(Sockbuf_IO_Desc *layer, int option, void *value)
{
    if (option == LBER_SB_OPT_DATA_READY && hg_tls_session_has_pending(layer->sbiod_pvt))
        return 1;
    return LBER_SBIOD_CTRL_NEXT(layer, option, value);
}

/* libldap looks at errno after 0, too, and would wait when an old EAGAIN stood there. */
static ber_slen_t layer_read(Sockbuf_IO_Desc *layer, void *out, ber_len_t size)
{
    gssize done = hg_tls_session_read(layer->sbiod_pvt, out, size);
    if (done == 0)
        errno = ECONNRESET;
    return done;
}

static ber_slen_t layer_write(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size)
{
    return hg_tls_session_write(layer->sbiod_pvt, bytes, size);
}

/* libldap has TLS of its own, but over GnuTLS (Debian's build) that can't be held to a version, to
 * the names of a certificate or to a deadline (libldap 2.5: tls_g.c, ldap_int_tls_start), and takes
 * defaults from ldap.conf and the environment. */
static gboolean start_tls(HgLdapConnection *connection, const HgLdapServer *server, HgTls *tls,
                          gint64 deadline_us, GError **error)
{
    static Sockbuf_IO layer = {.sbi_setup = layer_set_up,
                               .sbi_remove = layer_remove,
                               .sbi_ctrl = layer_control,
                               .sbi_read = layer_read,
                               .sbi_write = layer_write,
                               .sbi_close = layer_close};
    int fd = -1;
    Sockbuf *sockbuf = NULL;
    g_autoptr(HgTlsSession) session = NULL;
    ldap_get_option(connection->handle, LDAP_OPT_DESC, &fd);
    ldap_get_option(connection->handle, LDAP_OPT_SOCKBUF, &sockbuf);
    if (!hg_tls_session_new(tls, fd, server->host, deadline_us, &session, error))
        return FALSE;
    if (ber_sockbuf_add_io(sockbuf, &layer, LBER_SBIOD_LEVEL_TRANSPORT, session) != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "libldap takes no layer for TLS");
        return FALSE;
    }
    session = NULL; /* the layer's */
    return TRUE;
}

gboolean hg_ldap_connection_open(const HgLdapServer *server, HgTls *tls, gint64 deadline_us,
                                 HgLdapConnection **out, GError **error)
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
    if (tls != NULL && !server->ldaps && !ask_for_tls(connection, deadline_us, error))
        return FALSE;
    if (tls != NULL && !start_tls(connection, server, tls, deadline_us, error))
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
