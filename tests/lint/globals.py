#!/usr/bin/env python3
"""Fails on mutable data declared extern in a header, and on public functions outside hg_.

    globals.py ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
bad = []
headers = sorted((root / "src").rglob("*.h"))
for path in headers:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.match(r"extern\s+(?!const\b)[^\"(]*;", line):
            bad.append(f"{path.relative_to(root)}:{number}: mutable extern data")
        match = re.match(r"[A-Za-z_][\w\s]*?[\s*](\w+)\(", line)
        if match and not re.match(r"(hg_|HG_|G_|_)", match[1]) and not line.startswith("typedef"):
            bad.append(f"{path.relative_to(root)}:{number}: {match[1]} is not an hg_ name")
if not headers:
    bad.append("no header was found: is ROOT right?")
print(*bad, sep="\n")
sys.exit(bool(bad))
