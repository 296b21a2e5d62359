"""src/sql/keywords.txt against the grammars: each word, and what it may be."""

from __future__ import annotations

from support.paths import ROOT

from sql.oracle import Oracle

SETS = {"n": "nonReserved", "a": "ansiNonReserved", "s": "strictNonReserved"}


def test_words(oracle: Oracle) -> None:
    lines = (ROOT / "src" / "sql" / "keywords.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    column = 2 if oracle.version == "3.5" else 3
    ours = {row[0]: row[column] for row in rows if row[column] != "---"}
    facts = oracle.ask("facts")[0]
    names = [name for name, _ in facts["tokens"]]
    words = names[names.index("ADD") : names.index("ZONE") + 1]
    assert set(ours) == set(words)
    for letter, rule in SETS.items():
        assert {word for word, flags in ours.items() if letter in flags} == set(facts[rule])


def test_spellings(oracle: Oracle) -> None:
    lines = (ROOT / "src" / "sql" / "keywords.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    spellings = {(text, row[0]) for row in rows for text in row[1].split("|")}
    requests = [{"id": name, "sql": text} for text, name in sorted(spellings)]
    column = 2 if oracle.version == "3.5" else 3
    known = {row[0] for row in rows if row[column] != "---"}
    for answer in oracle.ask("tokens", requests=requests):
        kinds = [token[0] for token in answer["tokens"]]
        assert kinds == [answer["id"] if answer["id"] in known else "IDENTIFIER"]
