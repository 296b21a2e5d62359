/* What a DESCRIBE TABLE EXTENDED says of a table or view: its columns, and which of both it is.
 *
 * Rows as Spark 3.5 and 4.0 print them (DescribeTableCommand, DescribeTableExec) and Iceberg's
 * extension for its views (DescribeV2ViewExec). Pure; any thread. */
#pragma once

#include <glib.h>

/* The columns, as names and types in turns (char *, owned); NULL when there are none: then this is
 * no description. `names` and `types`: the first two columns of the rows, of the same length.
 * `own`: of Spark's own catalog. *is_view: TRUE for whatever isn't surely a table. */
GPtrArray *hg_described_read(const GPtrArray *names, const GPtrArray *types, gboolean own,
                             gboolean *is_view);
