"""Policies enforced in the gateway: attacks with canaries, with every byte that the client receives
searched; the same rows as on copies that were filtered and masked by hand; and users whom nothing
limits, who get what Spark answers."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyhive import hive
from support import beeline
from support.hivegate import Hivegate, hivegatectl_program
from support.spark import SparkThriftServer
from TCLIService import ttypes
from thrift.transport.THttpClient import THttpClient

from policy.harness import HERE, Rows, Session, Through, blocks, same
from policy.harness import gateway as start

CANARY = b"CANARY"
# aliases that only the text that runs has
INSIDE = re.compile(rb"\b[pb]_[0-9a-f]{32}|monotonically_increasing_id")
RAW = (b"222-22-", b"111-11-", b"333-33-", b"66666", b"77777")
ADMINS = """\
  - name: admins
    subjects: {groups: [admins]}
    capabilities: [all]
"""


def policies_text() -> str:
    """The policies of the offline tests, for users of whom no attributes are known."""
    text = (HERE / "policies.yaml").read_text() + ADMINS
    return text.replace("dept IN ({attr.dept})", "dept IN ('it', 'ops')")


def numberless(rows: Rows) -> str:
    """Without what differs each time: numbers of expressions, and how much PyHive shows."""
    return re.sub(r"#\d+L?", "#", rows.text()[:4000])


@pytest.fixture(scope="module")
def gateway(
    server: SparkThriftServer, world: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hivegate]:
    policies = tmp_path_factory.mktemp("gateway") / "policies.yaml"
    policies.write_text(policies_text())
    with start(server, policies) as running:
        yield running


def test_nothing_hidden_comes_back(gateway: Hivegate) -> None:
    leaks, ran = [], 0
    with Through(gateway.port, "bob", "hr") as bob:
        for attack in blocks(HERE / "attacks.sql"):
            before = len(bob.heard)
            answer = bob.run(attack)
            ran += answer.error is None
            received = bytes(bob.heard[before:]).replace(b"saw CANARY", b"")
            # the attack's own words may be in it
            found = [word for word in (CANARY, *RAW) if word in received]
            if found and not all(word in attack.encode() for word in found):
                leaks.append(f"{attack}\n  {found}\n  {answer.text()[:500]}")
            if INSIDE.search(received):
                leaks.append(f"{attack}\n  the text that ran: {answer.text()[:500]}")
    assert not leaks, "\n".join(leaks)
    assert ran > 25, "so few ran that nothing was tried"


def test_the_same_rows_as_on_the_copies(gateway: Hivegate, server: SparkThriftServer) -> None:
    wrong = []
    copies = Session(server, "seen")
    with Through(gateway.port, "bob", "hr") as bob:
        for query in blocks(HERE / "queries.sql"):
            expected = copies.run(query)
            if expected.error is not None:
                continue
            difference = same(expected, bob.run(query), "ORDER BY" in query)
            if difference:
                wrong.append(f"{query}\n  {difference}")
    assert not wrong, "\n".join(wrong)


def test_others_get_what_spark_answers(gateway: Hivegate, server: SparkThriftServer) -> None:
    direct = Session(server, "hr")
    with Through(gateway.port, "carl", "hr") as carl:
        for query in ("SELECT * FROM emp ORDER BY id", "SELECT nope FROM emp", "SHOW PARTITIONS emp"):
            assert numberless(carl.run(query)) == numberless(direct.run(query))
        assert "needs the capability" in carl.refused("ADD FILE /etc/hostname")
    with Through(gateway.port, "root", "hr") as root:
        query = "EXPLAIN SELECT count(*) FROM emp WHERE id > 2"
        assert root.run(query).error is None


def test_where_the_session_stands(gateway: Hivegate) -> None:
    with Through(gateway.port, "bob") as bob:
        assert "no table or view emp" in bob.refused("SELECT * FROM emp")
        bob.must("USE hr")
        assert len(bob.must("SELECT * FROM emp").rows) == 5
        assert bob.run("USE nowhere").error is not None
        assert len(bob.must("SELECT * FROM emp").rows) == 5
        bob.must("USE spark_catalog.pub")
        assert len(bob.must("SELECT * FROM t").rows) == 4
        assert "no table or view emp" in bob.refused("SELECT * FROM emp")


def test_the_current_catalog_stays_where_it_is(gateway: Hivegate) -> None:
    """hivegate knows where Spark stands, and asks it by full names only."""
    shows = ("SHOW PARTITIONS {}", "DESCRIBE EXTENDED {} salary", "SHOW CREATE TABLE {}", "TABLE {}")
    for use in ("USE spark_catalog", "USE SPARK_CATALOG", "SET CATALOG spark_catalog"):
        with Through(gateway.port, "bob") as bob:
            bob.must("USE hr")
            bob.must(use)
            assert bob.must("SELECT current_database()").rows == [("hr",)], use
            assert len(bob.must("SELECT * FROM emp").rows) == 5
            for show in shows[:3]:
                assert "more of a protected table" in bob.refused(show.format("emp"))
    with Through(gateway.port, "bob", "hr") as bob:
        bob.must("SET CATALOG SPARK_CATALOG")
        assert bob.must("SELECT current_database()").rows == [("default",)]
        for show in shows:
            assert "no table or view emp" in bob.refused(show.format("emp"))


def names_of_later(gateway: Hivegate) -> list[str]:
    """In a session of its own: Spark's sessions remember tables for themselves."""
    with Through(gateway.port, "bob", "pub") as bob:
        return bob.must("SELECT * FROM later").names


def test_tables_are_looked_up_again(gateway: Hivegate) -> None:
    with Through(gateway.port, "bob", "pub") as bob, Through(gateway.port, "root", "pub") as root:
        assert "no table or view later" in bob.refused("SELECT * FROM later")
        root.must("CREATE TABLE later (a INT) USING parquet")
        assert names_of_later(gateway) == ["a"]
        root.must("DROP TABLE later")
        root.must("CREATE TABLE later (b INT, c INT) USING parquet")
        assert names_of_later(gateway) == ["b", "c"]
        root.must("DROP TABLE later")
        root.must("CREATE VIEW later AS SELECT * FROM hr.emp")
        assert "can't be used" in bob.refused("SELECT * FROM later")
        root.must("DROP VIEW later")


def test_errors_tell_nothing(gateway: Hivegate) -> None:
    with Through(gateway.port, "bob", "hr") as bob:
        error = bob.refused("SELECT nope FROM emp")
        assert "[UNRESOLVED_COLUMN] with the name `nope`" in error and "42703" in error
        error = bob.refused("SELECT raise_error(name) FROM emp")
        assert "reports an error. More of it isn't shown" in error
        assert "line 1, column 15: no table or view secrets" in bob.refused("SELECT * FROM secrets")
        assert bob.must("SELECT 1").rows == [(1,)]


def test_settings_of_the_session(gateway: Hivegate) -> None:
    settings = {"spark.sql.caseSensitive": "true"}
    with pytest.raises(Exception, match="may not be set where policies limit"):
        hive.connect(
            "127.0.0.1",
            gateway.port,
            username="bob",
            password="bob-secret",
            auth="CUSTOM",
            configuration=settings,
        )
    with Through(gateway.port, "bob", "hr") as bob:
        assert bob.must("SET spark.sql.variable.substitute").rows[0][1] == "false"
        assert "may not be set" in bob.refused("SET spark.sql.ansi.enabled=true")
        bob.must("SET spark.sql.shuffle.partitions=3")


def test_what_double_quotes_mean(gateway: Hivegate) -> None:
    """Without a grant nobody makes names of strings, which could hide what a statement does."""
    setting = "spark.sql.ansi.doubleQuotedIdentifiers"
    with Through(gateway.port, "carl") as carl:
        assert "needs the capability dynamic_sql" in carl.refused(f"SET {setting}=true")
        carl.must("SET spark.sql.ansi.enabled=true")
    who = {"username": "carl", "password": "carl-secret", "auth": "CUSTOM"}
    for key in (setting, f"set:hiveconf:{setting}"):
        with pytest.raises(Exception, match="may not be set where policies limit"):
            hive.connect("127.0.0.1", gateway.port, configuration={key: "true"}, **who)
    who |= {"username": "root", "password": "root-secret"}
    hive.connect("127.0.0.1", gateway.port, configuration={setting: "true"}, **who).close()


def test_the_size_of_what_was_sent(server: SparkThriftServer, world: Path, tmp_path: Path) -> None:
    """limits: statement_size is for what the client sends, and not for what policies make of it."""
    policies = tmp_path / "policies.yaml"
    policies.write_text(policies_text())
    with (
        start(server, policies, limits={"statement_size": "64"}) as gateway,
        Through(gateway.port, "bob", "hr") as bob,
    ):
        assert bob.must("SELECT count(*) FROM emp").rows == [(5,)]
        assert "limits: statement_size" in bob.refused("SELECT 1" + " " * 64)


def test_metadata_calls_are_refused(gateway: Hivegate) -> None:
    with Through(gateway.port, "bob", "hr") as bob:
        assert "isn't answered where policies hide" in bob.tables().errorMessage
        assert bob.must("SELECT 1").rows == [(1,)]
    with Through(gateway.port, "carl", "hr") as carl:
        assert carl.tables().statusCode == ttypes.TStatusCode.SUCCESS_STATUS


def until(said: str, gateway: Hivegate, times: int = 1) -> None:
    end = time.monotonic() + 120
    while gateway.log_text().count(said) < times:
        assert time.monotonic() < end, f"waited in vain for {said}"
        time.sleep(0.05)


def test_reload(server: SparkThriftServer, world: Path, tmp_path: Path) -> None:
    """Other policies hold at once, or, with an error in them, not at all."""
    policies = tmp_path / "policies.yaml"
    policies.write_text(policies_text())
    query = "SELECT count(*) FROM emp"
    with (
        start(server, policies) as gateway,
        Through(gateway.port, "bob", "hr") as bob,
        Through(gateway.port, "carl", "hr") as carl,
    ):
        assert bob.must(query).rows == [(5,)]
        cursor = bob.cursor()
        cursor.execute("SELECT id FROM emp")
        policies.write_text(policies_text().replace("row_filter", "row_filer"))
        gateway.process.signal(signal.SIGHUP)
        until("policies_not_reloaded", gateway)
        assert "policies.yaml:" in gateway.log_text()
        assert bob.must(query).rows == [(5,)] and carl.must(query).rows == [(7,)]
        text = policies_text().replace("'it', 'ops'", "'it'")
        policies.write_text(
            text.replace("groups: [analysts]}\n    except", "users: [bob, carl]}\n    except")
        )
        gateway.process.signal(signal.SIGHUP)
        until("policies_reloaded", gateway)
        assert bob.must(query).rows == [(3,)]
        with pytest.raises(hive.Error, match="run it again"):
            cursor.fetchall()
        assert "connect again" in carl.refused(query)
        with Through(gateway.port, "carl", "hr") as again:
            assert again.must(query).rows == [(3,)]


def ended(cursor: Any) -> Any:
    """The status of an asynchronous statement, once it has one that stays."""
    states = ttypes.TOperationState
    while (status := cursor.poll()).operationState in (states.RUNNING_STATE, states.PENDING_STATE):
        time.sleep(0.05)
    return status


def test_asynchronous_statements(gateway: Hivegate) -> None:
    with Through(gateway.port, "bob", "hr") as bob:
        cursor = bob.cursor()
        cursor.execute("SELECT ssn FROM emp WHERE id = 3", async_=True)
        ended(cursor)
        assert cursor.fetchall() == [("nnn-nn-3333",)]
        assert cursor.fetch_logs() == []
        cursor = bob.cursor()
        cursor.execute("SELECT raise_error(name) FROM emp", async_=True)
        status = ended(cursor)
        assert status.operationState == ttypes.TOperationState.ERROR_STATE
        assert "More of it isn't shown" in status.errorMessage
        cursor = bob.cursor()
        cursor.execute("USE pub", async_=True)
        assert len(bob.must("SELECT * FROM t").rows) == 4


def test_beeline(gateway: Hivegate) -> None:
    """Hive's driver, with all that it asks by itself."""
    done = subprocess.run(
        beeline.command(
            gateway.jdbc_url("hr"),
            "bob",
            "bob-secret",
            outputformat="csv2",
            statements=["SELECT id, ssn FROM emp WHERE id = 3", "SELECT * FROM secrets"],
        ),
        env=beeline.environment(),
        capture_output=True,
        text=True,
    )
    printed = done.stdout + done.stderr
    assert "3,nnn-nn-3333" in printed and "no table or view secrets is known here" in printed
    assert "CANARY" not in printed


def test_http(gateway: Hivegate) -> None:
    port = int(gateway.addresses["http"].rpartition(":")[2])
    transport = THttpClient(f"http://127.0.0.1:{port}/cliservice")
    proof = base64.b64encode(b"bob:bob-secret").decode()
    transport.setCustomHeaders({"Authorization": f"Basic {proof}"})
    cursor = hive.connect(thrift_transport=transport, database="hr").cursor()
    cursor.execute("SELECT ssn FROM emp WHERE id = 3")
    assert cursor.fetchall() == [("nnn-nn-3333",)]
    cursor.execute("USE pub")
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchall() == [(4,)]
    with pytest.raises(hive.OperationalError, match="no table or view emp is known here"):
        cursor.execute("SELECT * FROM emp")
    with pytest.raises(hive.OperationalError, match="More of it isn't shown"):
        cursor.execute("SELECT nope FROM hr.emp")


def events_of(gateway: Hivegate) -> list[dict[str, Any]]:
    argv = [hivegatectl_program(), "audit", "search", "--spool", gateway.directory / "spool"]
    argv += ["--output", "json", "--most", "100000"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_refusals_on_record(gateway: Hivegate) -> None:
    """What is refused without a ruling, too: too many names at once, and metadata calls."""
    with Through(gateway.port, "bob", "hr") as bob:
        names = ", ".join(f"unheard_of_{n}" for n in range(201))
        assert "too many tables at once" in bob.refused(f"SELECT 1 FROM {names}")
        assert "isn't answered" in bob.tables().errorMessage
    events = events_of(gateway)
    refused = next(e for e in events if "unheard_of_200" in e.get("statement", ""))
    assert refused["kind"] == "statement_refused" and refused["sql_state"] == "42000", refused
    assert "too many tables at once" in refused["reason"], refused
    calls = [e for e in events if e["kind"] == "metadata_call" and e["call"] == "GetTables"]
    told = [e for e in calls if e["effective_user"] == "bob"]
    assert told and all(e["decision"] == "refused" and e["reason"] for e in told), calls


def test_on_record(gateway: Hivegate) -> None:
    """The audit log has the statement as it came and as it ran, and why; errors in full."""
    with Through(gateway.port, "bob", "hr") as bob:
        bob.must("SELECT 'recorded', ssn FROM emp WHERE id = 3")
        bob.refused("SELECT 'recorded', nope FROM emp")
        bob.refused("SELECT 'recorded' FROM secrets")
    events = [e for e in events_of(gateway) if "recorded" in str(e)]
    ran = next(e for e in events if "'recorded', ssn" in e.get("statement", ""))
    assert "monotonically_increasing_id" in ran["statement_run"], ran
    assert ran["decision"] == "rewritten" and "own-department" in ran["policies"], ran
    assert ran["policy_version"].startswith("sha256:"), ran
    assert any("no table or view secrets" in e.get("reason", "") for e in events), events
    assert any("UNRESOLVED_COLUMN.WITH_SUGGESTION" in e.get("message", "") for e in events), events
