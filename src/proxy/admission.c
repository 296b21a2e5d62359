/* Admission of sessions: see admission.h. Works on the gateway's two quotas, which have locks of
 * their own. */
#include "proxy/admission.h"

#include "base/error.h"

/* A host by its text, whatever the port. Those over Unix sockets and those that nobody knows aren't
 * told apart, and have no limit. */
static gboolean host_of(const HgPeerAddress *address, char out[HG_PEER_ADDRESS_TEXT_MAX])
{
    HgPeerAddress host = *address;
    if (host.family != HG_PEER_IPV4 && host.family != HG_PEER_IPV6)
        return FALSE;
    host.port = 0;
    hg_peer_address_print(&host, out);
    return TRUE;
}

static gboolean take_user(HgGateway *gateway, const char *user, GError **error)
{
    const HgProxyOptions *options = hg_gateway_options(gateway);
    switch (hg_quota_take(hg_gateway_quota(gateway), user)) {
    case HG_QUOTA_TAKEN:
        return TRUE;
    case HG_QUOTA_USER_FULL:
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "hivegate: you have as many sessions open as one user may, %u (limits: "
                    "sessions_per_user); close some.",
                    options->sessions_per_user);
        return FALSE;
    case HG_QUOTA_FULL:
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "hivegate has as many sessions as it may, %u (limits: sessions); try again.",
                    options->sessions);
        return FALSE;
    }
    g_return_val_if_reached(FALSE);
}

gboolean hg_admission_take(HgGateway *gateway, const char *user, const HgPeerAddress *address,
                           GError **error)
{
    HgQuota *hosts = hg_gateway_address_quota(gateway);
    char host[HG_PEER_ADDRESS_TEXT_MAX];
    gboolean has_host = hosts != NULL && host_of(address, host);
    if (!take_user(gateway, user, error))
        return FALSE;
    if (!has_host || hg_quota_take(hosts, host) == HG_QUOTA_TAKEN)
        return TRUE;
    hg_quota_give(hg_gateway_quota(gateway), user);
    g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                "hivegate: as many sessions are open from your address %s as from one address may, "
                "%u (limits: sessions_per_address); close some.",
                host, hg_gateway_options(gateway)->sessions_per_address);
    return FALSE;
}

void hg_admission_give(HgGateway *gateway, const char *user, const HgPeerAddress *address)
{
    HgQuota *hosts = hg_gateway_address_quota(gateway);
    char host[HG_PEER_ADDRESS_TEXT_MAX];
    hg_quota_give(hg_gateway_quota(gateway), user);
    if (hosts != NULL && host_of(address, host))
        hg_quota_give(hosts, host);
}
