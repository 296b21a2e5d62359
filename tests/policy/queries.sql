-- @ stands for the database: hr for the rewritten text, seen for the copies
SELECT * FROM emp

SELECT id, ssn FROM emp WHERE ssn = '222-22-2222'

SELECT id FROM emp WHERE ssn LIKE '%2222' ORDER BY id

SELECT @.emp.ssn, @.emp.* FROM @.emp WHERE @.emp.id > 1 ORDER BY @.emp.id

SELECT spark_catalog.@.emp.id + 1, emp.name FROM spark_catalog.@.emp ORDER BY id DESC

SELECT count(*), max(salary), dept FROM emp GROUP BY dept HAVING count(*) > 1 ORDER BY dept

SELECT e.name AS Who, o.amount FROM emp e JOIN orders o ON e.id = o.emp WHERE o.region = 'north' ORDER BY o.id

SELECT e.id, o.id FROM emp e LEFT JOIN orders o ON e.id = o.emp WHERE o.region IS NULL

SELECT e.id, o.id FROM emp e LEFT JOIN orders o ON e.id = o.emp AND o.region = 'south' WHERE e.dept = 'it'

SELECT id, dept FROM emp, orders WHERE emp.id = orders.emp AND dept = 'it' AND region IN ('north', 'x')

SELECT * FROM emp JOIN pub.t USING (id)

SELECT * FROM emp NATURAL JOIN pub.t

SELECT * FROM emp FULL JOIN pub.t ON emp.id = t.id WHERE emp.dept = 'it' OR t.id = 3

SELECT * FROM pub.t WHERE id IN (SELECT id FROM emp) AND EXISTS (SELECT 1 FROM orders WHERE orders.emp = t.id)

SELECT x, (SELECT max(e.salary) FROM emp e WHERE e.id = t.id) FROM pub.t

SELECT x FROM pub.t WHERE NOT EXISTS (SELECT * FROM @.emp WHERE @.emp.id = t.id)

WITH emp AS (SELECT id, ssn FROM emp) SELECT * FROM emp

WITH a AS (SELECT * FROM emp), b(Year, v) AS (SELECT dept, count(*) FROM a GROUP BY dept) SELECT * FROM b x JOIN b y USING (Year)

TABLE emp

TABLE orders ORDER BY id LIMIT 2

FROM emp SELECT ssn, id WHERE id < 4

FROM emp JOIN orders ON emp.id = orders.emp SELECT emp.name, sum(amount) GROUP BY emp.name

SELECT * FROM emp UNION ALL TABLE emp

(SELECT id FROM emp) EXCEPT (SELECT emp FROM orders)

SELECT * FROM (SELECT dept, salary FROM emp) PIVOT (sum(salary) FOR dept IN ('it' AS it, 'ops' AS ops))

SELECT * FROM emp AS e PIVOT (count(ssn) AS n FOR dept IN ('it', 'ops'))

SELECT * FROM emp UNPIVOT (v FOR k IN (id, salary))

SELECT id, row_number() OVER (PARTITION BY dept ORDER BY id) FROM emp

SELECT e.*, v.c FROM emp e LATERAL VIEW explode(split(ssn, '-')) v AS c

SELECT e.id, s.n FROM emp e, LATERAL (SELECT count(*) AS n FROM pub.t WHERE t.id = e.id) s

SELECT struct(emp.*) FROM emp

SELECT /*+ BROADCAST(emp) */ emp.id FROM emp JOIN pub.t ON emp.id = t.id

SELECT E.ID, EMP.Name FROM EMP E JOIN Emp ON E.id = EMP.id

SELECT typeof(id), typeof(ssn), typeof(salary), typeof(dept) FROM emp LIMIT 1

SELECT typeof(info), typeof(tags), typeof(born), typeof(mail) FROM people LIMIT 1

SELECT * FROM people

SELECT info.phone, info.city, p.info FROM people p ORDER BY p.id

SELECT * FROM orders WHERE day BETWEEN DATE '2024-01-01' AND DATE '2024-01-31' AND amount > 5

SELECT orders.* FROM orders WHERE amount >= 10.5 AND id <> 2 AND region IS NOT NULL

SELECT note FROM orders

SELECT * FROM emp a, emp b WHERE a.id = b.id AND a.dept = 'it' AND b.id BETWEEN 1 AND 3

SELECT emp.id FROM emp LEFT SEMI JOIN orders ON emp.id = orders.emp WHERE dept = 'it'

SELECT emp.id FROM emp LEFT ANTI JOIN orders ON emp.id = orders.emp

SELECT count(DISTINCT e.ssn), grouping(dept), dept FROM emp e GROUP BY CUBE (dept)

SELECT * FROM (VALUES (1, 'x')) v(id, y) JOIN emp USING (id)

SELECT CASE WHEN dept = 'it' THEN salary ELSE 0 END FROM emp WHERE dept = 'it' AND CASE WHEN id = 1 THEN true ELSE false END

SELECT id FROM emp WHERE id = 1 OR dept = 'hidden'

SELECT id FROM emp WHERE NOT dept = 'it' AND id > 0

SELECT a.dept FROM emp a(i, n, s, p, dept) WHERE i = 1 AND dept = 'it'

SELECT CAST(struct(id AS Year) AS STRUCT<Year: INT>) FROM emp

SELECT DATE '2024-01-01' + INTERVAL 1 DAY, 'it''s', "q", 1.50, 2e3, r'\d' FROM emp LIMIT 1

SELECT id, max(id) OVER w FROM emp WINDOW w AS (PARTITION BY dept)

SELECT explode(array(id, salary)) FROM emp

SELECT transform(array(id), x -> x + 1), filter(array(id), x -> x > 1) FROM emp

SELECT dept, collect_list(name) FILTER (WHERE id < 3) FROM emp GROUP BY dept

SELECT extract(YEAR FROM day), year(day) FROM orders

SELECT * FROM emp ORDER BY @.emp.ssn NULLS LAST, id LIMIT 3

SELECT emp.id, (SELECT count(*) FROM pub.t WHERE t.id = @.emp.id) FROM @.emp

SELECT * FROM range(3) r JOIN emp ON r.id = emp.id

DESCRIBE QUERY SELECT * FROM orders

SHOW COLUMNS IN emp
