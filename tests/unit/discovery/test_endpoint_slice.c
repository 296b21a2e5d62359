/* Tests of discovery/endpoint_slice: conditions, identities, ports, and merging. What is refused is
 * tested with a server in tests/discovery. */
#include "discovery/endpoint_slice.h"
#include "suites.h"

static HgEndpointSlice *read_text(const char *text, GError **error)
{
    HgEndpointSlice *slice = NULL;
    json_auto_t *object = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(object);
    return hg_endpoint_slice_read(object, &slice, error) ? slice : NULL;
}

static void free_slice(gpointer slice)
{
    hg_endpoint_slice_free(slice);
}

/* A slice of one endpoint with more JSON in it, of ports that are JSON. */
static HgEndpointSlice *one(const char *more, const char *ports)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text =
        g_strdup_printf("{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"endpoints\":[{"
                        "\"addresses\":[\"10.1.0.5\",\"10.1.0.6\"]%s}],\"ports\":%s}",
                        more, ports);
    HgEndpointSlice *slice = read_text(text, &error);
    ck_assert_msg(slice != NULL, "%s", error != NULL ? error->message : "?");
    return slice;
}

static GPtrArray *merge(HgEndpointSlice *take_slice, const HgSlicePort *port, char **remark,
                        GError **error)
{
    g_autoptr(GPtrArray) slices = g_ptr_array_new_with_free_func(free_slice);
    GPtrArray *infos = NULL;
    g_ptr_array_add(slices, take_slice);
    return hg_endpoint_slices_merge(slices, port, &infos, remark, error) ? infos : NULL;
}

#define ONE_PORT "[{\"name\":\"thrift\",\"port\":10000}]"

static const struct {
    const char *conditions;
    gboolean ready, serving, terminating;
} conditions[] = {
    {"", TRUE, TRUE, FALSE},
    {",\"conditions\":null", TRUE, TRUE, FALSE},
    {",\"conditions\":{}", TRUE, TRUE, FALSE},
    {",\"conditions\":{\"ready\":null}", TRUE, TRUE, FALSE},
    {",\"conditions\":{\"ready\":false}", FALSE, FALSE, FALSE},
    {",\"conditions\":{\"ready\":true,\"serving\":null}", TRUE, TRUE, FALSE},
    {",\"conditions\":{\"ready\":false,\"serving\":true,\"terminating\":true}", FALSE, TRUE, TRUE},
};

START_TEST(test_conditions)
{
    static const HgSlicePort any = {NULL, 0, HG_FAMILY_ANY};
    g_autofree char *remark = NULL;
    g_autoptr(GPtrArray) infos =
        merge(one(conditions[_i].conditions, ONE_PORT), &any, &remark, NULL);
    const HgEndpointInfo *info = infos->pdata[0];
    ck_assert_uint_eq(infos->len, 1); /* only the first address counts */
    ck_assert_str_eq(info->host, "10.1.0.5");
    ck_assert_int_eq(info->ready, conditions[_i].ready);
    ck_assert_int_eq(info->serving, conditions[_i].serving);
    ck_assert_int_eq(info->terminating, conditions[_i].terminating);
    ck_assert_ptr_null(remark);
}
END_TEST

static const struct {
    const char *more;
    const char *instance;
} identities[] = {
    {"", NULL},
    {",\"nodeName\":\"n1\"", "node:n1"},
    {",\"nodeName\":\"n1\",\"targetRef\":{\"kind\":\"Pod\",\"uid\":\"u\"}", "pod:u"},
    {",\"nodeName\":\"n1\",\"targetRef\":{\"kind\":\"Node\",\"uid\":\"u\"}", "node:n1"},
    {",\"targetRef\":{\"kind\":\"Pod\"}", NULL},
    {",\"targetRef\":null", NULL},
    {",\"targetRef\":7", NULL},
};

START_TEST(test_identities)
{
    static const HgSlicePort any = {NULL, 0, HG_FAMILY_ANY};
    g_autofree char *remark = NULL;
    g_autoptr(GPtrArray) infos = merge(one(identities[_i].more, ONE_PORT), &any, &remark, NULL);
    const HgEndpointInfo *info = infos->pdata[0];
    ck_assert_pstr_eq(info->instance, identities[_i].instance);
}
END_TEST

#define TWO_PORTS                                                                                  \
    "[{\"name\":\"thrift\",\"port\":10001,\"protocol\":\"TCP\"},{\"name\":\"http\",\"port\":"      \
    "10002},"                                                                                      \
    "{\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\"},{\"name\":\"any\"}]"

static const struct {
    const char *ports;
    HgSlicePort wanted;
    guint16 port; /* 0: an error */
} ports[] = {
    {ONE_PORT, {NULL, 0, HG_FAMILY_ANY}, 10000},
    {ONE_PORT, {"thrift", 0, HG_FAMILY_ANY}, 10000},
    {ONE_PORT, {"thrift", 10000, HG_FAMILY_ANY}, 10000},
    {ONE_PORT, {"http", 0, HG_FAMILY_ANY}, 0},
    {ONE_PORT, {NULL, 1, HG_FAMILY_ANY}, 0},
    {"[{\"port\":10000}]", {NULL, 0, HG_FAMILY_ANY}, 10000},
    {"[{\"name\":\"\",\"port\":10000}]", {"", 0, HG_FAMILY_ANY}, 10000},
    {TWO_PORTS, {NULL, 0, HG_FAMILY_ANY}, 0},
    {TWO_PORTS, {"http", 0, HG_FAMILY_ANY}, 10002},
    {TWO_PORTS, {NULL, 10001, HG_FAMILY_ANY}, 10001},
    {TWO_PORTS, {"dns", 0, HG_FAMILY_ANY}, 0},
    {TWO_PORTS, {"any", 0, HG_FAMILY_ANY}, 0},
    {"null", {NULL, 0, HG_FAMILY_ANY}, 0},
    {"[]", {NULL, 0, HG_FAMILY_ANY}, 0},
};

START_TEST(test_ports)
{
    g_autofree char *remark = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) infos =
        merge(one("", ports[_i].ports), &ports[_i].wanted, &remark, &error);
    ck_assert_int_eq(infos == NULL, ports[_i].port == 0);
    ck_assert_int_eq(error == NULL, ports[_i].port != 0);
    if (infos != NULL)
        ck_assert_uint_eq(((const HgEndpointInfo *)infos->pdata[0])->port, ports[_i].port);
}
END_TEST

/* One slice has the port, another doesn't: what can be used is, and the rest is told. */
START_TEST(test_some_without_port)
{
    static const HgSlicePort wanted = {"thrift", 0, HG_FAMILY_ANY};
    g_autoptr(GPtrArray) slices = g_ptr_array_new_with_free_func(free_slice);
    g_autoptr(GPtrArray) infos = NULL;
    g_autofree char *remark = NULL;
    g_ptr_array_add(slices, one("", "[{\"name\":\"old\",\"port\":1}]"));
    g_ptr_array_add(slices, one("", ONE_PORT));
    ck_assert(hg_endpoint_slices_merge(slices, &wanted, &infos, &remark, NULL));
    ck_assert_uint_eq(infos->len, 1);
    ck_assert_str_eq(remark, "1 endpoints don't have the wanted port just once; there are the "
                             "ports: \"old\" (1), \"thrift\" (10000)");
}
END_TEST

static const char *const refused[] = {
    "{}",
    "{\"metadata\":7}",
    "{\"metadata\":{\"name\":\"s\"}}",
    "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"endpoints\":{}}",
    "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"endpoints\":[7]}",
    "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[7]}]}",
    "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"ports\":[7]}",
    "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"ports\":[{\"port\":\"a\"}]}",
    "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"ports\":[{\"port\":0}]}",
};

START_TEST(test_refused)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(read_text(refused[_i], &error));
    ck_assert_ptr_nonnull(error);
}
END_TEST

Suite *endpoint_slice_suite(void)
{
    Suite *suite = suite_create("endpoint_slice");
    TCase *tests = tcase_create("slices");
    tcase_add_loop_test(tests, test_conditions, 0, G_N_ELEMENTS(conditions));
    tcase_add_loop_test(tests, test_identities, 0, G_N_ELEMENTS(identities));
    tcase_add_loop_test(tests, test_ports, 0, G_N_ELEMENTS(ports));
    tcase_add_test(tests, test_some_without_port);
    tcase_add_loop_test(tests, test_refused, 0, G_N_ELEMENTS(refused));
    suite_add_tcase(suite, tests);
    return suite;
}
