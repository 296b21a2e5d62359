"""What hivegate prints, Spark reads as it reads the statement itself: the same references."""

from __future__ import annotations

from sql.golden import cases
from sql.oracle import Oracle, Request, printed
from sql.sample import sample
from sql.test_references import SCRIPTS

FACTS = ("ok", "root", "base", "targets", "constants", "dynamic", "query")


def compare(oracle: Oracle, requests: list[Request]) -> None:
    texts = printed(oracle.version, [request["sql"] for request in requests])
    pairs = [(r, text) for r, text in zip(requests, texts, strict=True) if text]
    before = oracle.ask("parse", requests=[request for request, _ in pairs])
    after = oracle.ask("parse", requests=[{**request, "sql": text} for request, text in pairs])
    good = 0
    for (request, text), a, b in zip(pairs, before, after, strict=True):
        if a["ok"]:
            good += 1
            known = {fact: a[fact] for fact in FACTS}
            assert known == {fact: b.get(fact) for fact in FACTS}, f"{request['sql']}\n{text}"
    assert good > 0


def test_statements(oracle: Oracle) -> None:
    chosen = [case.sql for case in cases() if oracle.version in case.versions]
    requests: list[Request] = [{"id": 0, "sql": sql, "conf": SCRIPTS} for sql in chosen]
    compare(oracle, requests + sample(oracle.version))


def test_made_statements(oracle: Oracle) -> None:
    made = oracle.ask("make", "11", "300", "statement", "20")
    made += oracle.ask("make", "12", "200", "query", "26")
    compare(oracle, [{**row, "conf": SCRIPTS} for row in made if len(row["sql"]) < 4000])
