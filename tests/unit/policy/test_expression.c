/* Tests of policy/expression: what is read, what is refused, and how columns are named. */
#include "policy/expression.h"
#include "suites.h"
#include "world.h"

#include <string.h>

static char *render(const char *text, const char *reads, const char *column)
{
    static const char *const groups[] = {"staff", "it's", NULL};
    static const char *const attributes[] = {"dept", "it", "many", "a", "many", "b", NULL};
    HgIdentity identity = {.user = "bob", .groups = groups, .attributes = attributes};
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) list = reads != NULL ? g_strsplit(reads, ",", -1) : NULL;
    g_autoptr(HgExpression) expression = hg_expression_parse(text, list, &error);
    if (expression == NULL)
        return g_strdup_printf("refused: %s", error->message);
    HgRendering rendering = {.schemas = schemas,
                             .table = hg_schemas_find(schemas, "spark_catalog.hr.emp"),
                             .identity = &identity,
                             .column = column};
    GString *out = g_string_new(NULL);
    HgRendered rendered = hg_expression_render(expression, &rendering, out, &error);
    if (rendered == HG_RENDERED) {
        for (char *at = out->str; *at != '\0'; at++)
            *at = *at == HG_NONCE_MARK ? 'N' : *at;
        return g_string_free(out, FALSE);
    }
    g_string_free(out, TRUE);
    return rendered == HG_RENDER_DENIED ? g_strdup("denied")
                                        : g_strdup_printf("broken: %s", error->message);
}

static void check(const char *text, const char *expected)
{
    g_autofree char *found = render(text, "hr.map,pub.t", NULL);
    ck_assert_str_eq(found, expected);
}

START_TEST(columns)
{
    check("Dept = 'x' AND emp.id > 1", "p_N.`dept` = 'x' AND p_N.`id` > 1");
    check("id = 1 -- why", "p_N.`id` = 1");
    check("nope = 1", "broken: there is no column nope");
    check("other.dept = 1", "broken: there is no column other");
    check("extract(YEAR FROM name) = 1", "extract ( YEAR FROM p_N.`name` ) = 1");
    check("current_date > '2024'", "current_date > '2024'");
}
END_TEST

START_TEST(placeholders)
{
    check("name = {user}", "p_N.`name` = 'bob'");
    check("dept IN ({groups})", "p_N.`dept` IN ( 'staff', 'it\\'s' )");
    check("dept = {attr.dept}", "p_N.`dept` = 'it'");
    check("dept IN ({attr.many})", "p_N.`dept` IN ( 'a', 'b' )");
    check("dept = {attr.many}", "denied");
    check("dept = {attr.none}", "denied");
    check("NOT dept = {attr.none}", "denied");
    check("name = {col}", "broken: {col} belongs into masks only");
    g_autofree char *mask = render("upper({col})", NULL, "p.x");
    ck_assert_str_eq(mask, "upper ( p.x )");
}
END_TEST

START_TEST(subqueries)
{
    check("dept IN (SELECT region FROM hr.map m WHERE usr = {user} AND m.region = id)",
          "p_N.`dept` IN ( SELECT r0_N.`region` FROM `spark_catalog`.`hr`.`map` r0_N WHERE "
          "r0_N.`usr` = 'bob' AND r0_N.`region` = p_N.`id` )");
    check("EXISTS (SELECT 1 FROM pub.t WHERE t.id = emp.id)",
          "EXISTS ( SELECT 1 FROM `spark_catalog`.`pub`.`t` AS r0_N WHERE r0_N.`id` = p_N.`id` )");
    /* the inner table's column comes first, as SQL has it */
    check("1 = (SELECT max(id) FROM pub.t)",
          "1 = ( SELECT max ( r0_N.`id` ) FROM `spark_catalog`.`pub`.`t` AS r0_N )");
    check("1 = (SELECT 1 FROM pub.t a, pub.t b WHERE id = 1)",
          "broken: the column id is in several tables of its subquery");
    check("1 = (SELECT x FROM pub.t WHERE t.y = 1)", "broken: there is no column t");
}
END_TEST

static void refuses(const char *text, const char *part)
{
    g_autofree char *found = render(text, "hr.map", NULL);
    ck_assert_msg(g_str_has_prefix(found, "refused: ") && strstr(found, part) != NULL, "%s: %s",
                  text, found);
}

START_TEST(refused)
{
    refuses("dept = '{user}'", "quotes");
    refuses("dept = {nope}", "there is no {nope}");
    refuses("dept = {user", "nothing closes");
    refuses("dept = ${x}", "substituted");
    refuses("current_user() = name", "write {user}");
    refuses("reflect('a', 'b') = name", "isn't allowed");
    refuses("my_udf(name)", "isn't allowed");
    refuses("id IN (SELECT id FROM pub.t)", "add reads: [pub.t]");
    refuses("id IN (SELECT id FROM t)", "database.table");
    refuses("id IN (SELECT * FROM hr.map)", "name the columns");
    refuses("id IN (WITH a AS (SELECT 1) TABLE a)", "WITH");
    refuses("id IN (SELECT 1 UNION SELECT 2)", "set operator");
    refuses("id = ?", "parameter");
    refuses("id = 1, id = 2", "one expression");
    refuses("id = 1 FROM t", "one expression");
    refuses("id AS x", "alias");
    refuses("id = ", "not an expression");
    refuses("id = 1; SELECT 1", "not an expression");
    refuses("exists(array(1), x -> x = id)", "lambda");
    refuses("", "not an expression");
}
END_TEST

START_TEST(time_zones)
{
    static const struct {
        const char *text;
        gboolean uses;
    } rows[] = {{"dept = 'x'", FALSE},
                {"upper(dept) LIKE 'X%'", FALSE},
                {"now() > '2024'", TRUE},
                {"current_date = '2024'", TRUE},
                {"CAST(id AS string) = '1'", TRUE},
                {"dept > TIMESTAMP '2024-01-01'", TRUE}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(HgExpression) expression = hg_expression_parse(rows[i].text, NULL, NULL);
        ck_assert_int_eq(hg_expression_uses_time_zone(expression), rows[i].uses);
        ck_assert_str_eq(hg_expression_text(expression), rows[i].text);
    }
}
END_TEST

Suite *expression_suite(void)
{
    Suite *suite = suite_create("expression");
    TCase *tests = tcase_create("expressions");
    tcase_add_test(tests, columns);
    tcase_add_test(tests, placeholders);
    tcase_add_test(tests, subqueries);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, time_zones);
    suite_add_tcase(suite, tests);
    return suite;
}
