#!/usr/bin/env python3
"""Fails when a file includes a header of a layer that it may not use.

    layers.py ROOT layer:dep,dep ...
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
allowed = {}
for rule in sys.argv[2:]:
    name, _, needs = rule.partition(":")
    allowed[name] = {name, *filter(None, needs.split(","))}

bad = []
checked = 0
for name, may in allowed.items():
    for path in sorted((root / "src" / name).rglob("*.[ch]")):
        checked += 1
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match and "/" in match[1] and match[1].partition("/")[0] not in may:
                bad.append(f"{path.relative_to(root)}:{number}: {name} may not include {match[1]}")
if checked == 0:
    bad.append("no source file was found: is ROOT right?")
print(*bad, sep="\n")
sys.exit(bool(bad))
