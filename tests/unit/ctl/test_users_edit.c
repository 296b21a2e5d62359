/* Tests of ctl/users_edit: what stays, what is replaced, and many editors at once. */
#include "base/error.h"
#include "ctl/users_edit.h"
#include "folder.h"
#include "suites.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HASH  "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6"
#define HASH2 "$5$tlas$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6"

/* A folder with the path of a users file in it. */
typedef struct {
    char *folder;
    char *path;
} Place;

static void place_clear(Place *place)
{
    folder_free(place->folder);
    g_free(place->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static Place place_new(const char *text)
{
    Place place = {.folder = folder_new()};
    place.path = g_build_filename(place.folder, "users.txt", NULL);
    if (text != NULL)
        ck_assert(g_file_set_contents_full(place.path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT,
                                           0600, NULL));
    return place;
}

static HgUsersEdit *open_edit(const char *path, gboolean create)
{
    HgUsersEdit *edit = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_users_edit_open(path, create, &edit, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    return edit;
}

static void save(HgUsersEdit *edit)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_users_edit_save(edit, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
}

static void check_text(const char *path, const char *expected)
{
    g_autofree char *text = file_text(path);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_new_file)
{
    g_auto(Place) place = place_new(NULL);
    HgUsersEdit *untouched = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_users_edit_open(place.path, FALSE, &untouched, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_IO));
    ck_assert_uint_eq(folder_count(place.folder), 0);

    g_autoptr(HgUsersEdit) edit = open_edit(place.path, TRUE);
    const char *groups[] = {"a", "b", NULL};
    hg_users_edit_put(edit, "alice", HASH, NULL);
    hg_users_edit_put(edit, "bob", HASH, groups);
    ck_assert_uint_eq(folder_count(place.folder), 0); /* nothing before it is saved */
    save(edit);
    check_text(place.path, "alice:" HASH "\nbob:" HASH ":a,b\n");
    struct stat status;
    ck_assert_int_eq(stat(place.path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_uint_eq(folder_count(place.folder), 1); /* no lock file, no temporary one */
}
END_TEST

START_TEST(test_the_rest_stays)
{
    g_auto(Place) place = place_new("# the users\n"
                                    "alice:" HASH ":old\n"
                                    "\n"
                                    "#bob:" HASH "\n"
                                    "alicea:" HASH "\n"
                                    "bob:" HASH ":x,y\r\n"
                                    "# end");
    g_autoptr(HgUsersEdit) edit = open_edit(place.path, FALSE);
    const char *none[] = {NULL};
    hg_users_edit_put(edit, "alice", HASH2, NULL); /* keeps her groups */
    hg_users_edit_put(edit, "bob", HASH2, none);   /* loses his */
    hg_users_edit_put(edit, "carol", HASH2, NULL);
    save(edit);
    check_text(place.path, "# the users\n"
                           "alice:" HASH2 ":old\n"
                           "\n"
                           "#bob:" HASH "\n"
                           "alicea:" HASH "\n"
                           "bob:" HASH2 "\n"
                           "# end\n"
                           "carol:" HASH2 "\n");
}
END_TEST

START_TEST(test_remove)
{
    g_auto(Place) place = place_new("alice:" HASH "\n# note\nbob:" HASH "\n");
    g_autoptr(HgUsersEdit) edit = open_edit(place.path, FALSE);
    ck_assert(!hg_users_edit_remove(edit, "carol"));
    ck_assert(!hg_users_edit_remove(edit, "ali"));
    ck_assert(!hg_users_edit_remove(edit, "# note"));
    ck_assert(hg_users_edit_remove(edit, "alice"));
    save(edit);
    check_text(place.path, "# note\nbob:" HASH "\n");
}
END_TEST

START_TEST(test_byte_order_mark)
{
    g_auto(Place) place = place_new("\xef\xbb\xbf"
                                    "alice:" HASH "\n");
    g_autoptr(HgUsersEdit) edit = open_edit(place.path, FALSE);
    hg_users_edit_put(edit, "alice", HASH2, NULL);
    save(edit);
    check_text(place.path, "alice:" HASH2 "\n");
}
END_TEST

START_TEST(test_broken_file)
{
    static const char text[] = "alice\nbob:" HASH "\nbob:" HASH "\n";
    g_auto(Place) place = place_new(text);
    HgUsersEdit *edit = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_users_edit_open(place.path, TRUE, &edit, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "users.txt:1: "));
    ck_assert_ptr_nonnull(strstr(error->message, "users.txt:3: "));
    ck_assert_ptr_null(edit);
    check_text(place.path, text);
}
END_TEST

START_TEST(test_mode_and_owner)
{
    g_auto(Place) place = place_new("alice:" HASH "\n");
    ck_assert_int_eq(chmod(place.path, 0640), 0);
    gboolean root = geteuid() == 0;
    if (root)
        ck_assert_int_eq(chown(place.path, 12345, 23456), 0);
    g_autoptr(HgUsersEdit) edit = open_edit(place.path, FALSE);
    hg_users_edit_put(edit, "bob", HASH, NULL);
    save(edit);
    struct stat status;
    ck_assert_int_eq(stat(place.path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0640);
    ck_assert_uint_eq(status.st_uid, root ? 12345 : geteuid());
    if (root)
        ck_assert_uint_eq(status.st_gid, 23456);
}
END_TEST

START_TEST(test_symbolic_link)
{
    g_auto(Place) place = place_new("alice:" HASH "\n");
    g_autofree char *link_path = g_build_filename(place.folder, "link", NULL);
    ck_assert_int_eq(symlink("users.txt", link_path), 0);
    g_autoptr(HgUsersEdit) edit = open_edit(link_path, FALSE);
    hg_users_edit_put(edit, "bob", HASH, NULL);
    save(edit);
    struct stat status;
    ck_assert_int_eq(lstat(link_path, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    check_text(place.path, "alice:" HASH "\nbob:" HASH "\n");
}
END_TEST

/* Whoever has the old file open keeps reading the old one: it isn't written over. */
START_TEST(test_replaces_at_once)
{
    g_auto(Place) place = place_new("alice:" HASH "\n");
    FILE *old = fopen(place.path, "r");
    g_autoptr(HgUsersEdit) edit = open_edit(place.path, FALSE);
    hg_users_edit_put(edit, "alice", HASH2, NULL);
    save(edit);
    char line[128];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, old));
    ck_assert_str_eq(line, "alice:" HASH "\n");
    fclose(old);
}
END_TEST

START_TEST(test_no_folder)
{
    HgUsersEdit *edit = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_users_edit_open("/nonexistent/users.txt", TRUE, &edit, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "/nonexistent"));
    hg_users_edit_free(NULL);
}
END_TEST

#define EDITORS 8
#define EDITS   5

/* One editor: a process that adds users one by one. */
static int add_users(const char *path, int editor)
{
    for (int i = 0; i < EDITS; i++) {
        g_autofree char *name = g_strdup_printf("user-%d-%d", editor, i);
        HgUsersEdit *edit = NULL;
        if (!hg_users_edit_open(path, TRUE, &edit, NULL))
            return 1;
        g_usleep(1000); /* so that unlocked editors would surely meet */
        hg_users_edit_put(edit, name, HASH, NULL);
        gboolean ok = hg_users_edit_save(edit, NULL);
        hg_users_edit_free(edit);
        if (!ok)
            return 1;
    }
    return 0;
}

START_TEST(test_many_editors)
{
    g_auto(Place) place = place_new(NULL);
    pid_t editors[EDITORS];
    for (int i = 0; i < EDITORS; i++) {
        editors[i] = fork();
        ck_assert_int_ge(editors[i], 0);
        if (editors[i] == 0)
            _exit(add_users(place.path, i));
    }
    for (int i = 0; i < EDITORS; i++) {
        int status = 1;
        ck_assert_int_eq(waitpid(editors[i], &status, 0), editors[i]);
        ck_assert_int_eq(status, 0);
    }
    g_autoptr(HgUsersEdit) edit = open_edit(place.path, FALSE);
    ck_assert_uint_eq(hg_users_count(hg_users_edit_users(edit)), EDITORS * EDITS);
    ck_assert_uint_eq(folder_count(place.folder), 1);
}
END_TEST

Suite *users_edit_suite(void)
{
    Suite *suite = suite_create("ctl/users_edit");
    TCase *tcase = tcase_create("users_edit");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_new_file);
    tcase_add_test(tcase, test_the_rest_stays);
    tcase_add_test(tcase, test_remove);
    tcase_add_test(tcase, test_byte_order_mark);
    tcase_add_test(tcase, test_broken_file);
    tcase_add_test(tcase, test_mode_and_owner);
    tcase_add_test(tcase, test_symbolic_link);
    tcase_add_test(tcase, test_replaces_at_once);
    tcase_add_test(tcase, test_no_folder);
    tcase_add_test(tcase, test_many_editors);
    suite_add_tcase(suite, tcase);
    return suite;
}
