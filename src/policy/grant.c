/* The tables of actions and capabilities: see grant.h. */
#include "policy/grant.h"

#include <string.h>

typedef struct {
    const char *name;
    guint bits;
} Row;

static const Row actions[] = {
    {"select", HG_ACTION_SELECT}, {"insert", HG_ACTION_INSERT}, {"update", HG_ACTION_UPDATE},
    {"delete", HG_ACTION_DELETE}, {"create", HG_ACTION_CREATE}, {"alter", HG_ACTION_ALTER},
    {"drop", HG_ACTION_DROP},     {"write", HG_ACTION_WRITE},   {"ddl", HG_ACTION_DDL},
    {"all", HG_ACTION_ALL},
};

static const Row capabilities[] = {
    {"transform", HG_CAPABILITY_TRANSFORM},
    {"reflect", HG_CAPABILITY_REFLECT},
    {"resources", HG_CAPABILITY_RESOURCES},
    {"functions", HG_CAPABILITY_FUNCTIONS},
    {"paths", HG_CAPABILITY_PATHS},
    {"data_sources", HG_CAPABILITY_DATA_SOURCES},
    {"load", HG_CAPABILITY_LOAD},
    {"directories", HG_CAPABILITY_DIRECTORIES},
    {"global_views", HG_CAPABILITY_GLOBAL_VIEWS},
    {"views", HG_CAPABILITY_VIEWS},
    {"catalogs", HG_CAPABILITY_CATALOGS},
    {"substitution", HG_CAPABILITY_SUBSTITUTION},
    {"procedures", HG_CAPABILITY_PROCEDURES},
    {"dynamic_sql", HG_CAPABILITY_DYNAMIC_SQL},
    {"explain", HG_CAPABILITY_EXPLAIN},
    {"all", HG_CAPABILITY_ALL},
};

static guint bits_of(const Row *rows, gsize count, const char *name)
{
    for (gsize i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].bits;
    return 0;
}

static const char *name_of(const Row *rows, gsize count, guint bits)
{
    for (gsize i = 0; i < count; i++)
        if (rows[i].bits == bits)
            return rows[i].name;
    return "unknown";
}

guint hg_action_bits(const char *name)
{
    return bits_of(actions, G_N_ELEMENTS(actions), name);
}

guint hg_capability_bits(const char *name)
{
    return bits_of(capabilities, G_N_ELEMENTS(capabilities), name);
}

const char *hg_action_name(guint bit)
{
    return name_of(actions, G_N_ELEMENTS(actions), bit);
}

const char *hg_capability_name(guint bit)
{
    return name_of(capabilities, G_N_ELEMENTS(capabilities), bit);
}

const char *hg_action_nth(gsize index)
{
    return index < G_N_ELEMENTS(actions) ? actions[index].name : NULL;
}

const char *hg_capability_nth(gsize index)
{
    return index < G_N_ELEMENTS(capabilities) ? capabilities[index].name : NULL;
}
