"""Statements of others, when HIVEGATE_SQL_SAMPLE names a file of them: see conftest.py."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

from sql.oracle import Request


def sample(version: str) -> list[Request]:
    name = os.environ.get("HIVEGATE_SQL_SAMPLE")
    if not name:
        return []
    data = Path(name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    return [row for row in rows if row.get("engine") in (None, f"spark-{version}")]
