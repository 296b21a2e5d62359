/* The agreement that everything in hivegate rests on: cursor, walker and the plain reader say the
 * same of the same bytes. */
#pragma once

#include "reference.h"

/* Checks a message, or what may be one: that the cursor says what the plain reader says, and that
 * the walker, fed with pieces cut as `seed` says, says it too and at the same piece. Gives that
 * verdict and, when it is OK, the end. */
ReferenceStatus agree_on_message(HgSlice bytes, guint32 seed, gsize *end);

/* The same for a single value, which only the cursor reads. */
void agree_on_value(HgSlice bytes, guint type, guint depth);
