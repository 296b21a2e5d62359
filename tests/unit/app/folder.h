/* A folder of its own for a test, with files in it. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Makes an empty folder in /tmp; free with folder_free(). */
char *folder_new(void);

/* Deletes the files in it and the folder, and frees the path. */
void folder_free(char *folder);

/* Writes a file into it and returns its path (g_free). */
char *folder_write(const char *folder, const char *name, const char *text, mode_t mode);
