"""HTTP for the fault tests: a raw client whose requests may be any bytes, and a scripted backend
that answers over HTTP."""

from __future__ import annotations

import base64
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.harness import thrift_tree as tree

from .backend import Backend, Call, Connection, Fault, Gone, Turn
from .gate import Gate
from .messages import BigFetch, Reply, call, open_fields
from .peer import Closed, Peer

PATH = "/cliservice"


def basic(user: str, password: str | None = None) -> str:
    """The value of an Authorization header."""
    secret = f"{user}-secret" if password is None else password
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def chunked(body: bytes, size: int) -> bytes:
    """The body in chunks of that many bytes, with the last one."""
    made = bytearray()
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        made += b"%x\r\n%s\r\n" % (len(piece), piece)
    return bytes(made + b"0\r\n\r\n")


@dataclass
class Head:
    """The head of a response."""

    version: str
    status: int
    fields: dict[str, str]  # names in lower case

    @property
    def is_chunked(self) -> bool:
        return self.fields.get("transfer-encoding") == "chunked"

    @property
    def closes(self) -> bool:
        return self.fields.get("connection", "").lower() == "close"


@dataclass
class Response:
    head: Head
    body: bytes

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def text(self) -> str:
        return self.body.decode()


class HttpPeer(Peer):
    """One connection that speaks HTTP; the calls of Peer are POSTs. `chunk` is the size of the
    chunks that bodies are sent in (0: with a length)."""

    def __init__(self, address: Any, user: str = "alice", password: str | None = None, **how: Any):
        super().__init__(address, framed=False, **how)
        self.authorization: str | None = basic(user, password)
        self.version = "1.1"
        self.target = PATH
        self.extra: Sequence[str] = ()
        self.chunk = 0

    # ---- requests ----

    def request(
        self,
        body: bytes = b"",
        *,
        method: str = "POST",
        target: str | None = None,
        fields: Sequence[str] = (),
        length: bool = True,
    ) -> bytes:
        """A request as bytes. `length` False leaves out how long the body is."""
        lines = [f"{method} {target or self.target} HTTP/{self.version}", "Host: gate.example"]
        if self.authorization is not None:
            lines.append(f"Authorization: {self.authorization}")
        lines += [*self.extra, *fields]
        if length and self.chunk:
            lines.append("Transfer-Encoding: chunked")
            body = chunked(body, self.chunk)
        elif length:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send_message(self, message: bytes) -> None:
        self.send(self.request(message))

    def post(self, body: bytes = b"", **how: Any) -> Response:
        """Sends a request and reads its response, whatever that is."""
        self.send(self.request(body, **how))
        return self.response()

    def say(self, data: bytes) -> Response:
        """The same with bytes as they are."""
        self.try_send(data)
        return self.response()

    # ---- responses ----

    def _more(self) -> None:
        try:
            piece = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(str(error)) from None
        if not piece:
            raise Closed(f"inside a response: {bytes(self._pending[:200])!r}")
        self._pending += piece

    def _line(self) -> bytes:
        while b"\r\n" not in self._pending:
            self._more()
        line, _, rest = bytes(self._pending).partition(b"\r\n")
        self._pending[:] = rest
        return line

    def head(self) -> Head:
        version, status, _ = self._line().decode().split(" ", 2)
        fields: dict[str, str] = {}
        while line := self._line().decode():
            name, _, value = line.partition(":")
            assert name.lower() not in fields, f"{name} comes twice"
            fields[name.lower()] = value.strip()
        assert version == "HTTP/1.1"
        return Head(version, int(status), fields)

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._pending:
                self._more()
            piece = bytes(self._pending[:size])
            del self._pending[: len(piece)]
            size -= len(piece)
            yield piece

    def body(self, head: Head) -> Iterator[bytes]:
        """The pieces of the body that belongs to this head, strictly read."""
        if head.is_chunked:
            assert "content-length" not in head.fields
            while size := int(self._line(), 16):
                yield from self._exactly(size)
                assert self._line() == b""
            assert self._line() == b""
        elif "content-length" in head.fields:
            yield from self._exactly(int(head.fields["content-length"]))
        else:
            assert head.closes, f"a body without an end: {head}"
            yield bytes(self._pending)
            self._pending.clear()
            yield self.rest()

    def response(self) -> Response:
        head = self.head()
        return Response(head, b"".join(self.body(head)))

    def receive_message(self) -> Reply:
        response = self.response()
        assert response.status == 200, f"{response.status}: {response.text}"
        assert response.head.fields["content-type"] == "application/x-thrift"
        return Reply(response.body)

    def ended(self) -> bool:
        """True when the other side ends the connection without another byte."""
        return not self._pending and self.rest() == b""

    def read_big_body(self, expected: BigFetch, pace: float = 0.0) -> Head:
        """Reads a reply that is too large to keep and compares it with what was sent; `pace`
        seconds pass between pieces."""
        head = self.head()
        assert head.status == 200, head
        total = checksum = 0
        for piece in self.body(head):
            total += len(piece)
            checksum = zlib.crc32(piece, checksum)
            if pace:
                time.sleep(pace)
        should = 0
        for chunk in expected.chunks():
            should = zlib.crc32(chunk, should)
        assert (total, checksum) == (expected.size, should), "the reply is not what was sent"
        return head


def add_listener(config: dict[str, Any]) -> None:
    """For Gate's `change`: an HTTP listener named http."""
    config["listeners"].append({"name": "http", "bind": "127.0.0.1:0", "transport": "http"})


def http_peer(gate: Gate, user: str = "alice", password: str | None = None, **how: Any) -> HttpPeer:
    peer = HttpPeer(gate.address("http"), user, password, **how)
    gate.adopt(peer)
    return peer


OPEN = call("OpenSession", open_fields())


def works(gate: Gate, user: str = "alice") -> None:
    """A new client is served from its login to the end of its session."""
    with http_peer(gate, user) as peer:
        session = peer.open()
        peer.fetch(peer.execute(session, "SELECT 1")).ok()
        peer.close_session(session).ok()


def is_refusal(response: Response, status: int) -> str:
    """A refusal of this status, in words; returns them."""
    assert response.status == status, f"{response.head}: {response.text}"
    assert response.head.fields["content-type"].startswith("text/plain")
    assert len(response.text.strip()) > 10
    return response.text


# ---- a backend ----------------------------------------------------------------------------------


class HttpConnection(Connection):
    """A connection to a scripted HTTP backend."""

    backend: HttpBackend
    style = "chunked"
    says_close = False

    def _converse(self) -> None:
        if fault := self.backend.pick("connect", None):
            fault(Turn(self))
            if not self.open:
                return
        self.logged_in = True
        while self.open:
            message = self._request()
            self.backend.requests += 1
            # for this response: a test may change the backend's while it goes out
            self.style, self.says_close = self.backend.style, self.backend.says_close
            fields = tree.get(message.body, 1) or []
            found = Call(message.name, message.seqid, message.type, self.user, self.number, fields)
            self.backend.note(found)
            if fault := self.backend.pick(found.name, self.user, found):
                fault(Turn(self, found))
                continue
            reply = self.backend.perform(self, found)
            if isinstance(reply, BigFetch):
                self.send_big(reply)
            else:
                self.send_message(reply)

    def _request(self) -> tree.Message:
        while b"\r\n\r\n" not in self.buffer:
            self._read()
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer[:] = rest
        start, *lines = head.decode().split("\r\n")
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        try:
            assert start == f"POST {PATH} HTTP/1.1", start
            assert len(fields) == len(lines), lines
            assert fields["host"] == self.backend.address, fields
            assert fields["content-type"] == "application/x-thrift", fields
            assert "transfer-encoding" not in fields, fields
            scheme, _, encoded = fields["authorization"].partition(" ")
            assert scheme == "Basic", fields
            self.user, _, self.password = base64.b64decode(encoded).decode().partition(":")
            return tree.decode(self.take(int(fields["content-length"])))
        except Gone:
            raise
        except Exception as error:
            self.backend.complain(f"a bad request: {error}: {head!r}")
            raise Gone from None

    def response_head(self, size: int | None, fields: Sequence[str] = ()) -> bytes:
        """Of a 200 in the backend's style: chunked, or, by the chunk size 0, with a length, or with
        neither."""
        lines = ["HTTP/1.1 200 OK", "Server: scripted", "Content-Type: application/x-thrift"]
        style = self.style
        if style == "length":
            lines.append(f"Content-Length: {size}")
        elif style == "chunked":
            lines.append("Transfer-Encoding: chunked")
        if self.ends_it:
            lines.append("Connection: close")
        return "\r\n".join([*lines, *fields, "", ""]).encode()

    def response_bytes(self, message: bytes) -> bytes:
        body = chunked(message, self.backend.chunk) if self.style == "chunked" else message
        return self.response_head(len(message)) + body

    def send_message(self, message: bytes) -> None:
        self.socket.sendall(self.response_bytes(message))
        if self.ends_it:
            self.end()

    def send_big(self, big: BigFetch) -> None:
        self.socket.sendall(self.response_head(big.size))
        gathered = bytearray()
        for piece in big.chunks():
            gathered += piece
            if len(gathered) > 1 << 20:
                self.send_piece(gathered)
                gathered.clear()
        self.send_piece(gathered)
        if self.style == "chunked":
            time.sleep(self.backend.pause)
            self.socket.sendall(b"0\r\n\r\n")
        if self.ends_it:
            self.end()

    def send_piece(self, data: bytes | bytearray) -> None:
        if self.style == "chunked":
            data = chunked(bytes(data), self.backend.chunk)[: -len("0\r\n\r\n")]
        self.socket.sendall(data)

    @property
    def ends_it(self) -> bool:
        """Whether a response ends the connection."""
        return self.style == "close" or self.says_close


class HttpBackend(Backend):
    """An endpoint that speaks HTTP. Its sessions outlive connections, as Spark's do.

    style       how a response says where it ends: chunked, length or close
    chunk       bytes of a chunk
    says_close  each response ends the connection, in words too
    pause       seconds in front of the last chunk of a large reply
    """

    connection_type = HttpConnection

    def __init__(self, **how: Any):
        self.style = "chunked"
        self.chunk = 8192
        self.says_close = False
        self.pause = 0.0
        self.requests = 0
        super().__init__(**how)

    def _open_session(self, connection: Connection, call: Call) -> bytes:
        reply = super()._open_session(connection, call)
        self.session(connection.user or "").connection = -1  # of none
        return reply


def response(
    status: str, body: bytes, *fields: str, kind: str = "text/plain", length: bool = True
) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def whole_response(turn: Turn) -> bytes:
    """The undisturbed response to a call."""
    assert isinstance(turn.connection, HttpConnection)
    return turn.connection.response_bytes(turn.normal())


def cut(where: Callable[[bytes], int], reset: bool = False) -> Fault:
    """The first where(response) bytes of the response, then the end of the connection."""

    def fault(turn: Turn) -> None:
        data = whole_response(turn)
        turn.raw(data[: where(data)])
        turn.reset() if reset else turn.close()

    return fault


def in_drips(piece: int, pause: float) -> Fault:
    """The response in small pieces of bytes."""

    def fault(turn: Turn) -> None:
        assert isinstance(turn.connection, HttpConnection)
        ends = turn.connection.ends_it
        data = whole_response(turn)
        for at in range(0, len(data), piece):
            turn.raw(data[at : at + piece])
            time.sleep(pause)
        if ends:
            turn.close()

    return fault
