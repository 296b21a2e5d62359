/* Editing a users file in one piece: see users_edit.h. Owns the lock and the lines; one thread. */
#include "ctl/users_edit.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (16 * 1024 * 1024)
#define NEW_FILE_MODE  0600

struct HgUsersEdit {
    char *path;      /* behind all symbolic links */
    char *folder;    /* of it */
    int folder_fd;   /* locked */
    gboolean exists; /* `status` is what the file was */
    struct stat status;
    GPtrArray *lines; /* of char *, without line ends; owned */
    HgUsers *users;
};

static void free_line(char *line)
{
    hg_secret_free_string(line); /* it may hold a hash */
}

void hg_users_edit_free(HgUsersEdit *edit)
{
    if (edit == NULL)
        return;
    if (edit->folder_fd >= 0)
        close(edit->folder_fd); /* unlocks */
    hg_users_unref(edit->users);
    g_ptr_array_unref(edit->lines);
    g_free(edit->path);
    g_free(edit->folder);
    g_free(edit);
}

static gboolean lock_folder(HgUsersEdit *edit, GError **error)
{
    edit->folder_fd = open(edit->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (edit->folder_fd < 0) {
        hg_error_set_errno(error, errno, "can't open the folder %s", edit->folder);
        return FALSE;
    }
    int failed;
    do {
        failed = flock(edit->folder_fd, LOCK_EX);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0)
        hg_error_set_errno(error, errno, "can't lock the folder %s", edit->folder);
    return failed == 0;
}

static void split_lines(HgUsersEdit *edit, HgSlice text)
{
    while (text.size > 0) {
        const guint8 *end = memchr(text.data, '\n', text.size);
        gsize size = end != NULL ? (gsize)(end - text.data) : text.size;
        g_ptr_array_add(edit->lines, g_strndup((const char *)text.data, size));
        gsize used = end != NULL ? size + 1 : size;
        text = hg_slice(text.data + used, text.size - used);
    }
}

static gboolean parse(HgUsersEdit *edit, HgSlice text, GError **error)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    edit->users = hg_users_parse(edit->path, text, problems);
    if (edit->users != NULL) {
        split_lines(edit, text);
        return TRUE;
    }
    g_ptr_array_add(problems, NULL);
    g_autofree char *all = g_strjoinv("\n", (char **)problems->pdata);
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s\nthe file has errors and was left as it is; correct it first", all);
    return FALSE;
}

static gboolean read_file(HgUsersEdit *edit, gboolean create, GError **error)
{
    g_autoptr(HgSecret) text = NULL;
    HgFileExposure exposure;
    if (stat(edit->path, &edit->status) != 0) {
        if (errno == ENOENT && create)
            return parse(edit, hg_slice(NULL, 0), error);
        hg_error_set_errno(error, errno, "can't open %s", edit->path);
        return FALSE;
    }
    edit->exists = TRUE;
    return hg_secret_read_file(edit->path, FILE_MAX_BYTES, &text, &exposure, error) &&
           parse(edit, hg_secret_slice(text), error);
}

gboolean hg_users_edit_open(const char *path, gboolean create, HgUsersEdit **out, GError **error)
{
    g_autoptr(HgUsersEdit) edit = g_new0(HgUsersEdit, 1);
    edit->folder_fd = -1;
    edit->lines = g_ptr_array_new_with_free_func((GDestroyNotify)free_line);
    char *real = realpath(path, NULL); /* renaming over a link would cut it */
    edit->path = g_strdup(real != NULL ? real : path);
    free(real);
    edit->folder = g_path_get_dirname(edit->path);
    if (!lock_folder(edit, error) || !read_file(edit, create, error))
        return FALSE;
    *out = g_steal_pointer(&edit);
    return TRUE;
}

HgUsers *hg_users_edit_users(const HgUsersEdit *edit)
{
    return edit->users;
}

/* The index of the user's line; G_MAXUINT when there is none. The file was parsed, so a line that
 * begins with the name and a colon is this user's. */
static guint find_line(const HgUsersEdit *edit, const char *name)
{
    g_autofree char *start = g_strconcat(name, ":", NULL);
    for (guint i = 0; i < edit->lines->len; i++) {
        const char *line = g_ptr_array_index(edit->lines, i);
        if (i == 0 && g_str_has_prefix(line, "\xef\xbb\xbf"))
            line += 3;
        if (g_str_has_prefix(line, start))
            return i;
    }
    return G_MAXUINT;
}

void hg_users_edit_put(HgUsersEdit *edit, const char *name, const char *hash,
                       const char *const *groups)
{
    const char *old_hash = NULL;
    HgPrincipal *old = hg_users_find(edit->users, hg_slice_from_string(name), &old_hash);
    if (groups == NULL && old != NULL)
        groups = hg_principal_groups(old);
    g_autofree char *list = groups != NULL ? g_strjoinv(",", (char **)groups) : g_strdup("");
    char *line = g_strconcat(name, ":", hash, *list != '\0' ? ":" : "", list, NULL);
    guint index = find_line(edit, name);
    if (index == G_MAXUINT) {
        g_ptr_array_add(edit->lines, line);
        return;
    }
    free_line(g_ptr_array_index(edit->lines, index));
    g_ptr_array_index(edit->lines, index) = line;
}

gboolean hg_users_edit_remove(HgUsersEdit *edit, const char *name)
{
    guint index = find_line(edit, name);
    if (index == G_MAXUINT)
        return FALSE;
    g_ptr_array_remove_index(edit->lines, index);
    return TRUE;
}

static gboolean write_lines(const HgUsersEdit *edit, int fd)
{
    FILE *file = fdopen(dup(fd), "w");
    if (file == NULL)
        return FALSE;
    for (guint i = 0; i < edit->lines->len; i++)
        fprintf(file, "%s\n", (const char *)g_ptr_array_index(edit->lines, i));
    gboolean ok = !ferror(file);
    return fclose(file) == 0 && ok;
}

/* Gives the new file the owner and the mode of the old one. */
static gboolean keep_owner(const HgUsersEdit *edit, int fd)
{
    struct stat now;
    if (!edit->exists)
        return fchmod(fd, NEW_FILE_MODE) == 0;
    if (fstat(fd, &now) != 0)
        return FALSE;
    gboolean same = now.st_uid == edit->status.st_uid && now.st_gid == edit->status.st_gid;
    if (!same && fchown(fd, edit->status.st_uid, edit->status.st_gid) != 0)
        return FALSE;
    return fchmod(fd, edit->status.st_mode & 07777) == 0;
}

gboolean hg_users_edit_save(HgUsersEdit *edit, GError **error)
{
    g_autofree char *base = g_path_get_basename(edit->path);
    g_autofree char *new_path = g_strdup_printf("%s/.%s.XXXXXX", edit->folder, base);
    int fd = mkostemp(new_path, O_CLOEXEC);
    if (fd < 0) {
        hg_error_set_errno(error, errno, "can't make a file in the folder %s", edit->folder);
        return FALSE;
    }
    gboolean ok = write_lines(edit, fd) && keep_owner(edit, fd) && fsync(fd) == 0 &&
                  rename(new_path, edit->path) == 0;
    int errnum = errno;
    close(fd);
    if (!ok) {
        unlink(new_path);
        hg_error_set_errno(error, errnum, "can't write %s, which stays as it was", edit->path);
        return FALSE;
    }
    if (fsync(edit->folder_fd) != 0) {
        hg_error_set_errno(error, errno, "%s is written, but maybe not on the disk yet",
                           edit->path);
        return FALSE;
    }
    return TRUE;
}
