"""What is written anew parses in Spark 3.5 and 4.0, and both parsers see the same tables in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sql.golden import cases
from sql.oracle import VERSIONS, Oracle, ours
from sql.sample import sample

from policy.harness import HERE, Who, blocks, rewrite

BOB = Who("bob", ("analysts",), ("dept=it", "dept=ops"), "hr")
SCHEMAS = {
    "emp": {"id": "int", "name": "string", "ssn": "string", "salary": "int", "dept": "string"},
    "orders": {"id": "int", "emp": "int", "region": "string", "amount": "decimal(12,2)"},
    "people": {"id": "int", "info": "struct<phone:string,city:string>", "tags": "array<string>"},
    "regions": {"region": "string", "usr": "string"},
    "secrets": {"a": "int"},
}
MORE = {
    "orders": {"note": "string", "day": "date"},
    "people": {"born": "date", "mail": "string"},
}
NEW = [
    "FROM emp |> WHERE id = 1 |> SELECT ssn",
    "TABLE emp |> AGGREGATE count(*) GROUP BY dept",
    "SELECT * EXCEPT (ssn) FROM emp",
    "DECLARE VARIABLE v STRING DEFAULT (SELECT max(ssn) FROM emp)",
    "SET VAR v = (SELECT max(ssn) FROM emp)",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r, emp",
]


def schemas(folder: Path) -> Path:
    tables = {f"spark_catalog.hr.{t}": c | MORE.get(t, {}) for t, c in SCHEMAS.items()}
    tables["spark_catalog.pub.t"] = {"id": "int", "x": "string"}
    path = folder / "schemas.json"
    path.write_text(json.dumps({t: [list(c) for c in cs.items()] for t, cs in tables.items()}))
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_rewritten_texts(version: str, tmp_path: Path) -> None:
    texts = [text.replace("@", "hr") for text in blocks(HERE / "queries.sql")]
    texts += blocks(HERE / "attacks.sql") + (NEW if version == "4.0" else [])
    answers = rewrite(
        HERE / "policies.yaml", schemas(tmp_path), BOB, texts, engine=f"spark-{version}"
    )
    requests = [{"id": 0, "sql": a["sql"]} for a in answers if a["decision"] != "refused"]
    assert len(requests) > 100
    spark = Oracle(version, tmp_path).ask("parse", requests=requests)
    for request, theirs, mine in zip(
        requests, spark, ours("inspect", version, requests), strict=True
    ):
        assert theirs["ok"], request["sql"]
        assert mine["ok"], request["sql"]
        found = {tuple(name) for name in theirs["base"]}
        assert found <= {tuple(name) for name in mine["reads"]}, request["sql"]
        for name in found:
            if name[-1] in SCHEMAS:
                assert name[:2] == ("spark_catalog", "hr"), request["sql"]
            assert name[-1] != "secrets", request["sql"]


EVERYTHING = """\
default_access: allow
policies:
  - name: everything
    tables: ["*"]
    row_filter: "a > 1"
    masks: {b: MASK}
    functions: ["*"]
    capabilities: [dynamic_sql]
"""


def key_of(name: list[str]) -> str | None:
    """The table that a name means in the database default; None for one that can't be a table."""
    if len(name) > 3 or any("." in part or not part for part in name):
        return None
    return ".".join(["spark_catalog", "default"][: 3 - len(name)] + name).lower()


@pytest.mark.parametrize("version", VERSIONS)
def test_no_table_is_overlooked(version: str, tmp_path: Path) -> None:
    """Statements of all kinds, with a policy on every table: Spark's parser sees only full names."""
    oracle = Oracle(version, tmp_path)
    requests = oracle.ask("make", "7", "300", "query", "26")
    requests += oracle.ask("make", "8", "100", "dmlStatementNoWith", "24")
    requests += [{"sql": case.sql} for case in cases() if version in case.versions]
    requests = [{"conf": {}} | r for r in requests + sample(version) if len(r["sql"]) < 4000]
    spark = oracle.ask("parse", requests=requests)
    good = [(r, s) for r, s in zip(requests, spark, strict=True) if s["ok"]]
    tables = {key_of(n) for _, s in good for n in s["base"] + s["constants"]} - {None}
    schema = [["a", "int"], ["b", "string"], ["c", "int"]]
    (tmp_path / "schemas.json").write_text(json.dumps({table: schema for table in tables}))
    (tmp_path / "policies.yaml").write_text(EVERYTHING)
    texts = [r["sql"] for r, _ in good]
    files = (tmp_path / "policies.yaml", tmp_path / "schemas.json")
    answers = rewrite(*files, Who("bob"), texts, engine=f"spark-{version}")
    kept = [(r, s, a["sql"]) for (r, s), a in zip(good, answers, strict=True) if a["sql"]]
    assert len(kept) > 60
    again = oracle.ask("parse", requests=[{"sql": sql, "conf": r["conf"]} for r, _, sql in kept])
    for (request, before, sql), after in zip(kept, again, strict=True):
        assert after["ok"], f"{request['sql']}\n{sql}\n{after['error']}"
        assert all(len(name) == 3 for name in after["base"]), f"{request['sql']}\n{sql}"
        found = {key_of(name) for name in after["base"]}
        base = {key_of(name) for name in before["base"]}
        computed = {key_of(name) for name in before["constants"]}
        assert base <= found, f"{request['sql']}\n{sql}"
        assert before["dynamic"] or found - base <= computed, f"{request['sql']}\n{sql}"
