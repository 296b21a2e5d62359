"""A collector of traces: takes OTLP over HTTP, and reads it by OpenTelemetry's own schema."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Span:
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    start: int
    end: int
    failed: bool
    message: str
    attributes: dict[str, Any] = field(default_factory=dict)


def _with_bytes(node: Any) -> Any:
    """OTLP's JSON has ids in hexadecimal, Protobuf's own in base64 (OTLP 1.x, JSON encoding)."""
    if isinstance(node, list):
        return [_with_bytes(each) for each in node]
    if not isinstance(node, dict):
        return node
    ids = ("traceId", "spanId", "parentSpanId")
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode() if key in ids else _with_bytes(value)
        for key, value in node.items()
    }


def read_request(text: bytes) -> tuple[list[Span], dict[str, Any]]:
    """The spans of a request, and what it says of who made them; refuses what isn't in the schema."""
    request = json_format.ParseDict(_with_bytes(json.loads(text)), ExportTraceServiceRequest())
    spans = []
    (of_resource,) = request.resource_spans
    for scope in of_resource.scope_spans:
        for span in scope.spans:
            assert len(span.trace_id) == 16 and len(span.span_id) == 8
            spans.append(
                Span(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.kind,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == 2,
                    span.status.message,
                    _attributes(span.attributes),
                )
            )
    return spans, _attributes(of_resource.resource.attributes)


def _attributes(pairs: Any) -> dict[str, Any]:
    return {p.key: getattr(p.value, p.value.WhichOneof("value")) for p in pairs}


class Collector:
    """Listens on loopback. `status` is what it answers; `hold` lets requests wait."""

    def __init__(self) -> None:
        self.status = 200
        self.answer = "{}"
        self.gone_on = threading.Event()
        self.gone_on.set()
        self.requests = 0
        self.tokens: list[str | None] = []
        self.problems: list[str] = []
        self.resource: dict[str, Any] = {}
        self._spans: list[Span] = []
        self._lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector._take(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.gone_on.wait(60)
        with self._lock:
            self.requests += 1
            self.tokens.append(handler.headers.get("Authorization"))
            try:
                assert handler.path == "/v1/traces"
                assert handler.headers["Content-Type"] == "application/json"
                spans, self.resource = read_request(body)
                if self.status == 200:
                    self._spans += spans
            except Exception as error:
                self.problems.append(f"{error!r} in {body[:2000]!r}")
        try:
            handler.send_response(self.status)
            handler.send_header("Content-Length", str(len(self.answer)))
            handler.end_headers()
            handler.wfile.write(self.answer.encode())
        except OSError:
            pass  # hivegate has given up waiting

    @property
    def spans(self) -> list[Span]:
        with self._lock:
            assert not self.problems, self.problems
            return list(self._spans)

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def close(self) -> None:
        self.gone_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
