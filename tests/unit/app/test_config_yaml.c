/* Tests of app/config_yaml: the tree, its places, and everything that is refused. */
#include "app/config_yaml.h"
#include "suites.h"

static HgYaml *parse(const char *text)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("t");
    HgYaml *root = hg_yaml_parse(hg_slice_from_string(text), diagnostics);
    g_autofree char *wrong = hg_diagnostics_text(diagnostics);
    ck_assert_msg(root != NULL, "%s", wrong);
    ck_assert_uint_eq(hg_diagnostics_errors(diagnostics), 0);
    return root;
}

static void check_mark(const HgYaml *node, guint line, guint column)
{
    ck_assert_uint_eq(node->mark.line, line);
    ck_assert_uint_eq(node->mark.column, column);
}

START_TEST(test_tree)
{
    g_autoptr(HgYaml) root = parse("# comment\n"
                                   "a: 1\n"
                                   "list:\n"
                                   "  - x\n"
                                   "  - {k: \"v v\"}\n"
                                   "gr\xc3\xbc\xc3\x9f: '~'\n"
                                   "nothing:\n"
                                   "tilde: ~\n");
    ck_assert_int_eq(root->kind, HG_YAML_MAP);
    ck_assert_uint_eq(hg_yaml_size(root), 5);
    const HgYaml *a = hg_yaml_get(root, "a");
    ck_assert_str_eq(a->text, "1");
    check_mark(a, 2, 4);
    const HgYaml *list = hg_yaml_get(root, "list");
    ck_assert_int_eq(list->kind, HG_YAML_LIST);
    ck_assert_str_eq(hg_yaml_nth(list, 0)->text, "x");
    check_mark(hg_yaml_nth(list, 0), 4, 5);
    ck_assert_str_eq(hg_yaml_get(hg_yaml_nth(list, 1), "k")->text, "v v");
    check_mark(hg_yaml_key(hg_yaml_nth(list, 1), 0), 5, 6);
    const HgYaml *quoted = hg_yaml_get(root, "gr\xc3\xbc\xc3\x9f");
    ck_assert_str_eq(quoted->text, "~");
    ck_assert(!quoted->is_null);
    check_mark(quoted, 6, 7); /* columns count characters, not bytes */
    ck_assert(hg_yaml_get(root, "nothing")->is_null);
    ck_assert(hg_yaml_get(root, "tilde")->is_null);
}
END_TEST

START_TEST(test_looking_up)
{
    g_autoptr(HgYaml) root = parse("a: [1]\nb: x\n");
    ck_assert_ptr_null(hg_yaml_get(root, "c"));
    ck_assert_ptr_null(hg_yaml_get(NULL, "a"));
    ck_assert_ptr_null(hg_yaml_get(hg_yaml_get(root, "b"), "a"));
    ck_assert_ptr_null(hg_yaml_get(hg_yaml_get(root, "a"), "a"));
    ck_assert_ptr_null(hg_yaml_nth(NULL, 0));
    ck_assert_ptr_null(hg_yaml_nth(root, 0));
    ck_assert_ptr_null(hg_yaml_nth(hg_yaml_get(root, "a"), 1));
    ck_assert_uint_eq(hg_yaml_mark(NULL).line, 0);
    hg_yaml_free(NULL);
}
END_TEST

START_TEST(test_other_roots)
{
    g_autoptr(HgYaml) scalar = parse("just text\n");
    g_autoptr(HgYaml) list = parse("- a\n- b\n");
    g_autoptr(HgYaml) marked = parse("%YAML 1.1\n---\na: 1\n...\n");
    g_autoptr(HgYaml) bom = parse("\xef\xbb\xbf"
                                  "a: 1\n");
    g_autoptr(HgYaml) json = parse("{\"a\": [1, {\"b\": \"c\"}]}");
    g_autoptr(HgYaml) twice = parse("a: 1\na: 2\n"); /* the reader of the options reports it */
    ck_assert_int_eq(scalar->kind, HG_YAML_SCALAR);
    ck_assert_int_eq(list->kind, HG_YAML_LIST);
    ck_assert_str_eq(hg_yaml_get(marked, "a")->text, "1");
    ck_assert_str_eq(hg_yaml_get(bom, "a")->text, "1");
    ck_assert_str_eq(hg_yaml_get(hg_yaml_nth(hg_yaml_get(json, "a"), 1), "b")->text, "c");
    ck_assert_uint_eq(hg_yaml_size(twice), 2);
}
END_TEST

static void check_refused(HgSlice text, const char *expected)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("t");
    g_autoptr(HgYaml) root = hg_yaml_parse(text, diagnostics);
    ck_assert_msg(root == NULL, "taken, expected: %s", expected);
    ck_assert_uint_eq(hg_diagnostics_errors(diagnostics), 1);
    const char *message = hg_diagnostics_nth(diagnostics, 0);
    ck_assert_msg(strstr(message, expected) != NULL, "%s\nexpected: %s", message, expected);
}

#define REFUSED(literal, expected) check_refused(hg_slice(literal, sizeof(literal) - 1), expected)

START_TEST(test_empty)
{
    check_refused(hg_slice(NULL, 0), "t: the file is empty");
    REFUSED("", "t: the file is empty");
    REFUSED("\n# only a comment\n", "t: the file is empty");
    REFUSED("\xef\xbb\xbf", "t: the file is empty");
}
END_TEST

START_TEST(test_syntax)
{
    REFUSED("a: [1\n", "t:2:1: not valid YAML: ");
    REFUSED("a: \"x\n", "not valid YAML: ");
    REFUSED("a: 1\n b: 2\n", "t:2:3: not valid YAML: ");
    REFUSED("a: 1\n- b\n", "t:2:1: not valid YAML: ");
    REFUSED("a:\n\tb: 1\n", "t:2:1: not valid YAML: found character that cannot start any token");
    REFUSED("a:\n\tb: 1\n", "indent with spaces");
    REFUSED("a: {b: 1\n", "begins on line 1");
    REFUSED("a: @x\n", "not valid YAML: ");
    REFUSED("a: 1\n---\nb: 2\n", "a second document");
    REFUSED("a: 1\n...\nb: 2\n", "not valid YAML: ");
    REFUSED("%YAML 3.0\n---\na: 1\n", "not valid YAML: ");
    REFUSED("? [a]\n: b\n", "t:1:3: a list or map is in the place of a key");
    REFUSED("{a: b}: c\n", "in the place of a key");
}
END_TEST

START_TEST(test_no_sharing)
{
    REFUSED("a: &x 1\nb: *x\n", "t:1:4: an anchor (&), alias (*) or tag (!)");
    REFUSED("a: *x\n", "t:1:4: an anchor");
    REFUSED("a: !!int 1\n", "t:1:4: an anchor");
    REFUSED("a: !secret x\n", "an anchor");
    REFUSED("a: &x [1]\n", "an anchor");
    REFUSED("a: &x {b: 1}\n", "an anchor");
    REFUSED("&x a: 1\n", "an anchor");
    REFUSED("a: !!map {b: 1}\n", "an anchor");
    REFUSED("a: !!seq [b]\n", "an anchor");
    /* the bomb: nine lines that would be a billion items */
    REFUSED("a: &a [x,x,x,x,x,x,x,x,x]\n"
            "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
            "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
            "t:1:4: an anchor");
}
END_TEST

START_TEST(test_bad_bytes)
{
    REFUSED("a: 1\nb: \xff\n", "t:2:4: byte 0xff is not valid UTF-8");
    REFUSED("gr\xc3\xbc\xc3\x9f: \xc3(\n", "t:1:7: byte 0xc3");
    REFUSED("a: 1\0\n", "t:1:5: byte 0x00");
    REFUSED("\xff\xfe"
            "a\0",
            "t:1:1: byte 0xff"); /* UTF-16 */
    REFUSED("a: \x01\n", "not a text that YAML allows");
    REFUSED("a: \x1b[31m\n", "not a text that YAML allows");
    REFUSED("a: \"\\0\"\n", "t:1:4: this text holds a control character");
    REFUSED("a: \"x\\ny\"\n", "a line end");
    REFUSED("a: |\n  x\n  y\n", "a line end");
    REFUSED("\"a\\eb\": 1\n", "t:1:1: this text holds a control character");
}
END_TEST

static char *repeat(const char *text, guint count)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < count; i++)
        g_string_append(all, text);
    return g_string_free(all, FALSE);
}

START_TEST(test_bounds)
{
    g_autofree char *lists = repeat("[", 100);
    g_autofree char *maps = repeat("{a: ", 100);
    g_autofree char *dashes = repeat("- ", 17);
    g_autofree char *sixteen = repeat("- ", 15);
    g_autofree char *many = repeat("- a\n", 20001);
    g_autofree char *enough = repeat("- a\n", 19999);
    g_autofree char *word = g_strnfill(4097, 'x');
    g_autofree char *file = g_strnfill(HG_YAML_MAX_BYTES + 1, ' ');
    check_refused(hg_slice_from_string(lists), "nested more than 16 deep");
    check_refused(hg_slice_from_string(maps), "nested more than 16 deep");
    check_refused(hg_slice_from_string(dashes), "nested more than 16 deep");
    g_autofree char *deep = g_strconcat(sixteen, "x\n", NULL);
    g_autoptr(HgYaml) taken = parse(deep);
    check_refused(hg_slice_from_string(many), "more than 20000 values");
    g_autoptr(HgYaml) large = parse(enough);
    ck_assert_uint_eq(hg_yaml_size(large), 19999);
    check_refused(hg_slice_from_string(word), "longer than 4096 bytes");
    word[4096] = '\0';
    g_autoptr(HgYaml) long_word = parse(word);
    check_refused(hg_slice_from_string(file), "larger than 1 MiB");
}
END_TEST

/* What a megabyte of any one character costs is bounded, whatever the scanner does with it. */
START_TEST(test_no_blow_up)
{
    static const char *const texts[] = {"[", "{",   "- ",    "? ",     "a:\n ",  "\"",  "'", "|\n",
                                        "&", "#\n", "---\n", "a: [\n", "{a: \n", "%\n", ",", "::"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = repeat(texts[i], HG_YAML_MAX_BYTES / (guint)strlen(texts[i]));
        g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("t");
        gint64 before = g_get_monotonic_time();
        g_autoptr(HgYaml) root = hg_yaml_parse(hg_slice_from_string(text), diagnostics);
        double seconds = (double)(g_get_monotonic_time() - before) / 1e6;
        ck_assert_msg(seconds < 10, "%s: %.1f s", texts[i], seconds);
    }
}
END_TEST

/* Random changes to a good file: a tree or an error, never both or neither. */
START_TEST(test_damaged)
{
    static const char good[] = "listeners:\n  - {name: a, bind: \"[::1]:1\"}\nx: [1, 'b', ~]\n"
                               "long: >-\n  folded\n  text\n";
    static const char odd[] = "\n\t -:[]{}&*!|>'\"%@`#?,\\\xc3\x80\xff~";
    GRand *random = g_rand_new_with_seed(7);
    for (int round = 0; round < 20000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int i = g_rand_int_range(random, 1, 6); i > 0; i--)
            text[g_rand_int_range(random, 0, sizeof good - 1)] =
                odd[g_rand_int_range(random, 0, sizeof odd)];
        gsize size = (gsize)g_rand_int_range(random, 1, sizeof good);
        g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("t");
        g_autoptr(HgYaml) root = hg_yaml_parse(hg_slice(text, size), diagnostics);
        if ((root == NULL) != (hg_diagnostics_errors(diagnostics) > 0))
            ck_abort_msg("round %d", round);
    }
    g_rand_free(random);
}
END_TEST

Suite *config_yaml_suite(void)
{
    Suite *suite = suite_create("app/config_yaml");
    TCase *tcase = tcase_create("config_yaml");
    tcase_set_timeout(tcase, 180);
    tcase_add_test(tcase, test_tree);
    tcase_add_test(tcase, test_looking_up);
    tcase_add_test(tcase, test_other_roots);
    tcase_add_test(tcase, test_empty);
    tcase_add_test(tcase, test_syntax);
    tcase_add_test(tcase, test_no_sharing);
    tcase_add_test(tcase, test_bad_bytes);
    tcase_add_test(tcase, test_bounds);
    tcase_add_test(tcase, test_no_blow_up);
    tcase_add_test(tcase, test_damaged);
    suite_add_tcase(suite, tcase);
    return suite;
}
