"""TLS over a socket with every byte in our hands: handshakes cut anywhere, records changed on their
way, goodbyes at the wrong time."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from .peer import Peer


class TlsSocket:
    """Stands in for a Peer's socket. What it has encrypted waits in `take()` for those who want to
    send it themselves."""

    def __init__(
        self,
        raw: socket.socket,
        context: ssl.SSLContext,
        name: str = "localhost",
        session: ssl.SSLSession | None = None,
    ):
        self.raw = raw
        self.goodbye = False  # the other side said close_notify
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=name, session=session)

    # ---- the handshake ----

    def step(self) -> bool:
        """Goes on with the handshake; TRUE when it is over for us. What it says waits in take()."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def feed(self) -> bool:
        """Takes in what has come; FALSE at the end."""
        piece = self.raw.recv(1 << 18)
        self._in.write(piece) if piece else self._in.write_eof()
        return bool(piece)

    def take(self) -> bytes:
        return self._out.read()

    def handshake(self) -> TlsSocket:
        while not self.step():
            self.raw.sendall(self.take())
            self.feed()
        self.raw.sendall(self.take())
        return self

    # ---- what a Peer wants of a socket ----

    def encrypt(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.take()

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), 1 << 20):
            self.raw.sendall(self.encrypt(view[start : start + (1 << 20)]))

    def recv(self, size: int) -> bytes:
        while not self.goodbye:
            try:
                data = self.tls.read(size)
            except ssl.SSLWantReadError:
                if not self.feed():
                    return b""
                continue
            except ssl.SSLZeroReturnError:
                data = b""
            self.goodbye = not data
            return data
        return b""

    def say_goodbye(self) -> None:
        """Sends close_notify and stays to listen."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # it would wait for the other side's
        self.raw.sendall(self.take())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def secure(
    peer: Peer,
    context: ssl.SSLContext,
    name: str = "localhost",
    session: ssl.SSLSession | None = None,
) -> Peer:
    """Makes the handshake, asking to resume that session if there is one; from then on everything
    the peer says goes through TLS."""
    made = TlsSocket(peer.socket, context, name, session)
    made.handshake()
    peer.socket = made  # type: ignore[assignment]
    return peer


def client_hello(context: ssl.SSLContext, name: str = "localhost") -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
