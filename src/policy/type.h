/* The types of columns, as Spark writes them: what matters to masks and copied predicates. Pure;
 * any thread. */
#pragma once

#include <glib.h>

typedef enum {
    HG_TYPE_OTHER, /* nothing is known about it but its name */
    HG_TYPE_STRING,
    HG_TYPE_INTEGER, /* tinyint, smallint, int, bigint */
    HG_TYPE_DECIMAL,
    HG_TYPE_FLOAT, /* float, double */
    HG_TYPE_BOOLEAN,
    HG_TYPE_DATE,
    HG_TYPE_TIMESTAMP,
    HG_TYPE_STRUCT,
    HG_TYPE_ARRAY,
    HG_TYPE_MAP,
} HgTypeKind;

typedef struct HgType HgType;

/* A field of a struct. */
typedef struct {
    char *name;
    HgType *type;
} HgTypeField;

struct HgType {
    HgTypeKind kind;
    char *text;        /* what CAST takes */
    guint digits;      /* DECIMAL: its precision */
    GPtrArray *fields; /* STRUCT: of HgTypeField; else NULL */
};

/* Reads a type: "int", "decimal(7,2)", "struct<a:int,b:array<string>>". NULL for a text that can't
 * be a type; a type that isn't known is OTHER. Depth is bounded. */
HgType *hg_type_parse(const char *text);

/* The field of this name, folded; NULL when there is none, or the type is no struct. */
const HgTypeField *hg_type_field(const HgType *type, const char *folded);

/* NULL does nothing. */
void hg_type_free(HgType *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgType, hg_type_free)
