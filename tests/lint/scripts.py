#!/usr/bin/env python3
"""Fails when a file that begins with #! can't be run, or one that can't be a program may be.

    scripts.py ROOT
"""

import os
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
folders = (".ci", "bench", "demo", "tests", "tools")
bad = []
checked = 0
for folder in folders:
    for path in sorted((root / folder).rglob("*")):
        if not path.is_file() or path.suffix in (".pyc", ".class"):
            continue
        with open(path, "rb") as file:
            script = file.read(2) == b"#!"
        runs = os.access(path, os.X_OK)
        checked += script
        if script and not runs:
            bad.append(f"{path.relative_to(root)}: begins with #! but isn't executable: chmod +x it")
        if runs and not script:
            bad.append(f"{path.relative_to(root)}: is executable but doesn't begin with #!")
if checked == 0:
    bad.append("no script was found: is ROOT right?")
print(*bad, sep="\n")
sys.exit(bool(bad))
