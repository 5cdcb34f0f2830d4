#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Refuses a function of one name in two layers: a program takes the first that it meets, without a word.

Usage: twins.py LIBRARY.a...
"""
import collections
import subprocess
import sys


def main():
    where = collections.defaultdict(set)
    for library in sys.argv[1:]:
        said = subprocess.run(["nm", "--defined-only", "--extern-only", library], capture_output=True, text=True, check=True)
        for line in said.stdout.splitlines():
            words = line.split()
            if len(words) == 3 and words[2].startswith("eco_"):
                where[words[2]].add(library)
    twins = {name: found for name, found in where.items() if len(found) > 1}
    for name, found in sorted(twins.items()):
        print(f"{name} is in {' and in '.join(sorted(found))}")
    if len(where) < 100:
        print(f"only {len(where)} names were found: this looks at nothing")
    return 1 if twins or len(where) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
