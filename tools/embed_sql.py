#!/usr/bin/env python3
"""Writes migrations as a C table, in the order of their names.

    embed_sql.py OUT.c FILE.sql...
"""

import pathlib
import sys


def literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(f'     "{line}\\n"' for line in escaped.splitlines())


out, *files = sys.argv[1:]
rows = []
for path in sorted(map(pathlib.Path, files), key=lambda path: path.name):
    number, _, name = path.stem.partition("_")
    if int(number) != len(rows) + 1:
        sys.exit(f"{path.name}: expected number {len(rows) + 1:04}")
    rows.append(f'    {{"{name}",\n{literal(path.read_text())}}},')
text = "\n".join(rows)
pathlib.Path(out).write_text(
    "/* Made by tools/embed_sql.py from src/audit/migrations. */\n"
    '#include "audit/migration_table.h"\n\n'
    f"const HgMigration hg_migration_table[] = {{\n{text}\n}};\n"
    "const guint hg_migration_count = G_N_ELEMENTS(hg_migration_table);\n"
)
