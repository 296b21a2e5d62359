/* The source `dns`: the addresses of a name (a headless Service), or what its SRV records lead to.
 *
 * It asks again when the records' TTL has run out. A negative answer, a timeout or a failing server
 * keeps the last set: DNS can't tell a Service without endpoints from one that is being replaced.
 * Nothing but an address and a port is known of an endpoint, so none has an identity, and all that
 * are found are ready. */
#pragma once

#include "discovery/source.h"

typedef enum {
    HG_DNS_ADDRESSES, /* A and AAAA records; the port is the configuration's */
    HG_DNS_SERVICE,   /* SRV records, and A and AAAA records of their targets */
} HgDnsMode;

typedef struct {
    const char *name; /* completed by the search domains, unless it ends with a dot */
    HgDnsMode mode;
    guint16 port;    /* with HG_DNS_ADDRESSES */
    HgFamily family; /* HG_FAMILY_ANY: addresses of IPv6 only where there are none of IPv4 (or, with
                        SRV, as the target's other address) */
    const char *servers; /* see dns_channel.h; NULL: those of /etc/resolv.conf */
    gint64 try_timeout_ms;
    guint tries;
    gint64 timeout_ms; /* for all questions of one round */
    gint64 ttl_least_ms;
    gint64 ttl_most_ms;
    gint64 retry_first_ms; /* after the first failure; doubled by each further one */
    gint64 retry_most_ms;
} HgDnsConfig;

/* Sets all but name, mode, port and family to their defaults: 2 s a try, 2 tries, 10 s a round,
 * TTLs of 1 s to 5 min, 1 s to 30 s between tries. */
void hg_dns_config_init(HgDnsConfig *config);

/* The source; `config` is copied. HG_ERROR_INVALID says which value won't do. The first of all DNS
 * sources is made before other threads make any. */
gboolean hg_dns_source_new(const HgDnsConfig *config, HgSource **out, GError **error);
