/* One listening socket over libmicrohttpd: see door.h. Owns the daemon with its threads, and the
 * body of each request while it comes. */
#include "admin/door.h"

#include "admin/peer.h"
#include "base/error.h"

#include <gnutls/x509.h>
#include <microhttpd.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MOST 64
#define IDLE_SECONDS     15
#define BODY_MOST        (64 * 1024)
#define MEMORY_MOST      (32 * 1024) /* of a connection, for heads */
#define STACK_SIZE       (512 * 1024)
#define CIPHERS          "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct HgAdminDoor {
    struct MHD_Daemon *daemon;
    HgAdminHandler handler;
    void *data;
    HgAdminAccess *access;
};

typedef struct {
    GByteArray *body;
    gboolean too_large;
} Incoming;

static enum MHD_Result reply(const HgAdminDoor *door, struct MHD_Connection *connection,
                             HgAdminAnswer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(answer->body), answer->body, MHD_RESPMEM_MUST_COPY);
    g_free(answer->body);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (answer->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(
            response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
            hg_admin_access_takes_passwords(door->access) ? "Basic realm=\"hivegate\"" : "Bearer");
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(const HgAdminDoor *door, struct MHD_Connection *connection,
                              guint status, const char *text)
{
    HgAdminAnswer answer = {status, "text/plain; charset=utf-8",
                            g_strconcat("hivegate: ", text, "\n", NULL)};
    return reply(door, connection, &answer);
}

/* ---- who ---- */

/* What a request shows, with the texts of it that are its own. */
typedef struct {
    HgAdminProof proof;
    gint64 uid;
    char *certificate;
    char *user;     /* libmicrohttpd's */
    char *password; /* libmicrohttpd's */
} Shown;

static void clear_shown(Shown *shown)
{
    if (shown->password != NULL)
        explicit_bzero(shown->password, strlen(shown->password));
    MHD_free(shown->password);
    MHD_free(shown->user);
    g_free(shown->certificate);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Shown, clear_shown)

static void look(struct MHD_Connection *connection, Shown *out)
{
    const char *value =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    out->proof.address = hg_admin_peer_address(connection, &out->uid);
    out->certificate = hg_admin_peer_certificate(connection);
    out->proof.certificate = out->certificate;
    if (value != NULL && g_ascii_strncasecmp(value, "Bearer ", 7) == 0) {
        out->proof.bearer = value + 7;
        return;
    }
    out->user = MHD_basic_auth_get_username_password(connection, &out->password);
    out->proof.user = out->user;
    out->proof.password = out->password;
}

/* Who asks, for people. */
static char *describe_sender(const Shown *shown, const HgPrincipal *principal)
{
    char address[HG_PEER_ADDRESS_TEXT_MAX];
    const char *name = principal != NULL ? hg_principal_name(principal) : shown->certificate;
    if (shown->uid >= 0)
        return g_strdup_printf("uid %" G_GINT64_FORMAT, shown->uid);
    hg_peer_address_print(&shown->proof.address, address);
    if (*address == '\0')
        return g_strdup("somebody who has left");
    return name == NULL ? g_strdup(address) : g_strdup_printf("%s at %s", name, address);
}

/* ---- requests ---- */

static enum MHD_Result collect(Incoming *incoming, const char *bytes, size_t *size)
{
    if (incoming->body->len + *size > BODY_MOST)
        incoming->too_large = TRUE;
    else
        g_byte_array_append(incoming->body, (const guint8 *)bytes, (guint)*size);
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *size, void **state)
{
    HgAdminDoor *door = data;
    Incoming *incoming = *state;
    if (incoming == NULL) { /* the head has come */
        incoming = g_new0(Incoming, 1);
        incoming->body = g_byte_array_new();
        *state = incoming;
        return MHD_YES;
    }
    if (*size > 0)
        return collect(incoming, bytes, size);
    if (incoming->too_large)
        return refuse(door, connection, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too large");
    g_auto(Shown) shown = {0};
    g_autoptr(HgPrincipal) principal = NULL;
    look(connection, &shown);
    HgAdminReach reach = hg_admin_access_check(door->access, &shown.proof, &principal);
    if (reach == HG_ADMIN_NOTHING)
        return refuse(door, connection, MHD_HTTP_UNAUTHORIZED,
                      hg_admin_access_wanted(door->access));
    if (reach == HG_ADMIN_BUSY)
        return refuse(door, connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                      "too many logins are being checked here; try again");
    g_autofree char *sender = describe_sender(&shown, principal);
    HgAdminRequest request = {.method = method,
                              .path = url,
                              .body = hg_slice(incoming->body->data, incoming->body->len),
                              .sender = sender,
                              .principal = principal};
    HgAdminAnswer answer = {0};
    door->handler(&request, &answer, door->data);
    return reply(door, connection, &answer);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    Incoming *incoming = *state;
    if (incoming == NULL)
        return;
    g_byte_array_unref(incoming->body);
    g_free(incoming);
}

/* ---- life ---- */

/* libmicrohttpd takes a text without certificates for none at all. */
static gboolean holds_authorities(const char *pem)
{
    gnutls_datum_t text = {.data = (unsigned char *)pem, .size = (unsigned)strlen(pem)};
    gnutls_x509_crt_t *list = NULL;
    guint count = 0;
    if (gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0) < 0)
        return FALSE;
    for (guint i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    return count > 0;
}

HgAdminDoor *hg_admin_door_new(const HgAdminDoorOptions *options, HgAdminHandler handler,
                               void *data, GError **error)
{
    if (options->client_ca != NULL && !holds_authorities(options->client_ca)) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                            "admin: client_ca_file: there are no certificates of authorities in "
                            "it; expected PEM");
        close(options->take_fd);
        return NULL;
    }
    HgAdminDoor *door = g_new0(HgAdminDoor, 1);
    gboolean tls = options->certificate != NULL;
    door->handler = handler;
    door->data = data;
    door->access = hg_admin_access_new(&options->access);
    struct MHD_OptionItem tls_items[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(guintptr)options->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(guintptr)options->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(guintptr)CIPHERS},
        {options->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
         (void *)(guintptr)options->client_ca},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem no_items[] = {{MHD_OPTION_END, 0, NULL}};
    door->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            (tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, on_request, door, MHD_OPTION_LISTEN_SOCKET, options->take_fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MOST, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MOST, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)STACK_SIZE, MHD_OPTION_ARRAY, tls ? tls_items : no_items, MHD_OPTION_END);
    if (door->daemon != NULL)
        return door;
    g_set_error(error, HG_ERROR, HG_ERROR_FAILED,
                tls ? "can't start the HTTP server; are its certificate and key right?"
                    : "can't start the HTTP server");
    close(options->take_fd);
    hg_admin_door_free(door);
    return NULL;
}

void hg_admin_door_free(HgAdminDoor *door)
{
    if (door == NULL)
        return;
    if (door->daemon != NULL)
        MHD_stop_daemon(door->daemon);
    hg_admin_access_free(door->access);
    g_free(door);
}
