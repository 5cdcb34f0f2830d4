#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up what the test programs left in a folder: JUnit files and the steps of tools/check.sh.

usage: count_tests.py RESULTS     Ends on the line "N passed, N failed, N skipped"; exit 1 if any failed.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count(results):
    passed = failed = skipped = 0
    for path in sorted(results.glob("*.xml")):
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except ElementTree.ParseError as error:
            print(f"{path.name}: {error}")
            failed += 1
            continue
        for case in cases:
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {path.stem}: {case.get('classname') or ''} {case.get('name')}")
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    for path in sorted(results.glob("*.single")):
        if path.read_text().strip() == "pass":
            passed += 1
        else:
            failed += 1
            print(f"failed: {path.stem}")
    return passed, failed, skipped


def main():
    passed, failed, skipped = count(pathlib.Path(sys.argv[1]))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
