"""A directory server that answers as a test says: for what slapd can't be made to do.

Enough of LDAP (RFC 4511) to read binds, searches and "Who am I?", and to write any answer.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from support.net import end

BIND, UNBIND, SEARCH, ABANDON, EXTENDED = 0x60, 0x42, 0x63, 0x50, 0x77
BIND_RESPONSE, ENTRY, DONE, EXTENDED_RESPONSE = 0x61, 0x64, 0x65, 0x78


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    return bytes([tag, 0x84]) + len(body).to_bytes(4, "big") + body


def text(value: str | bytes, tag: int = 0x04) -> bytes:
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def result(tag: int, code: int = 0, message: str = "", *more: bytes) -> bytes:
    return tlv(tag, tlv(0x0A, bytes([code])), text(""), text(message), *more)


def entry(dn: str, **attributes: list[str] | list[bytes]) -> bytes:
    """Attribute names with a '__' for a ';', and '_' for a '-' or '=' of a range, are written out
    by `named` instead."""
    return named(dn, {key: list(values) for key, values in attributes.items()})


def named(dn: str, attributes: dict[str, list]) -> bytes:
    pairs = (
        tlv(0x30, text(name), tlv(0x31, *map(text, values))) for name, values in attributes.items()
    )
    return tlv(ENTRY, text(dn), tlv(0x30, *pairs))


def message(number: int, operation: bytes) -> bytes:
    return tlv(0x30, tlv(0x02, number.to_bytes(4, "big")), operation)


def split(data: bytes) -> list[tuple[int, bytes]]:
    """The elements of a BER body."""
    found = []
    while data:
        tag, size, at = data[0], data[1], 2
        if size & 0x80:
            at += size & 0x7F
            size = int.from_bytes(data[2:at], "big")
        found.append((tag, data[at : at + size]))
        data = data[at + size :]
    return found


@dataclass(frozen=True)
class Call:
    """A request: its kind, and for a bind the name and the password."""

    kind: int
    number: int
    name: str = ""
    password: str = ""


Answer = Callable[[Call, socket.socket], bytes | None]


class Scripted:
    """`answer` gives what is sent for each request; None sends nothing."""

    def __init__(self, answer: Answer):
        self.calls: list[Call] = []
        self._answer = answer
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ldap://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Scripted":
        return self

    def __exit__(self, *_: object) -> None:
        end(self._listener, *self._open)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        stream = sock.makefile("rb")
        try:
            while call := self._read(stream):
                self.calls.append(call)
                if (answer := self._answer(call, sock)) is not None:
                    sock.sendall(answer)
        except OSError:
            pass

    @staticmethod
    def _read(stream) -> Call | None:
        head = stream.read(2)
        if len(head) < 2:
            return None
        size = head[1]
        if size & 0x80:
            size = int.from_bytes(stream.read(size & 0x7F), "big")
        (_, number), (kind, body), *_ = split(stream.read(size))
        if kind == BIND:
            _, (_, name), (_, password) = split(body)[:3]
            return Call(kind, int.from_bytes(number, "big"), name.decode(), password.decode())
        return Call(kind, int.from_bytes(number, "big"))
