/* Tests of discovery/endpoint_set: order, doubles, limits, and when two sets say the same. */
#include "base/error.h"
#include "discovery/endpoint_set.h"
#include "suites.h"

static HgEndpointInfo *add(GPtrArray *infos, const char *host, guint16 port, const char *instance)
{
    HgEndpointInfo *info = hg_endpoint_info_new(host, port, instance);
    g_ptr_array_add(infos, info);
    return info;
}

static HgEndpointSet *make(GPtrArray *take_infos)
{
    HgEndpointSet *set = NULL;
    ck_assert(hg_endpoint_set_new(take_infos, &set, NULL));
    return set;
}

START_TEST(test_order)
{
    GPtrArray *infos = hg_endpoint_infos_new();
    add(infos, "b", 1, NULL);
    add(infos, "a", 2, NULL);
    add(infos, "a", 1, NULL);
    g_autoptr(HgEndpointSet) set = make(infos);
    ck_assert_uint_eq(hg_endpoint_set_count(set), 3);
    ck_assert_str_eq(hg_endpoint_set_get(set, 0)->host, "a");
    ck_assert_uint_eq(hg_endpoint_set_get(set, 0)->port, 1);
    ck_assert_uint_eq(hg_endpoint_set_get(set, 1)->port, 2);
    ck_assert_str_eq(hg_endpoint_set_get(set, 2)->host, "b");
}
END_TEST

/* Of two with one address, who stays: by what they say of themselves, in both orders. */
static const struct {
    gboolean ready, serving;
} standings[] = {{FALSE, FALSE}, {FALSE, TRUE}, {TRUE, TRUE}};

START_TEST(test_doubles)
{
    gsize first = (gsize)_i / 3, second = (gsize)_i % 3;
    GPtrArray *infos = hg_endpoint_infos_new();
    HgEndpointInfo *one = add(infos, "a", 1, "first");
    HgEndpointInfo *two = add(infos, "a", 1, "second");
    one->ready = standings[first].ready;
    one->serving = standings[first].serving;
    two->ready = standings[second].ready;
    two->serving = standings[second].serving;
    add(infos, "b", 1, NULL);
    g_autoptr(HgEndpointSet) set = make(infos);
    ck_assert_uint_eq(hg_endpoint_set_count(set), 2);
    ck_assert_str_eq(hg_endpoint_set_get(set, 0)->instance, second >= first ? "second" : "first");
}
END_TEST

START_TEST(test_limit)
{
    GPtrArray *infos = hg_endpoint_infos_new();
    for (guint i = 0; i <= HG_ENDPOINT_SET_MAX; i++) {
        g_autofree char *host = g_strdup_printf("h%u", i);
        add(infos, host, 1, NULL);
    }
    g_autoptr(GError) error = NULL;
    HgEndpointSet *set = NULL;
    ck_assert(!hg_endpoint_set_new(infos, &set, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_LIMIT));
    ck_assert_ptr_null(set);
}
END_TEST

static void set_other(HgEndpointInfo *info)
{
    info->other_host = g_strdup("x");
}

static void set_name(HgEndpointInfo *info)
{
    info->name = g_strdup("x");
}

static void set_zone(HgEndpointInfo *info)
{
    info->zone = g_strdup("x");
}

static void set_instance(HgEndpointInfo *info)
{
    g_free(info->instance);
    info->instance = g_strdup("x");
}

static void set_weight(HgEndpointInfo *info)
{
    info->weight = 9;
}

static void set_priority(HgEndpointInfo *info)
{
    info->priority = 9;
}

static void set_ready(HgEndpointInfo *info)
{
    info->ready = FALSE;
}

static void set_serving(HgEndpointInfo *info)
{
    info->serving = FALSE;
}

static void set_terminating(HgEndpointInfo *info)
{
    info->terminating = TRUE;
}

static void set_port(HgEndpointInfo *info)
{
    info->port = 9;
}

static void (*const changes[])(HgEndpointInfo *info) = {
    set_other,    set_name,  set_zone,    set_instance,    set_weight,
    set_priority, set_ready, set_serving, set_terminating, set_port,
};

START_TEST(test_differences)
{
    GPtrArray *infos = hg_endpoint_infos_new(), *same = hg_endpoint_infos_new();
    GPtrArray *others = hg_endpoint_infos_new();
    add(infos, "a", 1, "i");
    add(same, "a", 1, "i");
    changes[_i](add(others, "a", 1, "i"));
    g_autoptr(HgEndpointSet) set = make(infos);
    g_autoptr(HgEndpointSet) equal = make(same);
    g_autoptr(HgEndpointSet) other = make(others);
    g_autoptr(HgEndpointSet) empty = make(hg_endpoint_infos_new());
    ck_assert(hg_endpoint_set_equal(set, equal));
    ck_assert(!hg_endpoint_set_equal(set, other));
    ck_assert(!hg_endpoint_set_equal(set, empty));
    ck_assert(!hg_endpoint_set_equal(NULL, empty));
    ck_assert(!hg_endpoint_set_equal(set, NULL));
    ck_assert(hg_endpoint_set_equal(NULL, NULL));
}
END_TEST

Suite *endpoint_set_suite(void)
{
    Suite *suite = suite_create("endpoint_set");
    TCase *tests = tcase_create("sets");
    tcase_add_test(tests, test_order);
    tcase_add_loop_test(tests, test_doubles, 0, 9);
    tcase_add_test(tests, test_limit);
    tcase_add_loop_test(tests, test_differences, 0, G_N_ELEMENTS(changes));
    suite_add_tcase(suite, tests);
    return suite;
}
