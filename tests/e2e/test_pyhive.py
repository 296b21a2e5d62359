"""PyHive: DB-API, its asynchronous mode and its log, directly and through hivegate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyhive import exc, hive
from TCLIService.ttypes import TOperationState

from e2e.harness.fleet import Pair
from e2e.harness.queries import TYPE_QUERIES, slow
from e2e.harness.wire import Target


@contextmanager
def connected(target: Target, **how: Any) -> Iterator[hive.Connection]:
    connection = hive.connect(
        host=target.host,
        port=target.port,
        username=target.user,
        password=target.password,
        auth="CUSTOM",
        **how,
    )
    try:
        yield connection
    finally:
        connection.close()


def attempt(cursor: hive.Cursor, statement: str, **how: Any) -> Any:
    """What a statement gives: description and rows with their Python types, or the error."""
    try:
        cursor.execute(statement, **how)
        rows = [[(type(cell).__name__, str(cell)) for cell in row] for row in cursor.fetchall()]
        return [cursor.description, rows]
    except exc.Error as error:
        status = error.args[0] if error.args else None
        status = getattr(status, "status", status)
        return [
            type(error).__name__,
            getattr(status, "sqlState", None),
            getattr(status, "errorCode", None),
            getattr(status, "errorMessage", str(error)),
        ]


STATEMENTS = [
    *TYPE_QUERIES,
    "SELECT * FROM everything",
    "SELECT id, item, price, placed, day FROM sales.orders ORDER BY id",
    "SELECT id FROM range(0, 3500, 1, 1)",
    "SELECT 1 WHERE false",
    "SHOW TABLES IN sales",
    "SELECT nosuch",
    "SELEC 1",
    "SELECT * FROM nosuchtable",
    "SELECT raise_error('with intent')",
    "SELECT 'still usable', current_user()",
]


@pytest.mark.smoke
def test_statements(pair: Pair) -> None:
    def answers(target: Target) -> Any:
        with connected(target) as connection:
            with connection.cursor() as cursor:
                return [attempt(cursor, statement) for statement in STATEMENTS]

    results = pair.same_value(answers)
    assert results[-1][1] == [[["str", "still usable"], ["str", "alice"]]]
    assert results[STATEMENTS.index("SELECT nosuch")][1] == "42703"


def test_parameters_and_several_cursors(pair: Pair) -> None:
    def answers(target: Target) -> Any:
        with connected(target, database="sales", configuration={"set:hiveconf:a.b": "c"}) as one:
            first, second = one.cursor(arraysize=7), one.cursor()
            first.execute("SELECT id FROM orders ORDER BY id")
            second.execute(
                "SELECT item FROM orders WHERE id > %s AND item LIKE %s ORDER BY id", (95, "item-%")
            )
            found = []
            while (row := first.fetchone()) is not None:
                found.append([row, second.fetchone()])
            second.execute("SET a.b")
            found.append(second.fetchall())
            second.execute("SELECT %(a)s, %(b)s, %(c)s", {"a": "it's", "b": None, "c": 1.5})
            found.append(second.fetchall())
            found.append(first.rownumber)
            return found

    results = pair.same_value(answers)
    assert len(results) == 103


def test_async_with_poll_and_log(pair: Pair) -> None:
    """poll() is GetOperationStatus; fetch_logs() calls GetLog, which Spark doesn't have, and falls
    back on FetchResults."""

    def answers(target: Target) -> Any:
        with connected(target) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM range(1000)", async_=True)
            while cursor.poll().operationState in (
                TOperationState.INITIALIZED_STATE,
                TOperationState.PENDING_STATE,
                TOperationState.RUNNING_STATE,
            ):
                pass
            state = cursor.poll().operationState
            return [state, cursor.fetch_logs(), cursor.fetchall()]

    assert pair.same_value(answers) == [TOperationState.FINISHED_STATE, [], [[1000]]]


def test_cancel(pair: Pair) -> None:
    def answers(target: Target) -> Any:
        with connected(target) as connection:
            cursor = connection.cursor()
            mark = f"pyhive {target.port}"
            cursor.execute(slow(mark), async_=True)
            pair.ui.wait_running(mark)
            cursor.cancel()
            state = cursor.poll().operationState
            cursor.close()
            again = connection.cursor()
            again.execute("SELECT 1")
            return [state, again.fetchall()]

    assert pair.same_value(answers) == [TOperationState.CANCELED_STATE, [[1]]]


def test_database_that_does_not_exist(pair: Pair) -> None:
    def answers(target: Target) -> Any:
        with pytest.raises(exc.OperationalError) as caught:
            with connected(target, database="no_such_database"):
                pass
        return getattr(caught.value.args[0], "status", caught.value.args[0]).errorMessage

    assert "no_such_database" in pair.same_value(answers)
