/* What stands inside replies that are there in full: errors, and rows of texts. Pure; any thread.
 */
#pragma once

#include "hs2/method.h"
#include "wire/cursor.h"

/* The SQL state and message of a reply that says an error: those of its status, of
 * GetOperationStatus else those of the operation, of a TApplicationException its message. Either is
 * NULL when there is none; g_free. */
void hg_detail_error(HgSlice reply, const HgMethod *method, char **sql_state, char **message);

/* The columns of a FetchResults reply that holds its rows by columns, each a GPtrArray of texts
 * (char *, owned); other columns than of texts are there without any. NULL when it can't be read.
 * g_ptr_array_unref. */
GPtrArray *hg_detail_texts(HgSlice reply);
