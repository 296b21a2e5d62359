"""Replies of hundreds of megabytes in bounded memory, whatever the framing on either side; clients
that read them slowly or not at all; backends that fail in the middle."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable

import pytest

from .kit import faults
from .kit.backend import Backend
from .kit.gate import Gate, eventually, is_sanitized
from .kit.messages import BigFetch, Handle, call, fetch_fields, info_fields
from .kit.peer import Closed, Peer, frame

MB = 1_000_000
ROOM = 400 if is_sanitized() else 12  # MB that hivegate may grow by, in all of these


def open_big(gate: Gate, size: int, listener: str = "thrift", **how) -> tuple[Peer, Handle, Handle]:
    """A session with an operation whose every fetch has so many bytes."""
    if listener == "thrift":
        peer, session = gate.session(**how)
    else:
        peer = gate.connect("raw", **how)
        session = peer.open("alice", "alice-secret")
    return peer, session, peer.execute(session, f"BYTES {size}")


class Watched:
    """The largest resident memory of hivegate while something goes on."""

    def __init__(self, gate: Gate):
        self.gate = gate
        self.before = self.most = gate.rss_mb()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._ending.wait(0.02):
            self.most = max(self.most, self.gate.rss_mb())

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, kind, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        if kind is None:
            assert self.most < self.before + ROOM, f"{self.before:.0f} -> {self.most:.0f} MB"


@pytest.mark.smoke
@pytest.mark.parametrize("backend_sasl", [True, False], ids=["sasl-backend", "raw-backend"])
@pytest.mark.parametrize("listener", ["thrift", "raw"])
def test_300_megabytes(
    make_gate: Callable, make_backend: Callable, backend_sasl: bool, listener: str
) -> None:
    """In all four combinations. Where the backend's frame says how long the reply is, it stays one
    frame; from bare Thrift to SASL it comes in several."""
    backend = make_backend(sasl=backend_sasl)
    gate = make_gate(backend, raw=True)
    peer, session, operation = open_big(gate, 300 * MB, listener)
    peer.call("GetInfo", info_fields(session)).ok()
    with Watched(gate):
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        frames = peer.read_big(BigFetch(seqid, 300 * MB))
    if listener == "raw":
        assert frames == 0
    elif backend_sasl:
        assert frames == 1
    else:
        assert frames > 1
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()
    peer.close()


@pytest.mark.parametrize("size", [60_000, 65_000, 66_000, 130_000, 261_000, 263_000, 530_000])
@pytest.mark.parametrize("backend_sasl", [True, False], ids=["sasl-backend", "raw-backend"])
def test_sizes_around_the_buffers(
    make_gate: Callable, make_backend: Callable, backend_sasl: bool, size: int
) -> None:
    backend = make_backend(sasl=backend_sasl)
    gate = make_gate(backend, raw=True, bystanders=1)
    for listener in ("thrift", "raw"):
        peer, session, operation = open_big(gate, size, listener)
        for _ in range(3):
            seqid = peer.ask("FetchResults", fetch_fields(operation))
            peer.read_big(BigFetch(seqid, size))
        for piece in (9000, 40_000):
            backend.on("FetchResults", faults.trickle(piece, 0.001), user="alice")
            seqid = peer.ask("FetchResults", fetch_fields(operation))
            peer.read_big(BigFetch(seqid, size))
        peer.call("GetInfo", info_fields(session)).ok()
        peer.close()


@pytest.mark.smoke
def test_pipelined_large_replies(gate: Gate) -> None:
    """Five fetches asked for at once; each reply whole, in order, and nothing in between."""
    peer, session, operation = open_big(gate, 5 * MB)
    with Watched(gate):
        seqids = [peer.ask("FetchResults", fetch_fields(operation)) for _ in range(5)]
        last = peer.ask("GetInfo", info_fields(session))
        time.sleep(0.3)
        for seqid in seqids:
            assert peer.read_big(BigFetch(seqid, 5 * MB)) == 1
        assert peer.receive_message().ok().seqid == last
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", ["thrift", "raw"])
def test_a_slow_reader(gate: Gate, listener: str) -> None:
    """30 MB read at its leisure: hivegate doesn't hold what the client doesn't take, and the
    others don't notice."""
    peer, session, operation = open_big(gate, 30 * MB, listener, receive_buffer=65536)
    with Watched(gate):
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        gate.check_bystanders(5)
        time.sleep(0.5)
        gate.check_bystanders(5)
        peer.read_big(BigFetch(seqid, 30 * MB), pace=0.0005, piece=50_000)
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.smoke
def test_many_readers_that_stop(make_gate: Callable, make_backend: Callable) -> None:
    """Thirty clients ask for 10 MB each and read nothing. What is kept for them is bounded, the
    others go on, and they may still read on later."""
    backend = make_backend()
    gate = make_gate(backend)
    stuck = [open_big(gate, 10 * MB, receive_buffer=65536) for _ in range(30)]
    before = gate.rss_mb()
    asked = [(peer, peer.ask("FetchResults", fetch_fields(op))) for peer, _, op in stuck]
    gate.check_bystanders(20)
    time.sleep(0.5)
    assert gate.rss_mb() < before + ROOM + 30 * 0.6
    for peer, seqid in asked[:3]:
        peer.read_big(BigFetch(seqid, 10 * MB))
    for peer, _, _ in stuck:
        peer.close()


@pytest.mark.smoke
def test_a_reader_that_stops_for_good(make_gate: Callable, make_backend: Callable) -> None:
    """It holds a session and a backend until tcp: user_timeout; then both are given back."""

    def hasty(config: dict) -> None:
        config["tcp"] = {"clients": {"user_timeout": "1s"}}

    backend = make_backend()
    gate = make_gate(backend, change=hasty)
    peer, _, operation = open_big(gate, 10 * MB, receive_buffer=65536)
    peer.ask("FetchResults", fetch_fields(operation))
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends", 60.0)
    peer.close()


def test_a_client_that_asks_and_never_reads(gate: Gate) -> None:
    """It sends requests for as long as they are taken; hivegate stops reading them in time."""
    peer, session = gate.session(receive_buffer=65536)
    message = frame(b"".join([_get_info(session)] * 50))
    peer.socket.settimeout(1.0)
    sent = 0
    with Watched(gate):
        while sent < 60 * MB and peer.try_send(message):
            sent += len(message)
    assert sent < 60 * MB, "hivegate takes requests whose answers nobody reads, without an end"
    gate.check_bystanders()
    peer.close()


def _get_info(session: Handle) -> bytes:
    return call("GetInfo", info_fields(session, 42), 1)  # hivegate answers this one itself


# ---- backends that fail in the middle ----

MIDDLE = {"closes": faults.close, "resets": faults.reset}


@pytest.mark.smoke
@pytest.mark.parametrize("then", MIDDLE)
@pytest.mark.parametrize("backend_sasl", [True, False], ids=["sasl-backend", "raw-backend"])
@pytest.mark.parametrize("sent", [3 * MB, 9 * MB])
def test_the_backend_ends_in_the_middle(
    make_gate: Callable, make_backend: Callable, then: str, backend_sasl: bool, sent: int
) -> None:
    """Half a reply is out: the client's connection ends there, as nothing else would be true; its
    other sessions are closed."""
    backend = make_backend(sasl=backend_sasl)
    gate = make_gate(backend, raw=True, bystanders=1)
    for listener in ("thrift", "raw"):
        peer, _, operation = open_big(gate, 10 * MB, listener)
        peer.open("alice", "alice-secret")
        fault = faults.big_until(10 * MB, sent, MIDDLE[then])
        backend.on("FetchResults", fault, user="alice")
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        with pytest.raises((Closed, ConnectionError)):
            peer.read_big(BigFetch(seqid, 10 * MB))
        peer.close()
        backend.wait_call("CloseSession", "alice")
        backend.forget()


def test_the_backend_falls_silent_in_the_middle(gate: Gate, backend: Backend) -> None:
    """The client waits as it would without hivegate, and can leave."""
    peer, session, operation = open_big(gate, 10 * MB)
    backend.on("FetchResults", faults.big_until(10 * MB, 3 * MB, faults.silence), user="alice")
    peer.ask("FetchResults", fetch_fields(operation))
    peer.receive(2 * MB)
    with gate.peer("alice") as other:
        other.call("GetInfo", info_fields(session)).ok()
    gate.check_bystanders()
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "the session ends")


@pytest.mark.smoke
@pytest.mark.parametrize("tail", ["garbage", "more", "another reply"])
def test_a_large_reply_that_goes_on(gate: Gate, backend: Backend, tail: str) -> None:
    """Bytes behind the end that the frame announced: never taken for the next answer."""
    peer, session, operation = open_big(gate, 3 * MB)

    def goes_on(turn) -> None:
        big = BigFetch(turn.call.seqid, 3 * MB)
        behind = {
            "garbage": b"\xff" * 100,
            "more": frame(b"x" * 5000),
            "another reply": frame(big.whole()),
        }[tail]
        turn.raw(frame(big.whole()) + behind)
        turn.silence()

    backend.on("FetchResults", goes_on, user="alice")
    seqid = peer.ask("FetchResults", fetch_fields(operation))
    try:
        peer.read_big(BigFetch(seqid, 3 * MB))
        peer.ask("GetInfo", info_fields(session))
        assert "session is lost" in peer.receive_message().error
    except (Closed, ConnectionError):
        pass  # the end is as good an answer
    peer.close()


def test_a_large_reply_with_a_wrong_head(gate: Gate, backend: Backend) -> None:
    def wrong(turn) -> None:
        turn.raw(frame(BigFetch(turn.call.seqid + 1, 3 * MB).whole()))

    peer, session, operation = open_big(gate, 3 * MB)
    backend.on("FetchResults", wrong, user="alice")
    assert "answers another call" in peer.fetch(operation).error
    peer.close()


def test_a_large_reply_without_frames_that_turns_bad(
    make_gate: Callable, make_backend: Callable
) -> None:
    """Without SASL the end is found by walking over the bytes: where they stop being Thrift the
    client's connection ends."""
    backend = make_backend(sasl=False)
    gate = make_gate(backend, raw=True, bystanders=1)

    def turns_bad(turn) -> None:
        big = BigFetch(turn.call.seqid, 5 * MB)
        data = bytearray(big.whole())
        at = len(big.head) + 40 * (65536 + 4)
        data[at : at + 4] = struct.pack(">i", -7)
        turn.raw(bytes(data))
        turn.silence()

    for listener in ("thrift", "raw"):
        peer, _, operation = open_big(gate, 5 * MB, listener)
        backend.on("FetchResults", turns_bad, user="alice")
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        with pytest.raises((Closed, ConnectionError, AssertionError)):
            peer.read_big(BigFetch(seqid, 5 * MB))
        peer.close()


def test_memory_comes_back(gate: Gate) -> None:
    """After all that: what was used is given back."""
    before = gate.rss_mb()
    for _ in range(3):
        peer, _, operation = open_big(gate, 40 * MB)
        seqid = peer.ask("FetchResults", fetch_fields(operation))
        peer.read_big(BigFetch(seqid, 40 * MB))
        peer.close()
    eventually(lambda: gate.rss_mb() < before + ROOM, lambda: f"{before} -> {gate.rss_mb()} MB")
