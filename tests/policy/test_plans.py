"""What Spark makes of rewritten queries: partitions are pruned and unused columns aren't read."""

from __future__ import annotations

import re
from pathlib import Path

from support.spark import SparkThriftServer

from policy.harness import HERE, Session, Who, rewrite

BOB = Who("bob", ("analysts",), ("dept=it", "dept=ops"), "hr")


def plan(server: SparkThriftServer, world: Path, query: str) -> str:
    """The physical plan of the rewritten query, as one line without what its columns are numbered."""
    (answer,) = rewrite(HERE / "policies.yaml", world, BOB, [query])
    rows = Session(server, "hr").must(f"EXPLAIN {answer['sql']}").rows
    return re.sub(r"#\d+L?", "", rows[0][0])


def test_partitions_are_pruned(server: SparkThriftServer, world: Path) -> None:
    found = plan(server, world, "SELECT name FROM emp WHERE dept = 'it'")
    (filters,) = re.findall(r"PartitionFilters: \[(.*?)\]", found)
    assert "(dept = it)" in filters and "dept IN (it,ops)" in filters


def test_the_user_s_other_conditions_stay_above(server: SparkThriftServer, world: Path) -> None:
    found = plan(server, world, "SELECT name FROM emp WHERE upper(dept) = 'IT' AND length(name) > 1")
    (filters,) = re.findall(r"PartitionFilters: \[(.*?)\]", found)
    assert "upper" not in filters and "length" not in filters


def test_unused_columns_are_not_read(server: SparkThriftServer, world: Path) -> None:
    found = plan(server, world, "SELECT name FROM emp WHERE id > 1")
    (schema,) = re.findall(r"ReadSchema: struct<(.*?)>", found)
    assert {column.split(":")[0] for column in schema.split(",")} == {"id", "name"}
    assert "GreaterThan(id,1)" in found
