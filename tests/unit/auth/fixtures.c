/* Cheap hashes and users files for tests: see fixtures.h. */
#include "fixtures.h"

#include <check.h>
#include <crypt.h>
#include <stdlib.h>
#include <unistd.h>

char *cheap_hash(const char *password)
{
    struct crypt_data *data = g_new0(struct crypt_data, 1);
    char *hash = g_strdup(crypt_r(password, "$6$rounds=1000$saltysalt$", data));
    g_free(data);
    ck_assert(hash != NULL && hash[0] == '$');
    return hash;
}

char *write_file(const char *text)
{
    char *path = g_strdup("/tmp/hg-test-users-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    rewrite_file(path, text);
    return path;
}

void rewrite_file(const char *path, const char *text)
{
    ck_assert(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}
