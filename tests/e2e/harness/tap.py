"""A tap between an HTTP client and its server: keeps the heads of requests, and may change responses.
TLS ends at it and begins anew behind it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from e2e.harness.wire import Target


@dataclass
class Request:
    """The head of one HTTP request, and the status of its answer (0: none came)."""

    fields: dict[str, str]
    status: int = 0
    set_cookie: str | None = None

    @property
    def login(self) -> str:
        """What it carries: credentials, hivegate's cookie, both, or nothing."""
        carried = {
            "credentials": "authorization" in self.fields,
            "cookie": "hive.server2.auth=" in self.fields.get("cookie", ""),
        }
        return " and ".join(what for what, is_there in carried.items() if is_there)


def _more(stream: socket.socket, buffer: bytearray, size: int) -> None:
    """Reads until the buffer holds that many bytes."""
    while len(buffer) < size:
        if not (piece := stream.recv(1 << 16)):
            raise ConnectionError("the end inside a message")
        buffer += piece


def _read_head(stream: socket.socket, buffer: bytearray) -> tuple[str, dict[str, str]]:
    while b"\r\n\r\n" not in buffer:
        _more(stream, buffer, len(buffer) + 1)
    first, *lines = bytes(buffer[: buffer.index(b"\r\n\r\n")]).decode().split("\r\n")
    return first, {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


def _chunks_end(stream: socket.socket, buffer: bytearray, start: int) -> int:
    while True:
        while (line_end := buffer.find(b"\r\n", start)) < 0:
            _more(stream, buffer, len(buffer) + 1)
        size = int(buffer[start:line_end], 16)
        start = line_end + 2 + size + 2
        _more(stream, buffer, start)
        if not size:
            return start


def _take_message(stream: socket.socket, buffer: bytearray, fields: dict[str, str]) -> bytes:
    """The head that was read and its body, taken out of the buffer."""
    start = buffer.index(b"\r\n\r\n") + 4
    if fields.get("transfer-encoding") == "chunked":
        end = _chunks_end(stream, buffer, start)
    else:
        end = start + int(fields.get("content-length", 0))
        _more(stream, buffer, end)
    message = bytes(buffer[:end])
    del buffer[:end]
    return message


@dataclass
class HttpTap:
    """One HTTP message after the other; `edit` gets the bytes of each response. `server` may be
    exchanged while it runs: it counts for connections that come from then on."""

    server: Target
    certificate: ssl.SSLContext | None = None  # what clients are shown; None: plain
    edit: Callable[[bytes], bytes] = lambda response: response
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> HttpTap:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        target = self.server
        server = socket.create_connection((target.host, target.port))
        try:
            if self.certificate:
                client = self.certificate.wrap_socket(client, server_side=True)
            if target.tls:
                server = target.tls.wrap_socket(server, server_hostname=target.host)
            self._relay(client, server)
        except OSError:
            pass  # either side has ended it
        finally:
            client.close()
            server.close()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        asked, answered = bytearray(), bytearray()
        while True:
            _, fields = _read_head(client, asked)
            request = Request(fields)
            self.requests.append(request)
            server.sendall(_take_message(client, asked, fields))
            first, fields = _read_head(server, answered)
            request.status = int(first.split()[1])
            request.set_cookie = fields.get("set-cookie")
            client.sendall(self.edit(_take_message(server, answered, fields)))
