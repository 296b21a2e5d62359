/* Letters outside ASCII, as Spark 4.0's lexer knows them. Constant data; any thread. */
#pragma once

#include <glib.h>

/* TRUE for a code point from U+0080 on that may stand in an unquoted word of Spark 4.0. */
gboolean hg_sql_is_letter(guint32 code_point);
