"""TPC-H and TPC-DS on a Spark server: data and queries are duckdb's, policies and copies ours.

Each suite has a database with all rows, and one with the copies as the user of the tests sees them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from policy.harness import HERE, Session, schemas_of


@dataclass
class Suite:
    name: str  # tpch or tpcds
    base: str  # the database with all rows
    seen: str  # the database with the copies
    policies: Path
    schemas: Path
    queries: list[tuple[int, str]]


def _copies(name: str) -> dict[str, tuple[str, str]]:
    """Table -> (columns that are put in the place of others, condition), written by hand beside the
    policies: tpch_seen.txt has `table | column = expression, ... | condition` on each line."""
    found = {}
    for line in (HERE / f"{name}_seen.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            table, columns, condition = (part.strip() for part in line.split("|"))
            found[table] = (columns, condition)
    return found


def _select(columns: list[str], changes: str) -> str:
    masked = dict(part.split(" := ", 1) for part in changes.split(" ; ") if part)
    return ", ".join(f"{masked[c]} AS {c}" if c in masked else c for c in columns)


def _export(name: str, scale: float, folder: Path) -> tuple[list[str], list[tuple[int, str]]]:
    """Generates the data as Parquet files; returns the tables and the queries."""
    connection = duckdb.connect()
    connection.execute(f"LOAD {name}")
    connection.execute(f"CALL {'dbgen' if name == 'tpch' else 'dsdgen'}(sf={scale})")
    tables = [row[0] for row in connection.execute("SHOW TABLES").fetchall()]
    for table in tables:
        (folder / table).mkdir(parents=True)
        connection.execute(f"COPY {table} TO '{folder / table / 'part.parquet'}' (FORMAT PARQUET)")
    queries = connection.execute(f"SELECT query_nr, query FROM {name}_queries()").fetchall()
    connection.close()
    # a name in double quotes is one in back-ticks for Spark
    return tables, [
        (number, re.sub(r'AS "([^"]*)"', r"AS `\1`", text.strip().rstrip(";")))
        for number, text in queries
    ]


def load(session: Session, name: str, scale: float, folder: Path) -> Suite:
    """Makes both databases of a suite and its schemas file."""
    suite = Suite(name, name, f"{name}_seen", HERE / f"{name}.yaml", folder / f"{name}.json", [])
    tables, suite.queries = _export(name, scale, folder / name)
    copies = _copies(name)
    session.must(f"CREATE DATABASE {suite.base}")
    session.must(f"CREATE DATABASE {suite.seen}")
    for table in tables:
        session.must(
            f"CREATE TABLE {suite.base}.{table} USING parquet LOCATION '{folder / name / table}'"
        )
    schemas = schemas_of(session, [suite.base])
    suite.schemas.write_text(json.dumps(schemas))
    for table in tables:
        changes, condition = copies.get(table, ("", "true"))
        columns = [column for column, _ in schemas[f"spark_catalog.{suite.base}.{table}"]]
        session.must(
            f"CREATE TABLE {suite.seen}.{table} USING parquet AS "
            f"SELECT {_select(columns, changes)} FROM {suite.base}.{table} WHERE {condition}"
        )
    return suite
