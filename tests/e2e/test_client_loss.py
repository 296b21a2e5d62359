"""A client that goes without a word: what it left running is cancelled, its sessions are closed.

Seen on Spark itself, on the page where it shows its sessions and jobs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from TCLIService import ttypes

from e2e.harness.fleet import Pair
from e2e.harness.queries import slow
from e2e.harness.wire import Connection, Target, request_bytes

TESTS = Path(__file__).parents[1]


@contextmanager
def victim(target: Target, sessions: int, statement: str, *how: str) -> Iterator[subprocess.Popen]:
    """A client in a process of its own, once its statement is under way."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "e2e.harness.victim",
            target.host,
            str(target.port),
            target.user,
            target.password,
            str(sessions),
            statement,
            *how,
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout and process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.wait()


def closed_so_far(pair: Pair, user: str) -> int:
    return len(pair.ui.sessions(user))


@pytest.mark.smoke
@pytest.mark.parametrize("how", [["poll"], []], ids=["while it polls", "while it is idle"])
def test_killed_during_a_query(pair: Pair, how: list[str]) -> None:
    user, mark = "dropped", f"killed {len(how)}"
    before = closed_so_far(pair, user)
    with victim(pair.via.as_user(user), 1, slow(mark), *how) as process:
        pair.ui.wait_running(mark)
        process.send_signal(signal.SIGKILL)
        process.wait()
        pair.ui.wait_cancelled(mark)
        pair.ui.wait_all_closed(user, before + 1)


@pytest.mark.smoke
def test_killed_with_several_sessions(pair: Pair) -> None:
    """As impyla has them, on one connection. Left to itself Spark would close the last one only."""
    user, mark = "many", "killed with several"
    before = closed_so_far(pair, user)
    with victim(pair.via.as_user(user), 5, slow(mark)) as process:
        pair.ui.wait_running(mark)
        assert len(pair.ui.wait_open(user, 5)) == 5
        process.send_signal(signal.SIGKILL)
        process.wait()
        pair.ui.wait_all_closed(user, before + 5)
        pair.ui.wait_cancelled(mark)


def test_spark_alone_forgets_sessions(pair35: Pair) -> None:
    """The reason for the test above: directly, four of five sessions stay open."""
    user = "carol"
    with Connection(pair35.direct.as_user(user)) as connection:
        before = len([s for s in pair35.ui.sessions(user) if not s.finished])
        sessions = [connection.open() for _ in range(3)]
        pair35.ui.wait_open(user, before + 3)
    left = pair35.ui.wait_open(user, before + 2)
    assert len(left) == before + 2
    with Connection(pair35.direct.as_user(user)) as connection:
        for session in sessions:
            session.on(connection).close()
    pair35.ui.wait_open(user, before) if before else pair35.ui.wait_all_closed(user, 3)


@pytest.mark.smoke
def test_a_client_that_leaves_in_order(pair: Pair) -> None:
    """FIN without CloseSession: the same clean-up."""
    user = "watched"
    before = closed_so_far(pair, user)
    with Connection(pair.via.as_user(user)) as connection:
        sessions = [connection.open() for _ in range(3)]
        sessions[0].execute("SELECT 1")
    pair.ui.wait_all_closed(user, before + 3)


@pytest.mark.smoke
def test_a_client_that_leaves_while_a_synchronous_query_runs(pair: Pair) -> None:
    """A synchronous statement has no handle yet to cancel it by, and Spark runs it to its end even
    when its session is closed. That is as much as can be done: the session doesn't stay behind."""
    user, mark = "watched", "left while sync"
    before = closed_so_far(pair, user)
    connection = Connection(pair.via.as_user(user))
    session = connection.open()
    request = ttypes.TExecuteStatementReq(session.handle, slow(mark, 12), None, False)
    connection.send_message(request_bytes("ExecuteStatement", request, 7))
    pair.ui.wait_running(mark)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST
    connection.close()
    pair.ui.wait_all_closed(user, before + 1)


@pytest.mark.smoke
def test_the_other_connection_ends_it_not(pair: Pair) -> None:
    """A session lives as long as the connection that opened it, whichever used it last."""
    user = "watched"
    before = closed_so_far(pair, user)
    with Connection(pair.via.as_user(user)) as owner:
        session = owner.open()
        with Connection(pair.via.as_user(user)) as other:
            assert session.on(other).value("SELECT 1") == 1
        assert session.value("SELECT 2") == 2
        other = Connection(pair.via.as_user(user))
        assert session.on(other).value("SELECT 3") == 3
    pair.ui.wait_all_closed(user, before + 1)
    reply = session.on(other).call("ExecuteStatement", statement="SELECT 4")
    assert "Invalid SessionHandle" in reply.status["message"]
    other.close()


@pytest.mark.smoke
def test_one_goes_the_others_stay(pair: Pair) -> None:
    user, mark = "dropped", "one goes"
    with Connection(pair.via.as_user(user)) as staying:
        kept = staying.open()
        kept.run("SET kept=yes")
        with victim(pair.via.as_user(user), 2, slow(mark)) as process:
            pair.ui.wait_running(mark)
            process.send_signal(signal.SIGKILL)
            process.wait()
            pair.ui.wait_cancelled(mark)
        pair.ui.wait_open(user, 1)
        assert kept.rows("SET kept") == [("kept", "yes")]
        kept.close().ok()


def test_half_closed(pair: Pair) -> None:
    """The client has sent its last call and shut its side; it gets the answer all the same."""
    user = "watched"
    before = closed_so_far(pair, user)
    with Connection(pair.via.as_user(user)) as connection:
        session = connection.open()
        request = ttypes.TGetInfoReq(session.handle, 17)
        connection.send_message(request_bytes("GetInfo", request, 7))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.receive_message().ok().seqid == 7
        assert connection.closed_by_server()
    pair.ui.wait_all_closed(user, before + 1)
