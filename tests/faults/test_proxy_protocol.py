"""PROXY headers in front of connections: from the balancers they must come, from anybody else they
are no login; nobody but a balancer can claim to be another."""

from __future__ import annotations

import re
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.certificates import Authority, Certificate

from .kit import proxy_protocol as proxy
from .kit.backend import Backend
from .kit.gate import Gate, eventually, is_sanitized
from .kit.http import HttpPeer
from .kit.messages import call, info_fields, open_fields
from .kit.peer import COMPLETE, ERROR, LoginRefused, Peer, frame, plain_login
from .kit.tls import client_hello, secure

BALANCER = "127.0.0.2"  # anybody else, such as 127.0.0.1, is none
CLIENT = "203.0.113.7"
CLIENT_6 = "2001:db8::7"
LISTENERS = ("sasl", "raw", "http", "tls", "tls-http")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Certificate:
    return authority.issue_server()


@pytest.fixture(scope="module")
def trusting(authority: Authority) -> ssl.SSLContext:
    return authority.context()


def add_listeners(config: dict, server: Certificate, socket: Path) -> None:
    """Beside the plain one; all are behind the same balancers."""
    for name in LISTENERS:
        entry: dict = {
            "name": name,
            "bind": "127.0.0.1:0",
            "proxy_protocol": {"from": ["192.0.2.0/24", f"{BALANCER}/32", "::1"]},
        }
        if name.endswith("http"):
            entry["transport"] = "http"
        else:
            entry["sasl"] = "none" if name == "raw" else "plain"
        if name.startswith("tls"):
            entry["tls"] = {"certificates": [server.pair]}
        config["listeners"].append(entry)
    config["listeners"].append(
        {
            "name": "unix",
            "bind": f"unix:{socket}",
            "sasl": "plain",
            "proxy_protocol": {"from": ["unix"]},
        }
    )


@pytest.fixture(scope="module")
def behind(server: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict], None]:
    """What makes a gate's configuration one behind balancers."""
    folder = tmp_path_factory.mktemp("unix")
    made: list[int] = []

    def change(config: dict) -> None:
        made.append(0)
        add_listeners(config, server, folder / f"{len(made)}.sock")

    return change


@pytest.fixture(scope="module")
def shared(
    users_file: Path, tmp_path_factory: pytest.TempPathFactory, behind: Callable[[dict], None]
) -> Iterator[tuple[Gate, Backend]]:
    """For the tests of this file `gate` and `backend` are these."""
    with Backend() as backend:
        gate = Gate(tmp_path_factory.mktemp("behind"), users_file, [backend], change=behind)
        try:
            yield gate, backend
            gate.settle_fully()
            gate.stop()
        finally:
            gate.kill()


def dial(gate: Gate, listener: str, source: str = BALANCER) -> Peer:
    """A connection from a balancer, on which nothing was said."""
    if listener == "unix":
        source = ""
    if listener.endswith("http"):
        peer: Peer = HttpPeer(gate.address(listener), source=source)
        gate.adopt(peer)
        return peer
    return gate.connect(listener, source=source)


def works(peer: Peer, listener: str, trusting: ssl.SSLContext) -> None:
    """What follows the header: TLS, a login and a session."""
    if listener.startswith("tls"):
        secure(peer, trusting)
    if listener in ("sasl", "tls", "unix"):
        peer.login("alice")
    session = peer.open("alice", "alice-secret") if listener == "raw" else peer.open()
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()


def own_name(peer: Peer) -> str:
    """How a log names the connection itself."""
    host, port = peer.socket.getsockname()[:2]
    return f"{host}:{port}"


def lines(gate: Gate, event: str) -> list[str]:
    return [line for line in gate.log.splitlines() if f" {event} " in line]


def opened_by(gate: Gate) -> list[str]:
    """What the log says of where alice's sessions came from."""
    found = [line for line in lines(gate, "session_opened") if "user=alice" in line]
    return [re.search(r"session_opened (.*) user=", line)[1] for line in found]


HEADERS = {
    "v1": (proxy.v1(CLIENT), f"{CLIENT}:4711"),
    "v1 IPv6": (proxy.v1(CLIENT_6), f"[{CLIENT_6}]:4711"),
    "v2": (proxy.v2(CLIENT), f"{CLIENT}:4711"),
    "v2 IPv6": (proxy.v2(CLIENT_6), f"[{CLIENT_6}]:4711"),
    "v2 mapped": (proxy.v2(f"::ffff:{CLIENT}"), f"{CLIENT}:4711"),
    "v2 with a checksum": (proxy.v2_checked(CLIENT), f"{CLIENT}:4711"),
    "v2 with 16 KiB": (
        proxy.v2(CLIENT, tlvs=proxy.tlv(0x20, bytes(16384 - 28 - 3))),
        f"{CLIENT}:4711",
    ),
    "v2 Unix": (proxy.binary(proxy.PROXY, proxy.UNIX, bytes(216)), "unix:"),
}
NAMELESS = {
    "v1 UNKNOWN": b"PROXY UNKNOWN\r\n",
    "v1 UNKNOWN with more": b"PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n",
    "LOCAL": proxy.binary(proxy.LOCAL, proxy.UNSPEC),
    "LOCAL with addresses": proxy.binary(proxy.LOCAL, proxy.TCP4, proxy.addresses("1.2.3.4")),
    "LOCAL with anything": proxy.binary(proxy.LOCAL, 0xFF, b"\x03\x00\x04anything"),
    "UNSPEC": proxy.binary(proxy.PROXY, proxy.UNSPEC, b"1.2.3.4"),
    "a datagram": proxy.binary(proxy.PROXY, proxy.UDP4, proxy.addresses("1.2.3.4")),
}


@pytest.mark.smoke
@pytest.mark.parametrize("listener", [*LISTENERS, "unix"])
@pytest.mark.parametrize("kind", HEADERS)
def test_the_client_is_whom_the_balancer_names(
    gate: Gate, trusting: ssl.SSLContext, kind: str, listener: str
) -> None:
    header, client = HEADERS[kind]
    with dial(gate, listener) as peer:
        via = "unix:" if listener == "unix" else own_name(peer)
        peer.send(header)
        works(peer, listener, trusting)
    assert opened_by(gate) == [f"client={client} via={via}"]
    closed = [line for line in lines(gate, "session_closed") if "user=alice" in line]
    assert f"client={client} via={via} " in closed[0]


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("kind", NAMELESS)
def test_the_connections_own_address(
    gate: Gate, trusting: ssl.SSLContext, kind: str, listener: str
) -> None:
    """Where the balancer names nobody, a connection is its own."""
    with dial(gate, listener) as peer:
        own = own_name(peer)
        peer.send(NAMELESS[kind])
        works(peer, listener, trusting)
    assert opened_by(gate) == [f"client={own}"]


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("kind", ["v1", "v2", "v2 with a checksum"])
def test_byte_by_byte(gate: Gate, trusting: ssl.SSLContext, kind: str, listener: str) -> None:
    header, client = HEADERS[kind]
    with dial(gate, listener) as peer:
        for byte in header:
            peer.send(bytes([byte]))
            time.sleep(0.001)
        works(peer, listener, trusting)
    assert opened_by(gate)[0].startswith(f"client={client} via=")


@pytest.mark.smoke
@pytest.mark.parametrize("kind", HEADERS)
def test_cut_anywhere(gate: Gate, trusting: ssl.SSLContext, kind: str) -> None:
    """Header and what is behind it in two pieces: no byte is lost, none is taken for another's."""
    header, client = HEADERS[kind]
    hello = frame(call("OpenSession", open_fields()))
    data = header + plain_login("alice", "alice-secret") + hello
    cuts = range(1, len(data)) if len(data) < 1000 else range(1, len(data), 997)
    for cut in list(cuts)[:: 1 if not is_sanitized() else 7]:
        with dial(gate, "sasl") as peer:
            peer.send(data[:cut])
            if cut % 5 == 0:
                time.sleep(0.001)
            peer.send(data[cut:])
            assert peer.sasl_answer() == (COMPLETE, "")
            peer.close_session(peer.receive_message().session).ok()
    assert {name.partition(" ")[0] for name in opened_by(gate)} == {f"client={client}"}


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_with_the_hello_of_tls(gate: Gate, trusting: ssl.SSLContext, kind: str) -> None:
    """TLS sees its own bytes and no other, however the two are cut."""
    header, _ = HEADERS[kind]
    for cut in range(0, len(header) + 40, 3):
        with dial(gate, "tls") as peer:
            data = header + client_hello(trusting)
            peer.send(data[:cut])
            time.sleep(0.001)
            peer.send(data[cut:])
            assert peer.receive(5)[:3] == b"\x16\x03\x03", f"cut at {cut}: no handshake"
            peer.reset()


def test_http_requests_behind_each_other(gate: Gate) -> None:
    with dial(gate, "http") as peer:
        assert isinstance(peer, HttpPeer)
        request = peer.request(call("OpenSession", open_fields()))
        peer.send(proxy.v2(CLIENT) + request + request)
        for session in [peer.receive_message().session for _ in range(2)]:
            peer.close_session(session).ok()
    assert {name.partition(" ")[0] for name in opened_by(gate)} == {f"client={CLIENT}:4711"}


def test_every_line_names_the_client(gate: Gate, trusting: ssl.SSLContext) -> None:
    """Logins that are refused, requests that are, TLS that fails."""
    with dial(gate, "sasl") as peer:
        peer.send(proxy.v1(CLIENT))
        with pytest.raises(LoginRefused):
            peer.login("alice", "wrong")
    with dial(gate, "http") as peer:
        peer.send(proxy.v2(CLIENT))
        assert isinstance(peer, HttpPeer)
        assert peer.post(b"x", target="/elsewhere").status == 404
    with dial(gate, "tls") as peer:
        peer.send(proxy.v2(CLIENT) + b"\x16" + bytes(100))
        peer.rest()
    with dial(gate, "raw") as peer:
        peer.send(proxy.v1(CLIENT) + b"\x80\x01\0\1" + b"\xff" * 100)
        peer.rest()
    for event in ("login_refused", "request_refused", "tls_failed"):
        gate.wait_log(event)
        found = lines(gate, event)
        assert all(f" client={CLIENT}:4711 via={BALANCER}:" in line for line in found), found


# ---- from anybody else ----


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_without_a_balancer(gate: Gate, trusting: ssl.SSLContext, listener: str) -> None:
    """Whoever isn't one of them is served without a header."""
    with dial(gate, listener, "127.0.0.1") as peer:
        own = own_name(peer)
        works(peer, listener, trusting)
    assert opened_by(gate) == [f"client={own}"]


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("kind", ["v1", "v2", "LOCAL"])
def test_a_header_from_anybody_else(gate: Gate, backend: Backend, kind: str, listener: str) -> None:
    """Is no login: it gets the answer that any nonsense gets, and nobody's address is believed."""
    header = HEADERS[kind][0] if kind in HEADERS else NAMELESS[kind]
    with dial(gate, listener, "127.0.0.3") as peer:
        own = own_name(peer)
        peer.try_send(header + plain_login("alice", "alice-secret"))
        peer.try_send(frame(call("OpenSession", open_fields())))
        with suppress(OSError):  # it may have been reset already
            peer.end_writing()
        peer.rest()
    assert CLIENT not in gate.log
    assert not lines(gate, "proxy_header_refused")
    assert not backend.seen("OpenSession", "alice")
    refused = [line for line in gate.log.splitlines() if "127.0.0.3" in line]
    assert all(f"client={own} " in line for line in refused), refused


def test_a_second_header_is_the_clients(gate: Gate, backend: Backend) -> None:
    """A client behind the balancer can't name another."""
    with dial(gate, "sasl") as peer:
        peer.send(proxy.v1(CLIENT) + proxy.v1("192.0.2.99") + plain_login("alice", "alice-secret"))
        assert peer.sasl_answer()[0] == ERROR
        assert peer.rest() == b""
    assert "192.0.2.99" not in gate.log
    assert not backend.seen("OpenSession", "alice")


# ---- headers that are none ----

BAD_HEADERS = {
    "SASL": (plain_login("alice", "alice-secret"), "doesn't begin with a PROXY header"),
    "HTTP": (b"POST /cliservice HTTP/1.1\r\n\r\n", "doesn't begin with a PROXY header"),
    "Thrift": (call("OpenSession", open_fields()), "doesn't begin with a PROXY header"),
    "zeros": (bytes(100), "doesn't begin with a PROXY header"),
    "a wrong word": (b"PROXY TCP9 1.2.3.4 1.2.3.4 1 1\r\n", "names neither TCP4, TCP6"),
    "a wrong address": (b"PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n", "aren't written as they must be"),
    "a port of its own": (b"PROXY TCP4 1.2.3.4:5 1.2.3.4 1 1\r\n", "aren't written as"),
    "no CR": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", "stands alone"),
    "an endless line": (b"PROXY UNKNOWN " + b"x" * 5000, "no CRLF in the first 107 bytes"),
    "version 3": (proxy.binary(0x31, proxy.TCP4, bytes(12)), "another version"),
    "another command": (proxy.binary(0x22, proxy.TCP4, bytes(12)), "neither LOCAL nor PROXY"),
    "another family": (proxy.binary(proxy.PROXY, 0x41, bytes(12)), "family or protocol"),
    "short addresses": (proxy.binary(proxy.PROXY, proxy.TCP6, bytes(12)), "shorter than its"),
    "too long": (proxy.binary(proxy.PROXY, proxy.TCP4, bytes(12), 0xFFFF), "longer than 16 KiB"),
    "a bad TLV": (proxy.v2(CLIENT, tlvs=b"\1\0\x09h2"), "longer than the header"),
    "a bad checksum": (proxy.v2(CLIENT, tlvs=proxy.tlv(3, b"abcd")), "was changed on its way"),
    "a changed address": (
        proxy.v2_checked(CLIENT).replace(bytes([203, 0, 113, 7]), bytes([203, 0, 113, 8])),
        "was changed on its way",
    ),
}


@pytest.mark.smoke
@pytest.mark.parametrize("listener", ["sasl", "http", "tls"])
@pytest.mark.parametrize("kind", BAD_HEADERS)
def test_bad_headers(gate: Gate, backend: Backend, kind: str, listener: str) -> None:
    """Each ends the connection without a word; the log says what was wrong."""
    data, why = BAD_HEADERS[kind]
    with dial(gate, listener) as peer:
        own = own_name(peer)
        peer.try_send(data)
        assert peer.rest() == b""
    gate.wait_log("proxy_header_refused")
    line = lines(gate, "proxy_header_refused")[0]
    assert f"listener={listener} client={own} why=" in line and why in line
    assert "alice-secret" not in gate.log
    assert not backend.seen("OpenSession", "alice")


def test_tls_without_a_header(gate: Gate, trusting: ssl.SSLContext) -> None:
    with dial(gate, "tls") as peer:
        peer.try_send(client_hello(trusting))
        assert peer.rest() == b""
    gate.wait_log("doesn't begin with a PROXY header")


# ---- balancers that look whether somebody is there ----


def test_checks_leave_no_trace(gate: Gate) -> None:
    """By connecting, with LOCAL, with UNKNOWN; ended politely or not."""
    before = gate.log
    words = [b"", NAMELESS["LOCAL"], NAMELESS["v1 UNKNOWN"], NAMELESS["LOCAL with addresses"]]
    for turn in range(400):
        peer = dial(gate, LISTENERS[turn % len(LISTENERS)])
        word = words[turn // 2 % len(words)]
        if word:
            peer.send(word)
        peer.reset() if turn % 2 else peer.close()
    gate.settle()
    new = [line for line in gate.log[len(before) :].splitlines() if "session_" not in line]
    assert not new, new[:5]


@pytest.mark.smoke
@pytest.mark.parametrize("how", [Peer.close, Peer.reset, Peer.end_writing])
@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_headers_that_end_early(gate: Gate, kind: str, how: Callable) -> None:
    header, _ = HEADERS[kind]
    for size in range(1, len(header), 4):
        peer = dial(gate, "tls" if size % 2 else "sasl")
        peer.send(header[:size])
        if how is Peer.reset:
            time.sleep(0.02)  # or the header is gone with the connection
        how(peer)
        if how is Peer.end_writing:
            assert peer.rest() == b"", f"cut behind {size} bytes"
            peer.close()
    gate.settle()
    gate.wait_log("the connection ended inside its PROXY header")


# ---- slow ones ----


@pytest.fixture
def impatient(make_gate: Callable, make_backend: Callable, behind: Callable) -> Gate:
    """A gateway that waits 1.2 s for a login, the header in front of it included."""
    return make_gate(make_backend(), limits={"login_timeout": "1200ms"}, change=behind)


@pytest.mark.smoke
def test_slow_headers_are_given_up(impatient: Gate) -> None:
    """And everybody else is served meanwhile (the bystanders are)."""
    pieces = [b"", b"P", b"PROXY TCP4 1.2.3.4 ", proxy.v2(CLIENT)[:15], proxy.v2(CLIENT)[:27]]
    peers = []
    for listener in (*LISTENERS, "unix"):
        for piece in pieces:
            peer = dial(impatient, listener)
            peer.send(piece) if piece else None
            peers.append(peer)
    impatient.check_bystanders(5)
    for peer in peers:
        assert peer.rest() == b""
        peer.close()
    impatient.wait_log("its PROXY header didn't come in time (limits: login_timeout)")
    assert len(lines(impatient, "proxy_header_refused")) == len(peers)


@pytest.mark.parametrize("kind", ["v1", "v2 with 16 KiB"])
def test_drips_dont_extend_the_deadline(impatient: Gate, kind: str) -> None:
    header, _ = HEADERS[kind]
    with dial(impatient, "tls") as peer:
        deadline = time.monotonic() + 30
        while peer.try_send(header[:1]) and time.monotonic() < deadline:
            header = header[1:]
            time.sleep(0.04)
        assert time.monotonic() < deadline, "the header went on for 30 s"
    impatient.wait_log("proxy_header_refused")


def test_the_header_is_a_part_of_the_login(impatient: Gate) -> None:
    """A silent client behind a balancer has no more time than another."""
    for listener in ("sasl", "raw", "http", "tls"):
        with dial(impatient, listener) as peer:
            peer.send(proxy.v2(CLIENT))
            assert peer.rest() == b""
    impatient.wait_log("login_timed_out")
    found = lines(impatient, "login_timed_out")
    assert all(f"client={CLIENT}:4711 via={BALANCER}:" in line for line in found), found


def test_waiting_costs_nothing(gate: Gate) -> None:
    """Neither time of the processor nor memory, with half a header on each of 300 connections."""
    header = proxy.v2(CLIENT, tlvs=proxy.tlv(4, bytes(300)))
    before = gate.rss_mb()
    peers = [dial(gate, ("sasl", "tls")[turn % 2]) for turn in range(300)]
    for turn, peer in enumerate(peers):
        peer.send(header[: 20 + turn])
    time.sleep(0.3)
    gate.keep_opening(False)
    cpu = gate.cpu_seconds()
    time.sleep(2.0)
    spent = gate.cpu_seconds() - cpu
    grown = gate.rss_mb() - before
    gate.keep_opening(True)
    assert spent < (1.2 if is_sanitized() else 0.5), f"it spins: {spent} s of 2 s"
    assert is_sanitized() or grown < 3, f"{grown} MB for 300 connections"
    for turn, peer in enumerate(peers):
        assert peer.silent(0.001), "it didn't wait"
        if turn % 2 == 0:
            peer.send(header[20 + turn :])
            peer.login("alice")
        peer.close()


# ---- the gateway's own changes ----


def test_certificates_are_read_again_behind_the_header(gate: Gate, trusting: ssl.SSLContext) -> None:
    """A reload between header and handshake."""
    peers = [dial(gate, "tls") for _ in range(4)]
    for peer, size in zip(peers, (0, 3, 20, 28), strict=True):
        peer.send(proxy.v2(CLIENT)[:size]) if size else None
    time.sleep(0.1)
    gate.signal(signal.SIGHUP)
    gate.wait_log("users_reloaded")
    for peer, size in zip(peers, (0, 3, 20, 28), strict=True):
        peer.send(proxy.v2(CLIENT)[size:])
        works(peer, "tls", trusting)


def test_the_end_doesnt_wait_for_headers(
    make_gate: Callable, make_backend: Callable, behind: Callable
) -> None:
    gate = make_gate(make_backend(), change=behind, bystanders=0)
    peers = [dial(gate, listener) for listener in (*LISTENERS, "unix")]
    for turn, peer in enumerate(peers):
        peer.send(proxy.v2(CLIENT)[: 5 * turn]) if turn else None
    time.sleep(0.1)
    gate.terminate()
    for peer in peers:
        assert peer.rest() == b""
    assert gate.wait_exit(20) == 0


def test_a_storm_behind_a_balancer(gate: Gate) -> None:
    """200 clients at once, whose headers come in pieces: each is itself."""
    peers = [dial(gate, "sasl") for _ in range(200)]
    for turn, peer in enumerate(peers):
        peer.send(proxy.v1(f"203.0.113.{turn}", 1000 + turn)[:30])
    for turn, peer in enumerate(peers):
        peer.send(proxy.v1(f"203.0.113.{turn}", 1000 + turn)[30:])
        peer.send(plain_login("alice", "alice-secret"))
        peer.send(frame(call("OpenSession", open_fields())))

    def finish(some: list[Peer]) -> None:
        for peer in some:
            assert peer.sasl_answer()[0] == COMPLETE
            peer.close_session(peer.receive_message().session).ok()

    threads = [threading.Thread(target=finish, args=(peers[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {
        f"client=203.0.113.{turn}:{1000 + turn} via={own_name(peer)}"
        for turn, peer in enumerate(peers)
    }
    eventually(lambda: set(opened_by(gate)) == expected, "each session has its client's address")
