"""What a statement touches, as hivegatectl and Spark's parser say it.

No relation that Spark sees may be missing: that would be a leak.
"""

from __future__ import annotations

import pytest

from sql.golden import Case, cases
from sql.oracle import VERSIONS, Oracle, Request, ours
from sql.sample import sample

SCRIPTS = {"spark.sql.scripting.enabled": "true"}
# rule of Spark's grammar, how deep it may go, how many
RULES = [
    ("query", 26, 200),
    ("query", 40, 120),
    ("dmlStatementNoWith", 26, 200),
    ("statement", 20, 300),
]


def names(answer: dict, key: str) -> set[tuple[str, ...]]:
    return {tuple(name) for name in answer[key]}


@pytest.mark.parametrize("version", VERSIONS)
def test_golden(version: str) -> None:
    chosen = [case for case in cases() if version in case.versions]
    requests = [{"id": n, "sql": case.sql, "conf": SCRIPTS} for n, case in enumerate(chosen)]
    for case, answer in zip(chosen, ours("inspect", version, requests), strict=True):
        check_case(case, answer)


def check_case(case: Case, answer: dict) -> None:
    if case.kind == "refused":
        assert not answer["ok"] and answer["reason"], case.sql
        return
    assert answer["ok"], f"{answer['reason']}\n{case.sql}"
    assert answer["statement"] == case.kind, case.sql
    for key in ("reads", "writes", "objects"):
        found = {".".join(name) for name in answer[key]}
        assert found == case.names.get(key, set()), f"{key}\n{case.sql}"


def judge(oracle: Oracle, requests: list[Request], refusals: float) -> None:
    """Nothing missing, nothing more than Spark sees in queries and DML, and few refused."""
    spark = oracle.ask("parse", requests=requests)
    found = ours("inspect", oracle.version, requests)
    good = refused = 0
    for request, a, b in zip(requests, spark, found, strict=True):
        if not a["ok"]:
            continue
        good += 1
        if not b["ok"]:
            # a name that is an expression, or a text or procedure that runs
            refused += not (a["dynamic"] or "known" in b["reason"])
            continue
        base = names(a, "base") | names(a, "targets")
        missing = base - names(b, "reads")
        missing |= names(a, "targets") - names(b, "writes")
        assert not missing, f"missing {missing}\n{request['sql']}"
        if a["query"]:
            # Spark looks only later at what IDENTIFIER('a' || 'b') names, but it is known
            more = names(b, "reads") - base - names(a, "constants")
            assert not more, f"more than Spark sees: {more}\n{request['sql']}"
    assert good > 0
    assert refused <= refusals * good, f"{refused} of {good} refused"


def test_golden_and_sample(oracle: Oracle) -> None:
    chosen = [case for case in cases() if oracle.version in case.versions and case.kind != "refused"]
    requests: list[Request] = [{"id": 0, "sql": case.sql, "conf": SCRIPTS} for case in chosen]
    judge(oracle, requests + sample(oracle.version), 0.0)


@pytest.mark.parametrize(("rule", "depth", "count"), RULES)
def test_made_statements(oracle: Oracle, rule: str, depth: int, count: int) -> None:
    made = oracle.ask("make", str(depth), str(count), rule, str(depth))
    requests = [{**request, "conf": SCRIPTS} for request in made if len(request["sql"]) < 4000]
    # some have names that nobody writes, like a table called VALUES
    judge(oracle, requests, 0.03)


def test_made_scripts(oracles: dict[str, Oracle]) -> None:
    made = oracles["4.0"].ask("make", "5", "150", "singleCompoundStatement", "20")
    judge(oracles["4.0"], [{**request, "conf": SCRIPTS} for request in made], 0.02)
