"""Many clients at once, of every kind: each gets its own answers and nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from e2e.harness.fleet import Pair
from e2e.harness.jdbc import JdbcDrivers
from e2e.harness.shell import Beeline
from e2e.harness.wire import Connection, Target
from e2e.test_impyla import connected as impyla_connected
from e2e.test_pyhive import connected as pyhive_connected

USERS = ("alice", "bob", "carol", "mallory", "svc.etl")

# Every client computes something that only it would compute; sessions see their own settings.
ROUNDS = 4


def statement(number: int, turn: int) -> str:
    return (
        f"SELECT current_user(), {number} AS me, id + {number * 1000 + turn} AS value "
        f"FROM range(0, {300 + number}, 1, 1)"
    )


def expected(user: str, number: int, turn: int) -> list[list]:
    start = number * 1000 + turn
    return [[user, number, start + row] for row in range(300 + number)]


def raw(target: Target, number: int) -> list[list]:
    answers = []
    with Connection(target) as connection:
        session = connection.open({"set:hiveconf:my.number": str(number)})
        for turn in range(ROUNDS):
            operation = session.execute(statement(number, turn), run_async=turn % 2 == 0)
            operation.wait()
            answers.append([list(row) for batch in [operation.rows()] for row in batch])
            operation.close().ok()
        assert session.rows("SET my.number") == [("my.number", str(number))]
        session.close().ok()
    return answers


def with_pyhive(target: Target, number: int) -> list[list]:
    answers = []
    with pyhive_connected(target) as connection:
        for turn in range(ROUNDS):
            with connection.cursor(arraysize=50 + number) as cursor:
                cursor.execute(statement(number, turn))
                answers.append([list(row) for row in cursor.fetchall()])
    return answers


def with_impyla(target: Target, number: int) -> list[list]:
    """A session per turn, all of them open at once on one connection."""
    with impyla_connected(target) as connection:
        cursors: list[Any] = [connection.cursor() for _ in range(ROUNDS)]
        for turn, cursor in enumerate(cursors):
            cursor.execute(statement(number, turn))
        answers = [[list(row) for row in cursor.fetchall()] for cursor in cursors]
        for cursor in cursors:
            cursor.close()
    return answers


@pytest.mark.smoke
def test_twenty_at_once(pair: Pair) -> None:
    kinds: list[Callable[[Target, int], list[list]]] = [raw, with_pyhive, with_impyla, raw]
    gate = threading.Barrier(20)

    def client(number: int) -> list[list]:
        gate.wait(60)
        user = USERS[number % len(USERS)]
        return kinds[number % len(kinds)](pair.via.as_user(user), number)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(client, range(20)))
    for number, found in enumerate(answers):
        user = USERS[number % len(USERS)]
        for turn in range(ROUNDS):
            assert found[turn] == expected(user, number, turn), (number, turn)


def test_a_mixed_twenty(pair35: Pair, drivers: JdbcDrivers) -> None:
    """With the Java clients among them: 4 JVMs with JDBC drivers, 2 beelines, 14 in Python."""

    def jdbc(driver: str, number: int) -> None:
        user = USERS[number % len(USERS)]
        script = [
            ["connect", "/default"],
            *(["query", statement(number, t)] for t in range(ROUNDS)),
        ]
        results = drivers.run(driver, pair35.via.as_user(user), script)
        for turn, result in enumerate(results[1:]):
            rows = [[cell[1] for cell in row] for row in result["result"]["rows"]]
            assert rows == [[str(cell) for cell in row] for row in expected(user, number, turn)]

    def shell(number: int) -> None:
        user = USERS[number % len(USERS)]
        statements = [statement(number, turn) for turn in range(ROUNDS)]
        ended = Beeline(pair35.via.as_user(user), statements=statements).wait()
        assert ended.status == 0, ended.errors
        rows = [line.split(",") for line in ended.output.splitlines() if line.startswith(user)]
        wanted = [row for turn in range(ROUNDS) for row in expected(user, number, turn)]
        assert rows == [[str(cell) for cell in row] for row in wanted]

    def python(kind: Callable[[Target, int], list[list]], number: int) -> None:
        user = USERS[number % len(USERS)]
        found = kind(pair35.via.as_user(user), number)
        assert found == [expected(user, number, turn) for turn in range(ROUNDS)]

    with ThreadPoolExecutor(20) as pool:
        running = [
            pool.submit(jdbc, driver, number)
            for number, driver in enumerate(("1.2.2", "2.3.9", "3.1.3", "4.1.0"))
        ]
        running += [pool.submit(shell, number) for number in (4, 5)]
        running += [
            pool.submit(python, (raw, with_pyhive, with_impyla)[number % 3], number)
            for number in range(6, 20)
        ]
        for ended in running:
            ended.result()


@pytest.mark.smoke
def test_one_session_from_many_connections(pair: Pair) -> None:
    """Eight connections of one user use one session at the same time."""
    with Connection(pair.via) as owner:
        session = owner.open()

        def use(number: int) -> list[tuple]:
            with Connection(pair.via) as connection:
                found = []
                for turn in range(5):
                    operation = session.on(connection).execute(statement(number, turn))
                    found.append(operation.rows())
                    operation.close().ok()
                return found

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(use, range(8)))
        for number, found in enumerate(answers):
            for turn in range(5):
                assert [list(row) for row in found[turn]] == expected("alice", number, turn)
        assert session.value("SELECT 'still mine'") == "still mine"
        session.close().ok()


@pytest.mark.smoke
def test_connections_that_come_and_go(pair: Pair) -> None:
    """Logins, refused logins and hasty farewells beside a session that works."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def come_and_go(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            try:
                target = pair.via.as_user(USERS[number % len(USERS)])
                with Connection(target, login=turn % 4 != 0) as connection:
                    if turn % 4 == 1:
                        connection.open()
                    elif turn % 4 == 2:
                        connection.open().execute("SELECT 1", run_async=True)
            except BaseException as error:
                errors.append(error)
                return

    others = [threading.Thread(target=come_and_go, args=(number,)) for number in range(4)]
    for other in others:
        other.start()
    try:
        deadline = time.monotonic() + 5
        with Connection(pair.via) as connection:
            session = connection.open()
            while time.monotonic() < deadline:
                assert session.value("SELECT 42") == 42
    finally:
        stop.set()
        for other in others:
            other.join(120)
    assert not errors, errors
