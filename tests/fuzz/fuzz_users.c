/* Fuzz target: the text of a users file. Either every problem is named, or each user is found under
 * its name and the users, written out again, read the same. */
#include "auth/users.h"
#include "fuzz.h"

static void check_problems(const GPtrArray *problems)
{
    FUZZ_CHECK(problems->len > 0 && problems->len <= 100);
    for (guint i = 0; i < problems->len; i++) {
        const char *problem = g_ptr_array_index(problems, i);
        FUZZ_CHECK(g_str_has_prefix(problem, "users:"));
        FUZZ_CHECK(g_utf8_validate(problem, -1, NULL));
        for (const char *at = problem; *at != '\0'; at++)
            FUZZ_CHECK((guchar)*at >= ' ' && *at != 0x7f);
    }
}

/* The users as lines of a file. */
static char *write_users(const HgUsers *users)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < hg_users_count(users); i++) {
        HgPrincipal *user = hg_users_nth(users, i);
        const char *name = hg_principal_name(user);
        const char *hash = NULL;
        FUZZ_CHECK(hg_users_find(users, hg_slice_from_string(name), &hash) == user);
        FUZZ_CHECK(hash != NULL && hash[0] != '\0' && strchr(hash, ':') == NULL);
        FUZZ_CHECK(strpbrk(name, ":\n@/") == NULL && name[0] != '#' && name[0] != '\0');
        const char *const *groups = hg_principal_groups(user);
        g_autofree char *joined = g_strjoinv(",", (char **)groups);
        g_string_append_printf(text, "%s:%s:%s\n", name, hash, joined);
    }
    return g_string_free(text, FALSE);
}

static void check_again(const HgUsers *users, const char *text)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HgUsers) again = hg_users_parse("users", hg_slice_from_string(text), problems);
    FUZZ_CHECK(again != NULL && problems->len == 0);
    FUZZ_CHECK(hg_users_count(again) == hg_users_count(users));
    g_autofree char *written = write_users(again);
    FUZZ_CHECK(strcmp(written, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice text = fuzz_copy(hg_slice(data, size));
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HgUsers) users = hg_users_parse("users", text, problems);
    const char *hash = NULL;
    if (users == NULL) {
        check_problems(problems);
    } else {
        FUZZ_CHECK(problems->len == 0);
        g_autofree char *written = write_users(users);
        check_again(users, written);
        hg_users_find(users, text, &hash); /* any bytes as a name */
        FUZZ_CHECK(hg_users_decoy(users, text) != NULL);
    }
    fuzz_free(text);
    return 0;
}
