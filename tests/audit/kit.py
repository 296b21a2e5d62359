"""Running tests/drivers/audit_driver.c and hivegatectl audit."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from support.paths import BUILD

DRIVER = Path(os.environ.get("AUDIT_DRIVER", BUILD / "tests" / "drivers" / "audit-driver"))
CTL = DRIVER.parents[2] / "hivegatectl"


def ctl(*words: str, status: int = 0) -> str:
    """What a command prints; it has to end with this status."""
    done = subprocess.run([str(CTL), "audit", *words], capture_output=True, text=True)
    assert done.returncode == status, f"audit {words}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


_running: list["Driver"] = []


def end_all() -> None:
    """Ends the drivers that a failed test left behind."""
    for driver in list(_running):
        driver.kill()


class Driver:
    """A driver that runs; what it said is told apart into beginnings and ends."""

    def __init__(self, spool: Path, *words: str, prefix: tuple[str, ...] = ()):
        argv = [*prefix, str(DRIVER), "--spool", str(spool), *words]
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.refused: list[str] = []
        self.report: dict[str, Any] = {}
        self.exporting = ""  # what the exporter said last
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        _running.append(self)

    def _read(self) -> None:
        lists = {"s": self.begun, "f": self.ended, "refused": self.refused}
        for line in self.process.stdout:
            if not line.endswith("\n"):
                continue  # it was killed while it wrote
            if line.startswith("{"):
                self.report = json.loads(line)
            elif line.startswith("export"):
                self.exporting = line
            else:
                word, identity = line.split()
                lists[word].append(identity)

    def kill(self) -> None:
        self.process.kill()
        self._finish()

    def finish(self) -> dict[str, Any]:
        """Waits for its end; its report."""
        status = self.process.wait(120)
        self._finish()
        assert status == 0, self.error
        return self.report

    def _finish(self) -> None:
        _running.remove(self)
        self.process.wait(30)
        self._reader.join()
        self.error = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()


def run(spool: Path, *words: str) -> dict[str, Any]:
    return Driver(spool, *words).finish()


def wait_for(condition: Any) -> None:
    """Until the condition holds; what never comes is cut off by the test's own time limit."""
    while not condition():
        time.sleep(0.02)
