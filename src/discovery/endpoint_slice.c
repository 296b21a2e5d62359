/* EndpointSlices: see endpoint_slice.h. A slice is kept as it was read; choosing ports and merging
 * come later, over all slices together. */
#include "discovery/endpoint_slice.h"

#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

typedef struct {
    char *name; /* "" when the Service's only port has none */
    guint16 number;
} Port;

struct HgEndpointSlice {
    char *name;
    int family;       /* AF_INET, AF_INET6; AF_UNSPEC: addresses of no use here */
    GArray *ports;    /* of Port: those for TCP that have a number */
    GPtrArray *infos; /* of HgEndpointInfo, with port 0 */
};

static void clear_port(gpointer data)
{
    Port *port = data;
    g_free(port->name);
}

void hg_endpoint_slice_free(HgEndpointSlice *slice)
{
    if (slice == NULL)
        return;
    g_free(slice->name);
    if (slice->ports != NULL)
        g_array_unref(slice->ports);
    if (slice->infos != NULL)
        g_ptr_array_unref(slice->infos);
    g_free(slice);
}

const char *hg_endpoint_slice_name(const HgEndpointSlice *slice)
{
    return slice->name;
}

/* ---- reading ---- */

static const char *text_in(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* FALSE with an error that names the slice. */
static gboolean wrong(GError **error, const char *slice, const char *problem)
{
    g_autofree char *shown = hg_text_quote(hg_slice_from_string(slice));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "EndpointSlice %s %s", shown, problem);
    return FALSE;
}

/* A condition: absent or null is `unset`. FALSE when it is neither a boolean nor absent. */
static gboolean read_condition(const json_t *conditions, const char *name, gboolean unset,
                               gboolean *out)
{
    const json_t *value = json_object_get(conditions, name);
    *out = json_is_boolean(value) ? json_is_true(value) : unset;
    return value == NULL || json_is_null(value) || json_is_boolean(value);
}

/* The conditions, as EndpointConditions documents them: ready unset means true, serving unset is
 * the same as ready, terminating unset means false. */
static gboolean read_conditions(const json_t *conditions, HgEndpointInfo *info)
{
    if (conditions != NULL && !json_is_object(conditions) && !json_is_null(conditions))
        return FALSE;
    return read_condition(conditions, "ready", TRUE, &info->ready) &&
           read_condition(conditions, "serving", info->ready, &info->serving) &&
           read_condition(conditions, "terminating", FALSE, &info->terminating);
}

/* Who it is: the pod's UID, which no other pod ever has, or else the node. */
static char *identity(const json_t *endpoint)
{
    const json_t *target = json_object_get(endpoint, "targetRef");
    const char *uid = text_in(target, "uid");
    const char *node = text_in(endpoint, "nodeName");
    if (uid != NULL && g_strcmp0(text_in(target, "kind"), "Pod") == 0)
        return g_strconcat("pod:", uid, NULL);
    return node != NULL ? g_strconcat("node:", node, NULL) : NULL;
}

static gboolean read_endpoint(HgEndpointSlice *slice, const json_t *endpoint, GError **error)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    const json_t *addresses = json_object_get(endpoint, "addresses");
    /* "No semantics are defined for additional addresses beyond the first" */
    const char *address = json_string_value(json_array_get(addresses, 0));
    if (address == NULL)
        return wrong(error, slice->name, "has an endpoint without an address");
    if (slice->family == AF_UNSPEC)
        return TRUE;
    if (inet_pton(slice->family, address, bytes) != 1)
        return wrong(error, slice->name, "has an address that isn't of its addressType");
    g_autofree char *instance = identity(endpoint);
    HgEndpointInfo *info = hg_endpoint_info_new(address, 0, instance);
    info->zone = g_strdup(text_in(endpoint, "zone"));
    g_ptr_array_add(slice->infos, info);
    if (!read_conditions(json_object_get(endpoint, "conditions"), info))
        return wrong(error, slice->name, "has a condition that is neither true, false nor null");
    return TRUE;
}

static gboolean read_port(HgEndpointSlice *slice, const json_t *object, GError **error)
{
    const char *name = text_in(object, "name");
    const char *protocol = text_in(object, "protocol");
    const json_t *number = json_object_get(object, "port");
    json_int_t value = json_integer_value(number);
    if (!json_is_object(object))
        return wrong(error, slice->name, "has a port that isn't an object");
    /* null: the consumer decides, which can't be connected to */
    if (number == NULL || json_is_null(number) ||
        g_strcmp0(protocol ? protocol : "TCP", "TCP") != 0)
        return TRUE;
    if (!json_is_integer(number) || value < 1 || value > G_MAXUINT16)
        return wrong(error, slice->name, "has a port that isn't a number from 1 to 65535");
    Port port = {g_strdup(name != NULL ? name : ""), (guint16)value};
    g_array_append_val(slice->ports, port);
    return TRUE;
}

/* An array that may be missing or null. */
static gboolean is_list(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_array(value);
}

static gboolean read_parts(HgEndpointSlice *slice, const json_t *object, GError **error)
{
    const char *type = text_in(object, "addressType");
    const json_t *ports = json_object_get(object, "ports");
    const json_t *endpoints = json_object_get(object, "endpoints");
    if (type == NULL)
        return wrong(error, slice->name, "has no addressType");
    slice->family = strcmp(type, "IPv4") == 0   ? AF_INET
                    : strcmp(type, "IPv6") == 0 ? AF_INET6
                                                : AF_UNSPEC;
    if (!is_list(ports) || !is_list(endpoints))
        return wrong(error, slice->name, "has ports or endpoints that aren't lists");
    if (json_array_size(endpoints) > HG_ENDPOINT_SET_MAX)
        return wrong(error, slice->name, "has too many endpoints");
    for (gsize i = 0; i < json_array_size(ports); i++)
        if (!read_port(slice, json_array_get(ports, i), error))
            return FALSE;
    for (gsize i = 0; i < json_array_size(endpoints); i++)
        if (!read_endpoint(slice, json_array_get(endpoints, i), error))
            return FALSE;
    return TRUE;
}

gboolean hg_endpoint_slice_read(const json_t *object, HgEndpointSlice **out, GError **error)
{
    const char *kind = text_in(object, "kind");
    const char *name = text_in(json_object_get(object, "metadata"), "name");
    if (name == NULL || (kind != NULL && strcmp(kind, "EndpointSlice") != 0)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "expected an object of kind EndpointSlice with a name");
        return FALSE;
    }
    HgEndpointSlice *slice = g_new0(HgEndpointSlice, 1);
    slice->name = g_strdup(name);
    slice->ports = g_array_new(FALSE, FALSE, sizeof(Port));
    g_array_set_clear_func(slice->ports, clear_port);
    slice->infos = hg_endpoint_infos_new();
    if (!read_parts(slice, object, error)) {
        hg_endpoint_slice_free(slice);
        return FALSE;
    }
    *out = slice;
    return TRUE;
}

/* ---- merging ---- */

/* The number of the port that is wanted; 0: the slice has none such, or several. */
static guint16 find_port(const HgEndpointSlice *slice, const HgSlicePort *wanted)
{
    guint16 found = 0;
    guint count = 0;
    for (guint i = 0; i < slice->ports->len; i++) {
        const Port *port = &g_array_index(slice->ports, Port, i);
        if ((wanted->name == NULL || strcmp(port->name, wanted->name) == 0) &&
            (wanted->number == 0 || port->number == wanted->number)) {
            found = port->number;
            count++;
        }
    }
    return count == 1 ? found : 0;
}

static HgEndpointInfo *copy_info(const HgEndpointInfo *from, guint16 port)
{
    HgEndpointInfo *info = hg_endpoint_info_new(from->host, port, from->instance);
    info->other_host = g_strdup(from->other_host);
    info->zone = g_strdup(from->zone);
    info->ready = from->ready;
    info->serving = from->serving;
    info->terminating = from->terminating;
    return info;
}

/* The endpoints of one family, each address once. What has no such port is counted in *unfit. */
static gboolean collect(const GPtrArray *slices, int family, const HgSlicePort *wanted,
                        guint *unfit, HgEndpointSet **out, GError **error)
{
    GPtrArray *infos = hg_endpoint_infos_new();
    for (guint i = 0; i < slices->len; i++) {
        const HgEndpointSlice *slice = slices->pdata[i];
        guint16 port = find_port(slice, wanted);
        if (slice->family != family)
            continue;
        if (port == 0)
            *unfit += slice->infos->len;
        for (guint j = 0; port != 0 && j < slice->infos->len; j++)
            g_ptr_array_add(infos, copy_info(slice->infos->pdata[j], port));
    }
    return hg_endpoint_set_new(infos, out, error);
}

/* A pod's identity and port, under which its two addresses meet; NULL: it has none. */
static char *meeting_key(const HgEndpointInfo *info)
{
    if (info->instance == NULL || !g_str_has_prefix(info->instance, "pod:"))
        return NULL;
    return g_strdup_printf("%s %u", info->instance, info->port);
}

/* The second address of an endpoint. The slices of both families are written one after the other,
 * so for a moment they may differ: then the worse counts. */
static void join(HgEndpointInfo *first, const HgEndpointInfo *second)
{
    first->other_host = g_strdup(second->host);
    first->ready = first->ready && second->ready;
    first->serving = first->serving && second->serving;
    first->terminating = first->terminating || second->terminating;
}

static GPtrArray *join_families(const HgEndpointSet *v4, const HgEndpointSet *v6)
{
    GPtrArray *infos = hg_endpoint_infos_new();
    g_autoptr(GHashTable) met = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < hg_endpoint_set_count(v4); i++) {
        const HgEndpointInfo *from = hg_endpoint_set_get(v4, i);
        HgEndpointInfo *info = copy_info(from, from->port);
        char *key = meeting_key(info);
        if (key != NULL)
            g_hash_table_replace(met, key, info);
        g_ptr_array_add(infos, info);
    }
    for (guint i = 0; i < hg_endpoint_set_count(v6); i++) {
        const HgEndpointInfo *info = hg_endpoint_set_get(v6, i);
        g_autofree char *key = meeting_key(info);
        HgEndpointInfo *first = key != NULL ? g_hash_table_lookup(met, key) : NULL;
        if (first != NULL && first->other_host == NULL)
            join(first, info);
        else
            g_ptr_array_add(infos, copy_info(info, info->port));
    }
    return infos;
}

/* "spark-thrift (10000), ui (4040)": what ports there are. */
static char *list_ports(const GPtrArray *slices)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < slices->len && g_hash_table_size(seen) < 8; i++) {
        const HgEndpointSlice *slice = slices->pdata[i];
        for (guint j = 0; j < slice->ports->len; j++) {
            const Port *port = &g_array_index(slice->ports, Port, j);
            g_autofree char *name = hg_text_quote(hg_slice_from_string(port->name));
            char *one = g_strdup_printf("%s (%u)", name, port->number);
            if (g_hash_table_contains(seen, one))
                g_free(one);
            else {
                g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", one);
                g_hash_table_add(seen, one);
            }
        }
    }
    if (text->len == 0)
        g_string_append(text, "none for TCP");
    return g_string_free(text, FALSE);
}

static char *describe_unfit(const GPtrArray *slices, guint unfit)
{
    g_autofree char *ports = list_ports(slices);
    return g_strdup_printf(
        "%u endpoints don't have the wanted port just once; there are the ports: "
        "%s",
        unfit, ports);
}

gboolean hg_endpoint_slices_merge(const GPtrArray *slices, const HgSlicePort *port,
                                  GPtrArray **infos, char **remark, GError **error)
{
    guint unfit = 0;
    g_autoptr(HgEndpointSet) v4 = NULL;
    g_autoptr(HgEndpointSet) v6 = NULL;
    int first = port->family == HG_FAMILY_IPV6 ? AF_UNSPEC : AF_INET;
    int second = port->family == HG_FAMILY_IPV4 ? AF_UNSPEC : AF_INET6;
    /* slices of no family have no infos: asking for them gives an empty set */
    if (!collect(slices, first, port, &unfit, &v4, error) ||
        !collect(slices, second, port, &unfit, &v6, error))
        return FALSE;
    g_autofree char *left_out = unfit > 0 ? describe_unfit(slices, unfit) : NULL;
    if (left_out != NULL && hg_endpoint_set_count(v4) + hg_endpoint_set_count(v6) == 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s; name one of these", left_out);
        return FALSE;
    }
    *infos = join_families(v4, v6);
    *remark = g_steal_pointer(&left_out);
    return TRUE;
}
