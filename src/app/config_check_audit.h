/* The rules of `audit` that concern more than one option, and its files. */
#pragma once

#include "app/config.h"
#include "app/config_yaml.h"

/* Reports what doesn't fit together, a connection that can't be understood or holds a password, and
 * patterns that can't be read. */
void hg_config_check_audit(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics);

/* Reads the keys of anchors and pseudonyms, and reports what is wrong with them. Blocks on the
 * disk. */
void hg_config_check_audit_files(const HgConfig *config, const HgYaml *root,
                                 HgDiagnostics *diagnostics);
