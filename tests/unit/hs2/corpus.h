/* Requests that the validator accepts, in the notation of notation.h: what drivers send, every
 * method with all its fields, and what only a careful client would send. */
#pragma once

#include <glib.h>

/* The notations; *count says how many. Constant data. */
const char *const *request_corpus(gsize *count);
