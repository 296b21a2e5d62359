"""TLS on listeners and towards backends: strangers to it, handshakes that stop or break anywhere,
certificates that are no good, ends at the wrong time; and nothing of it may stay."""

from __future__ import annotations

import os
import random
import signal
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.certificates import Authority, Certificate, fingerprint

from .kit.backend import Backend, Turn
from .kit.gate import Gate, eventually, is_sanitized
from .kit.http import OPEN, HttpPeer, basic, is_refusal
from .kit.messages import (
    BigFetch,
    Reply,
    call,
    execute_fields,
    fetch_fields,
    info_fields,
    open_fields,
)
from .kit.peer import (
    COMPLETE,
    ERROR,
    START,
    LoginRefused,
    Peer,
    frame,
    plain_login,
    sasl_frame,
)
from .kit.tls import TlsSocket, client_hello, secure
from .test_large import MB, Watched

LISTENERS = ("tls", "tls-raw", "two-way")
HTTP_LISTENERS = ("tls-http", "may-http", "two-way-http")
TWO_WAY = ("two-way", "two-way-raw")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, which nobody was told of, under the same name."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Certificate:
    return authority.issue_server()


@pytest.fixture(scope="module")
def trusting(authority: Authority) -> ssl.SSLContext:
    return authority.context()


def add_tls(config: dict, server: Certificate, ca_file: Path) -> None:
    """Listeners with TLS beside the plain ones; certificates may say who comes."""
    for name in (*LISTENERS, "two-way-raw"):
        tls: dict = {"certificates": [server.pair]}
        if name in TWO_WAY:
            tls |= {"client_certificate": "required", "client_ca_file": str(ca_file)}
        config["listeners"].append(
            {
                "name": name,
                "bind": "127.0.0.1:0",
                "transport": "binary",
                "sasl": "none" if name.endswith("-raw") else "plain",
                "tls": tls,
            }
        )
    for name in HTTP_LISTENERS:
        tls = {"certificates": [server.pair]}
        if name != "tls-http":
            asked = "required" if name == "two-way-http" else "optional"
            tls |= {"client_certificate": asked, "client_ca_file": str(ca_file)}
        entry = {"name": name, "bind": "127.0.0.1:0", "transport": "http", "tls": tls}
        config["listeners"].append(entry)
    config["authentication"]["chain"] = ["certificate", "users"]


@pytest.fixture(scope="module")
def with_tls(authority: Authority, server: Certificate) -> Callable[[dict], None]:
    """What makes a gate's configuration one with TLS listeners."""
    return lambda config: add_tls(config, server, authority.ca_file)


@pytest.fixture(scope="module")
def shared(
    users_file: Path, tmp_path_factory: pytest.TempPathFactory, with_tls: Callable[[dict], None]
) -> Iterator[tuple[Gate, Backend]]:
    """For the tests of this file `gate` and `backend` are these."""
    with Backend() as backend:
        directory = tmp_path_factory.mktemp("shared-tls")
        gate = Gate(directory, users_file, [backend], change=with_tls, raw=True)
        try:
            yield gate, backend
            gate.settle_fully()
            gate.stop()
        finally:
            gate.kill()


def logged_in(
    gate: Gate, context: ssl.SSLContext, user: str = "alice", listener: str = "tls", **how
) -> Peer:
    return secure(gate.connect(listener, **how), context).login(user)


def works(peer: Peer) -> None:
    """Closes the connection once it has served a session."""
    session = peer.open()
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()
    peer.close()


# ---- no TLS where it is needed ----


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_plain_sasl_hears_that_tls_is_needed(gate: Gate, listener: str) -> None:
    for size in (1, 5, 10, len(plain_login("alice", "alice-secret"))):
        with gate.connect(listener) as peer:
            peer.send(plain_login("alice", "alice-secret")[:size])
            status, text = peer.sasl_answer()
            assert status == ERROR
            assert "needs TLS" in text and "ssl=true" in text
            assert peer.rest() == b""
    gate.wait_log("no TLS on a listener that needs it")
    assert "alice-secret" not in gate.log


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("verb", ["GET /", "POST /cliservice"])
def test_plain_http_gets_http(gate: Gate, listener: str, verb: str) -> None:
    with gate.connect(listener) as peer:
        peer.send(f"{verb} HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n".encode())
        assert peer.rest().startswith(b"HTTP/1.1 400 ")


GARBAGE = {
    "zeros": bytes(64),
    "high bytes": b"\xff" * 64,
    "text": b"hello, is this hive?\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "bare thrift": call("OpenSession", open_fields("alice", "alice-secret")),
    "framed thrift": frame(call("OpenSession", open_fields("alice", "alice-secret"))),
    "proxy protocol": b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n",
    "SSL 2 hello": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(35),
    "a TLS alert": b"\x15\x03\x01\x00\x02\x01\x00",
    "handshake of nothing": b"\x16\x03\x01\x00\x00" * 40,
    "handshake, then zeros": b"\x16" + bytes(600),
    "handshake, then ones": b"\x16" + b"\xff" * 600,
    "a record too long": b"\x16\x03\x01\xff\xff" + bytes(70_000),
    "a hello that claims megabytes": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16_380),
}


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_ends(gate: Gate, backend: Backend, kind: str, listener: str) -> None:
    with gate.connect(listener) as peer:
        peer.try_send(GARBAGE[kind])
        peer.rest()
        eventually(lambda: "no TLS" in gate.log or "tls_failed" in gate.log, "a line in the log")
    assert not backend.seen("OpenSession", "alice")
    assert "alice-secret" not in gate.log


@pytest.mark.smoke
@pytest.mark.parametrize("listener", ["thrift", "raw"])
def test_tls_on_a_plain_listener(
    gate: Gate, authority: Authority, trusting: ssl.SSLContext, listener: str
) -> None:
    """The client gets the answer as an error of its own."""
    with gate.connect(listener) as peer:
        with pytest.raises(ssl.SSLError):
            secure(peer, trusting)
    gate.wait_log("a TLS handshake on a plain listener")


# ---- handshakes ----


@pytest.mark.smoke
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("listener", ["tls", "tls-raw"])
def test_versions_that_are_spoken(
    gate: Gate, authority: Authority, version: ssl.TLSVersion, listener: str
) -> None:
    context = authority.context()
    context.minimum_version = context.maximum_version = version
    peer = secure(gate.connect(listener), context)
    if listener == "tls":
        works(peer.login())
    else:
        peer.close_session(peer.open("alice", "alice-secret")).ok()
        peer.close()


def old_context(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.smoke
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_versions_that_are_refused(gate: Gate, version: ssl.TLSVersion) -> None:
    with gate.connect("tls") as peer:
        with pytest.raises(ssl.SSLError, match="(?i)alert protocol version"):
            secure(peer, old_context(version))
    gate.wait_log("tls_failed")
    assert "unsupported protocol" in gate.log


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(gate: Gate, authority: Authority, version: ssl.TLSVersion) -> None:
    """By a ticket, again and again; who the client is comes with it."""
    context = authority.context(authority.issue("alice"))
    context.minimum_version = context.maximum_version = version
    for listener in ("tls", "two-way"):
        session = None
        for turn in range(3):
            peer = secure(gate.connect(listener), context, session=session)
            assert peer.socket.tls.session_reused == (turn > 0)
            works(peer.login("alice", "not-a-password" if listener == "two-way" else None))
            session = peer.socket.tls.session
            assert session.has_ticket


def test_a_listener_for_tls_1_3_only(
    make_gate: Callable, make_backend: Callable, with_tls: Callable, authority: Authority
) -> None:
    def change(config: dict) -> None:
        with_tls(config)
        for listener in config["listeners"]:
            if "tls" in listener:
                listener["tls"]["min_version"] = "1.3"

    gate = make_gate(make_backend(), change=change)
    works(logged_in(gate, authority.context()))
    context = authority.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with gate.connect("tls") as peer:
        with pytest.raises(ssl.SSLError, match="(?i)alert protocol version"):
            secure(peer, context)


def test_ciphers_can_be_chosen(
    make_gate: Callable, make_backend: Callable, with_tls: Callable, authority: Authority
) -> None:
    def change(config: dict) -> None:
        with_tls(config)
        for listener in config["listeners"]:
            if "tls" in listener:
                listener["tls"]["ciphers"] = "ECDHE+CHACHA20"
                listener["tls"]["ciphersuites"] = "TLS_CHACHA20_POLY1305_SHA256"

    gate = make_gate(make_backend(), change=change)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.context()
        context.maximum_version = version
        peer = logged_in(gate, context)
        assert "CHACHA20" in peer.socket.tls.cipher()[0]
        works(peer)
    context = authority.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM")
    with gate.connect("tls") as peer:
        with pytest.raises(ssl.SSLError, match="(?i)handshake failure"):
            secure(peer, context)


def test_the_certificate_that_fits_the_name(
    make_gate: Callable, make_backend: Callable, authority: Authority, server: Certificate
) -> None:
    """SNI: a name that no certificate has, or none, gets the first one."""
    east = authority.issue("east", "east", ["DNS:east.example.org"])
    west = authority.issue("west", "west", ["DNS:*.west.example.org"])

    def change(config: dict) -> None:
        add_tls(config, server, authority.ca_file)
        for listener in config["listeners"]:
            if "tls" in listener:
                listener["tls"]["certificates"] = [server.pair, east.pair, west.pair]

    gate = make_gate(make_backend(), change=change)
    names = {
        "east.example.org": east,
        "EAST.example.org": east,
        "a.west.example.org": west,
        "localhost": server,
        "elsewhere.example.org": server,
        None: server,
    }
    context = authority.context()
    context.check_hostname = False
    for listener in ("tls", "tls-raw"):
        for name, wanted in names.items():
            with socket.create_connection(gate.address(listener)) as raw:
                with context.wrap_socket(raw, server_hostname=name) as secured:
                    shown = secured.getpeercert(True)
            assert shown and fingerprint(shown) == wanted.fingerprint, (listener, name)
    # two-way TLS is the same under every name
    with gate.connect("two-way") as peer:
        with pytest.raises(ssl.SSLError, match="(?i)certificate required"):
            secure(peer, context, "east.example.org").receive(1)


ENDS = {"close": Peer.close, "reset": Peer.reset, "end of writing": Peer.end_writing}


@pytest.mark.smoke
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_hello_cut_anywhere(gate: Gate, trusting: ssl.SSLContext, end: Callable) -> None:
    hello = client_hello(trusting)
    sizes = [*range(1, 60), *range(60, len(hello), 13), len(hello)]
    for size in sizes:
        peer = gate.connect(LISTENERS[size % 3])
        peer.send(hello[:size])
        end(peer)
        if end is Peer.end_writing:
            peer.rest()
            peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_the_second_half_of_a_handshake_cut_anywhere(
    gate: Gate, authority: Authority, end: Callable
) -> None:
    """Also where a certificate of the client is in it."""
    context = authority.context(authority.issue("cut", "alice"))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = version
        size, whole = 0, 1
        while size < whole:
            peer = gate.connect("two-way")
            tls = TlsSocket(peer.socket, context)
            second = b""
            while not second and not tls.step():
                peer.send(tls.take())
                tls.feed()
                tls.step()
                second = tls.take()
            whole = len(second)
            peer.send(second[:size])
            end(peer)
            if end is Peer.end_writing:
                peer.rest()
                peer.close()
            size += 1 if size < 12 else 61


def test_a_handshake_in_single_bytes(gate: Gate, trusting: ssl.SSLContext) -> None:
    peer = gate.connect("tls")
    tls = TlsSocket(peer.socket, trusting)
    while not tls.step():
        for byte in tls.take():
            peer.send(bytes([byte]))
        tls.feed()
    data = tls.take() + tls.encrypt(plain_login("alice", "alice-secret"))
    for byte in data:
        peer.send(bytes([byte]))
    peer.socket = tls
    assert peer.sasl_answer() == (COMPLETE, "")
    works(peer)


@pytest.mark.smoke
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_everything_at_once(gate: Gate, authority: Authority, version: ssl.TLSVersion) -> None:
    """The end of the handshake, the login and the first request in one write. With TLS 1.2 the
    client speaks last but one, so there it is two writes."""
    context = authority.context()
    context.maximum_version = version
    peer = gate.connect("tls")
    tls = TlsSocket(peer.socket, context)
    while not tls.step():
        peer.send(tls.take())
        tls.feed()
    said = plain_login("alice", "alice-secret") + frame(call("OpenSession", open_fields()))
    peer.send(tls.take() + tls.encrypt(said))
    peer.socket = tls
    assert peer.sasl_answer() == (COMPLETE, "")
    peer.close_session(peer.receive_message().session).ok()
    peer.close()


def test_hellos_with_changed_bytes(gate: Gate, trusting: ssl.SSLContext) -> None:
    chance = random.Random(20240817)
    hello = client_hello(trusting)
    for turn in range(300):
        changed = bytearray(hello)
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(1, len(changed))] = chance.randrange(256)
        with gate.connect(LISTENERS[turn % 3]) as peer:
            peer.try_send(bytes(changed))
            peer.end_writing()
            peer.rest()


def test_a_changed_record_ends_the_connection(
    gate: Gate, backend: Backend, trusting: ssl.SSLContext
) -> None:
    """Wherever it was changed: nothing of it is done, and the session is closed in good order."""
    for position in (0, 1, 2, 4, 5, 20, -1):
        peer = logged_in(gate, trusting)
        session = peer.open()
        backend.forget()
        message = call("ExecuteStatement", execute_fields(session, "SELECT 1"), 7)
        record = bytearray(peer.socket.encrypt(frame(message)))
        record[position] ^= 0x55
        peer.socket.raw.sendall(record)
        peer.socket.raw.shutdown(socket.SHUT_WR)
        try:
            peer.rest()
        except ssl.SSLError:
            pass  # it was told: an alert
        peer.close()
        backend.wait_call("CloseSession", "alice")
        assert not backend.seen("ExecuteStatement", "alice")


# ---- clients that stop ----


@pytest.fixture
def impatient(make_gate: Callable, make_backend: Callable, with_tls: Callable) -> Gate:
    """A gateway that waits 1.2 s for a login."""
    return make_gate(make_backend(), limits={"login_timeout": "1200ms"}, change=with_tls, raw=True)


@pytest.mark.smoke
def test_a_handshake_that_stalls_is_given_up(impatient: Gate, trusting: ssl.SSLContext) -> None:
    hello = client_hello(trusting)
    peers = []
    for listener in LISTENERS:
        for size in (0, 1, 3, 5, 11, 100, len(hello) - 1, len(hello)):
            peer = impatient.connect(listener)
            peer.send(hello[:size])
            peers.append(peer)
        peers.append(secure(impatient.connect("tls"), trusting))  # done, and then no login
    begin = time.monotonic()
    for peer in peers:
        peer.rest()
        peer.close()
    assert 0.5 < time.monotonic() - begin < 6.0
    impatient.wait_log("login_timed_out")


def test_an_endless_handshake_is_given_up(impatient: Gate, trusting: ssl.SSLContext) -> None:
    """Bytes that keep coming, one by one, don't extend the deadline."""
    hello = client_hello(trusting)
    begin = time.monotonic()
    with impatient.connect("tls") as peer:
        for byte in hello:
            if not peer.try_send(bytes([byte])):
                break
            time.sleep(0.02)
        else:
            raise AssertionError("a hello of more than 10 s was taken")
    assert time.monotonic() - begin < 6.0


def test_a_login_behind_a_slow_handshake_is_good(impatient: Gate, trusting: ssl.SSLContext) -> None:
    peer = impatient.connect("tls")
    time.sleep(0.6)
    peer = secure(peer, trusting).login()
    session = peer.open()
    time.sleep(1.5)
    peer.close_session(session).ok()
    peer.close()


@pytest.mark.smoke
def test_bare_connections_leave_no_trace(gate: Gate) -> None:
    """What a balancer does to see whether the port is open."""
    for turn in range(300 if is_sanitized() else 1500):
        peer = gate.connect(LISTENERS[turn % 3])
        peer.reset() if turn % 2 else peer.close()
    gate.settle()
    lines = [line for line in gate.log.splitlines() if "session_" not in line]  # of bystanders
    assert not lines, lines[:5]


def test_a_handshake_and_no_more_leaves_no_trace(gate: Gate, trusting: ssl.SSLContext) -> None:
    """What a balancer does that looks whether TLS is there."""
    for turn in range(40):
        peer = secure(gate.connect("tls"), trusting)
        if turn % 2:
            peer.socket.say_goodbye()
        peer.close()
    gate.settle()
    lines = [line for line in gate.log.splitlines() if "session_" not in line]
    assert not lines, lines[:5]


# ---- client certificates ----


@pytest.mark.smoke
@pytest.mark.parametrize("user", ["alice", "anonymous"])
def test_a_certificate_is_a_login(
    gate: Gate, backend: Backend, authority: Authority, user: str
) -> None:
    context = authority.context(authority.issue("client", "alice"))
    peer = secure(gate.connect("two-way"), context).login(user, "whatever")
    session = peer.open()
    assert backend.session("alice").user == "alice"
    peer.close_session(session).ok()
    peer.close()


@pytest.mark.smoke
def test_another_name_needs_its_password(gate: Gate, backend: Backend, authority: Authority) -> None:
    context = authority.context(authority.issue("client-2", "alice"))
    peer = secure(gate.connect("two-way"), context).login("carol")
    session = peer.open()
    assert backend.live_sessions("carol")
    peer.close_session(session).ok()
    peer.close()
    for user in ("carol", "bob", "Alice", "nobody"):
        with pytest.raises(LoginRefused):
            secure(gate.connect("two-way"), context).login(user, "whatever")


def test_a_certificate_counts_nowhere_else(gate: Gate, authority: Authority) -> None:
    """A listener that didn't ask for it doesn't know it."""
    context = authority.context(authority.issue("client-3", "alice"))
    for user in ("alice", "anonymous"):
        with pytest.raises(LoginRefused):
            secure(gate.connect("tls"), context).login(user, "whatever")


def http_over(gate: Gate, context: ssl.SSLContext, listener: str) -> HttpPeer:
    peer = HttpPeer(gate.address(listener))
    gate.adopt(peer)
    secure(peer, context)
    return peer


@pytest.mark.smoke
def test_a_certificate_is_a_login_over_http(
    gate: Gate, backend: Backend, authority: Authority
) -> None:
    """With its own name, with nobody's, and without any credentials; not against other ones."""
    peer = http_over(gate, authority.context(authority.issue("client-4", "alice")), "two-way-http")
    for authorization in (None, basic("alice", "whatever"), basic("anonymous", "anonymous")):
        peer.authorization = authorization
        session = peer.open()
        assert backend.session("alice").user == "alice"
        peer.close_session(session).ok()
    for authorization in (basic("carol", "whatever"), basic("nobody", "x"), "Bearer abc", "Basic "):
        peer.authorization = authorization
        is_refusal(peer.post(OPEN), 401)
    peer.authorization = basic("carol")
    session = peer.open()
    assert backend.session("carol").user == "carol"
    peer.close_session(session).ok()
    peer.close()


@pytest.mark.smoke
def test_a_certificate_is_a_login_without_sasl(
    gate: Gate, backend: Backend, authority: Authority
) -> None:
    context = authority.context(authority.issue("client-6", "alice"))

    def answer(user: str | None, password: str | None) -> tuple[Peer, Reply]:
        peer = secure(gate.connect("two-way-raw"), context)
        return peer, peer.call("OpenSession", open_fields(user, password))

    for user, password in (
        (None, None),
        ("alice", None),
        ("alice", "x"),
        ("anonymous", "x"),
        ("", ""),
    ):
        peer, opened = answer(user, password)
        assert backend.session("alice").user == "alice"
        peer.close_session(opened.ok().session).ok()
        peer.close()
    for user, password in (("carol", None), ("carol", ""), ("carol", "x"), ("nobody", "")):
        peer, refused = answer(user, password)
        assert "Error validating the login" in refused.error
        peer.close()


@pytest.mark.smoke
def test_no_certificate_is_no_login_over_http(gate: Gate, authority: Authority) -> None:
    """Where it isn't asked for, and where none came."""
    alices = authority.context(authority.issue("client-5", "alice"))
    for context, listener in ((alices, "tls-http"), (authority.context(), "may-http")):
        peer = http_over(gate, context, listener)
        peer.authorization = None
        assert "header" in is_refusal(peer.post(OPEN), 401)
        peer.authorization = basic("alice")
        peer.close_session(peer.open()).ok()
        peer.close()


BAD_CERTIFICATES = {
    "none": ("certificate required", "did not return a certificate"),
    "expired": ("certificate expired", "certificate has expired"),
    "of another authority": ("unknown ca", "certificate"),
}


@pytest.mark.smoke
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", BAD_CERTIFICATES)
def test_a_bad_certificate_is_refused(
    gate: Gate,
    backend: Backend,
    authority: Authority,
    stranger: Authority,
    kind: str,
    version: ssl.TLSVersion,
) -> None:
    """The client hears why (in TLS 1.3 with its first read), and the log says it."""
    alert, why = BAD_CERTIFICATES[kind]
    shown = None
    if kind == "expired":
        shown = authority.issue("expired", "alice", days=-1)
    elif kind != "none":
        shown = stranger.issue("alien", "alice")
    context = authority.context()
    context.maximum_version = version
    if shown:
        context.load_cert_chain(shown.certificate, shown.key)
    if kind == "none" and version == ssl.TLSVersion.TLSv1_2:
        alert = "handshake failure"  # it has no word for it
    with gate.connect("two-way") as peer:
        with pytest.raises(ssl.SSLError, match=f"(?i)alert {alert}|{alert}"):
            secure(peer, context).receive(1)
    gate.wait_log("tls_failed")
    line = next(line for line in gate.log.splitlines() if "tls_failed" in line)
    assert why in line, line
    assert not backend.seen("OpenSession", "alice")


def test_fields_and_patterns(
    make_gate: Callable, make_backend: Callable, with_tls: Callable, authority: Authority
) -> None:
    """Who a certificate is can stand in any of its names."""

    def change(config: dict) -> None:
        with_tls(config)
        config["authentication"]["certificate"] = {
            "field": "email",
            "pattern": r"(.*)@example\.org",
        }

    backend = make_backend()
    gate = make_gate(backend, change=change)
    names = {
        "mail": (["email:alice@example.org"], True),
        "other-domain": (["email:alice@example.net"], False),
        "longer-domain": (["email:alice@example.org.example.net"], False),
        "two-names": (["email:alice@example.org", "email:carol@example.org"], False),
        "twice": (["email:alice@example.org", "email:alice@example.org"], True),
        "two-domains": (["email:x@example.net", "email:alice@example.org"], True),
        "cn-only": (["DNS:example.org"], False),
    }
    for file_name, (alternatives, good) in names.items():
        context = authority.context(authority.issue(file_name, "alice", alternatives))
        peer = secure(gate.connect("two-way"), context)
        if good:
            works(peer.login("anonymous", "anonymous"))
            assert backend.session("alice")
        else:
            with pytest.raises(LoginRefused):
                peer.login("anonymous", "anonymous")
            peer.close()


# ---- ends ----


def end_of_tls(peer: Peer) -> None:
    peer.socket.say_goodbye()


def end_of_tcp(peer: Peer) -> None:
    peer.socket.raw.shutdown(socket.SHUT_WR)


def end_of_both(peer: Peer) -> None:
    end_of_tls(peer)
    end_of_tcp(peer)


half_closes = pytest.mark.parametrize("end", [end_of_tls, end_of_tcp, end_of_both])


@pytest.mark.smoke
@half_closes
def test_a_client_that_only_stops_sending_gets_its_answer(
    gate: Gate, backend: Backend, trusting: ssl.SSLContext, end: Callable[[Peer], None]
) -> None:
    peer = logged_in(gate, trusting)
    session = peer.open()

    def later(turn: Turn) -> None:
        time.sleep(0.3)
        turn.answer()

    backend.on("GetInfo", later, user="alice")
    seqid = peer.ask("GetInfo", info_fields(session))
    end(peer)
    assert peer.receive_message().ok().seqid == seqid
    assert peer.rest() == b""
    assert peer.socket.goodbye, "hivegate ended without close_notify"
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends")


@pytest.mark.smoke
@half_closes
def test_goodbye_in_the_middle_of_a_reply(
    gate: Gate, backend: Backend, trusting: ssl.SSLContext, end: Callable[[Peer], None]
) -> None:
    """It still takes what comes: all of it."""
    peer = logged_in(gate, trusting, receive_buffer=65536)
    session = peer.open()
    operation = peer.execute(session, f"BYTES {5 * MB}")
    seqid = peer.ask("FetchResults", fetch_fields(operation))
    time.sleep(0.2)
    end(peer)
    assert peer.read_big(BigFetch(seqid, 5 * MB)) == 1
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends")
    assert backend.session("alice").ended_by == "CloseSession"


@pytest.mark.smoke
@pytest.mark.parametrize("end", ["close", "reset"])
def test_leaving_in_the_middle_of_a_reply(
    gate: Gate, backend: Backend, trusting: ssl.SSLContext, end: str
) -> None:
    peer = logged_in(gate, trusting, receive_buffer=65536)
    session = peer.open()
    operation = peer.execute(session, f"BYTES {50 * MB}")
    peer.ask("FetchResults", fetch_fields(operation))
    peer.receive(100_000)
    getattr(peer, end)()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends")


# ---- large and small ----


@pytest.mark.smoke
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_100_megabytes(gate: Gate, authority: Authority, version: ssl.TLSVersion) -> None:
    context = authority.context()
    context.maximum_version = version
    peer = logged_in(gate, context)
    session = peer.open()
    operation = peer.execute(session, f"BYTES {100 * MB}")
    with Watched(gate):
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        assert peer.read_big(BigFetch(seqid, 100 * MB)) == 1
    works_on(peer, session)


def works_on(peer: Peer, session) -> None:
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()
    peer.close()


@pytest.mark.smoke
def test_a_slow_reader(gate: Gate, trusting: ssl.SSLContext) -> None:
    peer = logged_in(gate, trusting, receive_buffer=65536)
    session = peer.open()
    operation = peer.execute(session, f"BYTES {30 * MB}")
    with Watched(gate):
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        gate.check_bystanders(5)
        time.sleep(0.5)
        gate.check_bystanders(5)
        peer.read_big(BigFetch(seqid, 30 * MB), pace=0.0005, piece=50_000)
    works_on(peer, session)


@pytest.mark.smoke
def test_pipelined_calls(gate: Gate, trusting: ssl.SSLContext) -> None:
    """Many in one record, one in many records, and large answers between small ones."""
    peer = logged_in(gate, trusting)
    session = peer.open()
    operation = peer.execute(session, f"BYTES {3 * MB}")
    small = [call("GetInfo", info_fields(session), 1000 + n) for n in range(200)]
    peer.send(b"".join(map(frame, small)))
    for number in range(200):
        assert peer.receive_message().ok().seqid == 1000 + number
    for byte in frame(small[0]):
        peer.send(bytes([byte]))
    assert peer.receive_message().ok().seqid == 1000
    peer.send(
        b"".join(
            frame(call("FetchResults", fetch_fields(operation), n)) + frame(small[n])
            for n in range(5)
        )
    )
    for number in range(5):
        assert peer.read_big(BigFetch(number, 3 * MB)) == 1
        assert peer.receive_message().ok().seqid == 1000 + number
    works_on(peer, session)


def test_a_request_of_20_megabytes(gate: Gate, backend: Backend, trusting: ssl.SSLContext) -> None:
    peer = logged_in(gate, trusting)
    session = peer.open()
    statement = "SELECT '" + "x" * (20 * MB) + "'"
    operation = peer.execute(session, statement)
    assert backend.seen("ExecuteStatement", "alice")[-1].statement == statement
    peer.close_operation(operation).ok()
    works_on(peer, session)


def test_thousands_of_handshakes_leak_nothing(
    gate: Gate, authority: Authority, trusting: ssl.SSLContext, stranger: Authority
) -> None:
    """Good ones, broken ones, with and without a certificate, a session on some."""
    client = authority.context(authority.issue("often", "alice"))
    alien = authority.context(stranger.issue("often", "alice"))
    hello = client_hello(trusting)

    def one(turn: int) -> None:
        kind = turn % 6
        peer = gate.connect("two-way" if kind in (2, 3) else "tls")
        if kind == 0:
            peer.send(hello[: 1 + turn % len(hello)])
        elif kind == 1:
            peer.send(hello)
        elif kind == 2:
            secure(peer, client)
        elif kind == 3:
            with pytest.raises(ssl.SSLError):
                secure(peer, alien).receive(1)
        elif kind == 4:
            secure(peer, trusting)
        else:
            secure(peer, trusting).login()
            if turn % 30 == 29:
                peer.close_session(peer.open()).ok()
        peer.reset() if turn % 4 == 0 else peer.close()
        gate.close_peers()

    for turn in range(600):
        one(turn)
    gate.settle()
    before = gate.rss_mb()
    rounds = 900 if is_sanitized() else 4200
    for turn in range(rounds):
        one(turn)
    gate.settle()  # descriptors
    room = 30 if is_sanitized() else 3
    assert gate.rss_mb() < before + room, f"{before:.1f} -> {gate.rss_mb():.1f} MB"


def test_idle_connections_are_small(
    make_gate: Callable, make_backend: Callable, with_tls: Callable, trusting: ssl.SSLContext
) -> None:
    """What an idle TLS connection without a session costs."""
    gate = make_gate(make_backend(), change=with_tls)
    for _ in range(50):
        logged_in(gate, trusting)
    before = gate.rss_mb()
    count = 500
    for _ in range(count):
        logged_in(gate, trusting)
    each = (gate.rss_mb() - before) * 1024 / count
    assert each < (400 if is_sanitized() else 30), f"{each:.1f} KB each"


# ---- reading the files again ----


def shown_by(gate: Gate, context: ssl.SSLContext, listener: str = "tls") -> str:
    with socket.create_connection(gate.address(listener)) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as secured:
            return fingerprint(secured.getpeercert(True) or b"")


@pytest.mark.smoke
def test_files_of_no_use_leave_the_old_ones(
    make_gate: Callable, make_backend: Callable, authority: Authority, trusting: ssl.SSLContext
) -> None:
    """A key without its certificate, half a file, none, nonsense: each is told, none counts."""
    used = authority.issue_server("used")
    old = (used.certificate.read_bytes(), used.key.read_bytes())
    old_fingerprint = used.fingerprint
    gate = make_gate(make_backend(), change=lambda config: add_tls(config, used, authority.ca_file))
    peer = logged_in(gate, trusting)
    session = peer.open()
    for turn, of_no_use in enumerate(
        (
            lambda new: (new[0], old[1]),
            lambda new: (old[0], new[1]),
            lambda new: (new[0][: len(new[0]) // 2], new[1]),
            lambda new: (new[0], new[1][:40]),
            lambda new: (b"", new[1]),
            lambda _: (b"nonsense\n", b"nonsense\n"),
            lambda new: (None, new[1]),
            lambda new: (new[0], None),
        )
    ):
        # one of its own for each turn: listeners are gone through one by one, and the last of them
        # may read a key of this turn and a certificate of the next
        other = authority.issue_server(f"other{turn}")
        new = (other.certificate.read_bytes(), other.key.read_bytes())
        gate.forget_log()
        for path, data in zip((used.certificate, used.key), of_no_use(new), strict=True):
            path.unlink(missing_ok=True)
            if data is not None:
                path.write_bytes(data)
        os.kill(gate.pid, signal.SIGHUP)
        gate.wait_log("certificates_not_reloaded")
        line = next(li for li in gate.log.splitlines() if "certificates_not_reloaded" in li)
        assert "error" in line.lower() and str(used.certificate.with_suffix("")) in line, line
        for listener in ("tls", "tls-raw"):
            assert shown_by(gate, trusting, listener) == old_fingerprint
    renewed = authority.issue_server("renewed")
    new = (renewed.certificate.read_bytes(), renewed.key.read_bytes())
    used.certificate.write_bytes(new[0])
    used.key.write_bytes(new[1])
    os.kill(gate.pid, signal.SIGHUP)
    gate.wait_log("certificates_reloaded")
    eventually(lambda: shown_by(gate, trusting) == renewed.fingerprint, "the new certificate")
    works_on(peer, session)


def test_a_new_authority_for_clients(
    make_gate: Callable,
    make_backend: Callable,
    authority: Authority,
    stranger: Authority,
    server: Certificate,
    tmp_path: Path,
) -> None:
    """From SIGHUP on it decides who comes in; who is in stays."""
    ca_file = tmp_path / "clients.pem"
    ca_file.write_bytes(authority.ca_file.read_bytes())
    gate = make_gate(make_backend(), change=lambda config: add_tls(config, server, ca_file))
    ours = authority.context(authority.issue("ours", "alice"))
    theirs = authority.context(stranger.issue("theirs", "alice"))
    peer = logged_in(gate, ours, listener="two-way")
    session = peer.open()
    with pytest.raises(ssl.SSLError):
        secure(gate.connect("two-way"), theirs).receive(1)
    ca_file.write_bytes(stranger.ca_file.read_bytes())
    os.kill(gate.pid, signal.SIGHUP)
    gate.wait_log("certificates_reloaded")
    works(logged_in(gate, theirs, listener="two-way"))
    with pytest.raises(ssl.SSLError):
        secure(gate.connect("two-way"), ours).receive(1)
    works_on(peer, session)


@pytest.mark.smoke
def test_an_expiring_certificate_is_told(
    make_gate: Callable, make_backend: Callable, authority: Authority
) -> None:
    for days, event in ((3, "certificate_expires"), (-1, "certificate_expired")):
        short = authority.issue_server(f"short{days}", days=days)
        gate = make_gate(
            make_backend(),
            change=lambda config, short=short: add_tls(config, short, authority.ca_file),
        )
        gate.wait_log(event)


# ---- towards backends ----


def backend_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def refusal(gate: Gate, user: str) -> str:
    """What a client hears whose session can't be opened."""
    peer = gate.peer(user)
    reply = peer.call("OpenSession", open_fields())
    peer.close()
    return reply.error


@pytest.mark.smoke
def test_a_backend_with_tls(
    make_gate: Callable, make_backend: Callable, authority: Authority, server: Certificate
) -> None:
    """Sessions, large replies in bounded memory, large requests, a cancelled statement."""
    backend = make_backend(tls=backend_context(server))
    gate = make_gate(backend, pool={"tls": {"verify": "full", "ca_file": str(authority.ca_file)}})
    peer, session = gate.session()
    operation = peer.execute(session, f"BYTES {60 * MB}")
    with Watched(gate):
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        assert peer.read_big(BigFetch(seqid, 60 * MB)) == 1
    peer.execute(session, "SELECT '" + "x" * (5 * MB) + "'")
    peer.execute(session, "RUN forever", run_async=True)
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends")
    assert backend.session("alice").ended_by == "CloseSession"


@pytest.mark.smoke
def test_a_backend_that_asks_for_a_certificate(
    make_gate: Callable, make_backend: Callable, authority: Authority, server: Certificate
) -> None:
    """hivegate shows its own; without one no session is opened."""
    context = backend_context(server)
    context.load_verify_locations(authority.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue("own", "hivegate")
    backend = make_backend(tls=context)
    tls = {"verify": "full", "ca_file": str(authority.ca_file)}
    works(make_gate(backend, pool={"tls": tls | own.pair}).peer())
    backend.forget()
    gate = make_gate(backend, pool={"tls": tls}, bystanders=0)
    text = refusal(gate, "alice")
    # the backend says why and closes at once; its reset may overtake what it said
    assert backend.address in text, text
    assert "certificate required" in text or "reset" in text, text
    assert not backend.seen("OpenSession", "alice")


def hung_handshake(turn: Turn) -> None:
    turn.silence()


def half_handshake(turn: Turn) -> None:
    turn.connection.socket.recv(4096)
    turn.raw(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
    turn.silence()


def closed_handshake(turn: Turn) -> None:
    turn.connection.socket.recv(4096)
    turn.close()


def reset_handshake(turn: Turn) -> None:
    turn.reset()


def plain_answer(turn: Turn) -> None:
    turn.raw(sasl_frame(ERROR, b"Invalid status 22"))
    turn.silence()


def alert(turn: Turn) -> None:
    turn.connection.socket.recv(4096)
    turn.raw(b"\x15\x03\x03\x00\x02\x02\x28")
    turn.close()


BROKEN = {
    hung_handshake: "didn't answer the login",
    half_handshake: "didn't answer the login",
    closed_handshake: "closed the connection",
    reset_handshake: "Connection reset by peer",
    plain_answer: "doesn't speak TLS",
    alert: "TLS: sslv3 alert handshake failure",
}


@pytest.mark.smoke
@pytest.mark.parametrize("fault, why", BROKEN.items(), ids=[f.__name__ for f in BROKEN])
def test_a_handshake_that_fails_at_a_backend(
    make_gate: Callable,
    make_backend: Callable,
    authority: Authority,
    server: Certificate,
    fault: Callable,
    why: str,
) -> None:
    """The next endpoint takes the session; with no other the client hears why."""
    backends = [make_backend(tls=backend_context(server)) for _ in range(2)]
    pool = {
        "tls": {"verify": "full", "ca_file": str(authority.ca_file)},
        "connect_timeout": "1s",
        "login_timeout": "1s",
    }
    gate = make_gate(*backends, pool=pool, bystanders=0)
    for user, broken in zip(("alice", "carol"), backends, strict=True):
        broken.on("connect", fault, times=None)
        works(gate.peer(user))
        broken.clear()
    for broken in backends:
        broken.on("connect", fault, times=None)
    text = refusal(gate, "bob")  # for the others a connection may be kept
    assert all(broken.address in text for broken in backends), text
    assert why in text, text
    for broken in backends:
        broken.clear()
        broken.drop_all()


@pytest.mark.smoke
def test_a_backend_that_hangs_up_with_goodbye(
    make_gate: Callable, make_backend: Callable, authority: Authority, server: Certificate
) -> None:
    """close_notify in place of a reply, and in the middle of one."""
    backend = make_backend(tls=backend_context(server))
    gate = make_gate(backend, pool={"tls": {"verify": "full", "ca_file": str(authority.ca_file)}})

    def goodbye(turn: Turn, said: bytes = b"") -> None:
        if said:
            turn.raw(said)
        try:
            turn.connection.socket.settimeout(0.1)
            turn.connection.socket.unwrap()
        except (OSError, ssl.SSLError):
            pass
        turn.close()

    for part in (0, 3, 4, 30):
        peer, session = gate.session()

        def fault(turn: Turn, part: int = part) -> None:
            goodbye(turn, frame(turn.normal())[:part])

        backend.on("GetInfo", fault, user="alice")
        reply = peer.call("GetInfo", info_fields(session))
        assert "127.0.0.1" in reply.error, reply.error
        peer.close()


def test_strangers_inside_tls(gate: Gate, trusting: ssl.SSLContext) -> None:
    """Behind the handshake a listener answers as a plain one does."""
    for listener in ("tls", "tls-raw"):
        peer = secure(gate.connect(listener), trusting)
        peer.send(b"GET / HTTP/1.1\r\n\r\n")
        assert peer.rest().startswith(b"HTTP/1.1 400 ")
        peer.close()
    peer = secure(gate.connect("tls"), trusting)
    peer.send(call("OpenSession", open_fields("alice", "alice-secret")))
    status, text = peer.sasl_answer()
    assert status == ERROR and "auth=noSasl" in text
    assert peer.rest() == b""
    peer = secure(gate.connect("tls-raw"), trusting)
    peer.send(plain_login("alice", "alice-secret"))
    status, text = peer.sasl_answer()
    assert status == ERROR and "auth=noSasl" in text
    peer = secure(gate.connect("tls"), trusting)
    peer.send(sasl_frame(START, b"GSSAPI"))
    assert peer.sasl_answer()[1].startswith("Unsupported mechanism type")


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["none", "expired"])
def test_the_reason_reaches_a_client_that_goes_on_sending(
    gate: Gate, authority: Authority, kind: str
) -> None:
    """With TLS 1.3 a client's handshake is over before its certificate is looked at: drivers send
    their login in two writes and only then read."""
    context = authority.context()
    if kind == "expired":
        shown = authority.issue("expired-2", "alice", days=-1)
        context.load_cert_chain(shown.certificate, shown.key)
    with gate.connect("two-way") as peer:
        secure(peer, context)
        time.sleep(0.05)
        for part in (sasl_frame(START, b"PLAIN"), sasl_frame(COMPLETE, b"\0alice\0x")):
            peer.send(part)
            time.sleep(0.05)
        with pytest.raises(ssl.SSLError, match="(?i)certificate (required|expired)"):
            peer.receive(1)
