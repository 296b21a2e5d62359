"""The schema: roles, views, retention, and what hivegatectl audit says of all of it."""

import json
import subprocess
from pathlib import Path

import pytest
from support.postgres import Postgres

from audit.kit import CTL, Driver, ctl, run

SHIP = ("--threads", "2", "--statements", "10", "--drain", "--segment", "8")


@pytest.fixture
def shipped(server: Postgres, spool: Path) -> Postgres:
    """40 events, of 20 statements."""
    run(spool, "--postgres", server.conninfo("gate"), *SHIP)
    return server


def test_migrate_again(server: Postgres) -> None:
    assert "up to date" in ctl("migrate", "-p", server.conninfo())


def test_migrations_at_once(tmp_path: Path, server: Postgres) -> None:
    server.run("CREATE DATABASE twice")
    to = server.conninfo().replace("dbname=postgres", "dbname=twice")
    argv = [str(CTL), "audit", "migrate", "-p", to]
    runs = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    texts = [one.communicate()[0] for one in runs]
    server.run("DROP DATABASE twice")
    assert [one.returncode for one in runs] == [0] * 4
    assert sum("from version 0" in text for text in texts) == 1, texts


@pytest.mark.parametrize("user, sql, allowed", [
    ("gate", "SELECT * FROM hivegate.event LIMIT 1", False),
    ("gate", "UPDATE hivegate.event SET principal = 'x'", False),
    ("gate", "DELETE FROM hivegate.event", False),
    ("gate", "TRUNCATE hivegate.event", False),
    ("gate", "SELECT hivegate.drop_before('2100-01-01')", False),
    ("gate", "SELECT hivegate.note('hold', 'x', 'y')", False),
    ("gate", "SELECT hivegate.note_read('x', 'y')", False),
    ("gate", "SELECT hivegate.hold_release(1, 'x')", False),
    ("gate", "UPDATE hivegate.hold SET released_at = now()", False),
    ("gate", "DELETE FROM hivegate.config_set", False),
    ("auditor", "SELECT hivegate.note_read('x', 'y')", True),
    ("auditor", "SELECT hivegate.note('hold', 'x', 'y')", False),
    ("auditor", "SELECT hivegate.hold_release(1, 'x')", False),
    ("auditor", "UPDATE hivegate.archive SET events = 0", False),
    ("gate", "DELETE FROM hivegate.spool", False),
    ("gate", "SELECT hivegate.make_partitions(ARRAY[current_date])", True),
    ("auditor", "SELECT * FROM hivegate.query LIMIT 1", True),
    ("auditor", "SELECT * FROM hivegate.event LIMIT 1", True),
    ("auditor", "DELETE FROM hivegate.event", False),
    ("auditor", "SELECT hivegate.make_partitions(ARRAY[current_date])", False),
])
def test_roles(shipped: Postgres, user: str, sql: str, allowed: bool) -> None:
    if allowed:
        shipped.run(sql, user=user)
    else:
        with pytest.raises(AssertionError, match="permission denied|must be owner"):
            shipped.run(sql, user=user)


def test_query_has_a_row_for_each_statement(shipped: Postgres) -> None:
    rows = shipped.run(
        "SELECT principal, effective_user, session_id, database, state, rows_returned,"
        " finished_at >= started_at, statement LIKE 'SELECT%', count(*)"
        " FROM hivegate.query GROUP BY 1, 2, 3, 4, 5, 6, 7, 8", user="auditor")
    session = "b6a7a4c2-64b1-4f0e-8d41-0d5a5f1c2f11"
    assert rows == [["alice", "alice", session, "sales", "finished", "42", "t", "t", "20"]]


def test_a_statement_that_runs(server: Postgres, spool: Path) -> None:
    words = ["--postgres", server.conninfo("gate"), "--drain", "--unended", "--threads", "1"]
    run(spool, *words, "--statements", "1")
    assert server.value("SELECT state FROM hivegate.query") == "running"
    run(spool, *words[:3], "--threads", "1", "--statements", "1")
    states = server.run("SELECT state FROM hivegate.query ORDER BY started_at")
    assert states == [["unknown"], ["finished"]]


def test_other_views(shipped: Postgres) -> None:
    tables = shipped.run("SELECT DISTINCT table_name, access FROM hivegate.table_access ORDER BY 1")
    assert tables == [['sales.odd, "name"', "read"], ["spark_catalog.sales.orders", "read"]]
    assert shipped.value("SELECT count(*) FROM hivegate.slowest WHERE run_us = 1234") == "20"
    assert shipped.value("SELECT count(*) FROM hivegate.refused") == "0"


def test_partitions_are_made_ahead(shipped: Postgres) -> None:
    days = shipped.value(
        "SELECT count(*) FROM generate_series(0, 2) AS n WHERE to_regclass('hivegate.event_' ||"
        " to_char((now() AT TIME ZONE 'UTC')::date + n, 'YYYYMMDD')) IS NOT NULL")
    assert days == "3"


CHANGES = {
    "a column": ("UPDATE hivegate.event SET principal = 'mallory' WHERE sequence = 7", "column"),
    "the body": (
        "UPDATE hivegate.event SET principal = 'mallory',"
        " body = replace(body::text, '\"alice\"', '\"mallory\"')::json WHERE sequence = 7",
        "was changed"),
    "a time": ("UPDATE hivegate.event SET at = at - interval '1 hour' WHERE sequence = 3", "column"),
    "one is missing": ("DELETE FROM hivegate.event WHERE sequence = 5", "missing"),
    "the first is missing": ("DELETE FROM hivegate.event WHERE sequence = 1", "missing"),
    "the last is missing": ("DELETE FROM hivegate.event WHERE sequence = 40", "missing"),
    "all are missing": ("DELETE FROM hivegate.event", "missing"),
    "two change places": (
        "UPDATE hivegate.event SET sequence = 17 - sequence WHERE sequence IN (8, 9)",
        "doesn't follow"),
    "one is added": (
        "INSERT INTO hivegate.event SELECT (jsonb_populate_record(e, jsonb_build_object('id',"
        " overlay(e.id::text placing 'ffff' from 33)))).* FROM hivegate.event e WHERE sequence = 4",
        "twice"),
    "the spool is unknown": ("DELETE FROM hivegate.spool", "doesn't know"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_verify_finds(shipped: Postgres, spool: Path, change: str) -> None:
    assert "40 records" in ctl("verify", "-p", shipped.conninfo("auditor"))
    sql, word = CHANGES[change]
    shipped.run(sql)
    text = ctl("verify", "-p", shipped.conninfo("auditor"), status=1)
    assert "FAULT" in text and word in text, text


def test_verify_of_a_spool(spool: Path) -> None:
    run(spool, "--statements", "20")
    assert "160 records" in ctl("verify", "--spool", str(spool))
    path = next(at for at in spool.iterdir() if at.suffix == ".seg")
    text = bytearray(path.read_bytes())
    text[text.index(b"alice")] ^= 1
    path.write_bytes(text)
    assert "FAULT" in ctl("verify", "--spool", str(spool), status=1)


def test_what_retention_drops_is_no_fault(shipped: Postgres, spool: Path) -> None:
    assert "days dropped: 0" in ctl("prune", "-p", shipped.conninfo(), "--keep", "1d")
    shipped.run("SELECT hivegate.drop_before((now() AT TIME ZONE 'UTC')::date + 1)")
    count = "SELECT count(*) FROM hivegate.event WHERE kind <> 'dropped'"
    assert shipped.value(count) == "0"
    ctl("verify", "-p", shipped.conninfo("auditor"))
    run(spool, "--postgres", shipped.conninfo("gate"), *SHIP)
    assert shipped.value(count) == "40"
    assert "40 records read, the last is 80" in ctl("verify", "-p", shipped.conninfo("auditor"))
    shipped.run("UPDATE hivegate.dropped SET last_sequence = last_sequence - 1")
    assert "missing" in ctl("verify", "-p", shipped.conninfo("auditor"), status=1)


def test_search_in_both(shipped: Postgres, spool: Path) -> None:
    run(spool, "--threads", "1", "--statements", "5", "--segment", "8")  # not shipped
    both = ["search", "-p", shipped.conninfo("auditor"), "--spool", str(spool), "-o", "json"]
    events = [json.loads(line) for line in ctl(*both).splitlines()]
    assert len(events) == 50 and len({event["id"] for event in events}) == 50
    assert len(ctl(*both, "--kind", "statement_finished").splitlines()) == 25
    assert len(ctl(*both, "--table", 'sales.odd, "name"').splitlines()) == 25
    assert len(ctl(*both, "--user", "alice", "--since", "1h").splitlines()) == 50
    assert ctl(*both, "--user", "bob") == ""
    assert ctl(*both, "--until", "2020-01-01T00:00:00Z") == ""
    assert ctl(*both, "--session", "another") == ""
    text = ctl("search", "--spool", str(spool), "-n", "1")
    assert text.split("\t")[1:4] == ["statement_finished", "alice", "alice"]


@pytest.mark.parametrize("words, word", [
    (("search",), "--spool"),
    (("search", "--spool", "/x", "--kind", "nothing"), "kind"),
    (("search", "--spool", "/x", "--since", "yesterday"), "--since"),
    (("search", "--spool", "/x", "-n", "0"), "--most"),
    (("search", "--spool", "/x", "-o", "xml"), "--output"),
    (("migrate",), "--postgres"),
    (("prune", "-p", "host=x"), "--keep"),
    (("prune", "-p", "host=x", "--keep", "5h"), "1d"),
    (("verify", "extra"), "too many"),
])
def test_wrong_commands(words: tuple[str, ...], word: str) -> None:
    assert word in ctl(*words, status=2)


def test_what_cant_be_reached(tmp_path: Path) -> None:
    assert "can't be understood" in ctl("status", "-p", "nonsense=1", status=1)
    assert "127.0.0.1" in ctl("status", "-p", "host=127.0.0.1 port=1 user=x", status=1)
    assert "can't open the spool" in ctl("status", "--spool", str(tmp_path / "none"), status=1)


def test_status(shipped: Postgres, spool: Path) -> None:
    text = ctl("status", "-p", shipped.conninfo("auditor"), "--spool", str(spool))
    assert "to 40 (" in text and "records up to 40" in text and "version 3" in text


def test_two_gateways(server: Postgres, tmp_path: Path) -> None:
    """Two spools go into one database at once, each with its own chain."""
    words = ["--postgres", server.conninfo("gate"), "--drain", "--statements", "200"]
    drivers = [Driver(tmp_path / name, *words) for name in ("one", "two")]
    for driver in drivers:
        driver.finish()
    assert server.value("SELECT count(*) FROM hivegate.event") == "3200"
    assert ctl("verify", "-p", server.conninfo("auditor")).count("1600 records") == 2


def test_a_spool_in_use(spool: Path) -> None:
    first = Driver(spool, "--statements", "0")
    while not spool.exists() or len(list(spool.iterdir())) < 2:
        pass
    second = Driver(spool, "--statements", "1")
    status = second.process.wait(30)
    second.kill()
    assert status == 3 and "in use by another process" in second.error
    first.kill()
