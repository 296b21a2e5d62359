#!/usr/bin/env python3
"""hivegate beside HAProxy and a minimal relay, in one run on one machine: binary with and without
SASL (HAProxy in TCP mode), with TLS that either of them ends, and HTTP with and without TLS (HAProxy
in HTTP mode).

Starts stand-in backends and each of the three in front of them, runs the same load through all of
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
from targets import (
    DOORS,
    HTTP,
    HTTPS,
    RAW,
    ROOT,
    SASL,
    TLS,
    Bench,
    Door,
    MissingProgram,
    ProcessFailed,
    Programs,
    Target,
)

FETCH_BYTES = 100_000
BIG_FETCH_BYTES = 64 << 20
STREAM_BYTES = 1_000_000_000
BUSY = 0.5  # load average before the start from which the figures deserve a warning
WIRE_CASES = ("status", "fetch")  # what is also measured where only the transport differs
DOOR_CASES = ("status", "fetch", "session")  # what is measured by every door with TLS or HTTP
IDLE_DOORS = (SASL, TLS)
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
    parser.add_argument("--seconds", type=float, default=0.6, help="for one measurement")
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
    parser.add_argument(
        "--doors",
        default=",".join(DOORS),
        help=f"how clients come in ({','.join(DOORS)})",
    )
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
    options.only = options.only.split(",")
    unknown = set(options.doors.split(",")) - set(DOORS)
    if unknown:
        parser.error(f"--doors: no door is called {', '.join(sorted(unknown))}")
    options.doors = [door for name, door in DOORS.items() if name in options.doors.split(",")]
    if options.quick:
        options.rounds, options.seconds = 2, 0.4
    return options


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def say(text: str) -> None:
    progress("")
    print(f"{text}\n", flush=True)


def binary_targets(bench: Bench, options: argparse.Namespace, backend: Target) -> list[Target]:
    """Those of the plain binary doors: with SASL, and what differs without it."""
    programs = [name for name in ("haproxy", "relay") if name in options.only]
    between = [bench.front(name, backend) for name in programs]
    targets = []
    if SASL in options.doors:
        targets += [backend, *between]
        if "hivegate" in options.only:
            targets.append(bench.hivegate(backend))
        if options.noise and "haproxy" in options.only:
            targets.append(dataclasses.replace(bench.haproxy(backend), name="haproxy again"))
    if RAW in options.doors:
        # what passes bytes on doesn't know the difference
        targets += [
            dataclasses.replace(
                target,
                name=f"{target.name} raw",
                door=RAW,
                baseline="haproxy raw",
                floor="relay raw",
                cases=WIRE_CASES,
            )
            for target in between
        ]
        if "hivegate" in options.only:
            targets += [
                dataclasses.replace(bench.hivegate(backend, door, pool), cases=WIRE_CASES)
                for door, pool in ((SASL, "raw"), (RAW, "sasl"), (RAW, "raw"))
            ]
    return targets


def pair(
    bench: Bench, options: argparse.Namespace, backend: Target, door: Door, suffix: str = ""
) -> list[Target]:
    """HAProxy and hivegate at one door."""
    return [
        dataclasses.replace(
            target,
            name=f"{target.name}{suffix}",
            baseline=f"{target.baseline}{suffix}",
            cases=WIRE_CASES if suffix else DOOR_CASES,
        )
        for name in ("haproxy", "hivegate")
        if name in options.only
        for target in [bench.front(name, backend, door)]
    ]


def start_targets(bench: Bench, options: argparse.Namespace) -> list[Target]:
    """Those of the rounds, the plain ones first."""
    backend = bench.backend(FETCH_BYTES)
    targets = binary_targets(bench, options, backend)
    if TLS in options.doors:
        targets += pair(bench, options, backend, TLS)
    if HTTP in options.doors:
        direct = dataclasses.replace(backend, name="direct http", door=HTTP, cases=DOOR_CASES)
        targets.append(dataclasses.replace(direct, baseline="haproxy http", floor=""))
        targets += pair(bench, options, backend, HTTP)
        targets += pair(bench, options, bench.backend(FETCH_BYTES, "--chunked"), HTTP, " chunked")
        if "hivegate" in options.only:
            mixed = bench.hivegate(backend, HTTP, "sasl")
            targets.append(dataclasses.replace(mixed, cases=WIRE_CASES))
    if HTTPS in options.doors:
        targets += pair(bench, options, backend, HTTPS)
    return targets


def targets_of(case: Case, targets: list[Target]) -> list[Target]:
    """Those that a case runs on."""
    return [target for target in targets if not target.cases or case.name in target.cases]


def run_memory(
    programs: Programs, options: argparse.Namespace
) -> tuple[list[IdleMemory], list[Stream]]:
    """Each measurement gets a process of its own, so none sees what another left behind."""
    idle, streams = [], []
    sessions, rounds = (1000, 1) if options.quick else (4000, 3)
    fronts = [
        (name, door)
        for door in IDLE_DOORS
        for name in PROXIES
        if name in options.only and door in options.doors and (door == SASL or name != "relay")
    ]
    for turn in range(rounds):
        for name, door in fronts:
            progress(f"memory, round {turn + 1} of {rounds}: idle sessions on {name}{door.suffix}")
            with Bench(programs) as bench:
                target = bench.front(name, bench.backend(FETCH_BYTES), door)
                idle.append(measure_idle(bench, target, sessions))
    for size in (FETCH_BYTES, BIG_FETCH_BYTES):
        for name, door in fronts:
            if door != SASL:
                continue
            progress(f"memory: a long stream through {name}")
            with Bench(programs) as bench:
                target = bench.front(name, bench.backend(size))
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
    unknown = set(wanted) - {case.name for case in CASES}
    if unknown:
        raise MissingProgram(f"no case is called {', '.join(sorted(unknown))}")
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
        if targets_of(case, targets):
            say(report.case_table(case, targets, samples))
    idle, streams = ([], []) if options.no_memory else run_memory(programs, options)
    if idle:
        say(report.idle_table(idle))
        say(report.stream_table(streams))
    spent = costs.count(programs, options.only, options.doors, progress) if options.costs else []
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
