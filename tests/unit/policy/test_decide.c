/* Tests of policy/decide and all of its steps: what becomes of statements. */
#include "suites.h"
#include "world.h"

#include <string.h>

/* hr.emp: bob sees his department, with masked ssn, and not the salary; hr.orders by a subquery;
 * pub.* is free; eve isn't limited at all; root may do everything. */
static HgPolicySet *policies(void)
{
    char *const salary[] = {(char *)"salary", NULL};
    HgPolicySet *set = hg_policy_set_new("v", TRUE);
    HgPolicy *emp = world_policy("emp", "hr.emp");
    world_user(emp, "bob");
    world_filter(emp, "dept = {attr.dept}", NULL);
    world_mask(emp, "ssn", "MASK_NULL");
    emp->columns_deny = g_strdupv((char **)salary);
    hg_policy_set_take(set, emp);
    HgPolicy *orders = world_policy("orders", "hr.orders");
    world_user(orders, "bob");
    world_filter(orders, "region IN (SELECT region FROM hr.map)", "hr.map");
    orders->allow = HG_ACTION_INSERT;
    hg_policy_set_take(set, orders);
    HgPolicy *info = world_policy("info", "hr.info");
    world_user(info, "bob");
    info->deny = HG_ACTION_ALL;
    hg_policy_set_take(set, info);
    HgPolicy *root = world_policy("root", NULL);
    world_user(root, "root");
    root->capabilities = HG_CAPABILITY_ALL;
    hg_policy_set_take(set, root);
    return set;
}

static void check_as(const char *user, const char *sql, const char *expected)
{
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicySet) set = policies();
    g_autofree char *found = world_decide(set, schemas, user, sql);
    ck_assert_str_eq(found, expected);
}

#define EMP                                                                                        \
    "(SELECT `id`, `name`, `ssn`, `dept` FROM (SELECT p_7.`id`, p_7.`name`, CAST(NULL AS string) " \
    "AS `ssn`, p_7.`dept`, monotonically_increasing_id() AS b_7 FROM `spark_catalog`.`hr`.`emp` "  \
    "AS p_7 WHERE ((p_7.`dept` = 'it'))"
#define EMP_END ") WHERE b_7 >= 0)"

static void check(const char *sql, const char *expected)
{
    check_as("bob", sql, expected);
}

START_TEST(rewrites)
{
    check("SELECT * FROM emp", "SELECT * FROM " EMP EMP_END " AS `emp`");
    check("select E.id from HR.EMP e -- x", "select E.id from " EMP EMP_END " e");
    check("TABLE emp", "SELECT * FROM " EMP EMP_END " AS `emp`");
    check("SELECT 1 FROM emp TABLESAMPLE (5 ROWS)",
          "SELECT 1 FROM " EMP EMP_END " TABLESAMPLE ( 5 ROWS ) AS `emp`");
    check("SELECT 1 FROM emp VERSION AS OF 3",
          "SELECT 1 FROM (SELECT `id`, `name`, `ssn`, `dept` FROM (SELECT p_7.`id`, p_7.`name`, "
          "CAST(NULL AS string) AS `ssn`, p_7.`dept`, monotonically_increasing_id() AS b_7 FROM "
          "`spark_catalog`.`hr`.`emp` VERSION AS OF 3 AS p_7 WHERE ((p_7.`dept` = 'it'))" EMP_END
          " AS `emp`");
    check("SELECT * FROM pub.t", "SELECT * FROM `spark_catalog`.`pub`.`t`");
    check("WITH emp AS (SELECT 1 a) SELECT * FROM emp",
          "WITH emp AS ( SELECT 1 a ) SELECT * FROM emp");
    check("CREATE TEMPORARY VIEW w AS TABLE emp",
          "CREATE TEMPORARY VIEW w AS SELECT * FROM " EMP EMP_END " AS `emp`");
    check("INSERT INTO pub.t SELECT id, name FROM emp",
          "INSERT INTO `spark_catalog`.`pub`.`t` SELECT id, name FROM " EMP EMP_END " AS `emp`");
    check("DESCRIBE emp", "DESCRIBE QUERY SELECT `id`, `name`, `ssn`, `dept` FROM "
                          "`spark_catalog`.`hr`.`emp`");
    check("SELECT 1 FROM pub.t JOIN (SELECT id FROM emp) x ON x.id = t.id",
          "SELECT 1 FROM `spark_catalog`.`pub`.`t` JOIN ( SELECT id FROM " EMP EMP_END
          " AS `emp` ) x ON x.id = t.id");
    check("SELECT 1", "SELECT 1");
    check("SELECT year AS Year FROM (SELECT 1 AS year)",
          "SELECT year AS Year FROM ( SELECT 1 AS year )");
}
END_TEST

START_TEST(qualifies)
{
    check("SELECT hr.emp.ssn, Spark_Catalog.hr.emp.* FROM hr.emp ORDER BY hr.emp.id",
          "SELECT `emp`.ssn, `emp`.* FROM " EMP EMP_END " AS `emp` ORDER BY `emp`.id");
    check("SELECT hr.emp.id FROM hr.emp e", "SELECT hr.emp.id FROM " EMP EMP_END " e");
    check("SELECT pub.t.id FROM pub.t", "SELECT pub.t.id FROM `spark_catalog`.`pub`.`t`");
    check("SELECT hr.emp.id FROM hr.emp, hr.emp",
          "refused: two tables here are called emp; give each an alias");
}
END_TEST

/* What is copied below the barrier of hr.emp. */
static void copies(const char *rest, const char *expected)
{
    g_autofree char *sql = g_strdup_printf("SELECT 1 FROM %s", rest);
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicySet) set = policies();
    g_autofree char *found = world_decide(set, schemas, "bob", sql);
    const char *start = strstr(found, EMP);
    ck_assert_msg(start != NULL, "%s", found);
    start += strlen(EMP);
    const char *end = strstr(start, EMP_END);
    g_autofree char *copied = g_strndup(start, (gsize)(end - start));
    ck_assert_str_eq(copied, expected);
}

START_TEST(copied)
{
    copies("emp WHERE id = 1", " AND p_7.`id` = 1");
    copies("emp e WHERE e.id > -1 AND name IN ('a', 'b') AND dept IS NOT NULL",
           " AND p_7.`id` > - 1 AND p_7.`name` IN ( 'a', 'b' ) AND p_7.`dept` IS NOT NULL");
    copies("emp WHERE id BETWEEN 1 AND 3 AND name = 'x'",
           " AND p_7.`id` BETWEEN 1 AND 3 AND p_7.`name` = 'x'");
    copies("emp, pub.t WHERE emp.id = 1 AND dept = 'x' AND id = 2 AND t.id = 3",
           " AND p_7.`id` = 1 AND p_7.`dept` = 'x'");
    copies("emp LEFT JOIN pub.t ON true WHERE dept IS NULL AND dept = 'x'",
           " AND p_7.`dept` = 'x'");
    /* and what isn't: it could mean something else there, or fail */
    copies("emp WHERE ssn = 'x'", "");
    copies("emp WHERE id = 1 OR id = 2", "");
    copies("emp WHERE NOT id = 1", "");
    copies("emp WHERE id = '1'", "");
    copies("emp WHERE name = 1", "");
    copies("emp WHERE id + 1 = 2", "");
    copies("emp WHERE id = 1 + 1", "");
    copies("emp WHERE 1 = id", "");
    copies("emp WHERE id IN (SELECT 1)", "");
    copies("emp WHERE name = 'a' 'b'", "");
    copies("emp WHERE x BETWEEN 1 AND id = 2", "");
    copies("emp WHERE CASE WHEN true AND id = 1 THEN true END", "");
    copies("emp TABLESAMPLE (5 ROWS) WHERE id = 1", "");
    copies("emp e(a, id) WHERE id = 1", "");
    copies("emp, (SELECT 1 id) s WHERE id = 1", "");
    copies("pub.t LEFT ANTI JOIN emp ON true WHERE dept = 'x'", "");
    copies("emp PIVOT (count(1) FOR dept IN ('a')) WHERE id = 1", "");
    copies("emp LATERAL VIEW explode(array(1)) v AS dept WHERE dept = 'x'", "");
}
END_TEST

START_TEST(refuses)
{
    check("SELECT * FROM info", "refused: no table or view info is known here");
    check("SELECT * FROM nope", "refused: no table or view nope is known here");
    check("SELECT * FROM a.b.c.d", "refused: no table or view a.b.c.d is known here");
    check("SELECT * FROM spark_catalog.emp",
          "refused: no table or view spark_catalog.emp is known here");
    check("SELECT * FROM v", "refused: v can't be used at present; who looks after the policies "
                             "can say why");
    check("SELECT * FROM IDENTIFIER(upper('emp'))",
          "refused: a name that is computed isn't allowed here; it needs the capability "
          "dynamic_sql");
    check("SELECT f(1)", "refused: the function f is none of Spark's own, and no policy allows it");
    check("SELECT input_file_name()",
          "refused: this function shows how data is stored, and isn't allowed here");
    check("SELECT ?", "refused: a parameter; write the value into the statement");
    check("SELECT \u017f", "refused: a letter outside ASCII; put names that need it in back-ticks");
    check("SELECT 1 FROM emp, LATERAL (SELECT 1 FROM emp) x",
          "refused: a protected table can't stand in a LATERAL subquery; join it without LATERAL");
    check("SELECT 1 FROM pub.t ORDER BY (SELECT max(id) FROM emp)",
          "refused: a protected table can't stand in a subquery in ORDER BY or ON; put the "
          "subquery into the SELECT list or FROM");
    check("SELECT 1 FROM pub.t a JOIN pub.t b ON a.id IN (SELECT id FROM emp)",
          "refused: a protected table can't stand in a subquery in ORDER BY or ON; put the "
          "subquery into the SELECT list or FROM");
    check("UPDATE emp SET id = 1",
          "refused: emp: a policy limits what you see of this table, so you may not change it");
    check("DROP TABLE info", "refused: no table or view info is known here");
    check("DROP TABLE nope", "refused: no table or view nope is known here");
    check("INSERT INTO nope VALUES (1)", "refused: no table or view nope is known here");
    check("DROP TABLE map", "refused: map: policies read this table, so you may not change it");
    check("INSERT OVERWRITE orders SELECT 1",
          "refused: orders: a policy limits what you see of this table, so you may not change it");
    check("CACHE TABLE emp", "refused: emp: a policy limits what you see of this table, so this "
                             "isn't possible with it");
    check("EXPLAIN TABLE emp", "refused: EXPLAIN of a protected table shows more than you may "
                               "see; it needs the capability explain");
    check("DESCRIBE EXTENDED emp",
          "refused: this shows more of a protected table than you may see; DESCRIBE of the table "
          "alone is possible");
    check("SHOW PARTITIONS emp", "refused: this shows more of a protected table than you may see");
    check("SHOW PARTITIONS nope", "refused: no table or view nope is known here");
    check("SHOW CREATE TABLE nope", "refused: no table or view nope is known here");
    check("SHOW TBLPROPERTIES nope", "refused: no table or view nope is known here");
    check("SHOW COLUMNS IN nope", "refused: no table or view nope is known here");
    check("DESCRIBE nope", "refused: no table or view nope is known here");
    check("DESCRIBE EXTENDED nope salary", "refused: no table or view nope is known here");
    check("SHOW TABLES", "refused: this would list tables that are hidden from you");
    check("CREATE VIEW w AS TABLE emp",
          "refused: a view over a protected table isn't allowed here; it needs the capability "
          "views");
    check("RESET", "refused: RESET isn't allowed where policies limit what you see");
    check("SET spark.sql.ansi.enabled = true",
          "refused: spark.sql.ansi.enabled may not be set where policies limit what you see");
    check("SELECT p_7", "refused: this holds the number that was drawn for the statement; send it "
                        "again");
    check("USE nope.x", "refused: no catalog nope is known here");
    check("DROP DATABASE hr", "refused: databases are made, altered and dropped only by users whom "
                              "no policy limits");
    check("SELECT", "refused: the statement ends in an expression");
}
END_TEST

START_TEST(allows)
{
    check("INSERT INTO orders VALUES (1, 'a', 2, 'c')",
          "INSERT INTO `spark_catalog`.`hr`.`orders` VALUES ( 1 , 'a', 2 , 'c' )");
    check("SET spark.sql.shuffle.partitions=4", "SET spark.sql.shuffle.partitions=4");
    check("SET TIME ZONE 'UTC'", "SET TIME ZONE 'UTC'");
    check("SET", "SET");
    check("USE pub", "USE pub");
    check("DROP TABLE IF EXISTS nope", "DROP TABLE IF EXISTS `spark_catalog`.`hr`.`nope`");
    check("ALTER TABLE pub.t RENAME TO pub.u",
          "ALTER TABLE `spark_catalog`.`pub`.`t` RENAME TO `spark_catalog`.`pub`.`u`");
    check("CREATE TABLE pub.u LIKE pub.t",
          "CREATE TABLE `spark_catalog`.`pub`.`u` LIKE `spark_catalog`.`pub`.`t`");
    check("SHOW DATABASES", "SHOW DATABASES");
    check("SHOW COLUMNS IN pub.t", "SHOW COLUMNS IN `spark_catalog`.`pub`.`t`");
    check("SHOW PARTITIONS map", "SHOW PARTITIONS `spark_catalog`.`hr`.`map`");
    check("DESCRIBE EXTENDED map usr", "DESCRIBE EXTENDED `spark_catalog`.`hr`.`map` usr");
    check("DROP TABLE pub.t", "DROP TABLE `spark_catalog`.`pub`.`t`");
    check("EXPLAIN TABLE pub.t", "EXPLAIN TABLE `spark_catalog`.`pub`.`t`");
}
END_TEST

START_TEST(dangers)
{
    static const struct {
        const char *sql;
        const char *capability;
    } rows[] = {
        {"SELECT TRANSFORM(a) USING 'sh' FROM pub.t", "transform"},
        {"FROM pub.t MAP id USING 'sh'", "transform"},
        {"SELECT reflect('a', 'b')", "reflect"},
        {"SELECT `Java_Method`('a', 'b')", "reflect"},
        {"SELECT * FROM parquet.`/x`", "paths"},
        {"SELECT * FROM `org.apache.spark.sql.parquet`.`x`", "paths"},
        {"CREATE TABLE a.b (c INT) LOCATION '/x'", "paths"},
        {"ALTER TABLE pub.t SET LOCATION '/x'", "paths"},
        {"CREATE TEMP VIEW a USING jdbc OPTIONS (url 'x')", "paths"},
        {"CREATE TABLE a.b USING jdbc", "data_sources"},
        {"CREATE TABLE a.b (c INT) USING parquet OPTIONS (path '/x')", "data_sources"},
        {"LOAD DATA INPATH '/x' INTO TABLE pub.t", "load"},
        {"INSERT OVERWRITE DIRECTORY '/x' SELECT 1", "directories"},
        {"ADD JAR /x.jar", "resources"},
        {"LIST FILES", "resources"},
        {"CREATE TEMPORARY FUNCTION sha2 AS 'x'", "functions"},
        {"CREATE GLOBAL TEMPORARY VIEW a AS SELECT 1", "global_views"},
        {"SET spark.sql.catalog.x = y", "catalogs"},
        {"SET `spark.sql.catalog.x.url`=jdbc", "catalogs"},
        {"SET spark.sql.ansi.doubleQuotedIdentifiers=true", "dynamic_sql"},
        {"set `Spark.sql.ansi.DoubleQuotedIdentifiers` = true", "dynamic_sql"},
        {"SELECT IDENTIFIER('re' || 'flect')('a')", "dynamic_sql"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(HgSchemas) schemas = world_schemas();
        g_autoptr(HgPolicySet) set = policies();
        g_autofree char *eve = world_decide(set, schemas, "eve", rows[i].sql);
        g_autofree char *root = world_decide(set, schemas, "root", rows[i].sql);
        g_autofree char *end = g_strdup_printf("needs the capability %s", rows[i].capability);
        ck_assert_msg(g_str_has_prefix(eve, "refused: ") && g_str_has_suffix(eve, end), "%s: %s",
                      rows[i].sql, eve);
        ck_assert_str_eq(root, rows[i].sql);
    }
}
END_TEST

START_TEST(uncovered)
{
    check_as("eve", "SELECT  * FROM emp -- as it is", "SELECT  * FROM emp -- as it is");
    check_as("eve", "SELECT * FROM IDENTIFIER('hr.' || 'emp')",
             "SELECT * FROM IDENTIFIER('hr.' || 'emp')");
    check_as("eve", "SELECT * FROM IDENTIFIER('parquet.`/x`')",
             "refused: reading or writing a path as a table isn't allowed here; it needs the "
             "capability paths");
    check_as("eve", "SELEKT 1", "SELEKT 1"); /* Spark says what is wrong with it */
    check_as("eve", "SELECT '${a}'",
             "refused: ${ would be replaced by the value of a variable, so what runs can't be "
             "known; write the value itself (in a string: \\u0024{)");
    check_as("eve", "CREATE VIEW w AS TABLE emp",
             "refused: emp: a view over a protected table isn't allowed here; it needs the "
             "capability views");
    check_as("eve", "CREATE VIEW w AS TABLE pub.t", "CREATE VIEW w AS TABLE pub.t");
    check_as("eve", "SELEKT reflect('a')",
             "refused: the statement isn't understood, and this word in it could do what needs a "
             "capability");
    check_as("root", "SELECT '${a}'", "SELECT '${a}'");
    /* names in double quotes, where the endpoint's own configuration has them */
    check_as("eve", "SELECT * FROM text.\"/etc/passwd\"",
             "refused: the statement isn't understood, and this word in it could do what needs a "
             "capability");
    check_as("eve", "SELECT \"Reflect\"('java.lang.System', 'getenv', 'HOME')",
             "refused: the statement isn't understood, and this word in it could do what needs a "
             "capability");
    check_as("eve", "SELEKT \"a\" FROM \"b\"", "SELEKT \"a\" FROM \"b\"");
    check_as("eve", "SET spark.sql.ansi.doubleQuotedIdentifiers",
             "SET spark.sql.ansi.doubleQuotedIdentifiers");
}
END_TEST

/* `part` so often, between `head` and `tail`. */
static char *repeated(const char *head, const char *part, guint times, const char *tail)
{
    GString *out = g_string_new(head);
    for (guint i = 0; i < times; i++)
        g_string_append(out, part);
    g_string_append(out, tail);
    return g_string_free(out, FALSE);
}

START_TEST(bounds)
{
    g_autofree char *many = repeated("SELECT 1 FROM emp", ", emp", 1100, "");
    check(many, "refused: the statement names too many tables");
    g_autofree char *columns = repeated("SELECT 1", ", hr.emp.id", 20000, " FROM hr.emp");
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicySet) set = policies();
    g_autofree char *fine = world_decide(set, schemas, "bob", columns);
    ck_assert(g_str_has_prefix(fine, "SELECT 1 , `emp`.id, `emp`.id"));
    g_autofree char *deep =
        repeated("SELECT 1 FROM emp e", ", pub.t", 900, " WHERE EXISTS (SELECT hr.emp.id");
    g_autofree char *wide = repeated(deep, ", hr.emp.id", 20000, ")");
    check(wide, "refused: too many columns name their tables in full");
}
END_TEST

/* What is asked about a table that isn't known must not stay behind for another of its place. */
START_TEST(made_up)
{
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicySet) set = policies();
    HgIdentity identity = {.user = "bob"};
    g_autoptr(HgSubject) subject = hg_subject_new(set, schemas, &identity, 0);
    HgPolicySession session = {.database = "hr", .nonce = "7"};
    for (guint i = 0; i < 50; i++) {
        g_autofree char *sql =
            g_strdup_printf("DROP TABLE %s", i % 2 == 0 ? "IF EXISTS gone" : "info");
        g_auto(HgDecision) decision = {0};
        hg_policy_decide(subject, &session, hg_slice_from_string(sql), &decision);
        ck_assert_int_eq(decision.kind, i % 2 == 0 ? HG_DECISION_REWRITTEN : HG_DECISION_REFUSED);
        ck_assert_str_eq(g_array_index(decision.uses, HgDecisionUse, 0).access->table->folded[2],
                         i % 2 == 0 ? "gone" : "info");
    }
}
END_TEST

START_TEST(nothing_to_do)
{
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicySet) set = hg_policy_set_new("v", TRUE);
    g_autofree char *found = world_decide(set, schemas, "bob", "SELECT reflect('a')");
    ck_assert_str_eq(found, "SELECT reflect('a')"); /* without policies nothing is looked at */
    g_autoptr(HgPolicySet) closed = hg_policy_set_new("v", FALSE);
    HgPolicy *work = world_policy("work", "hr.work_*");
    work->allow = HG_ACTION_ALL;
    hg_policy_set_take(closed, work);
    g_autofree char *made = world_decide(closed, schemas, "bob", "CREATE TABLE work_1 (a INT)");
    ck_assert_str_eq(made, "CREATE TABLE `spark_catalog`.`hr`.`work_1` ( a INT )");
    g_autofree char *other = world_decide(closed, schemas, "bob", "CREATE TABLE work (a INT)");
    ck_assert_str_eq(other, "refused: no table or view work is known here");
    g_autofree char *denied = world_decide(closed, schemas, "bob", "TABLE emp");
    ck_assert_str_eq(denied, "refused: no table or view emp is known here");
}
END_TEST

Suite *decide_suite(void)
{
    Suite *suite = suite_create("decide");
    TCase *tests = tcase_create("decisions");
    tcase_add_test(tests, rewrites);
    tcase_add_test(tests, qualifies);
    tcase_add_test(tests, copied);
    tcase_add_test(tests, refuses);
    tcase_add_test(tests, allows);
    tcase_add_test(tests, dangers);
    tcase_add_test(tests, uncovered);
    tcase_add_test(tests, bounds);
    tcase_add_test(tests, made_up);
    tcase_add_test(tests, nothing_to_do);
    suite_add_tcase(suite, tests);
    return suite;
}
