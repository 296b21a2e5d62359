/* Tests of audit/anchor, anchor_key and anchor_check: what is signed comes back, and no change of
 * it passes; walks along chains that are whole, cut off, made anew or dropped. */
#include "audit/anchor_check.h"
#include "base/secret.h"
#include "suites.h"

#include <glib/gstdio.h>

/* RFC 8032 7.1, test 1: its secret key as PKCS #8, and the first 16 digits of the SHA-256 of its
 * public key. */
#define KNOWN_KEY                                                                                  \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                           \
    "-----END PRIVATE KEY-----\n"
#define KNOWN_ID "21fe31dfa154a261"
static const guint8 known_signature[8] = {0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72};

typedef struct {
    char *folder;
    char *path;
    char *anchors;
    HgAnchorKey *key;
    HgAnchorKeys *keys;
} Keys;

static void setup_with(Keys *keys, const char *pem)
{
    GError *error = NULL;
    keys->folder = g_dir_make_tmp("hivegate-anchor-XXXXXX", NULL);
    keys->path = g_build_filename(keys->folder, "key", NULL);
    keys->anchors = g_build_filename(keys->folder, "anchors", NULL);
    ck_assert(g_file_set_contents(keys->path, pem, -1, NULL));
    ck_assert_int_eq(g_chmod(keys->path, 0600), 0);
    keys->key = hg_anchor_key_load(keys->path, &error);
    ck_assert_msg(keys->key != NULL, "%s", error != NULL ? error->message : "");
    keys->keys = hg_anchor_keys_new();
    ck_assert(hg_anchor_keys_add(keys->keys, keys->path, NULL));
}

static void clear(Keys *keys)
{
    hg_anchor_key_free(keys->key);
    hg_anchor_keys_free(keys->keys);
    g_unlink(keys->path);
    g_unlink(keys->anchors);
    g_rmdir(keys->folder);
    g_free(keys->path);
    g_free(keys->anchors);
    g_free(keys->folder);
}

static HgAnchor make(const Keys *keys, guint64 sequence, guint8 mark)
{
    HgAnchor anchor = {.spool = {{1, 2}}, .sequence = sequence};
    memset(&anchor.hash, mark, sizeof anchor.hash);
    hg_anchor_set_time(&anchor, G_GINT64_CONSTANT(1795255200000001));
    ck_assert(hg_anchor_sign(&anchor, keys->key));
    return anchor;
}

START_TEST(test_known_signature)
{
    Keys keys;
    guint8 out[HG_ANCHOR_SIGNATURE];
    setup_with(&keys, KNOWN_KEY);
    ck_assert_str_eq(hg_anchor_key_id(keys.key), KNOWN_ID);
    ck_assert(hg_anchor_key_sign(keys.key, hg_slice("", 0), out));
    ck_assert_mem_eq(out, known_signature, sizeof known_signature);
    clear(&keys);
}
END_TEST

START_TEST(test_any_change_is_found)
{
    Keys keys;
    HgAnchor back;
    setup_with(&keys, KNOWN_KEY);
    HgAnchor anchor = make(&keys, 7, 0x5a);
    ck_assert_str_eq(anchor.at, "2026-11-21T10:00:00.000001Z");
    g_autofree char *line = hg_anchor_print(&anchor);
    gsize size = strlen(line);
    ck_assert(hg_anchor_parse(hg_slice(line, size), &back));
    ck_assert_int_eq(hg_anchor_check(&back, keys.keys), HG_ANCHOR_GOOD);
    for (gsize i = 0; i < size; i++) {
        char was = line[i];
        line[i] ^= 1;
        gboolean good = hg_anchor_parse(hg_slice(line, size), &back) &&
                        hg_anchor_check(&back, keys.keys) == HG_ANCHOR_GOOD;
        /* the last digit of base64 before the padding has bits that say nothing */
        if (good)
            ck_assert(back.sequence == 7 && memcmp(&back.hash, &anchor.hash, 32) == 0 &&
                      strcmp(back.at, anchor.at) == 0);
        line[i] = was;
    }
    for (gsize i = 0; i < size; i++)
        ck_assert(!hg_anchor_parse(hg_slice(line, i), &back));
    clear(&keys);
}
END_TEST

START_TEST(test_made_keys_differ)
{
    char *secret = NULL, *other = NULL;
    char *known = NULL, *known_other = NULL;
    Keys keys;
    ck_assert(hg_anchor_key_make(&secret, &known, NULL));
    ck_assert(hg_anchor_key_make(&other, &known_other, NULL));
    ck_assert_str_ne(secret, other);
    setup_with(&keys, secret);
    HgAnchor anchor = make(&keys, 1, 1);
    ck_assert_int_eq(hg_anchor_check(&anchor, keys.keys), HG_ANCHOR_GOOD);
    g_autoptr(HgAnchorKeys) others = hg_anchor_keys_new();
    ck_assert_int_eq(hg_anchor_check(&anchor, others), HG_ANCHOR_UNKNOWN);
    ck_assert(g_file_set_contents(keys.path, known_other, -1, NULL));
    ck_assert(hg_anchor_keys_add(others, keys.path, NULL));
    ck_assert_int_eq(hg_anchor_check(&anchor, others), HG_ANCHOR_UNKNOWN);
    ck_assert(g_file_set_contents(keys.path, known, -1, NULL));
    ck_assert(hg_anchor_keys_add(others, keys.path, NULL));
    ck_assert_int_eq(hg_anchor_check(&anchor, others), HG_ANCHOR_GOOD);
    ck_assert_uint_eq(hg_anchor_keys_count(others), 2);
    clear(&keys);
    hg_secret_free_string(secret);
    hg_secret_free_string(other);
    g_free(known);
    g_free(known_other);
}
END_TEST

/* ---- walks ---- */

static void on_fault(void *data, const HgAuditId *spool, guint64 from, guint64 to, const char *what)
{
    GString *out = data;
    g_string_append_printf(out, "%u-%u ", (guint)from, (guint)to);
}

/* A walk over records first..last whose hashes are made of `mark`; the faults' places. */
static char *walk(HgAnchorCheck *check, guint64 behind, guint64 first, guint64 last, guint8 mark)
{
    GString *faults = g_string_new(NULL);
    HgAnchorReport report = {on_fault, faults};
    HgAuditId spool = {{1, 2}};
    HgAuditHash hash;
    memset(&hash, mark, sizeof hash);
    hg_anchor_check_begin(check, &report, &spool, behind, &hash);
    for (guint64 i = first; i <= last; i++)
        hg_anchor_check_record(check, i, &hash, hg_slice_from_string("{\"kind\":\"gap\"}"));
    hg_anchor_check_end(check);
    return g_string_free(faults, FALSE);
}

static HgAnchorCheck *load(const Keys *keys)
{
    HgAnchor three = make(keys, 3, 9), five = make(keys, 5, 9);
    g_autofree char *first = hg_anchor_print(&five);
    g_autofree char *second = hg_anchor_print(&three);
    g_autofree char *text = g_strconcat(first, "\n\n", second, NULL);
    HgAnchorCheck *check = hg_anchor_check_new(keys->keys);
    ck_assert(g_file_set_contents(keys->anchors, text, -1, NULL));
    ck_assert(hg_anchor_check_load(check, keys->anchors, NULL));
    return check;
}

START_TEST(test_walks)
{
    static const struct {
        guint64 behind, first, last;
        guint8 mark;
        const char *faults;
        guint64 held, elsewhere;
    } rows[] = {
        {0, 1, 6, 9, "", 2, 0},         {0, 1, 5, 9, "", 2, 0},   {0, 1, 4, 9, "5-5 ", 1, 0},
        {0, 1, 6, 8, "3-3 5-5 ", 0, 0}, {3, 4, 6, 9, "", 2, 0},   {4, 5, 6, 9, "", 1, 1},
        {0, 4, 6, 9, "3-3 ", 1, 0},     {9, 10, 12, 9, "", 0, 2}, {3, 4, 4, 8, "3-3 5-5 ", 0, 0},
    };
    Keys keys;
    setup_with(&keys, KNOWN_KEY);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        HgAnchorCounts counts;
        g_autoptr(HgAnchorCheck) check = load(&keys);
        g_autofree char *faults =
            walk(check, rows[i].behind, rows[i].first, rows[i].last, rows[i].mark);
        hg_anchor_check_counts(check, &counts);
        ck_assert_msg(strcmp(faults, rows[i].faults) == 0, "row %zu: %s", i, faults);
        ck_assert_uint_eq(counts.held, rows[i].held);
        ck_assert_uint_eq(counts.elsewhere, rows[i].elsewhere);
    }
    clear(&keys);
}
END_TEST

START_TEST(test_dropped_and_unseen)
{
    Keys keys;
    HgAuditId spool = {{1, 2}};
    HgAuditHash hash;
    HgAnchorCounts counts;
    g_autoptr(GString) faults = g_string_new(NULL);
    HgAnchorReport report = {on_fault, faults};
    memset(&hash, 9, sizeof hash);
    setup_with(&keys, KNOWN_KEY);
    g_autoptr(HgAnchorCheck) check = load(&keys);
    hg_anchor_check_unseen(check, &report);
    ck_assert_str_eq(faults->str, "1-5 ");
    hg_anchor_check_begin(check, &report, &spool, 0, &hash);
    hg_anchor_check_dropped(check, 1, 5, &hash);
    hg_anchor_check_end(check);
    hg_anchor_check_unseen(check, &report);
    hg_anchor_check_counts(check, &counts);
    ck_assert_uint_eq(counts.held, 1);
    ck_assert_uint_eq(counts.elsewhere, 1);
    ck_assert_str_eq(faults->str, "1-5 ");
    clear(&keys);
}
END_TEST

Suite *anchor_suite(void)
{
    Suite *suite = suite_create("anchor");
    TCase *tests = tcase_create("anchor");
    tcase_add_test(tests, test_known_signature);
    tcase_add_test(tests, test_any_change_is_found);
    tcase_add_test(tests, test_made_keys_differ);
    tcase_add_test(tests, test_walks);
    tcase_add_test(tests, test_dropped_and_unseen);
    suite_add_tcase(suite, tests);
    return suite;
}
