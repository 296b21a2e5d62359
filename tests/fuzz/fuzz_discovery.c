/* Fuzz target: what sources of discovery read. The first byte chooses: an answer of a name server,
 * a list of EndpointSlices, or a node of HiveServer2 in ZooKeeper. Either it is refused with a
 * reason, or what was read keeps the promises of its header. */
#include "discovery/dns_message.h"
#include "discovery/endpoint_slice.h"
#include "discovery/zookeeper_node.h"
#include "fuzz.h"

#include <arpa/inet.h>
#include <string.h>

static void check_dns(HgSlice bytes, HgDnsType type)
{
    g_auto(HgDnsRecords) records = {0};
    g_autoptr(GError) error = NULL;
    struct in6_addr address;
    if (!hg_dns_message_read(bytes, type, &records, &error)) {
        FUZZ_CHECK(error != NULL && records.addresses == NULL && records.targets == NULL);
        return;
    }
    FUZZ_CHECK(error == NULL);
    FUZZ_CHECK(records.addresses->len + records.targets->len <= HG_DNS_RECORDS_MAX);
    FUZZ_CHECK(type == HG_DNS_SRV ? records.addresses->len == 0 : records.targets->len == 0);
    FUZZ_CHECK(records.ttl <= G_MAXINT32);
    for (guint i = 0; i < records.addresses->len; i++)
        FUZZ_CHECK(inet_pton(type == HG_DNS_A ? AF_INET : AF_INET6, records.addresses->pdata[i],
                             &address) == 1);
    for (guint i = 0; i < records.targets->len; i++)
        FUZZ_CHECK(g_array_index(records.targets, HgDnsTarget, i).host != NULL);
}

static void free_slice(gpointer slice)
{
    hg_endpoint_slice_free(slice);
}

static void check_set(GPtrArray *take_infos)
{
    g_autoptr(HgEndpointSet) set = NULL;
    struct in6_addr address;
    if (!hg_endpoint_set_new(take_infos, &set, NULL))
        return;
    for (guint i = 0; i < hg_endpoint_set_count(set); i++) {
        const HgEndpointInfo *info = hg_endpoint_set_get(set, i);
        const HgEndpointInfo *last = i > 0 ? hg_endpoint_set_get(set, i - 1) : NULL;
        int family = strchr(info->host, ':') != NULL ? AF_INET6 : AF_INET;
        FUZZ_CHECK(inet_pton(family, info->host, &address) == 1 && info->port != 0);
        FUZZ_CHECK(info->other_host == NULL || family == AF_INET);
        FUZZ_CHECK(last == NULL || strcmp(last->host, info->host) < 0 ||
                   (strcmp(last->host, info->host) == 0 && last->port < info->port));
    }
    FUZZ_CHECK(hg_endpoint_set_equal(set, set));
}

static void check_slices(HgSlice bytes)
{
    static const HgSlicePort ports[] = {
        {NULL, 0, HG_FAMILY_ANY}, {"thrift", 0, HG_FAMILY_IPV4}, {NULL, 10000, HG_FAMILY_IPV6}};
    json_auto_t *list = json_loadb((const char *)bytes.data, bytes.size, 0, NULL);
    g_autoptr(GPtrArray) slices = g_ptr_array_new_with_free_func(free_slice);
    for (gsize i = 0; i < json_array_size(list); i++) {
        g_autoptr(GError) error = NULL;
        HgEndpointSlice *slice = NULL;
        gboolean ok = hg_endpoint_slice_read(json_array_get(list, i), &slice, &error);
        FUZZ_CHECK(ok == (slice != NULL) && ok == (error == NULL));
        if (ok)
            g_ptr_array_add(slices, slice);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(ports); i++) {
        GPtrArray *infos = NULL;
        g_autofree char *remark = NULL;
        g_autoptr(GError) error = NULL;
        gboolean ok = hg_endpoint_slices_merge(slices, &ports[i], &infos, &remark, &error);
        FUZZ_CHECK(ok == (infos != NULL) && ok == (error == NULL));
        if (ok)
            check_set(infos);
    }
}

static void check_node(HgSlice bytes)
{
    HgSlice name = fuzz_take(&bytes, fuzz_take_u8(&bytes));
    g_autofree char *node = hg_slice_dup_string(name);
    g_auto(HgZookeeperServer) server = {0};
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_zookeeper_server_read(node, bytes, &server, &error);
    FUZZ_CHECK(ok == (error == NULL) && ok == (server.host != NULL));
    if (!ok)
        return;
    FUZZ_CHECK(server.port != 0 && *server.host != '\0');
    /* what can be announced is read as it was */
    HgZookeeperPublication publication = {server.host, server.port, "1", NULL, "NONE", FALSE};
    if (!hg_zookeeper_publication_check(&publication, NULL))
        return;
    g_auto(HgZookeeperServer) again = {0};
    g_autofree char *data = hg_zookeeper_publication_data(&publication);
    FUZZ_CHECK(hg_zookeeper_server_read("n", hg_slice_from_string(data), &again, NULL));
    FUZZ_CHECK(strcmp(again.host, server.host) == 0 && again.port == server.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    guint choice = fuzz_take_u8(&input) % 5;
    HgSlice bytes = fuzz_copy(input);
    if (choice == 3)
        check_slices(bytes);
    else if (choice == 4)
        check_node(bytes);
    else
        check_dns(bytes, choice == 0 ? HG_DNS_A : choice == 1 ? HG_DNS_AAAA : HG_DNS_SRV);
    fuzz_free(bytes);
    return 0;
}
