"""A server for opaque tokens: introspection (RFC 7662) and Zalando's tokeninfo, in a process of its
own. It is ours, and small: what is real about it is the process, HTTP and the protocol, which it
takes strictly. Run as a program it serves; imported, it starts itself.

State is a JSON file that is read for each request:
    {"client_id", "client_secret", "tokens": {TOKEN: CLAIMS}, "mode": "" | "hang" | "500" | ...}
Each request is a line of JSON in the log beside it.
"""

import base64
import json
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HANG_SECONDS = 600
BODY_MOST = 65536


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state_file: Path
    log_file: Path
    lock = threading.Lock()

    def log_message(self, *_: object) -> None:
        pass

    def note(self, body: str) -> None:
        line = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": body,
            "port": self.client_address[1],
        }
        with self.lock, open(self.log_file, "a") as log:
            log.write(json.dumps(line) + "\n")

    def answer(self, status: int, content: Any, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def misbehave(self, mode: str) -> bool:
        """What a broken server does; True when that was all."""
        if mode == "hang":
            time.sleep(HANG_SECONDS)
        elif mode == "slow":
            time.sleep(0.5)
            return False
        elif mode == "close":
            self.close_connection = True
        elif mode == "huge":
            self.answer(200, b'{"active": true, "x": "' + b"x" * 70000 + b'"}')
        elif mode == "nonsense":
            self.answer(200, b"<html>Welcome</html>")
        elif mode == "twice":
            self.answer(200, b'{"active": false, "active": true, "username": "alice"}')
        elif mode == "redirect":
            self.answer(302, {}, Location="http://127.0.0.1:1/")
        elif mode.isdigit():
            self.answer(int(mode), {"error": "server_error"})
        else:
            return False
        return True

    def do_POST(self) -> None:
        state = json.loads(self.state_file.read_text())
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), BODY_MOST)).decode()
        self.note(body)
        if self.misbehave(state.get("mode", "")):
            return
        if urllib.parse.urlsplit(self.path).path != "/introspect":
            self.answer(404, {"error": "not_found"})
        elif self.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            self.answer(400, {"error": "invalid_request"})
        else:
            self.introspect(state, urllib.parse.parse_qs(body, strict_parsing=True))

    def client(self, form: dict[str, list[str]]) -> tuple[str, str]:
        """The client's id and secret, from the header or the body but not both (RFC 6749, 2.3)."""
        header = self.headers.get("Authorization", "")
        if header.startswith("Basic ") and "client_secret" not in form:
            pair = base64.b64decode(header[6:], validate=True).decode().partition(":")
            return urllib.parse.unquote_plus(pair[0]), urllib.parse.unquote_plus(pair[2])
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]

    def introspect(self, state: dict[str, Any], form: dict[str, list[str]]) -> None:
        if self.client(form) != (state["client_id"], state["client_secret"]):
            self.answer(401, {"error": "invalid_client"}, WWW_Authenticate='Basic realm="x"')
        elif len(form.get("token", [])) != 1:
            self.answer(400, {"error": "invalid_request"})
        elif (claims := state["tokens"].get(form["token"][0])) is None:
            self.answer(200, {"active": False})
        else:
            self.answer(200, {"active": True, **claims})

    def do_GET(self) -> None:
        state = json.loads(self.state_file.read_text())
        self.note("")
        if self.misbehave(state.get("mode", "")):
            return
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        header = self.headers.get("Authorization", "")
        shown = query.get("access_token", [])
        if header.startswith("Bearer "):
            shown = [*shown, header[7:]]
        if url.path != "/tokeninfo":
            self.answer(404, {"error": "not_found"})
        elif len(shown) != 1:
            self.answer(400, {"error": "invalid_request", "error_description": "one token"})
        elif (claims := state["tokens"].get(shown[0])) is None:
            self.answer(400, {"error": "invalid_request", "error_description": "not valid"})
        else:
            self.answer(200, {"access_token": shown[0], "token_type": "Bearer", **claims})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _serve(port: int, state_file: Path, log_file: Path) -> None:
    _Handler.state_file, _Handler.log_file = state_file, log_file
    _Server(("127.0.0.1", port), _Handler).serve_forever()


class TokenServer:
    """The server's process, and its state."""

    def __init__(self, folder: Path):
        from .net import free_port

        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "requests.jsonl"
        self.state: dict[str, Any] = {
            "client_id": "gate:1",
            "client_secret": "s+cret/ü",
            "tokens": {},
            "mode": "",
        }
        self.process: Any = None
        self.write()

    def __enter__(self) -> "TokenServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        from .net import is_listening
        from .process import Process

        self.process = Process.spawn(
            [
                sys.executable,
                str(Path(__file__).resolve()),
                *(str(self.port), str(self.folder / "state.json"), str(self.log)),
            ],
            self.folder / "server.log",
        )
        self.process.wait_until(lambda: is_listening(self.port), "the token server", 60)

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop(1.0)
            self.process = None

    def write(self) -> None:
        fresh = self.folder / "state.new"
        fresh.write_text(json.dumps(self.state))
        fresh.rename(self.folder / "state.json")

    def set(self, **state: Any) -> None:
        self.state.update(state)
        self.write()

    def requests(self) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
