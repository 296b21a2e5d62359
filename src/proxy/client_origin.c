/* Clients behind balancers and proxies: the PROXY header in front of a connection, and the address
 * that a client really comes from. A header is read only from the listener's balancers, and from
 * these it must come; it ends before TLS begins, so not one byte behind it is read here. */
#include "proxy/client_http.h"

#include "wire/proxy_protocol.h"

gboolean hg_client_needs_proxy_header(const HgClient *client)
{
    return hg_networks_have(client->listener->balancers, &client->identity.address);
}

const HgPeerAddress *hg_client_address(const HgClient *client)
{
    return client->http != NULL && client->http->forwarded.family != HG_PEER_UNKNOWN
               ? &client->http->forwarded
               : &client->identity.address;
}

const HgPeerAddress *hg_client_via(const HgClient *client)
{
    const HgPeerAddress *own =
        client->identity.via != NULL ? client->identity.via : &client->identity.address;
    return own != hg_client_address(client) ? own : NULL;
}

const char *hg_client_user(const HgClient *client)
{
    const HgPrincipal *principal = client->identity.principal;
    gboolean known = principal != NULL && (client->http == NULL || client->http->known);
    return known ? hg_principal_name(principal) : NULL;
}

/* Ends the connection of a balancer that speaks as it shouldn't; somebody has to set it right. */
static void refuse(HgClient *client, const char *why)
{
    hg_log_limited(hg_client_log(client),
                   hg_gateway_request_limit(hg_worker_gateway(client->worker)), HG_LOG_WARN,
                   "proxy_header_refused", hg_log_text("listener", client->listener->name),
                   HG_CLIENT_ADDRESS_FIELDS(client), hg_log_text("why", why));
    hg_client_end(client);
}

void hg_client_proxy_header_timed_out(HgClient *client)
{
    refuse(client, "its PROXY header didn't come in time (limits: login_timeout)");
}

/* Looks at what has come: behind what is in client->in, into `bytes`. FALSE when there is nothing,
 * or no connection any more. */
static gboolean look(HgClient *client, guint8 *bytes, gsize room, gsize *size)
{
    switch (hg_stream_peek(client->stream, bytes, room, size)) {
    case HG_IO_OK:
        return TRUE;
    case HG_IO_AGAIN:
        return FALSE;
    case HG_IO_END:
    case HG_IO_ERROR:
        break;
    }
    if (hg_buffer_size(&client->in) > 0)
        refuse(client, "the connection ended inside its PROXY header");
    else
        hg_client_end(client); /* a balancer that looks whether the port is open */
    return FALSE;
}

/* Takes bytes that were seen off the connection. FALSE when it has broken meanwhile. */
static gboolean skip(HgClient *client, guint8 *seen, gsize size)
{
    gsize done = 0;
    if (hg_stream_read(client->stream, seen, size, &done) == HG_IO_OK && done == size)
        return TRUE;
    hg_client_end(client);
    return FALSE;
}

/* The connection is the client's from here on. FALSE when TLS can't begin. */
static gboolean begin(HgClient *client, const HgProxyHeader *header)
{
    g_autoptr(GError) error = NULL;
    hg_buffer_clear(&client->in);
    if (header->names_client) {
        client->identity.via = g_memdup2(&client->identity.address, sizeof(HgPeerAddress));
        client->identity.address = header->client;
    }
    if (client->listener->tls != NULL &&
        !hg_stream_begin_tls(client->stream, client->listener->tls, &error)) {
        hg_log(hg_client_log(client), HG_LOG_ERROR, "client_refused",
               HG_CLIENT_ADDRESS_FIELDS(client), hg_log_text("why", error->message));
        hg_client_end(client);
        return FALSE;
    }
    hg_client_set_state(client, CLIENT_GREETING);
    return TRUE;
}

gboolean hg_client_take_proxy_header(HgClient *client)
{
    HgProxyHeader header;
    const char *why = NULL;
    gsize before = hg_buffer_size(&client->in), size = 0;
    guint8 *all = hg_worker_backend_context(client->worker)->scratch;
    if (!look(client, all + before, HG_PROXY_HEADER_MAX - before, &size))
        return FALSE;
    if (before > 0)
        memcpy(all, hg_buffer_data(&client->in), before);
    switch (hg_proxy_header_read(hg_slice(all, before + size), &header, &why)) {
    case HG_WIRE_OK:
        return skip(client, all + before, header.size - before) && begin(client, &header);
    case HG_WIRE_SHORT:
        if (skip(client, all + before, size) &&
            !hg_buffer_append(&client->in, hg_slice(all + before, size), HG_PROXY_HEADER_MAX))
            hg_client_drop(client);
        return FALSE;
    case HG_WIRE_BAD:
        refuse(client, why);
        return FALSE;
    }
    g_return_val_if_reached(FALSE);
}
