/* base64url without padding (RFC 7515, appendix C), read strictly. Pure; any thread. */
#pragma once

#include "base/slice.h"

/* The bytes that the text stands for, NUL-terminated behind the end; free with g_free. NULL when it
 * isn't the one canonical text of any bytes: another character, padding, or bits set that carry
 * nothing. An empty text gives no bytes, and isn't NULL. */
guint8 *hg_base64url_decode(HgSlice text, gsize *size);
