#!/usr/bin/env python3
"""Counts the tests in JUnit files, prints them by file, and ends with `N passed, N failed`.

    count_tests.py FOLDER BROKEN_STEPS

A step that broke without naming a failed test counts as one failed test. Exits 1 when any failed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ET


def count(path: pathlib.Path) -> tuple[int, int, int]:
    passed = failed = skipped = 0
    for case in ET.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main() -> int:
    folder, broken = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    total = [0, 0, 0]
    for path in sorted(folder.glob("*.xml")):
        counts = count(path)
        total = [a + b for a, b in zip(total, counts, strict=True)]
        print(f"{path.stem:<24} {counts[0]:5} passed {counts[1]:5} failed {counts[2]:5} skipped")
    if broken > 0 and total[1] == 0:
        total[1] = broken
    tail = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{tail}")
    return 1 if total[1] > 0 or total[0] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
