#!/usr/bin/env bash
# Fails on C files that aren't in the project's format; `make format` mends them.
set -eu
cd "$1"
tool=$(command -v clang-format-14) || { echo "clang-format-14 is missing: tools/setup lint" >&2; exit 1; }
git ls-files --cached --others --exclude-standard -z -- '*.c' '*.h' |
    xargs -0 "$tool" --dry-run --Werror
