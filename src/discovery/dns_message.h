/* Answers of name servers: the records of one type out of a message (RFC 1035, section 4; AAAA:
 * RFC 3596; SRV: RFC 2782).
 *
 * Addresses behind a CNAME are in the same answer section. Pure; any thread. */
#pragma once

#include "base/slice.h"

#define HG_DNS_RECORDS_MAX 4096 /* of one message: more than 64 KiB can hold */

typedef enum {
    HG_DNS_A = 1, /* their numbers in the message */
    HG_DNS_AAAA = 28,
    HG_DNS_SRV = 33,
} HgDnsType;

/* A server that an SRV record names. */
typedef struct {
    char *host; /* without the dot at its end; "" is the root: there is no such service */
    guint16 port;
    guint16 priority;
    guint16 weight;
} HgDnsTarget;

/* What a message says. */
typedef struct {
    GPtrArray *addresses; /* of char *, as inet_ntop() writes them; for A and AAAA */
    GArray *targets;      /* of HgDnsTarget; for SRV */
    guint32 ttl;          /* seconds: the smallest of all records of the answer, CNAMEs too */
} HgDnsRecords;

/* Reads the answer section of a message; records of other types are passed over. Clear *out with
 * hg_dns_records_clear(). HG_ERROR_INVALID when the message is malformed. */
gboolean hg_dns_message_read(HgSlice message, HgDnsType type, HgDnsRecords *out, GError **error);

/* Frees what it holds; a zeroed one is fine. */
void hg_dns_records_clear(HgDnsRecords *records);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgDnsRecords, hg_dns_records_clear)

/* "A", "AAAA", "SRV". */
const char *hg_dns_type_name(HgDnsType type);
