"""hivegate's lexer against Spark's: every token of every text, its kind and its place."""

from __future__ import annotations

import random
import re

from support.paths import ROOT

from sql.golden import cases
from sql.oracle import Oracle, ours
from sql.sample import sample

FRAGMENTS = [
    *"'\"`\\\n\r rR1.5eE+-fDs_ax<>=!|:?,()[]*&%~^;${}@#\t0/",
    *["/*", "*/", "/*+", "--", "L", "BD", "select", "array", "map", "struct", ">>", ">>>", "<<"],
    *["==", "!=", "!<", "!>", "||", "|>", "::", "://", "\\\n", "``", "0x1", "1e", "1.", "..", "->"],
    # letters that fold to ASCII or nearly, other scripts, white space, what is no letter
    *["\u017f", "\u0131", "\u212a", "\u00e9", "\u00a0", "\u3000", "\v", "\f", "\u0345", "\u4e2d"],
    *["\U0001f600", "\u017felect", "l\u0131ke", "=>", "\0", "\u2028", "\u2029", "\u0085", "\ufeff"],
    *["<=>", ">=", "<="],
]


def compare(oracle: Oracle, texts: list[str]) -> None:
    requests = [{"id": number, "sql": text} for number, text in enumerate(texts)]
    spark = oracle.ask("tokens", requests=requests)
    found = ours("tokens", oracle.version, requests)
    assert len(spark) == len(found) == len(texts)
    wrong = [(texts[a["id"]], a, b) for a, b in zip(spark, found, strict=True) if a != b]
    shortest = min(wrong, key=lambda w: len(w[0]), default=None)
    assert not wrong, f"{len(wrong)} of {len(texts)}, the shortest: {shortest}"


def test_statements(oracle: Oracle) -> None:
    texts = [case.sql for case in cases()]
    texts += [request["sql"] for request in sample(oracle.version)]
    compare(oracle, texts)


def test_random_texts(oracle: Oracle) -> None:
    source = random.Random(7)
    texts = ["".join(source.choices(FRAGMENTS, k=source.randint(1, 14))) for _ in range(20000)]
    compare(oracle, texts)


def letters() -> set[int]:
    """Where the ranges of src/sql/letters.c begin and end, and what stands beside them."""
    pairs = re.findall(r"0x([0-9a-f]+)", (ROOT / "src" / "sql" / "letters.c").read_text())
    return {int(border, 16) + offset for border in pairs for offset in (-1, 0, 1)}


def test_code_points(oracle: Oracle) -> None:
    """Alone, in a word, behind a number: all up to U+3000, and the borders of all letters beyond."""
    chosen = letters() | set(range(1, 0x3001)) | set(range(0x3001, 0x110000, 97))
    points = sorted(p for p in chosen if not 0xD800 <= p < 0xE000)
    texts = []
    for start in range(0, len(points), 500):
        block = [chr(p) for p in points[start : start + 500]]
        texts.append(" a".join(f"{c}b 1{c}" for c in block if c not in "'\"`-/*"))
    compare(oracle, texts)
