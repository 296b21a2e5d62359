"""Sessions that live longer than the connections that use them, until somebody closes them or
nobody asks for them any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from e2e.harness import thrift_tree as tree

from ..kit import faults
from ..kit.backend import Backend
from ..kit.gate import Gate
from ..kit.http import (
    OPEN,
    HttpPeer,
    add_listener,
    basic,
    http_peer,
)
from ..kit.messages import (
    CANCELED,
    RUNNING,
    Handle,
    execute_fields,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
)
from ..kit.peer import Closed

MB = 1_000_000


@pytest.mark.smoke
def test_sessions_have_owners(gate: Gate) -> None:
    """Also on one connection that users take in turns."""
    with http_peer(gate) as peer:
        session = peer.open()
        operation = peer.execute(session, "SELECT 1")
        peer.authorization = basic("carol")
        for name, fields in (
            ("GetInfo", info_fields(session)),
            ("GetInfo", info_fields(session, 1)),
            ("ExecuteStatement", execute_fields(session, "SELECT 2")),
            ("FetchResults", fetch_fields(operation)),
            ("CancelOperation", handle_fields(operation)),
            ("CloseOperation", handle_fields(operation)),
            ("CloseSession", handle_fields(session)),
        ):
            error = peer.call(name, fields).error
            assert "Invalid" in error or error == "Session does not exist!"
        carols = peer.open()
        peer.authorization = basic("alice")
        assert "Invalid" in peer.call("GetInfo", info_fields(carols)).error
        peer.fetch(operation).ok()
        peer.close_session(session).ok()
        peer.authorization = basic("carol")
        peer.close_session(carols).ok()


@pytest.mark.smoke
def test_a_session_on_many_connections(gate: Gate, backend: Backend) -> None:
    """Over connections of all workers, at once and after the first one has gone."""
    first = http_peer(gate)
    session = first.open()
    peers = [http_peer(gate) for _ in range(8)]
    for peer in peers:
        peer.call("GetInfo", info_fields(session)).ok()
    operation = peers[3].execute(session, "SELECT 1")
    peers[4].fetch(operation).ok()
    first.close()
    problems: list[BaseException] = []

    def hammer(peer: HttpPeer) -> None:
        try:
            for _ in range(40):
                peer.fetch(operation).ok()
                peer.call("GetInfo", info_fields(session)).ok()
                peer.close_operation(peer.execute(session, "SELECT 2")).ok()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=hammer, args=(peer,)) for peer in peers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    peers[5].close_session(session).ok()
    for peer in peers:
        assert "Invalid" in peer.call("GetInfo", info_fields(session)).error
    assert backend.session("alice").ended_by == "CloseSession"


@pytest.mark.smoke
def test_closed_from_all_sides(gate: Gate, backend: Backend) -> None:
    """Many close the same session at once: each hears that it is closed, or that there is none."""
    peers = [http_peer(gate) for _ in range(6)]
    for peer in peers:
        peer.call("GetInfo", info_fields(Handle.random()))
    for _ in range(30):
        session = peers[0].open()
        for peer in peers:
            peer.ask("CloseSession", handle_fields(session))
        replies = [peer.receive_message() for peer in peers]
        good = [r for r in replies if r.code == 0]
        assert good, [r.error for r in replies]
        assert all("Invalid" in r.error or "does not exist" in r.error for r in replies if r.code)


@pytest.mark.smoke
def test_a_session_survives_its_connection(gate: Gate, backend: Backend) -> None:
    for how in ("close", "reset"):
        peer = http_peer(gate)
        session = peer.open()
        operation = peer.execute(session, "RUN on", run_async=True)
        getattr(peer, how)()
        time.sleep(0.1)
        with http_peer(gate) as other:
            assert other.operation_state(operation) == RUNNING
            assert other.fetch(other.execute(session, "SELECT 1")).ok()
            other.close_session(session).ok()
    assert not backend.seen("CancelOperation", "alice")


@pytest.mark.smoke
def test_cancel_from_another_connection(gate: Gate, backend: Backend) -> None:
    """While a call of the session is outstanding, from connections of all workers."""
    for _ in range(4):
        backend.forget()
        peer = http_peer(gate)
        session = peer.open()
        operation = peer.execute(session, "RUN long", run_async=True)
        released = threading.Event()
        backend.on("GetOperationStatus", faults.held(released), user="alice")
        peer.ask("GetOperationStatus", handle_fields(operation))
        backend.wait_call("GetOperationStatus", "alice")
        with http_peer(gate) as other:
            other.call("CancelOperation", handle_fields(operation)).ok()
            assert other.operation_state(operation) == CANCELED
        released.set()
        assert tree.get(peer.receive_message().ok().fields, 2) == CANCELED
        peer.close_session(session).ok()
        peer.close()


@pytest.mark.smoke
def test_a_client_that_leaves_in_a_call(gate: Gate, backend: Backend) -> None:
    """The session goes on; whoever comes back can cancel what runs by closing it."""
    peer = http_peer(gate)
    session = peer.open()
    peer.ask("ExecuteStatement", execute_fields(session, "RUN and wait"))
    backend.wait_call("ExecuteStatement", "alice")
    peer.reset()
    with http_peer(gate) as other:
        other.call("GetInfo", info_fields(session)).ok()
        other.fetch(other.execute(session, "SELECT 1")).ok()
        other.close_session(session).ok()
    assert backend.session("alice").ended_by == "CloseSession"


@pytest.mark.smoke
@pytest.mark.parametrize("own", [True, False], ids=["own connection", "another connection"])
def test_a_client_that_leaves_before_its_handle_comes(
    gate: Gate, backend: Backend, own: bool
) -> None:
    """Nobody could ever name the statement that it began: it is closed, and the session goes on."""
    peer, other = http_peer(gate), http_peer(gate)
    session = peer.open()
    stuck, released = threading.Event(), threading.Event()
    if not own:
        backend.on("GetInfo", faults.held(stuck), user="alice")
        other.ask("GetInfo", info_fields(session))
        backend.wait_call("GetInfo", "alice")
    backend.on("ExecuteStatement", faults.held(released), user="alice")
    peer.ask("ExecuteStatement", execute_fields(session, "RUN for nobody", run_async=True))
    backend.wait_call("ExecuteStatement", "alice")
    peer.reset()
    time.sleep(0.1)
    released.set()
    call = backend.wait_call("CloseOperation", "alice")
    [operation] = [
        o for o in backend.session("alice").operations.values() if o.statement == "RUN for nobody"
    ] or [None]
    assert operation is None or operation.handle == call.handle
    stuck.set()
    if not own:
        other.receive_message().ok()
    other.fetch(other.execute(session, "SELECT 1")).ok()
    other.close_session(session).ok()
    assert not backend.seen("CancelOperation", "alice")


def test_a_client_that_leaves_in_a_call_that_ends(gate: Gate, backend: Backend) -> None:
    """The answer comes to nobody; the session's connection is used again."""
    peer = http_peer(gate)
    session = peer.open()
    released = threading.Event()
    backend.on("GetInfo", faults.held(released), user="alice")
    peer.ask("GetInfo", info_fields(session))
    backend.wait_call("GetInfo", "alice")
    peer.close()
    time.sleep(0.1)
    released.set()
    with http_peer(gate) as other:
        for _ in range(20):
            other.call("GetInfo", info_fields(session)).ok()
        other.close_session(session).ok()


@pytest.mark.smoke
def test_a_client_that_leaves_in_a_reply(gate: Gate, backend: Backend) -> None:
    """A large one; the session goes on."""
    peer = http_peer(gate, receive_buffer=4096)
    session = peer.open()
    operation = peer.execute(session, f"BYTES {20 * MB}")
    peer.ask("FetchResults", fetch_fields(operation))
    assert peer.head().status == 200
    peer.reset()
    with http_peer(gate) as other:
        assert other.operation_state(operation) == 2
        other.fetch(other.execute(session, "SELECT 1")).ok()
        other.close_session(session).ok()


@pytest.mark.smoke
def test_an_idle_session_is_closed(make_http: Callable) -> None:
    gate, backend = make_http(limits={"session_idle": "1s"}, bystanders=1)
    peer = http_peer(gate)
    used, idle, gone = peer.open(), peer.open(), http_peer(gate)
    left = gone.open()
    running = gone.execute(left, "RUN for nobody", run_async=True)
    gone.close()
    assert running
    for _ in range(12):
        time.sleep(0.25)
        peer.call("GetInfo", info_fields(used)).ok()
    ended = [s.ended_by for s in backend.sessions.values() if s.user == "alice"]
    assert ended == [None, "CloseSession", "CloseSession"]
    assert "session_idle" in gate.log
    assert len(backend.seen("CancelOperation")) == 1
    assert "Invalid" in peer.call("GetInfo", info_fields(idle)).error
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "it closes the last one", 5)


def test_a_call_keeps_a_session_from_being_idle(make_http: Callable) -> None:
    """However long it takes, on its own connection and on another."""
    gate, backend = make_http(limits={"session_idle": "500ms"}, bystanders=0)
    for count in (1, 2):
        peers = [http_peer(gate) for _ in range(count)]
        session = peers[0].open()
        released = threading.Event()
        backend.on("GetInfo", faults.held(released), times=count)
        for peer in peers:
            peer.ask("GetInfo", info_fields(session))
        time.sleep(2.0)
        released.set()
        for peer in peers:
            peer.receive_message().ok()
        peers[0].close_session(session).ok()


@pytest.mark.smoke
def test_an_idle_connection_is_closed(make_http: Callable) -> None:
    """Not so its session, and not one that is in use."""
    gate, _ = make_http(limits={"http_idle": "1s"}, bystanders=1)
    idle, busy = http_peer(gate), http_peer(gate)
    session = idle.open()
    begin = time.monotonic()
    local = http_peer(gate)  # hivegate answers these itself
    while time.monotonic() - begin < 2.5:
        busy.call("GetInfo", info_fields(session)).ok()
        local.call("GetInfo", info_fields(session, 1)).ok()
        time.sleep(0.2)
    assert idle.ended()
    busy.fetch(busy.execute(session, "SELECT 1")).ok()
    busy.close_session(session).ok()
    begin = time.monotonic()
    assert busy.ended() and local.ended()
    assert 0.5 < time.monotonic() - begin < 3.0


def test_a_slow_check_is_no_idle_time(make_http: Callable) -> None:
    """A connection waits for the outcome of its login, however long it was silent before."""

    def change(config: dict) -> None:
        add_listener(config)
        config["jobs"] = {"threads": 1}

    gate, _ = make_http(limits={"http_idle": "1s"}, bystanders=0, change=change)
    peer = http_peer(gate)
    peer.close_session(peer.open()).ok()
    crowd = [http_peer(gate, "carol", "wrong") for _ in range(200)]
    for other in crowd:
        other.ask("OpenSession", open_fields())
    peer.authorization = basic("alice", "wrong")
    peer.ask("OpenSession", open_fields())
    assert peer.response().status == 401
    for other in crowd:
        assert other.response().status == 401


def test_refused_requests_keep_a_connection(make_http: Callable) -> None:
    """A 404 is an answer like any other: the time that a connection may be idle begins anew."""
    gate, _ = make_http(limits={"http_idle": "1s", "login_timeout": "1s"}, bystanders=0)
    peer = http_peer(gate)
    peer.close_session(peer.open()).ok()
    for _ in range(12):
        assert peer.post(OPEN, target="/nowhere").status == 404
        time.sleep(0.2)
    assert peer.ended()


@pytest.mark.smoke
def test_the_quota(make_http: Callable) -> None:
    """Counts sessions, not connections, and a place is free as soon as a session is closed."""
    gate, _ = make_http(limits={"sessions_per_user": 3}, bystanders=1)
    peers = [http_peer(gate) for _ in range(4)]
    sessions = [peer.open() for peer in peers[:3]]
    reply = peers[3].call("OpenSession", open_fields())
    assert reply.sql_state == "53300" and "sessions_per_user" in reply.error
    peers[0].close()
    assert peers[3].call("OpenSession", open_fields()).sql_state == "53300"
    for turn in range(60):
        closer, opener = peers[1 + turn % 3], peers[1 + (turn + 1) % 3]
        closer.close_session(sessions.pop(0)).ok()
        sessions.append(opener.open())
    carol = http_peer(gate, "carol")
    carol.close_session(carol.open()).ok()
    for session in sessions:
        peers[1].close_session(session).ok()
    for _ in range(3):
        sessions.append(peers[2].open())
    for session in sessions[-3:]:
        peers[3].close_session(session).ok()


@pytest.mark.smoke
def test_a_backend_connection_that_goes(gate: Gate, backend: Backend) -> None:
    """The session with it: whoever asks hears so, and may close it."""
    peer = http_peer(gate)
    session = peer.open()
    operation = peer.execute(session, "SELECT 1")
    number = backend.session("alice").connection
    backend._drop([c for c in backend.connections if c.number == number])
    gate.wait_log("session_lost")
    for other in (peer, http_peer(gate), http_peer(gate)):
        for name, fields in (
            ("GetInfo", info_fields(session)),
            ("FetchResults", fetch_fields(operation)),
        ):
            reply = other.call(name, fields)
            assert reply.sql_state == "08S01" and "lost" in reply.error
    http_peer(gate).close_session(session).ok()
    assert "Invalid" in peer.call("GetInfo", info_fields(session)).error


@pytest.mark.smoke
def test_a_backend_connection_that_goes_in_a_call(gate: Gate, backend: Backend) -> None:
    for fault, seen in ((faults.close, 200), (faults.reset, 200), (faults.half_then_close, 0)):
        peer = http_peer(gate)
        session = peer.open()
        backend.on("GetInfo", fault, user="alice")
        reply = peer.call("GetInfo", info_fields(session))
        assert reply.sql_state == "08S01" and "lost" in reply.error, seen
        with http_peer(gate) as other:
            assert "lost" in other.call("GetInfo", info_fields(session)).error
            other.close_session(session).ok()
        assert "Invalid" in peer.call("GetInfo", info_fields(session)).error


def test_half_a_large_reply(gate: Gate, backend: Backend) -> None:
    """The client must not take it for whole."""
    peer = http_peer(gate)
    session = peer.open()
    operation = peer.execute(session, f"BYTES {4 * MB}")
    backend.on(
        "FetchResults", faults.big_until(4 * MB, 2 * MB, lambda turn: turn.close()), user="alice"
    )
    peer.ask("FetchResults", fetch_fields(operation))
    with pytest.raises(Closed):
        peer.response()
    with http_peer(gate) as other:
        assert "lost" in other.call("GetInfo", info_fields(session)).error
        other.close_session(session).ok()
