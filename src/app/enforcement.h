/* Policies of a running gateway: the file that the configuration names, checked, read, and read
 * again. Main thread; blocks on the disk. */
#pragma once

#include "app/config.h"
#include "app/config_yaml.h"
#include "proxy/policies.h"

/* Reports what is wrong with `policies`; looks at no file. */
void hg_enforcement_check(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics);

/* Reports what is wrong with the file that it names. */
void hg_enforcement_check_file(const HgConfig *config, const HgYaml *root,
                               HgDiagnostics *diagnostics);

/* Reads the file. *out is NULL when the configuration names none. FALSE with *error, in which each
 * problem has its place. */
gboolean hg_enforcement_read(const HgConfig *config, HgPolicySet **out, GError **error);

/* The policies of a gateway with this configuration. *out is NULL when it has none. */
gboolean hg_enforcement_new(const HgConfig *config, HgPolicies **out, GError **error);
