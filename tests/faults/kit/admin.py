"""The admin server of a gateway: asking it over its Unix socket or TCP, and reading metrics."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from pathlib import Path
from typing import Any

from .gate import Gate


def with_admin(**settings: Any) -> Any:
    """A change of the config: a Unix socket beside it, and plain metrics."""

    def change(config: dict) -> None:
        config["admin"] = {
            "listen": [{"bind": "unix:admin.sock"}],
            "metrics_listen": "127.0.0.1:0",
        } | settings

    return change


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=30.0)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30.0)
        self.sock.connect(self._path)


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.type = response.headers["Content-Type"]
        self.text = response.read().decode()

    def json(self) -> Any:
        assert self.status == 200, self
        return json.loads(self.text)

    def __repr__(self) -> str:
        return f"<{self.status} {self.text[:300]!r}>"


class Admin:
    """The admin server of a gate, by the name of its listener: admin or metrics."""

    def __init__(self, gate: Gate, listener: str = "admin", authority: Path | None = None):
        self.address = gate.address(listener)
        self.tls = ssl.create_default_context(cafile=str(authority)) if authority else None

    def socket_path(self) -> str:
        assert isinstance(self.address, str)
        return self.address

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = self._connection()
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if isinstance(self.address, str):
            return _UnixConnection(self.address)
        if self.tls:
            return http.client.HTTPSConnection(*self.address, timeout=30.0, context=self.tls)
        return http.client.HTTPConnection(*self.address, timeout=30.0)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.ask("POST", path, body)

    def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels, as they stand."""
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        return read_metrics(answer.text)


def read_metrics(text: str) -> dict[str, float]:
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(r"([a-z_]+(?:\{.*\})?) (\S+)", line)
            assert match, line
            assert match[1] not in found, line
            found[match[1]] = float(match[2])
    return found
