"""Hive's JDBC drivers from 1.2.2 to 4.1.0: the same program, directly and through hivegate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e.harness.fleet import Pair, unlike
from e2e.harness.jdbc import VERSIONS, JdbcDrivers
from e2e.harness.normal import plain
from e2e.harness.queries import TYPE_QUERIES, slow

# Some expressions that a driver can't show are errors; they must be the same errors.
SCRIPT: list[list[str | None]] = [
    ["connect", "/default"],
    # These wait; they run beside the rest, each on a connection of its own.
    ["bg", "cancel", slow("jdbc cancel", 60), "3000"],
    ["bg", "timeout", slow("jdbc timeout", 60), "1"],
    ["about"],
    ["isvalid"],
    *(["query", statement] for statement in TYPE_QUERIES),
    ["query", "SELECT * FROM everything"],
    ["typed", "SELECT * FROM everything WHERE a_boolean"],
    ["typed", "SELECT 1.5D, 'text', date'2024-01-01', timestamp'2024-01-01 01:02:03.004', 12.50BD"],
    ["query", "SELECT id, price, placed, day FROM sales.orders ORDER BY id LIMIT 7"],
    ["query", "SELECT 1 WHERE false"],
    ["query", "SELECT id FROM range(0, 2500, 1, 1)"],
    ["two", "SELECT id FROM range(0, 5, 1, 1)", "SELECT id + 100 FROM range(0, 9, 1, 1)"],
    ["scroll", "SELECT id FROM range(0, 120, 1, 1)"],
    ["checksum", "SELECT id, id * 3, concat('row ', id) FROM range(0, 30000, 1, 1)", "4000"],
    ["execute", "SET spark.sql.ansi.enabled=false"],
    ["execute", "USE sales"],
    ["query", "SELECT current_database(), current_user()"],
    ["schema", "default"],
    ["execute", "CREATE OR REPLACE TEMPORARY VIEW seven AS SELECT 7 AS n"],
    ["update", "DROP VIEW seven"],
    ["query", "SHOW TABLES IN sales"],
    ["query", "DESCRIBE sales.orders"],
    ["query", "EXPLAIN SELECT 1"],
    [
        "prepare",
        "SELECT ?, ?, ?, ?, ?",
        "string:it's",
        "int:-5",
        "long:9000000000",
        "double:1.5",
        "boolean:true",
    ],
    [
        "prepare",
        "SELECT ?, ?, ?, ?",
        "date:2024-02-29",
        "timestamp:2024-02-29 01:02:03.5",
        "decimal:12.345",
        "null:",
    ],
    [
        "prepare",
        "SELECT count(*) FROM sales.orders WHERE id > ? AND item LIKE ?",
        "int:50",
        "string:item-%",
    ],
    ["prepare", "SELECT ?, '?'", "string:quote ' and \\ and ?"],
    ["logs", "SELECT count(*) FROM sales.orders"],
    # Errors of every kind.
    ["query", "SELECT nosuch"],
    ["query", "SELEC 1"],
    ["query", "SELECT * FROM nosuchtable"],
    ["query", "SELECT raise_error('with intent')"],
    ["execute", "USE nosuchdatabase"],
    ["execute", "CREATE TABLE everything (x INT)"],
    ["query", ""],
    ["prepare", "SELECT ? +", "int:1"],
    ["query", "SELECT 'still usable'"],
    # Metadata.
    ["meta", "getCatalogs"],
    ["meta", "getSchemas", None, "%"],
    ["meta", "getSchemas", None, "sal%"],
    ["meta", "getTables", None, "sales", "%", None],
    ["meta", "getTables", None, "%", "%", "VIEW"],
    ["meta", "getTables", None, "sales", "nosuch", "TABLE,VIEW"],
    ["meta", "getTables", None, None, "*", None],
    ["meta", "getColumns", None, "default", "everything", "%"],
    ["meta", "getColumns", None, "sales", "%", "i%"],
    ["meta", "getFunctions", None, "default", "con%"],
    ["meta", "getTypeInfo"],
    ["meta", "getTableTypes"],
    ["meta", "getPrimaryKeys", None, "sales", "orders"],
    ["meta", "getImportedKeys", None, "sales", "orders"],
    ["meta", "getCrossReference", None, "sales", "orders", None, "sales", "cheap"],
    # What a URL can say.
    ["connect", "/sales"],
    ["query", "SELECT current_database()"],
    ["connect", "/sales;a.session.variable=1?spark.sql.shuffle.partitions=3;my.conf=x#my.var=7"],
    ["query", "SET spark.sql.shuffle.partitions"],
    ["query", "SET my.conf"],
    ["query", "SELECT ${my.var}, current_database()"],
    ["connect", "/no_such_database"],
    ["connect", "/default?spark.sql.shuffle.partitions=many"],
    ["connect", "/default;initFile=/no/such/file"],
    ["connect", ""],
    ["query", "SELECT current_database()"],
    ["close"],
]


@pytest.mark.parametrize("driver", VERSIONS)
def test_the_same_program(pair: Pair, drivers: JdbcDrivers, driver: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(drivers.run, driver, target, SCRIPT) for target in pair.targets]
        direct, via = (plain(run.result()) for run in runs)
    differences = [
        f"{' '.join(str(field) for field in call)}:\n{unlike(left, right)}"
        for call, left, right in zip(SCRIPT, direct, via, strict=True)
        if left != right
    ]
    assert not differences, "\n\n".join(differences)
    check_what_must_work(driver, via)


def check_what_must_work(driver: str, results: list[dict]) -> None:
    """Equal answers could be equally wrong: the calls that must work, did."""
    by_call = dict(zip((" ".join(map(str, call[:2])) for call in SCRIPT), results, strict=True))
    for call in (
        "connect /default",
        "about",
        "query SELECT * FROM everything",
        "checksum SELECT id, id * 3, concat('row ', id) FROM range(0, 30000, 1, 1)",
        "meta getTypeInfo",
        "meta getColumns",
        "connect /sales",
        "query SELECT 'still usable'",
    ):
        assert "result" in by_call[call], (driver, call, by_call[call])
    assert len(by_call["query SELECT * FROM everything"]["result"]["rows"]) == 3
    assert by_call["query SELECT nosuch"]["error"]["state"] == "42703"
    cancelled, timed_out = results[1], results[2]
    assert cancelled["result"]["next"]["rows"] == [[["String", "still usable"]]], cancelled
    assert "cancel" in str(cancelled["result"]["statement"]).lower(), cancelled
    assert "error" in timed_out or "class" in timed_out["result"]["statement"], timed_out


@pytest.mark.smoke
def test_a_short_program(pair35: Pair, drivers: JdbcDrivers) -> None:
    """For builds that are slow: one driver, the kinds of calls once each."""
    wanted = ("connect", "about", "query", "prepare", "meta", "logs")
    script = [call for call in SCRIPT if call[0] in wanted][::3]
    direct, via = (plain(drivers.run("4.1.0", target, script)) for target in pair35.targets)
    assert via == direct, unlike(direct, via)


def test_a_wrong_password_is_told(pair35: Pair, drivers: JdbcDrivers) -> None:
    """Each driver shows what the server said at the login."""
    for driver in VERSIONS:
        target = pair35.via.as_user("alice", "not-her-password")
        (result,) = drivers.run(driver, target, [["connect", "/default"]])
        told = str(result["error"])
        assert "Peer indicated failure" in told, told
        assert "password" in told.lower() or "login" in told.lower(), told


def test_another_users_name_is_refused(pair35: Pair, drivers: JdbcDrivers) -> None:
    script = [
        ["connect", "/default;hive.server2.proxy.user=bob"],
        ["connect", "/default;hive.server2.proxy.user=alice"],
        ["query", "SELECT current_user()"],
        ["connect", "/default?hive.server2.proxy.user=bob"],
    ]
    refused, own, who, conf = drivers.run("3.1.3", pair35.via, script)
    assert "hive.server2.proxy.user" in refused["error"]["message"]
    assert "result" in own
    assert who["result"]["rows"] == [[["String", "alice"]]]
    assert "hive.server2.proxy.user" in conf["error"]["message"]
