"""A backend that misbehaves in the middle of a session: the client gets a clear error or a clean
end, never another call's answer, never a hang."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable

import pytest
from e2e.harness import thrift_tree as tree

from .kit import faults
from .kit.backend import Backend, Fault, Turn
from .kit.gate import Gate
from .kit.messages import (
    ERROR_STATUS,
    PROTOCOL_ERROR,
    BigFetch,
    Handle,
    Reply,
    answer,
    call,
    error_answer,
    exception_answer,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
    status,
)
from .kit.peer import Closed, Peer, frame

# ---- faults in the place of a small reply ----


def changed_seqid(turn: Turn) -> None:
    message = bytearray(turn.normal())
    at = 8 + len(turn.call.name)
    message[at : at + 4] = struct.pack(">i", turn.call.seqid + 1)
    turn.answer(bytes(message))


def changed_name(turn: Turn) -> None:
    name = turn.call.name.encode()
    turn.answer(turn.normal().replace(name, name[::-1], 1))


REPLY_FAULTS: dict[str, Fault] = {
    "closes": faults.close,
    "resets": faults.reset,
    "closes in the answer": faults.half_then_close,
    "another seqid": changed_seqid,
    "another name": changed_name,
    "another call's answer": faults.message_instead(answer("OpenSession", 1, [])),
    "a call": faults.message_instead(call("GetInfo", [])),
    "garbage": faults.bytes_instead(b"\xff\xfe" * 500),
    "garbage in a frame": faults.bytes_instead(frame(b"\xff\xfe" * 500)),
    "text": faults.bytes_instead(b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
    "a little garbage": faults.bytes_instead(b"\0\0\0\x40\xff\xfe"),
    "an empty frame": faults.bytes_instead(b"\0\0\0\0" * 3),
    "a negative length": faults.bytes_instead(b"\x80\x00\x00\x10" + b"x" * 99),
    "a nesting bomb": faults.bytes_instead(
        frame(tree.head_bytes("GetInfo", 1, tree.REPLY) + b"\x0c\0\1" * 20_000)
    ),
    "a list of -1": faults.bytes_instead(
        frame(tree.head_bytes("GetInfo", 1, tree.REPLY) + b"\x0f\0\1\x08\xff\xff\xff\xff\0")
    ),
    "two messages in a frame": faults.edited(lambda m: m + m),
    "bytes behind the answer": faults.edited(lambda m: m + b"\0\0\0"),
    "half a message in a frame": faults.bytes_instead(
        frame(tree.head_bytes("GetInfo", 1, tree.REPLY)), True
    ),
}


def one_call(peer: Peer, session: Handle, operation: Handle, name: str) -> Reply:
    if name == "GetInfo":
        return peer.call(name, info_fields(session))
    if name == "FetchResults":
        return peer.call(name, fetch_fields(operation))
    return peer.call(name, handle_fields(session if name == "GetTables" else operation))


def is_lost(reply: Reply, backend: Backend) -> None:
    assert reply.sql_state == "08S01"
    assert "session is lost" in reply.error
    assert backend.address in reply.error
    assert "Connect again" in reply.error


@pytest.mark.smoke
@pytest.mark.parametrize("name", ["GetInfo", "FetchResults", "GetOperationStatus", "GetTables"])
@pytest.mark.parametrize("kind", REPLY_FAULTS)
def test_a_bad_reply_loses_the_session(gate: Gate, backend: Backend, kind: str, name: str) -> None:
    """The call gets a clear error, and so does every later one on that session; the connection is
    good for another session."""
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    backend.on(name, REPLY_FAULTS[kind], user="alice")
    is_lost(one_call(peer, session, operation, name), backend)
    is_lost(one_call(peer, session, operation, name), backend)
    is_lost(peer.call("GetInfo", info_fields(session)), backend)
    is_lost(peer.fetch(operation), backend)
    peer.close_operation(operation).ok()
    peer.close_session(session).ok()
    assert "Invalid SessionHandle" in peer.call("GetInfo", info_fields(session)).error
    other = peer.open()
    peer.call("GetInfo", info_fields(other)).ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", ["closes", "garbage", "another seqid"])
def test_only_the_session_of_the_bad_connection_is_lost(
    gate: Gate, backend: Backend, kind: str
) -> None:
    peer = gate.peer()
    sessions = [peer.open() for _ in range(3)]
    backend.on("GetInfo", REPLY_FAULTS[kind], user="alice")
    is_lost(peer.call("GetInfo", info_fields(sessions[1])), backend)
    for session in (sessions[0], sessions[2]):
        peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", REPLY_FAULTS)
def test_a_bad_reply_to_a_call_from_another_connection(
    gate: Gate, backend: Backend, kind: str
) -> None:
    """It breaks the connection that was made for this call, and not the session."""
    owner, session = gate.session()
    home = backend.seen("OpenSession", "alice")[0].connection
    helper = gate.peer("alice")
    backend.on("GetInfo", REPLY_FAULTS[kind], user="alice", wanted=lambda c: c.connection != home)
    reply = helper.call("GetInfo", info_fields(session))
    assert reply.sql_state == "08S01" and "Try again" in reply.error
    helper.call("GetInfo", info_fields(session)).ok()
    owner.call("GetInfo", info_fields(session)).ok()
    helper.close()
    owner.close()


@pytest.mark.smoke
def test_a_backend_that_leaves_an_idle_session(gate: Gate, backend: Backend) -> None:
    peer, session = gate.session()
    operation = peer.execute(session, "RUN forever", run_async=True)
    hang_up(backend, "alice")
    for _ in range(2):
        is_lost(peer.call("GetInfo", info_fields(session)), backend)
        is_lost(peer.call("GetOperationStatus", handle_fields(operation)), backend)
    peer.close_session(session).ok()
    assert peer.close_session(session).error == "Session does not exist!"
    gate.wait_log("session_lost")
    peer.close()


def hang_up(backend: Backend, user: str) -> None:
    """The backend ends the connection of the user's last session."""
    import socket

    number = backend.session(user).connection
    connection = next(c for c in backend.connections if c.number == number)
    connection.socket.shutdown(socket.SHUT_RDWR)
    backend.wait_until(lambda: not connection.open, "the connection ends")


def test_a_lost_session_seen_from_another_connection(gate: Gate, backend: Backend) -> None:
    owner, session = gate.session()
    operation = owner.execute(session, "SELECT 1")
    hang_up(backend, "alice")
    gate.wait_log("session_lost")
    helper = gate.peer("alice")
    is_lost(helper.call("GetInfo", info_fields(session)), backend)
    is_lost(helper.fetch(operation), backend)
    thief = gate.peer("carol")
    assert "Invalid SessionHandle" in thief.call("GetInfo", info_fields(session)).error
    helper.close_session(session).ok()
    assert "Invalid SessionHandle" in owner.call("GetInfo", info_fields(session)).error
    for peer in (owner, helper, thief):
        peer.close()


def test_a_client_leaves_with_a_lost_session(gate: Gate, backend: Backend) -> None:
    peer, session = gate.session()
    peer.execute(session, "RUN forever", run_async=True)
    hang_up(backend, "alice")
    peer.close()
    assert not backend.seen("CloseSession", "alice")


@pytest.mark.smoke
def test_two_replies_for_one_call(gate: Gate, backend: Backend) -> None:
    """The second answers nothing: the next call never gets it."""
    for pause in (0.0, 0.2):
        peer, session = gate.session()
        backend.on("GetInfo", faults.twice, user="alice")
        peer.call("GetInfo", info_fields(session), 5).ok()
        time.sleep(pause)
        is_lost(peer.call("GetInfo", info_fields(session), 5), backend)
        peer.close()


def test_two_replies_at_once_and_a_call_that_waits(gate: Gate, backend: Backend) -> None:
    """The second call is sent when the first is answered, with the same name and seqid, as some
    clients never count: what has come before it was sent isn't its answer."""

    def both(turn: Turn) -> None:
        turn.raw(frame(turn.normal()) * 2)

    peer, session = gate.session()
    backend.on("GetInfo", both, user="alice")
    for _ in range(2):
        peer.ask("GetInfo", info_fields(session), 0)
    peer.receive_message().ok()
    is_lost(peer.receive_message(), backend)
    peer.close()


def test_bytes_that_nobody_asked_for(gate: Gate, backend: Backend) -> None:
    """A reply to an idle session, before any call: not taken for the answer to the next."""
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")

    def early(turn: Turn) -> None:
        turn.answer()
        time.sleep(0.1)
        turn.answer(error_answer("GetOperationStatus", 9, "made up"))

    backend.on("GetInfo", early, user="alice")
    peer.call("GetInfo", info_fields(session)).ok()
    gate.wait_log("bytes came that answer no call")
    reply = peer.call("GetOperationStatus", handle_fields(operation), 9)
    is_lost(reply, backend)
    peer.close()


def test_nonsense_on_a_kept_connection(gate: Gate, backend: Backend) -> None:
    """It is dropped, and the next session doesn't notice."""

    def nonsense(turn: Turn) -> None:
        turn.answer()
        time.sleep(0.05)
        turn.raw(b"\xff" * 100)

    peer, session = gate.session()
    backend.on("CloseSession", nonsense, user="alice")
    peer.close_session(session).ok()
    for _ in range(3):
        peer.call("GetInfo", info_fields(peer.open())).ok()
        time.sleep(0.05)
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("piece", [1, 3, 4, 5, 40])
def test_a_reply_in_small_packets(gate: Gate, backend: Backend, piece: int) -> None:
    peer, session = gate.session()
    for name in ("GetInfo", "GetTables"):
        backend.on(name, faults.trickle(piece, 0.001), user="alice")
        one_call(peer, session, session, name).ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("size", [1, 2, 7, 20, 60])
def test_a_small_reply_in_several_frames(gate: Gate, backend: Backend, size: int) -> None:
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    for name in ("GetInfo", "GetTables", "FetchResults", "GetOperationStatus"):
        backend.on(name, faults.split_frames(size), user="alice")
        one_call(peer, session, operation, name).ok()
        one_call(peer, session, operation, name).ok()
    backend.on("OpenSession", faults.split_frames(size), user="alice")
    peer.call("GetInfo", info_fields(peer.open())).ok()
    peer.close()


@pytest.mark.parametrize("total", [50_000, 150_000, 400_000])
@pytest.mark.parametrize("size", [1000, 16_384, 60_000, 65_536, 100_000, 200_000])
def test_a_large_reply_in_several_frames(gate: Gate, backend: Backend, size: int, total: int) -> None:
    """No server is known to do it. Either all of it arrives, or the client hears that it doesn't:
    it never waits for the rest."""
    peer, session = gate.session()
    operation = peer.execute(session, f"BYTES {total}")
    backend.on("FetchResults", faults.split_frames(size), user="alice")
    peer.ask("FetchResults", fetch_fields(operation), 3)
    try:
        reply = peer.receive_message()
    except Closed:
        peer.close()
        return
    if reply.code == ERROR_STATUS:
        assert "lost" in reply.error
    else:
        assert reply.raw == BigFetch(3, total).whole()
        peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


# ---- silence ----


@pytest.mark.smoke
def test_a_silent_backend_hurts_nobody_else(gate: Gate, backend: Backend) -> None:
    """A call may take for ever; the client can go away, or cancel over another connection."""
    released = threading.Event()
    backend.on("GetOperationStatus", faults.held(released), user="alice")
    peer, session = gate.session()
    operation = peer.execute(session, "RUN forever", run_async=True)
    seqid = peer.ask("GetOperationStatus", handle_fields(operation))
    backend.wait_call("GetOperationStatus", "alice")
    gate.check_bystanders(10)
    with gate.peer("alice") as other:
        other.call("CancelOperation", handle_fields(operation)).ok()
        assert other.operation_state(operation) == 3
    released.set()
    reply = peer.receive_message().ok()
    assert reply.seqid == seqid and tree.get(reply.fields, 2) == 3
    peer.close()


def test_a_slow_login_of_a_second_connection(gate: Gate, backend: Backend) -> None:
    """hivegate needs another connection for a call, and the backend takes its time."""
    gate.keep_opening(False)
    owner, session = gate.session()
    backend.drop_idle()
    backend.on("login", faults.late(0.5), user="alice", times=None)
    with gate.peer("alice") as helper:
        helper.call("GetInfo", info_fields(session)).ok()
    backend.clear()
    owner.close()


def test_a_refused_login_of_a_second_connection(gate: Gate, backend: Backend) -> None:
    gate.keep_opening(False)
    owner, session = gate.session()
    backend.drop_idle()
    backend.on("login", faults.refuse_login("not now"), user="alice", times=None)
    with gate.peer("alice") as helper:
        reply = helper.call("GetInfo", info_fields(session))
        assert "not now" in reply.error and backend.address in reply.error
    owner.call("GetInfo", info_fields(session)).ok()
    backend.clear()
    owner.close()


# ---- errors that name handles ----


@pytest.mark.smoke
@pytest.mark.parametrize("form", ["uuid", "upper", "java"])
@pytest.mark.parametrize("kind", ["status", "exception"])
def test_errors_name_the_clients_handles(gate: Gate, backend: Backend, form: str, kind: str) -> None:
    """A backend's own handle in an error text is a secret half given away, and would confuse."""

    def named(handle: Handle) -> str:
        if form == "java":
            halves = (half.hex(" ").upper() for half in (handle.guid, handle.secret))
            return "guid:{}, secret:{}".format(*halves)
        return handle.text.upper() if form == "upper" else handle.text

    def complain(turn: Turn) -> None:
        theirs = backend.session("alice")
        operation = next(iter(theirs.operations.values()))
        text = f"é [{named(theirs.handle)}] and {named(operation.handle)} of {'x' * 3000}."
        name, seqid = turn.call.name, turn.call.seqid
        if kind == "status":
            turn.answer(error_answer(name, seqid, text))
        else:
            turn.answer(exception_answer(name, seqid, PROTOCOL_ERROR, text))

    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    backend.on("FetchResults", complain, user="alice")
    error = peer.fetch(operation).error
    if form == "upper":  # nobody writes it so; whatever comes of it, the reply must be whole
        assert error.startswith("é [")
    else:
        assert f"[{named(session)}]" in error and named(operation) in error
        theirs = backend.session("alice")
        assert named(theirs.handle) not in error
    assert error.endswith("x" * 3000 + ".")
    peer.close()


def test_an_operation_that_the_backend_forgot(gate: Gate, backend: Backend) -> None:
    """Spark's own text, with the client's handle in it."""
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    with backend.changed:
        backend.session("alice").operations.clear()
    for name in ("FetchResults", "GetOperationStatus", "CloseOperation"):
        fields = fetch_fields(operation) if name == "FetchResults" else handle_fields(operation)
        assert f"getHandleIdentifier()={operation.text}]" in peer.call(name, fields).error
    peer.close()


def test_failed_operations_are_told_as_they_came(gate: Gate, backend: Backend) -> None:
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    response = [
        (1, tree.STRUCT, status()),
        (2, tree.I32, 5),
        (3, tree.STRING, "42703"),
        (5, tree.STRING, "column x of " + "stack trace\n\tat frame " * 400),
    ]
    wanted = answer("GetOperationStatus", 12, response)
    backend.on("GetOperationStatus", faults.message_instead(wanted), user="alice")
    assert peer.call("GetOperationStatus", handle_fields(operation), 12).raw == wanted
    peer.close()


# ---- replies that hold what they shouldn't ----


@pytest.mark.parametrize("kind", ["no handle", "short handle", "no status", "empty"])
def test_an_odd_reply_to_open_session(gate: Gate, backend: Backend, kind: str) -> None:
    """Whatever such a reply is, it opens no session at hivegate, and the client gets an answer."""
    handle = Handle(b"g" * 8, b"s" * 16)
    odd = {
        "no handle": [(1, tree.STRUCT, status()), (2, tree.I32, 9)],
        "short handle": [
            (1, tree.STRUCT, status()),
            (2, tree.I32, 9),
            (3, tree.STRUCT, handle.fields),
        ],
        "no status": [(2, tree.I32, 9)],
        "empty": [],
    }[kind]

    def oddly(turn: Turn) -> None:
        turn.answer(answer("OpenSession", turn.call.seqid, odd))

    backend.on("OpenSession", oddly, user="alice")
    peer = gate.peer()
    peer.call("OpenSession", open_fields())
    if kind == "short handle":
        assert "handle" in peer.call("GetInfo", info_fields(handle)).error.lower()
    peer.open()
    peer.close()


def test_an_odd_reply_to_a_statement(gate: Gate, backend: Backend) -> None:
    peer, session = gate.session()
    for response in (
        [(1, tree.STRUCT, status())],
        [],
        [(1, tree.STRUCT, status()), (2, tree.STRUCT, Handle(b"short", b"s" * 16, 0).fields)],
    ):

        def oddly(turn: Turn, response=response) -> None:
            turn.answer(answer("GetTables", turn.call.seqid, response))

        backend.on("GetTables", oddly, user="alice")
        assert not peer.call("GetTables", handle_fields(session)).is_exception
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.parametrize("size", [20_000_000, 60_000_000])
def test_a_reply_larger_than_its_kind_can_be(
    make_gate: Callable, make_backend: Callable, size: int
) -> None:
    """A reply that hivegate must see whole can't be of any size; its memory stays bounded."""
    backend = make_backend()
    gate = make_gate(backend)
    peer, session = gate.session()
    before = gate.rss_mb()

    def huge(turn: Turn) -> None:
        big = answer("GetTables", turn.call.seqid, [(99, tree.STRING, b"x" * size)])
        turn.answer(big)

    backend.on("GetTables", huge, user="alice")
    is_lost(peer.call("GetTables", handle_fields(session)), backend)
    assert gate.rss_mb() < before + 60
    peer.close()
