"""Signals, listeners and the end of the process: what runs is finished, bounded in time, and the
exit status is 0."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hivegate import add_user, hivegate_program

from .kit import faults
from .kit.backend import Backend
from .kit.gate import Gate, eventually
from .kit.messages import (
    BigFetch,
    execute_fields,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
)
from .kit.peer import Closed, LoginRefused, Peer, plain_login

MB = 1_000_000


def ends_well(gate: Gate) -> None:
    assert gate.wait_exit() == 0
    gate.check_log()
    assert "stopped" in gate.log


def quick(seconds: int) -> Callable[[dict], None]:
    def change(config: dict) -> None:
        config["shutdown_timeout"] = f"{seconds}s"

    return change


# ---- SIGTERM ----


@pytest.mark.smoke
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_while_idle(make_gate: Callable, make_backend: Callable, number: int) -> None:
    """Idle clients with sessions, half logins and bare connections don't keep it; the sessions are
    closed on the backend."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0, raw=True)
    peers = [gate.session()[0] for _ in range(5)]
    peers += [gate.connect(), gate.connect("raw"), gate.connect()]
    peers[-1].send(plain_login("alice", "alice-secret")[:12])
    gate.signal(number)
    for peer in peers[:5]:
        assert peer.rest() == b""
    ends_well(gate)
    assert [s.ended_by for s in backend.sessions.values()] == ["CloseSession"] * 5
    closed = [line for line in gate.log.splitlines() if "session_closed" in line]
    assert len(closed) == 5 and all("hivegate is stopping" in line for line in closed), closed
    with pytest.raises(ConnectionError):
        gate.connect()


@pytest.mark.smoke
def test_the_end_while_a_call_is_outstanding(make_gate: Callable, make_backend: Callable) -> None:
    """The call gets its answer, and its operation may be read to its end; new work is refused."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    released = threading.Event()
    backend.on("ExecuteStatement", faults.held(released), user="alice")
    peer, session = gate.session()
    peer.ask("ExecuteStatement", execute_fields(session, "SELECT 1"))
    backend.wait_call("ExecuteStatement")
    gate.terminate()
    gate.wait_log("stopping")
    time.sleep(0.2)
    assert gate.hivegate.alive
    released.set()
    operation = peer.receive_message().operation
    peer.fetch(operation).ok()
    for name, fields in (
        ("ExecuteStatement", execute_fields(session, "SELECT 2")),
        ("OpenSession", open_fields()),
    ):
        reply = peer.call(name, fields)
        assert reply.sql_state == "08S01" and "stopping" in reply.error
    peer.close_operation(operation).ok()
    assert peer.rest() == b""
    ends_well(gate)
    assert backend.session("alice").ended_by == "CloseSession"


@pytest.mark.smoke
def test_the_end_while_a_large_reply_goes_out(make_gate: Callable, make_backend: Callable) -> None:
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    peer, session = gate.session(receive_buffer=65536)
    operation = peer.execute(session, f"BYTES {30 * MB}")
    seqid = peer.ask("FetchResults", fetch_fields(operation))
    backend.wait_call("FetchResults")
    gate.terminate()
    gate.wait_log("stopping")
    peer.read_big(BigFetch(seqid, 30 * MB))
    peer.close()
    ends_well(gate)


def test_the_end_while_a_session_opens(make_gate: Callable, make_backend: Callable) -> None:
    """It is opened, and closed again."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    released = threading.Event()
    backend.on("OpenSession", faults.held(released), user="alice")
    peer = gate.peer()
    peer.ask("OpenSession", open_fields())
    backend.wait_call("OpenSession")
    gate.terminate()
    gate.wait_log("stopping")
    time.sleep(0.1)
    released.set()
    assert peer.receive_message().session
    assert peer.rest() == b""
    ends_well(gate)
    assert not backend.live_sessions()


@pytest.mark.smoke
@pytest.mark.parametrize("stuck", ["call", "operation", "reader", "opening", "closing", "login"])
def test_the_end_with_something_stuck(
    make_gate: Callable, make_backend: Callable, stuck: str
) -> None:
    """shutdown_timeout bounds it."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0, change=quick(1))
    peer = gate.peer()
    if stuck == "opening":
        backend.on("OpenSession", faults.silence, times=None)
        peer.ask("OpenSession", open_fields())
        backend.wait_call("OpenSession")
    elif stuck == "login":
        backend.on("login", faults.silence, times=None)
        peer.ask("OpenSession", open_fields())
        eventually(lambda: backend.waiting, "hivegate logs in")
    else:
        session = peer.open()
        operation = peer.execute(session, f"BYTES {20 * MB}")
        if stuck == "call":
            backend.on("ExecuteStatement", faults.silence, times=None)
            peer.ask("ExecuteStatement", execute_fields(session, "SELECT 1"))
            backend.wait_call("ExecuteStatement", count=2)
        elif stuck == "reader":
            peer.ask("FetchResults", fetch_fields(operation))
            backend.wait_call("FetchResults")
        elif stuck == "closing":
            peer.close_operation(operation)
            backend.on("CloseSession", faults.silence, times=None)
    begin = time.monotonic()
    gate.terminate()
    assert gate.wait_exit(45.0) == 0
    took = time.monotonic() - begin
    gate.check_log()
    assert took < 20, f"it took {took:.0f} s"
    backend.wait_until(lambda: not backend.live_sessions(), "the sessions end")
    peer.close()


def test_the_end_with_logins_in_the_queue(make_gate: Callable, make_backend: Callable) -> None:
    gate = make_gate(make_backend(), bystanders=0, change=quick(1))
    peers = [gate.connect() for _ in range(100)]
    for number, peer in enumerate(peers):
        peer.send(plain_login("alice", f"wrong {number}"))
    gate.terminate()
    ends_well(gate)
    for peer in peers:
        peer.close()


def test_the_end_in_the_middle_of_a_storm(make_gate: Callable, make_backend: Callable) -> None:
    """Clients that come while it ends: served, refused or ended, and never a crash."""
    for turn in range(4):
        gate = make_gate(make_backend(), bystanders=0, change=quick(2))
        ending = threading.Event()
        threads = [threading.Thread(target=keep_coming, args=(gate, ending, n)) for n in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(0.1 + 0.07 * turn)
        gate.terminate()
        status = gate.wait_exit()
        ending.set()
        for thread in threads:
            thread.join(60.0)
        assert status == 0
        gate.check_log()


def keep_coming(gate: Gate, ending: threading.Event, number: int) -> None:
    address = gate.address()
    while not ending.is_set():
        try:
            with Peer(address) as peer:
                peer.login()
                session = peer.open()
                peer.execute(session, "SELECT 1")
                if number % 2:
                    peer.close_session(session)
        except (Closed, ConnectionError, LoginRefused, AssertionError, TimeoutError):
            time.sleep(0.005)


def test_a_second_signal_while_it_ends(make_gate: Callable, make_backend: Callable) -> None:
    """SIGTERM again, or SIGHUP, changes nothing."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0, change=quick(2))
    peer, session = gate.session()
    peer.execute(session, "RUN forever", run_async=True)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        gate.signal(number)
        time.sleep(0.05)
    assert gate.hivegate.alive
    peer.close()
    assert gate.wait_exit() == 0
    gate.check_log()


# ---- SIGHUP ----


@pytest.mark.smoke
def test_the_users_file_is_read_again(make_gate: Callable, make_backend: Callable) -> None:
    """New users come in, changed and deleted ones are refused, also those who logged in lately;
    sessions that are open stay."""
    gate = make_gate(make_backend())
    users = gate.hivegate.users_path
    peer, session = gate.session("alice")
    for user in ("alice", "carol"):
        gate.peer(user).close()  # remembered now
    with pytest.raises(LoginRefused):
        gate.peer("dora")
    lines = [line for line in users.read_text().splitlines() if not line.startswith("carol:")]
    users.write_text("\n".join(lines) + "\n")
    add_user(users, "alice", "changed-secret")
    add_user(users, "dora", "dora-secret")
    gate.signal(signal.SIGHUP)
    gate.wait_log("users_reloaded")
    gate.peer("dora").close()
    gate.connect().login("alice", "changed-secret").close()
    for user in ("alice", "carol"):
        with pytest.raises(LoginRefused):
            gate.peer(user)
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["garbage", "missing", "folder", "empty"])
def test_a_broken_users_file_changes_nothing(
    make_gate: Callable, make_backend: Callable, kind: str
) -> None:
    """The users of before stay, and the log says what is wrong and where."""
    gate = make_gate(make_backend())
    users = gate.hivegate.users_path
    good = users.read_text()
    users.unlink()
    if kind == "garbage":
        users.write_text(good + "eve\0:x\n:::\nno colon\n")
    elif kind == "folder":
        users.mkdir()
    elif kind == "empty":
        users.write_text("")
    gate.signal(signal.SIGHUP)
    if kind == "empty":
        eventually(lambda: "users_" in gate.log, "it is read")
        return
    gate.wait_log("users_not_reloaded")
    assert "users.txt" in gate.log
    gate.peer("alice").close()
    with pytest.raises(LoginRefused):
        gate.connect().login("alice", "wrong")
    if kind == "folder":
        users.rmdir()
    users.write_text(good)
    gate.signal(signal.SIGHUP)
    gate.wait_log("users_reloaded")


def test_reloading_again_and_again(make_gate: Callable, make_backend: Callable) -> None:
    """While logins are checked."""
    gate = make_gate(make_backend())
    peers = [gate.connect() for _ in range(60)]
    for number, peer in enumerate(peers):
        secret = "alice-secret" if number % 3 == 0 else f"wrong {number}"
        peer.send(plain_login("alice", secret))
        gate.signal(signal.SIGHUP)
    for number, peer in enumerate(peers):
        status, _ = peer.sasl_answer()
        assert (status == 5) == (number % 3 == 0)
        peer.close()
    gate.check_bystanders()


# ---- listeners ----


def listeners(*binds: str, sasl: str = "plain", **more) -> Callable[[dict], None]:
    def change(config: dict) -> None:
        config["listeners"] = [
            {"name": f"l{n}", "bind": bind, "transport": "binary", "sasl": sasl} | more
            for n, bind in enumerate(binds)
        ]

    return change


def uses(gate: Gate, listener: str) -> None:
    peer = gate.connect(listener)
    if peer.framed:
        peer.login()
    session = peer.open("alice", "alice-secret")
    peer.fetch(peer.execute(session, "SELECT 1")).ok()
    peer.close_session(session).ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("sasl", ["plain", "none"])
def test_unix_and_ipv6_listeners(
    make_gate: Callable, make_backend: Callable, tmp_path: Path, sasl: str
) -> None:
    path = tmp_path / "socket"
    binds = ("127.0.0.1:0", "[::1]:0", f"unix:{path}")
    change = listeners(*binds, sasl=sasl)
    gate = make_gate(make_backend(), change=change, bystanders=0)
    assert gate.hivegate.addresses["l1"].startswith("[::1]:")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    for name in ("l0", "l1", "l2"):
        uses(gate, name)
        with gate.connect(name) as peer:
            peer.send(b"GET / HTTP/1.1\r\n\r\n")
            assert peer.rest().startswith(b"HTTP/1.1 400")
        with gate.connect(name) as peer:
            peer.send(b"\xfe\xfe\xfe")
            peer.end_writing()
            peer.rest()
        peer = gate.connect(name)
        if peer.framed:
            peer.login()
        peer.open("alice", "alice-secret")
        peer.reset()
    gate.settle()
    gate.terminate()
    ends_well(gate)
    assert not path.exists()


def test_unix_socket_of_another_mode(
    make_gate: Callable, make_backend: Callable, tmp_path: Path
) -> None:
    path = tmp_path / "socket"

    def change(config: dict) -> None:
        entry = {"bind": f"unix:{path}", "mode": "0600"}
        config["listeners"].append(config["listeners"][0] | entry | {"name": "local"})

    gate = make_gate(make_backend(), change=change)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    uses(gate, "local")


@pytest.mark.smoke
def test_a_stale_unix_socket_is_replaced(
    make_gate: Callable, make_backend: Callable, tmp_path: Path
) -> None:
    """Left by a process that was killed; one that is in use isn't taken away."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    change = listeners("127.0.0.1:0", f"unix:{path}")
    gate = make_gate(make_backend(), change=change, bystanders=0)
    uses(gate, "l1")
    with pytest.raises(Exception, match="another process does already"):
        make_gate(make_backend(), change=change, bystanders=0)
    uses(gate, "l1")
    assert path.exists()


def test_a_file_in_the_place_of_a_socket_stays(
    make_gate: Callable, make_backend: Callable, tmp_path: Path
) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(Exception, match="no socket"):
        make_gate(make_backend(), change=listeners("127.0.0.1:0", f"unix:{path}"))
    assert path.read_text() == "data"


def test_a_port_that_is_taken(make_gate: Callable, make_backend: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(Exception, match=f"can't listen on 127.0.0.1:{port}"):
            make_gate(make_backend(), change=listeners(f"127.0.0.1:{port}"))


def test_endpoints_over_ipv6_and_names(make_gate: Callable, make_backend: Callable) -> None:
    """localhost may be ::1 first: its other addresses are tried."""
    backend = make_backend()
    gate = make_gate(f"localhost:{backend.port}", bystanders=0)
    gate.backends.append(backend)
    uses(gate, "thrift")
    assert backend.seen("OpenSession")


# ---- other ----


def test_it_goes_on_when_nobody_reads_its_log(
    make_gate: Callable, make_backend: Callable, tmp_path: Path
) -> None:
    """stderr is a pipe whose reader stops: lines are lost, and nothing else; how many is said when
    it reads on."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = tmp_path / "hivegate"
    program.write_text(f'#!/bin/sh\nexec {hivegate_program()} "$@" 2>{pipe}\n')
    program.chmod(0o755)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(reader, True)
    log = tmp_path / "gate-0" / "hivegate.log"

    def copy_the_beginning() -> None:
        text = b""
        while b" ready" not in text:
            text += os.read(reader, 512)
            time.sleep(0.01)
            if log.exists():
                log.write_bytes(text)

    copier = threading.Thread(target=copy_the_beginning)
    copier.start()
    gate = make_gate(make_backend(), program=program)
    copier.join()
    for _ in range(150):
        gate.session()[0].close()
    gate.check_bystanders(5)
    text = os.read(reader, 1 << 20)
    with pytest.raises(LoginRefused):
        gate.connect().login("alice", "wrong")
    while b"lost" not in text:
        text += os.read(reader, 1 << 16)
    assert b"session_opened" in text
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 512), b"")])
    drain.start()
    gate.settle()
    gate.stop()
    drain.join()
    os.close(reader)


def test_a_suspended_process_recovers(gate: Gate, backend: Backend) -> None:
    """Stopped and continued, as by a debugger or a paused machine."""
    peer, session = gate.session()
    released = threading.Event()
    backend.on("GetInfo", faults.held(released), user="alice")
    peer.ask("GetInfo", info_fields(session))
    backend.wait_call("GetInfo", "alice")
    os.kill(gate.pid, signal.SIGSTOP)
    try:
        waiting = [Peer(gate.address()) for _ in range(10)]  # in the kernel's queue
        released.set()
        time.sleep(0.3)
    finally:
        os.kill(gate.pid, signal.SIGCONT)
    peer.receive_message().ok()
    for each in waiting:
        each.login().close()
    peer.call("CloseSession", handle_fields(session)).ok()
    peer.close()
