/* Tests of hs2/method: every method of the service is found, and nothing else. */
#include "base/metric_rows.h"
#include "hs2/method.h"
#include "suites.h"

typedef struct {
    const char *name;
    HgTakes takes;
    HgGives gives;
} Expected;

/* By hand from the service's definition; in the order of HgMethodId. */
static const Expected expected[] = {
    {"OpenSession", HG_TAKES_NOTHING, HG_GIVES_SESSION},
    {"CloseSession", HG_TAKES_SESSION, HG_GIVES_NOTHING},
    {"GetInfo", HG_TAKES_SESSION, HG_GIVES_NOTHING},
    {"ExecuteStatement", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetTypeInfo", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetCatalogs", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetSchemas", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetTables", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetTableTypes", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetColumns", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetFunctions", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetPrimaryKeys", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetCrossReference", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"GetOperationStatus", HG_TAKES_OPERATION, HG_GIVES_NOTHING},
    {"CancelOperation", HG_TAKES_OPERATION, HG_GIVES_NOTHING},
    {"CloseOperation", HG_TAKES_OPERATION, HG_GIVES_NOTHING},
    {"GetResultSetMetadata", HG_TAKES_OPERATION, HG_GIVES_NOTHING},
    {"FetchResults", HG_TAKES_OPERATION, HG_GIVES_NOTHING},
    {"GetDelegationToken", HG_TAKES_SESSION, HG_GIVES_NOTHING},
    {"CancelDelegationToken", HG_TAKES_SESSION, HG_GIVES_NOTHING},
    {"RenewDelegationToken", HG_TAKES_SESSION, HG_GIVES_NOTHING},
    {"GetQueryId", HG_TAKES_OPERATION, HG_GIVES_NOTHING},
    {"SetClientInfo", HG_TAKES_SESSION, HG_GIVES_NOTHING},
    {"UploadData", HG_TAKES_SESSION, HG_GIVES_OPERATION},
    {"DownloadData", HG_TAKES_SESSION, HG_GIVES_OPERATION},
};

/* The label of the calls' metric has the methods in this order, too. */
START_TEST(test_metric_has_every_method)
{
    const HgMetricLabel *label = &hg_metric_row(HG_METRIC_CALLS)->labels[0];
    for (guint id = 0; id < HG_METHOD_COUNT; id++)
        ck_assert_str_eq(label->values[id], hg_method_get(id)->name);
    ck_assert_uint_eq(HG_CALL_METHOD_OTHER, HG_METHOD_COUNT);
    ck_assert_str_eq(label->values[HG_CALL_METHOD_OTHER], "other");
}
END_TEST

START_TEST(test_every_method_is_found)
{
    ck_assert_uint_eq(G_N_ELEMENTS(expected), 25);
    ck_assert_uint_eq(HG_METHOD_COUNT, 25);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const HgMethod *method = hg_method_find(hg_slice_from_string(expected[i].name));
        ck_assert_ptr_nonnull(method);
        ck_assert_ptr_eq(method, hg_method_get((HgMethodId)i));
        ck_assert_uint_eq(method->id, i);
        ck_assert_str_eq(method->name, expected[i].name);
        ck_assert_int_eq(method->takes, expected[i].takes);
        ck_assert_int_eq(method->gives, expected[i].gives);
    }
}
END_TEST

START_TEST(test_other_names_are_not)
{
    static const char *const names[] = {"",         "GetLog",      "CloseImpalaOperation",
                                        "getInfo",  "GETINFO",     "PingImpalaHS2Service",
                                        "GetInfo ", "OpenSessioN", "GetExecSummary",
                                        "xGetInfo"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        ck_assert_ptr_null(hg_method_find(hg_slice_from_string(names[i])));
    char longest[257];
    memset(longest, 'G', sizeof longest);
    ck_assert_ptr_null(hg_method_find(hg_slice(longest, 256)));
}
END_TEST

START_TEST(test_changed_and_cut_names_are_not)
{
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        gsize size = strlen(expected[i].name);
        for (gsize at = 0; at < size; at++) {
            g_autofree char *name = g_strdup(expected[i].name);
            name[at] ^= 0x20;
            ck_assert_ptr_null(hg_method_find(hg_slice(name, size)));
            ck_assert_ptr_null(hg_method_find(hg_slice(expected[i].name, at)));
        }
        g_autofree char *more = g_strconcat(expected[i].name, "X", NULL);
        ck_assert_ptr_null(hg_method_find(hg_slice_from_string(more)));
    }
}
END_TEST

Suite *method_suite(void)
{
    Suite *suite = suite_create("hs2/method");
    TCase *tests = tcase_create("method");
    tcase_add_test(tests, test_metric_has_every_method);
    tcase_add_test(tests, test_every_method_is_found);
    tcase_add_test(tests, test_other_names_are_not);
    tcase_add_test(tests, test_changed_and_cut_names_are_not);
    suite_add_tcase(suite, tests);
    return suite;
}
