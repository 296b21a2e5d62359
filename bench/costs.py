"""Where the difference to the floor goes: for one call, the CPU time in user space and in the
kernel, the system calls by name, how often a thread went to sleep, and the instructions in user
space.

System calls are counted by perf's tracepoints, which disturb little, or else by strace, under
which everything is slow and fewer events are handled together. Instructions are counted by
valgrind's callgrind: twice, with few calls and with many, so that what starting costs cancels."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measure import CASES, Case, load_command, run_load
from report import table as columns
from targets import SASL, Bench, Door, Programs, Target

COUNTED = ("status", "fetch")
SECONDS = 2.0
STRACE_OPERATIONS = 5_000
CALLGRIND_OPERATIONS = (500, 3_500)
SHOWN_CALLS = 0.02  # system calls that are rarer than this for one call aren't shown
FETCH_BYTES = 100_000


@dataclass(frozen=True)
class Costs:
    """For one call through one process."""

    target: str
    case: str
    user_us: float
    system_us: float
    sleeps: float
    system_calls: dict[str, float]
    counter: str  # what counted the system calls: perf or strace
    instructions: float | None  # in user space; None without valgrind


def _ticks(pid: int) -> tuple[int, int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def _sleeps(pid: int) -> int:
    return sum(
        int(number)
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for number in re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M)
    )


def _times(bench: Bench, target: Target, case: Case) -> tuple[float, float, float]:
    """User and system microseconds, and sleeps, of one call."""
    assert target.pid
    before, slept = _ticks(target.pid), _sleeps(target.pid)
    more = ("--warmup", "0", "--seconds", str(SECONDS))
    done = run_load(bench, target, case.mode, case.sessions, *more)["operations"]
    after = _ticks(target.pid)
    tick_us = 1e6 / os.sysconf("SC_CLK_TCK")
    user, system = ((a - b) * tick_us / done for a, b in zip(after, before, strict=True))
    return user, system, (_sleeps(target.pid) - slept) / done


def _perf(bench: Bench, target: Target, case: Case) -> Counter[str] | None:
    """System calls of one call; None where perf or its tracepoints can't be had."""
    perf = shutil.which("perf")
    if not perf:
        return None
    load = load_command(bench, target, case.mode, case.sessions)
    found = bench.directory / "perf.txt"
    argv = [perf, "stat", "-x", ";", "-o", str(found), "-e", "syscalls:sys_enter_*"]
    argv += ["-p", str(target.pid), "--", *load, "--warmup", "0", "--seconds", str(SECONDS)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    operations = re.search(r'"operations":(\d+)', done.stdout)
    if done.returncode or not operations:
        return None
    counts: Counter[str] = Counter()
    for line in found.read_text().splitlines():
        if match := re.match(r"(\d+);[^;]*;syscalls:sys_enter_(\w+);", line):
            counts[match[2]] = int(match[1]) / int(operations[1])
    return counts


def _strace(bench: Bench, target: Target, case: Case) -> Counter[str]:
    found = bench.directory / "strace.txt"
    tracer = subprocess.Popen(
        ["strace", "-f", "-c", "-p", str(target.pid), "-o", str(found)],
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(0.5)
        more = ("--warmup", "0", "--seconds", "60", "--operations", str(STRACE_OPERATIONS))
        done = run_load(bench, target, case.mode, case.sessions, *more)["operations"]
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
    counts: Counter[str] = Counter()
    for line in found.read_text().splitlines():
        if match := re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line):
            if match[2] != "total":
                counts[match[2]] = int(match[1]) / done
    return counts


def _under_callgrind(programs: Programs, folder: Path, name: str) -> Programs:
    """The same programs, but `name` is a script that runs it under callgrind. hivegatectl is
    looked for beside hivegate, so it is put there too."""
    real: Path = getattr(programs, name)
    folder.mkdir()
    script = folder / name
    script.write_text(
        f'#!/bin/sh\nexec valgrind --tool=callgrind --callgrind-out-file={folder}/out {real} "$@"\n'
    )
    script.chmod(0o755)
    control = real.with_name("hivegatectl")
    if name == "hivegate" and control.exists():
        (folder / "hivegatectl").symlink_to(control.resolve())
    return dataclasses.replace(programs, **{name: script})


def _count_once(programs: Programs, name: str, door: Door, case: Case, operations: int) -> int:
    """Instructions of the whole life of a process that served so many operations."""
    with Bench(programs) as bench:
        folder = bench.directory / "callgrind"
        bench.programs = _under_callgrind(programs, folder, name)
        target = bench.front(name, bench.backend(FETCH_BYTES), door)
        more = ("--warmup", "0", "--seconds", "100", "--operations", str(operations))
        run_load(bench, target, case.mode, case.sessions, *more)
        assert target.process
        target.process.stop(30)
        totals = [
            int(number)
            for part in folder.glob("out*")
            for number in re.findall(r"^(?:summary|totals): (\d+)", part.read_text(), re.M)
        ]
        return max(totals, default=0)


def _instructions(programs: Programs, name: str, door: Door, case: Case) -> float | None:
    if not shutil.which("valgrind"):
        return None
    few, many = (_count_once(programs, name, door, case, count) for count in CALLGRIND_OPERATIONS)
    return (many - few) / (CALLGRIND_OPERATIONS[1] - CALLGRIND_OPERATIONS[0])


def count(
    programs: Programs, names: list[str], doors: list[Door], progress: Callable[[str], None]
) -> list[Costs]:
    """The costs of a call through each of `names` by each door, each in a process of its own."""
    found = []
    fronts = [
        (case, name, door)
        for case in CASES
        if case.name in COUNTED
        for door in doors
        for name in names
        if door == SASL or name != "relay"
    ]
    for case, name, door in fronts:
        progress(f"costs of {case.name} through {name}{door.suffix}")
        with Bench(programs) as bench:
            target = bench.front(name, bench.backend(FETCH_BYTES), door)
            user, system, sleeps = _times(bench, target, case)
            calls, counter = _perf(bench, target, case), "perf"
            if calls is None and shutil.which("strace"):
                calls, counter = _strace(bench, target, case), "strace"
        found.append(
            Costs(
                target=target.name,
                case=case.name,
                user_us=user,
                system_us=system,
                sleeps=sleeps,
                system_calls=dict(calls or {}),
                counter=counter,
                instructions=_instructions(programs, name, door, case),
            )
        )
    return found


def table(spent: list[Costs]) -> str:
    rows = [["", "user µs", "kernel µs", "sleeps", "instructions", "system calls"]]
    for entry in spent:
        calls = Counter(entry.system_calls).most_common()
        shown = ", ".join(f"{name} {each:.2f}" for name, each in calls if each >= SHOWN_CALLS)
        rows.append(
            [
                f"{entry.case} {entry.target}",
                f"{entry.user_us:.2f}",
                f"{entry.system_us:.2f}",
                f"{entry.sleeps:.2f}",
                "-" if entry.instructions is None else f"{entry.instructions:,.0f}",
                f"{sum(entry.system_calls.values()):.2f}: {shown}",
            ]
        )
    counters = "/".join(sorted({entry.counter for entry in spent}))
    return f"what one call costs (system calls counted by {counters})\n{columns(rows, left=(0, 5))}"
