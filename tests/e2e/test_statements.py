"""Statements over a raw connection: each reply message is the same with and without hivegate."""

from __future__ import annotations

import threading

import pytest
from TCLIService import ttypes

from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Pair
from e2e.harness.queries import TYPE_QUERIES, slow
from e2e.harness.wire import Connection, Failed, Operation, Session, row_count

State = ttypes.TOperationState


def run_through(session: Session, statement: str, run_async: bool) -> None:
    """A statement from start to close, as a driver does it."""
    try:
        operation = session.execute(statement, run_async=run_async)
    except Failed:
        return  # the reply is in the recording
    if operation.wait().result.operationState == State.FINISHED_STATE:
        operation.call("GetResultSetMetadata").ok()
        operation.fetch(kind=1)
        for _ in operation.batches():
            pass
    operation.close().ok()


@pytest.mark.smoke
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_every_type(pair: Pair, run_async: bool) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        for statement in TYPE_QUERIES:
            run_through(session, statement, run_async)
        session.close().ok()

    pair.same_replies(scenario)


ERRORS = (
    "SELECT nosuch",
    "SELEC 1",
    "",
    "   ;",
    "SELECT * FROM no.such.table",
    "SELECT * FROM nosuchtable",
    "USE nosuchdatabase",
    "SELECT raise_error('with intent')",
    "SELECT assert_true(false)",
    "SELECT cast('x' AS INT) + element_at(array(1), 0)",
    "CREATE TABLE everything (x INT)",
    "INSERT INTO everything VALUES (1)",
    "SET spark.sql.warehouse.dir=/elsewhere",
    "SELECT 'unclosed",
)


@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_errors_keep_state_and_text(pair: Pair, run_async: bool) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        for statement in ERRORS:
            run_through(session, statement, run_async)
        assert session.value("SELECT 'still there'") == "still there"
        session.close().ok()

    pair.same_replies(scenario)


def test_errors_while_running(pair: Pair) -> None:
    """An error of a task, found after the first rows were computed."""

    def scenario(connection: Connection) -> None:
        session = connection.open()
        session.run("SET spark.sql.ansi.enabled=true")
        run_through(session, "SELECT 10 / (id - 3) FROM range(0, 8, 1, 1)", run_async=True)
        run_through(
            session, "SELECT cast(concat('x', id) AS INT) FROM range(0, 1, 1, 1)", run_async=False
        )
        session.close().ok()

    pair.same_replies(scenario)


def test_statements_without_rows(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        for statement in (
            "USE sales",
            "SET",
            "SET a.b=c",
            "CREATE OR REPLACE TEMPORARY VIEW t AS SELECT 1 AS x",
            "DROP VIEW t",
            "SELECT 1 WHERE false",
            "SHOW TABLES",
            "DESCRIBE orders",
            "DESCRIBE EXTENDED orders",
            "SHOW CREATE TABLE orders",
            "EXPLAIN SELECT * FROM orders WHERE id = 1",
            "RESET",
        ):
            if statement == "SET":
                continue  # lists the ports of this very server
            run_through(session, statement, run_async=True)
        session.close().ok()

    pair.same_replies(scenario)


def test_unusual_statements(pair: Pair) -> None:
    """Long, with every kind of character, with comments."""

    def scenario(connection: Connection) -> None:
        session = connection.open()
        for statement in (
            "SELECT 'Zürich 東京 \U0001f680', '\t\r\n'",
            "/* a comment */ SELECT /* another */ 1 -- and one more",
            "SELECT 'semi;colon'",
            "SET a.long.one=" + "é" * 200_000,
        ):
            run_through(session, statement, run_async=True)
        session.close().ok()

    pair.same_replies(scenario)


@pytest.mark.smoke
def test_fetching_in_every_direction(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        operation = session.execute("SELECT id FROM range(0, 25, 1, 1)")
        for orientation, rows in [
            (0, 10),
            (0, 10),
            (1, 10),
            (0, 3),
            (4, 10),
            (0, 100),
            (0, 100),
            (4, 0),
            (4, -1),
            (4, 7),
            (2, 5),
            (3, 5),
            (5, 5),
            (0, 5),
            (0, 2**62),
        ]:
            operation.fetch(orientation, rows)
        for kind in (0, 1, 2, -1):
            operation.fetch(4, 5, kind)
        operation.close().ok()
        operation.fetch()
        operation.close()
        session.close().ok()

    pair.same_replies(scenario)


def test_a_required_field_that_is_missing(pair: Pair) -> None:
    """An orientation that doesn't exist, no handle, no statement: an exception of type 7. Spark has
    lost its place in the connection then; hivegate answers the next call."""

    for target in pair.targets:
        with Connection(target) as connection:
            reply = connection.open().execute("SELECT 1").fetch(orientation=9)
            assert reply.exception[0] == 7
            assert "Required field 'orientation' is unset" in reply.exception[1]
    with Connection(pair.via) as connection:
        session = connection.open()
        operation = session.execute("SELECT 1")
        assert operation.fetch(orientation=9).exception[0] == 7
        for name in ("GetOperationStatus", "CloseSession", "ExecuteStatement", "FetchResults"):
            assert connection.call(name, []).exception[0] == 7
        assert connection.call("ExecuteStatement", [(2, tree.STRING, b"SELECT 1")]).is_exception
        assert operation.rows() == [(1,)]
        session.close().ok()


def test_calls_out_of_order(pair: Pair) -> None:
    """Metadata before the end, twice closed, cancelled when done, session closed with work open."""

    def scenario(connection: Connection) -> None:
        session = connection.open()
        operation = session.execute("SELECT 1")
        operation.call("CancelOperation")
        operation.call("GetOperationStatus")
        operation.call("GetOperationStatus", getProgressUpdate=True)
        operation.fetch()
        operation.close()
        operation.close()
        for name in ("GetOperationStatus", "CancelOperation", "GetResultSetMetadata"):
            operation.call(name)
        left = session.execute("SELECT 2")
        session.close()
        session.close()
        left.fetch()
        left.close()
        session.call("ExecuteStatement", statement="SELECT 1")
        session.call("GetTables")

    pair.same_replies(scenario)


def test_session_state_is_kept(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        one = connection.open()
        two = connection.open()
        one.run("USE sales")
        one.run("SET my.mark=1")
        two.run("SET my.mark=2")
        assert one.value("SELECT current_database()") == "sales"
        assert two.value("SELECT current_database()") == "default"
        assert one.rows("SET my.mark") == [("my.mark", "1")]
        assert two.rows("SET my.mark") == [("my.mark", "2")]
        one.close().ok()
        assert two.rows("SET my.mark") == [("my.mark", "2")]
        two.close().ok()

    pair.same_replies(scenario)


def test_conf_overlay_and_progress(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        operation = session.execute(
            "SET spark.sql.shuffle.partitions", conf={"spark.sql.shuffle.partitions": "7", "x": ""}
        )
        operation.rows()
        operation.call("GetOperationStatus", getProgressUpdate=True)
        operation.close().ok()
        session.close().ok()

    pair.same_replies(scenario)


def test_query_timeout(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        operation = session.execute(slow("timeout"), run_async=True, timeout=1)
        assert operation.wait().result.operationState == State.TIMEDOUT_STATE
        operation.fetch()
        operation.close().ok()
        session.close().ok()

    pair.same_replies(scenario)


@pytest.mark.smoke
def test_long_poll_and_cancel_from_another_connection(pair: Pair) -> None:
    """A status call waits in Spark for up to 5 s. A cancel on the user's second connection ends
    both the wait and the statement."""

    def outcome(target) -> list:
        with Connection(target) as one, Connection(target) as two:
            session = one.open()
            operation = session.execute(slow("cancelled"), run_async=True)
            pair.ui.wait_running("cancelled")
            ended: list = []
            waiting = threading.Thread(target=lambda: ended.append(operation.wait().shown))
            waiting.start()
            cancelled = operation.on(two).call("CancelOperation").ok().shown
            waiting.join(120)
            assert ended, "the status call never ended"
            assert session.value("SELECT 'usable'") == "usable"
            operation.close().ok()
            return [cancelled, ended[0]]

    ended = pair.same_value(outcome)[1]
    assert ended["body"]["0"]["2"] == State.CANCELED_STATE if "0" in ended["body"] else True


def test_cancel_on_the_same_connection(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        operation = session.execute(slow("same connection"), run_async=True)
        pair.ui.wait_running("same connection")
        operation.call("CancelOperation").ok()
        assert operation.wait().result.operationState == State.CANCELED_STATE
        operation.fetch()
        operation.call("CancelOperation")
        operation.close().ok()
        assert session.value("SELECT 1") == 1
        session.close().ok()

    pair.same_replies(scenario)


def test_closing_a_session_ends_what_runs(pair: Pair) -> None:
    def answers(target) -> list:
        with Connection(target) as one, Connection(target) as two:
            session = one.open()
            operation = session.execute(slow("closed"), run_async=True)
            pair.ui.wait_running("closed")
            closed = session.on(two).close().ok().shown
            after = operation.call("GetOperationStatus").shown
            again = session.call("ExecuteStatement", statement="SELECT 1").shown
            return [closed, strip_stack(after), strip_stack(again)]

    pair.same_value(answers)


def strip_stack(shown: dict) -> dict:
    """Without the server's stack of an error: two threads of it meet at different places."""
    body = shown["body"]
    if 0 in body and isinstance(body[0].get(1), dict):
        body[0][1].pop(2, None)
    return shown


@pytest.mark.smoke
def test_unknown_fields_pass(pair: Pair) -> None:
    """Databricks' drivers add fields that Spark doesn't know: it skips, hivegate keeps them."""
    extra = [
        (0x501, tree.STRUCT, [(1, tree.I64, 10000), (2, tree.I64, 1 << 40)]),
        (0x502, tree.BOOL, 1),
        (0x505, tree.LIST, tree.Sequence(tree.LIST, tree.STRING, [b"a", b"b"])),
        (0x508, tree.MAP, tree.Mapping(tree.STRING, tree.I32, [(b"k", 1)])),
        (0xD19, tree.BYTE, 3),
        (0x7FFF, tree.SET, tree.Sequence(tree.SET, tree.DOUBLE, [1.5])),
        (0x7FFE, tree.I16, -2),
    ]

    def scenario(connection: Connection) -> None:
        opened = connection.call("OpenSession", [(1, tree.I32, 9), *extra]).ok()
        guid, secret = tree.get(opened.fields, 3, 1, 1), tree.get(opened.fields, 3, 1, 2)
        handle = [
            (1, tree.STRUCT, [(1, tree.STRING, guid), (2, tree.STRING, secret), *extra]),
            (0xD01, tree.I32, 42),
        ]
        request = [*extra, (1, tree.STRUCT, handle), (2, tree.STRING, b"SELECT 1")]
        started = connection.call("ExecuteStatement", request).ok()
        operation = Operation(connection, started.result.operationHandle)
        assert operation.rows() == [(1,)]
        operation.close().ok()

    pair.same_replies(scenario)


def test_fields_in_any_order(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        conf = tree.Mapping(tree.STRING, tree.STRING, [(b"use:database", b"sales")])
        opened = connection.call(
            "OpenSession", [(4, tree.MAP, conf), (2, tree.STRING, b"alice"), (1, tree.I32, 7)]
        ).ok()
        guid, secret = tree.get(opened.fields, 3, 1, 1), tree.get(opened.fields, 3, 1, 2)
        identifier = [(2, tree.STRING, secret), (1, tree.STRING, guid)]
        started = connection.call(
            "ExecuteStatement",
            [
                (5, tree.I64, 0),
                (4, tree.BOOL, 0),
                (2, tree.STRING, b"SELECT current_database()"),
                (1, tree.STRUCT, [(1, tree.STRUCT, identifier)]),
            ],
        ).ok()
        rows = Operation(connection, started.result.operationHandle).rows()
        assert rows == [("sales",)]

    pair.same_replies(scenario)


def test_has_result_set_is_not_compared(pair: Pair) -> None:
    """Spark finds an operation by id, secret and type; the rest of a handle is the client's."""

    def scenario(connection: Connection) -> None:
        operation = connection.open().execute("SELECT 1")
        handle = operation.handle
        changed = ttypes.TOperationHandle(handle.operationId, handle.operationType, False, 3.5)
        connection.call("GetOperationStatus", ttypes.TGetOperationStatusReq(changed)).ok()
        assert row_count(operation.fetch().ok().result.results) == 1

    pair.same_replies(scenario)
