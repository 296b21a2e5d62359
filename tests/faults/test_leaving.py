"""Clients that go away, in every state a connection can be in: their operations are cancelled, their
sessions closed on the backend, and nothing of them stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from .kit import faults
from .kit.backend import Backend, Turn
from .kit.gate import Gate, eventually
from .kit.messages import (
    RUNNING,
    Handle,
    call,
    execute_fields,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
)
from .kit.peer import Peer, frame, plain_login

ENDS = {"close": Peer.close, "reset": Peer.reset}
both_ends = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())


def closed_properly(backend: Backend, user: str = "alice", count: int = 1) -> None:
    """Every session of the user was closed by CloseSession, and not just dropped."""
    backend.wait_until(lambda: not backend.live_sessions(user), f"the sessions of {user} end")
    with backend.changed:
        ended = [s.ended_by for s in backend.sessions.values() if s.user == user][-count:]
    assert ended == ["CloseSession"] * count


@pytest.mark.smoke
@both_ends
def test_while_idle(gate: Gate, backend: Backend, end: Callable) -> None:
    peer, _ = gate.session()
    end(peer)
    closed_properly(backend)


@pytest.mark.smoke
@both_ends
def test_several_sessions_on_one_connection(gate: Gate, backend: Backend, end: Callable) -> None:
    """impyla opens one for each cursor; Spark itself would keep all but the last."""
    peer = gate.peer()
    sessions = [peer.open() for _ in range(5)]
    for session in sessions:
        peer.execute(session, "RUN forever", run_async=True)
    peer.close_session(sessions[2]).ok()
    backend.forget()
    end(peer)
    closed_properly(backend, count=5)
    backend.wait_until(lambda: len(backend.seen("CloseSession", "alice")) == 4, "CloseSession x 4")
    assert len(backend.seen("CancelOperation", "alice")) == 4


@pytest.mark.smoke
@both_ends
def test_with_running_operations(gate: Gate, backend: Backend, end: Callable) -> None:
    """Those that run are cancelled, those that have ended or are closed aren't."""
    peer, session = gate.session()
    running = [peer.execute(session, f"RUN {n}", run_async=True) for n in range(3)]
    assert peer.operation_state(running[0]) == RUNNING
    finished = peer.execute(session, "SELECT 1")
    peer.operation_state(finished)
    peer.close_operation(peer.execute(session, "RUN and closed", run_async=True))
    backend.forget()
    end(peer)
    closed_properly(backend)
    assert len(backend.seen("CancelOperation", "alice")) == 3
    assert backend.calls_in_order("alice")[-1] == "CloseSession"


@pytest.mark.smoke
@both_ends
def test_while_a_synchronous_statement_runs(gate: Gate, backend: Backend, end: Callable) -> None:
    """Its connection is busy, so CloseSession comes over another one."""
    peer, session = gate.session()
    peer.ask("ExecuteStatement", execute_fields(session, "RUN forever"))
    busy = backend.wait_call("ExecuteStatement", "alice").connection
    end(peer)
    closing = backend.wait_call("CloseSession", "alice")
    assert closing.connection != busy
    closed_properly(backend)


@both_ends
def test_while_a_call_is_outstanding(gate: Gate, backend: Backend, end: Callable) -> None:
    backend.on("GetOperationStatus", faults.silence, user="alice")
    peer, session = gate.session()
    operation = peer.execute(session, "RUN forever", run_async=True)
    peer.ask("GetOperationStatus", handle_fields(operation))
    backend.wait_call("GetOperationStatus", "alice")
    end(peer)
    closed_properly(backend)
    assert backend.seen("CancelOperation", "alice")


@pytest.mark.smoke
@both_ends
def test_while_a_session_is_being_opened(gate: Gate, backend: Backend, end: Callable) -> None:
    """Whether the backend opens it before or after it hears that nobody waits: it doesn't stay."""
    released = threading.Event()
    backend.on("OpenSession", faults.held(released), user="alice")
    peer = gate.peer()
    peer.ask("OpenSession", open_fields())
    backend.wait_call("OpenSession", "alice")
    end(peer)
    gate.check_bystanders()
    backend.wait_until(lambda: not backend.waiting, "hivegate ends the connection")
    released.set()

    def opens_before_it_looks(turn: Turn) -> None:
        message = turn.normal()
        turn.backend.wait_until(lambda: left.is_set(), "the client has left")
        time.sleep(0.2)
        turn.answer(message)

    left = threading.Event()
    backend.on("OpenSession", opens_before_it_looks, user="alice")
    peer = gate.peer()
    peer.ask("OpenSession", open_fields())
    backend.wait_call("OpenSession", "alice", 2)
    end(peer)
    left.set()
    with backend.changed:
        backend.changed.notify_all()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends")


@pytest.mark.smoke
@both_ends
def test_while_the_password_is_checked(gate: Gate, end: Callable) -> None:
    for turn in range(10):
        peer = gate.connect()
        peer.send(plain_login("alice", f"wrong {turn}"))
        end(peer)
    gate.check_bystanders()


@pytest.mark.smoke
@both_ends
def test_in_the_middle_of_a_large_reply(gate: Gate, backend: Backend, end: Callable) -> None:
    """The client reads a little of it; the rest is of no interest to anybody."""
    peer, session = gate.session(receive_buffer=65536)
    operation = peer.execute(session, "BYTES 80000000")
    peer.ask("FetchResults", fetch_fields(operation))
    peer.receive(100_000)
    end(peer)
    closed_properly(backend)


@both_ends
def test_with_pipelined_requests(gate: Gate, backend: Backend, end: Callable) -> None:
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    for _ in range(50):
        peer.ask("FetchResults", fetch_fields(operation))
    end(peer)
    closed_properly(backend)


@pytest.mark.smoke
@both_ends
@pytest.mark.parametrize("listener", ["thrift", "raw"])
def test_with_a_long_call_behind_a_short_one(
    gate: Gate, backend: Backend, end: Callable, listener: str
) -> None:
    """Two requests at once, then the end: the second, which would run for ever, is begun when
    hivegate knows already that the client sends no more."""
    peer = gate.peer() if listener == "thrift" else gate.connect("raw")
    session = peer.open("alice", "alice-secret")

    def let_it_end(turn: Turn) -> None:
        message = turn.normal()
        time.sleep(0.3)  # the end of the client's input is read meanwhile
        turn.answer(message)

    backend.on("GetInfo", let_it_end, user="alice")
    peer.ask("GetInfo", info_fields(session))
    peer.ask("ExecuteStatement", execute_fields(session, "RUN forever"))
    backend.wait_call("GetInfo", "alice")
    end(peer)
    closed_properly(backend)


@pytest.mark.smoke
def test_half_closed_with_a_long_call_behind_a_short_one(gate: Gate, backend: Backend) -> None:
    peer, session = gate.session()

    def let_it_end(turn: Turn) -> None:
        message = turn.normal()
        time.sleep(0.3)
        turn.answer(message)

    backend.on("GetInfo", let_it_end, user="alice")
    peer.ask("GetInfo", info_fields(session))
    peer.ask("ExecuteStatement", execute_fields(session, "RUN forever"))
    peer.end_writing()
    peer.receive_message().ok()
    assert peer.rest() == b""
    closed_properly(backend)


def test_half_closed_with_a_call_that_takes_long(gate: Gate, backend: Backend) -> None:
    """A client that has left looks the same as one that only sends no more: it gets a moment."""
    peer, session = gate.session()
    peer.ask("ExecuteStatement", execute_fields(session, "RUN forever"))
    backend.wait_call("ExecuteStatement", "alice")
    peer.end_writing()
    assert peer.rest() == b""
    closed_properly(backend)


@pytest.mark.smoke
def test_half_closed_while_opening(gate: Gate, backend: Backend) -> None:
    peer = gate.peer()
    peer.ask("OpenSession", open_fields())
    peer.end_writing()
    assert peer.receive_message().session
    assert peer.rest() == b""
    closed_properly(backend)


def test_a_busy_backend_doesnt_keep_the_session(gate: Gate, backend: Backend) -> None:
    """The backend answers neither the call nor the Cancel; hivegate gives up in the end and drops
    the connections, which closes the session there."""
    backend.on("CancelOperation", faults.silence, user="alice")
    peer, session = gate.session()
    peer.execute(session, "RUN forever", run_async=True)
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends", 30.0)
    gate.wait_log("session_not_closed")


def test_an_operation_of_another_connection(gate: Gate, backend: Backend) -> None:
    """One that a second connection began belongs to the session: it goes with the session's
    connection, not with its own."""
    owner, session = gate.session()
    helper = gate.peer("alice")
    operation = helper.execute(session, "RUN forever", run_async=True)
    helper.close()
    assert owner.operation_state(operation) == RUNNING
    backend.forget()
    owner.close()
    closed_properly(backend)
    assert len(backend.seen("CancelOperation", "alice")) == 1


@pytest.mark.smoke
def test_a_second_connection_that_leaves_before_its_handle_comes(
    gate: Gate, backend: Backend
) -> None:
    """Nobody could ever name the statement that it began: it is closed, and the session goes on."""
    owner, session = gate.session()
    helper = gate.peer("alice")
    released = threading.Event()
    backend.on("ExecuteStatement", faults.held(released), user="alice")
    helper.ask("ExecuteStatement", execute_fields(session, "RUN for nobody", run_async=True))
    backend.wait_call("ExecuteStatement", "alice")
    helper.reset()
    time.sleep(0.1)
    released.set()
    backend.wait_call("CloseOperation", "alice")
    owner.fetch(owner.execute(session, "SELECT 1")).ok()
    owner.close_session(session).ok()


def test_a_second_connection_waits_while_the_session_goes(gate: Gate, backend: Backend) -> None:
    owner, session = gate.session()
    helper = gate.peer("alice")
    released = threading.Event()
    backend.on("GetTables", faults.held(released), user="alice")
    helper.ask("GetTables", handle_fields(session))
    backend.wait_call("GetTables", "alice")
    owner.close()
    closed_properly(backend)
    released.set()
    helper.receive_message()  # whatever became of it: an answer
    assert "Invalid SessionHandle" in helper.call("GetInfo", info_fields(session)).error
    helper.close()


def test_churn(gate: Gate, backend: Backend) -> None:
    """Many clients that come and go in all these ways at the same time."""
    problems: list[str] = []

    def churn(seed: int) -> None:
        try:
            for turn in range(12):
                one_visit(gate, (seed * 7 + turn) % 6)
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=churn, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    assert not problems, problems
    backend.wait_until(lambda: not backend.live_sessions("alice"), "all sessions end")
    eventually(lambda: gate.log.count("session_opened") > 0, "sessions were opened")


def one_visit(gate: Gate, kind: int) -> None:
    peer = Peer(gate.address()).login("alice")
    if kind == 0:
        peer.close_session(peer.open()).ok()
        return peer.close()
    if kind == 1:
        peer.ask("OpenSession", open_fields())
        return peer.reset()
    session: Handle = peer.open()
    if kind == 2:
        peer.execute(session, "RUN 1", run_async=True)
        return peer.reset()
    if kind == 3:
        peer.ask("ExecuteStatement", execute_fields(session, "RUN 1"))
        return peer.close()
    operation = peer.execute(session, "BYTES 3000000")
    if kind == 4:
        peer.ask("FetchResults", fetch_fields(operation))
        peer.receive(50_000)
        return peer.reset()
    message = frame(call("GetInfo", info_fields(session)))
    peer.send(message * 20 + message[:9])
    return peer.close()
