#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns the facts of the interface (abi_facts.csv) into assertions on the declarations of a header.

usage: abi_check.py FACTS.csv HEADER.h > check.c     The header must use the interface's own names.
"""
import csv
import re
import sys

# Rows of the table whose structure has another name, or none, in the header.
RENAMED = {
    "nvmlMemory_t (v1, nvmlDeviceGetMemoryInfo)": "nvmlMemory_t",
    "nvmlMemory_v2_t (nvmlDeviceGetMemoryInfo_v2)": "nvmlMemory_v2_t",
    "nvmlProcessInfo_v1_t (nvmlDeviceGetComputeRunningProcesses, unversioned symbol)": "nvmlProcessInfo_v1_t",
    "nvmlProcessInfo_v2_t (_v2 and _v3 symbols)": "nvmlProcessInfo_v2_t",
    "nvmlPciInfo_t (nvmlDeviceGetPciInfo_v3)": "nvmlPciInfo_t",
}
VERSIONS = {"nvmlMemory_v2_t": "NVML_MEMORY_V2", "nvmlProcessesUtilizationInfo_v1_t": "NVML_PROC_UTIL_V1"}


def c_name(row_name):
    if row_name.startswith("nvmlProcessInfo_v3_t"):
        return "nvmlProcessInfo_v3_t"
    return RENAMED.get(row_name, row_name)


def main():
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    print(f'/* Made by abi_check.py. */\n#include "{sys.argv[2]}"\n#include <stddef.h>\n')
    for row in rows:
        value, kind = row["size_or_offset_or_value"], row["type_or_version"]
        if row["struct"] == "const":
            print(f'_Static_assert({row["member"]} == {value}, "{row["member"]}");')
            continue
        name = c_name(row["struct"])
        if not re.fullmatch(r"\w+", name):
            sys.exit(f"no C name for {row['struct']}")
        if row["member"]:
            print(f'_Static_assert(offsetof({name}, {row["member"]}) == {value}, "{name}.{row["member"]}");')
            width = re.match(r"([uif])(\d\d)\b", kind)
            if width:
                size = int(width[2]) // 8
                print(f'_Static_assert(sizeof((({name} *)0)->{row["member"]}) == {size}, "{name}.{row["member"]}");')
        else:
            print(f'_Static_assert(sizeof({name}) == {value}, "sizeof {name}");')
            if re.fullmatch(r"0x[0-9a-fA-F]+", kind):
                print(f'_Static_assert({VERSIONS[name]} == {kind}, "version of {name}");')


if __name__ == "__main__":
    main()
