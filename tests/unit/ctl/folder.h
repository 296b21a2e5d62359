/* A folder of its own for a test, with a users file in it. */
#pragma once

#include <glib.h>

/* Makes an empty folder in /tmp; free with folder_free(). */
char *folder_new(void);

/* Deletes the files in it and the folder, and frees the path. */
void folder_free(char *folder);

/* How many files there are in it, hidden ones included. */
guint folder_count(const char *folder);

/* All of a file; free with g_free. */
char *file_text(const char *path);
