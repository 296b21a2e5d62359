/* What several suites of the auth layer need: cheap hashes and users files. */
#pragma once

#include "base/slice.h"

/* A hash of the password that costs less than a millisecond. Free with g_free. */
char *cheap_hash(const char *password);

/* Writes the text to a new file in /tmp and returns its path: unlink and g_free. */
char *write_file(const char *text);

/* Replaces what is in the file. */
void rewrite_file(const char *path, const char *text);
