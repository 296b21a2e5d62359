#!/usr/bin/env python3
"""hivegate beside HAProxy in TCP mode and a minimal relay, in one run on one machine.

Starts a stand-in backend and each of the three in front of it, runs the same load through all of
them in turn, and prints what each reached, the ratios, and whether hivegate's goals are reached.
Everything is on 127.0.0.1, on free ports, and ends with the run. Programs are taken from a
release build (see README and `make bench`); the figures also go to a JSON file."""

import argparse
import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path

import costs
import goals
import report
from measure import (
    CASES,
    Case,
    IdleMemory,
    LoadFailed,
    Sample,
    Stream,
    measure_idle,
    measure_stream,
    run_rounds,
)
from targets import ROOT, Bench, MissingProgram, ProcessFailed, Programs, Target

FETCH_BYTES = 100_000
BIG_FETCH_BYTES = 64 << 20
STREAM_BYTES = 1_000_000_000
BUSY = 0.5  # load average before the start from which the figures deserve a warning
WIRE_CASES = ("status", "fetch")  # what is also measured without SASL on one side or both
PROXIES = ("haproxy", "relay", "hivegate")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--build",
        type=Path,
        default=ROOT / "build-release",
        help="folder of the release build (build-release)",
    )
    parser.add_argument("--hivegate", type=Path, help="another hivegate than the build's")
    parser.add_argument(
        "--json",
        type=Path,
        default=ROOT / "build" / "bench.json",
        help="where the figures go (build/bench.json)",
    )
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=1.0, help="for one measurement")
    parser.add_argument("--cases", default=",".join(case.name for case in CASES))
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a short run that shows that it works; its figures are noise",
    )
    parser.add_argument(
        "--noise",
        action="store_true",
        help="also a second HAProxy: its ratio to the first shows the noise",
    )
    parser.add_argument("--no-memory", action="store_true", help="skip idle sessions and stream")
    parser.add_argument("--no-wire", action="store_true", help="skip the rows without SASL")
    parser.add_argument(
        "--costs",
        action="store_true",
        help="also count system calls (strace) and instructions (valgrind)",
    )
    parser.add_argument("--only", default=",".join(PROXIES), help="leave some of them out")
    parser.add_argument(
        "--require", action="store_true", help="end with status 1 unless every goal is reached"
    )
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 0.4
    return options


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def say(text: str) -> None:
    progress("")
    print(f"{text}\n", flush=True)


def start_targets(bench: Bench, options: argparse.Namespace) -> list[Target]:
    """Those of the rounds, the plain ones first."""
    only = options.only.split(",")
    backend = bench.backend(FETCH_BYTES)
    targets = [backend]
    starters = {"haproxy": bench.haproxy, "relay": bench.relay, "hivegate": bench.hivegate}
    targets += [start(backend) for name, start in starters.items() if name in only]
    if options.noise and "haproxy" in only:
        targets.append(dataclasses.replace(bench.haproxy(backend), name="haproxy again"))
    if options.no_wire:
        return targets
    targets += [
        dataclasses.replace(
            target,
            name=f"{target.name} raw",
            transport="raw",
            baseline="haproxy raw",
            floor="relay raw",
        )
        for target in targets[:]
        if target.name in ("haproxy", "relay")
    ]
    if "hivegate" in only:
        targets += [
            bench.hivegate(backend, listener, pool)
            for listener, pool in (("plain", "none"), ("none", "plain"), ("none", "none"))
        ]
    return targets


def targets_of(case: Case, targets: list[Target]) -> list[Target]:
    """Those that a case runs on: only some cases are measured without SASL."""
    return [
        target
        for target in targets
        if case.name in WIRE_CASES or not (" raw" in target.name or "/" in target.name)
    ]


def run_memory(
    programs: Programs, options: argparse.Namespace
) -> tuple[list[IdleMemory], list[Stream]]:
    """Each measurement gets a process of its own, so none sees what another left behind."""
    idle, streams = [], []
    sessions, rounds = (1000, 1) if options.quick else (4000, 3)
    names = [name for name in PROXIES if name in options.only.split(",")]
    for turn in range(rounds):
        for name in names:
            progress(f"memory, round {turn + 1} of {rounds}: idle sessions on {name}")
            with Bench(programs) as bench:
                target = getattr(bench, name)(bench.backend(FETCH_BYTES))
                idle.append(measure_idle(bench, target, sessions))
    for size in (FETCH_BYTES, BIG_FETCH_BYTES):
        for name in names:
            progress(f"memory: a long stream through {name}")
            with Bench(programs) as bench:
                target = getattr(bench, name)(bench.backend(size))
                streams.append(measure_stream(bench, target, size, STREAM_BYTES))
    return idle, streams


def write_json(
    options: argparse.Namespace,
    samples: list[Sample],
    idle: list[IdleMemory],
    streams: list[Stream],
    verdicts: list[goals.Verdict],
    spent: list[costs.Costs],
) -> None:
    document = {
        "machine": report.machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "goals": [dataclasses.asdict(verdict) for verdict in verdicts],
        "idle": [dataclasses.asdict(entry) for entry in idle],
        "streams": [dataclasses.asdict(entry) for entry in streams],
        "costs": [dataclasses.asdict(entry) for entry in spent],
        "samples": [dataclasses.asdict(sample) for sample in samples],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=1) + "\n")


def run(options: argparse.Namespace) -> int:
    begin = time.monotonic()
    programs = Programs.find(options.build, options.hivegate)
    wanted = options.cases.split(",")
    cases = [case for case in CASES if case.name in wanted]
    os.environ["HIVEGATE_BIN"] = str(programs.hivegate)  # hivegatectl is found beside it
    say(f"{report.machine()}; {options.rounds} rounds of {options.seconds} s")
    if os.getloadavg()[0] > BUSY:
        say(
            f"This machine is busy (load average {os.getloadavg()[0]:.1f}): rates and latencies "
            "will scatter widely; CPU times and memory less so."
        )
    with Bench(programs) as bench:
        targets = start_targets(bench, options)
        samples = run_rounds(
            bench,
            cases,
            lambda case: targets_of(case, targets),
            options.rounds,
            options.seconds,
            progress,
        )
    for case in cases:
        say(report.case_table(case, targets, samples))
    idle, streams = ([], []) if options.no_memory else run_memory(programs, options)
    if idle:
        say(report.idle_table(idle))
        say(report.stream_table(streams))
    spent = costs.count(programs, options.only.split(","), progress) if options.costs else []
    if spent:
        say(costs.table(spent))
    verdicts = goals.judge_ratios(samples) + goals.judge_memory(idle, streams)
    if verdicts:
        say(report.verdict_table(verdicts))
    write_json(options, samples, idle, streams, verdicts, spent)
    say(f"took {time.monotonic() - begin:.0f} s; all figures: {os.path.relpath(options.json)}")
    return 1 if options.require and not all(verdict.reached for verdict in verdicts) else 0


def main() -> int:
    # Ends like Ctrl-C, so that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(parse_arguments())
    except (MissingProgram, LoadFailed, ProcessFailed) as error:
        progress("")
        print(f"bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
