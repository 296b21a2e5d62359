"""A real OpenID Connect issuer: dex, built by tools/setup from tests/issuer.

Its users are alice and bob (password "pw"), its clients `hivegate` (secret s3) and `other` (s4).
"""

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .certificates import Certificate
from .net import free_port, is_listening
from .paths import CACHE, SetupError
from .process import Process

PROGRAM = CACHE / "issuer" / "issuer"
SECRETS = {"hivegate": "s3", "other": "s4"}


class Issuer:
    """An issuer on a port of its own, which stays the same when it is started again. Its keys live
    as long as the process."""

    def __init__(
        self,
        folder: Path,
        rotate: str = "6h",
        valid: str = "1h",
        tls: Certificate | None = None,
        ca_file: Path | None = None,
    ):
        if not PROGRAM.exists():
            raise SetupError(f"no {PROGRAM}; run: tools/setup issuer")
        self.port = free_port()
        self.folder = folder
        self.options = ["-rotate", rotate, "-valid", valid]
        self.scheme = "http"
        self.context = None
        if tls is not None:
            self.scheme = "https"
            self.options += ["-cert", str(tls.certificate), "-key", str(tls.key)]
            self.context = ssl.create_default_context(cafile=ca_file)
        self.url = f"{self.scheme}://127.0.0.1:{self.port}/dex"
        self._starts = 0
        self._process: Process | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Issuer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it; with new keys each time."""
        self._starts += 1
        self._process = Process.spawn(
            [str(PROGRAM), "-issuer", self.url, "-listen", f"127.0.0.1:{self.port}", *self.options],
            self.folder / f"issuer-{self._starts}.log",
        )
        self._process.wait_until(lambda: is_listening(self.port), "the issuer", 60)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, context=self.context, timeout=60) as answer:
            return json.load(answer)

    def tokens(self, user: str = "alice", client: str = "hivegate") -> dict[str, Any]:
        """What the issuer gives the client for the user's password: access_token, id_token,
        refresh_token."""
        basic = base64.b64encode(f"{client}:{SECRETS[client]}".encode()).decode()
        form = {
            "grant_type": "password",
            "scope": "openid profile email offline_access",
            "username": f"{user}@example.org",
            "password": "pw",
        }
        request = urllib.request.Request(
            f"{self.url}/token",
            data=urllib.parse.urlencode(form).encode(),
            headers={"Authorization": f"Basic {basic}"},
        )
        with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
            return json.load(answer)

    def token(self, user: str = "alice", client: str = "hivegate") -> str:
        return self.tokens(user, client)["id_token"]

    def key_ids(self) -> set[str]:
        return {key["kid"] for key in self.get("/keys")["keys"]}
