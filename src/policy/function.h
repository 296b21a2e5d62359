/* The functions that Spark brings with it, and what each may do. Constant data; any thread. */
#pragma once

#include "base/slice.h"

typedef enum {
    HG_FUNCTION_UNKNOWN,  /* none of Spark's own: somebody's code */
    HG_FUNCTION_PURE,     /* its value depends on nothing but its arguments */
    HG_FUNCTION_SETTING,  /* its value depends on settings, the clock or chance */
    HG_FUNCTION_IDENTITY, /* it says who or where the session is */
    HG_FUNCTION_STORAGE,  /* it shows files or partitions of what is read */
    HG_FUNCTION_REFLECT,  /* it calls any method of the JVM */
} HgFunctionKind;

/* The kind of a function by its name, in any case. */
HgFunctionKind hg_function_kind(HgSlice name);

/* TRUE for a function that yields a table. */
gboolean hg_function_is_table(HgSlice name);
