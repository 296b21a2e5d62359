#!/usr/bin/env python3
"""Mixed load and faults on hivegate for a long time, watching what it keeps.

    soak.py [--minutes 60] [--build build-release]

Turn after turn it runs all kinds of load at once on two stand-in backends behind one hivegate,
kills load generators in the middle, ends a backend and starts it again, lets connections come and
go without a word, and throws garbage at the port. Between turns nothing runs, and then hivegate
must be back where it was: descriptors as at the start, memory flat after the first turns. Ends by
itself, with `N passed, N failed` (turns).
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from measure import load_command, rss_bytes, run_load
from support.hivegate import Hivegate, default_config
from support.net import free_port, is_listening
from support.process import Process
from targets import PASSWORD, ROOT, USER, Bench, Programs, Target

TURN_SECONDS = 15
WARM_TURNS = 3
RSS_SLACK = 12 * 1024 * 1024  # what the allocator may keep more than after the warm turns
QUIET_SECONDS = 20  # kept backend connections go after 15


class Fleet:
    """Two stand-in backends on fixed ports, which can be killed and started again."""

    def __init__(self, bench: Bench):
        self.bench = bench
        self.ports = [free_port(), free_port()]
        self.processes: list[Process | None] = [None, None]
        self.starts = 0

    def start(self, index: int) -> None:
        self.starts += 1
        argv = [str(self.bench.programs.backend), "--port", str(self.ports[index])]
        process = Process.spawn(
            [*argv, "--fetch-bytes", "100000"], self.bench.directory / f"soak-{self.starts}.log"
        )
        process.wait_until(lambda: is_listening(self.ports[index]), "backend", 60)
        self.processes[index] = process

    def stop(self, index: int) -> None:
        process, self.processes[index] = self.processes[index], None
        if process:
            process.kill()


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def settled_descriptors(pid: int, wanted: int) -> int:
    """Descriptors once they stop falling, or reach what is wanted."""
    deadline = time.monotonic() + QUIET_SECONDS
    while (now := descriptors(pid)) > wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    return now


def throw_garbage(port: int, rng: random.Random) -> None:
    """Strangers: silent ones, ones that stop in the middle, ones that talk nonsense."""
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as stranger:
            kind = rng.randrange(4)
            if kind == 1:
                stranger.sendall(rng.randbytes(rng.randrange(1, 2000)))
            elif kind == 2:
                stranger.sendall(b"\x01\x00\x00\x00\x05PLAIN\x05\x00\x00\x00\x10half")
            elif kind == 3:
                stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")


def one_turn(bench: Bench, fleet: Fleet, target: Target, turn: int, rng: random.Random) -> str:
    """Load and faults together. Returns what went wrong; loads that met a fault may fail."""
    plans = [("status", 16), ("fetch", 8), ("query", 8), ("session", 8), ("idle", 200)]
    loads = [
        subprocess.Popen(
            load_command(bench, target, mode, sessions, "--seconds", str(TURN_SECONDS)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for mode, sessions in plans
    ]
    time.sleep(TURN_SECONDS / 3)
    throw_garbage(target.port, rng)
    rng.choice(loads).send_signal(signal.SIGKILL)
    faulty = turn % 2 == 1
    if faulty:
        index = rng.randrange(2)
        fleet.stop(index)
        time.sleep(TURN_SECONDS / 4)
        fleet.start(index)
    for load in loads:
        try:
            load.wait(TURN_SECONDS * 3)
        except subprocess.TimeoutExpired:
            load.kill()
            load.wait()
            return "a load generator never ended"
    # whatever happened before: now everything works again
    report = run_load(bench, target, "query", 8, "--seconds", "1")
    return "" if report["ops_per_s"] > 0 else "no query went through after the turn"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--build", type=Path, default=ROOT / "build-release")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"soak: {options.minutes:g} minutes, seed {options.seed}", flush=True)
    passed = failed = 0
    programs = Programs.find(options.build, None)
    os.environ["HIVEGATE_BIN"] = str(programs.hivegate)  # and the hivegatectl beside it
    with Bench(programs) as bench, ExitStack() as stack:
        fleet = Fleet(bench)
        for index in (0, 1):
            fleet.start(index)
            stack.callback(fleet.stop, index)
        config = default_config([f"127.0.0.1:{port}" for port in fleet.ports])
        gateway = Hivegate(
            config,
            users={USER: PASSWORD},
            directory=bench.directory / "soak",
            program=bench.programs.hivegate,
        )
        stack.callback(gateway.kill)
        gateway.start(timeout=60)
        target = Target("hivegate", gateway.port)
        run_load(bench, target, "query", 8, "--seconds", "1")
        base_descriptors = settled_descriptors(gateway.pid, 0)
        warm_rss = 0
        deadline = time.monotonic() + options.minutes * 60
        turn = 0
        while time.monotonic() < deadline or turn <= WARM_TURNS:
            problem = one_turn(bench, fleet, target, turn, rng)
            open_now = settled_descriptors(gateway.pid, base_descriptors)
            rss = rss_bytes(gateway.pid)
            if turn < WARM_TURNS:
                warm_rss = max(warm_rss, rss)
            elif rss > warm_rss + RSS_SLACK:
                problem = problem or f"memory grew from {warm_rss >> 10} to {rss >> 10} KB"
            if open_now > base_descriptors:
                problem = problem or f"{open_now - base_descriptors} descriptors are left"
            if not gateway.alive:
                problem = "hivegate has ended"
            print(
                f"turn {turn:4}  rss {rss >> 10:7} KB  descriptors {open_now:4}  {problem or 'ok'}",
                flush=True,
            )
            turn += 1
            passed, failed = passed + (not problem), failed + bool(problem)
            if not gateway.alive:
                break
        gateway.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
