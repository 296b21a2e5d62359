/* Questions to name servers, several at once, over c-ares.
 *
 * The servers and search domains are those of /etc/resolv.conf, or named; /etc/hosts isn't read. A
 * name without a dot at its end is completed by the search domains, as in a pod. One channel serves
 * one round of questions on a control thread, whose stop ends it at once. */
#pragma once

#include "discovery/control.h"
#include "discovery/dns_message.h"

typedef struct HgDnsChannel HgDnsChannel;

typedef enum {
    HG_DNS_PENDING,
    HG_DNS_FOUND,   /* there are records */
    HG_DNS_NOTHING, /* the name or the records don't exist, says a server that knows */
    HG_DNS_FAILED,  /* nobody could say: SERVFAIL, REFUSED, a timeout, a malformed answer */
} HgDnsOutcome;

/* A question with its answer. */
typedef struct {
    char *name;
    HgDnsType type;
    HgDnsOutcome outcome;
    char *problem; /* with NOTHING and FAILED */
    HgDnsRecords records;
} HgDnsQuestion;

typedef struct {
    const char *servers;   /* "10.96.0.10,[fd00::10]:5353"; NULL: those of /etc/resolv.conf */
    gint64 try_timeout_ms; /* for the first try of each server; doubled with every round of tries */
    guint tries;           /* of each server */
    gint64 timeout_ms;     /* for a round of questions */
} HgDnsChannelConfig;

/* A channel. HG_ERROR_INVALID: the servers can't be read; HG_ERROR_IO: no resolv.conf can. */
gboolean hg_dns_channel_new(HgControl *control, const HgDnsChannelConfig *config,
                            HgDnsChannel **out, GError **error);

/* Frees it with its questions. NULL does nothing. */
void hg_dns_channel_free(HgDnsChannel *channel);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgDnsChannel, hg_dns_channel_free)

/* Asks; the question belongs to the channel, and has its answer after hg_dns_channel_wait(). */
const HgDnsQuestion *hg_dns_channel_ask(HgDnsChannel *channel, const char *name, HgDnsType type);

/* Waits until all questions have their answers, at the latest for the time of a round: then those
 * that are left have failed. FALSE when the control is stopping. */
gboolean hg_dns_channel_wait(HgDnsChannel *channel);

/* Checks a list of servers. Pure, but for starting c-ares. */
gboolean hg_dns_check_servers(const char *servers, GError **error);
