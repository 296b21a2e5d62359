#!/usr/bin/env python3
"""What reading SQL costs, beside Spark's own warm parser on the same statements in the same run.

    bench/sql_cost.py

The statements are tests/sql/golden/costs.txt, and more when HIVEGATE_SQL_SAMPLE names a file of them.
The goals: a parse takes at most 1/25 of Spark's CPU, a classification 1/30 of a parse.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from sql.golden import cases  # noqa: E402
from sql.oracle import VERSIONS, Oracle, Request  # noqa: E402
from sql.sample import sample  # noqa: E402

PROGRAM = ROOT / "build-release" / "bench" / "bench-sql-cost"


def compare(name: str, oracle: Oracle, requests: list[Request]) -> bool:
    spark = oracle.ask("cost", requests=requests)[0]
    text = "".join(request["sql"] + "\0" for request in requests if "\0" not in request["sql"])
    command = [PROGRAM, oracle.version]
    run = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True)
    ours = json.loads(run.stdout)
    ratio, share = spark["ns"] / ours["parse_ns"], ours["parse_ns"] / ours["classify_ns"]
    print(
        f"{name}, Spark {oracle.version}, {ours['statements']} statements: "
        f"Spark {spark['ns'] / 1000:.0f} µs, parse {ours['parse_ns'] / 1000:.1f} µs (1/{ratio:.0f}), "
        f"classify {ours['classify_ns'] / 1000:.2f} µs (1/{share:.0f} of a parse)"
    )
    return ratio >= 25 and share >= 30


def main() -> int:
    good = True
    for version in VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            oracle = Oracle(version, Path(folder))
            reports: list[Request] = [{"id": 0, "sql": case.sql} for case in cases("costs")]
            good &= compare("reports", oracle, reports)
            others = sample(version)
            if others:
                compare("sample", oracle, others)
    print("the goals are " + ("reached" if good else "missed"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
