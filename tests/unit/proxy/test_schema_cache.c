/* Tests of proxy/schema_cache: what is learned is there, for a while, until tables change. */
#include "proxy/schema_cache.h"
#include "suites.h"

static HgLearnt *learnt(const char *key, const char *column)
{
    HgLearnt *one = g_new0(HgLearnt, 1);
    one->key = g_strdup(key);
    if (column == NULL)
        return one;
    one->columns = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(one->columns, g_strdup(column));
    g_ptr_array_add(one->columns, g_strdup("int"));
    return one;
}

static void learn(HgSchemaCache *cache, guint64 generation, HgLearnt *one, const char *engine)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)hg_learnt_free);
    if (one != NULL) {
        one->generation = generation;
        g_ptr_array_add(all, one);
    }
    hg_schema_cache_learn(cache, "e:1", all, engine);
}

static gboolean knows(HgSchemaCache *cache, const char *key)
{
    g_autoptr(HgPicture) picture = hg_schema_cache_picture(cache, "e:1");
    return hg_schemas_find(hg_picture_schemas(picture), key) != NULL;
}

static gboolean lacks(HgSchemaCache *cache, const char *key)
{
    g_autoptr(HgPicture) picture = hg_schema_cache_picture(cache, "e:1");
    return g_hash_table_contains((GHashTable *)hg_picture_absent(picture), key);
}

START_TEST(test_what_is_learned)
{
    HgSchemaCache *cache = hg_schema_cache_new(60000, 100);
    g_autoptr(HgPicture) before = hg_schema_cache_picture(cache, "e:1");
    learn(cache, 0, learnt("spark_catalog.hr.emp", "id"), NULL);
    learn(cache, 0, learnt("spark_catalog.hr.none", NULL), NULL);
    ck_assert(knows(cache, "spark_catalog.hr.emp"));
    ck_assert(!lacks(cache, "spark_catalog.hr.emp"));
    ck_assert(lacks(cache, "spark_catalog.hr.none"));
    ck_assert(!knows(cache, "spark_catalog.hr.none"));
    ck_assert_uint_eq(hg_schemas_count(hg_picture_schemas(before)), 0);
    g_autoptr(HgPicture) other = hg_schema_cache_picture(cache, "e:2");
    ck_assert_uint_eq(hg_schemas_count(hg_picture_schemas(other)), 0);
    learn(cache, 0, learnt("spark_catalog.hr.none", "id"), NULL);
    ck_assert(knows(cache, "spark_catalog.hr.none"));
    hg_schema_cache_free(cache);
}
END_TEST

START_TEST(test_what_is_forgotten)
{
    HgSchemaCache *cache = hg_schema_cache_new(60000, 100);
    learn(cache, 0, learnt("spark_catalog.hr.emp", "id"), "3.5.3 abc");
    guint64 old = hg_schema_cache_generation(cache);
    g_autoptr(HgPicture) held = hg_schema_cache_picture(cache, "e:1");
    hg_schema_cache_forget(cache);
    ck_assert(!knows(cache, "spark_catalog.hr.emp"));
    learn(cache, old, learnt("spark_catalog.hr.emp", "id"), NULL); /* asked for before that */
    ck_assert(!knows(cache, "spark_catalog.hr.emp"));
    learn(cache, hg_schema_cache_generation(cache), learnt("spark_catalog.hr.emp", "id"), NULL);
    ck_assert(knows(cache, "spark_catalog.hr.emp"));
    ck_assert(hg_schemas_find(hg_picture_schemas(held), "spark_catalog.hr.emp") != NULL);
    hg_schema_cache_free(cache);
}
END_TEST

static void forget(HgSchemaCache *cache, const char *endpoint, const char *key)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_ptr_array_add(keys, (char *)key);
    hg_schema_cache_forget_tables(cache, endpoint, keys);
}

/* One table of one endpoint, and none that was learned just now. */
START_TEST(test_one_is_forgotten)
{
    HgSchemaCache *cache = hg_schema_cache_new(600000, 100);
    gint64 begun = g_get_monotonic_time();
    learn(cache, 0, learnt("spark_catalog.hr.emp", "id"), "3.5.3 abc");
    learn(cache, 0, learnt("spark_catalog.hr.none", NULL), NULL);
    forget(cache, "e:1", "spark_catalog.hr.emp");
    if (g_get_monotonic_time() - begun < G_USEC_PER_SEC)
        ck_assert(knows(cache, "spark_catalog.hr.emp"));
    while (g_get_monotonic_time() - begun < 2 * G_USEC_PER_SEC)
        g_usleep(100000);
    learn(cache, 0, learnt("spark_catalog.hr.late", "id"), NULL);
    forget(cache, "e:2", "spark_catalog.hr.emp");
    forget(cache, "e:1", "spark_catalog.hr.other");
    ck_assert(knows(cache, "spark_catalog.hr.emp"));
    forget(cache, "e:1", "spark_catalog.hr.emp");
    ck_assert(!knows(cache, "spark_catalog.hr.emp"));
    ck_assert(knows(cache, "spark_catalog.hr.late"));
    ck_assert(lacks(cache, "spark_catalog.hr.none"));
    ck_assert(!lacks(cache, "spark_catalog.hr.emp"));
    ck_assert_uint_eq(hg_schema_cache_generation(cache), 0); /* look-ups under way count */
    forget(cache, "e:1", "spark_catalog.hr.none");
    ck_assert(!lacks(cache, "spark_catalog.hr.none"));
    learn(cache, 0, learnt("spark_catalog.hr.emp", "id"), NULL);
    ck_assert(knows(cache, "spark_catalog.hr.emp"));
    HgSqlEngine engine;
    g_autoptr(HgPicture) picture = hg_schema_cache_picture(cache, "e:1");
    ck_assert_int_eq(hg_picture_engine(picture, &engine), HG_ENGINE_SPARK);
    hg_schema_cache_free(cache);
}
END_TEST

/* One asking outlives the moment at which all is forgotten: what was asked after it counts. */
START_TEST(test_asked_before_and_after)
{
    HgSchemaCache *cache = hg_schema_cache_new(600000, 100);
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)hg_learnt_free);
    g_ptr_array_add(all, learnt("spark_catalog.hr.before", "id"));
    hg_schema_cache_forget(cache);
    HgLearnt *after = learnt("spark_catalog.hr.after", "id");
    after->generation = hg_schema_cache_generation(cache);
    g_ptr_array_add(all, after);
    hg_schema_cache_learn(cache, "e:1", all, NULL);
    ck_assert(!knows(cache, "spark_catalog.hr.before"));
    ck_assert(knows(cache, "spark_catalog.hr.after"));
    hg_schema_cache_free(cache);
}
END_TEST

START_TEST(test_engine)
{
    static const struct {
        const char *version;
        HgEngineState state;
        HgSqlEngine engine;
    } cases[] = {{"3.5.3 abc", HG_ENGINE_SPARK, HG_SQL_SPARK_35},
                 {"4.0.1", HG_ENGINE_SPARK, HG_SQL_SPARK_40},
                 {"3.1.3 r1", HG_ENGINE_OTHER, HG_SQL_SPARK_35},
                 {"4.1.0", HG_ENGINE_OTHER, HG_SQL_SPARK_35},
                 {"", HG_ENGINE_OTHER, HG_SQL_SPARK_35}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgSchemaCache *cache = hg_schema_cache_new(60000, 100);
        HgSqlEngine engine;
        g_autoptr(HgPicture) none = hg_schema_cache_picture(cache, "e:1");
        ck_assert_int_eq(hg_picture_engine(none, &engine), HG_ENGINE_UNASKED);
        learn(cache, 0, NULL, cases[i].version);
        hg_schema_cache_forget(cache);
        g_autoptr(HgPicture) picture = hg_schema_cache_picture(cache, "e:1");
        ck_assert_int_eq(hg_picture_engine(picture, &engine), cases[i].state);
        if (cases[i].state == HG_ENGINE_SPARK)
            ck_assert_int_eq(engine, cases[i].engine);
        hg_schema_cache_free(cache);
    }
}
END_TEST

START_TEST(test_bounds)
{
    HgSchemaCache *cache = hg_schema_cache_new(60000, 3);
    for (guint i = 0; i < 10; i++) {
        g_autofree char *key = g_strdup_printf("spark_catalog.hr.t%u", i);
        learn(cache, 0, learnt(key, "id"), NULL);
        ck_assert(knows(cache, key));
    }
    g_autoptr(HgPicture) picture = hg_schema_cache_picture(cache, "e:1");
    ck_assert_uint_le(hg_schemas_count(hg_picture_schemas(picture)), 3);
    hg_schema_cache_free(cache);
}
END_TEST

START_TEST(test_age)
{
    HgSchemaCache *cache = hg_schema_cache_new(0, 100);
    learn(cache, 0, learnt("spark_catalog.hr.emp", "id"), NULL);
    while (knows(cache, "spark_catalog.hr.emp")) /* until a millisecond has passed */
        g_usleep(500);
    ck_assert(!lacks(cache, "spark_catalog.hr.emp"));
    hg_schema_cache_free(cache);
}
END_TEST

Suite *schema_cache_suite(void)
{
    Suite *suite = suite_create("proxy/schema_cache");
    TCase *tests = tcase_create("cache");
    tcase_add_test(tests, test_what_is_learned);
    tcase_add_test(tests, test_what_is_forgotten);
    tcase_add_test(tests, test_one_is_forgotten);
    tcase_add_test(tests, test_asked_before_and_after);
    tcase_add_test(tests, test_engine);
    tcase_add_test(tests, test_bounds);
    tcase_add_test(tests, test_age);
    suite_add_tcase(suite, tests);
    return suite;
}
