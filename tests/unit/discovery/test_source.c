/* Tests of discovery/source: what a listener hears, with a source that says what the test wants. */
#include "discovery/source_private.h"
#include "discovery/static_source.h"
#include "suites.h"

#include <stdatomic.h>
#include <string.h>

typedef struct {
    guint sets; /* the source's thread, then ours */
    guint last_count;
    guint standings;
    HgStandingKind last;
    gboolean freed;
} Heard;

static void on_changed(void *owner, HgEndpointSet *set)
{
    Heard *heard = owner;
    heard->sets++;
    heard->last_count = hg_endpoint_set_count(set);
}

static void on_standing(void *owner, const HgStanding *standing)
{
    Heard *heard = owner;
    heard->standings++;
    heard->last = standing->kind;
}

static GPtrArray *infos(guint count)
{
    GPtrArray *made = hg_endpoint_infos_new();
    for (guint i = 0; i < count; i++) {
        g_autofree char *host = g_strdup_printf("h%u", i);
        g_ptr_array_add(made, hg_endpoint_info_new(host, 1, NULL));
    }
    return made;
}

static void run(HgSource *source, void *self)
{
    hg_source_fail(source, "at first");
    hg_source_publish_infos(source, infos(2), NULL);
    hg_source_publish_infos(source, infos(2), NULL);
    hg_source_fail(source, "it went away");
    hg_source_publish_infos(source, infos(2), NULL);
    hg_source_publish_infos(source, infos(HG_ENDPOINT_SET_MAX + 1), NULL);
    hg_source_publish_infos(source, infos(0), NULL);
    hg_source_publish_infos(source, infos(3), "one was left out");
    hg_source_fail(source, "at last");
}

static void free_self(void *self)
{
    Heard *heard = self;
    heard->freed = TRUE;
}

static const HgSourceKind kind = {"scripted", run, free_self};

START_TEST(test_listener)
{
    Heard heard = {0};
    HgSource *source = NULL;
    HgSourceListener listener = {on_changed, on_standing, &heard};
    ck_assert(hg_source_new(&kind, &heard, &source, NULL));
    ck_assert_str_eq(hg_source_kind(source), "scripted");
    ck_assert_ptr_null(hg_source_set(source));
    ck_assert(hg_source_start(source, &listener, NULL));
    hg_source_stop(source);
    /* 2, then 0, then 3: what says the same isn't told, what is too much isn't taken */
    ck_assert_uint_eq(heard.sets, 3);
    ck_assert_uint_eq(heard.last_count, 3);
    /* stale, fresh, stale, fresh, stale (the limit), fresh, fresh with a remark, stale */
    ck_assert_uint_eq(heard.standings, 8);
    ck_assert_int_eq(heard.last, HG_STANDING_STALE);
    g_auto(HgStanding) standing = {0};
    hg_source_standing(source, &standing);
    ck_assert_str_eq(standing.problem, "at last");
    HgEndpointSet *set = hg_source_set(source);
    ck_assert_uint_eq(hg_endpoint_set_count(set), 3);
    hg_source_free(source);
    ck_assert(heard.freed);
    /* a set outlives its source */
    ck_assert_str_eq(hg_endpoint_set_get(set, 2)->host, "h2");
    hg_endpoint_set_unref(set);
}
END_TEST

START_TEST(test_free_unstarted)
{
    Heard heard = {0};
    HgSource *source = NULL;
    ck_assert(hg_source_new(&kind, &heard, &source, NULL));
    hg_source_free(source);
    ck_assert(heard.freed && heard.sets == 0);
    hg_source_free(NULL);
}
END_TEST

START_TEST(test_static_copies)
{
    char host[] = "abc";
    HgStaticEndpoint endpoint = {host, 10000, 7, NULL};
    g_autoptr(HgSource) source = NULL;
    Heard heard = {0};
    HgSourceListener listener = {on_changed, NULL, &heard};
    ck_assert(hg_static_source_new(&endpoint, 1, &source, NULL));
    memset(host, 'x', 3);
    ck_assert(hg_source_start(source, &listener, NULL));
    g_autoptr(HgEndpointSet) set = NULL;
    while ((set = hg_source_set(source)) == NULL)
        g_usleep(1000);
    ck_assert_str_eq(hg_endpoint_set_get(set, 0)->host, "abc");
    ck_assert_uint_eq(hg_endpoint_set_get(set, 0)->weight, 7);
}
END_TEST

Suite *source_suite(void)
{
    Suite *suite = suite_create("source");
    TCase *tests = tcase_create("sources");
    tcase_add_test(tests, test_listener);
    tcase_add_test(tests, test_free_unstarted);
    tcase_add_test(tests, test_static_copies);
    suite_add_tcase(suite, tests);
    return suite;
}
