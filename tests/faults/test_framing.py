"""How requests are cut into frames, packets and messages, and where that can't be followed."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest
from e2e.harness import thrift_tree as tree

from .kit.backend import Backend
from .kit.gate import Gate, eventually, is_sanitized
from .kit.messages import (
    PROTOCOL_ERROR,
    Handle,
    call,
    execute_fields,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
)
from .kit.peer import Closed, Peer, frame

LISTENERS = ["thrift", "raw"]


def open_on(gate: Gate, listener: str) -> tuple[Peer, Handle]:
    """A session on either kind of listener."""
    if listener == "thrift":
        return gate.session()
    peer = gate.connect("raw")
    return peer, peer.open("alice", "alice-secret")


def info(session: Handle, seqid: int) -> bytes:
    return call("GetInfo", info_fields(session), seqid)


def in_frames(message: bytes, size: int) -> bytes:
    return b"".join(frame(message[at : at + size]) for at in range(0, len(message), size))


# ---- cuts that mean nothing ----


@pytest.mark.smoke
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 50])
def test_one_message_in_many_frames(gate: Gate, backend: Backend, size: int) -> None:
    peer, session = gate.session()
    for seqid in (5, 6):
        message = call("ExecuteStatement", execute_fields(session, "SELECT 'é'"), seqid)
        peer.send(in_frames(message, size))
        reply = peer.receive_message()
        assert reply.seqid == seqid
        assert reply.operation
    assert backend.seen("ExecuteStatement", "alice")[-1].statement == "SELECT 'é'"
    peer.close()


def test_one_message_cut_in_two_everywhere(gate: Gate) -> None:
    peer, session = gate.session()
    message = info(session, 9)
    for at in range(1, len(message)):
        peer.send(frame(message[:at]) + frame(message[at:]))
        assert peer.receive_message().ok().seqid == 9
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("count", [2, 20])
def test_many_messages_in_one_frame(gate: Gate, count: int) -> None:
    peer, session = gate.session()
    peer.send(frame(b"".join(info(session, seqid) for seqid in range(count))))
    assert [peer.receive_message().ok().seqid for _ in range(count)] == list(range(count))
    peer.close()


@pytest.mark.parametrize("size", [1, 7, 60, 95, 1000])
def test_messages_and_frames_out_of_step(gate: Gate, size: int) -> None:
    """Ends of messages and of frames have nothing to do with each other."""
    peer, session = gate.session()
    messages = b"".join(info(session, seqid) for seqid in range(12))
    peer.send(in_frames(messages, size))
    assert [peer.receive_message().ok().seqid for _ in range(12)] == list(range(12))
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_a_hundred_requests_in_a_row(gate: Gate, listener: str) -> None:
    """Pipelined: answered in their order, those that hivegate answers itself among them."""
    peer, session = open_on(gate, listener)
    operation = peer.execute(session, "SELECT 1")
    kinds = [
        ("GetInfo", info_fields(session)),
        ("GetOperationStatus", handle_fields(operation)),
        ("FetchResults", fetch_fields(operation)),
        ("GetInfo", info_fields(session, 42)),  # not one that goes to the backend
        ("GetLog", handle_fields(operation)),  # no such method
    ]
    for seqid in range(100):
        name, fields = kinds[seqid % len(kinds)]
        peer.send_message(call(name, fields, seqid))
    for seqid in range(100):
        reply = peer.receive_message()
        assert (reply.name, reply.seqid) == (kinds[seqid % len(kinds)][0], seqid)
    peer.close()


def test_more_requests_than_fit(gate: Gate) -> None:
    """Far more than hivegate keeps of requests that come too early: it reads them as it goes on."""
    peer, session = gate.session()
    message = frame(call("ExecuteStatement", execute_fields(session, "SELECT " + "x" * 2000), 1))
    count = 400
    peer.socket.settimeout(0.0)
    sent = bytearray(message * count)
    replies = bytearray()
    deadline = time.monotonic() + 60
    frames = 0
    while frames < count:
        assert time.monotonic() < deadline
        try:
            if sent:
                del sent[: peer.socket.send(sent)]
        except BlockingIOError:
            pass
        try:
            replies += peer.socket.recv(1 << 16)
        except BlockingIOError:
            time.sleep(0.002)
        while len(replies) >= 4 and len(replies) >= 4 + struct.unpack_from(">I", replies)[0]:
            del replies[: 4 + struct.unpack_from(">I", replies)[0]]
            frames += 1
    assert not sent and not replies
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_a_byte_at_a_time(gate: Gate, listener: str) -> None:
    peer, session = open_on(gate, listener)
    message = info(session, 77)
    for byte in frame(message) if peer.framed else message:
        peer.send(bytes([byte]))
        time.sleep(0.0005)
    assert peer.receive_message().ok().seqid == 77
    peer.close()


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("seqid", [0, -1, 1, 2**31 - 1, -(2**31)])
def test_any_seqid_is_echoed(gate: Gate, listener: str, seqid: int) -> None:
    peer, session = open_on(gate, listener)
    for _ in range(3):
        assert peer.call("GetInfo", info_fields(session), seqid).ok().seqid == seqid
    assert peer.call("GetLog", handle_fields(session), seqid).exception
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_heads_of_the_old_kind(gate: Gate, backend: Backend, listener: str) -> None:
    peer = gate.peer() if listener == "thrift" else gate.connect("raw")
    fields = open_fields("alice", "alice-secret")
    session = peer.call("OpenSession", fields, 3, strict=False).session
    fields = execute_fields(session, "SELECT 1")
    operation = peer.call("ExecuteStatement", fields, strict=False).operation
    peer.call("FetchResults", fetch_fields(operation), strict=False).ok()
    peer.call("CloseSession", handle_fields(session), strict=False).ok()
    assert backend.seen("FetchResults", "alice")  # the backend reads strict heads only
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_oneway_calls_are_answered(gate: Gate, listener: str) -> None:
    peer = gate.peer() if listener == "thrift" else gate.connect("raw")
    fields = open_fields("alice", "alice-secret")
    session = peer.call("OpenSession", fields, kind=tree.ONEWAY).session
    peer.call("GetInfo", info_fields(session), kind=tree.ONEWAY).ok()
    peer.call("CloseSession", handle_fields(session), kind=tree.ONEWAY).ok()
    peer.close()


@pytest.mark.parametrize("kind", [tree.REPLY, tree.EXCEPTION, 0, 5, 255])
def test_a_message_that_is_no_call(gate: Gate, kind: int) -> None:
    """Refused, and the connection goes on."""
    peer, session = gate.session()
    exception = peer.call("GetInfo", info_fields(session), 4, kind=kind).exception
    assert exception[0] == 2 and "no call" in exception[1]
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


# ---- large requests ----


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("megabytes", [3, 30])
def test_a_large_statement(gate: Gate, backend: Backend, listener: str, megabytes: int) -> None:
    peer, session = open_on(gate, listener)
    statement = "SELECT '" + "0123456789abcdef" * (megabytes << 16) + "'"
    peer.execute(session, statement)
    assert backend.seen("ExecuteStatement", "alice")[-1].statement == statement
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


def test_large_statements_leave_no_memory_behind(gate: Gate) -> None:
    statement = "SELECT '" + "y" * (20 << 20) + "'"
    peer, session = gate.session()
    peer.execute(session, statement)
    before = gate.rss_mb()
    for _ in range(5):
        peer.execute(session, statement)
    peer.close()
    if not is_sanitized():
        eventually(
            lambda: gate.rss_mb() < before + 12, lambda: f"{before:.0f} -> {gate.rss_mb():.0f} MB"
        )


@pytest.fixture
def small(make_gate: Callable[..., Gate], make_backend: Callable[..., Backend]) -> Gate:
    """A gateway for requests of at most 256 KiB."""
    return make_gate(make_backend(), limits={"message_size": "256KiB"}, raw=True)


@pytest.mark.smoke
def test_a_statement_over_the_limit_is_refused(small: Gate) -> None:
    for listener in LISTENERS:
        peer, session = open_on(small, listener)
        peer.execute(session, "SELECT '" + "x" * (255 << 10) + "'")
        message = call("ExecuteStatement", execute_fields(session, "x" * (300 << 10)), 8)
        peer.try_send(frame(message) if peer.framed else message)
        kind, text = peer.receive_message().exception
        assert kind == PROTOCOL_ERROR
        assert "larger than 262144 bytes" in text and "message_size" in text
        assert peer.rest() == b""
        peer.close()


def test_a_statement_over_the_limit_in_small_frames(small: Gate) -> None:
    peer, session = small.session()
    message = call("ExecuteStatement", execute_fields(session, "x" * (300 << 10)), 8)
    peer.try_send(in_frames(message, 10_000))
    kind, text = peer.receive_message().exception
    assert kind == PROTOCOL_ERROR and "message_size" in text
    assert peer.rest() == b""
    peer.close()


# ---- what can't be followed ----


@pytest.mark.smoke
@pytest.mark.parametrize("size", [0, 200 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_impossible_frame_lengths(gate: Gate, size: int) -> None:
    """Told why and ended, without waiting for so many bytes or making room for them."""
    before = gate.rss_mb()
    peer, _ = gate.session()
    peer.send(struct.pack(">I", size))
    kind, text = peer.receive_message().exception
    assert kind == PROTOCOL_ERROR
    assert ("empty frame" if size == 0 else "larger than") in text
    assert peer.rest() == b""
    peer.close()
    assert gate.rss_mb() < before + 50


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_a_claimed_length_takes_no_memory(gate: Gate, listener: str) -> None:
    """90 MB announced, 30 bytes sent, by fifty clients at once."""
    before = gate.rss_mb()
    peers = []
    for _ in range(50):
        peer, session = open_on(gate, listener)
        message = call("ExecuteStatement", execute_fields(session, "SELECT 1"))
        at = message.index(b"SELECT 1")
        message = message[: at - 4] + struct.pack(">i", 90 << 20)
        peer.send(struct.pack(">I", (90 << 20) + 500) + message if peer.framed else message)
        peers.append(peer)
    gate.check_bystanders()
    assert gate.rss_mb() < before + 60
    for peer in peers:
        peer.close()


NONSENSE = {
    "garbage": b"\x07garbage" * 9,
    "garbage behind a head": tree.head_bytes("GetInfo", 3) + b"\xf0\xf1\xf2" * 20,
    "name of 2 GB": struct.pack(">Ii", 0x80010001, 0x7FFFFFFF) + b"x" * 30,
    "name of -1 bytes": struct.pack(">Ii", 0x80010001, -1) + b"x" * 30,
    "no name": tree.head_bytes("", 3) + b"\0",
    "name with a NUL": tree.head_bytes("Get\0Info", 3) + b"\0",
    "name of 5000 bytes": tree.head_bytes("G" * 5000, 3) + b"\0",
    "another version": struct.pack(">Ii", 0x80020001, 7) + b"GetInfo" + bytes(5),
    "an unknown type": tree.head_bytes("GetInfo", 3) + struct.pack(">bh", 99, 1) + bytes(9),
    "string of -1 bytes": call("X", struct.pack(">bhi", 11, 1, -1) + b"\0"),
    "list of -1": call("X", struct.pack(">bhbi", 15, 1, 8, -1) + b"\0"),
    "map of -5": call("X", struct.pack(">bhbbi", 13, 1, 11, 11, -5) + b"\0"),
    "http": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
}


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_behind_a_login_ends_the_connection(
    gate: Gate, backend: Backend, listener: str, kind: str
) -> None:
    """The end of such a message can't be known: the client hears of it, and its session is closed
    at the backend."""
    peer, _ = open_on(gate, listener)
    data = NONSENSE[kind]
    peer.send(frame(data) if peer.framed else data)
    if listener == "raw" and kind == "http":
        peer.end_writing()  # seen as a name of 1.2 GB in a head of the old kind
    try:
        assert peer.receive_message().exception[0] == PROTOCOL_ERROR
    except Closed:
        pytest.fail("ended without a word")
    assert peer.rest() == b""
    peer.close()
    backend.wait_call("CloseSession", "alice")


def nested(depth: int, kind: int) -> bytes:
    """Args of structs, lists or maps in each other."""
    if kind == tree.STRUCT:
        return struct.pack(">bh", tree.STRUCT, 1) * depth + b"\0" * (depth + 1)
    if kind == tree.LIST:
        head = struct.pack(">bh", tree.LIST, 9)
        return head + struct.pack(">bi", tree.LIST, 1) * depth + struct.pack(">bi", 8, 0) + b"\0"
    head = struct.pack(">bh", tree.MAP, 9)
    inner = struct.pack(">bbi", 3, tree.MAP, 1) + b"\1"
    return head + inner * depth + struct.pack(">bbi", 3, 3, 0) + b"\0"


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("kind", [tree.STRUCT, tree.LIST, tree.MAP])
@pytest.mark.parametrize("depth", [64, 5000, 200_000])
def test_nesting_bombs(gate: Gate, listener: str, kind: int, depth: int) -> None:
    peer, session = open_on(gate, listener)
    for name in ("GetInfo", "GetNothing"):
        message = call(name, nested(depth, kind))
        if not peer.try_send(frame(message) if peer.framed else message):
            break
        exception = peer.receive_message().exception
        assert exception[0] == PROTOCOL_ERROR
        if "32 deep" in exception[1] or "Thrift" in exception[1]:
            assert peer.rest() == b""
            break
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("count", [1000, 10_000_000, 0x7FFFFFFF])
@pytest.mark.parametrize("element", [tree.STRUCT, tree.STRING, tree.BOOL, tree.I64])
def test_giant_counts(gate: Gate, listener: str, count: int, element: int) -> None:
    """A list of two thousand million elements that never come: no memory, no time, no effect on
    the others; what is there of it isn't complete, so hivegate waits, and the client leaves."""
    before, cpu = gate.rss_mb(), gate.cpu_seconds()
    peer, _ = open_on(gate, listener)
    message = call("GetInfo", struct.pack(">bhbi", 15, 77, element, count) + b"\0" * 100)
    peer.send(frame(message) if peer.framed else message)
    gate.check_bystanders()
    peer.close()
    assert gate.rss_mb() < before + 50
    assert gate.cpu_seconds() < cpu + 5


def test_a_long_list_costs_little(gate: Gate) -> None:
    """Forty million bools in a field that nobody knows: one walk over them, then forwarded."""
    peer, session = gate.session()
    many = 40_000_000
    fields = [(1, tree.STRUCT, session.fields), (2, tree.I32, 17)]
    inner = tree.struct_bytes(fields)[:-1]
    inner += struct.pack(">bhbi", tree.LIST, 999, tree.BOOL, many) + b"\1" * many + b"\0"
    args = struct.pack(">bh", tree.STRUCT, 1) + inner + b"\0"
    # not decoded by the slow backend: hivegate answers this type itself
    args = args.replace(struct.pack(">bhi", tree.I32, 2, 17), struct.pack(">bhi", tree.I32, 2, 42))
    cpu = gate.cpu_seconds()
    peer.call("GetInfo", args)
    assert gate.cpu_seconds() < cpu + (30 if is_sanitized() else 3)
    peer.close()


# ---- slow writers and half-closed sockets ----


@pytest.fixture
def hurried(make_gate: Callable[..., Gate], make_backend: Callable[..., Backend]) -> Gate:
    """A gateway that gives a request half a second."""
    return make_gate(make_backend(), limits={"request_timeout": "500ms"}, raw=True)


@pytest.mark.smoke
def test_a_request_that_stops_is_given_up(hurried: Gate) -> None:
    for listener in LISTENERS:
        peer, session = open_on(hurried, listener)
        message = info(session, 5)
        peer.send((frame(message) if peer.framed else message)[:-1])
        peer.rest()
        peer.close()
    hurried.wait_log("request_timed_out")


def test_a_request_that_never_ends_is_given_up(hurried: Gate) -> None:
    for listener in LISTENERS:
        peer, session = open_on(hurried, listener)
        message = call("ExecuteStatement", execute_fields(session, "x" * 100_000))
        data = frame(message) if peer.framed else message
        deadline = time.monotonic() + 30
        for byte in data:
            if not peer.try_send(bytes([byte])):
                break
            assert time.monotonic() < deadline, "a slow writer stayed for 30 s"
            time.sleep(0.02)
        peer.close()


def test_idle_clients_and_slow_calls_have_no_deadline(hurried: Gate) -> None:
    backend = hurried.backends[0]
    peer, session = hurried.session()
    time.sleep(1.2)

    def slowly(turn) -> None:
        time.sleep(1.2)
        turn.answer()

    backend.on("GetInfo", slowly, user="alice")
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("listener", LISTENERS)
def test_a_half_closed_socket_gets_its_answer(gate: Gate, listener: str) -> None:
    peer, session = open_on(gate, listener)
    peer.send_message(info(session, 31))
    peer.end_writing()
    assert peer.receive_message().ok().seqid == 31
    assert peer.rest() == b""
    peer.close()


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_half_closed_socket_gets_all_its_answers(gate: Gate, listener: str) -> None:
    peer, session = open_on(gate, listener)
    for seqid in range(10):
        peer.send_message(info(session, seqid))
    peer.end_writing()
    assert [peer.receive_message().ok().seqid for _ in range(10)] == list(range(10))
    assert peer.rest() == b""
    peer.close()


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_half_closed_idle_socket_is_closed(gate: Gate, backend: Backend, listener: str) -> None:
    peer, _ = open_on(gate, listener)
    peer.end_writing()
    assert peer.rest() == b""
    peer.close()
    backend.wait_call("CloseSession", "alice")


def test_a_half_closed_socket_in_the_middle_of_a_request(gate: Gate) -> None:
    peer, session = gate.session()
    peer.send(frame(info(session, 1))[:-5])
    peer.end_writing()
    assert peer.rest() == b""
    peer.close()
