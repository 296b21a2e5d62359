/* Tests of discovery/zookeeper_node: what is read of HiveServer2's nodes, and what is written. */
#include "discovery/zookeeper_node.h"
#include "suites.h"

#define NODE "serverUri=n.example.org:10000;version=3.1.3;sequence=0000000007"
#define CONF "hive.server2.thrift.bind.host=h.example.org;"

static const struct {
    const char *node;
    const char *data;
    const char *host; /* NULL: refused */
    guint16 port;
} nodes[] = {
    {NODE, "d.example.org:10001", "d.example.org", 10001},
    {NODE, " d.example.org:10001\n", "d.example.org", 10001},
    {NODE, "[fd00::5]:10001", "fd00::5", 10001},
    {NODE, "", "n.example.org", 10000},
    {NODE, CONF "hive.server2.thrift.port=1", "h.example.org", 1},
    {NODE, "hive.server2.thrift.port=1;" CONF, "h.example.org", 1},
    {NODE, CONF "hive.server2.transport.mode=HTTP;hive.server2.thrift.http.port=2", "h.example.org",
     2},
    {NODE,
     CONF "hive.server2.transport.mode=all;hive.server2.thrift.http.port=2;"
          "hive.server2.thrift.port=3",
     "h.example.org", 3},
    {"leader", "d.example.org:10001", "d.example.org", 10001},
    {NODE, CONF, NULL, 0},
    {NODE, "hive.server2.thrift.port=1", NULL, 0},
    {NODE, CONF "hive.server2.thrift.port=0", NULL, 0},
    {NODE, CONF "hive.server2.thrift.port=65536", NULL, 0},
    {NODE, CONF "hive.server2.thrift.port=1x", NULL, 0},
    {NODE, CONF "hive.server2.transport.mode=http;hive.server2.thrift.port=1", NULL, 0},
    {NODE, "hive.server2.thrift.bind.host=a b;hive.server2.thrift.port=1", NULL, 0},
    {NODE, "d.example.org", NULL, 0},
    {NODE, "a/b:1", NULL, 0},
    {"leader", "", NULL, 0},
    {"serverUri=x", "", NULL, 0},
    {"xserverUri=x:1", "", NULL, 0},
};

START_TEST(test_read)
{
    g_auto(HgZookeeperServer) server = {0};
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_zookeeper_server_read(nodes[_i].node, hg_slice_from_string(nodes[_i].data),
                                           &server, &error);
    ck_assert_int_eq(ok, nodes[_i].host != NULL);
    ck_assert_int_eq(error == NULL, ok);
    ck_assert_pstr_eq(server.host, nodes[_i].host);
    ck_assert_uint_eq(server.port, nodes[_i].port);
}
END_TEST

START_TEST(test_binary_data)
{
    g_auto(HgZookeeperServer) server = {0};
    ck_assert(!hg_zookeeper_server_read("n", hg_slice("\xff\xfe=\x80", 4), &server, NULL));
    ck_assert(!hg_zookeeper_server_read("n", hg_slice("\0\0\0", 3), &server, NULL));
    ck_assert(!hg_zookeeper_server_read("n", hg_slice(NULL, 0), &server, NULL));
}
END_TEST

/* What is announced is read as the same. */
START_TEST(test_round_trip)
{
    HgZookeeperPublication publication = {
        .host = "gate.example.org",
        .port = 10009,
        .version = "1.0",
        .http_path = _i == 1 ? "cliservice" : NULL,
        .authentication = "LDAP",
    };
    g_auto(HgZookeeperServer) server = {0};
    ck_assert(hg_zookeeper_publication_check(&publication, NULL));
    g_autofree char *node = hg_zookeeper_publication_node(&publication);
    g_autofree char *data = hg_zookeeper_publication_data(&publication);
    ck_assert_str_eq(node, "serverUri=gate.example.org:10009;version=1.0;sequence=");
    ck_assert(hg_zookeeper_server_read(node, hg_slice_from_string(data), &server, NULL));
    ck_assert_str_eq(server.host, "gate.example.org");
    ck_assert_uint_eq(server.port, 10009);
}
END_TEST

START_TEST(test_refused)
{
    const HgZookeeperPublication good = {"gate", 1, "1", NULL, "NONE", FALSE};
    HgZookeeperPublication bad[7];
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        bad[i] = good;
    bad[0].host = "";
    bad[1].host = "fd00::1"; /* drivers split at the colon */
    bad[2].host = "a=b";
    bad[3].port = 0;
    bad[4].version = "1;x=2";
    bad[5].http_path = "a b";
    bad[6].authentication = "NONE;hive.server2.use.SSL=false";
    ck_assert(hg_zookeeper_publication_check(&good, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!hg_zookeeper_publication_check(&bad[i], NULL), "case %zu was taken", i);
}
END_TEST

Suite *zookeeper_node_suite(void)
{
    Suite *suite = suite_create("zookeeper_node");
    TCase *tests = tcase_create("nodes");
    tcase_add_loop_test(tests, test_read, 0, G_N_ELEMENTS(nodes));
    tcase_add_test(tests, test_binary_data);
    tcase_add_loop_test(tests, test_round_trip, 0, 2);
    tcase_add_test(tests, test_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
