"""beeline 2.3.9, from Spark's own jars: what it prints is the same with and without hivegate."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.harness.fleet import Pair
from e2e.harness.queries import TYPE_QUERIES, slow
from e2e.harness.shell import Beeline

SCRIPT = "\n".join(
    [
        *(
            line
            for form in ("csv2", "tsv2", "table", "vertical", "xmlelements")
            for line in (
                f"!set outputformat {form}",
                "SELECT * FROM everything;",
                "SELECT id, item, price, placed FROM sales.orders ORDER BY id LIMIT 5;",
                "SELECT 1 AS one WHERE false;",
                "SELECT nosuch;",
            )
        ),
        "!set outputformat table",
        *(f"{statement};" for statement in TYPE_QUERIES),
        "USE sales;",
        "SHOW TABLES;",
        "DESCRIBE orders;",
        "SELEC 1;",
        "SELECT * FROM nosuchtable;",
        "SELECT raise_error('with intent');",
        "SET spark.sql.shuffle.partitions;",
        "!tables",
        "!columns orders",
        "!metadata getTableTypes",
        "!metadata getCatalogs",
        "!metadata getSchemas",
        "!typeinfo",
        "!primarykeys orders",
        "!indexes orders",
        "!dbinfo",
        "!closeall",
        "SELECT 'not connected';",
    ]
)


def test_a_script(pair: Pair, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text(SCRIPT + "\n")
    running = [
        Beeline(target, script=script, options=["--force=true"], silent=False)
        for target in pair.targets
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert "2147483647" in via.output and "with intent" in via.errors
    assert "cannot be resolved" in via.errors
    assert via.plain() == direct.plain()


@pytest.mark.smoke
def test_a_few_statements(pair35: Pair) -> None:
    statements = ["SELECT current_user(), current_database()", "SELECT * FROM everything"]
    running = [
        Beeline(
            target,
            statements=statements,
            suffix="/sales;k=v?spark.sql.shuffle.partitions=3#x=7",
            options=["--hiveconf", "a.b=c", "--hivevar", "hv=1"],
        )
        for target in pair35.targets
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert via.status != 0  # there is no table `everything` in sales
    assert "alice,sales" in via.output
    assert via.plain() == direct.plain()


def test_settings_and_variables(pair: Pair) -> None:
    """In the URL and by option."""
    statements = [
        "SELECT ${x}, ${hv}, '${hivevar:hv}'",
        "SET spark.sql.shuffle.partitions",
        "SET a.b",
        "SELECT current_database()",
    ]
    running = [
        Beeline(
            target,
            statements=statements,
            suffix="/sales?spark.sql.shuffle.partitions=3#x=7",
            options=["--hiveconf", "a.b=c", "--hivevar", "hv=1"],
        )
        for target in pair.targets
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert via.status == 0, via.errors
    assert "7,1,1" in via.output and "spark.sql.shuffle.partitions,3" in via.output
    assert "a.b,c" in via.output
    assert via.plain() == direct.plain()


def test_errors_end_it(pair: Pair) -> None:
    running = [
        Beeline(target, statements=["SELECT 1", "SELECT nosuch", "SELECT 2"])
        for target in pair.targets
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert via.status != 0
    assert "42703" in via.errors
    assert via.plain() == direct.plain()


def test_ctrl_c_cancels(pair: Pair) -> None:
    running = {
        mark: Beeline(target, statements=[slow(mark)])
        for mark, target in zip(("ctrl-c direct", "ctrl-c via"), pair.targets, strict=True)
    }
    ended = []
    for mark, beeline in running.items():
        try:
            pair.ui.wait_running(mark)
        finally:
            beeline.interrupt()
    for mark, beeline in running.items():
        ended.append(beeline.wait())
        pair.ui.wait_cancelled(mark)
    direct, via = ended
    assert via.status == direct.status
    assert via.plain()[2] == direct.plain()[2]


def test_two_users_at_once(pair: Pair) -> None:
    statements = ["SELECT current_user()", slow("two users", 2), "SELECT current_user()"]
    running = {
        user: Beeline(pair.via.as_user(user), statements=statements) for user in ("alice", "bob")
    }
    for user, beeline in running.items():
        ended = beeline.wait()
        assert ended.status == 0, ended.errors
        rows = ended.output.split()
        assert rows.count(user) == 2, ended.output
        assert not set(rows) & ({"alice", "bob"} - {user})


def test_a_wrong_password(pair35: Pair) -> None:
    ended = Beeline(pair35.via.as_user("alice", "wrong"), statements=["SELECT 1"]).wait()
    assert ended.status != 0
    told = ended.errors + ended.output
    assert "Peer indicated failure" in told, told
    assert "password" in told.lower() or "login" in told.lower(), told
