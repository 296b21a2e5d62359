"""The audit log with a real Spark and a real PostgreSQL, while hivegate is killed again and again:
what clients saw succeed is in the table once, and nothing that didn't run is there as finished."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from support.hivegate import hivegatectl_program
from support.postgres import PASSWORD, Postgres

from e2e.harness.fleet import Gateway, Spark
from e2e.harness.wire import Closed, Connection, Failed, Target

FINISHED = 2  # TOperationState
KILLS = 4
CLIENTS = 4


def ctl(*words: str) -> str:
    argv = [str(hivegatectl_program()), "audit", *words]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def database() -> Iterator[Postgres]:
    with Postgres() as made:
        made.run(f"CREATE ROLE gate LOGIN PASSWORD '{PASSWORD}'")
        ctl("migrate", "-p", made.conninfo(), "--writer", "gate")
        yield made


class Load:
    """Clients that run statements, each of which leaves a mark of its own in Spark's JVM."""

    def __init__(self, targets: Sequence[Target], run: str):
        self.targets = targets
        self.run = run
        self.succeeded: list[str] = []
        self.problems: list[BaseException] = []
        self._ending = False
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ending = True
        for thread in self._threads:
            thread.join()

    def _client(self, number: int) -> None:
        try:
            self._run(number)
        except BaseException as error:
            self.problems.append(error)

    def _run(self, number: int) -> None:
        count = 0
        while not self._ending:
            try:
                with Connection(self.targets[number % len(self.targets)]) as connection:
                    session = connection.open()
                    while not self._ending:
                        count += 1
                        mark = f"{self.run}.{number}.{count}"
                        sql = f"SELECT java_method('java.lang.System', 'setProperty', '{mark}', '1')"
                        operation = session.execute(sql, run_async=count % 2 == 0)
                        if count % 2 == 0:
                            assert operation.wait().result.operationState == FINISHED
                        with self._lock:
                            self.succeeded.append(mark)
                        operation.rows()
                        operation.close()
            except (Closed, Failed, OSError):
                time.sleep(0.05)  # hivegate was killed


def marks(spark: Spark, run: str) -> set[str]:
    """The marks that statements have left."""
    with Connection(spark.target) as connection:
        session = connection.open()
        text = session.value("SELECT java_method('java.lang.System', 'getProperties')")
        session.close()
    return {word.partition("=")[0] for word in text.strip("{}").split(", ") if word.startswith(run)}


def test_killed_under_load(
    make_gateway: Callable[..., Gateway],
    sparks: dict[str, Spark],
    database: Postgres,
    tmp_path: Path,
) -> None:
    run = f"hivegate.audit.{random.randrange(10**9)}"
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    spool = tmp_path / "spool"
    audit = {
        "spool": str(spool),
        "postgres": database.conninfo("gate", None),
        "password_file": str(password),
    }
    gateway = make_gateway([sparks["3.5"].address], settings={"audit": audit})
    load = Load([gateway.target("alice"), gateway.target("bob")], run)
    for _ in range(KILLS):
        before = len(load.succeeded)
        while len(load.succeeded) < before + 3 * CLIENTS and not load.problems:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        gateway.kill()
        gateway.start(60.0)
    load.end()
    assert not load.problems
    gateway.stop()
    gateway.start(60.0)
    started = "SELECT count(*) FROM hivegate.event WHERE kind = 'service_started'"
    while int(database.value(started)) < KILLS + 2:  # what was before is there, too
        time.sleep(0.05)

    rows = database.run("SELECT statement, state FROM hivegate.query")
    states: dict[str, list[str]] = {}
    for statement, state in rows:
        states.setdefault(statement.split("'")[5], []).append(state)
    assert not [mark for mark in load.succeeded if states.get(mark) != ["finished"]]
    assert all(len(found) == 1 for found in states.values())
    finished = {mark for mark, found in states.items() if found == ["finished"]}
    ran = marks(sparks["3.5"], run)
    assert finished <= ran  # what didn't run isn't finished
    assert ran <= states.keys()  # what ran is on record
    assert len(ran) >= len(load.succeeded) >= KILLS * 3 * CLIENTS
    assert not {"running"} & {found[0] for found in states.values()}
    events = "SELECT count(*), count(DISTINCT id) FROM hivegate.event"
    total, different = database.run(events)[0]
    assert total == different
    ctl("verify", "--spool", str(spool), "-p", database.conninfo())
