/* Tests of proxy/session_policy: rulings on a session's statements. */
#include "proxy/session_policy.h"
#include "suites.h"

#include <string.h>

static HgPolicies *policies;
static HgPolicyVersion *version;

/* hr.emp is limited for bob, and hr.map read by a policy; root may do everything. */
static HgPolicySet *set_new(const char *name)
{
    char *const emp[] = {(char *)"hr.emp", NULL}, *const none[] = {(char *)"b", NULL};
    char *const reads[] = {(char *)"hr.map", NULL};
    HgPolicySet *set = hg_policy_set_new(name, TRUE);
    HgPolicy *limit = hg_policy_new("limit", 1), *all = hg_policy_new("all", 2);
    limit->everyone = all->everyone = FALSE;
    limit->subjects.users = g_strsplit("bob", ",", -1);
    all->subjects.users = g_strsplit("root", ",", -1);
    ck_assert(hg_policy_set_tables(limit, emp, NULL));
    limit->columns_deny = g_strdupv((char **)none);
    limit->reads = g_strdupv((char **)reads);
    all->capabilities = HG_CAPABILITY_ALL;
    hg_policy_set_take(set, limit);
    hg_policy_set_take(set, all);
    return set;
}

static HgLearnt *learnt(const char *key, gboolean there)
{
    HgLearnt *one = g_new0(HgLearnt, 1);
    one->key = g_strdup(key);
    if (!there)
        return one;
    one->columns = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(one->columns, g_strdup("a"));
    g_ptr_array_add(one->columns, g_strdup("int"));
    g_ptr_array_add(one->columns, g_strdup("b"));
    g_ptr_array_add(one->columns, g_strdup("string"));
    return one;
}

static void learn(const char *key, gboolean there, const char *engine)
{
    HgSchemaCache *cache = hg_policies_schemas(policies);
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)hg_learnt_free);
    HgLearnt *one = learnt(key, there);
    one->generation = hg_schema_cache_generation(cache);
    g_ptr_array_add(all, one);
    hg_schema_cache_learn(cache, "e:1", all, engine);
}

static void setup(void)
{
    HgPoliciesOptions options = {
        .user = "x", .schema_ttl = 600000, .lookup_time = 1000, .tables_at_most = 100};
    policies = hg_policies_new(&options, set_new("v1"));
    version = hg_policies_current(policies);
    learn("spark_catalog.hr.emp", TRUE, "3.5.3");
    learn("spark_catalog.hr.map", TRUE, NULL);
}

static void teardown(void)
{
    hg_policy_version_unref(version);
    hg_policies_free(policies);
}

static HgRuling rule(HgSessionPolicy *session, const char *sql)
{
    HgRuling ruling;
    g_autoptr(HgPicture) picture = hg_schema_cache_picture(hg_policies_schemas(policies), "e:1");
    hg_session_policy_rule(session, version, picture, hg_slice_from_string(sql), &ruling);
    return ruling;
}

static void check(HgSessionPolicy *session, const char *sql, HgRulingKind kind, const char *holds)
{
    g_auto(HgRuling) ruling = rule(session, sql);
    const char *text = ruling.reason != NULL ? ruling.reason : ruling.sql;
    ck_assert_msg(ruling.kind == kind, "%s: %d %s", sql, ruling.kind, text);
    if (holds != NULL)
        ck_assert_msg(text != NULL && strstr(text, holds) != NULL, "%s: %s", sql, text);
}

START_TEST(test_limited)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    ck_assert(hg_session_policy_limits(bob, version));
    check(bob, "SELECT * FROM emp", HG_RULING_REWRITE, "monotonically_increasing_id");
    check(bob, "SELECT 1", HG_RULING_REWRITE, "SELECT 1");
    {
        g_auto(HgRuling) ruling = rule(bob, "SELECT 1 FROM emp JOIN map");
        ck_assert_uint_eq(ruling.tables->len, 2);
        ck_assert_str_eq(ruling.tables->pdata[0], "spark_catalog.hr.emp");
        ck_assert_str_eq(ruling.tables->pdata[1], "spark_catalog.hr.map");
    }
    check(bob, "SELECT b FROM (", HG_RULING_REFUSE, NULL);
    check(bob, "CREATE TEMPORARY VIEW v AS SELECT a FROM emp", HG_RULING_REFUSE, "temporary views");
    check(bob, "CACHE TABLE v AS SELECT a FROM emp", HG_RULING_REFUSE, "CACHE");
    check(bob, "SELECT '${x}'", HG_RULING_REFUSE, "${");
    check(bob, "USE IDENTIFIER('x')", HG_RULING_REFUSE, NULL);
    hg_session_policy_free(bob);
}
END_TEST

START_TEST(test_what_is_missing)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    {
        g_auto(HgRuling) ruling = rule(bob, "SELECT * FROM emp, x JOIN pub.y, x, hr.emp");
        ck_assert_int_eq(ruling.kind, HG_RULING_LOOK_UP);
        ck_assert_uint_eq(ruling.missing->len, 2);
        ck_assert_str_eq(ruling.missing->pdata[0], "spark_catalog.hr.x");
        ck_assert_str_eq(ruling.missing->pdata[1], "spark_catalog.pub.y");
    }
    learn("spark_catalog.hr.x", FALSE, NULL);
    check(bob, "SELECT * FROM x", HG_RULING_REFUSE, "no table or view x");
    learn("spark_catalog.hr.x", TRUE, NULL);
    check(bob, "SELECT * FROM x", HG_RULING_REWRITE, "`hr`.`x`");
    check(bob, "DROP TABLE y", HG_RULING_LOOK_UP, NULL);
    hg_schema_cache_forget(hg_policies_schemas(policies));
    check(bob, "SELECT 1", HG_RULING_LOOK_UP, NULL); /* hr.map, which policies read */
    hg_session_policy_free(bob);
}
END_TEST

/* "SELECT 1 FROM x0, x1, ...", names in all, of which `different` differ. */
static char *from_many(guint names, guint different)
{
    GString *sql = g_string_new("SELECT 1 FROM ");
    for (guint i = 0; i < names; i++)
        g_string_append_printf(sql, "%sx%u", i > 0 ? "," : "", i % different);
    return g_string_free(sql, FALSE);
}

/* No more is noted than somebody would look up, and no more names are followed than may be used. */
START_TEST(test_much_is_missing)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    static const struct {
        guint names;
        guint different;
        guint missing; /* 0: it is refused */
    } cases[] = {{200, 200, 200}, {201, 201, 201}, {100000, 100000, 201},
                 {1000, 3, 3},    {1001, 3, 0},    {1001, 200, 0}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *sql = from_many(cases[i].names, cases[i].different);
        g_auto(HgRuling) ruling = rule(bob, sql);
        ck_assert_int_eq(ruling.kind, cases[i].missing > 0 ? HG_RULING_LOOK_UP : HG_RULING_REFUSE);
        if (cases[i].missing > 0)
            ck_assert_uint_eq(ruling.missing->len, cases[i].missing);
        else
            ck_assert_ptr_nonnull(strstr(ruling.reason, "names too many tables"));
    }
    hg_session_policy_free(bob);
}
END_TEST

START_TEST(test_where_it_stands)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, NULL);
    check(bob, "SELECT * FROM emp", HG_RULING_LOOK_UP, NULL);
    {
        g_auto(HgRuling) ruling = rule(bob, "USE hr");
        ck_assert(ruling.kind == HG_RULING_REWRITE && ruling.moves);
        ck_assert_str_eq(ruling.catalog, "spark_catalog");
        ck_assert_str_eq(ruling.database, "hr");
        hg_session_policy_move(bob, ruling.catalog, ruling.database);
    }
    check(bob, "SELECT * FROM emp", HG_RULING_REWRITE, "`hr`.`emp`");
    {
        g_auto(HgRuling) ruling = rule(bob, "USE SPARK_CATALOG.`p.q`");
        ck_assert(!ruling.moves || strcmp(ruling.database, "p.q") == 0);
    }
    {
        g_auto(HgRuling) ruling = rule(bob, "use pub");
        ck_assert(ruling.moves);
        ck_assert_str_eq(ruling.database, "pub");
    }
    hg_session_policy_free(bob);
}
END_TEST

static void check_use(HgSessionPolicy *session, const char *sql, const char *catalog,
                      const char *database)
{
    g_auto(HgRuling) ruling = rule(session, sql);
    ck_assert_msg(ruling.kind == HG_RULING_REWRITE && ruling.moves, "%s: %s", sql, ruling.reason);
    ck_assert_str_eq(ruling.catalog, catalog);
    ck_assert_str_eq(ruling.database, database);
}

/* To Spark, USE of the current catalog is no move: the database stays current. */
START_TEST(test_the_current_catalog)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    learn("lake.hr.emp", TRUE, NULL);
    check_use(bob, "use spark_catalog", "spark_catalog", "hr");
    check_use(bob, "USE SPARK_CATALOG", "spark_catalog", "hr");
    check_use(bob, "SET CATALOG spark_catalog", "spark_catalog", "hr");
    check_use(bob, "SET CATALOG SPARK_CATALOG", "SPARK_CATALOG", "default");
    check_use(bob, "USE spark_catalog.pub", "spark_catalog", "pub");
    check_use(bob, "USE lake", "lake", "default");
    hg_session_policy_move(bob, "lake", "hr");
    check_use(bob, "SET CATALOG lake", "lake", "hr");
    check_use(bob, "USE spark_catalog", "spark_catalog", "default");
    hg_session_policy_free(bob);
}
END_TEST

/* Wherever the endpoint's session stands: what isn't known isn't shown, and what is runs under its
 * full name. */
START_TEST(test_shown_by_full_names)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, NULL);
    learn("spark_catalog.default.emp", FALSE, NULL);
    check(bob, "SHOW PARTITIONS emp", HG_RULING_REFUSE, "no table or view emp");
    check(bob, "DESCRIBE EXTENDED emp a", HG_RULING_REFUSE, "no table or view emp");
    check(bob, "DESCRIBE emp", HG_RULING_REFUSE, "no table or view emp");
    check(bob, "SHOW COLUMNS IN emp", HG_RULING_REFUSE, "no table or view emp");
    check(bob, "SHOW CREATE TABLE emp", HG_RULING_REFUSE, "no table or view emp");
    learn("spark_catalog.default.free", TRUE, NULL);
    check(bob, "SHOW COLUMNS IN free", HG_RULING_REWRITE, "`spark_catalog`.`default`.`free`");
    hg_session_policy_free(bob);
}
END_TEST

/* A USE in a text with a variable is one, too. */
START_TEST(test_variables)
{
    HgPolicySet *set = set_new("v2");
    HgPolicy *may = hg_policy_new("may", 3);
    may->capabilities = HG_CAPABILITY_SUBSTITUTION;
    hg_policy_set_take(set, may);
    ck_assert(hg_policies_replace(policies, set));
    hg_policy_version_unref(version);
    version = hg_policies_current(policies);
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, NULL);
    HgSessionPolicy *carl = hg_session_policy_new("carl", NULL, FALSE, NULL);
    check_use(bob, "USE hr /* ${x} */", "spark_catalog", "hr");
    g_auto(HgRuling) ruling = rule(carl, "USE hr /* ${x} */");
    ck_assert(ruling.kind == HG_RULING_PASSES && ruling.moves);
    ck_assert_str_eq(ruling.database, "hr");
    hg_session_policy_free(bob);
    hg_session_policy_free(carl);
}
END_TEST

/* Between a USE and its answer nobody knows what names mean. */
START_TEST(test_moves)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    hg_session_policy_begin_move(bob);
    check(bob, "SELECT 1", HG_RULING_REFUSE, "hasn't ended");
    hg_session_policy_end_move(bob, TRUE);
    check(bob, "SELECT 1", HG_RULING_REWRITE, NULL);
    hg_session_policy_begin_move(bob);
    hg_session_policy_begin_move(bob);
    hg_session_policy_end_move(bob, TRUE);
    hg_session_policy_end_move(bob, TRUE);
    check(bob, "SELECT 1", HG_RULING_REFUSE, "isn't known which database");
    hg_session_policy_free(bob);
    bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    hg_session_policy_begin_move(bob);
    hg_session_policy_end_move(bob, FALSE);
    check(bob, "SELECT 1", HG_RULING_REFUSE, "connect again");
    hg_session_policy_free(bob);
}
END_TEST

START_TEST(test_others)
{
    HgSessionPolicy *carl = hg_session_policy_new("carl", NULL, FALSE, "hr");
    HgSessionPolicy *root = hg_session_policy_new("root", NULL, FALSE, "hr");
    ck_assert(!hg_session_policy_limits(carl, version));
    check(carl, "SELECT * FROM emp", HG_RULING_PASSES, NULL);
    check(carl, "gibberish", HG_RULING_PASSES, NULL);
    check(carl, "ADD JAR x", HG_RULING_REFUSE, "capability");
    check(carl, "CREATE VIEW v AS SELECT * FROM emp", HG_RULING_LOOK_UP, NULL);
    learn("spark_catalog.hr.v", FALSE, NULL);
    check(carl, "CREATE VIEW v AS SELECT * FROM emp", HG_RULING_REFUSE, "capability views");
    check(root, "ADD JAR x", HG_RULING_PASSES, NULL);
    {
        g_auto(HgRuling) ruling = rule(root, "CREATE VIEW v AS SELECT * FROM emp");
        ck_assert(ruling.kind == HG_RULING_PASSES && ruling.changes_tables);
    }
    {
        g_auto(HgRuling) ruling = rule(root, "USE pub");
        ck_assert(ruling.kind == HG_RULING_PASSES && ruling.moves);
    }
    ck_assert(!hg_policy_version_trusts(version, "carl", NULL));
    ck_assert(hg_policy_version_trusts(version, "root", NULL));
    hg_session_policy_free(carl);
    hg_session_policy_free(root);
}
END_TEST

/* A session that could have been set up in any way isn't judged, but refused. */
START_TEST(test_sessions_from_before)
{
    HgSessionPolicy *open = hg_session_policy_new("bob", NULL, FALSE, "hr");
    check(open, "SELECT 1", HG_RULING_REFUSE, "connect again");
    hg_session_policy_free(open);
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    check(bob, "SELECT 1", HG_RULING_REWRITE, NULL);
    HgPolicySet *free_set = hg_policy_set_new("v2", TRUE);
    ck_assert(hg_policies_replace(policies, free_set));
    ck_assert(!hg_policies_is_current(policies, version));
    hg_policy_version_unref(version);
    version = hg_policies_current(policies);
    check(bob, "SET spark.sql.caseSensitive=true", HG_RULING_PASSES, NULL);
    ck_assert(hg_policies_replace(policies, set_new("v3")));
    ck_assert(!hg_policies_replace(policies, set_new("v3")));
    hg_policy_version_unref(version);
    version = hg_policies_current(policies);
    check(bob, "SELECT 1", HG_RULING_REFUSE, "connect again");
    hg_session_policy_free(bob);
}
END_TEST

START_TEST(test_engines)
{
    HgSessionPolicy *bob = hg_session_policy_new("bob", NULL, TRUE, "hr");
    HgSchemaCache *cache = hg_policies_schemas(policies);
    HgRuling ruling;
    g_autoptr(HgPicture) unasked = hg_schema_cache_picture(cache, "e:2");
    hg_session_policy_rule(bob, version, unasked, hg_slice_from_string("SELECT 1"), &ruling);
    ck_assert(ruling.kind == HG_RULING_LOOK_UP && ruling.asks_engine);
    hg_ruling_clear(&ruling);
    learn("spark_catalog.hr.emp", TRUE, "3.1.3");
    check(bob, "SELECT 1", HG_RULING_REFUSE, "neither Spark 3.5 nor 4.0");
    hg_session_policy_free(bob);
}
END_TEST

START_TEST(test_begin)
{
    g_autofree char *database = NULL;
    ck_assert(hg_session_policy_read_database("`My``Db`", &database));
    ck_assert_str_eq(database, "My`Db");
    g_clear_pointer(&database, g_free);
    ck_assert(hg_session_policy_read_database("spark_catalog", &database));
    ck_assert_ptr_null(database);
    ck_assert(!hg_session_policy_read_database("a.b", &database));
    ck_assert(!hg_session_policy_read_database("a; SELECT 1", &database));
    ck_assert(!hg_session_policy_read_database("", &database));
    ck_assert(!hg_session_policy_read_database("IDENTIFIER('a')", &database));
}
END_TEST

/* Of whom no attributes are known may meet a policy for attributes: its tables are refused. */
START_TEST(test_unknown_attributes)
{
    char *const emp[] = {(char *)"hr.emp", NULL};
    static const char *const none[] = {NULL};
    HgPolicySet *set = hg_policy_set_new("v2", TRUE);
    HgPolicy *limit = hg_policy_new("limit", 1);
    g_autoptr(HgPrincipal) known = hg_principal_new("ldap", "carl", none, none);
    g_autoptr(HgPrincipal) certified = hg_principal_new("certificate", "carl", NULL, NULL);
    limit->everyone = FALSE;
    limit->subjects.attributes = g_strsplit("dept,it", ",", -1);
    ck_assert(hg_policy_set_tables(limit, emp, NULL));
    limit->columns_deny = g_strsplit("b", ",", -1);
    hg_policy_set_take(set, limit);
    ck_assert(hg_policies_replace(policies, set));
    hg_policy_version_unref(version);
    version = hg_policies_current(policies);
    HgSessionPolicy *sessions[] = {hg_session_policy_new("carl", NULL, TRUE, "hr"),
                                   hg_session_policy_new("carl", certified, TRUE, "hr"),
                                   hg_session_policy_new("carl", known, TRUE, "hr")};
    for (guint i = 0; i < G_N_ELEMENTS(sessions); i++) {
        HgRulingKind kind = i < 2 ? HG_RULING_REFUSE : HG_RULING_PASSES;
        ck_assert(hg_session_policy_limits(sessions[i], version) == (i < 2));
        check(sessions[i], "SELECT * FROM emp", kind, i < 2 ? "can't be used at present" : NULL);
        hg_session_policy_free(sessions[i]);
    }
}
END_TEST

/* What is analysed has a bound of its own; what nobody looks at hasn't. */
START_TEST(test_long_statements)
{
    static const char *const users[] = {"bob", "carl", "root"};
    g_autofree char *text = g_strnfill(HG_POLICY_STATEMENT_MOST + 1, ' ');
    for (guint i = 0; i < G_N_ELEMENTS(users); i++) {
        HgSessionPolicy *session = hg_session_policy_new(users[i], NULL, TRUE, "hr");
        gboolean is_free = i == 2;
        memcpy(text, "SELECT 1", 8);
        {
            g_auto(HgRuling) ruling = rule(session, text);
            ck_assert_int_eq(ruling.kind, is_free ? HG_RULING_PASSES : HG_RULING_REFUSE);
            ck_assert(is_free || strstr(ruling.reason, "may have 1048576") != NULL);
            ck_assert(is_free || strcmp(ruling.sql_state, "54000") == 0);
        }
        memcpy(text, "USE hr  ", 8);
        check(session, text, HG_RULING_REFUSE, "has 1048577 bytes");
        text[HG_POLICY_STATEMENT_MOST] = '\0';
        check(session, text, i == 0 ? HG_RULING_REWRITE : HG_RULING_PASSES, NULL);
        text[HG_POLICY_STATEMENT_MOST] = ' ';
        hg_session_policy_free(session);
    }
    g_autofree char *name = g_strnfill(1025, 'a'), *database = NULL;
    ck_assert(!hg_session_policy_read_database(name, &database));
    name[1024] = '\0';
    ck_assert(hg_session_policy_read_database(name, &database));
}
END_TEST

/* The same policies for bob, one of which depends on the time zone. */
static void replace_with_zone(const char *name)
{
    HgPolicySet *set = set_new(name);
    HgPolicy *dated = hg_policy_new("dated", 3);
    char *const map[] = {(char *)"hr.map", NULL};
    ck_assert(hg_policy_set_tables(dated, map, NULL));
    dated->filter = hg_expression_parse("a > hour(now())", NULL, NULL);
    ck_assert_ptr_nonnull(dated->filter);
    hg_policy_set_take(set, dated);
    ck_assert(hg_policies_replace(policies, set));
    hg_policy_version_unref(version);
    version = hg_policies_current(policies);
    ck_assert(hg_policy_set_uses_time_zone(hg_policy_version_set(version)));
}

/* A time zone from before there were policies that depend on it doesn't stay. */
START_TEST(test_time_zone)
{
    HgSessionPolicy *set = hg_session_policy_new("bob", NULL, TRUE, "hr");
    HgSessionPolicy *words = hg_session_policy_new("bob", NULL, TRUE, "hr");
    HgSessionPolicy *opened = hg_session_policy_new("bob", NULL, TRUE, "hr");
    HgSessionPolicy *without = hg_session_policy_new("bob", NULL, TRUE, "hr");
    hg_session_policy_note_zone(opened);
    check(set, "SET spark.sql.session.timeZone=Asia/Tokyo", HG_RULING_REWRITE, NULL);
    check(words, "SET TIME ZONE 'Asia/Tokyo'", HG_RULING_REWRITE, NULL);
    check(without, "SET spark.sql.session.timeZone", HG_RULING_REWRITE, NULL);
    check(set, "SELECT 1", HG_RULING_REWRITE, NULL);
    check(opened, "SELECT 1", HG_RULING_REWRITE, NULL);
    replace_with_zone("v2");
    check(set, "SELECT 1", HG_RULING_REFUSE, "connect again");
    check(words, "SELECT 1", HG_RULING_REFUSE, "connect again");
    check(opened, "SELECT 1", HG_RULING_REFUSE, "connect again");
    check(without, "SET TIME ZONE 'Asia/Tokyo'", HG_RULING_REFUSE, "may not be set");
    check(without, "SELECT 1", HG_RULING_REWRITE, NULL);
    hg_session_policy_free(set);
    hg_session_policy_free(words);
    hg_session_policy_free(opened);
    hg_session_policy_free(without);
}
END_TEST

Suite *session_policy_suite(void)
{
    Suite *suite = suite_create("proxy/session_policy");
    TCase *tests = tcase_create("rulings");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_limited);
    tcase_add_test(tests, test_what_is_missing);
    tcase_add_test(tests, test_much_is_missing);
    tcase_add_test(tests, test_where_it_stands);
    tcase_add_test(tests, test_the_current_catalog);
    tcase_add_test(tests, test_shown_by_full_names);
    tcase_add_test(tests, test_variables);
    tcase_add_test(tests, test_moves);
    tcase_add_test(tests, test_others);
    tcase_add_test(tests, test_sessions_from_before);
    tcase_add_test(tests, test_engines);
    tcase_add_test(tests, test_begin);
    tcase_add_test(tests, test_unknown_attributes);
    tcase_add_test(tests, test_long_statements);
    tcase_add_test(tests, test_time_zone);
    suite_add_tcase(suite, tests);
    return suite;
}
