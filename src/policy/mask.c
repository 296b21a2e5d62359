/* The SQL of the named masks: see mask.h. What a mask can't keep, it makes NULL. */
#include "policy/mask.h"

#include "policy/name.h"

#include <string.h>

static const struct {
    const char *name;
    HgMaskKind kind;
} rows[] = {
    {"MASK", HG_MASK_MASK},
    {"MASK_SHOW_LAST_4", HG_MASK_LAST_4},
    {"MASK_SHOW_FIRST_4", HG_MASK_FIRST_4},
    {"MASK_HASH", HG_MASK_HASH},
    {"MASK_NULL", HG_MASK_NULL},
    {"MASK_NONE", HG_MASK_NONE},
    {"MASK_DATE_SHOW_YEAR", HG_MASK_YEAR},
};

gboolean hg_mask_kind(const char *name, HgMaskKind *out)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].name, name) == 0) {
            *out = rows[i].kind;
            return TRUE;
        }
    return FALSE;
}

const char *hg_mask_nth(gsize index)
{
    return index < G_N_ELEMENTS(rows) ? rows[index].name : NULL;
}

gboolean hg_mask_fits(HgMaskKind kind, const HgType *type)
{
    switch (kind) {
    case HG_MASK_MASK:
    case HG_MASK_LAST_4:
    case HG_MASK_FIRST_4:
    case HG_MASK_HASH:
        return type != NULL && type->kind == HG_TYPE_STRING;
    case HG_MASK_YEAR:
        return type != NULL && (type->kind == HG_TYPE_DATE || type->kind == HG_TYPE_TIMESTAMP);
    case HG_MASK_NONE:
    case HG_MASK_NULL:
    case HG_MASK_SQL:
        break;
    }
    return TRUE;
}

#define MASKED "mask(%s, 'X', 'x', 'n', NULL)"

/* Characters at one end are shown when there are others that aren't. */
static void append_ends(GString *out, HgMaskKind kind, const char *column)
{
    g_string_append_printf(out, "CASE WHEN length(%s) > 4 THEN concat(", column);
    if (kind == HG_MASK_LAST_4)
        g_string_append_printf(out,
                               "mask(substring(%s, 1, length(%s) - 4), 'X', 'x', 'n', NULL), "
                               "substring(%s, -4)",
                               column, column, column);
    else
        g_string_append_printf(out,
                               "substring(%s, 1, 4), mask(substring(%s, 5), 'X', 'x', 'n', NULL)",
                               column, column);
    g_string_append_printf(out, ") ELSE " MASKED " END", column);
}

/* Twice, as HMAC does: what is hashed can't be made longer without the key. */
static void append_hash(GString *out, const char *column, const char *key)
{
    g_string_append(out, "sha2(concat(");
    hg_policy_append_literal(out, key);
    g_string_append(out, ", sha2(concat(");
    hg_policy_append_literal(out, key);
    g_string_append_printf(out, ", %s), 256)), 256)", column);
}

void hg_mask_append(GString *out, HgMaskKind kind, const HgType *type, const char *column,
                    const char *key)
{
    if (!hg_mask_fits(kind, type) || (kind == HG_MASK_HASH && key == NULL))
        kind = HG_MASK_NULL;
    switch (kind) {
    case HG_MASK_NONE:
        g_string_append(out, column);
        break;
    case HG_MASK_MASK:
        g_string_append_printf(out, MASKED, column);
        break;
    case HG_MASK_LAST_4:
    case HG_MASK_FIRST_4:
        append_ends(out, kind, column);
        break;
    case HG_MASK_HASH:
        append_hash(out, column, key);
        break;
    case HG_MASK_YEAR:
        if (type->kind == HG_TYPE_DATE)
            g_string_append_printf(out, "trunc(%s, 'YEAR')", column);
        else
            g_string_append_printf(out, "date_trunc('YEAR', %s)", column);
        break;
    case HG_MASK_NULL:
    case HG_MASK_SQL:
        g_string_append(out, "NULL");
        break;
    }
}
