"""The first bytes of a connection: whatever they are, they get an answer in the language they were
said in, or a clean end; and a login that never ends is ended."""

from __future__ import annotations

import random
import ssl
import struct
import time
from collections.abc import Callable

import pytest

from .kit.backend import Backend
from .kit.gate import Gate
from .kit.messages import call, open_fields
from .kit.peer import (
    BAD,
    COMPLETE,
    ERROR,
    OK,
    START,
    LoginRefused,
    Peer,
    frame,
    plain_login,
    sasl_frame,
)

GARBAGE = {
    "zeros": bytes(64),
    "high bytes": b"\xff" * 64,
    "text": b"hello, is this hive?\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "postgres": struct.pack(">ii", 8, 80877103),
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "proxy protocol": b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n",
    "proxy protocol 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
    "compact thrift": bytes([0x82, 0x21, 0x01, 0x0B]) + b"OpenSession",
    "unframed thrift": call("OpenSession", open_fields("alice", "alice-secret")),
    "framed thrift": frame(call("OpenSession", open_fields("alice", "alice-secret"))),
}


def answered_status(peer: Peer) -> int:
    """The status of the SASL frame that ends the connection."""
    status, text = peer.sasl_answer()
    assert text.strip()
    assert peer.rest() == b""
    return status


@pytest.mark.smoke
@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_answered_and_ended(gate: Gate, kind: str) -> None:
    with gate.connect() as peer:
        peer.send(GARBAGE[kind])
        status, text = peer.sasl_answer()
        assert status == ERROR
        assert "Invalid status" in text or "SASL" in text
        assert peer.rest() == b""


@pytest.mark.smoke
@pytest.mark.parametrize("kind", [k for k in GARBAGE if k != "unframed thrift"])
def test_garbage_without_sasl_ends(gate: Gate, kind: str) -> None:
    with gate.connect("raw") as peer:
        peer.send(GARBAGE[kind])
        peer.end_writing()
        peer.rest()


def test_random_garbage_on_both_listeners(gate: Gate) -> None:
    chance = random.Random(20240601)
    for turn in range(60):
        listener = "raw" if turn % 2 else "thrift"
        with gate.connect(listener) as peer:
            peer.try_send(chance.randbytes(chance.randrange(1, 3000)))
            peer.end_writing()
            peer.rest()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", ["thrift", "raw"])
@pytest.mark.parametrize("verb", ["GET / HTTP/1.1", "POST /cliservice HTTP/1.1", "HEAD / HTTP/1.0"])
def test_an_http_request_gets_http(gate: Gate, listener: str, verb: str) -> None:
    with gate.connect(listener) as peer:
        peer.send(f"{verb}\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n".encode())
        text = peer.rest().decode()
    assert text.startswith("HTTP/1.1 400 ")
    head, _, body = text.partition("\r\n\r\n")
    assert f"Content-Length: {len(body)}" in head
    assert "Connection: close" in head
    assert "binary" in body and "transportMode" in body


@pytest.mark.smoke
@pytest.mark.parametrize("listener", ["thrift", "raw"])
def test_a_tls_hello_is_told_that_there_is_no_tls(gate: Gate, listener: str) -> None:
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="example.org")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with gate.connect(listener) as peer:
        peer.send(outgoing.read())
        status, text = peer.sasl_answer()
        assert status == ERROR and "TLS" in text and "ssl=true" in text
        assert peer.rest() == b""
    assert "a TLS handshake on a plain listener" in gate.log


def test_each_listener_names_the_other_language(gate: Gate) -> None:
    with gate.connect("thrift") as peer:
        peer.send(call("OpenSession", open_fields("alice", "alice-secret")))
        status, text = peer.sasl_answer()
        assert status == ERROR and "auth=noSasl" in text
        assert peer.rest() == b""
    with gate.connect("raw") as peer:
        peer.send(plain_login("alice", "alice-secret"))
        status, text = peer.sasl_answer()
        assert status == ERROR and "auth=noSasl" in text
        assert peer.rest() == b""


@pytest.mark.smoke
def test_a_login_cut_at_every_byte(gate: Gate) -> None:
    """A client that goes away anywhere in its login leaves nothing behind, whether it closes,
    resets, or only stops writing."""
    whole = plain_login("alice", "alice-secret")
    for end in (Peer.close, Peer.reset, Peer.end_writing):
        for size in range(len(whole)):
            peer = gate.connect()
            if size:
                peer.send(whole[:size])
            end(peer)
            if end is Peer.end_writing:
                assert peer.rest() == b"", f"cut behind {size} bytes"
                peer.close()


def test_a_login_in_single_bytes(gate: Gate) -> None:
    with gate.connect() as peer:
        for byte in plain_login("alice", "alice-secret"):
            peer.send(bytes([byte]))
            time.sleep(0.001)
        assert peer.sasl_answer() == (COMPLETE, "")
        peer.close_session(peer.open()).ok()


@pytest.mark.smoke
def test_everything_at_once(gate: Gate) -> None:
    """Login and first request in one write, before anything is answered."""
    with gate.connect() as peer:
        peer.send(plain_login("alice", "alice-secret") + frame(call("OpenSession", open_fields())))
        assert peer.sasl_answer() == (COMPLETE, "")
        session = peer.receive_message().session
        peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("mechanism", ["GSSAPI", "DIGEST-MD5", "ANONYMOUS", "plain", "", "é\0x"])
def test_other_mechanisms_are_named(gate: Gate, mechanism: str) -> None:
    with gate.connect() as peer:
        peer.send(sasl_frame(START, mechanism.encode()))
        status, text = peer.sasl_answer()
        assert status == BAD
        assert text.startswith("Unsupported mechanism type")
        if mechanism.isalpha():
            assert text.endswith(mechanism)
        assert peer.rest() == b""


@pytest.mark.smoke
@pytest.mark.parametrize("size", [8193, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("behind_start", [False, True])
def test_a_sasl_frame_of_impossible_size(gate: Gate, size: int, behind_start: bool) -> None:
    with gate.connect() as peer:
        if behind_start:
            peer.send(sasl_frame(START, b"PLAIN"))
        peer.send(struct.pack(">BI", COMPLETE if behind_start else START, size))
        assert answered_status(peer) == ERROR


@pytest.mark.parametrize("status", [OK, BAD, ERROR, COMPLETE])
def test_a_response_without_start(gate: Gate, status: int) -> None:
    with gate.connect() as peer:
        peer.send(sasl_frame(status, b"\0alice\0alice-secret"))
        assert answered_status(peer) == ERROR


@pytest.mark.parametrize("status", [START, BAD, ERROR])
def test_a_response_under_another_status(gate: Gate, status: int) -> None:
    with gate.connect() as peer:
        peer.send(sasl_frame(START, b"PLAIN") + sasl_frame(status, b"\0alice\0alice-secret"))
        assert answered_status(peer) == ERROR


BAD_RESPONSES = {
    "empty": b"",
    "no separator": b"alice",
    "one separator": b"alice\0alice-secret",
    "no password": b"\0alice\0",
    "no name": b"\0\0alice-secret",
    "wrong password": b"\0alice\0wrong",
    "unknown user": b"\0nobody\0alice-secret",
    "another's authorization": b"bob\0alice\0alice-secret",
    "NUL in the password": b"\0alice\0alice\0secret",
    "bad UTF-8 name": b"\0\xff\xfe\0alice-secret",
    "control characters": b"\0ali\nce\0alice-secret",
    "long name": b"\0" + b"a" * 300 + b"\0alice-secret",
    "long password": b"\0alice\0" + b"p" * 8000,
}


@pytest.mark.smoke
@pytest.mark.parametrize("kind", BAD_RESPONSES)
def test_bad_credentials(gate: Gate, kind: str) -> None:
    with gate.connect() as peer:
        peer.send(sasl_frame(START, b"PLAIN") + sasl_frame(COMPLETE, BAD_RESPONSES[kind]))
        status, text = peer.sasl_answer()
        assert status == BAD
        assert text.startswith("Error validating the login")
        assert "alice-secret" not in text
        assert peer.rest() == b""


def test_no_password_is_ever_logged(gate: Gate) -> None:
    for secret in ("wrong-Kd83hs", "alice-secret"):
        try:
            gate.connect().login("alice", secret).close()
        except LoginRefused:
            pass
    gate.wait_log("login_refused")
    assert "Kd83hs" not in gate.log
    assert "alice-secret" not in gate.log


def test_nothing_reaches_the_backend_before_the_login(gate: Gate, backend: Backend) -> None:
    """A request behind a refused login isn't served."""
    gate.keep_opening(False)
    before = backend.connections_made
    with gate.connect() as peer:
        opening = frame(call("OpenSession", open_fields()))
        peer.try_send(plain_login("alice", "wrong") + opening)
        status, _ = peer.sasl_answer()
        assert status == BAD
        assert peer.rest() == b""
    assert backend.connections_made == before
    assert not backend.seen("OpenSession", "alice")
    gate.keep_opening(True)


# ---- logins that take too long ----


@pytest.fixture
def impatient(make_gate: Callable[..., Gate], make_backend: Callable[..., Backend]) -> Gate:
    """A gateway that waits 1.2 s for a login."""
    return make_gate(make_backend(), limits={"login_timeout": "1200ms"}, raw=True)


@pytest.mark.smoke
@pytest.mark.parametrize("size", [1, 5, 10, 14, 31])
def test_a_login_that_stops_is_given_up(impatient: Gate, size: int) -> None:
    with impatient.connect() as peer:
        peer.send(plain_login("alice", "alice-secret")[:size])
        data = peer.rest()
        if size >= 10:  # START was there: the client hears why
            assert data[0] == ERROR and b"too long" in data
    impatient.wait_log("login_timed_out")


def test_silent_connections_are_given_up(impatient: Gate) -> None:
    peers = [impatient.connect(listener) for listener in ("thrift", "raw") for _ in range(20)]
    for peer in peers:
        assert peer.rest() == b""
        peer.close()


def test_an_endless_login_is_given_up(impatient: Gate) -> None:
    """Bytes that keep coming don't extend the deadline."""
    with impatient.connect() as peer:
        peer.send(sasl_frame(START, b"PLAIN") + struct.pack(">BI", COMPLETE, 8000))
        deadline = time.monotonic() + 30
        while peer.try_send(b"x") and time.monotonic() < deadline:
            time.sleep(0.02)
            assert peer.socket.fileno() >= 0
        assert time.monotonic() < deadline, "the login went on for 30 s"


def test_unfinished_requests_without_sasl_are_given_up(impatient: Gate) -> None:
    """On a listener without SASL the login is an OpenSession; other calls don't extend it."""
    with impatient.connect("raw") as peer:
        peer.send(call("OpenSession", open_fields("alice", "alice-secret"))[:-3])
        peer.rest()
    with impatient.connect("raw") as peer:
        deadline = time.monotonic() + 30
        message = call("GetNothing", [])
        while peer.try_send(message) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert time.monotonic() < deadline, "a client without a login stayed for 30 s"


def test_a_login_stays_good_behind_the_deadline(impatient: Gate) -> None:
    peer, session = impatient.session()
    time.sleep(1.7)
    peer.close_session(session).ok()
    peer.close()


def test_bare_connections_leave_no_trace(gate: Gate) -> None:
    """What a balancer does to see whether the port is open."""
    log_before = gate.log
    for turn in range(1500):
        peer = gate.connect("raw" if turn % 3 == 0 else "thrift")
        peer.reset() if turn % 2 else peer.close()
    gate.settle()
    new = gate.log[len(log_before) :]
    new = [line for line in new.splitlines() if "session_" not in line]  # of the bystanders
    assert not new, new[:5]


def test_a_storm_of_connections(gate: Gate) -> None:
    """300 at once, all of which log in and use a session."""
    peers = [gate.connect() for _ in range(300)]
    for peer in peers:
        peer.send(plain_login("alice", "alice-secret") + frame(call("OpenSession", open_fields())))
    sessions = []
    for peer in peers:
        assert peer.sasl_answer()[0] == COMPLETE
        sessions.append(peer.receive_message().session)
    for peer, session in zip(peers, sessions, strict=True):
        peer.execute(session, "SELECT 1")
    for peer in peers:
        peer.close()
