"""Attacks: whatever becomes of a statement, nothing that its user receives holds what is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.spark import SparkThriftServer

from policy.harness import HERE, Session, Who, blocks, rewrite

BOB = Who("bob", ("analysts",), ("dept=it", "dept=ops"), "hr")
CANARY = "CANARY"
# what may not come back although it isn't a canary: raw values of columns that are masked or hidden
RAW = ("222-22-", "111-11-", "333-33-", "66666", "77777")


def test_nothing_hidden_comes_back(server: SparkThriftServer, world: Path) -> None:
    attacks = blocks(HERE / "attacks.sql")
    session = Session(server, "hr")
    leaks, ran = [], 0
    for attack, answer in zip(
        attacks, rewrite(HERE / "policies.yaml", world, BOB, attacks), strict=True
    ):
        received = str(answer["reason"])
        if answer["decision"] != "refused":
            ran += 1
            received += session.run(answer["sql"]).text()
        # the attack's own words may be in it
        found = [word for word in (CANARY, *RAW) if word in received.replace("saw CANARY", "")]
        if found and not all(word in attack for word in found):
            leaks.append(f"{attack}\n  {found}\n  {answer['sql']}\n  {received[:500]}")
    session.must("CLEAR CACHE")
    assert not leaks, "\n".join(leaks)
    assert ran > 30, "so few ran that nothing was tried"


def test_the_same_without_policies_does(server: SparkThriftServer, world: Path) -> None:
    """That the canaries are found when nothing protects them."""
    session = Session(server, "hr")
    queries = [a for a in blocks(HERE / "attacks.sql") if a.startswith(("SELECT", "FROM", "WITH"))]
    harmless = [q for q in queries if "TRANSFORM" not in q and "java" not in q and "INSERT" not in q]
    leaking = [query for query in harmless[::3] if CANARY in session.run(query).text()]
    assert len(leaking) > 10, leaking


MUST_BE_REFUSED = [
    "ALTER",
    "ANALYZE",
    "CACHE TABLE emp",
    "DELETE",
    "DROP",
    "EXPLAIN",
    "INSERT INTO emp",
    "INSERT OVERWRITE",
    "LOAD",
    "RESET",
    "SET",
    "SHOW",
    "SELECT TRANSFORM",
    "SELECT reflect",
    "TRUNCATE",
    "UPDATE",
    "ADD",
    "LIST",
    "CREATE VIEW",
    "CREATE OR REPLACE",
]


@pytest.mark.parametrize("word", MUST_BE_REFUSED)
def test_refused(world: Path, word: str) -> None:
    attacks = [attack for attack in blocks(HERE / "attacks.sql") if attack.startswith(word)]
    assert attacks
    for attack, answer in zip(
        attacks, rewrite(HERE / "policies.yaml", world, BOB, attacks), strict=True
    ):
        assert answer["decision"] == "refused", attack
