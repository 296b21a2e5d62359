/* Folders for tests: see folder.h. */
#include "folder.h"

#include <check.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

char *folder_new(void)
{
    char *folder = g_strdup("/tmp/hg-test-app-XXXXXX");
    ck_assert_ptr_nonnull(g_mkdtemp(folder));
    return folder;
}

void folder_free(char *folder)
{
    GDir *files = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(files)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_dir_close(files);
    g_rmdir(folder);
    g_free(folder);
}

char *folder_write(const char *folder, const char *name, const char *text, mode_t mode)
{
    char *path = g_build_filename(folder, name, NULL);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}
