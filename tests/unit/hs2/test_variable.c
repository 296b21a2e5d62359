/* Tests of hs2/variable: every spelling of what must not pass. */
#include "base/error.h"
#include "hs2/variable.h"
#include "suites.h"

static const HgVariableRules no_rules = {0};

static HgVariableVerdict judge(const char *key, const char *value)
{
    g_autoptr(GError) error = NULL;
    HgVariableVerdict verdict = hg_variable_judge(
        hg_slice_from_string(key), hg_slice_from_string(value), "alice", &no_rules, &error);
    ck_assert_int_eq(verdict == HG_VARIABLE_REFUSE, error != NULL);
    if (error != NULL)
        ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_DENIED));
    return verdict;
}

static gboolean only_adaptive(const void *policy, const char *name)
{
    ck_assert_ptr_eq(policy, &no_rules);
    return g_str_has_prefix(name, "spark.sql.adaptive.");
}

/* Asked without prefixes and in lower case; what drivers send by themselves passes. */
START_TEST(test_what_policies_allow)
{
    HgVariableRules rules = {.policy_allows = only_adaptive, .policy = &no_rules};
    static const struct {
        const char *key;
        HgVariableVerdict verdict;
    } cases[] = {
        {"set:hiveconf:spark.sql.Adaptive.enabled", HG_VARIABLE_PASS},
        {"spark.sql.ansi.enabled", HG_VARIABLE_REFUSE},
        {"set:hivevar:x", HG_VARIABLE_REFUSE},
        {"use:database", HG_VARIABLE_PASS},
        {"set:hiveconf:hive.server2.thrift.resultset.default.fetch.size", HG_VARIABLE_PASS}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        ck_assert_int_eq(hg_variable_judge(hg_slice_from_string(cases[i].key),
                                           hg_slice_from_string("1"), "alice", &rules, NULL),
                         cases[i].verdict);
}
END_TEST

START_TEST(test_what_passes)
{
    static const char *const keys[] = {
        "use:database",
        "set:hiveconf:spark.sql.shuffle.partitions",
        "set:hivevar:x",
        "set:spark.sql.ansi.enabled",
        "spark.sql.shuffle.partitions",
        "set:hiveconf:hive.server2.thrift.resultset.default.fetch.size",
        "hive.server2.proxy.users",
        "xhive.server2.proxy.user",
        "hive.server2.proxy",
        "set:hivevar:environment",
        "set:hivevar:system",
        "systematic:x",
        "kyuubi.client.version",
        "",
        ":",
        "set:",
        "set:hivevar:\xe5\x8f\x98\xe9\x87\x8f",
    };
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        ck_assert_msg(judge(keys[i], "bob") == HG_VARIABLE_PASS, "%s", keys[i]);
}
END_TEST

static const char *const proxy_spellings[] = {
    "hive.server2.proxy.user",
    "HIVE.SERVER2.PROXY.USER",
    "Hive.Server2.Proxy.User",
    " hive.server2.proxy.user",
    "hive.server2.proxy.user\t",
    "\x01hive.server2.proxy.user\x1f",
    "set:hive.server2.proxy.user",
    "set: hive.server2.proxy.user",
    " set :hive.server2.proxy.user",
    "set:hiveconf:hive.server2.proxy.user",
    "SET:HiveConf:hive.server2.PROXY.user",
    "set: hiveconf: hive.server2.proxy.user ",
    "set:hivevar:hive.server2.proxy.user",
    "hiveconf:hive.server2.proxy.user",
    "hivevar:hiveconf:hive.server2.proxy.user",
    "set:set:hive.server2.proxy.user",
    "hive.\xc5\xbf"
    "erver2.proxy.u\xc5\xbf"
    "er", /* U+017F: Java's equalsIgnoreCase takes it for s */
};

START_TEST(test_another_user)
{
    for (guint i = 0; i < G_N_ELEMENTS(proxy_spellings); i++) {
        const char *key = proxy_spellings[i];
        ck_assert_msg(judge(key, "bob") == HG_VARIABLE_REFUSE, "%s", key);
        ck_assert_msg(judge(key, "Alice") == HG_VARIABLE_REFUSE, "%s", key);
        ck_assert_msg(judge(key, "alice ") == HG_VARIABLE_REFUSE, "%s", key);
        ck_assert_msg(judge(key, " ") == HG_VARIABLE_REFUSE, "%s", key);
        ck_assert_msg(judge(key, "alice@REALM") == HG_VARIABLE_REFUSE, "%s", key);
        ck_assert_msg(judge(key, "alice") == HG_VARIABLE_DROP, "%s", key);
        ck_assert_msg(judge(key, "") == HG_VARIABLE_DROP, "%s", key);
    }
}
END_TEST

START_TEST(test_the_server_itself)
{
    static const char *const keys[] = {
        "set:system:foo.bar",
        "set:env:Q",
        "set:metaconf:x",
        "SET:System:java.io.tmpdir",
        "set: system:x",
        "set:\tENV:x",
        " set:system:x",
        "system:x",
        "env:x",
        "metaconf:x",
        "set:hiveconf:system:x",
        "set:hivevar:env:x",
        "set:set:system:x",
        "set:system:hive.server2.proxy.user",
        "set:\xc5\xbfy\xc5\xbftem:x",
    };
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        ck_assert_msg(judge(keys[i], "alice") == HG_VARIABLE_REFUSE, "%s", keys[i]);
        ck_assert_msg(judge(keys[i], "") == HG_VARIABLE_REFUSE, "%s", keys[i]);
    }
}
END_TEST

static HgVariableVerdict judge_by(const HgVariableRules *rules, const char *key)
{
    g_autoptr(GError) error = NULL;
    HgVariableVerdict verdict = hg_variable_judge(
        hg_slice_from_string(key), hg_slice_from_string("1"), "alice", rules, &error);
    ck_assert_int_eq(verdict == HG_VARIABLE_REFUSE, error != NULL);
    return verdict;
}

START_TEST(test_server_wide)
{
    static const char *const refused[] = {
        "spark.driver.memory",
        "set:hiveconf:spark.master",
        "set:spark.jars.packages",
        " SET: hiveconf:Spark.Hadoop.x",
        "spark.executorEnv.PATH",
        "spark.sql.catalog.evil",
        "spark.sql.catalog.evil.url",
        "spark.sql.extensions",
        "hive.metastore.uris",
        "hive.exec.post.hooks",
        "spark.sql.catalogImplementation",
        "spark.sql.warehouse.dir",
        "set:hiveconf:spark.sql.hive.metastore.jars",
        "SET:hivevar: spark.sql.queryExecutionListeners",
        "spark.sql.globalTempDatabase",
        "spark.sql.broadcastExchange.maxThreadThreshold",
        "spark.sql.cache.\xc5\xbf"
        "erializer",
    };
    static const char *const passed[] = {
        "spark.sql.shuffle.partitions",
        "set:hiveconf:spark.sql.ansi.enabled",
        "set:hivevar:x",
        "spark.sql.catalogs",
        "spark.sql.warehouse",
        "spark.sql.streaming.schemaInference",
        "spark.job.description",
        "hive.exec.dynamic.partition",
        "spark.driverless",
        "x",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++)
        ck_assert_msg(judge_by(&no_rules, refused[i]) == HG_VARIABLE_REFUSE, "%s", refused[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(passed); i++)
        ck_assert_msg(judge_by(&no_rules, passed[i]) == HG_VARIABLE_PASS, "%s", passed[i]);
    ck_assert(hg_variable_is_server_wide("Spark.Driver.Memory"));
    ck_assert(!hg_variable_is_server_wide("spark.sql.ansi.enabled"));
}
END_TEST

START_TEST(test_rules)
{
    static const char *const allow[] = {"spark.sql.*", "spark.driver.*", "ſ.x", NULL};
    static const char *const deny[] = {"*.Legacy.*", NULL};
    static const char *const nothing[] = {NULL};
    const HgVariableRules both = {.allow = allow, .deny = deny};
    const HgVariableRules closed = {.allow = nothing};
    const HgVariableRules only_deny = {.deny = deny};
    ck_assert_int_eq(judge_by(&both, "set:hiveconf:spark.sql.ansi.enabled"), HG_VARIABLE_PASS);
    ck_assert_int_eq(judge_by(&both, "SET:SPARK.SQL.x"), HG_VARIABLE_PASS);
    ck_assert_int_eq(judge_by(&both, "spark.sql.legacy.x"), HG_VARIABLE_REFUSE);
    ck_assert_int_eq(judge_by(&both, "spark.sqlx"), HG_VARIABLE_REFUSE);
    ck_assert_int_eq(judge_by(&both, "set:hivevar:x"), HG_VARIABLE_REFUSE);
    ck_assert_int_eq(judge_by(&both, "spark.driver.memory"), HG_VARIABLE_REFUSE); /* never */
    ck_assert_int_eq(judge_by(&both, "use:database"), HG_VARIABLE_PASS);
    ck_assert_int_eq(
        judge_by(&both, "set:hiveconf:hive.server2.thrift.resultset.default.fetch.size"),
        HG_VARIABLE_PASS);
    ck_assert_int_eq(judge_by(&closed, "x"), HG_VARIABLE_REFUSE);
    ck_assert_int_eq(judge_by(&only_deny, "x"), HG_VARIABLE_PASS);
    ck_assert_int_eq(judge_by(&only_deny, "hivevar:a.legacy.b"), HG_VARIABLE_REFUSE);
}
END_TEST

START_TEST(test_same_variable)
{
    static const char *const same[] = {"spark.x", "set:spark.x", " Set:HiveConf: Spark.X ",
                                       "hivevar:spark.x"};
    for (gsize i = 0; i < G_N_ELEMENTS(same); i++)
        ck_assert_msg(hg_variable_is(hg_slice_from_string(same[i]), "Spark.x"), "%s", same[i]);
    ck_assert(!hg_variable_is(hg_slice_from_string("spark.y"), "spark.x"));
    ck_assert(!hg_variable_is(hg_slice_from_string("use:spark.x"), "spark.x"));
}
END_TEST

START_TEST(test_texts)
{
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(hg_variable_judge(hg_slice_from_string("set:hive.server2.proxy.user"),
                                       hg_slice_from_string("bob\n"), "alice", &no_rules, &error),
                     HG_VARIABLE_REFUSE);
    ck_assert_str_eq(error->message, "this session runs as alice, not as \"bob\\n\"; leave out "
                                     "hive.server2.proxy.user");
    g_clear_error(&error);
    ck_assert_int_eq(hg_variable_judge(hg_slice_from_string("set:system:x"),
                                       hg_slice_from_string("1"), "alice", &no_rules, &error),
                     HG_VARIABLE_REFUSE);
    ck_assert_str_eq(error->message,
                     "session variable \"set:system:x\" is refused: it would change the server for "
                     "all its users; leave it out of the connection's settings");
}
END_TEST

/* Any row of prefixes, cases and spaces in front of a refused name is refused. */
START_TEST(test_random_spellings)
{
    static const char *const parts[] = {"set:", "hiveconf :", "hivevar:", " ", "\t", "\r\n"};
    static const char *const names[] = {"hive.server2.proxy.user", "system:x", "env:x",
                                        "metaconf:x"};
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    for (guint i = 0; i < 5000; i++) {
        g_autoptr(GString) key = g_string_new(NULL);
        for (gint count = g_rand_int_range(random, 0, 6); count > 0; count--)
            g_string_append(key, parts[g_rand_int_range(random, 0, (gint32)G_N_ELEMENTS(parts))]);
        g_string_append(key, names[i % G_N_ELEMENTS(names)]);
        for (gsize at = 0; at < key->len; at++) {
            if (g_rand_boolean(random))
                key->str[at] = g_ascii_toupper(key->str[at]);
        }
        ck_assert_msg(judge(key->str, "bob") == HG_VARIABLE_REFUSE, "%s", key->str);
    }
}
END_TEST

Suite *variable_suite(void)
{
    Suite *suite = suite_create("hs2/variable");
    TCase *tests = tcase_create("variable");
    tcase_add_test(tests, test_what_policies_allow);
    tcase_add_test(tests, test_what_passes);
    tcase_add_test(tests, test_another_user);
    tcase_add_test(tests, test_the_server_itself);
    tcase_add_test(tests, test_texts);
    tcase_add_test(tests, test_server_wide);
    tcase_add_test(tests, test_rules);
    tcase_add_test(tests, test_same_variable);
    tcase_add_test(tests, test_random_spellings);
    suite_add_tcase(suite, tests);
    return suite;
}
