/* The rules of `admin` that concern more than one option: see config_check.h. */
#pragma once

#include "app/config.h"
#include "app/config_yaml.h"

/* Only looks at values. */
void hg_config_check_admin(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics);

/* Looks at the tokens and certificates. Blocks on the disk. */
void hg_config_check_admin_files(const HgConfig *config, const HgYaml *root,
                                 HgDiagnostics *diagnostics);
