#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Refuses calls that cut, overflow or end the program, and unfinished words."""
import pathlib
import re
import sys

BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strncpy|strtok|atoi|atol|atof|gets|alloca|system|popen|"
                    r"malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|setlocale)\s*\(")
EXIT = re.compile(r"(?<![\w.>])exit\s*\(")
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# Where the wrappers of allocation live, and the one place that asks the locale for its character set.
EXCEPT = {"src/base/mem.c": {"malloc", "calloc", "realloc", "reallocarray", "strdup"}, "src/cli/terminal.c": {"setlocale"}}


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    bad = 0
    for path in sorted((root / "src").rglob("*.[ch]")):
        name = str(path.relative_to(root))
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), path.read_text(), flags=re.S)
        for number, line in enumerate(text.splitlines(), 1):
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line)
            found = BANNED.search(code)
            if found and found[1] not in EXCEPT.get(name, set()):
                print(f"{name}:{number}: {found[1]}() is not used here")
                bad += 1
            if EXIT.search(code) and not name.startswith(("src/cli/", "src/run/")):
                print(f"{name}:{number}: only programs exit")
                bad += 1
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if WORDS.search(line):
                print(f"{name}:{number}: unfinished: {line.strip()}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
