"""TPC-H: each query through the gateway, under policies, gives what it gives on the copies."""

from __future__ import annotations

import pytest
from support.spark import SparkThriftServer

from policy.harness import Session, Through, Who, gateway, rewrite, same
from policy.tpc import load


def test_tpch(server: SparkThriftServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = Session(server)
    suite = load(base, "tpch", 0.01, tmp_path_factory.mktemp("tpch"))
    copies = Session(server, suite.seen)
    texts = [text for _, text in suite.queries]
    answers = rewrite(suite.policies, suite.schemas, Who("bob", database=suite.base), texts)
    wrong, empty = [], 0
    with gateway(server, suite.policies) as running, Through(running.port, "bob", "tpch") as bob:
        for (number, text), answer in zip(suite.queries, answers, strict=True):
            assert answer["decision"] == "rewritten", f"{number}: {answer['reason']}"
            expected = copies.must(text)
            empty += not expected.rows
            difference = same(expected, bob.run(text), "ORDER BY" in text)
            if difference:
                wrong.append(f"{number}: {difference[:800]}\n  {answer['sql']}")
    assert not wrong, "\n".join(wrong)
    assert empty <= 3, "too many answers without rows to tell anything"
