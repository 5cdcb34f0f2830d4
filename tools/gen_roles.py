#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""data/roles.csv -> a C table: gen_roles.py INPUT OUTPUT. The order of the lines is that of the table."""
import csv
import sys

PARENT = "=parent"


def quote(text):
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def main(source, target):
    with open(source, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != ["role", "comm_pattern", "cmdline_pattern", "source"]:
        sys.exit(f"{source}: first line is not the expected header")
    seen = set()
    lines = ["/* SPDX-License-Identifier: MIT */", f"/* Made from data/roles.csv by gen_roles.py. */",
             "static const struct role roles[] = {"]
    for number, row in enumerate(rows[1:], 2):
        if len(row) != 4 or not all(row):
            sys.exit(f"{source}:{number}: four columns, none empty")
        role, comm, cmdline, _ = row
        if (comm, cmdline) in seen:
            sys.exit(f"{source}:{number}: the same patterns a second time")
        if comm == "*" and cmdline == "*":
            sys.exit(f"{source}:{number}: matches everything")
        if len(comm.rstrip("*")) > 15:
            sys.exit(f"{source}:{number}: a name has at most 15 characters")
        seen.add((comm, cmdline))
        forked = cmdline == PARENT
        lines.append(f"    {{{quote(role)}, {quote(comm)}, {quote('*' if forked else cmdline)}, "
                     f"{'true' if forked else 'false'}}},")
    lines.append("};")
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
