"""Requests that are Thrift but not what the service says: refused in words, and the connection goes
on; handles that aren't the client's."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from e2e.harness import thrift_tree as tree
from e2e.harness.thrift_tree import BOOL, I32, I64, LIST, MAP, STRING, STRUCT

from .kit.backend import Backend
from .kit.gate import Gate
from .kit.messages import (
    CANCELED,
    PROTOCOL_ERROR,
    UNKNOWN_METHOD,
    Handle,
    call,
    execute_fields,
    fetch_fields,
    handle_fields,
    info_fields,
    open_fields,
    text_map,
)


def replaced(fields: Any, wanted: int, *instead: tuple[int, int, Any]) -> list:
    """The fields with those of one id replaced."""
    kept = [f for f in fields if f[0] != wanted]
    return [*kept, *instead]


def doubled(session: Handle) -> list:
    return [*execute_fields(session, "SELECT 1"), (2, STRING, "SELECT 2")]


def statement(text: bytes) -> Callable[[Handle], list]:
    return lambda session: replaced(execute_fields(session, ""), 2, (2, STRING, text))


def conf(*entries: tuple[bytes, bytes]) -> Callable[[Handle], list]:
    return lambda session: replaced(execute_fields(session, "X"), 3, (3, MAP, text_map(entries)))


def with_field(*field: Any) -> Callable[[Handle], list]:
    return lambda session: replaced(execute_fields(session, "X"), field[0], field)


def double_guid(session: Handle) -> list:
    identifier = [(1, STRING, session.guid), (2, STRING, session.secret), (1, STRING, b"x" * 16)]
    return replaced(execute_fields(session, "X"), 1, (1, STRUCT, [(1, STRUCT, identifier)]))


REFUSED = {
    "statement twice": (doubled, "appears twice"),
    "handle twice": (
        lambda s: [*execute_fields(s, "X"), (1, STRUCT, s.fields)],
        "appears twice",
    ),
    "guid twice": (double_guid, "appears twice"),
    "unknown field twice": (
        lambda s: [*execute_fields(s, "X"), (900, I32, 1), (900, I32, 2)],
        "appears twice",
    ),
    "statement as a list": (
        with_field(2, LIST, tree.Sequence(LIST, STRING, [b"SELECT 1"])),
        "is a list",
    ),
    "statement as an i32": (with_field(2, I32, 5), "is an i32"),
    "handle as a string": (with_field(1, STRING, b"handle"), "is a string"),
    "runAsync as a string": (with_field(4, STRING, b"yes"), "is a string"),
    "runAsync of 2": (with_field(4, BOOL, 2), "neither 0 nor 1"),
    "queryTimeout as an i32": (with_field(5, I32, 5), "is an i32"),
    "conf as a list": (with_field(3, LIST, tree.Sequence(LIST, I32, [])), "is a list"),
    "conf of numbers": (
        with_field(3, MAP, tree.Mapping(I32, I32, [(1, 2)])),
        "other elements than strings",
    ),
    "conf with a key twice": (conf((b"a", b"1"), (b"b", b"2"), (b"a", b"3")), "same key twice"),
    "conf of 5000 entries": (
        conf(*((b"key%d" % n, b"v") for n in range(5000))),
        "more than 4096 entries",
    ),
    "many keys, one of them twice": (
        conf(*((b"key%d" % (n % 2999), b"v") for n in range(3000))),
        "same key twice",
    ),
    "conf with a NUL key": (conf((b"a\0b", b"1")), "NUL"),
    "conf with a bad value": (conf((b"a", b"\xff\xfe")), "UTF-8"),
    "statement with a NUL": (statement(b"SELECT 1\0; DROP TABLE x"), "NUL"),
    "statement of bad UTF-8": (statement(b"SELECT '\xc3\x28'"), "UTF-8"),
    "statement with a surrogate": (statement(b"SELECT '\xed\xa0\x80'"), "UTF-8"),
    "statement overlong": (statement(b"SELECT '\xc0\xaf'"), "UTF-8"),
    "200 fields": (
        lambda s: [*execute_fields(s, "X"), *((1000 + n, I32, n) for n in range(200))],
        "more than 128 fields",
    ),
    "no statement": (lambda s: [(1, STRUCT, s.fields)], "statement"),
    "no handle": (lambda s: [(2, STRING, "SELECT 1")], "sessionHandle"),
    "no fields": (lambda s: [], "unset"),
}


@pytest.mark.smoke
@pytest.mark.parametrize("listener", ["thrift", "raw"])
@pytest.mark.parametrize("kind", REFUSED)
def test_bad_requests_are_refused_and_the_connection_goes_on(
    gate: Gate, backend: Backend, kind: str, listener: str
) -> None:
    make, why = REFUSED[kind]
    if listener == "thrift":
        peer, session = gate.session()
    else:
        peer = gate.connect("raw")
        session = peer.open("alice", "alice-secret")
    for strict in (True, False):
        reply = peer.call("ExecuteStatement", make(session), 7, strict=strict)
        assert reply.exception[0] == PROTOCOL_ERROR
        assert why in reply.exception[1]
        assert not backend.seen("ExecuteStatement", "alice"), "it went to the backend"
    peer.execute(session, "SELECT 1")
    peer.close()


@pytest.mark.parametrize("guid", [b"", b"short", b"x" * 15, b"x" * 17, b"x" * 1000])
def test_handles_of_another_size(gate: Gate, guid: bytes) -> None:
    peer, session = gate.session()
    for handle in (Handle(guid, session.secret), Handle(session.guid, guid)):
        assert "handle" in peer.call("GetInfo", info_fields(handle)).error.lower()
        assert "handle" in peer.call("CloseSession", handle_fields(handle)).error.lower()
        operation = Handle(handle.guid, handle.secret, 0)
        assert "handle" in peer.call("FetchResults", fetch_fields(operation)).error.lower()
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.smoke
def test_a_refused_message_among_good_ones(gate: Gate) -> None:
    """In one frame: the good ones before and behind it are answered."""
    peer, session = gate.session()
    good = call("GetInfo", info_fields(session), 1)
    bad = call("ExecuteStatement", doubled(session), 2)
    unknown = call("GetLog", handle_fields(session), 3)
    peer.send(len(good + bad + unknown + good).to_bytes(4, "big") + good + bad + unknown + good)
    peer.receive_message().ok()
    assert peer.receive_message().exception[0] == PROTOCOL_ERROR
    assert peer.receive_message().exception[0] == UNKNOWN_METHOD
    peer.receive_message().ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize("name", ["GetLog", "CloseImpalaOperation", "getinfo", "X" * 256, "a b%s"])
def test_unknown_methods(gate: Gate, backend: Backend, name: str) -> None:
    peer, session = gate.session()
    kind, text = peer.call(name, handle_fields(session), 42).exception
    assert (kind, text) == (UNKNOWN_METHOD, f"Invalid method name: '{name}'")
    assert not backend.seen(name)
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.parametrize("protocol", [-1, 11, 99, -7, 2**31 - 1])
def test_unknown_protocol_versions(gate: Gate, protocol: int) -> None:
    peer = gate.peer()
    reply = peer.call("OpenSession", open_fields(protocol=protocol))
    assert reply.exception[0] == PROTOCOL_ERROR and "client_protocol" in reply.exception[1]
    peer.open()
    peer.close()


@pytest.mark.parametrize("info_type", [0, 1, 2, 42, 47, 9999, -1, 2**31 - 1])
def test_info_that_would_make_a_server_hang_up(gate: Gate, info_type: int) -> None:
    peer, session = gate.session()
    peer.call("GetInfo", info_fields(session, info_type))  # an answer, whichever
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close()


@pytest.mark.smoke
@pytest.mark.parametrize(
    "key",
    [
        "hive.server2.proxy.user",
        "set:hiveconf:hive.server2.proxy.user",
        " SET: HiveConf: Hive.Server2.Proxy.User ",
        "set:system:user.name",
        "set:env:PATH",
        "set:metaconf:x",
    ],
)
def test_session_variables_that_never_pass(gate: Gate, backend: Backend, key: str) -> None:
    peer = gate.peer()
    reply = peer.call("OpenSession", open_fields(conf={"a": "b", key: "bob"}))
    assert reply.sql_state == "42501"
    assert not backend.seen("OpenSession", "alice")
    peer.open()
    peer.close()


def test_a_client_never_gives_its_password_away(gate: Gate, backend: Backend) -> None:
    """Neither that of its login nor one inside OpenSession reaches the backend."""
    peer = gate.peer()
    peer.open("root", "alice-secret")
    opening = backend.seen("OpenSession", "alice")[-1]
    assert tree.get(opening.fields, 2) == b"alice"
    assert b"alice-secret" not in tree.struct_bytes(opening.fields)
    assert backend.session("alice").user == "alice"
    peer.close()


# ---- other people's handles ----


@pytest.mark.smoke
def test_handles_belong_to_their_user(gate: Gate, backend: Backend) -> None:
    """Another user gets what an unknown handle gets, by every call; the owner, on another
    connection, gets in."""
    owner, session = gate.session("alice")
    operation = owner.execute(session, "RUN forever", run_async=True)
    thief = gate.peer("carol")
    for name in ("GetInfo", "CloseSession", "ExecuteStatement", "GetTables", "SetClientInfo"):
        fields = info_fields(session) if name == "GetInfo" else handle_fields(session)
        if name == "ExecuteStatement":
            fields = execute_fields(session, "SELECT 1")
        error = thief.call(name, fields).error
        if name == "CloseSession":
            assert error == "Session does not exist!"
        else:
            assert error == f"Invalid SessionHandle: SessionHandle [{session.text}]"
    for name in (
        "GetOperationStatus",
        "CancelOperation",
        "CloseOperation",
        "GetResultSetMetadata",
        "FetchResults",
        "GetQueryId",
    ):
        fields = fetch_fields(operation) if name == "FetchResults" else handle_fields(operation)
        error = thief.call(name, fields).error
        if name == "GetQueryId":  # its reply has no place for an error: as Spark answers
            assert error == "Internal error processing GetQueryId"
        else:
            assert "Invalid OperationHandle" in error
    assert not [c for c in backend.calls if c.user == "carol"]
    with gate.connect("raw") as stranger:  # who hasn't logged in at all
        assert "Invalid SessionHandle" in stranger.call("GetInfo", info_fields(session)).error
        assert "Invalid OperationHandle" in stranger.fetch(operation).error
    with gate.peer("alice") as second:
        second.call("GetInfo", info_fields(session)).ok()
        second.call("CancelOperation", handle_fields(operation)).ok()
        assert second.operation_state(operation) == CANCELED
        second.close_session(session).ok()
    assert "Invalid SessionHandle" in owner.call("GetInfo", info_fields(session)).error
    owner.close()
    thief.close()


def test_a_handle_must_be_right_in_all_its_parts(gate: Gate) -> None:
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    for wrong in (
        Handle(session.guid, b"s" * 16),
        Handle(b"g" * 16, session.secret),
        Handle(session.secret, session.guid),
        Handle(operation.guid, operation.secret),
    ):
        assert "Invalid SessionHandle" in peer.call("GetInfo", info_fields(wrong)).error
    for wrong in (
        Handle(operation.guid, operation.secret, 4),  # the type belongs to it
        Handle(operation.guid, b"s" * 16, 0),
        Handle(session.guid, session.secret, 0),
    ):
        assert "Invalid OperationHandle" in peer.fetch(wrong).error
    peer.fetch(operation).ok()
    peer.close()


def test_backend_handles_are_of_no_use(gate: Gate, backend: Backend) -> None:
    """Somebody who learns what the backend calls a session can't use it here."""
    peer, session = gate.session()
    theirs = backend.session("alice").handle
    assert theirs.guid != session.guid and theirs.secret != session.secret
    assert "Invalid SessionHandle" in peer.call("GetInfo", info_fields(theirs)).error
    peer.close()


def test_closed_handles_are_gone(gate: Gate) -> None:
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    peer.close_operation(operation).ok()
    assert "Invalid OperationHandle" in peer.fetch(operation).error
    operation = peer.execute(session, "SELECT 1")
    peer.close_session(session).ok()
    assert "Invalid OperationHandle" in peer.fetch(operation).error
    assert "Invalid SessionHandle" in peer.call("GetInfo", info_fields(session)).error
    assert peer.close_session(session).error == "Session does not exist!"
    peer.close()


# ---- a listener without SASL ----


@pytest.mark.smoke
def test_raw_logins(gate: Gate, backend: Backend) -> None:
    for user, password in (
        ("alice", "wrong"),
        ("nobody", "alice-secret"),
        ("alice", ""),
        ("", "alice-secret"),
        ("alice", None),
        (None, None),
    ):
        with gate.connect("raw") as peer:
            reply = peer.call("OpenSession", open_fields(user, password))
            assert reply.sql_state == "28000"
            assert reply.error.startswith("Error validating the login")
            assert peer.rest() == b""
    assert not backend.seen("OpenSession", "alice")
    with gate.connect("raw") as peer:
        peer.close_session(peer.open("alice", "alice-secret")).ok()


@pytest.mark.smoke
def test_a_raw_connection_has_one_user(gate: Gate, backend: Backend) -> None:
    with gate.connect("raw") as peer:
        first = peer.open("alice", "alice-secret")
        reply = peer.call("OpenSession", open_fields("carol", "carol-secret"))
        assert reply.sql_state == "28000"
        assert "logged in as alice" in reply.error
        peer.call("GetInfo", info_fields(first)).ok()
        second = peer.open("alice", "alice-secret")
        peer.call("GetInfo", info_fields(second)).ok()
        assert not backend.seen("OpenSession", "carol")


def test_a_raw_connection_is_checked_each_time(gate: Gate) -> None:
    """A wrong password in a later OpenSession doesn't open a session."""
    with gate.connect("raw") as peer:
        peer.open("alice", "alice-secret")
        reply = peer.call("OpenSession", open_fields("alice", "wrong"))
        assert reply.sql_state == "28000"


def test_many_raw_logins_at_once(gate: Gate) -> None:
    """Pipelined OpenSessions with right and wrong credentials; only the right ones count."""
    with gate.connect("raw") as peer:
        for seqid in range(6):
            peer.ask("OpenSession", open_fields("alice", "alice-secret"), seqid)
        for seqid in range(6):
            reply = peer.receive_message()
            assert reply.seqid == seqid and reply.session


def test_large_requests_before_a_raw_login(gate: Gate) -> None:
    """Nobody who hasn't logged in makes hivegate keep tens of megabytes."""
    before = gate.rss_mb()
    peers = []
    for _ in range(8):
        peer = gate.connect("raw")
        head = tree.head_bytes("OpenSession", 1) + struct.pack(">bhbhi", 12, 1, 11, 2, 60 << 20)
        if peer.try_send(head):
            peer.socket.settimeout(5.0)
            peer.try_send(b"a" * (40 << 20))
            peer.socket.settimeout(60.0)
        assert "before the login" in peer.receive_message().exception[1]
        peers.append(peer)
    assert gate.rss_mb() < before + 64
    for peer in peers:
        peer.close()


def test_unknown_fields_pass(gate: Gate, backend: Backend) -> None:
    peer, session = gate.session()
    fields = [
        *execute_fields(session, "SELECT 1"),
        (0x501, STRUCT, [(1, I64, 10000), (2, I64, 300_000_000)]),
        (0x502, BOOL, 1),
    ]
    peer.call("ExecuteStatement", fields).ok()
    seen = backend.seen("ExecuteStatement", "alice")[-1]
    assert tree.get(seen.fields, 0x501, 2) == 300_000_000
    assert tree.get(seen.fields, 0x502) == 1
    peer.close()
