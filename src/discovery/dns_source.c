/* The source `dns`: see dns_source.h. All but the constructor runs on the source's thread. */
#include "discovery/dns_source.h"

#include "base/error.h"
#include "base/text.h"
#include "discovery/backoff.h"
#include "discovery/dns_channel.h"
#include "discovery/source_private.h"

#include <string.h>

#define NAME_MAX_SIZE 255 /* RFC 1035, section 2.3.4 */
#define TARGETS_MAX   1024

typedef struct {
    char *name;
    char *servers;
    HgDnsMode mode;
    HgFamily family;
    guint16 port;
    HgDnsChannelConfig channel;
    gint64 ttl_least_ms;
    gint64 ttl_most_ms;
    HgBackoff backoff;
} Dns;

/* The addresses of one name: asked for in one go. */
typedef struct {
    const HgDnsQuestion *v4; /* NULL: not asked for */
    const HgDnsQuestion *v6;
} Addresses;

/* What a round has found. */
typedef struct {
    GPtrArray *infos;
    guint32 ttl;
    char *remark;
} Found;

static Addresses ask(HgDnsChannel *channel, const char *name, HgFamily family)
{
    Addresses addresses = {NULL, NULL};
    if (family != HG_FAMILY_IPV6)
        addresses.v4 = hg_dns_channel_ask(channel, name, HG_DNS_A);
    if (family != HG_FAMILY_IPV4)
        addresses.v6 = hg_dns_channel_ask(channel, name, HG_DNS_AAAA);
    return addresses;
}

static gboolean has(const HgDnsQuestion *question, HgDnsOutcome outcome)
{
    return question != NULL && question->outcome == outcome;
}

static void set_problem(GError **error, const HgDnsQuestion *question)
{
    g_autofree char *shown = hg_text_quote(hg_slice_from_string(question->name));
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s records of %s: %s",
                hg_dns_type_name(question->type), shown, question->problem);
}

/* TRUE unless a server failed to say what the name's addresses are: then nothing is known. */
static gboolean is_certain(const Addresses *addresses, GError **error)
{
    const HgDnsQuestion *failed = has(addresses->v4, HG_DNS_FAILED)   ? addresses->v4
                                  : has(addresses->v6, HG_DNS_FAILED) ? addresses->v6
                                                                      : NULL;
    if (failed != NULL)
        set_problem(error, failed);
    return failed == NULL;
}

/* The records to use: those of IPv4, or, where there are none, of IPv6; NULL: neither. */
static const HgDnsQuestion *choose(const Addresses *addresses)
{
    return has(addresses->v4, HG_DNS_FOUND)   ? addresses->v4
           : has(addresses->v6, HG_DNS_FOUND) ? addresses->v6
                                              : NULL;
}

static guint32 ttl_of(const Addresses *addresses, guint32 ttl)
{
    if (has(addresses->v4, HG_DNS_FOUND))
        ttl = MIN(ttl, addresses->v4->records.ttl);
    return has(addresses->v6, HG_DNS_FOUND) ? MIN(ttl, addresses->v6->records.ttl) : ttl;
}

/* ---- addresses ---- */

static gboolean find_addresses(const Dns *self, HgDnsChannel *channel, Found *found, GError **error)
{
    Addresses addresses = ask(channel, self->name, self->family);
    if (!hg_dns_channel_wait(channel))
        return FALSE;
    const HgDnsQuestion *chosen = choose(&addresses);
    /* with IPv4 found, IPv6 doesn't matter: a search for it may go on to servers that fail */
    if ((chosen == NULL || chosen != addresses.v4) && !is_certain(&addresses, error))
        return FALSE;
    if (chosen == NULL) {
        set_problem(error, addresses.v4 != NULL ? addresses.v4 : addresses.v6);
        return FALSE;
    }
    found->ttl = ttl_of(&addresses, found->ttl);
    for (guint i = 0; i < chosen->records.addresses->len; i++)
        g_ptr_array_add(found->infos, hg_endpoint_info_new(chosen->records.addresses->pdata[i],
                                                           self->port, NULL));
    return TRUE;
}

/* ---- SRV ---- */

static void add_target(const HgDnsTarget *target, const Addresses *addresses, Found *found)
{
    const HgDnsQuestion *chosen = choose(addresses);
    const GPtrArray *hosts = chosen->records.addresses;
    gboolean is_dual = chosen == addresses->v4 && has(addresses->v6, HG_DNS_FOUND) &&
                       hosts->len == 1 && addresses->v6->records.addresses->len == 1;
    found->ttl = ttl_of(addresses, found->ttl);
    for (guint i = 0; i < hosts->len; i++) {
        HgEndpointInfo *info = hg_endpoint_info_new(hosts->pdata[i], target->port, NULL);
        info->name = g_strdup(target->host);
        info->weight = target->weight;
        info->priority = target->priority;
        if (is_dual)
            info->other_host = g_strdup(addresses->v6->records.addresses->pdata[0]);
        g_ptr_array_add(found->infos, info);
    }
}

/* Targets to ask for; one without a port or of the root is no server (RFC 2782: "A Target of "."
 * means that the service is decidedly not available at this domain"). */
static gboolean ask_targets(const Dns *self, HgDnsChannel *channel, const GArray *targets,
                            GArray *asked, GError **error)
{
    if (targets->len > TARGETS_MAX) {
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "it has %u SRV records; hivegate takes at most %d", targets->len, TARGETS_MAX);
        return FALSE;
    }
    for (guint i = 0; i < targets->len; i++) {
        const HgDnsTarget *target = &g_array_index(targets, HgDnsTarget, i);
        /* a target is a full name already */
        g_autofree char *full = g_strconcat(target->host, ".", NULL);
        Addresses addresses = {NULL, NULL};
        if (*target->host != '\0' && target->port != 0)
            addresses = ask(channel, full, self->family);
        g_array_append_val(asked, addresses);
    }
    return TRUE;
}

static gboolean find_service(const Dns *self, HgDnsChannel *channel, Found *found, GError **error)
{
    const HgDnsQuestion *service = hg_dns_channel_ask(channel, self->name, HG_DNS_SRV);
    g_autoptr(GArray) asked = g_array_new(FALSE, FALSE, sizeof(Addresses));
    guint left_out = 0;
    if (!hg_dns_channel_wait(channel))
        return FALSE;
    if (service->outcome != HG_DNS_FOUND) {
        set_problem(error, service);
        return FALSE;
    }
    if (!ask_targets(self, channel, service->records.targets, asked, error) ||
        !hg_dns_channel_wait(channel))
        return FALSE;
    found->ttl = MIN(found->ttl, service->records.ttl);
    for (guint i = 0; i < asked->len; i++) {
        const Addresses *addresses = &g_array_index(asked, Addresses, i);
        if (!is_certain(addresses, error))
            return FALSE;
        if (choose(addresses) != NULL)
            add_target(&g_array_index(service->records.targets, HgDnsTarget, i), addresses, found);
        else
            left_out++;
    }
    if (left_out > 0)
        found->remark = g_strdup_printf("%u targets of its SRV records have no address", left_out);
    if (found->infos->len > 0)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND,
                "none of the targets of its SRV records has an address");
    return FALSE;
}

/* ---- the thread ---- */

/* One round; how long to wait for the next, in ms. */
static gint64 look_up(HgSource *source, Dns *self)
{
    g_autoptr(HgDnsChannel) channel = NULL;
    g_autoptr(GError) error = NULL;
    HgControl *control = hg_source_control(source);
    /* a channel per round, since resolv.conf may have changed */
    if (hg_dns_channel_new(control, &self->channel, &channel, &error)) {
        Found found = {.infos = hg_endpoint_infos_new(), .ttl = G_MAXINT32};
        gboolean ok = self->mode == HG_DNS_SERVICE ? find_service(self, channel, &found, &error)
                                                   : find_addresses(self, channel, &found, &error);
        gint64 ttl_ms = (gint64)found.ttl * 1000;
        g_autofree char *remark = found.remark;
        if (ok && hg_source_publish_infos(source, found.infos, remark)) {
            hg_backoff_reset(&self->backoff);
            return CLAMP(ttl_ms, self->ttl_least_ms, self->ttl_most_ms);
        }
        if (!ok)
            g_ptr_array_unref(found.infos);
    }
    if (error != NULL)
        hg_source_fail(source, error->message);
    return hg_backoff_next(&self->backoff);
}

static void run(HgSource *source, void *self)
{
    HgControl *control = hg_source_control(source);
    gint64 due_us = 0;
    while (!hg_control_is_stopping(control)) {
        gint64 now = g_get_monotonic_time();
        if (now >= due_us) {
            gint64 wait_ms = look_up(source, self);
            due_us = g_get_monotonic_time() + wait_ms * 1000;
        } else {
            hg_control_pause(control, (due_us - now) / 1000 + 1);
        }
    }
}

/* ---- making it ---- */

static void free_self(void *data)
{
    Dns *self = data;
    g_free(self->name);
    g_free(self->servers);
    g_free(self);
}

void hg_dns_config_init(HgDnsConfig *config)
{
    *config = (HgDnsConfig){
        .try_timeout_ms = 2000,
        .tries = 2,
        .timeout_ms = 10000,
        .ttl_least_ms = 1000,
        .ttl_most_ms = 300000,
        .retry_first_ms = 1000,
        .retry_most_ms = 30000,
    };
}

static gboolean check(const HgDnsConfig *config, GError **error)
{
    gsize size = strlen(config->name);
    if (size == 0 || size > NAME_MAX_SIZE || strpbrk(config->name, " \t\r\n") != NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "expected a name of up to %d bytes to look up", NAME_MAX_SIZE);
        return FALSE;
    }
    if (config->mode == HG_DNS_ADDRESSES && config->port == 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "A and AAAA records don't tell a port; name one");
        return FALSE;
    }
    return hg_dns_check_servers(config->servers, error);
}

gboolean hg_dns_source_new(const HgDnsConfig *config, HgSource **out, GError **error)
{
    static const HgSourceKind kind = {"dns", run, free_self};
    if (!check(config, error))
        return FALSE;
    Dns *self = g_new0(Dns, 1);
    self->name = g_strdup(config->name);
    self->servers = g_strdup(config->servers);
    self->mode = config->mode;
    self->family = config->family;
    self->port = config->port;
    self->channel = (HgDnsChannelConfig){self->servers, config->try_timeout_ms, config->tries,
                                         config->timeout_ms};
    self->ttl_least_ms = config->ttl_least_ms;
    self->ttl_most_ms = MAX(config->ttl_most_ms, config->ttl_least_ms);
    self->backoff = (HgBackoff){config->retry_first_ms, config->retry_most_ms, 0};
    return hg_source_new(&kind, self, out, error);
}
