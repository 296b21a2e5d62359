#!/usr/bin/env python3
"""TPC-DS and TPC-H under policies on a real Spark: are the answers right, and what does it cost?

    bench/policy_spark.py [--suite tpcds|tpch] [--scale 0.1] [--rounds 1] [--query N ...]

Each query runs on copies that were filtered and masked by hand, and, rewritten, on the tables
themselves. Both must answer the same; the price is what the rewritten one takes beside the other.
Fails when an answer differs.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from policy.harness import Rows, Session, Who, rewrite, same  # noqa: E402
from policy.tpc import load  # noqa: E402
from support.spark import SparkThriftServer  # noqa: E402


def timed(session: Session, sql: str, rounds: int) -> tuple[Rows, float]:
    """The answer, and the shortest of the rounds in seconds."""
    best = math.inf
    for _ in range(rounds):
        began = time.monotonic()
        answer = session.run(sql)
        best = min(best, time.monotonic() - began)
    return answer, best


def run(arguments: argparse.Namespace, folder: Path) -> int:
    wrong, ratios, both_failed = 0, [], 0
    with SparkThriftServer(
        "3.5", name="policy-bench", conf={"spark.sql.shuffle.partitions": "4"}, memory="3g"
    ) as server:
        base = Session(server)
        suite = load(base, arguments.suite, arguments.scale, folder)
        copies = Session(server, suite.seen)
        chosen = [q for q in suite.queries if not arguments.query or q[0] in arguments.query]
        who = Who("bob", database=suite.base)
        answers = rewrite(suite.policies, suite.schemas, who, [text for _, text in chosen])
        for (number, text), answer in zip(chosen, answers, strict=True):
            if answer["decision"] == "refused":
                wrong += 1
                print(f"{number}: refused: {answer['reason']}")
                continue
            expected, plain = timed(copies, text, arguments.rounds)
            found, policed = timed(base, answer["sql"], arguments.rounds)
            difference = same(expected, found, False)
            if difference:
                wrong += 1
                print(f"{number}: {difference[:1000]}\n{answer['sql']}")
            elif expected.error:
                both_failed += 1
                print(f"{number}: fails on the copies, too: {expected.error[:300]}")
            else:
                ratios.append(policed / plain)
                print(f"{number}: {len(found.rows)} rows, {plain:.2f} s, {policed:.2f} s", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else math.nan
    print(
        f"{arguments.suite} at {arguments.scale}: {len(ratios)} equal, {wrong} wrong, {both_failed} "
        f"that Spark doesn't take; a rewritten query takes {mean:.2f} of the time (geometric mean)"
    )
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", choices=("tpcds", "tpch"), default="tpcds")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--query", type=int, nargs="*", default=[])
    with tempfile.TemporaryDirectory() as folder:
        return run(parser.parse_args(), Path(folder))


if __name__ == "__main__":
    sys.exit(main())
