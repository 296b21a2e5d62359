/* Tests of hs2/dialect: who speaks it, where a session starts, and what its replies become: byte
 * for byte, and as Thrift C GLib reads them. */
#include "hs2/dialect.h"
#include "notation.h"
#include "oracle.h"
#include "suites.h"

static void read_open(const GByteArray *bytes, HgRequest *out)
{
    ck_assert_int_eq(hg_request_read(bytes_slice(bytes), out), HG_REQUEST_OK);
    ck_assert(!out->incomplete);
}

/* ---- who speaks it ---- */

START_TEST(test_find)
{
    static const struct {
        const char *request;
        HgDialect dialect;
    } clients[] = {
        /* Hive's: by field 1, by default, or with fields that alone mean nothing */
        {"1:9", {0, FALSE, FALSE}},
        {"2:'alice'", {0, FALSE, FALSE}},
        {"0x501:[8 17] 0x503:<11 11> 0x504:{1:'c' 2:'s'} 0x505:t", {0, FALSE, FALSE}},
        {"0x502:9l", {0, FALSE, FALSE}},
        {"0x502:42240l", {0, FALSE, FALSE}},
        {"0x502:42496l", {0, FALSE, FALSE}},
        {"0x502:-7l", {0, FALSE, FALSE}},
        {"1:9 0x502:4294967296l", {0, FALSE, FALSE}},
        /* somebody else's fields */
        {"0x502:42248", {0, FALSE, FALSE}},
        {"0x501:{1:1} 0x502:f 0x503:[11 'a'] 0x504:'x' 0x505:1", {0, FALSE, FALSE}},
        {"0x502:42242l 0x501:{} 0x503:1 0x504:[8]", {42242, TRUE, FALSE}},
        /* databricks-jdbc 2.6.40 */
        {"4:<11 11> 0x501:[8 17 18] 0x502:42248l 0x503:<11 11 'UseProxy' '0'> "
         "0x504:{2:'default'} 0x505:t",
         {42243, FALSE, FALSE}},
        {"0x502:42248l 0x503:<11 11>", {42243, FALSE, FALSE}},
        {"0x502:42241l 0x501:[8]", {42241, FALSE, FALSE}},
        /* databricks-sql-connector: alone, with a schema, with a catalog; one with an old version
         */
        {"4:<11 11> 0x502:42247l 0x505:t", {42243, TRUE, FALSE}},
        {"0x502:42247l 0x504:{2:'sales'} 0x505:t", {42244, TRUE, FALSE}},
        {"0x502:42247l 0x504:{1:'hive_metastore'} 0x505:t", {42244, TRUE, TRUE}},
        {"0x502:42247l 0x504:{1:'' 2:''}", {42243, TRUE, FALSE}},
        {"0x502:42242l 0x504:{2:'sales'}", {42242, TRUE, FALSE}},
        /* databricks-jdbc 3; one that says it in field 1 */
        {"1:-7 4:<11 11> 0x502:42250l 0x504:{2:'default'} 0x505:t", {42244, TRUE, FALSE}},
        {"1:42249", {42243, TRUE, FALSE}},
        {"1:42249 0x502:42242l", {42242, TRUE, FALSE}},
        {"1:9 0x502:42250l", {42243, TRUE, FALSE}},
    };
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        g_autofree char *notation =
            g_strdup_printf("call OpenSession 1 {1:{%s}}", clients[i].request);
        AUTO_MESSAGE(bytes, notation);
        HgRequest request;
        read_open(bytes, &request);
        HgDialect found = hg_dialect_find(&request);
        const HgDialect *expected = &clients[i].dialect;
        ck_assert_msg(found.protocol == expected->protocol, "%s: %d", notation, found.protocol);
        ck_assert_msg(found.says_format == expected->says_format, "%s", notation);
        ck_assert_msg(found.has_catalogs == expected->has_catalogs, "%s", notation);
    }
}
END_TEST

START_TEST(test_database)
{
    static const struct {
        const char *namespace;
        const char *database;
    } places[] = {
        {"2:'default'", "default"},
        {"2:'Sales_2'", "Sales_2"},
        {"1:'Spark' 2:'sales'", "sales"},
        {"1:'spark_catalog' 2:'sales'", "sales"},
        {"1:'HIVE_METASTORE' 2:'sales'", "sales"},
        {"1:'' 2:'_'", "_"},
        {"2:'2024'", "`2024`"},
        {"2:'my-db'", "`my-db`"},
        {"2:'a.b'", "`a.b`"},
        {"2:'`; select 1'", "```; select 1`"},
        {"2:'\xc3\xa9'", "`\xc3\xa9`"},
        {"1:'iceberg' 2:'sales'", "iceberg.sales"},
        {"1:'ice-berg' 2:'my`db'", "`ice-berg`.`my``db`"},
        {"1:'iceberg'", "iceberg.default"},
        {"1:'iceberg' 2:''", "iceberg.default"},
        {"1:'spark_catalog'", NULL},
        {"1:'Spark' 2:''", NULL},
        {"", NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *notation = g_strdup_printf(
            "call OpenSession 1 {1:{0x502:42248l 0x504:{%s}}}", places[i].namespace);
        AUTO_MESSAGE(bytes, notation);
        HgRequest request;
        read_open(bytes, &request);
        g_autofree char *database = hg_dialect_database(&request, bytes_slice(bytes));
        ck_assert_msg(g_strcmp0(database, places[i].database) == 0, "%s: %s", notation, database);
    }
    AUTO_MESSAGE(hive, "call OpenSession 1 {1:{1:9 0x504:{2:'sales'}}}");
    HgRequest request;
    read_open(hive, &request);
    ck_assert_ptr_null(hg_dialect_database(&request, bytes_slice(hive)));
}
END_TEST

/* ---- replies ---- */

static const HgDialect hive = {0, FALSE, FALSE};
static const HgDialect simba = {42243, FALSE, FALSE};
static const HgDialect connector = {42244, TRUE, FALSE};
static const HgDialect with_catalog = {42244, TRUE, TRUE};

/* The reply as it leaves, from a buffer that has just the room in front which is promised. Free
 * with g_byte_array_unref. */
static GByteArray *edit(const HgDialect *dialect, HgMethodId method, HgSlice reply)
{
    g_autofree guint8 *room = g_malloc(HG_DIALECT_GROWTH + reply.size);
    guint8 *message = room + HG_DIALECT_GROWTH;
    memcpy(message, reply.data, reply.size);
    HgReplyHead head;
    ck_assert_int_eq(hg_reply_peek(hg_slice(message, reply.size), hg_method_get(method), &head),
                     HG_WIRE_OK);
    guint grown = hg_dialect_edit(dialect, hg_method_get(method), &head, message);
    ck_assert_uint_le(grown, HG_DIALECT_GROWTH);
    GByteArray *out = g_byte_array_new();
    return g_byte_array_append(out, message - grown, (guint)reply.size + grown);
}

/* Thrift reads all of the reply, and writes as much when it is asked for the same. */
static void check_oracle(HgMethodId method, const GByteArray *reply)
{
    HgReplyHead head;
    ck_assert_int_eq(hg_reply_peek(bytes_slice(reply), hg_method_get(method), &head), HG_WIRE_OK);
    if (head.exception)
        return;
    HgSlice body = hg_slice(reply->data + head.head.size, reply->len - head.head.size);
    gsize used = 0;
    g_autoptr(OracleObject) result = oracle_read(body, oracle_result_type(method), &used);
    ck_assert_ptr_nonnull(result);
    ck_assert_uint_eq(used, body.size);
    g_autoptr(GByteArray) again = oracle_write(result);
    ck_assert_uint_eq(again->len, body.size);
}

#define BATCH     "3:{1:0l 2:[12] 3:[12 {5:{1:[10 1l 2l] 2:''}}]}"
#define NO_VALUES "3:[12 {7:{1:[11] 2:''}}]"
#define EMPTY     "3:{1:2l 2:[12] 3:[12 {5:{1:[10] 2:''}}]}"

static const struct {
    const HgDialect *dialect;
    HgMethodId method;
    const char *before; /* the response struct */
    const char *after;  /* NULL: the same */
} replies[] = {
    {&hive, HG_METHOD_OPEN_SESSION, "1:{1:0} 2:9 3:{1:" IDENTIFIER "} 4:<11 11>", NULL},
    {&simba, HG_METHOD_OPEN_SESSION, "1:{1:0} 2:9 3:{1:" IDENTIFIER "} 4:<11 11>",
     "1:{1:0} 2:42243 3:{1:" IDENTIFIER "} 4:<11 11>"},
    {&connector, HG_METHOD_OPEN_SESSION, "1:{1:1 2:[11 'note']} 2:10 3:{1:" IDENTIFIER "}",
     "1:{1:1 2:[11 'note']} 2:42244 3:{1:" IDENTIFIER "}"},
    {&with_catalog, HG_METHOD_OPEN_SESSION, "1:{1:0} 2:9 3:{1:" IDENTIFIER "}",
     "0x505:t 1:{1:0} 2:42244 3:{1:" IDENTIFIER "}"},
    /* a server that speaks it itself isn't made older; one that fails is left alone */
    {&simba, HG_METHOD_OPEN_SESSION, "1:{1:0} 2:42248 3:{1:" IDENTIFIER "}", NULL},
    {&with_catalog, HG_METHOD_OPEN_SESSION, "1:{1:3 5:'no such database'} 2:9", NULL},

    {&hive, HG_METHOD_GET_RESULT_SET_METADATA, "1:{1:0} 2:{1:[12]}", NULL},
    {&simba, HG_METHOD_GET_RESULT_SET_METADATA, "1:{1:0} 2:{1:[12]}", NULL},
    {&connector, HG_METHOD_GET_RESULT_SET_METADATA, "1:{1:0} 2:{1:[12]}",
     "0x501:1 1:{1:0} 2:{1:[12]}"},
    {&connector, HG_METHOD_GET_RESULT_SET_METADATA, "1:{1:3 5:'gone'}", NULL},

    {&hive, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f " BATCH, NULL},
    {&simba, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f " BATCH, "1:{1:0} 2:t " BATCH},
    {&simba, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:t " BATCH, NULL},
    {&simba, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f " EMPTY, NULL},
    {&simba, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f 3:{1:0l 2:[12]}", NULL},
    {&simba, HG_METHOD_FETCH_RESULTS, "1:{1:0} " BATCH, NULL},
    {&connector, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f " BATCH,
     "0x501:{1:{1:0} 0x501:1} 1:{1:0} 2:t " BATCH},
    {&connector, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f " EMPTY,
     "0x501:{1:{1:0} 0x501:1} 1:{1:0} 2:f " EMPTY},
    /* no columns, as Spark 3.5 and 4.0 send it; columns of no known kind */
    {&connector, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f 3:{1:0l 2:[12]}",
     "0x501:{1:{1:0} 0x501:1} 1:{1:0} 2:f 3:{1:0l 2:[12] " NO_VALUES "}"},
    {&connector, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f 3:{1:0l 2:[12] 3:[12] 5:7}",
     "0x501:{1:{1:0} 0x501:1} 1:{1:0} 2:f 3:{1:0l 2:[12] " NO_VALUES " 5:7}"},
    {&connector, HG_METHOD_FETCH_RESULTS, "1:{1:0} 2:f 3:{1:0l 2:[12] 3:[8]}",
     "0x501:{1:{1:0} 0x501:1} 1:{1:0} 2:f 3:{1:0l 2:[12] 3:[8]}"},
    {&connector, HG_METHOD_FETCH_RESULTS, "1:{1:3 3:'HY000' 5:'failed'}", NULL},

    {&with_catalog, HG_METHOD_GET_OPERATION_STATUS, "1:{1:0} 2:2", NULL},
    {&with_catalog, HG_METHOD_GET_SCHEMAS, "1:{1:0} 2:{1:" IDENTIFIER " 2:3 3:t}", NULL},
    {&with_catalog, HG_METHOD_CLOSE_SESSION, "1:{1:0}", NULL},
};

START_TEST(test_edit)
{
    const HgMethod *method = hg_method_get(replies[_i].method);
    g_autofree char *before =
        g_strdup_printf("reply %s 77 {0:{%s}}", method->name, replies[_i].before);
    g_autofree char *after =
        g_strdup_printf("reply %s 77 {0:{%s}}", method->name,
                        replies[_i].after != NULL ? replies[_i].after : replies[_i].before);
    AUTO_MESSAGE(bytes, before);
    AUTO_MESSAGE(expected, after);
    g_autoptr(GByteArray) edited = edit(replies[_i].dialect, method->id, bytes_slice(bytes));
    ck_assert_msg(hg_slice_equal(bytes_slice(edited), bytes_slice(expected)), "%s", after);
    check_oracle(method->id, edited);
}
END_TEST

START_TEST(test_what_the_oracle_reads)
{
    gsize used = 0;
    AUTO_MESSAGE(open, "reply OpenSession 1 {0:{1:{1:0} 2:9 3:{1:" IDENTIFIER "}}}");
    g_autoptr(GByteArray) opened = edit(&with_catalog, HG_METHOD_OPEN_SESSION, bytes_slice(open));
    gsize head = 4 + 4 + strlen("OpenSession") + 4;
    g_autoptr(OracleObject) result = oracle_read(hg_slice(opened->data + head, opened->len - head),
                                                 oracle_result_type(HG_METHOD_OPEN_SESSION), &used);
    g_autoptr(OracleObject) session = oracle_find(result, "success");
    ck_assert_int_eq(oracle_number(session, "serverProtocolVersion"), 42244);
    ck_assert_int_eq(oracle_number(session, "canUseMultipleCatalogs"), 1);

    AUTO_MESSAGE(fetch, "reply FetchResults 1 {0:{1:{1:0} 2:f " BATCH "}}");
    g_autoptr(GByteArray) fetched = edit(&connector, HG_METHOD_FETCH_RESULTS, bytes_slice(fetch));
    head = 4 + 4 + strlen("FetchResults") + 4;
    g_autoptr(OracleObject) batch = oracle_read(hg_slice(fetched->data + head, fetched->len - head),
                                                oracle_result_type(HG_METHOD_FETCH_RESULTS), &used);
    g_autoptr(OracleObject) response = oracle_find(batch, "success");
    ck_assert_int_eq(oracle_number(response, "hasMoreRows"), 1);
    g_autoptr(OracleObject) metadata = oracle_find(batch, "success.resultSetMetadata");
    ck_assert_int_eq(oracle_number(metadata, "resultFormat"), 1);
    g_autoptr(OracleObject) status = oracle_find(metadata, "status");
    ck_assert_int_eq(oracle_number(status, "statusCode"), 0);
}
END_TEST

/* Only the beginning of a large reply is there when it is edited: what comes behind is the same. */
START_TEST(test_edit_of_a_beginning)
{
    AUTO_MESSAGE(bytes, "reply FetchResults 1 {0:{1:{1:0} 2:f " BATCH "}}");
    AUTO_MESSAGE(expected,
                 "reply FetchResults 1 {0:{0x501:{1:{1:0} 0x501:1} 1:{1:0} 2:t " BATCH "}}");
    guint rows = bytes->len - (2 * 8 + 7 + 5); /* behind it: two values, the bitmap, the STOPs */
    for (guint size = bytes->len; size >= rows; size--) {
        g_autoptr(GByteArray) edited =
            edit(&connector, HG_METHOD_FETCH_RESULTS, hg_slice(bytes->data, size));
        ck_assert_uint_eq(edited->len, size + expected->len - bytes->len);
        ck_assert(memcmp(edited->data, expected->data, edited->len) == 0);
    }
}
END_TEST

START_TEST(test_exceptions_stay)
{
    AUTO_MESSAGE(bytes, "exception FetchResults 1 {1:'no' 2:6}");
    g_autoptr(GByteArray) edited = edit(&with_catalog, HG_METHOD_FETCH_RESULTS, bytes_slice(bytes));
    ck_assert(hg_slice_equal(bytes_slice(edited), bytes_slice(bytes)));
    AUTO_MESSAGE(empty, "reply CloseOperation 1 {}");
    g_autoptr(GByteArray) same = edit(&with_catalog, HG_METHOD_CLOSE_OPERATION, bytes_slice(empty));
    ck_assert(hg_slice_equal(bytes_slice(same), bytes_slice(empty)));
}
END_TEST

Suite *dialect_suite(void)
{
    Suite *suite = suite_create("hs2/dialect");
    TCase *tests = tcase_create("dialect");
    tcase_add_test(tests, test_find);
    tcase_add_test(tests, test_database);
    tcase_add_loop_test(tests, test_edit, 0, G_N_ELEMENTS(replies));
    tcase_add_test(tests, test_what_the_oracle_reads);
    tcase_add_test(tests, test_edit_of_a_beginning);
    tcase_add_test(tests, test_exceptions_stay);
    suite_add_tcase(suite, tests);
    return suite;
}
