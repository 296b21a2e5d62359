/* The rules of `authentication: ldap`. */
#pragma once

#include "app/config.h"
#include "app/config_yaml.h"

/* Reports what is wrong with the section, each at its place. `map` is `authentication`; `chained`
 * says whether some chain names ldap. Looks at no file. */
void hg_config_check_ldap(const HgConfig *config, const HgYaml *map, gboolean chained,
                          HgDiagnostics *diagnostics);

/* Reports when the password file or the TLS files can't be used, and warns when others can get at
 * the password. Blocks on the disk. */
void hg_config_check_ldap_files(const HgConfig *config, const HgYaml *map,
                                HgDiagnostics *diagnostics);
