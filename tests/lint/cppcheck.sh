#!/usr/bin/env bash
# Fails on what cppcheck finds in src. GLib's macros come from its own description of them (gtk) and,
# where that has none, from here.
set -eu
cd "$1"
command -v cppcheck >/dev/null || { echo "cppcheck is missing: tools/setup lint" >&2; exit 1; }
cppcheck --quiet --error-exitcode=1 --std=c11 --library=gtk --inline-suppr -I src \
    --enable=warning,performance,portability \
    -D'G_GNUC_PRINTF(format, first)=' -D'G_DEFINE_QUARK(text, name)=' src
