#!/usr/bin/env python3
"""What the audit log costs the gateway: calls and statements a second with it and without, in turns
in one run, in front of a stand-in backend that answers at once.

    bench/audit_gateway.py [--build build-release] [--rounds 5] [--seconds 3] [--spool FOLDER]
                           [--spark]

Status and fetch calls must reach 0.97 of what they do without. A statement waits for two writes to
the disk, whatever it does itself, so `statements` are told as a ratio and as the time that each
gains, beside the time of one fdatasync: that is what a statement of any length has to pay. With
--spark (run it with .cache/venv/bin/python), statements on a real Spark must reach 0.9.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from measure import run_load
from report import table
from support.hivegate import Hivegate, default_config
from support.spark import SparkThriftServer
from targets import PASSWORD, ROOT, THREADS, USER, Bench, Programs, Target

CASES = (
    ("status", 16, "status call, 16 connections", 0.97),
    ("fetch", 16, "fetch of 100 KB, 16 connections", 0.97),
    ("query", 1, "statement, one connection", None),
    ("query", 16, "statement, 16 connections", None),
    ("query", 128, "statement, 128 connections", None),
)
SPARK_GOAL = 0.9
SPARK_CLIENTS = 8


def make_gateway(bench: Bench, backend: Target, audit: dict[str, Any] | None) -> Hivegate:
    config = default_config([f"127.0.0.1:{backend.port}"])
    config["workers"] = THREADS
    config["shutdown_timeout"] = "1s"
    config["admin"] = {"metrics_listen": "127.0.0.1:0"}
    if audit:
        config["audit"] = audit
    gateway = Hivegate(
        config,
        users={USER: PASSWORD},
        directory=bench.directory / ("with" if audit else "without"),
        program=bench.programs.hivegate,
    )
    gateway.start(timeout=60)
    return gateway


def target(gateway: Hivegate, backend: Target) -> Target:
    return Target("hivegate", gateway.port, pid=gateway.pid, backend_pid=backend.backend_pid)


def syncs(spool: Path) -> str:
    """The time of an fdatasync of one small record in that folder."""
    with open(spool / "probe", "wb") as file:
        took = []
        for _ in range(200):
            file.write(b"x" * 1000)
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begun) * 1e6)
    (spool / "probe").unlink()
    return f"one fdatasync: median {statistics.median(took):.0f} us, p95 {sorted(took)[190]:.0f} us"


def one_round(
    bench: Bench, targets: list[Target], mode: str, sessions: int, seconds: float
) -> list[dict[str, Any]]:
    """A case without and with audit, one right after the other, in any order."""
    found: list[dict[str, Any]] = [{}, {}]
    more = ("--warmup", "0.3", "--seconds", str(seconds))
    for which in random.sample((0, 1), 2):
        found[which] = run_load(bench, targets[which], mode, sessions, *more)
    return found


def cpu(report: dict[str, Any], pid: int | None) -> float:
    """Microseconds of the gateway for one operation."""
    return next(entry["cpu_us_per_op"] for entry in report["watched"] if entry["pid"] == pid)


def compare(
    bench: Bench, targets: list[Target], cases: Sequence[Any], rounds: int, seconds: float
) -> bool:
    """Prints the table; FALSE when a goal was missed."""
    head = ["", "without/s", "with/s", "ratio", "p50 us", "with", "CPU us", "with", "goal"]
    rows = [head]
    good = True
    for mode, sessions, title, goal in cases:
        runs = [one_round(bench, targets, mode, sessions, seconds) for _ in range(rounds)]
        ratio = statistics.median(run[1]["ops_per_s"] / run[0]["ops_per_s"] for run in runs)
        row = [title]
        for key in ("ops_per_s", "p50_us"):
            row += [f"{statistics.median(run[w][key] for run in runs):.0f}" for w in (0, 1)]
        row += [f"{statistics.median(cpu(r[w], targets[w].pid) for r in runs):.1f}" for w in (0, 1)]
        row.insert(3, f"{ratio:.2f}")
        reached = goal is None or ratio >= goal
        row.append("" if goal is None else f"{goal} {'reached' if reached else 'missed'}")
        good = good and reached
        rows.append(row)
    print(table(rows))
    return good


def spark_rate(gateway: Hivegate, seconds: float) -> float:
    """Statements a second of clients on a real Spark, which wait for their ends by polling."""
    from e2e.harness.wire import Connection  # needs the packages of the tests
    from e2e.harness.wire import Target as SparkTarget

    address = SparkTarget("127.0.0.1", gateway.port, USER, PASSWORD)
    until = time.monotonic() + seconds

    def client(number: int) -> int:
        count = 0
        with Connection(address) as connection:
            session = connection.open()
            while time.monotonic() < until:
                operation = session.execute(f"SELECT {number}, {count}", run_async=True)
                operation.wait()
                operation.rows()
                operation.close()
                count += 1
            session.close()
        return count

    with ThreadPoolExecutor(SPARK_CLIENTS) as pool:
        return sum(pool.map(client, range(SPARK_CLIENTS))) / seconds


def compare_on_spark(gateways: list[Hivegate], rounds: int, seconds: float) -> bool:
    for gateway in gateways:
        spark_rate(gateway, 5)  # the JVM warms up
    runs = []
    for _ in range(rounds):
        found = [0.0, 0.0]
        for which in random.sample((0, 1), 2):
            found[which] = spark_rate(gateways[which], seconds)
        runs.append(found)
    ratio = statistics.median(found[1] / found[0] for found in runs)
    without, audited = (statistics.median(found[w] for found in runs) for w in (0, 1))
    print(
        f"statements/s of {SPARK_CLIENTS} clients on Spark: {without:.1f} without, {audited:.1f} "
        f"with; ratio {ratio:.2f}, goal {SPARK_GOAL} "
        + ("reached" if ratio >= SPARK_GOAL else "missed")
    )
    return ratio >= SPARK_GOAL


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build-release")
    parser.add_argument("--hivegate", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--spool", type=Path, help="a folder on the disk that is to be measured")
    parser.add_argument("--durability", default="statement")
    parser.add_argument("--spark", action="store_true", help="in front of a Spark 3.5 instead")
    arguments = parser.parse_args()
    programs = Programs.find(arguments.build, arguments.hivegate)
    with Bench(programs) as bench, tempfile.TemporaryDirectory(dir=arguments.spool) as folder:
        spark = (
            SparkThriftServer("3.5", work_dir=bench.directory / "spark") if arguments.spark else None
        )
        if spark:
            spark.start()
            spark.wait_ready()
        backend = Target("spark", spark.port) if spark else bench.backend(100_000)
        audit = {"spool": f"{folder}/spool", "durability": arguments.durability, "limit": "20GiB"}
        gateways = [make_gateway(bench, backend, how) for how in (None, audit)]
        try:
            if spark:
                good = compare_on_spark(gateways, arguments.rounds, arguments.seconds)
            else:
                targets = [target(gateway, backend) for gateway in gateways]
                good = compare(bench, targets, CASES, arguments.rounds, arguments.seconds)
        finally:
            for gateway in gateways:
                gateway.kill()
            if spark:
                spark.stop()
        print(syncs(Path(folder)))
        size = sum(path.stat().st_size for path in Path(folder, "spool").iterdir())
        print(f"spool after the run: {size / 1e6:.0f} MB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
