/* A second reader of Thrift binary, as plain as can be: one byte at a time, no shortcuts.
 *
 * Written from the protocol's specification and hivegate's caps alone; it shares no code with
 * src/wire, so the two make different mistakes. */
#pragma once

#include "base/slice.h"

typedef enum {
    REFERENCE_OK,
    REFERENCE_SHORT,
    REFERENCE_BAD,
} ReferenceStatus;

/* Where a value or message ends, when it is OK. `depth`: structs and containers open around it. */
ReferenceStatus reference_value(HgSlice bytes, guint type, guint depth, gsize *end);
ReferenceStatus reference_message(HgSlice bytes, gsize *end);

/* Fields of a struct, for targets that want to know what is in a message. The callback gets each
 * field with its bytes: the value alone, without the head. Only for bytes that are OK. */
typedef void (*ReferenceField)(guint type, gint16 id, HgSlice value, gpointer data);
void reference_fields(HgSlice fields, ReferenceField callback, gpointer data);
