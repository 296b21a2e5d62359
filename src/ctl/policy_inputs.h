/* What the commands about policies work with: the policies file, the schemas, the user. One thread.
 */
#pragma once

#include "app/policy_file.h"
#include "ctl/command.h"
#include "policy/decide.h"

/* Which options a command takes beside --policies. */
typedef enum {
    HG_POLICY_TAKES_SCHEMAS = 1 << 0, /* --schemas, --engine */
    HG_POLICY_TAKES_USER = 1 << 1,    /* --user, --groups, --attr, --catalog, --database, --nonce */
    HG_POLICY_TAKES_TEXT = 1 << 2,    /* one argument */
    HG_POLICY_SCHEMAS_OPTIONAL = 1 << 3,
} HgPolicyTakes;

typedef struct {
    HgPolicyFile *file;
    HgSchemas *schemas; /* empty when none are named */
    gboolean has_schemas;
    HgSqlEngine engine;
    char *user;
    char **groups;
    char **attributes;
    char *catalog;
    char *database;
    char *nonce; /* NULL for a fresh one each time */
    char *text;
} HgPolicyInputs;

/* Reads the command line and the files that it names. HG_CTL_DONE when the command may go on;
 * *shown is TRUE when it was asked for help and is over. *inputs is to be cleared. Warnings about
 * the policies file go to streams->err. */
HgCtlResult hg_policy_inputs_read(const HgCtlStreams *streams, char ***argv, guint takes,
                                  const char *summary, const char *examples, HgPolicyInputs *inputs,
                                  gboolean *shown, GError **error);

void hg_policy_inputs_clear(HgPolicyInputs *inputs);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgPolicyInputs, hg_policy_inputs_clear)

/* The identity that the inputs describe; borrowed from them. */
HgIdentity hg_policy_inputs_identity(const HgPolicyInputs *inputs);

/* A nonce that nobody can guess, to be freed. */
char *hg_policy_nonce(void);
