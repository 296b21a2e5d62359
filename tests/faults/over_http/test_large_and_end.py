"""Large replies, and the end of the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ..kit import faults
from ..kit.gate import Gate, is_sanitized
from ..kit.http import (
    OPEN,
    add_listener,
    http_peer,
)
from ..kit.messages import (
    RUNNING,
    BigFetch,
    execute_fields,
    fetch_fields,
    info_fields,
    open_fields,
)

MB = 1_000_000


# ---- large replies ----


@pytest.mark.smoke
@pytest.mark.parametrize("size", [1, 70_000, 200_000, 5 * MB])
@pytest.mark.parametrize("sasl", [True, False], ids=["sasl", "no sasl"])
def test_replies_of_all_sizes(make_http: Callable, sasl: bool, size: int) -> None:
    """With a length where it is known, in chunks else; for HTTP/1.0 the end of the connection
    says it."""
    gate, _ = make_http(sasl=sasl, bystanders=0)
    with http_peer(gate) as peer:
        session = peer.open(*(() if sasl else ("alice", "x")))
        operation = peer.execute(session, f"BYTES {size}")
        for _ in range(3):
            seqid = peer.ask("FetchResults", fetch_fields(operation))
            head = peer.read_big_body(BigFetch(seqid, size))
            assert not head.closes
        known = sasl or size < 5 * MB
        certain = sasl or size >= 5 * MB  # else it depends on how it was cut
        assert head.is_chunked != known or not certain, head
        old = http_peer(gate)
        old.version = "1.0"
        seqid = old.ask("FetchResults", fetch_fields(operation))
        head = old.read_big_body(BigFetch(seqid, size))
        assert head.closes and not head.is_chunked
        assert ("content-length" in head.fields) == known or not certain
        peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("sasl", [True, False], ids=["sasl", "no sasl"])
def test_a_slow_reader(make_http: Callable, sasl: bool) -> None:
    """Costs no memory, and its reply comes whole."""
    gate, _ = make_http(sasl=sasl, bystanders=2 if sasl else 0)
    peer = http_peer(gate, receive_buffer=8192)
    session = peer.open(*(() if sasl else ("alice", "x")))
    size = 60 * MB
    operation = peer.execute(session, f"BYTES {size}")
    before = gate.rss_mb()
    seqid = peer.ask("FetchResults", fetch_fields(operation))
    time.sleep(1.5)
    if not is_sanitized():
        assert gate.rss_mb() - before < 8, "what nobody reads is kept in memory"
    other = http_peer(gate)
    other.call("GetInfo", info_fields(session)).ok()
    peer.read_big_body(BigFetch(seqid, size))
    if not is_sanitized():
        assert gate.rss_mb() - before < 8
    peer.close_session(session).ok()


# ---- the end ----


def ends_well(gate: Gate) -> None:
    assert gate.wait_exit(20.0) == 0
    gate.check_log()


@pytest.mark.smoke
def test_the_end_while_idle(make_http: Callable) -> None:
    gate, backend = make_http(bystanders=0)
    peers = [http_peer(gate) for _ in range(6)]
    for peer in peers:
        peer.open()
    gone = http_peer(gate)
    gone.open()
    gone.close()
    half = http_peer(gate)
    half.send(b"POST /cli")
    refused = http_peer(gate)
    refused.post(OPEN, target="/nowhere")
    begin = time.monotonic()
    gate.terminate()
    for peer in (*peers, refused):
        assert peer.rest() == b""
    ends_well(gate)
    assert time.monotonic() - begin < 10.0
    assert [s.ended_by for s in backend.sessions.values()] == ["CloseSession"] * 7


@pytest.mark.smoke
@pytest.mark.parametrize("others", [0, 4])
def test_the_end_while_a_statement_runs(make_http: Callable, others: int) -> None:
    """It may be waited for, read and closed on the connection that is there; new work is refused.
    Idle connections don't hold it up."""
    gate, backend = make_http(bystanders=0)
    peer = http_peer(gate)
    session = peer.open()
    idle = [http_peer(gate) for _ in range(others)]
    for other in idle:
        other.call("GetInfo", info_fields(session)).ok()
    operation = peer.execute(session, "RUN on", run_async=True)
    gate.terminate()
    gate.wait_log("stopping")
    time.sleep(0.5)
    assert gate.hivegate.alive
    assert peer.operation_state(operation) == RUNNING
    reply = peer.call("ExecuteStatement", execute_fields(session, "SELECT 2"))
    assert reply.sql_state == "08S01" and "stopping" in reply.error
    reply = peer.call("OpenSession", open_fields())
    assert reply.sql_state == "08S01" and "stopping" in reply.error
    begin = time.monotonic()
    peer.close_operation(operation).ok()
    ends_well(gate)
    assert time.monotonic() - begin < 5.0
    assert backend.session("alice").ended_by == "CloseSession"
    for other in (peer, *idle):
        assert other.rest() == b""


@pytest.mark.smoke
def test_the_end_while_a_statement_runs_on_another_worker(make_http: Callable) -> None:
    """Whichever connection is left may wait for it and close it."""
    gate, backend = make_http(bystanders=0)
    peers = [http_peer(gate) for _ in range(4)]
    session = peers[0].open()
    for peer in peers:  # so that each is known to a worker
        peer.call("GetInfo", info_fields(session)).ok()
    operation = peers[0].execute(session, "RUN on", run_async=True)
    gate.terminate()
    gate.wait_log("stopping")
    time.sleep(1.0)
    for peer in peers:
        assert peer.operation_state(operation) == RUNNING
    peers[0].close()
    time.sleep(0.5)
    assert peers[3].operation_state(operation) == RUNNING
    peers[1].close_operation(operation).ok()
    ends_well(gate)
    assert backend.session("alice").ended_by == "CloseSession"
    assert not backend.seen("CancelOperation")
    for peer in peers[1:]:
        assert peer.rest() == b""


@pytest.mark.smoke
def test_the_end_while_a_call_is_outstanding(make_http: Callable) -> None:
    gate, backend = make_http(bystanders=0)
    released = threading.Event()
    backend.on("ExecuteStatement", faults.held(released))
    peer = http_peer(gate)
    session = peer.open()
    peer.ask("ExecuteStatement", execute_fields(session, "SELECT 1"))
    backend.wait_call("ExecuteStatement")
    gate.terminate()
    gate.wait_log("stopping")
    time.sleep(0.3)
    released.set()
    operation = peer.receive_message().operation
    peer.fetch(operation).ok()
    peer.close_operation(operation).ok()
    ends_well(gate)
    assert backend.session("alice").ended_by == "CloseSession"


def test_the_end_is_bounded(make_http: Callable) -> None:
    """A statement that nobody ends is cancelled."""

    def change(config: dict) -> None:
        add_listener(config)
        config["shutdown_timeout"] = "1s"

    gate, backend = make_http(bystanders=0, change=change)
    peer = http_peer(gate)
    session = peer.open()
    peer.execute(session, "RUN for ever", run_async=True)
    sync = http_peer(gate)
    sync.ask("ExecuteStatement", execute_fields(sync.open(), "RUN and wait"))
    backend.wait_call("ExecuteStatement", count=2)
    begin = time.monotonic()
    gate.terminate()
    ends_well(gate)
    assert time.monotonic() - begin < 15.0
    assert [s.ended_by for s in backend.sessions.values()] == ["CloseSession"] * 2


def test_the_end_doesnt_wait_for_the_forsaken(make_http: Callable) -> None:
    """A session with an unclosed statement that nobody asks for any more, as PyHive leaves it."""

    def change(config: dict) -> None:
        add_listener(config)
        config["shutdown_timeout"] = "10m"

    gate, backend = make_http(bystanders=0, change=change)
    peer = http_peer(gate)
    peer.fetch(peer.execute(peer.open(), "SELECT 1")).ok()
    peer.close()
    gate.terminate()
    ends_well(gate)
    assert backend.session("alice").ended_by == "CloseSession"
