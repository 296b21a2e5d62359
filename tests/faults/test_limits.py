"""At the end of something: descriptors, connections, memory, the queue of logins. Whoever asks for
more is refused in words; those who are served already go on."""

from __future__ import annotations

import os
import resource
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .kit import faults
from .kit.backend import Backend
from .kit.gate import Gate, eventually, is_sanitized
from .kit.messages import (
    BigFetch,
    Handle,
    call,
    execute_fields,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
)
from .kit.peer import (
    BAD,
    COMPLETE,
    ERROR,
    START,
    Closed,
    LoginRefused,
    Peer,
    frame,
    plain_login,
    sasl_frame,
)

MB = 1_000_000
TIGHT = {"memory": "16MiB", "message_size": "16MiB"}


def gets_in(gate: Gate) -> bool:
    """Whether a new client is served, from its login to a query."""
    try:
        with gate.peer() as peer:
            peer.fetch(peer.execute(peer.open(), "SELECT 1")).ok()
        return True
    except (Closed, ConnectionError, LoginRefused, AssertionError):
        return False


# ---- descriptors ----


@pytest.mark.smoke
def test_out_of_descriptors(make_gate: Callable, make_backend: Callable) -> None:
    """Clients that come then are turned away at once; those who are there, idle or working, go on;
    and it is over when some leave."""
    backend = make_backend()
    gate = make_gate(backend, limits={"connections": 10_000}, descriptors=100)
    idle, session = gate.session()
    crowd: list[Peer] = []
    turned_away = 0
    while turned_away < 20:
        peer = gate.connect()
        crowd.append(peer)
        assert len(crowd) < 300, "hivegate has more descriptors than it was given"
        peer.try_send(sasl_frame(START, b"PLAI"))
        if len(crowd) > 60:
            peer.socket.settimeout(0.05)
            try:
                turned_away += peer.socket.recv(1) == b""
            except ConnectionError:
                turned_away += 1
            except TimeoutError:
                pass
    gate.wait_log("client_refused")
    assert os.strerror(24) in gate.log  # Too many open files
    assert gate.log.count("client_refused") < 20, "each refusal is logged"
    idle.call("GetInfo", info_fields(session)).ok()
    gate.bystanders[0].opens = gate.bystanders[1].opens = False
    gate.check_bystanders(10)
    cpu = gate.cpu_seconds()
    time.sleep(0.5)
    gate.check_bystanders()
    assert gate.cpu_seconds() - cpu < 0.4, "it spins"
    for peer in crowd:
        peer.close()
    eventually(lambda: gets_in(gate), "new clients get in again")
    idle.close()


def test_out_of_descriptors_for_endpoints(make_gate: Callable, make_backend: Callable) -> None:
    """A client that is in, and needs a connection to an endpoint which can't be made: it hears why,
    and may try again."""
    backend = make_backend()
    gate = make_gate(backend, limits={"connections": 10_000}, bystanders=1)
    gate.keep_opening(False)
    peers = [gate.peer() for _ in range(3)]
    allowed = resource.prlimit(gate.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gate.pid, resource.RLIMIT_NOFILE, (gate.fd_count(), allowed[1]))
    reply = peers[0].call("OpenSession", open_fields())
    assert reply.sql_state == "08001" and os.strerror(24) in reply.error
    resource.prlimit(gate.pid, resource.RLIMIT_NOFILE, allowed)
    for peer in peers:
        peer.call("GetInfo", info_fields(peer.open())).ok()
        peer.close()


# ---- connections ----


@pytest.mark.smoke
def test_too_many_connections(make_gate: Callable, make_backend: Callable) -> None:
    """The limit is told in SASL's words, which a driver shows; a free place is taken at once."""
    gate = make_gate(make_backend(), limits={"connections": 10}, raw=True)
    inside = [gate.connect() for _ in range(8)]
    for turn in range(30):
        with gate.connect() as peer:
            if turn % 2:
                peer.try_send(plain_login("alice", "alice-secret"))
            status, text = peer.sasl_answer()
            assert status == ERROR and "limits: connections" in text
            assert peer.rest() == b""
        with gate.connect("raw") as peer:
            assert peer.rest() == b""
    gate.check_bystanders()
    assert gate.log.count("client_refused") < 10, "each refusal is logged"
    inside.pop().close()
    eventually(lambda: gets_in(gate), "a free place is taken")
    for peer in inside:
        peer.login().close()


def test_connections_storm_at_the_limit(make_gate: Callable, make_backend: Callable) -> None:
    gate = make_gate(make_backend(), limits={"connections": 20})
    for _ in range(10):
        peers = [gate.connect() for _ in range(100)]
        for peer in peers:
            peer.reset() if id(peer) % 3 else peer.close()
    gate.check_bystanders()
    eventually(lambda: gets_in(gate), "new clients get in")


# ---- memory ----


def opens_in_the_end(gate: Gate) -> tuple[Peer, Handle]:
    """A session; at the ceiling its opening may be refused for a moment, until what others were sent
    has gone on to them."""
    peer = gate.peer(receive_buffer=4096)
    for _ in range(100):
        reply = peer.call("OpenSession", open_fields())
        if reply.code == 0:
            return peer, reply.session
        assert "try again" in reply.error and reply.sql_state == "53200"
        time.sleep(0.05)
    raise AssertionError("no session can be opened at the ceiling")


def stop_reading(gate: Gate, count: int, size: int) -> list[Peer]:
    """Clients that ask for large replies and don't read them."""
    peers = []
    for _ in range(count):
        peer, session = opens_in_the_end(gate)
        operation = peer.execute(session, f"BYTES {size}")
        peer.ask("FetchResults", fetch_fields(operation))
        peers.append(peer)
    return peers


@pytest.mark.smoke
def test_slow_readers_at_the_memory_ceiling(make_gate: Callable, make_backend: Callable) -> None:
    """200 clients that don't read what they asked for, and 16 MiB: the others go on."""
    backend = make_backend()
    gate = make_gate(backend, limits=TIGHT)
    before = gate.rss_mb()
    stuck = stop_reading(gate, 200, 20 * MB)
    gate.check_bystanders(20)
    if not is_sanitized():
        assert gate.rss_mb() < before + 16 * 1.1 + 20
    for peer in stuck:
        peer.close()
    eventually(lambda: gets_in(gate), "new clients get in")


@pytest.mark.smoke
def test_medium_replies_at_the_memory_ceiling(make_gate: Callable, make_backend: Callable) -> None:
    """Replies that don't come in one piece need a little memory too; a client that reads them isn't
    hurt by those that don't."""
    backend = make_backend()
    gate = make_gate(backend, limits=TIGHT, bystanders=1)
    peer, session = gate.session("carol")
    operations = [(peer.execute(session, f"BYTES {n}"), n) for n in (60_000, 250_000, 3 * MB)]
    stuck = stop_reading(gate, 120, 20 * MB)
    for _ in range(10):
        for operation, size in operations:
            backend.on("FetchResults", faults.trickle(30_000, 0.001), user="carol")
            seqid = peer.ask("FetchResults", fetch_fields(operation))
            peer.read_big(BigFetch(seqid, size))
    for each in [*stuck, peer]:
        each.close()


@pytest.mark.smoke
def test_big_requests_at_the_memory_ceiling(make_gate: Callable, make_backend: Callable) -> None:
    """Ten clients begin requests of 7 MB under a ceiling of 16 MiB. Who doesn't fit hears why; the
    small requests of others are served, and later big ones again."""
    gate = make_gate(make_backend(), limits=TIGHT)
    before = gate.rss_mb()
    peers = []
    for _ in range(10):
        peer, session = gate.session()
        message = call("ExecuteStatement", execute_fields(session, "x" * (7 * MB)))
        peer.try_send(frame(message)[: 6 * MB])
        peers.append(peer)
    gate.check_bystanders(10)
    told = 0
    for peer in peers:
        if not peer.silent(0.05):
            assert "memory" in peer.receive_message().error
            told += 1
    assert told > 5
    if not is_sanitized():
        assert gate.rss_mb() < before + 16 * 1.1 + 20
    for peer in peers:
        peer.close()
    peer, session = gate.session()
    eventually(lambda: executes(peer, session, 5 * MB), "a big request is served again")
    peer.close()


def executes(peer: Peer, session, size: int) -> bool:
    return not peer.call("ExecuteStatement", execute_fields(session, "x" * size)).is_exception


@pytest.mark.parametrize("listener", ["thrift", "raw"])
def test_one_request_that_never_fits(
    make_gate: Callable, make_backend: Callable, listener: str
) -> None:
    """Refused with a reason, and not with a hang: while it is moved into a larger block it would
    need more memory than there is."""
    gate = make_gate(make_backend(), limits=TIGHT, raw=True, bystanders=1)
    peer = gate.peer() if listener == "thrift" else gate.connect("raw")
    session = peer.open("alice", "alice-secret")
    message = call("ExecuteStatement", execute_fields(session, "x" * (15 * MB)))
    peer.try_send(frame(message) if peer.framed else message)
    try:
        assert "memory" in peer.receive_message().error
    except (Closed, ConnectionError):
        pass  # a reset may overtake the answer while the client still sends
    gate.wait_log("limits: memory")
    gate.check_bystanders(5)
    peer.close()


def test_a_slow_backend_at_the_memory_ceiling(make_gate: Callable, make_backend: Callable) -> None:
    """Statements that the backend doesn't take from the socket are held, up to the ceiling."""
    backend = make_backend()
    gate = make_gate(backend, limits=TIGHT)
    released = threading.Event()
    backend.on("GetInfo", faults.held(released), user="alice", times=None)
    outcomes = []
    peers = []
    for _ in range(8):
        peer, session = gate.session()
        peer.ask("GetInfo", info_fields(session))
        peers.append((peer, session))
    gate.check_bystanders()
    released.set()
    for peer, session in peers:
        peer.receive_message().ok()
        outcomes.append(executes(peer, session, 2 * MB))
        peer.close()
    assert all(outcomes)


# ---- the queue of logins ----


@pytest.mark.smoke
def test_too_many_logins_at_once(make_gate: Callable, make_backend: Callable) -> None:
    """Checking a password takes time and has a queue; behind its end a login is refused at once,
    and nobody else waits for it."""

    def short_queue(config: dict) -> None:
        config["jobs"] = {"threads": 1, "queue": 4}

    gate = make_gate(make_backend(), change=short_queue)
    peers = [gate.connect() for _ in range(120)]
    for number, peer in enumerate(peers):
        peer.send(plain_login("alice", f"wrong {number}"))
    answers = [peer.sasl_answer() for peer in peers]
    gate.check_bystanders()
    assert {status for status, _ in answers} == {BAD}
    busy = [text for _, text in answers if "too many logins" in text]
    wrong = [text for _, text in answers if text == "Error validating the login"]
    assert len(busy) + len(wrong) == 120
    assert busy and wrong
    assert gets_in(gate)
    for peer in peers:
        peer.close()


def test_wrong_logins_dont_stall_the_others(make_gate: Callable, make_backend: Callable) -> None:
    """A hundred checks in the queue take seconds; a user who logged in lately comes in past it."""
    gate = make_gate(make_backend())
    gate.peer().close()  # now remembered
    peers = [gate.connect() for _ in range(100)]
    for number, peer in enumerate(peers):
        peer.send(plain_login("carol", f"wrong {number}"))
    for _ in range(5):
        gate.peer().close()
    readable, _, _ = select.select([peer.socket for peer in peers], [], [], 0)
    assert len(readable) < 90, "a remembered login waited for the queue"
    gate.check_bystanders(10)
    for peer in peers:
        assert peer.sasl_answer()[0] == BAD
        peer.close()


def test_clients_leave_while_they_wait_for_the_check(
    make_gate: Callable, make_backend: Callable
) -> None:
    gate = make_gate(make_backend())
    for number in range(100):
        peer = gate.connect()
        peer.send(plain_login("carol", f"wrong {number}"))
        peer.reset() if number % 2 else peer.close()
    gate.check_bystanders()
    assert gets_in(gate)


# ---- how dead peers are noticed ----

SOL_TCP = socket.IPPROTO_TCP


def side_of(gate: Gate, port: int) -> socket.socket:
    """hivegate's own end of a connection whose other end has that port."""

    def wanted(sock: socket.socket) -> bool:
        try:
            return sock.family == socket.AF_INET and sock.getpeername()[1] == port
        except OSError:
            return False

    return gate.take_socket(wanted)


@pytest.mark.smoke
def test_keep_alive_and_user_timeout_are_set(make_gate: Callable, make_backend: Callable) -> None:
    def configure(config: dict) -> None:
        config["tcp"] = {
            "clients": {
                "keepalive_idle": "31s",
                "keepalive_interval": "7s",
                "keepalive_count": 3,
                "user_timeout": "41s",
            },
            "endpoints": {
                "keepalive_idle": "33s",
                "keepalive_interval": "9s",
                "keepalive_count": 5,
                "user_timeout": "43s",
            },
        }

    backend = make_backend()
    gate = make_gate(backend, change=configure, bystanders=0)
    peer, _ = gate.session()
    for port, (idle, interval, count, timeout) in {
        peer.socket.getsockname()[1]: (31, 7, 3, 41_000),
        backend.port: (33, 9, 5, 43_000),
    }.items():
        with side_of(gate, port) as sock:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert sock.getsockopt(SOL_TCP, socket.TCP_KEEPIDLE) == idle
            assert sock.getsockopt(SOL_TCP, socket.TCP_KEEPINTVL) == interval
            assert sock.getsockopt(SOL_TCP, socket.TCP_KEEPCNT) == count
            assert sock.getsockopt(SOL_TCP, socket.TCP_USER_TIMEOUT) == timeout
            assert sock.getsockopt(SOL_TCP, socket.TCP_NODELAY) == 1
    peer.close()


def test_keep_alive_can_be_off(make_gate: Callable, make_backend: Callable) -> None:
    def configure(config: dict) -> None:
        off = {"keepalive_idle": "0s", "user_timeout": "0s"}
        config["tcp"] = {"clients": off, "endpoints": off}

    backend = make_backend()
    gate = make_gate(backend, change=configure, bystanders=0)
    peer, _ = gate.session()
    for port in (peer.socket.getsockname()[1], backend.port):
        with side_of(gate, port) as sock:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
            assert sock.getsockopt(SOL_TCP, socket.TCP_USER_TIMEOUT) == 0
    peer.close()


def test_no_socket_is_inherited(gate: Gate) -> None:
    """Every descriptor is closed on exec."""
    peer, _ = gate.session()
    for entry in os.listdir(f"/proc/{gate.pid}/fdinfo"):
        if int(entry) > 2:
            try:
                text = Path(f"/proc/{gate.pid}/fdinfo/{entry}").read_text()
            except FileNotFoundError:
                continue
            flags = int(text.split("flags:")[1].split()[0], 8)
            assert flags & 0o2000000, f"descriptor {entry} isn't close-on-exec"
    peer.close()


# ---- storms ----


def test_a_storm_of_everything(make_gate: Callable, make_backend: Callable) -> None:
    """Garbage, half logins, wrong passwords, sessions and resets from eight threads at once."""
    backend = make_backend()
    gate = make_gate(backend)
    problems: list[str] = []

    def storm(seed: int) -> None:
        try:
            for turn in range(40):
                one_visit(gate, seed * 5 + turn)
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=storm, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120.0)
    assert not problems, problems
    gate.check_bystanders()


def one_visit(gate: Gate, kind: int) -> None:
    peer = Peer(gate.address())
    kind %= 8
    if kind == 0:
        peer.try_send(b"\xff" * 500)
    elif kind == 1:
        peer.try_send(plain_login("alice", "alice-secret")[:20])
    elif kind == 2:
        peer.try_send(plain_login("carol", "wrong"))
    elif kind == 3:
        peer.try_send(plain_login("alice", "alice-secret") + frame(b"\xfe" * 50))
    elif kind == 4:
        peer.try_send(plain_login("alice", "alice-secret") + struct.pack(">I", 0x7FFFFFFF))
    elif kind == 5:
        peer.login()
        peer.close_session(peer.open()).ok()
    elif kind == 6:
        peer.login()
        peer.ask("GetOperationStatus", handle_fields(peer.execute(peer.open(), "RUN", True)))
    else:
        opening = frame(call("OpenSession", open_fields()))
        peer.send(plain_login("alice", "alice-secret") + opening * 3)
        assert peer.sasl_answer()[0] == COMPLETE
    peer.reset() if kind % 2 else peer.close()


def test_logs_stay_readable(gate: Gate, backend: Backend) -> None:
    """Names and texts of clients and backends don't break lines or colour terminals."""
    evil = "x\ny\x1b[31m\r\u2028z"
    with gate.connect() as peer:
        peer.send(sasl_frame(START, evil.encode()))
        peer.sasl_answer()
    with gate.connect() as peer:
        peer.send(plain_login(evil, "secret"))
        peer.sasl_answer()
    backend.on("login", faults.refuse_login(evil), user="alice", times=None)
    gate.keep_opening(False)
    backend.drop_idle()
    with gate.peer() as peer:
        peer.call("OpenSession", open_fields())
    gate.wait_log("endpoint_failed")
    assert "\x1b" not in gate.log and "\u2028" not in gate.log and "\r" not in gate.log
    for line in gate.log.splitlines():
        assert line[:2] == "20" and "T" in line[:11], f"a line that is none: {line!r}"
