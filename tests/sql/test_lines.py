"""hivegatectl sql, line by line: each line has its answer, in order, whatever it holds."""

from __future__ import annotations

import json
import subprocess

import pytest

from sql.oracle import VERSIONS, ours, program

FIELDS = {
    "inspect": {"id", "ok", "statement", "reads", "writes", "objects", "functions", "reason"},
    "tokens": {"id", "ok", "tokens", "reason"},
}
# no JSON, or JSON that holds no statement
GARBAGE = [
    *[b"", b"not json", b"{", b"\0\1", b"[" * 100_000, b'{"id":1,"sql":"a\xff"}', b"null", b"5"],
    *[b"[]", b'"SELECT 1"', b'{"id":1}', b'{"id":1,"sql":5}', b'{"id":1,"sql":"\\ud800"}'],
    b'{"id":1,"sql":"SELECT 1","conf":[]}',
]
DEEP = ["(", "f(", "a[", "BEGIN ", "CASE WHEN ", "IDENTIFIER(", "(SELECT ", "x -> ", "ARRAY<", "/*"]


def answers(verb: str, version: str, lines: list[bytes]) -> list[dict]:
    command = [program(), "sql", verb, "--engine", f"spark-{version}"]
    run = subprocess.run(command, input=b"\n".join(lines), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("verb", FIELDS)
def test_garbage(verb: str, version: str) -> None:
    good = b'{"id":"last","sql":"TABLE t"}'
    lines = [line for bad in GARBAGE for line in (bad, good)]
    found = answers(verb, version, lines)
    assert len(found) == len(lines)
    for bad, fine in zip(found[::2], found[1::2], strict=True):
        assert set(bad) == FIELDS[verb] and bad["ok"] is False and bad["reason"]
        assert fine["id"] == "last" and fine.get("ok", True) is True


@pytest.mark.parametrize("verb", FIELDS)
def test_no_line(verb: str) -> None:
    assert answers(verb, "4.0", []) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_refused_with_a_place(version: str) -> None:
    texts = ["", " -- x", "SELECT \0", "SELECT '", *(f"SELECT {piece * 200_000}" for piece in DEEP)]
    requests = [{"id": n, "sql": text} for n, text in enumerate(texts)]
    for number, answer in enumerate(ours("inspect", version, requests)):
        assert answer["id"] == number and answer["ok"] is False
        assert answer["reason"].startswith("line 1, column ")


@pytest.mark.parametrize("version", VERSIONS)
def test_long_statement(version: str) -> None:
    sql = "SELECT " + "a, " * 500_000 + "a FROM t"
    (answer,) = ours("inspect", version, [{"id": 1, "sql": sql}])
    assert answer["reads"] == [["t"]]


def test_settings() -> None:
    def reads(version: str, sql: str, conf: dict | None) -> list:
        (answer,) = ours("inspect", version, [{"id": 1, "sql": sql, "conf": conf}])
        return answer["reads"] if answer["ok"] else [answer["reason"]]

    ansi = {"spark.sql.ansi.enabled": "true", "spark.sql.ansi.doubleQuotedIdentifiers": "true"}
    assert reads("3.5", 'TABLE "a b"', ansi) == [["a b"]]
    assert reads("3.5", 'TABLE "a b"', None) != [["a b"]]
    cte = "WITH A AS (SELECT 1) TABLE a"
    assert reads("4.0", cte, {}) == []
    assert reads("4.0", cte, {"spark.sql.caseSensitive": "true"}) == [["a"]]
    assert reads("4.0", "SELECT '${x}' FROM t", {"spark.sql.variable.substitute": "false"}) == [["t"]]
    assert "LEGACY" in reads("4.0", cte, {"spark.sql.legacy.ctePrecedencePolicy": "legacy"})[0]
