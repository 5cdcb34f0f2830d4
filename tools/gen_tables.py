#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn data/cpu_tdp.csv and data/cpu_vcpu_watts.csv into one C file of constants.

The names lie in one block of text with offsets, not in an array of pointers: nothing has to be
relocated when the program starts. Names are brought into the form that eco_cpu_name_normalise()
makes (src/sensors/cpu_tables.c); two entries that then differ by more than a fifth tell nothing and
are left out: no answer is better than a wrong one.

Usage: gen_tables.py cpu_tdp.csv cpu_vcpu_watts.csv OUTPUT.c
"""
import csv
import re
import sys

DROPPED = {"cpu", "processor", "intel", "amd", "genuine", "gen", "apu", "soc"}
COUNTS = {"dual", "triple", "quad", "six", "eight", "twelve", "sixteen"}


def normalise(name):
    text = name.lower().replace("\u00a0", " ").replace("\u200b", "")
    for mark in ("(r)", "(tm)"):
        text = text.replace(mark, "")
    text = text.split("@")[0]
    words = []
    for word in re.split(r"[ \t,]+", text):
        if word in ("with", "w/", "radeon"):
            break
        if not word or word in DROPPED or re.fullmatch(r"\d+(st|nd|rd|th)", word):
            continue
        if re.fullmatch(r"[a-z0-9]+-cores?", word) and (word[0].isdigit() or word.split("-")[0] in COUNTS):
            continue
        words.append("core 2" if word == "core2" else word)
    return " ".join(words)


def read_tdp(path):
    """{normalised name: tenths of a watt}, conflicts removed."""
    found, conflicts = {}, set()
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, value = normalise(row["name"]), round(float(row["tdp_w"]) * 10)
            if not name.isascii() or not re.search(r"\d", name) or not 1 <= value <= 60000:
                continue
            old = found.setdefault(name, value)
            if max(old, value) > 1.2 * min(old, value):
                conflicts.add(name)
    return {name: value for name, value in found.items() if name not in conflicts}


def wrap(items, per_line):
    return "\n".join("    " + " ".join(items[i:i + per_line]) for i in range(0, len(items), per_line))


def write_tdp(out, table):
    names = sorted(table, key=lambda name: name.encode())
    offsets, place = [], 0
    for name in names:
        offsets.append(place)
        place += len(name.encode()) + 1
    out.write(f"const unsigned eco_tdp_count = {len(names)};\n\n")
    letters = [f"{byte}," for name in names for byte in name.encode() + b"\0"]
    out.write("const char eco_tdp_names[] = {\n" + wrap(letters, 24) + "\n};\n\n")
    out.write("const uint32_t eco_tdp_offsets[] = {\n" + wrap([f"{o}," for o in offsets], 14) + "\n};\n\n")
    out.write("const uint16_t eco_tdp_tenths_w[] = {\n" + wrap([f"{table[n]}," for n in names], 18) + "\n};\n\n")


def write_vcpu(out, path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    out.write("const struct eco_vcpu_watts eco_vcpu_table[] = {\n")
    for row in rows:
        out.write(f'    {{"{row["microarchitecture"]}", "{row["provider"]}", '
                  f'{float(row["min_w"])}, {float(row["max_w"])}}},\n')
    out.write(f"}};\n\nconst unsigned eco_vcpu_count = {len(rows)};\n")


def main():
    tdp_path, vcpu_path, out_path = sys.argv[1:4]
    with open(out_path, "w", encoding="utf-8", newline="\n") as out:
        out.write("/* SPDX-License-Identifier: MIT */\n/* Made by tools/gen_tables.py from data/. */\n")
        out.write('#include "sensors/cpu_tables.h"\n\n')
        write_tdp(out, read_tdp(tdp_path))
        write_vcpu(out, vcpu_path)


if __name__ == "__main__":
    main()
