"""Each keyword at each place where it may be a name: nearly all may, and what follows decides.

A keyword that hivegate takes for a name where Spark takes it for a clause would hide a relation.
"""

from __future__ import annotations

from support.paths import ROOT

from sql.oracle import Oracle
from sql.test_references import judge

PLACES = [
    "SELECT {0} FROM t",
    "SELECT a {0} FROM t",
    "SELECT a {0} b FROM t",
    "SELECT a AS {0} FROM t",
    "SELECT a, {0} FROM t",
    "SELECT {0}, a FROM t",
    "SELECT {0} {0} FROM t",
    "SELECT {0} (a) FROM t",
    "SELECT {0} (SELECT a FROM u) FROM t",
    "SELECT {0}.a FROM t",
    "SELECT a.{0} FROM t",
    "SELECT f({0}) FROM t",
    "SELECT f({0} a) FROM t",
    "SELECT f(a {0} b) FROM t",
    "SELECT a FROM {0}",
    "SELECT a FROM {0} t",
    "SELECT a FROM {0}, t",
    "SELECT a FROM {0} (t)",
    "SELECT a FROM ({0} t)",
    "SELECT a FROM {0} JOIN t",
    "SELECT a FROM t {0}",
    "SELECT a FROM t {0} u",
    "SELECT a FROM t {0}, u",
    "SELECT a FROM t {0} JOIN u",
    "SELECT a FROM t {0} (SELECT b FROM u)",
    "SELECT a FROM t JOIN {0} u",
    "SELECT a FROM t WHERE {0}",
    "SELECT a FROM t WHERE {0} IN (TABLE u)",
    "SELECT a FROM t WHERE b {0}",
    "SELECT a FROM t WHERE b {0} (SELECT c FROM u)",
    "SELECT a FROM t GROUP BY {0}",
    "SELECT a FROM t ORDER BY a {0}",
    "SELECT a FROM t LIMIT {0}",
    "FROM t {0} SELECT a",
    "{0} t",
    "{0} TABLE t",
    "{0} SELECT a FROM t",
    "WITH {0} AS (TABLE t) TABLE {0}",
    "WITH a AS (TABLE t) {0} a",
    "INSERT INTO {0} SELECT a FROM t",
    "INSERT INTO TABLE {0} TABLE t",
    "INSERT INTO t {0} TABLE u",
    "UPDATE {0} SET a = (SELECT b FROM u)",
    "UPDATE t {0} SET a = 1",
    "DELETE FROM t {0} WHERE a IN (TABLE u)",
    "CREATE TABLE {0} AS TABLE t",
    "CREATE TABLE t {0} SELECT a FROM u",
    "CACHE TABLE t {0} SELECT a FROM u",
    "DESCRIBE {0} t",
    "DESCRIBE {0} SELECT a FROM t",
    "EXPLAIN {0} TABLE t",
]


def test_each_word_in_each_place(oracle: Oracle) -> None:
    lines = (ROOT / "src" / "sql" / "keywords.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    column = 2 if oracle.version == "3.5" else 3
    words = [row[1].split("|")[0] for row in rows if row[column] != "---"]
    texts = [place.format(word) for place in PLACES for word in [*words, "x"]]
    judge(oracle, [{"id": 0, "sql": text, "conf": {}} for text in texts], 0.02)
