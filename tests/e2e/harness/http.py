"""HTTP for the end-to-end tests: what URLs and clients need for it, and a raw client like that of
wire.py whose messages travel as the bodies of POSTs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from e2e.harness.fleet import Gateway, Spark
from e2e.harness.wire import Closed, Connection, Reply, Target

PATH = "cliservice"
_SETTINGS = f";transportMode=http;httpPath={PATH}"
_LISTENERS = (
    {"name": "thrift", "transport": "binary", "sasl": "plain"},
    {"name": "raw", "transport": "binary", "sasl": "none"},
    {"name": "http", "transport": "http"},
)


def listeners() -> list[dict[str, str]]:
    """One of each kind: thrift (with SASL), raw (without) and http."""
    return [dict(listener) | {"bind": "127.0.0.1:0"} for listener in _LISTENERS]


def authorization(target: Target) -> str:
    login = f"{target.user}:{target.password}".encode()
    return "Basic " + base64.b64encode(login).decode()


@dataclass(frozen=True)
class Way:
    """A target and how it is spoken to: binary, raw (auth=noSasl) or http."""

    target: Target
    kind: str

    def as_user(self, user: str, password: str | None = None) -> Way:
        return Way(self.target.as_user(user, password), self.kind)

    @property
    def settings(self) -> str:
        """What a JDBC URL has for this way."""
        return {"binary": "", "raw": ";auth=noSasl", "http": _SETTINGS}[self.kind]

    def suffix(self, suffix: str) -> str:
        """The end of a JDBC URL, such as /sales?a=b#c=d, with this way's settings in place."""
        at = min((suffix.index(sign) for sign in "?#" if sign in suffix), default=len(suffix))
        return (suffix[:at] or "/") + self.settings + suffix[at:]

    def script(self, calls: Sequence[Sequence[str | None]]) -> list[list[str | None]]:
        """A script for the JDBC probe that connects this way."""
        return [
            [call[0], self.suffix(call[1] or "")] if call[0] == "connect" else list(call)
            for call in calls
        ]

    def connect(self) -> Connection:
        return HttpConnection(self.target) if self.kind == "http" else Connection(self.target)


@dataclass(frozen=True)
class HttpPair:
    """The same server directly, and through hivegate, in ways that may differ."""

    spark: Spark
    direct: Way
    via: Way

    @property
    def ways(self) -> tuple[Way, Way]:
        return self.direct, self.via


def way_to_spark(spark: Spark) -> Way:
    kind = "http" if spark.server.transport == "http" else "binary"
    return Way(spark.target, "raw" if spark.server.authentication == "NOSASL" else kind)


def way_to_gateway(gateway: Gateway, listener: str) -> Way:
    kind = "binary" if listener == "thrift" else listener
    return Way(gateway.target(listener=listener, sasl=listener == "thrift"), kind)


class HttpConnection(Connection):
    """One connection that is kept for all calls."""

    def __init__(self, target: Target):
        self.buffer = bytearray()
        super().__init__(target, login=False)

    def send_message(self, data: bytes) -> None:
        head = (
            f"POST /{PATH} HTTP/1.1\r\nHost: {self.target.host}:{self.target.port}\r\n"
            f"Authorization: {authorization(self.target)}\r\n"
            f"Content-Type: application/x-thrift\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        self.send(head.encode() + data)

    def receive_message(self) -> Reply:
        status, *lines = self._until(b"\r\n\r\n").decode().split("\r\n")
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        if fields.get("transfer-encoding") == "chunked":
            body = bytearray()
            while size := int(self._until(b"\r\n"), 16):
                body += self._take(size)
                assert self._take(2) == b"\r\n"
            assert self._take(2) == b"\r\n"
        else:
            body = bytearray(self._take(int(fields["content-length"])))
        assert status.split()[1] == "200", f"{status}: {bytes(body[:1000])!r}"
        return Reply(bytes(body))

    def _more(self) -> None:
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise Closed(f"inside a response: {bytes(self.buffer[:200])!r}")
        self.buffer += piece

    def _until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            self._more()
        found, _, rest = bytes(self.buffer).partition(end)
        self.buffer[:] = rest
        return found

    def _take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._more()
        found = bytes(self.buffer[:size])
        del self.buffer[:size]
        return found
