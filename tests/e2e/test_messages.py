"""Messages themselves: names, sequence numbers, heads, frames."""

from __future__ import annotations

import struct

import pytest
from TCLIService import ttypes

from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Pair
from e2e.harness.wire import Closed, Connection, Session, request_bytes

# Called by PyHive and impyla, by Impala's own clients, and by nobody.
UNKNOWN = (
    "GetLog",
    "CloseImpalaOperation",
    "GetExecSummary",
    "GetRuntimeProfile",
    "PingImpalaHS2Service",
    "getlog",
    "X",
    "with space",
    "n" * 200,
)


@pytest.mark.smoke
def test_unknown_methods(pair: Pair) -> None:
    """A TApplicationException of type 1 that echoes name and seqid; the connection goes on."""

    def scenario(connection: Connection) -> None:
        session = connection.open()
        handle = session.execute("SELECT 1").handle
        for name in UNKNOWN:
            for request in (
                b"\0",
                [],
                [(1, tree.STRUCT, [(1, tree.I32, 5)])],
                ttypes.TGetOperationStatusReq(handle),
            ):
                reply = connection.call(name, request)
                assert reply.exception[0] == 1
        assert session.value("SELECT 1") == 1

    pair.same_replies(scenario)


def test_methods_of_later_servers(pair: Pair) -> None:
    """GetQueryId, SetClientInfo, UploadData, DownloadData: whatever this server says to them."""

    def scenario(connection: Connection) -> None:
        session = connection.open()
        operation = session.execute("SELECT 1")
        mine = raw_handle(session.handle.sessionId)
        its = [*raw_handle(operation.handle.operationId), (2, tree.I32, 0), (3, tree.BOOL, 1)]
        connection.call("GetQueryId", [(1, tree.STRUCT, its)])
        info = tree.Mapping(tree.STRING, tree.STRING, [(b"ApplicationName", b"e2e")])
        connection.call("SetClientInfo", [(1, tree.STRUCT, mine), (2, tree.MAP, info)])
        connection.call(
            "UploadData", [(1, tree.STRUCT, mine), (2, tree.STRING, b"t"), (4, tree.STRING, b"1,2")]
        )
        connection.call("DownloadData", [(1, tree.STRUCT, mine), (3, tree.STRING, b"SELECT 1")])
        assert session.value("SELECT 1") == 1

    normal_ids = pair.same_replies(without_query_id(scenario))
    assert normal_ids


def raw_handle(identifier: ttypes.THandleIdentifier) -> list:
    return [
        (1, tree.STRUCT, [(1, tree.STRING, identifier.guid), (2, tree.STRING, identifier.secret)])
    ]


def without_query_id(scenario):
    """Spark's query id, where it gives one, is new each time: only its reply's shape is checked."""

    def run(connection: Connection) -> None:
        record = connection.on_reply

        def skip(reply) -> None:
            if reply.name == "GetQueryId" and not reply.is_exception:
                assert tree.get(reply.fields, 1) is not None
            else:
                record(reply)

        connection.on_reply = skip
        scenario(connection)

    return run


@pytest.mark.smoke
@pytest.mark.parametrize("seqid", [0, 1, -1, 0x7FFFFFFF, -0x80000000])
def test_any_seqid(pair: Pair, seqid: int) -> None:
    """PyHive and impyla always send 0. Connection.call checks that each reply has the call's."""
    for target in pair.targets:
        with Connection(target) as connection:
            request = ttypes.TOpenSessionReq(9)
            opened = connection.call("OpenSession", request, seqid=seqid).ok()
            session = Session(connection, opened.result.sessionHandle)
            for name, fields in (
                ("GetInfo", {"infoType": 17}),
                ("GetSchemas", {}),
                ("ExecuteStatement", {"statement": "SELECT 1"}),
            ):
                request = getattr(ttypes, f"T{name}Req")(session.handle, **fields)
                connection.call(name, request, seqid=seqid).ok()
            connection.call("NoSuch", [], seqid=seqid)
            connection.call("CloseSession", ttypes.TCloseSessionReq(session.handle), seqid=seqid).ok()


def test_a_oneway_call_is_answered(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        connection.call("OpenSession", ttypes.TOpenSessionReq(9), kind=tree.ONEWAY).ok()

    pair.same_replies(scenario)


@pytest.mark.parametrize("kind", [tree.REPLY, tree.EXCEPTION, 0, 77])
def test_a_message_that_is_no_call(pair: Pair, kind: int) -> None:
    """Spark doesn't look at the type. hivegate may refuse, but says so or hangs up, and lives."""
    with Connection(pair.via) as connection:
        connection.send_message(request_bytes("OpenSession", ttypes.TOpenSessionReq(9), 5, kind))
        try:
            reply = connection.receive_message()
        except (Closed, ConnectionError):
            pass
        else:
            assert reply.name == "OpenSession" and reply.seqid == 5
    with Connection(pair.via) as connection:
        assert connection.open().value("SELECT 1") == 1


def test_a_head_without_version(pair: Pair) -> None:
    """Spark takes the old, non-strict head over HTTP only; hivegate reads it."""
    with Connection(pair.via) as connection:
        strict = request_bytes("OpenSession", ttypes.TOpenSessionReq(9), 3)
        args = strict[len(tree.head_bytes("OpenSession", 3)) :]
        connection.send_message(tree.head_bytes("OpenSession", 3, strict=False) + args)
        reply = connection.receive_message()
        assert (reply.name, reply.seqid) == ("OpenSession", 3)
        session = Session(connection, reply.ok().result.sessionHandle)
        assert session.value("SELECT 1") == 1
        session.close().ok()


@pytest.mark.smoke
@pytest.mark.parametrize("pieces", [2, 7, "bytes"])
def test_one_message_in_several_frames(pair: Pair, pieces) -> None:
    for target in pair.targets:
        with Connection(target) as connection:
            session = connection.open()
            request = ttypes.TExecuteStatementReq(session.handle, "SELECT 'split'", None, False)
            message = request_bytes("ExecuteStatement", request, 9)
            size = 1 if pieces == "bytes" else len(message) // pieces + 1
            for start in range(0, len(message), size):
                connection.send(connection.frame(message[start : start + size]))
            assert connection.receive_message().ok().seqid == 9
            assert session.value("SELECT 1") == 1


@pytest.mark.smoke
@pytest.mark.parametrize("how", ["one frame", "one write", "across frames"])
def test_several_messages_at_once(pair: Pair, how: str) -> None:
    """Pipelined calls are answered in order."""
    for target in pair.targets:
        with Connection(target) as connection:
            session = connection.open()
            messages = [
                request_bytes("GetInfo", ttypes.TGetInfoReq(session.handle, 17), 100),
                request_bytes(
                    "ExecuteStatement", ttypes.TExecuteStatementReq(session.handle, "SELECT 7"), 101
                ),
                request_bytes("NoSuch", [], 102),
                request_bytes("GetSchemas", ttypes.TGetSchemasReq(session.handle), 103),
                request_bytes("GetInfo", ttypes.TGetInfoReq(session.handle, 18), 104),
            ]
            whole = b"".join(messages)
            if how == "one frame":
                connection.send(connection.frame(whole))
            elif how == "one write":
                connection.send(b"".join(connection.frame(message) for message in messages))
            else:
                cut = len(messages[0]) + 30
                connection.send(connection.frame(whole[:cut]) + connection.frame(whole[cut:]))
            answered = [connection.receive_message() for _ in messages]
            assert [reply.seqid for reply in answered] == [100, 101, 102, 103, 104]
            assert [reply.name for reply in answered][2:4] == ["NoSuch", "GetSchemas"]
            assert session.value("SELECT 1") == 1


def test_a_message_in_single_bytes_of_tcp(pair: Pair) -> None:
    with Connection(pair.via) as connection:
        session = connection.open()
        message = request_bytes("GetInfo", ttypes.TGetInfoReq(session.handle, 17), 5)
        for byte in connection.frame(message):
            connection.send(bytes([byte]))
        assert connection.receive_message().ok().seqid == 5


def last_words(connection: Connection) -> None:
    """The server closes the connection; before that it may say why, in an exception."""
    try:
        reply = connection.receive_message()
    except (Closed, ConnectionError):
        return
    assert reply.is_exception and len(reply.exception[1]) > 20, reply.shown
    assert connection.closed_by_server()


@pytest.mark.parametrize("frame", [b"", struct.pack(">I", 0x7FFFFFFF), struct.pack(">I", 0xFFFFFFFF)])
def test_frames_that_make_no_sense(pair: Pair, frame: bytes) -> None:
    """An empty frame, a huge and a negative length: the connection ends, as with Spark."""
    for target in pair.targets:
        with Connection(target) as connection:
            connection.open()
            connection.send(frame or connection.frame(b""))
            last_words(connection)


def test_other_peoples_connections_live_on(pair: Pair) -> None:
    with Connection(pair.via) as good, Connection(pair.via) as bad:
        session = good.open()
        bad.open()
        bad.send_message(b"\x80\x01\x00\x01\xff\xff\xff\xff")
        last_words(bad)
        assert session.value("SELECT 1") == 1
