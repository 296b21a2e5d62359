/* The tests beside the policies: see policy_file_private.h. */
#include "app/policy_file_private.h"

#include <string.h>

void hg_policy_test_free(HgPolicyTest *test)
{
    g_strfreev(test->groups);
    g_strfreev(test->attributes);
    g_free(test->user);
    g_free(test->database);
    g_free(test->sql);
    g_free(test->becomes);
    g_free(test);
}

static void read_user(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgPolicyTest *)out)->user = g_strdup(hg_policy_read_text(reader, node));
}

static void read_groups(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgPolicyTest *)out)->groups = hg_policy_read_list(reader, node);
}

static void read_attributes(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgPolicyTest *)out)->attributes = hg_policy_read_pairs(reader, node);
}

static void read_database(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgPolicyTest *)out)->database = g_strdup(hg_policy_read_text(reader, node));
}

static void read_sql(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgPolicyTest *)out)->sql = g_strdup(hg_policy_read_text(reader, node));
}

static void read_becomes(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    HgPolicyTest *test = out;
    test->becomes = g_strdup(hg_policy_read_text(reader, node));
    test->kind = HG_POLICY_TEST_BECOMES;
}

static void read_expect(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    HgPolicyTest *test = out;
    const char *text = hg_policy_read_text(reader, node);
    if (g_strcmp0(text, "unchanged") == 0)
        test->kind = HG_POLICY_TEST_UNCHANGED;
    else if (text != NULL && strcmp(text, "refused") != 0)
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "expect: expected refused or unchanged; for a text write becomes:");
}

static const HgPolicyKey test_keys[] = {
    {"user", read_user},         {"groups", read_groups}, {"attributes", read_attributes},
    {"database", read_database}, {"sql", read_sql},       {"becomes", read_becomes},
    {"expect", read_expect},
};

HgPolicyTest *hg_policy_read_test(HgPolicyReader *reader, const HgYaml *node)
{
    HgPolicyTest *test = g_new0(HgPolicyTest, 1);
    test->line = node->mark.line;
    gboolean map =
        hg_policy_read_map(reader, node, "a test", test_keys, G_N_ELEMENTS(test_keys), test);
    gboolean both = hg_yaml_get(node, "becomes") != NULL && hg_yaml_get(node, "expect") != NULL;
    gboolean none = hg_yaml_get(node, "becomes") == NULL && hg_yaml_get(node, "expect") == NULL;
    if (map && (test->user == NULL || test->sql == NULL || both || none))
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "a test needs user, sql, and either becomes or expect");
    if (map && test->user != NULL && test->sql != NULL)
        return test;
    hg_policy_test_free(test);
    return NULL;
}
