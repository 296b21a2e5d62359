"""A backend that does what a script says: an endpoint with every fault that a real one can't be
made to show. Without a script it behaves like a Spark Thrift Server with little to do:

  RUN ...      runs until it is cancelled or its session closed; without runAsync the call waits
  BYTES n      finished at once; each FetchResults gets a reply of n bytes
  anything     finished at once, with three rows

Like Spark it closes a session whose connection goes, and looks at nobody's handle but its own.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from e2e.harness import thrift_tree as tree
from e2e.harness.thrift_tree import BOOL, I32, I64, LIST, MAP, STRING, STRUCT

from .messages import (
    CANCELED,
    FINISHED,
    INTERNAL_ERROR,
    RUNNING,
    UNKNOWN_METHOD,
    BigFetch,
    Fields,
    Handle,
    answer,
    error_answer,
    exception_answer,
    status,
    text_map,
)
from .peer import COMPLETE, frame, sasl_frame

# What each method that starts an operation makes: TOperationType.
_STARTERS = {
    "ExecuteStatement": 0,
    "GetTypeInfo": 1,
    "GetCatalogs": 2,
    "GetSchemas": 3,
    "GetTables": 4,
    "GetTableTypes": 5,
    "GetColumns": 6,
    "GetFunctions": 7,
}
_TYPE_NAMES = {0: "EXECUTE_STATEMENT", 4: "GET_TABLES"}


@dataclass
class Call:
    """One call that came in."""

    name: str
    seqid: int
    kind: int
    user: str | None
    connection: int
    fields: Fields
    at: float = field(default_factory=time.monotonic)

    @property
    def handle(self) -> Handle | None:
        found = tree.get(self.fields, 1)
        return Handle.read(found) if isinstance(found, list) and found else None

    @property
    def statement(self) -> str:
        return (tree.get(self.fields, 2) or b"").decode(errors="replace")


@dataclass
class Operation:
    handle: Handle
    session: Session
    statement: str
    state: int


@dataclass
class Session:
    handle: Handle
    user: str | None
    connection: int
    configuration: dict[str, str]
    ended_by: str | None = None  # "CloseSession" or "disconnect"
    operations: dict[bytes, Operation] = field(default_factory=dict)


Fault = Callable[["Turn"], None]


@dataclass
class _Planned:
    fault: Fault
    name: str
    user: str | None
    times: int | None
    wanted: Callable[[Call], bool] | None


class Gone(Exception):
    """The other side hung up while a fault waited."""


class Turn:
    """One step of a conversation, for a fault to do with as it likes: a connection that was taken
    (call None, before a byte is read), a login (call None), or a call."""

    def __init__(self, connection: Connection, call: Call | None = None):
        self.backend = connection.backend
        self.connection = connection
        self.call = call

    def normal(self) -> bytes:
        """Does what an undisturbed backend does, and returns the reply."""
        assert self.call
        reply = self.backend.perform(self.connection, self.call)
        return reply.whole() if isinstance(reply, BigFetch) else reply

    def answer(self, message: bytes | None = None) -> None:
        """Sends one reply message, in a frame where there are frames."""
        self.connection.send_message(self.normal() if message is None else message)

    def raw(self, data: bytes) -> None:
        self.connection.socket.sendall(data)

    def close(self) -> None:
        self.connection.end()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.end()

    def wait(self, until: Callable[[], bool] | threading.Event, seconds: float = 60.0) -> None:
        """Waits; raises Gone when the other side hangs up meanwhile."""
        done = until.is_set if isinstance(until, threading.Event) else until
        self.connection.wait(done, seconds)

    def silence(self, seconds: float = 60.0) -> None:
        """Says nothing until the other side hangs up."""
        self.connection.wait(lambda: False, seconds)


class Connection:
    def __init__(self, backend: Backend, sock: socket.socket, number: int):
        self.backend = backend
        self.socket = sock
        self.number = number
        self.user: str | None = None
        self.password: str | None = None
        self.logged_in = False
        self.open = True
        self.buffer = bytearray()

    def end(self) -> None:
        with self.backend.changed:
            if not self.open:
                return
            self.open = False
            for session in self.backend.sessions.values():
                if session.connection == self.number and session.ended_by is None:
                    session.ended_by = "disconnect"
                    session.operations.clear()
            self.socket.close()
            self.backend.changed.notify_all()

    def wait(self, done: Callable[[], bool], seconds: float) -> None:
        with self.backend.changed:
            self.backend.waiting += 1
        try:
            self._wait(done, seconds)
        finally:
            with self.backend.changed:
                self.backend.waiting -= 1
                self.backend.changed.notify_all()

    def _wait(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)  # also behind bytes that nobody reads
        while not done():
            if time.monotonic() > deadline or not self.backend.running:
                raise Gone("nobody ended the wait")
            if poll.poll(20):
                raise Gone("the other side hung up")

    def _read(self) -> None:
        try:
            piece = self.socket.recv(1 << 20)
        except OSError:
            piece = b""
        if not piece:
            raise Gone
        self.buffer += piece

    def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._read()
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def send_message(self, message: bytes) -> None:
        self.socket.sendall(frame(message) if self.backend.sasl else message)

    def send_big(self, big: BigFetch) -> None:
        if self.backend.sasl:
            self.socket.sendall(struct.pack(">I", big.size))
        gathered = bytearray()
        for chunk in big.chunks():
            gathered += chunk
            if len(gathered) > 1 << 20:
                self.socket.sendall(gathered)
                gathered.clear()
        self.socket.sendall(gathered)

    # ---- the conversation ----

    def run(self) -> None:
        try:
            self._converse()
        except (Gone, OSError):
            pass
        except Exception as error:  # of the script itself
            self.backend.complain(f"{type(error).__name__}: {error}")
        finally:
            self.end()

    def _converse(self) -> None:
        if fault := self.backend.pick("connect", None):
            fault(Turn(self))
            if not self.open:
                return
        if self.backend.tls:
            self.socket = self.backend.tls.wrap_socket(self.socket, server_side=True)
        if self.backend.sasl and not self._login():
            return
        self.logged_in = True
        while self.open:
            self._serve(self._next_message())

    def _login(self) -> bool:
        status_byte, size = struct.unpack(">BI", self.take(5))
        mechanism = self.take(size)
        if (status_byte, mechanism) != (1, b"PLAIN"):
            self.backend.complain(f"login began with {status_byte} {mechanism!r}")
            return False
        status_byte, size = struct.unpack(">BI", self.take(5))
        parts = self.take(size).split(b"\0")
        if len(parts) != 3:
            self.backend.complain(f"a PLAIN response of {len(parts)} parts")
            return False
        self.user, self.password = parts[1].decode(), parts[2].decode()
        if fault := self.backend.pick("login", self.user):
            fault(Turn(self))
            if not self.open:
                return False
        self.socket.sendall(sasl_frame(COMPLETE, b""))
        return True

    def _next_message(self) -> tree.Message:
        if self.backend.sasl:
            size = struct.unpack(">I", self.take(4))[0]
            data = self.take(size)
            try:
                return tree.decode(data)
            except Exception as error:
                self.backend.complain(f"a frame is no message: {error}: {data[:100]!r}")
                raise Gone from None
        tried = 0
        while True:
            # a long message is looked at each time it has doubled, or when no more comes
            if self.buffer and (len(self.buffer) > 2 * tried or self._quiet()):
                tried = len(self.buffer)
                try:
                    message, size = tree.decode_prefix(bytes(self.buffer))
                except tree.Truncated:
                    pass
                else:
                    del self.buffer[:size]
                    return message
            self._read()

    def _quiet(self) -> bool:
        self.socket.settimeout(0.02)
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(None)

    def _serve(self, message: tree.Message) -> None:
        fields = tree.get(message.body, 1) or []
        if message.name == "OpenSession" and not self.backend.sasl:
            self.user = (tree.get(fields, 2) or b"").decode()
        found = Call(message.name, message.seqid, message.type, self.user, self.number, fields)
        self.backend.note(found)
        if fault := self.backend.pick(found.name, self.user, found):
            fault(Turn(self, found))
            return
        reply = self.backend.perform(self, found)
        if isinstance(reply, BigFetch):
            self.send_big(reply)
        else:
            self.send_message(reply)


class Backend:
    """A listening endpoint on a port of its own. `sasl` False speaks bare Thrift; with `tls` each
    connection begins with its handshake (with SASL only)."""

    connection_type = Connection

    def __init__(
        self,
        sasl: bool = True,
        port: int = 0,
        backlog: int = 512,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ):
        self.sasl = sasl
        self.host = host
        self.tls = tls
        self.changed = threading.Condition()
        self.sessions: dict[bytes, Session] = {}
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.running = True
        self.waiting = 0  # connections on which a fault waits
        self._planned: list[_Planned] = []
        self._connections: list[Connection] = []
        self._accepted = 0
        self._listener = socket.create_server((host, port), backlog=backlog)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops listening and ends all connections."""
        self.running = False
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.drop_all()

    def drop_all(self) -> None:
        """Ends all connections."""
        self._drop(self.connections)

    def drop_idle(self) -> None:
        """Ends the connections without a session, which hivegate keeps for the next one."""
        with self.changed:
            busy = {s.connection for s in self.sessions.values() if s.ended_by is None}
        idle = [c for c in self.connections if c.number not in busy]
        self._drop(idle)
        self.wait_until(lambda: not any(c.open for c in idle), "the connections end")

    def _drop(self, connections: list[Connection]) -> None:
        for connection in connections:
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # ---- the script ----

    def on(
        self,
        name: str,
        fault: Fault,
        *,
        user: str | None = None,
        times: int | None = 1,
        wanted: Callable[[Call], bool] | None = None,
    ) -> None:
        """Plans a fault: for the next `times` (None: all) calls of the method, by that user if one
        is named. "connect" and "login" stand for the connection being taken and the login."""
        with self.changed:
            self._planned.append(_Planned(fault, name, user, times, wanted))

    def clear(self) -> None:
        with self.changed:
            self._planned.clear()

    def pick(self, name: str, user: str | None, call: Call | None = None) -> Fault | None:
        with self.changed:
            for planned in self._planned:
                if planned.name != name or planned.user not in (None, user):
                    continue
                if planned.wanted and not (call and planned.wanted(call)):
                    continue
                if planned.times is not None:
                    planned.times -= 1
                    if planned.times == 0:
                        self._planned.remove(planned)
                return planned.fault
        return None

    # ---- what was seen ----

    def note(self, call: Call) -> None:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def complain(self, text: str) -> None:
        """hivegate sent what no client of a backend should."""
        with self.changed:
            self.complaints.append(text)

    def seen(self, name: str, user: str | None = None) -> list[Call]:
        with self.changed:
            return [c for c in self.calls if c.name == name and user in (None, c.user)]

    def calls_in_order(self, user: str) -> list[str]:
        with self.changed:
            return [c.name for c in self.calls if c.user == user]

    def wait_until(
        self, condition: Callable[[], Any], what: str | Callable[[], str], seconds: float = 20.0
    ) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                said = what() if callable(what) else what
                raise AssertionError(f"not after {seconds:.0f} s: {said}")

    def wait_call(self, name: str, user: str | None = None, count: int = 1) -> Call:
        """The count-th call of the method since the last forget()."""
        self.wait_until(lambda: len(self.seen(name, user)) >= count, f"{name} at the backend")
        return self.seen(name, user)[count - 1]

    def forget(self) -> None:
        with self.changed:
            self.calls.clear()

    @property
    def connections(self) -> list[Connection]:
        with self.changed:
            return [c for c in self._connections if c.open]

    @property
    def open_connections(self) -> int:
        return len(self.connections)

    @property
    def connections_made(self) -> int:
        with self.changed:
            return self._accepted

    def live_sessions(self, user: str | None = None) -> list[Session]:
        with self.changed:
            live = [s for s in self.sessions.values() if s.ended_by is None]
        return [s for s in live if user in (None, s.user)]

    def write_off(self, but: str) -> None:
        """Forgets the sessions of all users but one, so that one failed test isn't many."""
        with self.changed:
            for session in self.sessions.values():
                if session.user != but and session.ended_by is None:
                    session.ended_by = "a failed test"

    def session(self, user: str) -> Session:
        """The session that the user opened last."""
        with self.changed:
            return [s for s in self.sessions.values() if s.user == user][-1]

    # ---- being a server ----

    def _accept(self) -> None:
        while self.running:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                self._accepted += 1
                connection = self.connection_type(self, sock, self._accepted)
                self._connections = [c for c in self._connections if c.open]
                self._connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def perform(self, connection: Connection, call: Call) -> bytes | BigFetch:
        """The undisturbed reply to a call."""
        with self.changed:
            reply = self._perform(connection, call)
            self.changed.notify_all()
        if isinstance(reply, Operation):  # a statement that runs while the call waits
            operation = reply
            connection.wait(lambda: operation.state != RUNNING, 60.0)
            return error_answer(call.name, call.seqid, "the statement was cancelled", "HY008")
        return reply

    def _perform(self, connection: Connection, call: Call) -> bytes | BigFetch | Operation:
        if call.name == "OpenSession":
            return self._open_session(connection, call)
        handle = call.handle
        if call.name in ("CloseSession", "GetInfo", "SetClientInfo") or call.name in _STARTERS:
            session = self.sessions.get(handle.guid) if handle else None
            if not session or session.handle.secret != handle.secret or session.ended_by:
                return error_answer(
                    call.name,
                    call.seqid,
                    f"Invalid SessionHandle: SessionHandle [{handle.text if handle else None}]",
                    None,
                )
            return self._session_call(session, call)
        for session in self.sessions.values():
            operation = session.operations.get(handle.guid) if handle else None
            if operation and operation.handle == handle:
                return self._operation_call(operation, call)
        if handle is None or call.name not in _OPERATION_CALLS:
            return exception_answer(
                call.name, call.seqid, UNKNOWN_METHOD, f"Invalid method name: '{call.name}'"
            )
        kind = _TYPE_NAMES.get(handle.type or 0, "UNKNOWN_OPERATION")
        text = (
            f"Invalid OperationHandle: OperationHandle [opType={kind}, "
            f"getHandleIdentifier()={handle.text}]"
        )
        return error_answer(call.name, call.seqid, text, None)

    def _open_session(self, connection: Connection, call: Call) -> bytes:
        session = Session(Handle.random(), connection.user, connection.number, {})
        if conf := tree.get(call.fields, 4):
            session.configuration = {k.decode(): v.decode() for k, v in conf.items}
        self.sessions[session.handle.guid] = session
        protocol = tree.get(call.fields, 1)
        response = [
            (1, STRUCT, status()),
            (2, I32, 9 if protocol is None else protocol),
            (3, STRUCT, session.handle.fields),
            (4, MAP, text_map({})),
        ]
        return answer(call.name, call.seqid, response)

    def _session_call(self, session: Session, call: Call) -> bytes | Operation:
        if call.name == "CloseSession":
            session.ended_by = "CloseSession"
            for operation in session.operations.values():
                operation.state = CANCELED
            session.operations.clear()
        elif call.name == "GetInfo":
            value = [(1, STRING, "scripted backend")]
            return answer(call.name, call.seqid, [(1, STRUCT, status()), (2, STRUCT, value)])
        elif call.name in _STARTERS:
            return self._start(session, call)
        return answer(call.name, call.seqid, [(1, STRUCT, status())])

    def _start(self, session: Session, call: Call) -> bytes | Operation:
        text = call.statement
        state = RUNNING if text.startswith("RUN") else FINISHED
        operation = Operation(Handle.random(_STARTERS[call.name]), session, text, state)
        session.operations[operation.handle.guid] = operation
        if state == RUNNING and not tree.get(call.fields, 4):
            return operation
        response = [(1, STRUCT, status()), (2, STRUCT, operation.handle.fields)]
        return answer(call.name, call.seqid, response)

    def _operation_call(self, operation: Operation, call: Call) -> bytes | BigFetch:
        response: list[tuple[int, int, Any]] = [(1, STRUCT, status())]
        if call.name == "GetOperationStatus":
            response += [(2, I32, operation.state), (9, BOOL, 1)]
        elif call.name == "CancelOperation":
            operation.state = CANCELED
        elif call.name == "CloseOperation":
            del operation.session.operations[operation.handle.guid]
        elif call.name == "GetResultSetMetadata":
            response.append((2, STRUCT, _SCHEMA))
        elif call.name == "FetchResults":
            if operation.statement.startswith("BYTES"):
                return BigFetch(call.seqid, int(operation.statement.split()[1]))
            response += [(2, BOOL, 0), (3, STRUCT, _ROWS)]
        else:
            return exception_answer(call.name, call.seqid, INTERNAL_ERROR, "not scripted")
        return answer(call.name, call.seqid, response)


_OPERATION_CALLS = (
    "GetOperationStatus",
    "CancelOperation",
    "CloseOperation",
    "GetResultSetMetadata",
    "FetchResults",
    "GetQueryId",
)
_STRING_TYPE = [(1, LIST, tree.Sequence(LIST, STRUCT, [[(1, STRUCT, [(1, I32, 7)])]]))]
_SCHEMA = [
    (
        1,
        LIST,
        tree.Sequence(LIST, STRUCT, [[(1, STRING, "value"), (2, STRUCT, _STRING_TYPE), (3, I32, 1)]]),
    )
]
_COLUMN = [(1, LIST, tree.Sequence(LIST, STRING, ["a", "b", "c"])), (2, STRING, b"\0")]
_ROWS = [
    (1, I64, 0),
    (2, LIST, tree.Sequence(LIST, STRUCT, [])),
    (3, LIST, tree.Sequence(LIST, STRUCT, [[(7, STRUCT, _COLUMN)]])),
]
