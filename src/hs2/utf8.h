/* The check that a text means the same to every reader: valid UTF-8 without NUL.
 *
 * C ends a string at a NUL, and Java puts U+FFFD in place of bytes that are no UTF-8, so such a
 * text could be checked as one thing and run as another. Pure; any thread. */
#pragma once

#include "base/slice.h"

/* TRUE when the text is valid UTF-8 without NUL. Linear in its size; runs of ASCII go eight bytes
 * at a time, as statements may have megabytes. */
gboolean hg_utf8_is_clean(HgSlice text);
