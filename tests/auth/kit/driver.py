"""The method `ldap` in a process of its own: tests/drivers/ldap_driver.c."""

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.paths import BUILD

DRIVER = Path(os.environ.get("LDAP_DRIVER", BUILD / "tests" / "drivers" / "ldap-driver"))


class Driver:
    """Answers logins by the options of authentication.ldap."""

    def __init__(self, folder: Path, options: dict[str, Any]):
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "ldap.yaml"
        self.file.write_text(json.dumps(options))  # JSON is YAML
        self._process = subprocess.Popen(
            [str(DRIVER), str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Driver":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(30) in (0, 3), "the driver crashed"

    def send(self, *words: str) -> None:
        line = " ".join(quote(word, safe="") if word else "-" for word in words)
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        assert line, f"the driver ended with status {self._process.wait(30)}"
        return json.loads(line)

    def check(self, name: str, secret: str) -> dict[str, Any]:
        self.send("check", name, secret)
        return self.receive()

    def look_up(self, name: str) -> dict[str, Any]:
        self.send("look-up", name)
        return self.receive()

    def reload(self) -> dict[str, Any]:
        self.send("reload")
        return self.receive()

    def many(self, threads: int, count: int, name: str, secret: str) -> dict[str, Any]:
        self.send("many", str(threads), str(count), name, secret)
        return self.receive()


def open_files(driver: Driver) -> int:
    """How many sockets the driver has open."""
    count = 0
    for entry in Path(f"/proc/{driver._process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed between listing and reading
            count += os.readlink(entry).startswith("socket:")
    return count
