"""Endpoints that can't be reached, don't let hivegate in, or don't open sessions: the next one is
tried before the client hears of it; when none is left the client gets one clear error."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from e2e.harness import thrift_tree as tree

from .kit import faults
from .kit.backend import Backend
from .kit.gate import Gate, eventually
from .kit.http import HttpBackend
from .kit.messages import (
    PROTOCOL_ERROR,
    answer,
    call,
    error_answer,
    exception_answer,
    handle_fields,
    info_fields,
    open_fields,
)
from .kit.peer import COMPLETE, ERROR, OK, frame, sasl_frame

QUICK = {"connect_timeout": "500ms", "login_timeout": "500ms", "open_timeout": "1s"}


def dead_address() -> str:
    """An address that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def full_address() -> Iterator[str]:
    """An address where connecting hangs: its queue is full, and nobody accepts."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    address = listener.getsockname()
    waiting = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(address)
        waiting.append(sock)
    yield f"127.0.0.1:{address[1]}"
    for sock in waiting:
        sock.close()
    listener.close()


def sessions_go_on(gate: Gate, backend: Backend, count: int = 4) -> None:
    """So many sessions are opened, all of them on this backend."""
    before = len(backend.seen("OpenSession", "alice"))
    for _ in range(count):
        with gate.peer() as peer:
            peer.call("GetInfo", info_fields(peer.open())).ok()
    assert len(backend.seen("OpenSession", "alice")) >= before + count


# ---- connecting ----


@pytest.mark.smoke
def test_refused_connections(make_gate: Callable, make_backend: Callable) -> None:
    good = make_backend()
    gate = make_gate(dead_address(), good, dead_address())
    sessions_go_on(gate, good, 6)
    gate.wait_log("endpoint_failed")
    assert "Connection refused" in gate.log


@pytest.mark.smoke
def test_connecting_hangs(make_gate: Callable, make_backend: Callable, full_address: str) -> None:
    good = make_backend()
    gate = make_gate(full_address, good, pool=QUICK)
    sessions_go_on(gate, good, 6)
    gate.wait_log("endpoint_failed")
    assert "Connection timed out" in gate.log


def test_a_name_that_nobody_knows(make_gate: Callable, make_backend: Callable) -> None:
    good = make_backend()
    gate = make_gate("no-such-host.invalid:10000", good, pool=QUICK)
    sessions_go_on(gate, good)


@pytest.mark.smoke
def test_no_endpoint_is_left(make_gate: Callable) -> None:
    """One error that names each endpoint and what is wrong with it; nothing hangs."""
    addresses = [dead_address(), dead_address(), "no-such-host.invalid:1"]
    gate = make_gate(*addresses, pool=QUICK, bystanders=0)
    with gate.peer() as peer:
        for _ in range(2):
            reply = peer.call("OpenSession", open_fields())
            assert reply.sql_state == "08001"
            for address in addresses:
                assert address in reply.error
            assert reply.error.count("Connection refused") == 2
            assert "look-up" in reply.error


@pytest.mark.parametrize("place", [0, 31, 63])
def test_the_one_good_endpoint_among_many(
    make_gate: Callable, make_backend: Callable, place: int
) -> None:
    good = make_backend()
    endpoints: list[Backend | str] = [f"127.0.0.1:{n}" for n in free_ports(64)]
    endpoints[place] = good
    gate = make_gate(*endpoints, bystanders=0)
    sessions_go_on(gate, good, 3)


def free_ports(count: int) -> list[int]:
    """So many ports on which nobody listens."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports


def test_an_endpoint_comes_back(make_gate: Callable, make_backend: Callable) -> None:
    """Dead at first; taken again when it is up."""
    address = dead_address()
    good = make_backend()
    gate = make_gate(address, good)
    sessions_go_on(gate, good)
    port = int(address.rpartition(":")[2])
    back = make_backend(port=port)
    gate.backends.append(back)
    peers = []
    deadline = time.monotonic() + 30
    while not back.seen("OpenSession") and time.monotonic() < deadline:
        peer, _ = gate.session()
        peers.append(peer)
        time.sleep(0.1)
    assert back.seen("OpenSession")
    gate.wait_log("endpoint_recovered")
    for peer in peers:
        peer.close()


def test_an_endpoint_dies(make_gate: Callable, make_backend: Callable) -> None:
    """All its sessions are lost, each with a clear error; new ones go to the other."""
    first, second = make_backend(), make_backend()
    gate = make_gate(first, second, bystanders=0)
    peers = [gate.session() for _ in range(8)]
    assert len(first.live_sessions()) == len(second.live_sessions()) == 4
    first.stop()
    gate.backends.remove(first)
    lost = 0
    for peer, session in peers:
        reply = peer.call("GetInfo", info_fields(session))
        if reply.is_exception or reply.code:
            assert "session is lost" in reply.error and first.address in reply.error
            peer.close_session(session).ok()
            session = peer.open()  # the connection is still good
            lost += 1
        peer.call("GetInfo", info_fields(session)).ok()
        peer.close()
    assert lost == 4


# ---- logging in ----

LOGIN_FAULTS = {
    "closes at once": ("connect", faults.close),
    "resets at once": ("connect", faults.reset),
    "says nothing": ("connect", faults.silence),
    "speaks HTTP": ("connect", faults.bytes_instead(b"HTTP/1.1 400 Bad Request\r\n\r\n", True)),
    "speaks garbage": ("connect", faults.bytes_instead(b"\xfe\xfd\xfc" * 50)),
    "speaks first": ("connect", faults.bytes_instead(frame(b"hello" * 10))),
    "a huge frame": ("connect", faults.bytes_instead(bytes([COMPLETE]) + b"\x7f\xff\xff\xff")),
    "closes in the login": ("login", faults.close),
    "resets in the login": ("login", faults.reset),
    "doesn't answer the login": ("login", faults.silence),
    "refuses the login": ("login", faults.refuse_login("no such user here")),
    "an error": ("login", faults.bytes_instead(sasl_frame(ERROR, b"\xff broken"), True)),
    "half an answer": ("login", faults.bytes_instead(bytes([COMPLETE, 0, 0]), True)),
    "OK for ever": ("login", faults.bytes_instead(sasl_frame(OK, b"go on") * 3)),
}


@pytest.mark.smoke
@pytest.mark.parametrize("kind", LOGIN_FAULTS)
def test_faults_before_the_login_ends(make_gate: Callable, make_backend: Callable, kind: str) -> None:
    bad, good = make_backend(), make_backend()
    gate = make_gate(good, bad, pool=QUICK, bystanders=1)
    gate.keep_opening(False)
    phase, fault = LOGIN_FAULTS[kind]
    bad.on(phase, fault, times=None)
    sessions_go_on(gate, good, 3)
    assert not bad.seen("OpenSession", "alice")
    gate.wait_log(bad.address)


@pytest.mark.parametrize("kind", LOGIN_FAULTS)
def test_the_only_endpoint_fails_before_the_login_ends(
    make_gate: Callable, make_backend: Callable, kind: str
) -> None:
    """The client hears why, and its connection goes on to work when the endpoint does."""
    bad = make_backend()
    gate = make_gate(bad, pool=QUICK, bystanders=0)
    phase, fault = LOGIN_FAULTS[kind]
    bad.on(phase, fault)
    with gate.peer() as peer:
        reply = peer.call("OpenSession", open_fields())
        assert reply.sql_state == "08001"
        assert bad.address in reply.error
        assert reply.error.split(bad.address + ":")[1].strip()
        if kind == "refuses the login":
            assert "no such user here" in reply.error
        peer.call("GetInfo", info_fields(peer.open())).ok()


# ---- opening a session ----


def other_seqid(turn) -> None:
    message = bytearray(turn.normal())
    message[8 + len("OpenSession") + 3] ^= 0x55
    turn.answer(bytes(message))


def other_name(turn) -> None:
    turn.answer(turn.normal().replace(b"OpenSession", b"GetNothings", 1))


OPEN_FAULTS = {
    "closes": faults.close,
    "resets": faults.reset,
    "doesn't answer": faults.silence,
    "closes in the answer": faults.half_then_close,
    "another seqid": other_seqid,
    "another name": other_name,
    "another call's answer": faults.message_instead(answer("GetInfo", 1, [])),
    "garbage": faults.bytes_instead(frame(b"\xff" * 99)),
    "an empty frame": faults.bytes_instead(frame(b"")),
    "a negative length": faults.bytes_instead(b"\xff\xff\xff\xf0" + b"x" * 99),
    "2 GB announced": faults.bytes_instead(b"\x7f\xff\xff\xff" + b"x" * 99),
    "20 MB announced": faults.bytes_instead(b"\x01\x40\x00\x00" + b"x" * 99),
    "a call": faults.message_instead(call("OpenSession", open_fields())),
    "two messages in a frame": faults.edited(lambda m: m + m),
    "bytes behind the answer": faults.edited(lambda m: m + b"\0\0\0"),
}


@pytest.mark.smoke
@pytest.mark.parametrize("kind", OPEN_FAULTS)
def test_faults_while_a_session_is_opened(
    make_gate: Callable, make_backend: Callable, kind: str
) -> None:
    """The next endpoint is tried; what the bad one may have opened isn't left there."""
    bad, good = make_backend(), make_backend()
    gate = make_gate(good, bad, pool=QUICK, bystanders=1)
    gate.keep_opening(False)
    bad.on("OpenSession", OPEN_FAULTS[kind], times=None)
    peers = [gate.session()[0] for _ in range(3)]
    assert bad.seen("OpenSession", "alice")
    assert len(good.live_sessions("alice")) == 3
    assert not bad.live_sessions("alice")
    for peer in peers:
        peer.close()


def test_every_endpoint_fails_in_its_own_way(make_gate: Callable, make_backend: Callable) -> None:
    refusing, silent, closing = make_backend(), make_backend(), make_backend()
    gate = make_gate(refusing, silent, closing, dead_address(), pool=QUICK, bystanders=0)
    refusing.on("login", faults.refuse_login("not today"), times=None)
    silent.on("OpenSession", faults.silence, times=None)
    closing.on("OpenSession", faults.close, times=None)
    with gate.peer() as peer:
        error = peer.call("OpenSession", open_fields()).error
    assert f"{refusing.address}: not today" in error
    assert f"{silent.address}: the endpoint didn't answer OpenSession in time" in error
    assert f"{closing.address}: the endpoint closed the connection" in error
    assert "Connection refused" in error


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["status", "exception"])
def test_an_error_of_the_backend_is_passed_on(gate: Gate, backend: Backend, kind: str) -> None:
    """What the backend says to OpenSession is its answer: it goes to the client as it came, and no
    other endpoint is asked."""
    text = "Failed to open new session: no such database"

    def refuse(turn) -> None:
        seqid = turn.call.seqid
        if kind == "status":
            turn.answer(error_answer("OpenSession", seqid, text, "42000"))
        else:
            turn.answer(exception_answer("OpenSession", seqid, PROTOCOL_ERROR, text))

    backend.on("OpenSession", refuse, user="alice")
    peer = gate.peer()
    reply = peer.call("OpenSession", open_fields(), 77)
    assert reply.error == text
    wanted = (
        error_answer("OpenSession", 77, text, "42000")
        if kind == "status"
        else exception_answer("OpenSession", 77, PROTOCOL_ERROR, text)
    )
    assert reply.raw == wanted
    assert len(backend.seen("OpenSession", "alice")) == 1
    peer.open()
    peer.close()


def test_a_session_that_opens_slowly(make_gate: Callable, make_backend: Callable) -> None:
    """Nobody else waits for it."""
    backend = make_backend()
    gate = make_gate(backend)
    released = threading.Event()
    backend.on("OpenSession", faults.held(released), user="alice", times=3)
    peers = [gate.peer() for _ in range(3)]
    for peer in peers:
        peer.ask("OpenSession", open_fields())
    backend.wait_call("OpenSession", "alice", 3)
    gate.check_bystanders(10)
    sessions_go_on(gate, backend)
    released.set()
    for peer in peers:
        assert peer.receive_message().session
        peer.close()


# ---- kept connections ----


def test_a_kept_connection_that_went_stale(make_gate: Callable, make_backend: Callable) -> None:
    """The backend drops connections while hivegate keeps them for the next session: the next one
    opens all the same."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    for turn in range(6):
        with gate.peer() as peer:
            peer.close_session(peer.open()).ok()
            if turn % 2:
                backend.drop_all()
                eventually(lambda: backend.open_connections == 0, "connections are dropped")
    assert "endpoint_failed" not in gate.log


@pytest.mark.smoke
def test_a_kept_connection_that_breaks_when_used(make_gate: Callable, make_backend: Callable) -> None:
    """It goes stale without a sign, so that the request finds out: it is made again on a new one."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    with gate.peer() as peer:
        peer.close_session(peer.open()).ok()
        used = backend.seen("OpenSession")[0].connection
        for fault in (faults.close, faults.reset):
            backend.on("OpenSession", fault, wanted=lambda c, u=used: c.connection == u)
            session = peer.open()
            used = backend.seen("OpenSession")[-1].connection
            peer.close_session(session).ok()
    assert "endpoint_failed" not in gate.log


def test_a_kept_connection_that_falls_silent(make_gate: Callable, make_backend: Callable) -> None:
    """The second endpoint isn't kept from the client for longer than one open_timeout."""
    silent, good = make_backend(), make_backend()
    gate = make_gate(silent, good, pool={"open_timeout": "1s"}, bystanders=0)
    peers = [gate.session() for _ in range(4)]
    for peer, session in peers:
        peer.close_session(session).ok()
    silent.on("OpenSession", faults.silence, times=None)
    before = len(silent.seen("OpenSession"))
    for peer, _ in peers[:2]:
        peer.open()
    assert len(silent.seen("OpenSession")) == before + 1
    for peer, _ in peers:
        peer.close()


def test_sessions_over_kept_connections_are_apart(make_gate: Callable, make_backend: Callable):
    """A kept connection goes only to the user who logged in on it."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    for user in ("alice", "carol", "alice", "carol"):
        with gate.peer(user) as peer:
            session = peer.open()
            assert backend.session(user).user == user
            assert backend.live_sessions()[0].user == user
            peer.close_session(session).ok()
        backend.wait_until(lambda: not backend.live_sessions(), "the session ends")


@pytest.mark.smoke
def test_a_pool_without_sasl(make_gate: Callable, make_backend: Callable) -> None:
    """There the user is named in OpenSession, with hivegate's own secret and never the client's."""
    backend = make_backend(sasl=False)
    gate = make_gate(backend, raw=True, bystanders=0)
    for listener in ("thrift", "raw"):
        peer = gate.connect(listener)
        if listener == "thrift":
            peer.login()
        session = peer.open("root" if listener == "thrift" else "alice", "alice-secret")
        opening = backend.seen("OpenSession")[-1]
        assert tree.get(opening.fields, 2) == b"alice"
        assert tree.get(opening.fields, 3) != b"alice-secret"
        peer.fetch(peer.execute(session, "SELECT 1")).ok()
        peer.close()


@pytest.mark.smoke
def test_a_service_login(make_gate: Callable, make_backend: Callable, tmp_path) -> None:
    """Kept connections are shared then, and the session names its user."""
    (tmp_path / "secret").write_text("s3rvice\n")
    backend = make_backend()
    pool = {"login": "service", "user": "svc", "password_file": str(tmp_path / "secret")}
    gate = make_gate(backend, pool=pool, bystanders=0)
    for user in ("alice", "carol"):
        with gate.peer(user) as peer:
            session = peer.open(conf={"a": "b"})
            opened = backend.session("svc")
            assert opened.configuration == {"a": "b", "hive.server2.proxy.user": user}
            peer.call("GetInfo", info_fields(session)).ok()
            reply = peer.call("OpenSession", open_fields(conf={"hive.server2.proxy.user": "bob"}))
            assert reply.sql_state == "42501"
            peer.call("CloseSession", handle_fields(session)).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", [Backend, HttpBackend])
def test_another_password_of_the_service(
    make_gate: Callable, make_backend: Callable, tmp_path, kind: type[Backend]
) -> None:
    """SIGHUP brings it in: over HTTP for sessions that are open, too. A file of no use changes
    nothing."""
    secret = tmp_path / "secret"
    secret.write_text("first\n")
    backend = make_backend(kind)
    over_http = {"transport": "http"} if kind is HttpBackend else {}
    pool = {"login": "service", "user": "svc", "password_file": str(secret)} | over_http
    gate = make_gate(backend, pool=pool, bystanders=0)
    peer, session = gate.session("alice")
    assert {c.password for c in backend.connections} == {"first"}
    for text, event in (("", "pool_password_not_reloaded"), ("second\n", "pool_password_reloaded")):
        gate.forget_log()
        secret.write_text(text)
        gate.signal(signal.SIGHUP)
        gate.wait_log(event)
        gate.wait_log("users_reloaded" if text else "users_not_reloaded")  # all or nothing
        other, another = gate.session("carol")
        peer.call("GetInfo", info_fields(session)).ok()
        passwords = [c.password for c in backend.connections]
        if text == "":
            assert set(passwords) == {"first"}
        elif kind is HttpBackend:
            assert set(passwords) == {"second"}
        else:  # a login is good for its connection
            assert set(passwords) == {"first", "second"}
        other.close_session(another).ok()
        backend.drop_idle()
    peer.close_session(session).ok()
    gate.forget_log()
