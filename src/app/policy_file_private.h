/* What the parts of the policies file's reader share. One thread. */
#pragma once

#include "app/config_yaml.h"
#include "app/policy_file.h"

typedef struct {
    HgDiagnostics *diagnostics;
    HgPolicySet *set;   /* what is being filled */
    GHashTable *names;  /* of policies that were read: borrowed keys */
    gboolean uses_hash; /* a mask needs the key */
} HgPolicyReader;

/* A key of a map and what reads its value into `out`. */
typedef struct {
    const char *key;
    void (*read)(HgPolicyReader *reader, const HgYaml *node, gpointer out);
} HgPolicyKey;

/* Reads a map; keys that aren't in the table, or come twice, are errors. FALSE when it is no map.
 */
gboolean hg_policy_read_map(HgPolicyReader *reader, const HgYaml *node, const char *what,
                            const HgPolicyKey *keys, gsize count, gpointer out);

/* A text, or a list of texts; NULL after an error. The second folds them. To be freed. */
char **hg_policy_read_list(HgPolicyReader *reader, const HgYaml *node);
char **hg_policy_read_folded(HgPolicyReader *reader, const HgYaml *node);

/* A text that isn't empty, borrowed; NULL after an error. */
const char *hg_policy_read_text(HgPolicyReader *reader, const HgYaml *node);

/* name: value or name: [value, ...] as pairs; NULL after an error. To be freed. */
char **hg_policy_read_pairs(HgPolicyReader *reader, const HgYaml *node);

/* One of policies: and of tests:; NULL after an error that leaves nothing. */
HgPolicy *hg_policy_read_policy(HgPolicyReader *reader, const HgYaml *node);
HgPolicyTest *hg_policy_read_test(HgPolicyReader *reader, const HgYaml *node);

void hg_policy_test_free(HgPolicyTest *test);
