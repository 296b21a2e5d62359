/* The names of Spark's functions, sorted. Constant data; any thread. */
#pragma once

#include <glib.h>

#define HG_FUNCTION_NAME_MAX 40

typedef struct {
    const char *name; /* lower case */
    guint8 kind;      /* HgFunctionKind */
} HgFunctionRow;

extern const HgFunctionRow hg_function_rows[];
extern const gsize hg_function_row_count;
