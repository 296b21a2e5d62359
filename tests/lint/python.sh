#!/usr/bin/env bash
# Fails on what ruff finds in the Python files.
set -eu
cd "$1"
tool=.cache/venv/bin/ruff
[ -x "$tool" ] || tool=$(command -v ruff) || { echo "ruff is missing: tools/setup lint" >&2; exit 1; }
"$tool" check --quiet .
