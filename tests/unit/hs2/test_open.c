/* Tests of hs2/open: what goes to the backend, byte for byte, and what must not. */
#include "base/error.h"
#include "hs2/open.h"
#include "notation.h"
#include "suites.h"

static const HgOpenPlan as_user = {.effective_user = "alice", .login_name = "alice"};
static const HgOpenPlan service = {
    .effective_user = "alice", .login_name = "gateway", .name_proxy_user = TRUE};

static gboolean rewrite(const char *notation, const HgOpenPlan *plan, HgBuffer *out, GError **error)
{
    AUTO_MESSAGE(bytes, notation);
    HgRequest request;
    ck_assert_int_eq(hg_request_read(bytes_slice(bytes), &request), HG_REQUEST_OK);
    return hg_open_rewrite(&request, bytes_slice(bytes), plan, out, error);
}

static void check_rewrite(const char *notation, const HgOpenPlan *plan, const char *expected)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    g_autoptr(GError) error = NULL;
    ck_assert(rewrite(notation, plan, &out, &error));
    AUTO_MESSAGE(bytes, expected);
    HgSlice written = hg_slice(hg_buffer_data(&out), hg_buffer_size(&out));
    ck_assert_msg(hg_slice_equal(written, bytes_slice(bytes)), "%s", notation);
    HgRequest again;
    ck_assert_int_eq(hg_request_read(written, &again), HG_REQUEST_OK);
    ck_assert_uint_eq(again.size, written.size);
    hg_buffer_clear(&out);
}

START_TEST(test_as_user)
{
    check_rewrite("call OpenSession 7 {1:{1:9 2:'carol' 3:'secret' 4:<11 11 'use:database' 'd'>}}",
                  &as_user, "call OpenSession 7 {1:{1:9 2:'alice' 4:<11 11 'use:database' 'd'>}}");
    check_rewrite("call OpenSession 0 {1:{}}", &as_user, "call OpenSession 0 {1:{2:'alice'}}");
    check_rewrite("call OpenSession 0 {1:{3:'secret' 1:5}}", &as_user,
                  "call OpenSession 0 {1:{1:5 2:'alice'}}");
    check_rewrite("call OpenSession 0 {1:{4:<0 0>}}", &as_user,
                  "call OpenSession 0 {1:{2:'alice' 4:<11 11>}}");
}
END_TEST

START_TEST(test_service)
{
    check_rewrite("call OpenSession 7 {1:{1:9 4:<11 11 'a' 'b'>}}", &service,
                  "call OpenSession 7 {1:{1:9 2:'gateway' "
                  "4:<11 11 'a' 'b' 'hive.server2.proxy.user' 'alice'>}}");
    check_rewrite("call OpenSession 7 {1:{1:9}}", &service,
                  "call OpenSession 7 {1:{1:9 2:'gateway' "
                  "4:<11 11 'hive.server2.proxy.user' 'alice'>}}");
    /* never twice, whatever the client says of itself */
    check_rewrite("call OpenSession 7 {1:{1:9 4:<11 11 'hive.server2.proxy.user' 'alice' 'a' 'b' "
                  "'set:hiveconf:HIVE.server2.proxy.user' ''>}}",
                  &service,
                  "call OpenSession 7 {1:{1:9 2:'gateway' "
                  "4:<11 11 'a' 'b' 'hive.server2.proxy.user' 'alice'>}}");
}
END_TEST

/* What the operator sets goes where the client sets nothing. */
START_TEST(test_defaults)
{
    static const char *const defaults[] = {"spark.a", "1", "spark.b", "2", NULL};
    HgOpenPlan plan = as_user;
    plan.variables.defaults = defaults;
    check_rewrite("call OpenSession 7 {1:{1:9}}", &plan,
                  "call OpenSession 7 {1:{1:9 2:'alice' "
                  "4:<11 11 'set:hiveconf:spark.a' '1' 'set:hiveconf:spark.b' '2'>}}");
    check_rewrite("call OpenSession 7 {1:{1:9 4:<11 11 'SET:Spark.B' 'x' 'k' 'v'>}}", &plan,
                  "call OpenSession 7 {1:{1:9 2:'alice' "
                  "4:<11 11 'SET:Spark.B' 'x' 'k' 'v' 'set:hiveconf:spark.a' '1'>}}");
}
END_TEST

START_TEST(test_own_name_is_dropped)
{
    check_rewrite("call OpenSession 7 {1:{4:<11 11 'hive.server2.proxy.user' 'alice'>}}", &as_user,
                  "call OpenSession 7 {1:{2:'alice' 4:<11 11>}}");
    check_rewrite("call OpenSession 7 {1:{4:<11 11 'hive.server2.proxy.user' '' 'k' 'v'>}}",
                  &as_user, "call OpenSession 7 {1:{2:'alice' 4:<11 11 'k' 'v'>}}");
}
END_TEST

/* A directory writes the name otherwise than the client: what the client says may be its own
 * spelling, and the endpoint hears the directory's. */
START_TEST(test_another_spelling)
{
    HgOpenPlan plan = {.effective_user = "dora",
                       .asked_user = "DORA",
                       .login_name = "gateway",
                       .name_proxy_user = TRUE};
    g_autoptr(GError) error = NULL;
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    check_rewrite("call OpenSession 7 {1:{4:<11 11 'SET:hive.server2.PROXY.user' 'DORA'>}}", &plan,
                  "call OpenSession 7 {1:{2:'gateway' "
                  "4:<11 11 'hive.server2.proxy.user' 'dora'>}}");
    ck_assert(!rewrite("call OpenSession 7 {1:{4:<11 11 'hive.server2.proxy.user' 'Dora'>}}", &plan,
                       &out, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_DENIED));
    ck_assert_ptr_nonnull(strstr(error->message, "as DORA, not as \"Dora\""));
    plan = (HgOpenPlan){.effective_user = "dora", .asked_user = "DORA", .login_name = "dora"};
    check_rewrite("call OpenSession 7 {1:{4:<11 11 'hive.server2.proxy.user' 'DORA'>}}", &plan,
                  "call OpenSession 7 {1:{2:'dora' 4:<11 11>}}");
    hg_buffer_clear(&out);
}
END_TEST

START_TEST(test_unknown_fields_stay)
{
    check_rewrite("call OpenSession 3 {-2:t 1:{4:<11 11> 0x501:[8 17 18] 0x502:9l 2:'x' "
                  "0x503:<11 11 'UseProxy' '0'> 0x504:{2:'default'} 0x505:t 0x506:'z'} 5:{1:'y'}}",
                  &as_user,
                  "call OpenSession 3 {-2:t 1:{0x501:[8 17 18] 0x502:9l "
                  "0x503:<11 11 'UseProxy' '0'> 0x504:{2:'default'} 0x505:t 0x506:'z' 2:'alice' "
                  "4:<11 11>} 5:{1:'y'}}");
}
END_TEST

/* Clients of Databricks: a protocol version that Hive's servers take, and the namespace as a
 * variable; their fields stay. */
START_TEST(test_databricks)
{
    check_rewrite("call OpenSession 3 {1:{0x501:[8 17 18] 0x502:42248l 0x503:<11 11 'a' 'b'> "
                  "0x504:{2:'sales'} 0x505:t}}",
                  &as_user,
                  "call OpenSession 3 {1:{0x501:[8 17 18] 0x502:42248l 0x503:<11 11 'a' 'b'> "
                  "0x504:{2:'sales'} 0x505:t 2:'alice' 4:<11 11 'use:database' 'sales'>}}");
    check_rewrite("call OpenSession 3 {1:{1:-7 4:<11 11 'k' 'v'> 0x502:42250l 0x504:{2:'sales'}}}",
                  &service,
                  "call OpenSession 3 {1:{1:9 0x502:42250l 0x504:{2:'sales'} 2:'gateway' "
                  "4:<11 11 'k' 'v' 'use:database' 'sales' 'hive.server2.proxy.user' 'alice'>}}");
    check_rewrite("call OpenSession 3 {1:{3:'p' 1:42242}}", &as_user,
                  "call OpenSession 3 {1:{1:9 2:'alice'}}");
    check_rewrite("call OpenSession 3 {1:{1:5 0x502:42242l}}", &as_user,
                  "call OpenSession 3 {1:{1:5 0x502:42242l 2:'alice'}}");
    /* the client's own choice stays, wherever it stands */
    check_rewrite("call OpenSession 3 {1:{0x502:42242l 0x504:{1:'c' 2:'s'} "
                  "4:<11 11 'use:database' 'mine' 'k' 'v'>}}",
                  &as_user,
                  "call OpenSession 3 {1:{0x502:42242l 0x504:{1:'c' 2:'s'} 2:'alice' "
                  "4:<11 11 'use:database' 'mine' 'k' 'v'>}}");
    /* a namespace alone makes nobody a client of Databricks */
    check_rewrite("call OpenSession 3 {1:{1:9 0x504:{2:'sales'}}}", &as_user,
                  "call OpenSession 3 {1:{1:9 0x504:{2:'sales'} 2:'alice'}}");
    check_rewrite("call OpenSession 3 {1:{0x502:42248l "
                  "0x503:<11 11 'hive.server2.proxy.user' 'alice'>}}",
                  &as_user,
                  "call OpenSession 3 {1:{0x502:42248l "
                  "0x503:<11 11 'hive.server2.proxy.user' 'alice'> 2:'alice'}}");
}
END_TEST

START_TEST(test_head_becomes_a_strict_call)
{
    check_rewrite("old-call OpenSession -5 {1:{1:9}}", &as_user,
                  "call OpenSession -5 {1:{1:9 2:'alice'}}");
    check_rewrite("oneway OpenSession 5 {1:{1:9}}", &as_user,
                  "call OpenSession 5 {1:{1:9 2:'alice'}}");
}
END_TEST

START_TEST(test_only_the_message_is_read)
{
    AUTO_MESSAGE(bytes, "call OpenSession 1 {1:{1:9}}");
    AUTO_MESSAGE(next, "call OpenSession 2 {1:{1:5}}");
    g_byte_array_append(bytes, next->data, next->len);
    HgRequest request;
    ck_assert_int_eq(hg_request_read(bytes_slice(bytes), &request), HG_REQUEST_OK);
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    ck_assert(hg_open_rewrite(&request, bytes_slice(bytes), &as_user, &out, NULL));
    AUTO_MESSAGE(expected, "call OpenSession 1 {1:{1:9 2:'alice'}}");
    ck_assert_uint_eq(hg_buffer_size(&out), expected->len);
    ck_assert(memcmp(hg_buffer_data(&out), expected->data, expected->len) == 0);
    hg_buffer_clear(&out);
}
END_TEST

static char *find_other(const char *notation, GError **error)
{
    AUTO_MESSAGE(bytes, notation);
    HgRequest request;
    char *found = NULL;
    ck_assert_int_eq(hg_request_read(bytes_slice(bytes), &request), HG_REQUEST_OK);
    gboolean ok = hg_open_find_proxy_user(&request, bytes_slice(bytes), &found, error);
    ck_assert(ok || found == NULL);
    return found;
}

START_TEST(test_whom_it_asks_for)
{
    static const struct {
        const char *notation, *found;
    } cases[] = {
        {"call OpenSession 7 {1:{1:9}}", NULL},
        {"call OpenSession 7 {1:{2:'carol' 4:<11 11 'a' 'b'>}}", NULL},
        {"call OpenSession 7 {1:{4:<11 11 'hive.server2.proxy.user' ''>}}", NULL},
        {"call OpenSession 7 {1:{4:<11 11 'a' 'b' 'hive.server2.proxy.user' 'bob'>}}", "bob"},
        {"call OpenSession 7 {1:{4:<11 11 'set:hivevar:hive.server2.proxy.user' 'bob'>}}", "bob"},
        {"call OpenSession 7 {1:{4:<11 11 'hive.server2.proxy.user' 'bob' "
         "' SET: hiveconf:Hive.Server2.Proxy.User' 'bob'>}}",
         "bob"},
        {"call OpenSession 3 {1:{0x502:42248l 0x503:<11 11 'hive.server2.proxy.user' 'bob'>}}",
         "bob"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *found = find_other(cases[i].notation, &error);
        ck_assert_ptr_null(error);
        ck_assert_msg(g_strcmp0(found, cases[i].found) == 0, "%s", cases[i].notation);
    }
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(find_other("call OpenSession 3 {1:{4:<11 11 'hive.server2.proxy.user' 'bob' "
                                  "'set:hive.server2.proxy.user' 'carol'>}}",
                                  &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_DENIED));
}
END_TEST

START_TEST(test_refused_leaves_the_buffer)
{
    static const char *const notations[] = {
        "call OpenSession 7 {1:{4:<11 11 'a' 'b' 'hive.server2.proxy.user' 'bob'>}}",
        "call OpenSession 7 {1:{4:<11 11 'set:hiveconf:hive.server2.proxy.user' 'bob'>}}",
        "call OpenSession 7 {1:{4:<11 11 'set:system:foo' 'bar'>}}",
        "call OpenSession 7 {1:{4:<11 11 'set:env:Q' ''>}}",
        "call OpenSession 7 {1:{4:<11 11 'set:metaconf:q' ''>}}",
        "call OpenSession 7 {1:{0x502:42248l 0x503:<11 11 'hive.server2.proxy.user' 'bob'>}}",
        "call OpenSession 7 {1:{0x503:<11 11 'a' 'b' 'set:system:foo' 'bar'> 0x504:{2:'d'}}}",
        "call OpenSession 7 {1:{0x502:42248l 0x504:{2:'d'} 4:<11 11 'set:env:Q' ''>}}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(notations); i++) {
        HgBuffer out;
        hg_buffer_init(&out, NULL);
        g_autoptr(GError) error = NULL;
        ck_assert(!rewrite(notations[i], &service, &out, &error));
        ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_DENIED));
        ck_assert_ptr_null(out.bytes);
        ck_assert(hg_buffer_append(&out, hg_slice_from_string("abc"), G_MAXSIZE));
        ck_assert(!rewrite(notations[i], &service, &out, NULL));
        ck_assert_uint_eq(hg_buffer_size(&out), 3);
        ck_assert(memcmp(hg_buffer_data(&out), "abc", 3) == 0);
        hg_buffer_clear(&out);
    }
}
END_TEST

START_TEST(test_appends_behind)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    ck_assert(hg_buffer_append(&out, hg_slice_from_string("abc"), G_MAXSIZE));
    hg_buffer_consume(&out, 1);
    ck_assert(rewrite("call OpenSession 7 {1:{4:<11 11 'k' 'v'>}}", &service, &out, NULL));
    AUTO_MESSAGE(expected, "call OpenSession 7 {1:{2:'gateway' "
                           "4:<11 11 'k' 'v' 'hive.server2.proxy.user' 'alice'>}}");
    ck_assert_uint_eq(hg_buffer_size(&out), expected->len + 2);
    ck_assert(memcmp(hg_buffer_data(&out) + 2, expected->data, expected->len) == 0);
    hg_buffer_clear(&out);
}
END_TEST

START_TEST(test_no_memory)
{
    HgBudget budget;
    hg_budget_init(&budget, 10);
    HgBuffer out;
    hg_buffer_init(&out, &budget);
    g_autoptr(GError) error = NULL;
    ck_assert(!rewrite("call OpenSession 7 {1:{1:9}}", &as_user, &out, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_LIMIT));
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

Suite *open_suite(void)
{
    Suite *suite = suite_create("hs2/open");
    TCase *tests = tcase_create("open");
    tcase_add_test(tests, test_as_user);
    tcase_add_test(tests, test_service);
    tcase_add_test(tests, test_own_name_is_dropped);
    tcase_add_test(tests, test_another_spelling);
    tcase_add_test(tests, test_unknown_fields_stay);
    tcase_add_test(tests, test_databricks);
    tcase_add_test(tests, test_whom_it_asks_for);
    tcase_add_test(tests, test_defaults);
    tcase_add_test(tests, test_head_becomes_a_strict_call);
    tcase_add_test(tests, test_only_the_message_is_read);
    tcase_add_test(tests, test_refused_leaves_the_buffer);
    tcase_add_test(tests, test_appends_behind);
    tcase_add_test(tests, test_no_memory);
    suite_add_tcase(suite, tests);
    return suite;
}
