/* Folders for tests: see folder.h. */
#include "folder.h"

#include <check.h>
#include <glib/gstdio.h>

char *folder_new(void)
{
    char *folder = g_strdup("/tmp/hg-test-ctl-XXXXXX");
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

guint folder_count(const char *folder)
{
    guint count = 0;
    GDir *files = g_dir_open(folder, 0, NULL);
    while (g_dir_read_name(files) != NULL)
        count++;
    g_dir_close(files);
    return count;
}

char *file_text(const char *path)
{
    char *text = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = g_file_get_contents(path, &text, NULL, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    return text;
}
