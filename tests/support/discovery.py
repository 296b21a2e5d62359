"""A source of discovery in a process of its own: tests/drivers/discovery_driver.c."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .paths import BUILD

DRIVER = Path(os.environ.get("DISCOVERY_DRIVER", BUILD / "tests" / "drivers" / "discovery-driver"))
WAIT_SECONDS = 60.0

Line = dict[str, Any]


class DriverFailed(Exception):
    """The driver refused its configuration; the text is what it said."""


class Discovery:
    """Runs the driver; every line that it says is kept, in order.

    with Discovery(kind="static", endpoints=[...]) as found:
        found.wait_hosts("10.1.0.5:10000")
    """

    def __init__(self, **config: Any):
        self.lines: list[Line] = []
        self.stopped_ms: float | None = None
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [str(DRIVER), json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        for text in self._process.stdout:
            with self._changed:
                self.lines.append(json.loads(text))
                self._changed.notify_all()

    def _read_errors(self) -> None:
        for text in self._process.stderr:
            self._errors.append(text)

    def __enter__(self) -> "Discovery":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the source, and checks that the driver ended well and said nothing else."""
        self._process.stdin.close()
        status = self._process.wait(WAIT_SECONDS)
        for thread in self._threads:
            thread.join(WAIT_SECONDS)
        self._process.stdout.close()
        self._process.stderr.close()
        assert status == 0, f"the driver ended with status {status}: {''.join(self._errors)}"
        assert not self._errors, "".join(self._errors)
        self.stopped_ms = self.lines[-1]["stopped_ms"]

    def kill(self) -> None:
        """Ends the driver as a crash does; then there is nothing to close."""
        self._process.kill()
        self._process.wait(WAIT_SECONDS)
        for thread in self._threads:
            thread.join(WAIT_SECONDS)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            stream.close()

    def wait(self, what: str, found: Callable[[list[Line]], Any]) -> Any:
        """Waits until found(lines) gives something true, and returns that."""
        deadline = time.monotonic() + WAIT_SECONDS
        with self._changed:
            while not (result := found(self.lines)):
                left = deadline - time.monotonic()
                if left <= 0 or self._process.poll() is not None:
                    said = "\n".join(map(json.dumps, self.lines[-8:])) + "".join(self._errors)
                    raise AssertionError(f"waited in vain for {what}; the driver said last:\n{said}")
                self._changed.wait(min(left, 0.2))
        return result

    @property
    def sets(self) -> list[list[Line]]:
        return [line["set"] for line in self.lines if "set" in line]

    def mark(self) -> int:
        """A place in what was said, for wait_standing(after=)."""
        return len(self.lines)

    def wait_set(self, what: str, good: Callable[[list[Line]], bool]) -> Line:
        """Waits until the last set is good; returns its line."""

        def last(lines: list[Line]) -> Line | None:
            sets = [line for line in lines if "set" in line]
            return sets[-1] if sets and good(sets[-1]["set"]) else None

        return self.wait(what, last)

    def wait_hosts(self, *hosts: str) -> Line:
        """Waits until the last set has exactly these host:port."""
        return self.wait_set(f"the set {hosts}", lambda found: places(found) == sorted(hosts))

    def wait_standing(self, kind: str, problem: str = "", after: int = 0) -> Line:
        """Waits for a standing of that kind whose problem holds the text."""

        def match(lines: list[Line]) -> Line | None:
            for line in lines[after:]:
                standing = line.get("standing")
                if standing and standing["kind"] == kind and problem in (standing["problem"] or ""):
                    return line
            return None

        return self.wait(f"the standing {kind}: {problem}", match)

    def look(self) -> Line:
        """What other threads see: {"set", "standing"}."""
        before = sum("look" in line for line in self.lines)
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        return self.wait(
            "a look", lambda lines: [line["look"] for line in lines if "look" in line][before:]
        )[0]


def places(endpoints: list[Line]) -> list[str]:
    """The endpoints as host:port, sorted."""
    return sorted(f"{one['host']}:{one['port']}" for one in endpoints)


def refusal(**config: Any) -> str:
    """What the driver says of a configuration that it refuses."""
    done = subprocess.run(
        [str(DRIVER), json.dumps(config)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stdout
    return done.stderr
