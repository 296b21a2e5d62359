"""SIGTERM: what runs is finished, nothing new begins, the exit status is 0."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest
from TCLIService import ttypes

from e2e.harness.fleet import Gateway, Spark
from e2e.harness.queries import slow
from e2e.harness.wire import Closed, Connection, Failed, LoginRefused, request_bytes


@pytest.fixture(scope="module")
def spark(sparks: dict[str, Spark]) -> Spark:
    return sparks["3.5"]


def terminate(gateway: Gateway) -> None:
    os.kill(gateway.pid, signal.SIGTERM)


def exit_status(gateway: Gateway) -> int | None:
    """Waits for the end, however long what runs may take (bounded in hivegate itself)."""
    assert gateway.process and gateway.process.wait(150), "hivegate never ended"
    return gateway.process.returncode


@pytest.mark.smoke
def test_idle(spark: Spark, make_gateway: Callable[..., Gateway]) -> None:
    gateway = make_gateway([spark.address])
    terminate(gateway)
    assert exit_status(gateway) == 0


@pytest.mark.smoke
def test_with_idle_sessions(spark: Spark, make_gateway: Callable[..., Gateway]) -> None:
    """They are closed on the server, not left to its timeouts."""
    gateway = make_gateway([spark.address])
    before = len(spark.ui.sessions("drained"))
    connections = [Connection(gateway.target("drained")) for _ in range(3)]
    for connection in connections:
        connection.open()
        connection.open().value("SELECT 1")
    terminate(gateway)
    assert exit_status(gateway) == 0
    spark.ui.wait_all_closed("drained", before + 6)
    assert all(connection.closed_by_server() for connection in connections)


@pytest.mark.smoke
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_a_running_query_finishes(
    spark: Spark, make_gateway: Callable[..., Gateway], run_async: bool
) -> None:
    gateway = make_gateway([spark.address])
    mark = f"drain {run_async}"
    with Connection(gateway.target("drained")) as connection:
        session = connection.open()
        finished: list = []

        def query() -> None:
            operation = session.execute(slow(mark, 6), run_async=run_async)
            operation.wait()
            finished.append(operation.rows())
            operation.close().ok()

        client = threading.Thread(target=query)
        client.start()
        spark.ui.wait_running(mark)
        terminate(gateway)
        client.join(120)
        assert finished == [[("null",)]], "the query was cut short"
    assert exit_status(gateway) == 0


@pytest.mark.smoke
def test_nothing_new_begins(spark: Spark, make_gateway: Callable[..., Gateway]) -> None:
    gateway = make_gateway([spark.address])
    with Connection(gateway.target()) as connection:
        session = connection.open()
        operation = session.execute(slow("drain and refuse", 8), run_async=True)
        spark.ui.wait_running("drain and refuse")
        terminate(gateway)
        refused = False
        while not refused and gateway.alive:
            try:
                with Connection(gateway.target("bob")) as late:
                    late.open()
            except (OSError, Closed, Failed, LoginRefused):
                refused = True
        assert refused
        assert operation.wait().result.operationState == ttypes.TOperationState.FINISHED_STATE
        assert operation.rows() == [("null",)]
    assert exit_status(gateway) == 0


def test_a_client_that_never_ends(spark: Spark, make_gateway: Callable[..., Gateway]) -> None:
    """The wait is bounded: a query of minutes is cut off, and cancelled on the server."""
    gateway = make_gateway([spark.address], settings={"shutdown_timeout": "2s"})
    with Connection(gateway.target("drained")) as connection:
        session = connection.open()
        request = ttypes.TExecuteStatementReq(session.handle, slow("endless", 300), None, True)
        connection.send_message(request_bytes("ExecuteStatement", request, 1))
        connection.receive_message().ok()
        spark.ui.wait_running("endless")
        terminate(gateway)
        assert exit_status(gateway) == 0
        spark.ui.wait_cancelled("endless")


@pytest.mark.smoke
def test_twice(spark: Spark, make_gateway: Callable[..., Gateway]) -> None:
    """A second SIGTERM is no more than the first, or ends it at once: never with a crash."""
    gateway = make_gateway([spark.address])
    with Connection(gateway.target()) as connection:
        connection.open()
        terminate(gateway)
        if gateway.alive:
            terminate(gateway)
        assert exit_status(gateway) == 0
