/* One listening socket over libmicrohttpd: see door.h. Owns the daemon with its threads, and the
 * body of each request while it comes. */
#include "admin/door.h"

#include "base/address.h"
#include "base/error.h"

#include <microhttpd.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>
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
    HgSecret *token;
};

typedef struct {
    GByteArray *body;
    gboolean too_large;
} Incoming;

static enum MHD_Result reply(struct MHD_Connection *connection, HgAdminAnswer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(answer->body), answer->body, MHD_RESPMEM_MUST_COPY);
    g_free(answer->body);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (answer->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, guint status, const char *text)
{
    HgAdminAnswer answer = {status, "text/plain; charset=utf-8", g_strconcat(text, "\n", NULL)};
    return reply(connection, &answer);
}

/* ---- who ---- */

static gboolean has_token(const HgAdminDoor *door, struct MHD_Connection *connection)
{
    const char *value =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    HgSlice token = hg_secret_slice(door->token);
    if (value == NULL || g_ascii_strncasecmp(value, "Bearer ", 7) != 0)
        return FALSE;
    value += 7;
    return strlen(value) == token.size && CRYPTO_memcmp(value, token.data, token.size) == 0;
}

/* Who asks, as far as the kernel says. */
static char *describe_sender(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof peer;
    struct ucred credentials = {0};
    socklen_t credentials_size = sizeof credentials;
    if (info == NULL || getpeername(info->connect_fd, (struct sockaddr *)&peer, &size) != 0)
        return g_strdup("somebody who has left");
    if (peer.ss_family == AF_UNIX &&
        getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) == 0)
        return g_strdup_printf("uid %u", credentials.uid);
    HgAddress address = {.storage = peer, .size = size};
    return hg_address_format(&address);
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
    if (door->token != NULL && !has_token(door, connection))
        return refuse(connection, MHD_HTTP_UNAUTHORIZED,
                      "hivegate: Authorization: Bearer with the right token is needed here");
    if (incoming->too_large)
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "hivegate: the request is too large");
    g_autofree char *sender = describe_sender(connection);
    HgAdminRequest request = {.method = method,
                              .path = url,
                              .body = hg_slice(incoming->body->data, incoming->body->len),
                              .sender = sender};
    HgAdminAnswer answer = {0};
    door->handler(&request, &answer, door->data);
    return reply(connection, &answer);
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

HgAdminDoor *hg_admin_door_new(const HgAdminDoorOptions *options, HgAdminHandler handler,
                               void *data, GError **error)
{
    HgAdminDoor *door = g_new0(HgAdminDoor, 1);
    gboolean tls = options->certificate != NULL;
    door->handler = handler;
    door->data = data;
    door->token = options->token != NULL ? hg_secret_ref(options->token) : NULL;
    struct MHD_OptionItem tls_items[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(guintptr)options->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(guintptr)options->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(guintptr)CIPHERS},
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
    hg_secret_unref(door->token);
    g_free(door);
}
