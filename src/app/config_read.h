/* Reads a YAML tree into the configuration's structs, as the rows of app/options say.
 *
 * Each wrong, unknown, doubled or missing key becomes a diagnostic, and reading goes on with the
 * default, so that one pass names everything. What concerns several options at once is
 * app/config_check. Pure. */
#pragma once

#include "app/config_yaml.h"
#include "app/options.h"

typedef struct {
    const char *folder;         /* relative paths count from here; borrowed */
    HgDiagnostics *diagnostics; /* borrowed */
    GPtrArray *owned;           /* receives what the structs point to; frees by g_free */
} HgConfigReader;

/* Fills the struct of the section from the map `node`, or from the defaults alone when it is NULL.
 * `path` names the section in messages ("pools[0]"; "" for the file). */
void hg_config_read(const HgConfigReader *reader, const HgSection *section, const HgYaml *node,
                    const char *path, gpointer out);
