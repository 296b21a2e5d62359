/* Tests of sql/redact: what is hidden, and that all else stays byte for byte. */
#include "sql/redact.h"
#include "suites.h"

#include <string.h>

static char *redacted(const HgSqlRedaction *redaction, const char *text)
{
    char *out = NULL;
    if (!hg_sql_redact(redaction, hg_slice_from_string(text), &out)) {
        ck_assert_ptr_null(out);
        return NULL;
    }
    return out;
}

static void check(const HgSqlRedaction *redaction, const char *text, const char *expected)
{
    g_autofree char *out = redacted(redaction, text);
    if (expected == NULL)
        ck_assert_msg(out == NULL, "%s became %s", text, out);
    else
        ck_assert_msg(out != NULL && strcmp(out, expected) == 0, "%s became %s, not %s", text, out,
                      expected);
}

START_TEST(hides_secrets)
{
    g_autoptr(HgSqlRedaction) redaction = hg_sql_redaction_new(FALSE, NULL, NULL);
    check(redaction, "SET spark.hadoop.fs.s3a.secret.key = ab c'd",
          "SET spark.hadoop.fs.s3a.secret.key =?");
    check(redaction, "set  my-Pass-Word=x", "set  my-Pass-Word=?");
    check(redaction, "SET spark.sql.shuffle.partitions=7", NULL);
    check(redaction, "SET password", NULL);
    check(redaction,
          "CREATE TABLE t USING jdbc OPTIONS (url 'jdbc:x', user 'u', password 'p''q', n 1)",
          "CREATE TABLE t USING jdbc OPTIONS (url 'jdbc:x', user 'u', password ??, n 1)");
    check(redaction, "OPTIONS ('access.key'='a', 'b' = \"c\", `api-key` = 5)",
          "OPTIONS ('access.key'=?, 'b' = \"c\", `api-key` = ?)");
    check(redaction, "SELECT * FROM t WHERE t.password = 'x' AND y = 'z'",
          "SELECT * FROM t WHERE t.password = ? AND y = 'z'");
    check(redaction, "SELECT password, 'x', secret FROM t WHERE a IN ('token', 'y')", NULL);
    check(redaction, "SELECT f(token => 'x')", "SELECT f(token => ?)");
    check(redaction, "SELECT /* password 'x' */ 'it''s'", NULL);
    check(redaction, "OPTIONS ('pass' 'word' = 'x' 'y', z = 'w')",
          "OPTIONS ('pass' 'word' = ? ?, z = 'w')");
    check(redaction, "", NULL);
}
END_TEST

START_TEST(hides_in_urls)
{
    g_autoptr(HgSqlRedaction) redaction = hg_sql_redaction_new(FALSE, NULL, NULL);
    check(redaction, "SELECT * FROM csv.`s3a://KEY:SE+CR@bucket/x`",
          "SELECT * FROM csv.`s3a://KEY:?@bucket/x`");
    check(redaction, "ADD JAR https://h/x?user=u&password=p&a=b;token=t",
          "ADD JAR https://h/x?user=u&password=?&a=b;token=?");
    check(redaction, "OPTIONS (url 'jdbc:postgresql://h/d?user=u&sslPassword=p')",
          "OPTIONS (url 'jdbc:postgresql://h/d?user=u&sslPassword=?')");
    check(redaction, "OPTIONS (url 'jdbc:oracle:thin:me/pw@h:1521')",
          "OPTIONS (url 'jdbc:oracle:thin:me/?@h:1521')");
    check(redaction, "SELECT 'https://h:8080/x?design=1', a:b", NULL);
}
END_TEST

START_TEST(hides_literals)
{
    g_autoptr(HgSqlRedaction) redaction = hg_sql_redaction_new(TRUE, NULL, NULL);
    check(redaction, "SELECT a1, 'x', 1.5e3, -7L, \"y\" /* 'z' */ FROM t2 -- 5\n WHERE b = r'q'",
          "SELECT a1, ?, ?, -?, ? FROM t2 WHERE b = ?");
    check(redaction, "SELECT 'never ends", "SELECT ?");
    check(redaction, "SELECT 1 /* never ends", "SELECT ? ");
    check(redaction, "SET a=b", "SET a=?");
    check(redaction, "SELECT a FROM t", NULL);
}
END_TEST

START_TEST(hides_by_pattern)
{
    static const char *const patterns[] = {"[0-9]{3}-[0-9]{4}", "^'A", NULL};
    static const char *const wrong[] = {"(", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(HgSqlRedaction) redaction = hg_sql_redaction_new(FALSE, patterns, NULL);
    check(redaction, "SELECT 'call 555-1234', 'b', 'ab' /* 555-1234 */, 5", "SELECT ?, 'b', ? , 5");
    check(redaction, "SELECT x555-1234", NULL);
    ck_assert_ptr_null(hg_sql_redaction_new(FALSE, wrong, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "pattern ("));
}
END_TEST

START_TEST(hides_in_messages)
{
    g_autoptr(HgSqlRedaction) redaction = hg_sql_redaction_new(FALSE, NULL, NULL);
    HgSlice message = hg_slice_from_string("Error: [A_B.C1] can't read s3a://k:s@b 'secret'");
    g_autofree char *whole = hg_sql_redact_message(redaction, message, FALSE);
    g_autofree char *class = hg_sql_redact_message(redaction, message, TRUE);
    g_autofree char *none = hg_sql_redact_message(redaction, hg_slice_from_string("[x] y"), TRUE);
    ck_assert_str_eq(whole, "Error: [A_B.C1] can't read s3a://k:?@b 'secret'");
    ck_assert_str_eq(class, "[A_B.C1] (the rest isn't kept: it may repeat what is hidden)");
    ck_assert_str_eq(none, "(the rest isn't kept: it may repeat what is hidden)");
}
END_TEST

Suite *redact_suite(void)
{
    Suite *suite = suite_create("redact");
    TCase *tcase = tcase_create("redact");
    tcase_add_test(tcase, hides_secrets);
    tcase_add_test(tcase, hides_in_urls);
    tcase_add_test(tcase, hides_literals);
    tcase_add_test(tcase, hides_by_pattern);
    tcase_add_test(tcase, hides_in_messages);
    suite_add_tcase(suite, tcase);
    return suite;
}
