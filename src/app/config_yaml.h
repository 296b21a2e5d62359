/* YAML text as a small tree in which every node knows its place.
 *
 * The subset that a configuration needs: maps with text keys, lists, scalars. Anchors, aliases,
 * tags and further documents are refused, so nothing expands; depth, number of nodes, length of a
 * scalar and size of the text are bounded. Pure; the tree is immutable. */
#pragma once

#include "app/config_diagnostics.h"
#include "base/slice.h"

#define HG_YAML_MAX_BYTES (1024 * 1024)

typedef enum {
    HG_YAML_SCALAR,
    HG_YAML_LIST,
    HG_YAML_MAP,
} HgYamlKind;

typedef struct HgYaml HgYaml;

struct HgYaml {
    HgYamlKind kind;
    HgMark mark;
    char *text;       /* SCALAR: UTF-8 without control characters; else NULL */
    gboolean is_null; /* SCALAR: nothing, ~ or null, without quotes */
    GPtrArray *keys;  /* MAP: of HgYaml, scalars, in the order of the text; duplicates possible */
    GPtrArray *items; /* MAP: the values; LIST: the items */
};

/* Parses one document. NULL after a syntax error, which is in `diagnostics` (the parser can't go on
 * behind it). Free with hg_yaml_free(). */
HgYaml *hg_yaml_parse(HgSlice text, HgDiagnostics *diagnostics);

/* NULL does nothing. */
void hg_yaml_free(HgYaml *node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgYaml, hg_yaml_free)

/* Children; borrowed. The index must exist. */
const HgYaml *hg_yaml_key(const HgYaml *map, guint index);
const HgYaml *hg_yaml_item(const HgYaml *node, guint index);
guint hg_yaml_size(const HgYaml *node);

/* The value behind a key of a map; NULL when `node` is NULL, no map, or has no such key. */
const HgYaml *hg_yaml_get(const HgYaml *node, const char *key);

/* The n-th item of a list; NULL when `node` is NULL, no list, or too short. */
const HgYaml *hg_yaml_nth(const HgYaml *node, guint index);

/* Where the node is; the file as a whole for NULL. */
HgMark hg_yaml_mark(const HgYaml *node);
