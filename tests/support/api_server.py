"""An API server of Kubernetes over HTTPS that answers as a test says: for what the real one can't be
made to do. It knows nothing but how to send lists and watches."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .certificates import Certificate

Object = dict[str, Any]


@dataclass
class Request:
    path: str
    query: dict[str, str]
    token: str | None

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "1"


class Cut(Exception):
    """The connection is to be reset now."""


@dataclass
class Answer:
    """What a test sends with."""

    handler: BaseHTTPRequestHandler
    ended: threading.Event
    closed: threading.Event = field(default_factory=threading.Event)

    def document(self, content: Any, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", "application/json")
        self.handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def begin(self) -> None:
        """The head of a watch."""
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "application/json")
        self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()

    def raw(self, data: bytes) -> None:
        self.handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def event(self, kind: str, content: Object) -> None:
        self.raw(json.dumps({"type": kind, "object": content}).encode() + b"\n")

    def end(self) -> None:
        self.handler.wfile.write(b"0\r\n\r\n")

    def hold(self, seconds: float = 600) -> None:
        """Stays silent until the server is closed."""
        self.ended.wait(seconds)

    def cut(self) -> None:
        raise Cut


class ApiServer:
    """`answer` is called for each request, in a thread of its own."""

    def __init__(self, certificate: Certificate, answer: Callable[[Request, Answer], None]):
        self.requests: list[Request] = []
        self._ended = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def setup(self) -> None:
                self.request.settimeout(60)
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                bearer = self.headers.get("Authorization")
                token = bearer.removeprefix("Bearer ") if bearer else None
                request = Request(parts.path, query, token)
                api.requests.append(request)
                try:
                    answer(request, Answer(self, api._ended))
                except Cut:
                    # zero linger: closing resets
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                except OSError:
                    self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                pass  # a client that leaves in the middle is no news

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def __enter__(self) -> "ApiServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)

    @property
    def lists(self) -> list[Request]:
        return [request for request in self.requests if not request.is_watch]

    @property
    def watches(self) -> list[Request]:
        return [request for request in self.requests if request.is_watch]


def status(code: int, message: str, reason: str = "Unknown") -> Object:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


def endpoint(address: str, uid: str | None = None, **conditions: bool) -> Object:
    made: Object = {"addresses": [address], "conditions": conditions}
    if uid:
        made["targetRef"] = {"kind": "Pod", "name": uid, "uid": uid}
    return made


def slice_of(
    name: str,
    *endpoints: Object,
    version: str = "5",
    family: str = "IPv4",
    ports: list[Object] | None = None,
) -> Object:
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {
            "name": name,
            "namespace": "spark",
            "resourceVersion": version,
            "labels": {"kubernetes.io/service-name": "sts"},
        },
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": ports or [{"name": "thrift", "port": 10000, "protocol": "TCP"}],
    }


def list_of(*slices: Object, version: str = "10", more: str | None = None) -> Object:
    metadata = {"resourceVersion": version} | ({"continue": more} if more else {})
    return {
        "kind": "EndpointSliceList",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": metadata,
        "items": list(slices),
    }
