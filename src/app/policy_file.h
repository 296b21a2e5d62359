/* The policies file: YAML from which a set of policies is made, and the tests beside them.
 *
 *   default_access: allow
 *   policies:
 *     - name: own-department
 *       tables: ["hr.emp"]
 *       subjects: {groups: [analysts]}
 *       row_filter: "dept = {attr.dept}"
 *
 * All that is wrong in a file is said at once, each with its place; a file with an error gives
 * nothing. Pure but for hg_policy_file_load(). */
#pragma once

#include "app/config_diagnostics.h"
#include "base/slice.h"
#include "policy/set.h"

/* What a test expects. */
typedef enum {
    HG_POLICY_TEST_REFUSED,
    HG_POLICY_TEST_UNCHANGED,
    HG_POLICY_TEST_BECOMES,
} HgPolicyTestKind;

/* As this user, this statement must become that. */
typedef struct {
    guint line;
    char *user;
    char **groups;     /* NULL for none */
    char **attributes; /* name, value, ...; NULL for none */
    char *database;    /* NULL for the default */
    char *sql;
    HgPolicyTestKind kind;
    char *becomes; /* BECOMES: the text, with N for the nonce; else NULL */
} HgPolicyTest;

typedef struct {
    HgPolicySet *set;
    GPtrArray *tests; /* of HgPolicyTest */
} HgPolicyFile;

/* Reads a text. `file` is its name in messages and in the version, which is the text's hash. Names
 * of files in it aren't opened. NULL after errors, which are in `diagnostics`. */
HgPolicyFile *hg_policy_file_parse(const char *file, HgSlice text, HgDiagnostics *diagnostics);

/* Reads a file and what it names (hash_key_file); blocks. */
HgPolicyFile *hg_policy_file_load(const char *path, HgDiagnostics *diagnostics);

/* NULL does nothing. */
void hg_policy_file_free(HgPolicyFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPolicyFile, hg_policy_file_free)
