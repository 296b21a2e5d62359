"""The JDBC driver that Simba made for Databricks, through hivegate to a plain Spark.

The same calls go to the same server by Hive's driver, without hivegate: what the two drivers read
must be the same, but for what each makes of Java types and catalogs.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from e2e.harness.fleet import Gateway, Pair, unlike
from e2e.harness.jdbc import DATABRICKS, DATABRICKS_HTTP, Call, JdbcDrivers
from e2e.harness.normal import plain
from e2e.harness.queries import TYPE_QUERIES, slow

HIVE = "4.1.0"

# The batches of this driver are of 10,000 rows, or of the fetch size.
LARGE: list[list[str | None]] = [
    ["connect", "/default"],
    ["checksum", "SELECT id, id * 3, concat('row ', id) FROM range(0, 30000, 1, 1)", "4000"],
    ["checksum", "SELECT id, id * 7 FROM range(0, 25001, 1, 1)", "0"],
    ["checksum", "SELECT id FROM range(0, 20000, 1, 1)", "10000"],
    ["checksum", "SELECT id FROM range(0, 10000, 1, 1)", "0"],
    ["checksum", "SELECT id FROM range(0, 9999, 1, 1)", "0"],
    ["checksum", "SELECT id, rpad('wide', 3000, 'x') FROM range(0, 12000, 1, 1)", "0"],
    ["checksum", "SELECT id FROM range(0, 7, 1, 1)", "3"],
    ["checksum", "SELECT 1 WHERE false", "3"],
]

ROWS: list[list[str | None]] = [
    ["connect", "/default"],
    *(["query", statement] for statement in TYPE_QUERIES),
    ["query", "SELECT * FROM everything"],
    ["query", "SELECT id, price, placed, day FROM sales.orders ORDER BY id LIMIT 7"],
    ["query", "SELECT 1 WHERE false"],
    ["query", "SELECT id FROM range(0, 2500, 1, 1)"],
    ["two", "SELECT id FROM range(0, 5, 1, 1)", "SELECT id + 100 FROM range(0, 9, 1, 1)"],
    ["query", "SHOW TABLES IN sales"],
    ["query", "DESCRIBE sales.orders"],
    ["prepare", "SELECT ?, ?, ?, ?", "string:it's", "int:-5", "long:9000000000", "boolean:true"],
    ["prepare", "SELECT ?, ?, ?", "date:2024-02-29", "timestamp:2024-02-29 01:02:03.5", "null:"],
    [
        "prepare",
        "SELECT count(*) FROM sales.orders WHERE id > ? AND item LIKE ? AND day > ?",
        "int:50",
        "string:item-%",
        "date:2024-01-02",
    ],
    ["schema", "sales"],
    ["query", "SELECT current_database(), current_user(), count(*) FROM orders"],
    ["isvalid"],
]

ERRORS: list[list[str | None]] = [
    ["connect", "/default"],
    ["query", "SELECT nosuch"],
    ["query", "SELEC 1"],
    ["query", "SELECT * FROM nosuchtable"],
    ["execute", "USE nosuchdatabase"],
    ["execute", "CREATE TABLE everything (x INT)"],
    ["prepare", "SELECT ? +", "int:1"],
    ["query", "SELECT raise_error('with intent')"],
    ["query", "SELECT 'still usable'"],
]


def run(drivers: JdbcDrivers, pair: Pair, calls: list[list[str | None]]) -> tuple[list, list]:
    """By this driver through hivegate, and by Hive's without it."""
    with ThreadPoolExecutor(2) as pool:
        ours = pool.submit(drivers.run, DATABRICKS, pair.via, calls)
        hive = pool.submit(drivers.run, HIVE, pair.direct, calls)
        return plain(ours.result()), plain(hive.result())


def same_values(call: Call, value: Any) -> Any:
    """A result without what the drivers do by their own lights: Hive's has Java classes of its own
    for intervals, small integers and floats."""
    if isinstance(value, dict) and "rows" in value:
        value = [[cell and cell[1] for cell in row] for row in value["rows"]]
    return call, value


@pytest.mark.smoke
def test_large_results_are_whole(pair: Pair, drivers: JdbcDrivers) -> None:
    """This driver believes hasMoreRows, which Spark always denies: it would stop after a batch."""
    ours, hive = run(drivers, pair, LARGE)
    assert [r.get("result") for r in ours] == [r["result"] for r in hive], unlike(hive, ours)
    counts = [result["result"][0] for result in ours[1:]]
    assert counts == [30000, 25001, 20000, 10000, 9999, 12000, 7, 0]


def test_the_same_rows(pair: Pair, drivers: JdbcDrivers) -> None:
    ours, hive = run(drivers, pair, ROWS)
    for call, left, right in zip(ROWS, hive, ours, strict=True):
        assert "result" in right, (call, right)
        assert same_values(call, right["result"]) == same_values(call, left["result"])


def test_the_same_errors(pair: Pair, drivers: JdbcDrivers) -> None:
    ours, hive = run(drivers, pair, ERRORS)
    for call, left, right in zip(ERRORS[1:-2], hive[1:-2], ours[1:-2], strict=True):
        assert right["error"]["state"] == left["error"]["state"], (call, right)
        about = left["error"]["message"].split("[", 1)[1].split("]", 1)[0]
        assert about in right["error"]["message"], (call, right)
    assert "with intent" in ours[-2]["error"]["message"], ours[-2]
    assert ours[-1]["result"]["rows"] == [[["String", "still usable"]]]


def test_statements_have_no_result(pair: Pair, drivers: JdbcDrivers) -> None:
    """What the driver takes for no query says so, and its warnings are none."""
    script = [
        ["connect", "/default"],
        ["execute", "SET spark.sql.ansi.enabled=false"],
        ["execute", "CREATE OR REPLACE TEMPORARY VIEW simba_seven AS SELECT 7 AS n"],
        ["query", "SELECT n FROM simba_seven"],
        ["update", "DROP VIEW simba_seven"],
        ["execute", "SELECT 1"],
    ]
    results = drivers.run(DATABRICKS, pair.via, script)
    assert all("result" in result for result in results), results
    assert results[1]["result"]["warnings"] == []
    assert results[2]["result"] == {"has_rows": False, "count": -1, "warnings": []}
    assert results[3]["result"]["rows"] == [[["Integer", "7"]]]
    assert results[5]["result"]["has_rows"] is True


def test_metadata(pair: Pair, drivers: JdbcDrivers) -> None:
    script = [
        ["connect", "/default"],
        ["about"],
        ["meta", "getCatalogs"],
        ["meta", "getSchemas", None, "%"],
        ["meta", "getSchemas", None, "sal%"],
        ["meta", "getTables", None, "sales", "%", None],
        ["meta", "getTables", None, "%", "%", "VIEW"],
        ["meta", "getTables", None, "sales", "nosuch", "TABLE,VIEW"],
        ["meta", "getColumns", None, "default", "everything", "%"],
        ["meta", "getColumns", None, "sales", "%", "i%"],
        ["meta", "getFunctions", None, "default", "con%"],
        ["meta", "getPrimaryKeys", None, "sales", "orders"],
        ["meta", "getImportedKeys", None, "sales", "orders"],
        ["meta", "getCrossReference", None, "sales", "orders", None, "sales", "cheap"],
        ["meta", "getTypeInfo"],
        ["meta", "getTableTypes"],
        ["query", "SELECT 'still usable'"],
    ]
    ours, hive = run(drivers, pair, script)
    assert all("result" in result for result in ours), ours
    assert ours[1]["result"]["version"] == hive[1]["result"]["version"]
    assert ours[2]["result"]["rows"] == [[["String", "Spark"]]]
    for index in range(3, 14):
        call = script[index]
        found, expected = (columns_of(call, results[index]) for results in (ours, hive))
        assert sorted(found, key=str) == sorted(expected, key=str), call
    assert columns_of(script[5], ours[5]), "sales has tables"
    types = {row[0][1] for row in ours[14]["result"]["rows"]}
    assert {"BIGINT", "STRING", "DECIMAL", "TIMESTAMP", "BINARY"} <= types
    assert {row[0][1] for row in ours[15]["result"]["rows"]} >= {"TABLE", "VIEW"}


# Of the table `everything`: type and class of a value in Java, digits, digits behind the point.
TYPES = {
    "a_boolean": (16, "BOOLEAN", "java.lang.Boolean", 1, 0),
    "a_tinyint": (-6, "TINYINT", "java.lang.Integer", 3, 0),
    "a_smallint": (5, "SMALLINT", "java.lang.Integer", 5, 0),
    "an_int": (4, "INT", "java.lang.Integer", 10, 0),
    "a_bigint": (-5, "BIGINT", "java.lang.Long", 19, 0),
    "a_float": (7, "FLOAT", "java.lang.Float", 7, 0),
    "a_double": (8, "DOUBLE", "java.lang.Double", 15, 0),
    "a_decimal": (3, "DECIMAL", "java.math.BigDecimal", 20, 4),
    "a_string": (12, "STRING", "java.lang.String", 255, 0),
    "a_char": (1, "CHAR", "java.lang.String", 6, 0),
    "a_varchar": (12, "VARCHAR", "java.lang.String", 9, 0),
    "a_date": (91, "DATE", "java.sql.Date", 10, 0),
    "a_timestamp": (93, "TIMESTAMP", "java.sql.Timestamp", 29, 9),
    "a_binary": (-2, "BINARY", "[B", 1, 0),
    "an_array": (12, "ARRAY<INT>", "java.lang.String", 255, 0),
    "a_map": (12, "MAP<STRING, INT>", "java.lang.String", 255, 0),
    "a_struct": (12, "STRUCT<X: INT, Y: STRING>", "java.lang.String", 255, 0),
}
COLUMNS = ("COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS")
BROWSING: list[list[str | None]] = [
    ["connect", "/default"],
    ["meta", "getColumns", None, "default", "everything", "%"],
    ["query", "SELECT * FROM everything"],
    ["typed", "SELECT a_decimal, a_timestamp, a_bigint FROM everything WHERE a_boolean"],
    ["meta", "getCatalogs"],
    ["meta", "getSchemas", "Spark", "s%"],
    ["meta", "getTables", "Spark", "sales", "o%", None],
    ["meta", "getTables", None, "sal_s", "%", "VIEW"],
    ["meta", "getTables", None, "%", "cheap", None],
    ["meta", "getTables", "other", "sales", "%", None],
]


def values(result: dict) -> list[list[Any]]:
    return [[cell and cell[1] for cell in row] for row in result["result"]["rows"]]


@pytest.mark.parametrize("driver", [DATABRICKS, DATABRICKS_HTTP])
def test_types_and_browsing(
    pair: Pair, make_gateway: Callable[..., Gateway], drivers: JdbcDrivers, driver: str
) -> None:
    """What a BI tool learns of a table before it reads it, over both transports."""
    via = pair.via
    if driver == DATABRICKS_HTTP:
        web = {"name": "web", "bind": "127.0.0.1:0", "transport": "http"}
        via = make_gateway([pair.spark.address], listeners=[web]).target(listener="web")
    _, columns, rows, typed, *browsed = drivers.run(driver, via, BROWSING)
    names = [column[0][1] for column in columns["result"]["columns"]]
    at = [names.index(name) for name in COLUMNS]
    assert [[row[i] for i in at] for row in values(columns)] == [
        [name, str(kind), text, str(size), str(digits)]
        for name, (kind, text, _, size, digits) in TYPES.items()
    ]
    described = [[cell[1] for cell in column[:6]] for column in rows["result"]["columns"]]
    assert described == [
        [name, str(kind), text.split("<")[0], made, str(size), str(digits)]
        for name, (kind, text, made, size, digits) in TYPES.items()
    ]
    assert len(rows["result"]["rows"]) == 3 and values(rows)[2] == [None] * len(TYPES)
    decimal, timestamp, bigint = typed["result"]
    assert decimal["decimal"] == ["BigDecimal", "12345.6789"]
    assert timestamp["timestamp"] == ["Timestamp", "2024-02-29 23:59:59.123456"]
    assert bigint["long"] == ["Long", "9223372036854775807"]
    assert [[row[:4] for row in values(result)] for result in browsed] == [
        [["Spark"]],
        [["sales", "Spark"]],
        [["Spark", "sales", "orders", "TABLE"]],
        [["Spark", "sales", "cheap", "VIEW"]],
        [["Spark", "sales", "cheap", "VIEW"]],
        [],
    ]


# What the two drivers show in the same way, by column.
SHARED = {
    "getSchemas": ("TABLE_SCHEM",),
    "getTables": ("TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS"),
    "getColumns": ("TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME", "TYPE_NAME", "REMARKS"),
    "getFunctions": ("FUNCTION_SCHEM", "FUNCTION_NAME", "REMARKS"),
}


def columns_of(call: Call, result: dict) -> list[list[str | None]]:
    """The rows of a metadata call, of the shared columns only. Hive's driver says CHAR(6) where this
    one says CHAR."""
    names = [column[0][1] for column in result["result"]["columns"]]
    wanted = [names.index(name) for name in SHARED.get(str(call[1]), ())]
    rows = [[row[i] and row[i][1] for i in wanted] for row in result["result"]["rows"]]
    if "TYPE_NAME" in names:
        at = SHARED["getColumns"].index("TYPE_NAME")
        for row in rows:
            row[at] = str(row[at]).split("(")[0].split("<")[0]
    return rows


def test_cancel_and_timeout(pair: Pair, drivers: JdbcDrivers) -> None:
    script = [
        ["bg", "cancel", slow("databricks jdbc cancel", 60), "2000"],
        ["bg", "timeout", slow("databricks jdbc timeout", 60), "1"],
    ]
    cancelled, timed_out = drivers.run(DATABRICKS, pair.via, script)
    for result in (cancelled, timed_out):
        assert result["result"]["next"]["rows"] == [[["String", "still usable"]]], result
    assert cancelled["result"]["cancel"] == ["String", "sent"]
    assert cancelled["result"]["statement"]["state"] == "HY008", cancelled
    assert timed_out["result"]["statement"]["class"] == "java.sql.SQLTimeoutException", timed_out


def test_where_a_session_starts(pair: Pair, drivers: JdbcDrivers) -> None:
    where = ["query", "SELECT current_catalog(), current_database()"]
    settings = {
        "/sales": "sales",
        "": "default",
        "/default;ConnSchema=sales": "sales",
        "/default;ConnCatalog=spark_catalog;ConnSchema=sales": "sales",
        "/default;ConnCatalog=hive_metastore;ConnSchema=sales": "sales",
    }
    script = [call for suffix in settings for call in (["connect", suffix], where)]
    results = drivers.run(DATABRICKS, pair.via, script)
    for index, (suffix, database) in enumerate(settings.items()):
        connected, found = results[2 * index : 2 * index + 2]
        assert connected.get("result") == [], (suffix, connected)
        assert found["result"]["rows"] == [[["String", "spark_catalog"], ["String", database]]]


def test_by_http(pair: Pair, make_gateway: Callable[..., Gateway], drivers: JdbcDrivers) -> None:
    """The same edits, where a session belongs to no connection."""
    web = {"name": "web", "bind": "127.0.0.1:0", "transport": "http"}
    via = make_gateway([pair.spark.address], listeners=[web]).target(listener="web")
    script = [
        ["connect", "/sales"],
        ["query", "SELECT current_database(), current_user(), count(*) FROM orders"],
        ["meta", "getTables", None, "sales", "%", None],
        *LARGE[1:],
    ]
    results = drivers.run(DATABRICKS_HTTP, via, script)
    assert all("result" in result for result in results), results
    assert results[1]["result"]["rows"] == [
        [["String", "sales"], ["String", "alice"], ["Long", "100"]]
    ]
    assert len(results[2]["result"]["rows"]) == 2
    hive = drivers.run(HIVE, pair.direct, LARGE)
    assert [r["result"] for r in results[3:]] == [r["result"] for r in hive[1:]]


def test_what_it_cannot_start_in(pair: Pair, drivers: JdbcDrivers) -> None:
    """A name that the server doesn't have ends the connection, rather than be ignored."""
    script = [["connect", "/no_such_schema"], ["connect", "/default;ConnCatalog=no_such_catalog"]]
    schema, catalog = drivers.run(DATABRICKS, pair.via, script)
    assert "no_such_schema" in schema["error"]["message"], schema
    assert "SCHEMA_NOT_FOUND" in schema["error"]["message"], schema
    assert "no_such_catalog" in catalog["error"]["message"], catalog


def test_who_it_is(pair35: Pair, drivers: JdbcDrivers) -> None:
    script = [
        ["connect", "/default;hive.server2.proxy.user=bob"],
        ["connect", "/default;hive.server2.proxy.user=alice"],
        ["query", "SELECT current_user()"],
    ]
    refused, own, who = drivers.run(DATABRICKS, pair35.via, script)
    assert "may not run a session as" in refused["error"]["message"], refused
    assert "result" in own
    assert who["result"]["rows"] == [[["String", "alice"]]]
    wrong = pair35.via.as_user("alice", "not-her-password")
    (result,) = drivers.run(DATABRICKS, wrong, [["connect", "/default"]])
    assert "Error validating the login" in result["error"]["message"], result


def test_spark_alone_is_not_enough(pair: Pair, drivers: JdbcDrivers) -> None:
    """Else the tests above would show nothing of hivegate."""
    (result,) = drivers.run(DATABRICKS, pair.direct, [["connect", "/default"]])
    assert result["error"]["code"] == 500653, result
