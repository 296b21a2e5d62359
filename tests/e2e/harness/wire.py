"""A HiveServer2 client that sees and decides every byte: SASL frames, Thrift messages, handles.

Requests come from the generated classes of PyHive's TCLIService package (protocol V10) or, where
that doesn't know a method or a field, from thrift_tree. Replies keep their bytes.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from TCLIService import TCLIService, ttypes
from thrift.protocol import TBinaryProtocol
from thrift.transport import TTransport

from e2e.harness import thrift_tree as tree

START, OK, BAD, ERROR, COMPLETE = 1, 2, 3, 4, 5

# Generous: it only keeps a broken server from hanging the run.
TIMEOUT = 240.0


class Closed(Exception):
    """The server closed the connection."""


class LoginRefused(Exception):
    """The server ended the SASL exchange with BAD or ERROR."""

    def __init__(self, status: int, text: str):
        super().__init__(f"SASL status {status}: {text}")
        self.status = status
        self.text = text


class Failed(Exception):
    """A reply whose TStatus isn't a success."""

    def __init__(self, reply: Reply):
        status = reply.status
        super().__init__(f"{reply.name}: {status}")
        self.reply = reply
        self.status = status


@dataclass(frozen=True)
class Target:
    """Where a client connects, and as whom."""

    host: str
    port: int
    user: str = "alice"
    password: str = "alice-secret"
    sasl: bool = True
    label: str = ""
    tls: ssl.SSLContext | None = None

    def as_user(self, user: str, password: str | None = None) -> Target:
        secret = password if password is not None else f"{user}-secret"
        return replace(self, user=user, password=secret)


class Reply:
    """One reply message, as bytes and decoded on demand."""

    def __init__(self, raw: bytes):
        self.raw = raw

    @cached_property
    def message(self) -> tree.Message:
        return tree.decode(self.raw)

    @property
    def name(self) -> str:
        return self.message.name

    @property
    def seqid(self) -> int:
        return self.message.seqid

    @property
    def is_exception(self) -> bool:
        return self.message.type == tree.EXCEPTION

    @cached_property
    def exception(self) -> tuple[int, str]:
        """(type, message) of a TApplicationException."""
        assert self.is_exception, f"{self.name} is no exception: {self.shown}"
        text = tree.get(self.message.body, 1) or b""
        return tree.get(self.message.body, 2), text.decode()

    @cached_property
    def result(self) -> Any:
        """The T...Resp of PyHive's classes; not for methods that they don't know."""
        assert not self.is_exception, f"{self.name}: {self.exception}"
        holder = getattr(TCLIService, f"{self.name}_result")()
        transport = TTransport.TMemoryBuffer(self.raw)
        protocol = TBinaryProtocol.TBinaryProtocol(transport)
        protocol.readMessageBegin()
        holder.read(protocol)
        return holder.success

    @property
    def fields(self) -> list[tree.Field]:
        """The fields of the T...Resp struct."""
        assert not self.is_exception, f"{self.name}: {self.exception}"
        return tree.get(self.message.body, 0)

    @property
    def status(self) -> dict[str, Any]:
        """The TStatus: code, info messages, SQL state, error code, text."""
        found = tree.get(self.fields, 1)
        names = {1: "code", 2: "info", 3: "sqlstate", 4: "error_code", 5: "message"}
        shown = tree.show(found)
        return {names.get(key, key): value for key, value in shown.items()}

    @property
    def shown(self) -> Any:
        return {"type": self.message.type, "name": self.name, "body": tree.show(self.message.body)}

    def ok(self) -> Reply:
        if self.is_exception or self.status["code"] not in (0, 1):
            if self.is_exception:
                raise AssertionError(f"{self.name}: {self.exception}")
            raise Failed(self)
        return self


def request_bytes(name: str, request: Any, seqid: int, kind: int = tree.CALL) -> bytes:
    """One CALL: `request` is a T...Req object, a list of tree fields of one, or raw args bytes."""
    if isinstance(request, bytes):
        args = request
    elif isinstance(request, list):
        args = tree.struct_bytes([(1, tree.STRUCT, request)])
    else:
        buffer = TTransport.TMemoryBuffer()
        request.write(TBinaryProtocol.TBinaryProtocol(buffer))
        args = struct.pack(">bh", tree.STRUCT, 1) + buffer.getvalue() + b"\0"
    return tree.head_bytes(name, seqid, kind) + args


def _connect(target: Target) -> socket.socket:
    if target.host.startswith("unix:"):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(TIMEOUT)
        made.connect(target.host.removeprefix("unix:"))
        return made
    made = socket.create_connection((target.host, target.port), timeout=TIMEOUT)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if target.tls is None:
        return made
    try:
        return target.tls.wrap_socket(made, server_hostname=target.host)
    except BaseException:
        made.close()
        raise


class Connection:
    """One TCP connection, under TLS if the target is, logged in unless login=False."""

    def __init__(
        self, target: Target, *, login: bool = True, authzid: str = "", status: int = COMPLETE
    ):
        self.target = target
        self.framed = target.sasl
        self.seqid = 0
        self.received = bytearray()  # every byte that ever came, when keep is set
        self.keep = False
        self.on_reply: Callable[[Reply], None] | None = None
        self._pending = bytearray()
        self.socket = _connect(target)
        if login and target.sasl:
            try:
                self.login(authzid, status)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    # -- bytes ---------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise Closed(f"after {len(data)} of {size} bytes")
            data += piece
        if self.keep:
            self.received += data
        return bytes(data)

    def closed_by_server(self) -> bool:
        """True when the server closes without a further byte."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    # -- SASL ----------------------------------------------------------------------------------

    def sasl_send(self, status: int, payload: bytes) -> None:
        self.send(struct.pack(">BI", status, len(payload)) + payload)

    def sasl_receive(self) -> tuple[int, bytes]:
        status, size = struct.unpack(">BI", self.receive(5))
        return status, self.receive(size)

    def login(self, authzid: str = "", status: int = COMPLETE) -> None:
        secret = f"{authzid}\0{self.target.user}\0{self.target.password}".encode()
        self.login_with("PLAIN", secret, status)

    def login_with(self, mechanism: str, response: bytes, status: int = COMPLETE) -> None:
        self.sasl_send(START, mechanism.encode())
        self.sasl_send(status, response)
        answer, payload = self.sasl_receive()
        if answer != COMPLETE:
            raise LoginRefused(answer, payload.decode(errors="replace"))

    # -- frames and messages -------------------------------------------------------------------

    def frame(self, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + data if self.framed else data

    def send_message(self, data: bytes) -> None:
        self.send(self.frame(data))

    def receive_frame(self) -> bytes:
        size = struct.unpack(">I", self.receive(4))[0]
        return self.receive(size)

    def receive_message(self) -> Reply:
        """The next whole message, however many frames it came in."""
        while True:
            if self._pending:
                try:
                    _, size = tree.decode_prefix(bytes(self._pending))
                except tree.Truncated:
                    pass
                else:
                    raw = bytes(self._pending[:size])
                    del self._pending[:size]
                    return Reply(raw)
            if self.framed:
                frame = self.receive_frame()
                if not self._pending and len(frame) > 1 << 20:
                    return Reply(frame)  # a big reply is one frame; don't decode it twice
                self._pending += frame
            else:
                piece = self.socket.recv(1 << 20)
                if not piece:
                    raise Closed("between messages" if not self._pending else "in a message")
                if self.keep:
                    self.received += piece
                self._pending += piece

    def call(
        self, name: str, request: Any, *, seqid: int | None = None, kind: int = tree.CALL
    ) -> Reply:
        if seqid is None:
            self.seqid += 1
            seqid = self.seqid
        self.send_message(request_bytes(name, request, seqid, kind))
        reply = self.receive_message()
        # Every reply echoes its call: clients with several calls outstanding rely on it.
        echo = tree.head_bytes(name, seqid)[4:]
        assert reply.raw[4 : 4 + len(echo)] == echo, (
            f"{name} with seqid {seqid} was answered with {reply.raw[:64]!r}"
        )
        if self.on_reply:
            self.on_reply(reply)
        return reply

    # -- the usual calls -----------------------------------------------------------------------

    def open(
        self, conf: dict[str, str] | None = None, protocol: int = 9, username: str | None = None
    ) -> Session:
        reply = self.open_reply(conf, protocol, username).ok()
        return Session(self, reply.result.sessionHandle, reply)

    def open_reply(
        self,
        conf: dict[str, str] | None = None,
        protocol: int = 9,
        username: str | None = None,
        password: str | None = None,
    ) -> Reply:
        request = ttypes.TOpenSessionReq(protocol, username, password, conf)
        return self.call("OpenSession", request)


class Session:
    """A session handle, usable on the connection that opened it or, by on(), on another."""

    def __init__(
        self, connection: Connection, handle: ttypes.TSessionHandle, opened: Reply | None = None
    ):
        self.connection = connection
        self.handle = handle
        self.opened = opened

    def on(self, connection: Connection) -> Session:
        return Session(connection, self.handle)

    def call(self, name: str, **fields: Any) -> Reply:
        request = getattr(ttypes, f"T{name}Req")(sessionHandle=self.handle, **fields)
        return self.connection.call(name, request)

    def start(self, name: str, **fields: Any) -> Operation:
        reply = self.call(name, **fields).ok()
        return Operation(self.connection, reply.result.operationHandle, reply)

    def execute(
        self,
        statement: str,
        run_async: bool = False,
        timeout: int = 0,
        conf: dict[str, str] | None = None,
    ) -> Operation:
        return self.start(
            "ExecuteStatement",
            statement=statement,
            runAsync=run_async,
            queryTimeout=timeout,
            confOverlay=conf,
        )

    def rows(self, statement: str) -> list[tuple]:
        operation = self.execute(statement)
        found = operation.rows()
        operation.close()
        return found

    def value(self, statement: str) -> Any:
        return self.rows(statement)[0][0]

    def run(self, statement: str) -> None:
        self.execute(statement).close()

    def close(self) -> Reply:
        return self.call("CloseSession")


class Operation:
    """An operation handle, usable on the connection that started it or, by on(), on another."""

    def __init__(
        self, connection: Connection, handle: ttypes.TOperationHandle, started: Reply | None = None
    ):
        self.connection = connection
        self.handle = handle
        self.started = started

    def on(self, connection: Connection) -> Operation:
        return Operation(connection, self.handle)

    def call(self, name: str, **fields: Any) -> Reply:
        request = getattr(ttypes, f"T{name}Req")(operationHandle=self.handle, **fields)
        return self.connection.call(name, request)

    def state(self) -> int:
        return self.call("GetOperationStatus").ok().result.operationState

    def wait(self) -> Reply:
        """Polls until the operation has ended; the last status."""
        while True:
            reply = self.call("GetOperationStatus").ok()
            if reply.result.operationState not in (
                ttypes.TOperationState.INITIALIZED_STATE,
                ttypes.TOperationState.RUNNING_STATE,
                ttypes.TOperationState.PENDING_STATE,
            ):
                return reply

    def fetch(self, orientation: int = 0, rows: int = 1000, kind: int = 0) -> Reply:
        return self.call("FetchResults", orientation=orientation, maxRows=rows, fetchType=kind)

    def batches(self, rows: int = 1000) -> Iterator[Reply]:
        while True:
            reply = self.fetch(rows=rows).ok()
            if not row_count(reply.result.results):
                return
            yield reply

    def rows(self) -> list[tuple]:
        return [row for reply in self.batches() for row in row_tuples(reply.result.results)]

    def close(self) -> Reply:
        return self.call("CloseOperation")


_COLUMNS = (
    "boolVal",
    "byteVal",
    "i16Val",
    "i32Val",
    "i64Val",
    "doubleVal",
    "stringVal",
    "binaryVal",
)


def _column(column: ttypes.TColumn) -> list:
    for name in _COLUMNS:
        found = getattr(column, name)
        if found is not None:
            nulls = found.nulls if isinstance(found.nulls, bytes) else found.nulls.encode("latin-1")
            return [
                None if index // 8 < len(nulls) and nulls[index // 8] >> index % 8 & 1 else value
                for index, value in enumerate(found.values)
            ]
    raise AssertionError(f"a column without values: {column}")


def _row_value(value: ttypes.TColumnValue) -> Any:
    for name in _COLUMNS[:-1]:
        found = getattr(value, name)
        if found is not None:
            return found.value
    return None


def row_count(rows: ttypes.TRowSet) -> int:
    if rows.columns:
        first = rows.columns[0]
        return next(len(found.values) for name in _COLUMNS if (found := getattr(first, name)))
    return len(rows.rows or [])


def row_tuples(rows: ttypes.TRowSet) -> list[tuple]:
    if rows.columns is not None:
        return list(zip(*(_column(column) for column in rows.columns), strict=True))
    return [tuple(_row_value(value) for value in row.colVals) for row in rows.rows or []]
