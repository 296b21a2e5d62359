"""Rewritten queries give exactly what the queries give on copies that were filtered and masked by
hand: the same headings, types and rows, or an error where the copies give one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.spark import SparkThriftServer

from policy.harness import HERE, Session, Who, blocks, rewrite, same

BOB = Who("bob", ("analysts",), ("dept=it", "dept=ops"), "hr")
CONFS = {
    "plain": {},
    "strict": {"spark.sql.ansi.enabled": "true", "spark.sql.caseSensitive": "true"},
}


@pytest.mark.parametrize("name", CONFS)
def test_queries(server: SparkThriftServer, world: Path, name: str) -> None:
    conf = CONFS[name]
    base, copies = Session(server, "hr"), Session(server, "seen")
    for key, value in conf.items():
        base.must(f"SET {key}={value}")
        copies.must(f"SET {key}={value}")
    queries = blocks(HERE / "queries.sql")
    texts = [query.replace("@", "hr") for query in queries]
    wrong = []
    for query, answer in zip(
        queries, rewrite(HERE / "policies.yaml", world, BOB, texts, conf), strict=True
    ):
        if answer["decision"] == "refused":
            wrong.append(f"{query}\n  refused: {answer['reason']}")
            continue
        expected = copies.run(query.replace("@", "seen"))
        found = base.run(answer["sql"])
        difference = same(expected, found, "ORDER BY" in query)
        if difference:
            wrong.append(f"{query}\n  {difference[:600]}\n  {answer['sql']}")
    assert not wrong, f"{len(wrong)} of {len(queries)}\n" + "\n".join(wrong)


def test_user_without_policies(world: Path) -> None:
    """Nothing limits alice but a policy on another group: every byte passes."""
    queries = [query.replace("@", "hr") for query in blocks(HERE / "queries.sql")]
    for query, answer in zip(
        queries, rewrite(HERE / "policies.yaml", world, Who("carl"), queries), strict=True
    ):
        assert answer["decision"] == "unchanged" and answer["sql"] == query, answer
