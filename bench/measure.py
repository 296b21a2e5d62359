"""Measuring: one run of the load generator, the memory of idle sessions, a long stream."""

import json
import random
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from targets import PASSWORD, USER, Bench, Target

WARMUP = 0.2  # seconds of load before measuring
IDLE_SETTLE = 2.0  # seconds between the last login and the look at memory


class LoadFailed(Exception):
    """The load generator failed, or one of its calls did."""


@dataclass(frozen=True)
class Case:
    """A mode of the load generator with a number of sessions."""

    name: str
    mode: str
    sessions: int
    title: str
    unit: str  # what one operation is called in the table


CASES = (
    Case("status", "status", 16, "status call, 16 connections", "calls"),
    Case("status-1", "status", 1, "status call, one connection", "calls"),
    Case("fetch", "fetch", 16, "fetch of 100 KB, 16 connections", "calls"),
    Case("query", "query", 16, "query of 5 calls with one fetch, 16 connections", "queries"),
    Case(
        "session",
        "session",
        16,
        "connect, log in, open and close a session, 16 at a time",
        "sessions",
    ),
)


@dataclass(frozen=True)
class Sample:
    """What one run of one case on one target gave."""

    round: int
    case: str
    target: str
    ops_per_s: float
    mb_per_s: float
    p50_us: float
    p99_us: float
    p999_us: float
    cpu_us: float  # of the process in between, for one operation
    proxy_share: float  # shares of one core, over the time measured
    load_share: float
    backend_share: float


def load_command(bench: Bench, target: Target, mode: str, sessions: int, *more: str) -> list[str]:
    argv = [str(bench.programs.load), "--port", str(target.port), "--mode", mode]
    argv += ["--sessions", str(sessions), "--transport", target.door.transport]
    argv += ["--tls"] if target.door.tls else []
    argv += ["--user", USER, "--password", PASSWORD]
    for pid in (target.pid, target.backend_pid):
        if pid:
            argv += ["--watch", str(pid)]
    return [*argv, *more]


def run_load(
    bench: Bench, target: Target, mode: str, sessions: int, *more: str, timeout: float = 180
) -> dict[str, Any]:
    """Runs the load generator to its end and returns what it reports."""
    argv = load_command(bench, target, mode, sessions, *more)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise LoadFailed(f"{mode} on {target.name}: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def run_case(bench: Bench, target: Target, case: Case, turn: int, seconds: float) -> Sample:
    more = ("--warmup", str(WARMUP), "--seconds", str(seconds))
    report = run_load(bench, target, case.mode, case.sessions, *more)
    watched = {entry["pid"]: entry for entry in report["watched"]}
    proxy = watched.get(target.pid, {"cpu_us_per_op": 0.0, "cpu_share": 0.0})
    return Sample(
        round=turn,
        case=case.name,
        target=target.name,
        ops_per_s=report["ops_per_s"],
        mb_per_s=report["mb_per_s"],
        p50_us=report["p50_us"],
        p99_us=report["p99_us"],
        p999_us=report["p999_us"],
        cpu_us=proxy["cpu_us_per_op"],
        proxy_share=proxy["cpu_share"],
        load_share=report["own_cpu_share"],
        backend_share=watched[target.backend_pid]["cpu_share"],
    )


def run_rounds(
    bench: Bench,
    cases: list[Case],
    targets: Callable[[Case], list[Target]],
    rounds: int,
    seconds: float,
    progress: Callable[[str], None],
) -> list[Sample]:
    """All cases on all targets, round after round. Within a round a case runs on one target
    right after another, in an order that changes from round to round, so that what else the
    machine does falls on all alike."""
    samples = []
    for turn in range(rounds):
        for case in cases:
            order = targets(case)
            random.shuffle(order)
            for target in order:
                progress(f"round {turn + 1} of {rounds}: {case.name} on {target.name}")
                samples.append(run_case(bench, target, case, turn, seconds))
    return samples


def rss_bytes(pid: int) -> int:
    """Resident memory. smaps_rollup is counted page by page; VmRSS may lag by some hundred KB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    match = re.search(r"^Rss:\s+(\d+) kB", text, re.MULTILINE)
    assert match, f"no Rss in /proc/{pid}/smaps_rollup"
    return int(match[1]) * 1024


def peak_rss_bytes(pid: int) -> int:
    """The highest resident memory since reset_peak()."""
    match = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert match, f"no VmHWM in /proc/{pid}/status"
    return int(match[1]) * 1024


def reset_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass(frozen=True)
class IdleMemory:
    """Resident memory of a process with no session yet, with many, and after they left."""

    target: str
    sessions: int
    before: int
    during: int
    after: int

    @property
    def per_session(self) -> float:
        return (self.during - self.before) / self.sessions


def measure_idle(bench: Bench, target: Target, sessions: int) -> IdleMemory:
    """`target` must be fresh: nothing may have connected to it yet."""
    assert target.pid
    before = rss_bytes(target.pid)
    argv = load_command(bench, target, "idle", sessions, "--seconds", "120")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load:
        try:
            assert load.stdout and load.stderr
            if '"ready"' not in load.stdout.readline():
                raise LoadFailed(f"idle on {target.name}: {load.stderr.read().strip()}")
            time.sleep(IDLE_SETTLE)
            during = rss_bytes(target.pid)
            load.terminate()
            if load.wait(30):
                raise LoadFailed(f"idle on {target.name}: {load.stderr.read().strip()}")
        finally:
            load.kill()
    time.sleep(IDLE_SETTLE)
    return IdleMemory(target.name, sessions, before, during, rss_bytes(target.pid))


@dataclass(frozen=True)
class Stream:
    """Much data through one session: how fast, and by how much memory grew at its peak."""

    target: str
    reply_bytes: int
    total_bytes: int
    seconds: float
    mb_per_s: float
    before: int
    peak: int

    @property
    def growth(self) -> int:
        return self.peak - self.before


class _Sampler(threading.Thread):
    """Looks at a process's memory every few milliseconds until stopped."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.01):
            self.peak = max(self.peak, rss_bytes(self._pid))

    def stop(self) -> int:
        self._stopped.set()
        self.join()
        return self.peak


def measure_stream(bench: Bench, target: Target, reply_bytes: int, total_bytes: int) -> Stream:
    """The process has seen one session before, so that what a first login costs once isn't
    taken for growth."""
    assert target.pid
    run_load(bench, target, "status", 1, "--seconds", "0.2")
    time.sleep(0.5)
    reset_peak(target.pid)
    before = rss_bytes(target.pid)
    sampler = _Sampler(target.pid)
    sampler.start()
    try:
        more = ("--bytes", str(total_bytes), "--seconds", "120", "--warmup", "0")
        report = run_load(bench, target, "stream", 1, *more)
    finally:
        peak = sampler.stop()
    if report["bytes"] < total_bytes:
        raise LoadFailed(f"stream on {target.name}: only {report['bytes']} bytes in 120 s")
    return Stream(
        target=target.name,
        reply_bytes=reply_bytes,
        total_bytes=report["bytes"],
        seconds=report["seconds"],
        mb_per_s=report["mb_per_s"],
        before=before,
        peak=max(peak, peak_rss_bytes(target.pid)),
    )
