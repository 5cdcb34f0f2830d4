#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Refuses an include that looks up the layers, and an absolute /proc or /sys outside the platform layer."""
import pathlib
import re
import sys

MAY_USE = {  # docs/architecture.md, "Layers"
    "base": {"base"},
    "model": {"model", "base"},
    "platform": {"platform", "model", "base"},
    "gpu": {"gpu", "platform", "model", "base"},
    "sensors": {"sensors", "gpu", "platform", "model", "base"},
    "procs": {"procs", "platform", "model", "base"},
    "attribution": {"attribution", "model", "base"},
    "impact": {"impact", "model", "base"},
    "course": {"course", "impact", "model", "base"},
    "meter": {"meter", "attribution", "impact", "procs", "sensors", "gpu", "platform", "model", "base"},
    "sinks": {"sinks", "model", "base"},
    "run": {"run", "gpu", "platform", "model", "base"},
    "intensity": {"intensity", "impact", "platform", "model", "base"},
    "store": {"store", "sinks", "platform", "model", "base"},
    "priv": {"priv", "procs", "sensors", "platform", "model", "base"},
}
ALL = set(MAY_USE) | {"impact", "history", "cli", "ecocode"}
MAY_USE["meter"].add("ecocode")
MAY_USE["cli"] = ALL - {"history"}
MAY_USE["history"] = ALL
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([a-z]+)/')
ABSOLUTE = re.compile(r'"/(proc|sys)[/"]')


def main():
    root = pathlib.Path(__file__).resolve().parents[2] / "src"
    bad = 0
    for path in sorted(root.rglob("*.[ch]")):
        layer = path.relative_to(root).parts[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if found and found[1] in ALL and found[1] not in MAY_USE[layer]:
                print(f"{path.relative_to(root.parent)}:{number}: {layer} may not use {found[1]}")
                bad += 1
            if layer != "platform" and ABSOLUTE.search(line):
                print(f"{path.relative_to(root.parent)}:{number}: absolute path of the system outside platform/")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
