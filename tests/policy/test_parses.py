"""What is written anew parses in Spark 3.5 and 4.0, and both parsers see the same tables in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sql.oracle import VERSIONS, Oracle, ours

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
