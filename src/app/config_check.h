/* The rules of the configuration that concern more than one option.
 *
 * hg_config_check() only looks at values and is pure. hg_config_check_files() goes to the users
 * file, the password files and the environment, and puts what it finds there into the
 * configuration. */
#pragma once

#include "app/config.h"
#include "app/config_yaml.h"

/* Reports names and addresses used twice, unknown authenticators, options that need or exclude one
 * another. `root` is the tree that `config` was read from, for the places. Values that could not be
 * read are left out. */
void hg_config_check(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics);

/* Reads the users file to report its errors, and the pools' passwords, which become the caller's:
 * passwords[i] is that of pool i, or NULL after an error. Warns about files that others can get at.
 * Blocks on the disk. */
void hg_config_check_files(const HgConfig *config, const HgYaml *root, HgSecret **passwords,
                           HgDiagnostics *diagnostics);

/* The key of cookies, the caller's; NULL without a key file, and after an error. Blocks on the
 * disk.
 */
HgSecret *hg_config_load_cookie_key(const HgConfig *config, const HgYaml *root,
                                    HgDiagnostics *diagnostics);

/* The parts of the above for bearer tokens, in a file of their own. */
void hg_config_check_tokens(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics);
void hg_config_check_token_files(const HgConfig *config, const HgYaml *root,
                                 HgDiagnostics *diagnostics);

/* The part of the above for realms and the rules of impersonation, which name them. */
void hg_config_check_realms(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics);

/* The parts of the above for where endpoints come from, balancing, routing and announcement. `map`
 * is that of pool `index`. */
void hg_config_check_discovery(const HgPoolConfig *pool, const HgYaml *map, guint index,
                               HgDiagnostics *diagnostics);
void hg_config_check_balancing(const HgPoolConfig *pool, const HgYaml *map, guint index,
                               HgDiagnostics *diagnostics);
void hg_config_check_routing(const HgConfig *config, const HgYaml *root,
                             HgDiagnostics *diagnostics);
void hg_config_check_announcement(const HgConfig *config, const HgYaml *root,
                                  HgDiagnostics *diagnostics);

/* TRUE when the method is in a chain: the common one, or a listener's own. */
gboolean hg_config_is_chained(const HgConfig *config, const char *method);
