#!/usr/bin/env python3
"""Fetching all of flights from a real Spark Thrift Server: directly and through hivegate, in
turn. Two clients do it: the Hive JDBC driver, which is what people use, and the load generator,
which hardly takes time itself and so shows best what the gateway adds.

Spark holds the whole result once the statement has run, so the time of fetching is that of
Spark, the way, and the client; the time of executing is told apart from it."""

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import LoadFailed, run_load
from report import table
from support import nycflights
from support.paths import JARS, RUN, SetupError, java_home
from support.spark import SparkThriftServer
from targets import PASSWORD, ROOT, USER, Bench, MissingProgram, ProcessFailed, Programs, Target

QUERY = "SELECT * FROM flights"
ROWS = nycflights.ROWS["flights"]
DRIVER = "hive-jdbc-4.1.0-standalone.jar"


@dataclass(frozen=True)
class Fetch:
    """One fetch of all rows."""

    client: str
    server: str
    round: int
    execute_ms: float | None  # None where the client doesn't tell
    fetch_ms: float
    cpu_ms: float | None  # of hivegate


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build-release")
    parser.add_argument("--hivegate", type=Path)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--warmups", type=int, default=3)
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench-spark.json")
    return parser.parse_args()


def with_load(bench: Bench, targets: list[Target], rounds: int, warmups: int) -> list[Fetch]:
    fetches = []
    more = ("--statement", QUERY, "--max-rows", "1000", "--operations", "1")
    for turn in range(-warmups, rounds):
        for target in targets if turn % 2 else reversed(targets):
            limits = ("--warmup", "0", "--seconds", "120")
            done = run_load(bench, target, "table", 1, *more, *limits)
            if done["rows"] != ROWS:
                raise LoadFailed(f"{target.name}: {done['rows']} rows came instead of {ROWS}")
            cpu = done["watched"][0]["cpu_us_per_op"] / 1e3 if target.pid else None
            if turn >= 0:
                fetches.append(Fetch("load", target.name, turn, None, done["p50_us"] / 1e3, cpu))
    return fetches


def with_jdbc(targets: list[Target], rounds: int, warmups: int) -> list[Fetch]:
    driver = JARS / DRIVER
    if not driver.exists():
        raise SetupError(f"no {DRIVER} in .cache/jars; run: tools/setup jdbc")
    urls = [f"{target.name}=jdbc:hive2://127.0.0.1:{target.port}/" for target in targets]
    program = Path(__file__).with_name("FlightFetch.java")
    argv = [str(java_home() / "bin" / "java"), "-cp", str(driver), str(program)]
    argv += [USER, PASSWORD, str(warmups), str(rounds), *urls]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise LoadFailed(f"the JDBC client failed:\n{done.stderr[-2000:]}")
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if {entry["rows"] for entry in found} != {ROWS} or len({e["check"] for e in found}) != 1:
        raise LoadFailed("the JDBC client did not get the same rows each time")
    return [
        Fetch("jdbc", entry["server"], entry["round"], entry["execute_ms"], entry["fetch_ms"], None)
        for entry in found
    ]


def range_of(values: list[float], digits: int) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def summary(fetches: list[Fetch]) -> str:
    """Medians, and the ratio of each round's pair."""
    rows = [["", "execute ms", "fetch ms", "hivegate's CPU ms", "fetch: hivegate / direct"]]
    for client in dict.fromkeys(fetch.client for fetch in fetches):
        times: dict[str, dict[int, Fetch]] = {}
        for fetch in fetches:
            if fetch.client == client:
                times.setdefault(fetch.server, {})[fetch.round] = fetch
        for server, by_round in sorted(times.items()):  # direct comes first
            fetch_ms = [fetch.fetch_ms for fetch in by_round.values()]
            execute = [f.execute_ms for f in by_round.values() if f.execute_ms is not None]
            cpu = [f.cpu_ms for f in by_round.values() if f.cpu_ms is not None]
            ratios = [
                fetch.fetch_ms / times["direct"][turn].fetch_ms for turn, fetch in by_round.items()
            ]
            rows.append(
                [
                    f"{client} {server}",
                    f"{statistics.median(execute):,.0f}" if execute else "-",
                    range_of(fetch_ms, 0),
                    f"{statistics.median(cpu):.1f}" if cpu else "-",
                    range_of(ratios, 3) if server != "direct" else "",
                ]
            )
    return table(rows)


def run(options: argparse.Namespace) -> int:
    programs = Programs.find(options.build, options.hivegate)
    os.environ["HIVEGATE_BIN"] = str(programs.hivegate)
    # Its folder stays, so the tables are loaded once.
    server = SparkThriftServer("3.5", work_dir=RUN / "bench-spark", name="bench-spark")
    if not nycflights.is_loaded(server):
        nycflights.forget(server)
    print("starting Spark", flush=True)
    with server, Bench(programs) as bench:
        nycflights.load(server)
        direct = Target("direct", server.port)
        targets = [direct, bench.hivegate(direct)]
        print(f"fetching {ROWS:,} rows: {options.rounds} rounds with each client", flush=True)
        fetches = with_load(bench, targets, options.rounds, options.warmups)
        fetches += with_jdbc(targets, options.rounds, options.warmups)
    print(summary(fetches))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([vars(fetch) for fetch in fetches], indent=1) + "\n")
    return 0


def main() -> int:
    try:
        return run(parse_arguments())
    except (MissingProgram, LoadFailed, ProcessFailed, SetupError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
