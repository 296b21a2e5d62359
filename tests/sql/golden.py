"""The readable statements of golden/: blocks of "== engines | kind | reads: ..." and a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).with_name("golden")


@dataclass
class Case:
    """A statement, for the versions that read it so, and what it touches."""

    sql: str
    versions: list[str]
    kind: str
    names: dict[str, set[str]] = field(default_factory=dict)


def cases(name: str = "*") -> list[Case]:
    found = []
    for path in sorted(FOLDER.glob(f"{name}.txt")):
        for block in re.split(r"^== ", path.read_text(), flags=re.MULTILINE)[1:]:
            head, _, sql = block.partition("\n")
            engines, kind, *lists = (part.strip() for part in head.split("|"))
            case = Case(sql.strip(), engines.split(), kind)
            for entry in lists:
                key, _, names = entry.partition(":")
                case.names[key] = {name.strip() for name in names.split(",") if name.strip()}
            found.append(case)
    assert found, f"no statements in {FOLDER}/{name}.txt"
    return found
