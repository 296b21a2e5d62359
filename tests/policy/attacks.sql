-- What has worked against rewriters and gateways. Each runs as bob, whatever becomes of it: nothing
-- that he receives may hold a canary. Some are refused; a line says so where it must be.

-- lexers that differ
SELECT r'\', ssn FROM emp LIMIT 1 --'

SELECT R"\", ssn FROM emp

SELECT 'a\'b', 'it''s', ssn FROM emp

-- \
WITH emp AS (SELECT 1 AS ssn)
SELECT ssn FROM emp

SELECT 1 /* a /*+ b */ , ssn FROM emp -- */

ſelect ssn from emp

SELECT count(*), max(ssn) FROM `K`

SELECT max(ssn) FROM `EMP`

WITH `ſ` AS (SELECT 1 a) SELECT * FROM s

SELECT ssn FROM emp

SELECT "ssn" FROM "emp"

SELECT `s.*` FROM emp

SELECT * FROM hr/**/./**/emp

SELECT * FROM hr . `emp`

SELECT 1; SELECT ssn FROM emp

SELECT '${w.w}'

SELECT /* ${c.c} */ 1

-- other places for a table
FROM emp SELECT ssn, name

SELECT (FROM emp SELECT max(ssn))

SELECT * FROM (hr.emp)

SELECT * FROM ((hr.emp) e)

SELECT * FROM pub.t WHERE EXISTS (TABLE emp)

SELECT id FROM pub.t GROUP BY id HAVING max(id) < (SELECT max(salary) FROM emp)

SELECT id FROM pub.t ORDER BY (SELECT max(ssn) FROM emp)

SELECT (SELECT max(ssn) FROM emp), count(*) FILTER (WHERE id IN (SELECT id FROM emp)) FROM pub.t

SELECT * FROM pub.t JOIN LATERAL (TABLE emp)

SELECT * FROM emp PIVOT (max(ssn) FOR dept IN ('hidden', 'CANARYd', 'it'))

SELECT * FROM emp UNPIVOT (v FOR k IN (name, ssn))

SELECT * FROM emp TABLESAMPLE (100 PERCENT)

SELECT * FROM explode(array((SELECT max(ssn) FROM emp)))

VALUES ((SELECT max(name) FROM emp))

SELECT * FROM IDENTIFIER('em' 'p')

SELECT * FROM IDENTIFIER('\145mp')

SELECT * FROM IDENTIFIER('hr.' || 'emp')

SELECT * FROM IDENTIFIER('hr.emp')

-- names that mean something else
WITH emp AS (SELECT ssn, name FROM emp) SELECT * FROM emp

WITH a AS (WITH emp AS (TABLE emp) TABLE emp) TABLE a

WITH Emp AS (SELECT 1) SELECT * FROM emp, hr.emp

SELECT 1 FROM (SELECT 'it' AS dept, 1 AS p_1) x WHERE EXISTS (SELECT 1 FROM emp WHERE dept = 'hidden')

SELECT p_0.ssn FROM emp p_0

SELECT hr.emp.ssn, hr.emp.name FROM hr.emp

SELECT _metadata.file_path FROM emp

SELECT input_file_name(), spark_partition_id() FROM emp

SELECT * FROM emp VERSION AS OF 1

SELECT * FROM hr.emp.snapshots

SELECT * FROM global_temp.emp

SELECT * FROM secrets

SELECT * FROM nope

-- errors that tell
SELECT raise_error(name) FROM emp

SELECT assert_true(false, name) FROM emp

SELECT * FROM emp WHERE CASE WHEN id = 4 THEN raise_error(concat('saw ', name)) ELSE true END

SELECT * FROM emp WHERE CASE WHEN dept = 'hidden' THEN raise_error(concat('saw CAN', 'ARY')) ELSE true END

SELECT * FROM emp WHERE dept = 'it' AND CASE WHEN dept = 'CANARYd' THEN raise_error(dept) ELSE true END

SELECT * FROM orders WHERE CASE WHEN id = 4 THEN raise_error(concat('saw ', region)) ELSE true END

SELECT * FROM orders o JOIN emp e ON o.emp = e.id AND CASE WHEN e.id = 4 THEN raise_error(e.name) ELSE true END

SELECT CASE WHEN id = 4 THEN raise_error(name) ELSE 1 END, count(*) FROM emp GROUP BY 1

SELECT max(CASE WHEN id = 7 THEN raise_error(name) END) FROM emp

SELECT * FROM emp WHERE element_at(array(1), CASE WHEN id = 4 THEN 5 ELSE 1 END) = 1

SELECT * FROM emp WHERE date_format(CASE WHEN id = 4 THEN DATE '2020-01-01' END, name) = 'x'

SELECT * FROM emp WHERE name RLIKE concat('(', name)

SELECT * FROM emp ORDER BY CASE WHEN id = 4 THEN raise_error(name) END

SELECT * FROM (SELECT DISTINCT dept FROM emp WHERE CASE WHEN dept = 'CANARYd' THEN raise_error(dept) ELSE true END)

SELECT id FROM people WHERE CASE WHEN info.phone LIKE 'CAN%' THEN raise_error(info.phone) ELSE true END

SELECT id FROM people WHERE CASE WHEN mail LIKE '%CAN%' THEN raise_error(mail) ELSE true END

SELECT mail, count(*) FROM people GROUP BY mail, CASE WHEN substr(mail, 5, 1) = 'C' THEN raise_error(mail) END

SELECT sum(1 / (id - 4)) FROM emp WHERE 1 / (id - 4) < 5

SELECT CAST(ssn AS INT) FROM emp

-- other routes to the data
EXPLAIN SELECT * FROM emp

EXPLAIN EXTENDED SELECT * FROM emp WHERE id = 1

DESCRIBE EXTENDED emp

DESCRIBE EXTENDED emp name

DESCRIBE orders

SHOW PARTITIONS emp

SHOW PARTITIONS default.emp

DESCRIBE EXTENDED default.emp name

SHOW CREATE TABLE emp

SHOW TABLE EXTENDED LIKE 'emp'

SHOW TABLE EXTENDED IN hr LIKE 'emp' PARTITION (dept = 'CANARYd')

SHOW TBLPROPERTIES emp

SHOW COLUMNS IN orders

SHOW TABLES

ANALYZE TABLE emp COMPUTE STATISTICS FOR COLUMNS name

CACHE TABLE emp

CACHE LAZY TABLE copied AS SELECT * FROM emp

CREATE TEMPORARY VIEW mine AS SELECT * FROM emp

CREATE OR REPLACE GLOBAL TEMPORARY VIEW mine AS SELECT * FROM emp

CREATE VIEW pub.mine AS SELECT * FROM emp

CREATE TABLE pub.mine USING parquet AS SELECT * FROM emp

SELECT * FROM pub.mine

CREATE TABLE pub.mine2 LIKE emp

ALTER TABLE emp RENAME TO emp2

ALTER TABLE emp SET TBLPROPERTIES ('a' = 'b')

ALTER TABLE pub.t SET SERDEPROPERTIES ('path' = '/tmp')

DROP TABLE emp

TRUNCATE TABLE emp

INSERT INTO emp VALUES (9, 'x', 'x', 1, 'it')

INSERT OVERWRITE regions VALUES ('CANARYeast', 'bob')

WITH emp AS (SELECT 'CANARYeast', 'bob') INSERT INTO regions SELECT * FROM emp

UPDATE emp SET name = 'x'

DELETE FROM emp WHERE id = 1

LOAD DATA LOCAL INPATH '/etc/hostname' INTO TABLE pub.t

INSERT OVERWRITE LOCAL DIRECTORY '/tmp/hivegate-never' SELECT * FROM emp

SELECT TRANSFORM(name) USING 'cat' FROM emp

SELECT reflect('java.lang.System', 'getenv', 'HOME')

SELECT java_method('java.lang.System', 'getenv', 'HOME')

SELECT * FROM parquet.`/tmp`

SELECT * FROM text.`/etc/hostname`

SELECT * FROM `org.apache.spark.sql.parquet`.`/tmp`

CREATE TEMPORARY VIEW f USING text OPTIONS (path '/etc/hostname')

CREATE TABLE pub.f (a STRING) USING text LOCATION '/etc'

ADD FILE /etc/hostname

LIST FILES

CREATE OR REPLACE TEMPORARY FUNCTION mask AS 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFConcat'

SET spark.sql.optimizer.excludedRules=org.apache.spark.sql.catalyst.optimizer.PushDownPredicates

SET spark.sql.caseSensitive=true

SET spark.sql.legacy.ctePrecedencePolicy=LEGACY

SET spark.sql.catalog.foo=org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog

SET spark.sql.variable.substitute=true

RESET

RESET spark.sql.variable.substitute

SET hivevar:x=SELECT ssn FROM emp

USE foo.bar

REFRESH '/tmp'

DROP DATABASE hr CASCADE

CREATE DATABASE x LOCATION '/tmp/x'

SELECT ?

SELECT :p

SELECT * FROM emp WHERE id IN (SELECT id FROM emp WHERE name LIKE 'CANARY%')

SELECT count(*) FROM emp WHERE ssn > 'C' AND ssn < 'D'

SELECT min(name), max(name), min(ssn), max(ssn), max(salary) FROM emp

SELECT collect_set(dept), approx_count_distinct(name) FROM emp

SELECT * FROM emp a RIGHT JOIN pub.t ON a.id = t.id WHERE a.dept IS NULL
