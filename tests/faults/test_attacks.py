"""Attacks on hivegate's own bookkeeping: what one client may do at the worst moment, or far too
often, without the process or another client paying for it."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable

from .kit import faults
from .kit.backend import Backend
from .kit.gate import Gate
from .kit.messages import call, handle_fields, info_fields, open_fields
from .kit.peer import frame


def test_http_from_a_client_that_is_gone(gate: Gate) -> None:
    """The request is read, but its answer meets a reset: that ends this client, not hivegate."""
    for _ in range(50):
        peer = gate.connect()
        peer.send(b"GET / HTTP/1.1\r\n\r\n")
        peer.reset()
    gate.check_bystanders()


def test_requests_sent_ahead_while_stopping(
    make_gate: Callable[..., Gate], make_backend: Callable[..., Backend]
) -> None:
    """A client with a statement open goes on after SIGTERM; requests that waited behind the one
    being served then are served too."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    released = threading.Event()
    backend.on("GetInfo", faults.held(released), user="alice")
    peer, session = gate.session()
    operation = peer.execute(session, "RUN", run_async=True)
    first = peer.ask("GetInfo", info_fields(session))
    second = peer.ask("GetOperationStatus", handle_fields(operation))
    third = peer.ask("CloseOperation", handle_fields(operation))
    backend.wait_call("GetInfo", "alice")
    gate.terminate()
    gate.wait_log("stopping")
    time.sleep(0.2)
    released.set()
    peer.socket.settimeout(10.0)
    assert [peer.receive_message().seqid for _ in range(3)] == [first, second, third]
    assert gate.wait_exit() == 0


def test_many_tiny_requests_in_one_frame(gate: Gate) -> None:
    """A frame full of the smallest messages keeps its own client busy, not the worker's others."""
    count = 400_000
    peer = gate.peer()
    data = frame(call("x", b"\0") * count)
    sender = threading.Thread(target=peer.try_send, args=(data,), daemon=True)
    sender.start()
    received, wanted = 0, None
    before = [bystander.rounds for bystander in gate.bystanders]
    while wanted is None or received < wanted:
        piece = peer.socket.recv(1 << 20)
        assert piece, "hivegate ended the connection"
        if wanted is None:
            wanted = count * (4 + struct.unpack_from(">I", piece)[0])
        received += len(piece)
    # in turns, they get round after round meanwhile; behind the whole frame, none
    during = [b.rounds - n for b, n in zip(gate.bystanders, before, strict=True)]
    assert min(during) >= 3, f"rounds of the bystanders during the flood: {during}"
    gate.check_bystanders(1)


def test_one_user_cannot_take_every_session(
    make_gate: Callable[..., Gate], make_backend: Callable[..., Backend]
) -> None:
    """Neither over one connection nor over many; what is closed may be opened again."""
    gate = make_gate(make_backend(), limits={"sessions": 6, "sessions_per_user": 3}, bystanders=0)
    first, second = gate.peer("alice"), gate.peer("alice")
    sessions = [first.open(), first.open(), second.open()]
    for peer in (first, second):
        refused = peer.call("OpenSession", open_fields())
        assert refused.sql_state == "53300" and "sessions_per_user" in refused.error
    other = gate.peer("bob")
    other.open()
    first.close_session(sessions[0]).ok()
    sessions[0] = first.open()
    second.close()  # its session ends with it
    gate.wait_log("the client left")
    first.open()


def test_refused_requests_dont_fill_the_log(gate: Gate) -> None:
    """Not even a login is needed for these on a listener without SASL."""
    count = 20_000
    peer = gate.connect("raw")
    before = len(gate.log)
    data = call("x", b"\0", kind=2) * count  # a reply, where calls are expected
    sender = threading.Thread(target=peer.try_send, args=(data,), daemon=True)
    sender.start()
    for _ in range(count):
        assert peer.receive_message().is_exception
    logged = gate.log[before:]
    assert 0 < logged.count("request_refused") < count / 10
    assert len(logged) < 500_000
