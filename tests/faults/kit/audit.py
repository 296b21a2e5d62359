"""A gateway with an audit log, and a disk that takes its time when a test says so."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.hivegate import hivegatectl_program
from support.paths import ROOT

from .gate import Gate, eventually

ENDS = {
    "statement_refused",
    "statement_finished",
    "statement_failed",
    "statement_cancelled",
    "statement_timed_out",
    "statement_unknown",
}


class Audit:
    """The spool of a gateway, and the disk below it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.held = folder.with_suffix(".held")

    def config(self, **options: Any) -> dict[str, Any]:
        return {"spool": str(self.folder)} | options

    def hold(self) -> None:
        """Nothing reaches the disk from now on."""
        self.held.touch()

    def release(self) -> None:
        self.held.unlink()

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """All events, or those of these kinds, in their order."""
        argv = [str(hivegatectl_program()), "audit", "search", "--spool", str(self.folder)]
        argv += ["--output", "json", "--most", "100000"]
        env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        done = subprocess.run(argv, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [event for event in found if not kinds or event["kind"] in kinds]

    def statements(self) -> list[tuple[str, str]]:
        """Each statement with its end, in the order in which they were submitted."""
        events = self.events()
        ends: dict[str, list[str]] = {}
        for event in events:
            if event["kind"] in ENDS:
                ends.setdefault(event["statement_id"], []).append(event["kind"])
        found = []
        for event in events:
            if event["kind"] == "statement_submitted":
                kinds = ends.get(event["id"], ["none"])
                assert len(kinds) == 1, f"several ends: {event} {kinds}"
                found.append((event["statement"], kinds[0].removeprefix("statement_")))
        return found

    def wait_for(self, *kinds: str, count: int = 1) -> list[dict[str, Any]]:
        eventually(lambda: len(self.events(*kinds)) >= count, lambda: f"{kinds} in {self.events()}")
        return self.events(*kinds)


def preload(folder: Path) -> Path:
    """Makes the library that holds the disk back."""
    made = folder / "hold_sync.so"
    source = ROOT / "tests" / "support" / "hold_sync.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"], check=True)
    return made


def audited(
    make_gate: Callable[..., Gate], audit: Audit, *backends: Any, http: Any = None, **options: Any
) -> Gate:
    def change(config: dict[str, Any]) -> None:
        config["audit"] = audit.config(**options)
        if http:
            http(config)

    return make_gate(*backends, change=change, bystanders=0)
