/* Reading of DNS messages: see dns_message.h. The parsing itself is libresolv's (ns_parserr), which
 * checks every bound. */
#include "discovery/dns_message.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>

#define SRV_FIXED 6          /* bytes before the target */
#define TTL_MAX   0x7fffffff /* RFC 2181, section 8: with the highest bit set, it is 0 */

static void clear_target(gpointer data)
{
    HgDnsTarget *target = data;
    g_free(target->host);
}

void hg_dns_records_clear(HgDnsRecords *records)
{
    g_clear_pointer(&records->addresses, g_ptr_array_unref);
    g_clear_pointer(&records->targets, g_array_unref);
}

const char *hg_dns_type_name(HgDnsType type)
{
    return type == HG_DNS_A ? "A" : type == HG_DNS_AAAA ? "AAAA" : "SRV";
}

static gboolean read_address(int family, const ns_rr *record, HgDnsRecords *records)
{
    char text[INET6_ADDRSTRLEN];
    gsize size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    if (ns_rr_rdlen(*record) != size ||
        inet_ntop(family, ns_rr_rdata(*record), text, sizeof text) == NULL)
        return FALSE;
    g_ptr_array_add(records->addresses, g_strdup(text));
    return TRUE;
}

static gboolean read_target(ns_msg *message, const ns_rr *record, HgDnsRecords *records)
{
    char host[NS_MAXDNAME];
    const guint8 *data = ns_rr_rdata(*record);
    if (ns_rr_rdlen(*record) <= SRV_FIXED ||
        ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), data + SRV_FIXED, host,
                           sizeof host) < 0)
        return FALSE;
    HgDnsTarget target = {
        .host = g_strdup(strcmp(host, ".") == 0 ? "" : host),
        .priority = (guint16)ns_get16(data),
        .weight = (guint16)ns_get16(data + 2),
        .port = (guint16)ns_get16(data + 4),
    };
    g_array_append_val(records->targets, target);
    return TRUE;
}

static gboolean read_record(ns_msg *message, int index, HgDnsType type, HgDnsRecords *records)
{
    ns_rr record;
    if (ns_parserr(message, ns_s_an, index, &record) != 0)
        return FALSE;
    if (ns_rr_class(record) != ns_c_in ||
        (ns_rr_type(record) != (guint)type && ns_rr_type(record) != ns_t_cname))
        return TRUE;
    guint32 ttl = ns_rr_ttl(record) > TTL_MAX ? 0 : ns_rr_ttl(record);
    records->ttl = MIN(records->ttl, ttl);
    if (ns_rr_type(record) == ns_t_cname)
        return TRUE;
    if (type == HG_DNS_SRV)
        return read_target(message, &record, records);
    return read_address(type == HG_DNS_A ? AF_INET : AF_INET6, &record, records);
}

gboolean hg_dns_message_read(HgSlice bytes, HgDnsType type, HgDnsRecords *out, GError **error)
{
    ns_msg message;
    g_auto(HgDnsRecords) records = {
        .addresses = g_ptr_array_new_with_free_func(g_free),
        .targets = g_array_new(FALSE, FALSE, sizeof(HgDnsTarget)),
        .ttl = TTL_MAX,
    };
    g_array_set_clear_func(records.targets, clear_target);
    gboolean ok = bytes.size <= G_MAXUINT16 &&
                  ns_initparse(bytes.data, (int)bytes.size, &message) == 0 &&
                  ns_msg_count(message, ns_s_an) <= HG_DNS_RECORDS_MAX;
    for (int i = 0; ok && i < ns_msg_count(message, ns_s_an); i++)
        ok = read_record(&message, i, type, &records);
    if (!ok) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "the name server's answer is malformed");
        return FALSE;
    }
    *out = records;
    records = (HgDnsRecords){0};
    return TRUE;
}
