"""A real name server on loopback: Knot DNS (Debian's package), with one zone that tests rewrite."""

import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from .net import free_port, is_listening
from .paths import SetupError
from .process import Process

ZONE = "pool.test."


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if found is None:
        raise SetupError(f"no {name} here; run: tools/setup discovery")
    return found


class Knot:
    """An authoritative server of the zone pool.test. Its port stays when it is started again."""

    def __init__(self, folder: Path, records: Sequence[str] = ()):
        self.port = free_port()
        self.servers = f"127.0.0.1:{self.port}"
        self.folder = folder
        self._serial = 0
        self._process: Process | None = None
        # a socket's path has to be short, wherever the tests run
        (folder / "run").mkdir(parents=True)
        self._config = folder / "knot.conf"
        self._config.write_text(
            f"server:\n    rundir: {folder}/run\n    listen: 127.0.0.1@{self.port}\n"
            f"    pidfile: {folder}/run/knot.pid\n"
            f"database:\n    storage: {folder}/run\n"
            f"log:\n  - target: stderr\n    any: info\n"
            f"control:\n    listen: {folder}/run/c\n"
            f"zone:\n  - domain: {ZONE}\n    file: {folder}/zone\n    zonefile-sync: -1\n"
            f"    zonefile-load: whole\n    journal-content: none\n"
        )
        self._write(records)
        self.start()

    def __enter__(self) -> "Knot":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._process = Process.spawn(
            [_program("knotd"), "-c", str(self._config)], self.folder / "knot.log"
        )
        self._process.wait_until(lambda: is_listening(self.port), "knotd", 30)
        self._control("zone-status")

    def stop(self) -> None:
        if self._process:
            self._process.stop()
            self._process = None

    def freeze(self) -> None:
        """It stays there, but says nothing."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.signal(signal.SIGCONT)

    def _control(self, *words: str) -> None:
        argv = [_program("knotc"), "-c", str(self._config), "-b", *words]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"knotc {words} failed:\n{done.stdout}{done.stderr}")

    def _write(self, records: Sequence[str]) -> None:
        self._serial += 1
        lines = [
            f"$ORIGIN {ZONE}",
            f"@ 1 SOA ns.{ZONE} root.{ZONE} {self._serial} 3600 600 86400 1",
            f"@ 60 NS ns.{ZONE}",
            "ns 60 A 127.0.0.1",
            *records,
        ]
        (self.folder / "zone").write_text("\n".join(lines) + "\n")

    def set(self, *records: str) -> None:
        """Makes these the records of the zone: "web 1 A 10.1.0.5" and so on."""
        self._write(records)
        self._control("zone-reload", ZONE)

    def lose(self) -> None:
        """The zone can't be loaded any more: the server answers SERVFAIL."""
        (self.folder / "zone").unlink()
        self._control("zone-purge", "-f", ZONE)


class ScriptedServer:
    """A name server over UDP that answers as a test says: answer(query) gives the bytes to send."""

    def __init__(self, answer: Callable[[bytes], bytes]):
        self._answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.servers = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.queries = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> "ScriptedServer":
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", self._socket.getsockname())  # ends the loop
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(4096)
            if not query:
                return
            self.queries += 1
            self._socket.sendto(self._answer(query), sender)
