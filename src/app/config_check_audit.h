/* The rules of `audit` that concern more than one option. Pure. */
#pragma once

#include "app/config.h"
#include "app/config_yaml.h"

/* Reports what doesn't fit together, a connection that can't be understood or holds a password, and
 * patterns that can't be read. */
void hg_config_check_audit(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics);
