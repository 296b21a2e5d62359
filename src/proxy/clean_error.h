/* What a user whom policies limit is told of an error of the endpoint: its class, when that is one
 * of Spark's own, and a reference under which the log has the rest. Never a value or a piece of the
 * text that ran: both may hold what is hidden. Pure; any thread. */
#pragma once

#include <glib.h>

/* The class of the error in Spark's message ("DIVIDE_BY_ZERO"); NULL when it has none that is
 * known. Borrowed from `message`, *size bytes. */
const char *hg_clean_error_class(const char *message, gsize *size);

/* The text for the user; g_free. `message` may be NULL. `sent`: the beginning of the statement as
 * it came, or NULL: a name in the message that stands in it, too, is repeated. */
char *hg_clean_error_text(const char *message, const char *sent, const char *reference);

/* TRUE when the error may be because a table isn't any more what hivegate takes it for. */
gboolean hg_clean_error_is_of_names(const char *message);
