"""Endpoints that speak HTTP, well and badly: binary and HTTP clients get their replies whole or a
clear error, and no session is lost with a connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ..kit import faults
from ..kit.backend import Turn
from ..kit.gate import Gate, eventually, is_sanitized
from ..kit.http import (
    HttpBackend,
    HttpPeer,
    add_listener,
    chunked,
    cut,
    http_peer,
    in_drips,
    response,
    whole_response,
)
from ..kit.messages import (
    CANCELED,
    RUNNING,
    BigFetch,
    Handle,
    answer,
    call,
    execute_fields,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
    status,
)
from ..kit.peer import Closed, Peer

MB = 1_000_000
CLIENTS = ("binary", "raw", "http")

Make = Callable[..., tuple[Gate, HttpBackend]]


@pytest.fixture
def make(make_gate: Callable[..., Gate], make_backend: Callable[..., HttpBackend]) -> Make:
    """A gateway in front of scripted HTTP backends, which have the attributes `how`."""

    def made(count: int = 1, gate: dict | None = None, **how: Any) -> tuple[Gate, HttpBackend]:
        backends = [make_backend(HttpBackend) for _ in range(count)]
        for backend in backends:
            for name, value in how.items():
                setattr(backend, name, value)
        options = {"change": add_listener, "raw": True, "bystanders": 1} | (gate or {})
        pool = {"transport": "http"} | options.pop("pool", {})
        return make_gate(*backends, pool=pool, **options), backends[0]

    return made


def client(gate: Gate, kind: str, user: str = "alice") -> Peer:
    if kind == "http":
        return http_peer(gate, user)
    return gate.peer(user) if kind == "binary" else gate.connect("raw")


def opened(peer: Peer, kind: str, user: str = "alice"):
    return peer.open(*((user, f"{user}-secret") if kind == "raw" else ()))


def read_big(peer: Peer, expected: BigFetch, pace: float = 0.0) -> None:
    if isinstance(peer, HttpPeer):
        peer.read_big_body(expected, pace)
    else:
        peer.read_big(expected, pace)


STYLES = {
    "length": {"style": "length"},
    "chunks": {"style": "chunked"},
    "tiny chunks": {"style": "chunked", "chunk": 3},
    "one chunk": {"style": "chunked", "chunk": 1 << 30},
    "a late last chunk": {"style": "chunked", "chunk": 100_000, "pause": 0.05},
    "until the end": {"style": "close"},
    "length, then the end": {"style": "length", "says_close": True},
    "chunks, then the end": {"style": "chunked", "says_close": True, "pause": 0.05},
}


@pytest.mark.smoke
@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("style", STYLES)
def test_replies(make: Make, style: str, kind: str) -> None:
    """Small and large ones, however they say where they end."""
    gate, backend = make(**STYLES[style])
    with client(gate, kind) as peer:
        session = opened(peer, kind)
        for turn in range(5):
            assert peer.call("GetInfo", info_fields(session), turn).ok().seqid == turn
        peer.fetch(peer.execute(session, "SELECT 1")).ok()
        for size in (1, 140_000, 200_000, 2 * MB):
            if backend.chunk == 3 and size > 200_000:
                continue
            operation = peer.execute(session, f"BYTES {size}")
            seqid = peer.ask("FetchResults", fetch_fields(operation))
            read_big(peer, BigFetch(seqid, size))
            peer.close_operation(operation).ok()
        assert "Invalid" in peer.call("GetInfo", info_fields(Handle.random())).error
        peer.close_session(session).ok()
    assert {c.user for c in backend.seen("OpenSession")} <= {"alice", "bob"}


@pytest.mark.smoke
@pytest.mark.parametrize("kind", CLIENTS)
def test_replies_in_drips(make: Make, kind: str) -> None:
    gate, backend = make()
    with client(gate, kind) as peer:
        session = opened(peer, kind)
        for style in ("length", "chunked", "close"):
            backend.style = style
            backend.chunk = 7
            backend.on("GetInfo", in_drips(1, 0.0005), user="alice")
            peer.call("GetInfo", info_fields(session)).ok()
        peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", CLIENTS)
def test_calls_in_a_row_over_connections_that_end(make: Make, kind: str) -> None:
    """Each response ends its connection, in pieces too; the next call waits already."""
    gate, backend = make(says_close=True, chunk=5)
    with client(gate, kind) as peer:
        session = opened(peer, kind)
        for fault in (None, in_drips(20, 0.001)):
            if fault:
                backend.on("GetInfo", fault, user="alice", times=None)
            messages = [call("GetInfo", info_fields(session), n) for n in range(40)]
            for message in messages:
                peer.send_message(message)
            for number in range(len(messages)):
                assert peer.receive_message().ok().seqid == number
        backend.clear()
        operations = [peer.execute(session, "RUN on", run_async=True) for _ in range(5)]
        assert len(operations) == 5
        if kind == "http":
            peer.close_session(session).ok()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session is closed")
    if kind != "http":  # hivegate cancels and closes in one go
        assert len(backend.seen("CancelOperation", "alice")) == 5


@pytest.mark.smoke
def test_a_pause_before_the_response(make: Make) -> None:
    """100 Continue, and other heads that aren't the response's."""
    gate, backend = make()
    with client(gate, "binary") as peer:
        session = peer.open()

        def early(turn: Turn) -> None:
            turn.raw(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.05)
            turn.raw(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
            turn.raw(whole_response(turn))

        backend.on("GetInfo", early, user="alice")
        for _ in range(3):
            peer.call("GetInfo", info_fields(session)).ok()


CHUNKED = "Transfer-Encoding: chunked"
HTML = b"<html><head><title>Error 500</title></head><body>" + b"java.lang.X<br>" * 500 + b"</body>"
THRIFT = answer("GetInfo", 99, [(1, 12, status())])

# What comes in place of a response, and words that the client gets to see.
BAD_RESPONSES = {
    "401": (response("401 Unauthorized", b"Authentication Error: no"), ("401", "Authentication")),
    "403": (response("403 Forbidden", b""), ("403",)),
    "404": (response("404 Not Found", b"no such path"), ("404", "no such path")),
    "500 with HTML": (response("500 Server Error", HTML, kind="text/html"), ("500", "Server")),
    "500 in chunks": (
        response("500 Server Error", chunked(b"no\r\nroom ", 4), CHUNKED, length=False),
        ("500", ": no  room."),
    ),
    "503 without a body": (response("503 Service Unavailable", b"", length=False), ("503",)),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", ("204",)),
    "302": (response("302 Found", b"", "Location: /login"), ("302",)),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ("HTTP",)),
    "garbage": (b"hello, is this hive?\r\n\r\n", ("HTTP", "transport")),
    "SASL": (b"\x05\0\0\0\0" * 10, ("HTTP", "transport")),
    "bare Thrift": (THRIFT, ("HTTP", "transport")),
    "an endless head": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000, ("HTTP",)),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", ("HTTP",)),
    "length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ("HTTP",),
    ),
    "another coding": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ("HTTP",)),
    "an empty body": (response("200 OK", b""), ("without a body",)),
    "an empty chunked body": (
        response("200 OK", b"0\r\n\r\n", CHUNKED, length=False),
        ("not one Thrift message",),
    ),
    "a bad chunk": (
        response("200 OK", b"zz\r\n", CHUNKED, length=False),
        ("chunk",),
    ),
    "HTML with 200": (response("200 OK", HTML, kind="text/html"), ("Thrift",)),
    "half a message": (response("200 OK", THRIFT[:-5]), ("not one Thrift message",)),
    "two messages": (response("200 OK", THRIFT + THRIFT), ("not one Thrift message",)),
    "an answer to another call": (response("200 OK", THRIFT), ("another call",)),
}


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["binary", "http"])
@pytest.mark.parametrize("bad", BAD_RESPONSES)
def test_bad_responses(make: Make, bad: str, kind: str) -> None:
    """A clear error; the session goes on with the next call, over another connection."""
    data, words = BAD_RESPONSES[bad]
    gate, backend = make()
    with client(gate, kind) as peer:
        session = peer.open()
        before = len({c.connection for c in backend.calls})
        for then_close in (True, False):
            backend.on("GetInfo", faults.bytes_instead(data, then_close), user="alice")
            reply = peer.call("GetInfo", info_fields(session))
            assert reply.sql_state == "08S01"
            text = reply.error
            assert all(word in text for word in words), text
            assert backend.address in text and "lost" not in text
            assert "<" not in text and "java" not in text and len(text) < 600
            assert text.isprintable(), repr(text)
            peer.call("GetInfo", info_fields(session)).ok()
        assert len({c.connection for c in backend.calls}) >= before + 2
        peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("bad", ["401", "500 with HTML", "garbage", "an empty body"])
def test_bad_responses_to_an_open(make: Make, bad: str) -> None:
    """The next endpoint is tried; with none left the client hears what each one said."""
    data, words = BAD_RESPONSES[bad]
    gate, backend = make(count=2, gate={"bystanders": 0})
    other = gate.backends[1]
    for kind in ("binary", "http"):
        for each in (backend, other):
            each.clear()
            each.on("OpenSession", faults.bytes_instead(data, True), times=None)
        with client(gate, kind) as peer:
            text = peer.call("OpenSession", open_fields()).error
            assert all(word in text for word in words), text
            assert backend.address in text and other.address in text
    backend.clear()
    with client(gate, "binary") as peer:
        eventually(lambda: peer.call("OpenSession", open_fields()).code == 0, "it recovers")
    backend.wait_until(lambda: not backend.live_sessions(), "the session is closed")


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["binary", "http"])
@pytest.mark.parametrize("style", ["length", "chunked"])
def test_connections_cut_within_a_response(make: Make, style: str, kind: str) -> None:
    """At each part of it: an error, never half a reply for a whole one; the session goes on."""
    gate, backend = make(style=style, chunk=20)
    with client(gate, kind) as peer:
        session = peer.open()
        for reset in (False, True):
            for where in (
                lambda data: 0,
                lambda data: 10,
                lambda data: data.index(b"\r\n\r\n") + 2,
                lambda data: data.index(b"\r\n\r\n") + 4,
                lambda data: data.index(b"\r\n\r\n") + 20,
                lambda data: len(data) - 1,
            ):
                backend.on("GetInfo", cut(where, reset), user="alice")
                reply = peer.call("GetInfo", info_fields(session))
                assert reply.sql_state == "08S01"
                assert "lost" not in reply.error and backend.address in reply.error
                assert "Try again" in reply.error
                peer.call("GetInfo", info_fields(session)).ok()
        peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("style", ["length", "chunked", "close"])
def test_connections_cut_within_a_large_response(make: Make, style: str, kind: str) -> None:
    """The client's own connection ends: it has half of it already. (Without a length nobody can
    tell, so there the reply must be walked.)"""
    gate, backend = make(style=style)
    peer = client(gate, kind)
    session = opened(peer, kind)
    operation = peer.execute(session, f"BYTES {4 * MB}")

    def half(turn: Turn) -> None:
        assert turn.call
        big = BigFetch(turn.call.seqid, 4 * MB)
        turn.raw(turn.connection.response_head(big.size))
        sent = 0
        for piece in big.chunks():
            turn.connection.send_piece(piece)
            sent += len(piece)
            if sent > 2 * MB:
                break
        turn.close()

    backend.on("FetchResults", half, user="alice")
    seqid = peer.ask("FetchResults", fetch_fields(operation))
    with pytest.raises((Closed, AssertionError)):
        read_big(peer, BigFetch(seqid, 4 * MB))
    with client(gate, kind) as other:
        if kind == "raw":
            opened(other, kind)
        if kind == "http":
            other.call("GetInfo", info_fields(session)).ok()
            other.close_session(session).ok()
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the sessions are closed")


@pytest.mark.smoke
@pytest.mark.parametrize("kind", CLIENTS)
def test_idle_connections_that_end(make: Make, kind: str) -> None:
    """Nobody notices: the next call has another connection."""
    gate, backend = make(gate={"bystanders": 0})
    with client(gate, kind) as peer:
        session = opened(peer, kind)
        for turn in range(5):
            made = backend.connections_made
            backend.drop_all()
            time.sleep(0.05)
            peer.call("GetInfo", info_fields(session)).ok()
            assert backend.connections_made > made, turn
        peer.close_session(session).ok()
    assert "session_lost" not in gate.log


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["binary", "http"])
def test_a_response_to_nothing(make: Make, kind: str) -> None:
    """What came before a call was made can't be its answer."""
    gate, backend = make(gate={"bystanders": 0})
    with client(gate, kind) as peer:
        session = peer.open()
        number = backend.seen("OpenSession", "alice")[-1].connection
        for connection in backend.connections:
            if connection.number == number:
                connection.socket.sendall(response("200 OK", THRIFT))
        time.sleep(0.1)
        for turn in range(3):
            assert peer.call("GetInfo", info_fields(session), turn).ok().seqid == turn

        def twice(turn: Turn) -> None:
            data = whole_response(turn)
            turn.raw(data + data)

        backend.on("GetInfo", twice)
        peer.call("GetInfo", info_fields(session))
        for turn in range(3):
            assert peer.call("GetInfo", info_fields(session), turn).ok().seqid == turn
        peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["binary", "http"])
def test_an_endpoint_that_goes_and_comes_back(make: Make, kind: str) -> None:
    """Calls hear that it can't be asked; the session is there again when it is."""
    gate, backend = make(gate={"bystanders": 0})
    peer = client(gate, kind)
    session = peer.open()
    backend.on("connect", faults.reset, times=None)
    backend.drop_all()
    time.sleep(0.1)
    for _ in range(3):
        reply = peer.call("GetInfo", info_fields(session))
        assert reply.sql_state == "08S01" and "could not be asked" in reply.error
    backend.clear()
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["binary", "http"])
def test_cancel_while_a_call_waits(make: Make, kind: str) -> None:
    gate, backend = make()
    with client(gate, kind) as peer, client(gate, kind) as other:
        session = peer.open()
        operation = peer.execute(session, "RUN long", run_async=True)
        released = threading.Event()
        backend.on("GetOperationStatus", faults.held(released), user="alice")
        peer.ask("GetOperationStatus", handle_fields(operation))
        backend.wait_call("GetOperationStatus", "alice")
        other.call("CancelOperation", handle_fields(operation)).ok()
        assert other.operation_state(operation) == CANCELED
        released.set()
        assert peer.receive_message().ok()
        peer.close_session(session).ok()


@pytest.mark.smoke
def test_a_binary_client_that_leaves(make: Make) -> None:
    """Over HTTP Spark would keep its session for a week: hivegate closes it."""
    gate, backend = make()
    for idle in (True, False):
        backend.forget()
        peer = gate.peer()
        session = peer.open()
        operation = peer.execute(session, "RUN on", run_async=True)
        if not idle:
            backend.on("GetOperationStatus", faults.silence, user="alice")
            peer.ask("GetOperationStatus", handle_fields(operation))
            backend.wait_call("GetOperationStatus", "alice")
        peer.reset()
        backend.wait_call("CancelOperation", "alice")
        backend.wait_until(lambda: not backend.live_sessions("alice"), "its session is closed")
        assert backend.session("alice").ended_by == "CloseSession"


@pytest.mark.smoke
@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("style", ["length", "chunked", "close"])
def test_a_slow_reader(make: Make, style: str, kind: str) -> None:
    gate, _ = make(style=style, chunk=50_000, gate={"bystanders": 0})
    how = {"receive_buffer": 8192}
    peer = (
        http_peer(gate, **how)
        if kind == "http"
        else gate.connect("raw", **how)
        if kind == "raw"
        else gate.peer(**how)
    )
    session = opened(peer, kind)
    size = 30 * MB
    operation = peer.execute(session, f"BYTES {size}")
    before = gate.rss_mb()
    seqid = peer.ask("FetchResults", fetch_fields(operation))
    time.sleep(0.7)
    if not is_sanitized():
        assert gate.rss_mb() - before < 8, "what nobody reads is kept in memory"
    read_big(peer, BigFetch(seqid, size))
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()


def test_a_large_request(make: Make) -> None:
    gate, backend = make()
    statement = "SELECT '" + "x" * 3_000_000 + "'"
    for kind in CLIENTS:
        with client(gate, kind) as peer:
            session = opened(peer, kind)
            peer.close_operation(peer.execute(session, statement)).ok()
            peer.close_session(session).ok()
    assert [c.statement for c in backend.seen("ExecuteStatement", "alice")] == [statement] * 3


@pytest.mark.smoke
def test_idle_sessions_and_the_end(make: Make) -> None:
    """Sessions of HTTP clients at HTTP endpoints: closed when they are idle, and at the end."""
    gate, backend = make(gate={"bystanders": 0, "limits": {"session_idle": "1s"}})
    peer = http_peer(gate)
    idle, used = peer.open(), peer.open()
    for _ in range(8):
        time.sleep(0.25)
        peer.call("GetInfo", info_fields(used)).ok()
    assert "Invalid" in peer.call("GetInfo", info_fields(idle)).error
    running = peer.execute(used, "RUN on", run_async=True)
    gate.terminate()
    gate.wait_log("stopping")
    assert peer.operation_state(running) == RUNNING
    peer.close_operation(running).ok()
    assert gate.wait_exit(20.0) == 0
    gate.check_log()
    assert [s.ended_by for s in backend.sessions.values()] == ["CloseSession"] * 2


@pytest.mark.smoke
def test_a_service_account(make: Make, tmp_path) -> None:
    """Its name and password travel with each request; the user is named in OpenSession."""
    secret = tmp_path / "secret.txt"
    secret.write_text("hush\n")
    secret.chmod(0o600)
    pool = {"login": "service", "user": "svc", "password_file": str(secret)}
    gate, backend = make(gate={"bystanders": 0, "pool": pool})
    peer = http_peer(gate)
    session = peer.open()
    assert {c.user for c in backend.calls} == {"svc"}
    assert "alice" in backend.session("svc").configuration.values()
    peer.close_session(session).ok()
    assert "hush" not in gate.log


def test_many_at_once(make: Make) -> None:
    """Forty clients of all kinds; each hears its own answers."""
    gate, backend = make(chunk=11, gate={"bystanders": 0})
    for kind in CLIENTS:  # their passwords are known then
        with client(gate, kind) as peer:
            peer.close_session(opened(peer, kind)).ok()
    problems: list[str] = []

    def work(number: int) -> None:
        kind = CLIENTS[number % 3]
        try:
            with client(gate, kind) as peer:
                session = opened(peer, kind)
                for turn in range(15):
                    statement = f"BYTES {1000 + number * 7000}"
                    operation = peer.call(
                        "ExecuteStatement", execute_fields(session, statement)
                    ).operation
                    seqid = peer.ask("FetchResults", fetch_fields(operation), turn * 41 + number)
                    read_big(peer, BigFetch(seqid, 1000 + number * 7000))
                    peer.close_operation(operation).ok()
                peer.close_session(session).ok()
        except BaseException as error:
            problems.append(f"{kind} {number}: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    assert not backend.live_sessions("alice")
