CREATE DATABASE hr

CREATE DATABASE seen

CREATE DATABASE pub

CREATE TABLE hr.emp (id INT, name STRING, ssn STRING, salary INT, dept STRING)
USING parquet PARTITIONED BY (dept)

INSERT INTO hr.emp VALUES
(1, 'ann', '111-11-1111', 100, 'it'), (2, 'bob', '222-22-2222', 2000, 'it'),
(3, 'cid', '333-33-3333', 300, 'ops'), (4, 'CANARYdan', 'CANARY-4444', 66666, 'hidden'),
(5, 'eve', NULL, NULL, 'it'), (6, 'fay', '66', 600, 'ops'), (7, 'CANARYgus', '777-77-7777', 77777, 'CANARYd')

CREATE TABLE seen.emp USING parquet PARTITIONED BY (dept) AS
SELECT id, name, CASE WHEN ssn = '66' THEN 'nn' WHEN ssn IS NULL THEN NULL
  ELSE concat('nnn-nn-', substr(ssn, 8)) END AS ssn,
CAST(CASE WHEN salary > 1000 THEN NULL ELSE salary END AS INT) AS salary, dept
FROM hr.emp WHERE dept IN ('it', 'ops')

CREATE TABLE hr.orders (id INT, emp INT, region STRING, amount DECIMAL(12,2), note STRING, day DATE) USING parquet

INSERT INTO hr.orders VALUES
(1, 1, 'north', 10.50, 'CANARYa', DATE '2024-01-01'), (2, 1, 'south', 20, 'CANARYb', DATE '2024-01-02'),
(3, 2, 'north', 5000, 'CANARYc', DATE '2024-02-01'), (4, 3, 'CANARYeast', 7, 'CANARYd', DATE '2024-03-01'),
(5, 3, 'south', 70, 'CANARYe', DATE '2024-03-05'), (6, NULL, 'north', 0.5, NULL, NULL), (7, 9, NULL, 1, NULL, NULL)

CREATE TABLE hr.regions (region STRING, usr STRING) USING parquet

INSERT INTO hr.regions VALUES ('north', 'bob'), ('south', 'bob'), ('CANARYeast', 'alice')

CREATE TABLE seen.orders USING parquet AS SELECT id, emp, region, amount, day FROM hr.orders
WHERE region IN ('north', 'south') AND amount < 1000

CREATE TABLE hr.people (id INT, info STRUCT<phone: STRING, city: STRING>, tags ARRAY<STRING>, born DATE, mail STRING)
USING parquet

INSERT INTO hr.people VALUES
(1, named_struct('phone', 'CANARY 12', 'city', 'Rome'), array('CANARY'), DATE '1980-05-06', 'ann@CANARY'),
(2, NULL, NULL, NULL, NULL), (3, named_struct('phone', NULL, 'city', NULL), array(), DATE '1990-01-01', 'b@x')

CREATE TABLE seen.people (id INT, info STRUCT<phone: STRING, city: STRING>, tags ARRAY<STRING>, born DATE, mail STRING)
USING parquet

INSERT INTO seen.people VALUES
(1, named_struct('phone', 'XXXXXX nn', 'city', 'Rome'), NULL, DATE '1980-01-01', 'ann@XXXXXX'),
(2, NULL, NULL, NULL, NULL), (3, named_struct('phone', NULL, 'city', NULL), NULL, DATE '1990-01-01', 'x@x')

CREATE TABLE hr.secrets (a INT, b STRING) USING parquet

INSERT INTO hr.secrets VALUES (1, 'CANARYs')

CREATE TABLE pub.t (id INT, x STRING) USING parquet

INSERT INTO pub.t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')
