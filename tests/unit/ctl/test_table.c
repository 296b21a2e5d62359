/* Tests of ctl/table: columns are as wide as they must be, and no cell can play with the terminal.
 */
#include "ctl/table.h"
#include "suites.h"

#include <glib.h>
#include <stdlib.h>

static const HgTableColumn columns[] = {
    {"NAME", "name", 8}, {"N", "n", 0}, {"ON", "on", 0}, {"TEXT", "text", 0}, {NULL, NULL, 0}};

static void check_table(const char *json, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    json_t *list = json_loads(json, 0, NULL);
    ck_assert_ptr_nonnull(list);
    hg_table_print(out, columns, list);
    fclose(out);
    json_decref(list);
    ck_assert_str_eq(bytes, expected);
    free(bytes);
}

START_TEST(test_widths)
{
    check_table("[]", "NAME  N  ON  TEXT\n");
    check_table("[{\"name\": \"a\", \"n\": 1234, \"on\": true, \"text\": \"x\"},"
                " {\"name\": \"\\u00e4\\u00f6\\u00fcabcde\", \"n\": 1.25, \"on\": false}]",
                "NAME      N     ON   TEXT\n"
                "a         1234  yes  x\n"
                "\u00e4\u00f6\u00fcabcde  1.2   no   -\n");
}
END_TEST

START_TEST(test_long_and_rude_texts)
{
    check_table("[{\"name\": \"\\u00e4bcdefghi\", \"n\": null, \"on\": 7,"
                "  \"text\": \"a\\u001b[2J\\nb\\u202ec\"}]",
                "NAME      N  ON  TEXT\n"
                "\u00e4bcde...  -  7   a [2J b c\n");
}
END_TEST

Suite *table_suite(void)
{
    Suite *suite = suite_create("ctl/table");
    TCase *tests = tcase_create("table");
    tcase_add_test(tests, test_widths);
    tcase_add_test(tests, test_long_and_rude_texts);
    suite_add_tcase(suite, tests);
    return suite;
}
