"""impyla: one TCP connection with a session per cursor, and calls that Spark doesn't have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from impala import dbapi
from impala.error import Error

from e2e.harness.fleet import Pair
from e2e.harness.queries import TYPE_QUERIES, slow
from e2e.harness.wire import Target


@contextmanager
def connected(target: Target, **how: Any) -> Iterator[Any]:
    connection = dbapi.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        auth_mechanism="PLAIN",
        timeout=240,
        **how,
    )
    try:
        yield connection
    finally:
        connection.close()


def attempt(cursor: Any, statement: str) -> Any:
    try:
        cursor.execute(statement)
        description = [list(column) for column in cursor.description or ()]
        rows = [[(type(cell).__name__, str(cell)) for cell in row] for row in cursor.fetchall()]
        return [description, rows]
    except (Error, KeyError) as error:  # it knows no intervals
        return [type(error).__name__, str(error)]


STATEMENTS = [
    *TYPE_QUERIES,
    "SELECT * FROM everything",
    "SELECT id, item, price, placed, day FROM sales.orders ORDER BY id",
    "SELECT id FROM range(0, 25000, 1, 1)",
    "SELECT 1 AS one WHERE false",
    "SELECT nosuch",
    "SELEC 1",
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
    assert "nosuch" in results[STATEMENTS.index("SELECT nosuch")][1]


@pytest.mark.smoke
def test_a_session_per_cursor(pair: Pair) -> None:
    """On one TCP connection, used in turns; what one sets the others don't see."""

    def answers(target: Target) -> Any:
        found: list[Any] = []
        with connected(target, database="sales") as connection:
            cursors = [connection.cursor() for _ in range(5)]
            for number, cursor in enumerate(cursors):
                cursor.execute(f"SET my.mark={number}")
            for cursor in cursors:
                cursor.execute("SET my.mark")
                found += cursor.fetchall()
                cursor.execute("SELECT current_database(), current_user()")
                found += cursor.fetchall()
            cursors[2].close()
            cursors[4].close()
            cursors[0].execute("SET my.mark")
            found += cursors[0].fetchall()
            late = connection.cursor()
            late.execute("SET my.mark")
            found += late.fetchall()
            for cursor in (*cursors, late):
                cursor.close()
        return found

    found = pair.same_value(answers)
    assert found[0] == ["my.mark", "0"] and found[-1] == ["my.mark", "<undefined>"]


def test_metadata_and_log(pair: Pair) -> None:
    """get_log() calls GetLog and falls back; closing calls CloseImpalaOperation first."""

    def answers(target: Target) -> Any:
        with connected(target) as connection:
            cursor = connection.cursor()
            found = []
            cursor.get_databases()
            found.append(cursor.fetchall())
            cursor.get_tables(database_name="sales")
            found.append(cursor.fetchall())
            cursor.get_table_schema("orders", "sales")
            found.append(cursor.description)
            cursor.execute("SELECT count(*) FROM sales.orders")
            found.append(cursor.get_log())
            found.append(cursor.fetchall())
            cursor.close()
            return found

    assert pair.same_value(answers)[-1] == [[100]]


def test_async_and_cancel(pair: Pair) -> None:
    def answers(target: Target) -> Any:
        with connected(target) as connection:
            cursor = connection.cursor()
            mark = f"impyla {target.port}"
            cursor.execute_async(slow(mark))
            pair.ui.wait_running(mark)
            running = cursor.is_executing()
            cursor.cancel_operation()
            cursor.execute("SELECT 'usable'")
            rows = cursor.fetchall()
            cursor.close()
            return [running, rows]

    assert pair.same_value(answers) == [True, [["usable"]]]
