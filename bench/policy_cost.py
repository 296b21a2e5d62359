#!/usr/bin/env python3
"""What policies cost in the gateway: analysis and rewriting beside the parse alone, over TPC-DS.

    bench/policy_cost.py

The policies are tests/policy/tpcds.yaml: most tables are filtered or masked. The goal: a decision
takes at most 2.5 times what the parse alone takes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build-release" / "bench" / "bench-policy-cost"
TYPES = {"INTEGER": "int", "BIGINT": "bigint", "VARCHAR": "string", "DATE": "date", "TIME": "string"}
GOAL = 2.5


def tpcds() -> tuple[dict[str, list[list[str]]], list[str]]:
    """The tables with their columns, and the queries."""
    connection = duckdb.connect()
    connection.execute("LOAD tpcds")
    connection.execute("CALL dsdgen(sf=0)")
    schemas = {}
    for (table,) in connection.execute("SHOW TABLES").fetchall():
        columns = connection.execute(f"PRAGMA table_info('{table}')").fetchall()
        schemas[f"spark_catalog.tpcds.{table}"] = [
            [c[1], TYPES.get(c[2], re.sub(r"^DECIMAL", "decimal", c[2]))] for c in columns
        ]
    queries = connection.execute("SELECT query FROM tpcds_queries()").fetchall()
    # a name in double quotes is one in back-ticks for Spark
    return schemas, [re.sub(r'AS "([^"]*)"', r"AS `\1`", q.strip().rstrip(";")) for (q,) in queries]


def main() -> int:
    schemas, queries = tpcds()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schemas.json"
        path.write_text(json.dumps(schemas))
        command = [PROGRAM, ROOT / "tests" / "policy" / "tpcds.yaml", path]
        text = "".join(query + "\0" for query in queries)
        run = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True)
    found = json.loads(run.stdout)
    ratio = found["decide_ns"] / found["parse_ns"]
    print(
        f"TPC-DS, {found['statements']} statements: parse {found['parse_ns'] / 1000:.1f} µs, "
        f"decision {found['decide_ns'] / 1000:.1f} µs ({ratio:.2f} of a parse), "
        f"{found['refused']} refused, {found['bytes'] // found['statements']} bytes written each"
    )
    good = ratio <= GOAL and found["refused"] == 0
    print("the goal is " + ("reached" if good else "missed"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
