"""A client made of a socket: says what it is told, byte by byte if need be."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from typing import Any

from e2e.harness import thrift_tree as tree

from .messages import (
    BigFetch,
    Fields,
    Handle,
    Reply,
    call,
    execute_fields,
    fetch_fields,
    handle_fields,
    open_fields,
)

START, OK, BAD, ERROR, COMPLETE = 1, 2, 3, 4, 5
PATIENCE = 30.0  # only keeps a broken gateway from hanging the run

Address = tuple[str, int] | str


class Closed(Exception):
    """The other side ended the connection."""


class LoginRefused(Exception):
    def __init__(self, status: int, text: str):
        super().__init__(f"SASL status {status}: {text}")
        self.status = status
        self.text = text


def sasl_frame(status: int, payload: bytes) -> bytes:
    return struct.pack(">BI", status, len(payload)) + payload


def plain_login(user: str, password: str, status: int = COMPLETE, authzid: str = "") -> bytes:
    secret = f"{authzid}\0{user}\0{password}".encode()
    return sasl_frame(START, b"PLAIN") + sasl_frame(status, secret)


def frame(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


class Peer:
    """One connection. `framed` is how requests travel: SASL frames, or bare Thrift. `source` is the
    address that it comes from: any of 127.0.0.0/8 will do."""

    def __init__(
        self, address: Address, framed: bool = True, receive_buffer: int = 0, source: str = ""
    ):
        family = (
            socket.AF_UNIX
            if isinstance(address, str)
            else socket.AF_INET6
            if ":" in address[0]
            else socket.AF_INET
        )
        self.framed = framed
        self.seqid = 0
        self._pending = bytearray()
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            if source:
                self.socket.bind((source, 0))
            self.socket.connect(address)
            if family != socket.AF_UNIX:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- the connection ----

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Ends with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def end_writing(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def try_send(self, data: bytes) -> bool:
        """Sends what the other side takes; False when it has hung up."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, TimeoutError):
            return False
        return True

    def receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                piece = self.socket.recv(min(size - len(data), 1 << 20))
            except ConnectionError as error:
                raise Closed(f"{error} after {len(data)} of {size} bytes") from None
            if not piece:
                raise Closed(f"after {len(data)} of {size} bytes: {bytes(data[:200])!r}")
            data += piece
        return bytes(data)

    def rest(self) -> bytes:
        """All that comes until the other side ends the connection."""
        data = bytearray()
        while True:
            try:
                piece = self.socket.recv(1 << 16)
            except ConnectionError:
                return bytes(data)
            if not piece:
                return bytes(data)
            data += piece

    def silent(self, seconds: float) -> bool:
        """True when nothing comes and the connection stays open for so long."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
            return False
        except TimeoutError:
            return True
        except ConnectionError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)

    # ---- SASL ----

    def sasl_answer(self) -> tuple[int, str]:
        status, size = struct.unpack(">BI", self.receive(5))
        assert size < 100_000, f"no SASL frame: status {status}, {size} bytes"
        return status, self.receive(size).decode()

    def login(self, user: str = "alice", password: str | None = None) -> Peer:
        secret = f"{user}-secret" if password is None else password
        self.send(plain_login(user, secret))
        status, text = self.sasl_answer()
        if status != COMPLETE:
            raise LoginRefused(status, text)
        return self

    # ---- messages ----

    def send_message(self, message: bytes) -> None:
        self.send(frame(message) if self.framed else message)

    def receive_message(self) -> Reply:
        """The next message, in however many frames it comes."""
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
                size = struct.unpack(">I", self.receive(4))[0]
                self._pending += self.receive(size)
                continue
            try:
                piece = self.socket.recv(1 << 18)
            except ConnectionError as error:
                raise Closed(str(error)) from None
            if not piece:
                raise Closed(f"inside a message: {bytes(self._pending[:200])!r}")
            self._pending += piece

    def ask(self, name: str, fields: Fields | bytes, seqid: int | None = None, **how: Any) -> int:
        """Sends a call and returns its seqid."""
        if seqid is None:
            self.seqid += 1
            seqid = self.seqid
        self.send_message(call(name, fields, seqid, **how))
        return seqid

    def call(self, name: str, fields: Fields | bytes, seqid: int | None = None, **how: Any) -> Reply:
        seqid = self.ask(name, fields, seqid, **how)
        reply = self.receive_message()
        assert (reply.name, reply.seqid) == (name, seqid), (
            f"{name}/{seqid} was answered with {reply.name}/{reply.seqid}"
        )
        return reply

    def open(self, user: str | None = None, password: str | None = None, **how: Any) -> Handle:
        return self.call("OpenSession", open_fields(user, password, **how)).session

    def execute(self, session: Handle, statement: str, run_async: bool = False) -> Handle:
        fields = execute_fields(session, statement, run_async)
        return self.call("ExecuteStatement", fields).operation

    def fetch(self, operation: Handle) -> Reply:
        return self.call("FetchResults", fetch_fields(operation))

    def operation_state(self, operation: Handle) -> int:
        reply = self.call("GetOperationStatus", handle_fields(operation)).ok()
        return tree.get(reply.fields, 2)

    def close_operation(self, operation: Handle) -> Reply:
        return self.call("CloseOperation", handle_fields(operation))

    def close_session(self, session: Handle) -> Reply:
        return self.call("CloseSession", handle_fields(session))

    def read_big(self, expected: BigFetch, pace: float = 0.0, piece: int = 1 << 18) -> int:
        """Reads a reply that is too large to keep and compares it with what was sent. `pace`
        seconds pass between reads. Returns the number of frames (0 without)."""
        frames = 0
        left = 0  # of the present frame
        total = 0
        checksum = 0
        while total < expected.size:
            if self.framed and left == 0:
                left = struct.unpack(">I", self.receive(4))[0]
                frames += 1
            want = min(piece, expected.size - total, left if self.framed else piece)
            data = self.socket.recv(want)
            if not data:
                raise Closed(f"after {total} of {expected.size} bytes")
            total += len(data)
            left -= len(data)
            checksum = zlib.crc32(data, checksum)
            if pace:
                time.sleep(pace)
        assert not self.framed or left == 0, f"{left} bytes more in the last frame than the reply"
        should = 0
        for chunk in expected.chunks():
            should = zlib.crc32(chunk, should)
        assert checksum == should, "the reply is not what the backend sent"
        return frames
