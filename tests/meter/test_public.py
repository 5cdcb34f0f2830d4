#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The public header alone as strict C99 and C++, and the programs of docs/api.md: they compile, link and run.

test_public.py INCLUDE_DIRECTORY DOCUMENT LIBRARY SANITIZER COMPILER...
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

include, document, library, sanitizer, *compiler = sys.argv[1:]
results = []


def check(name, command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **more)
    results.append(f"{'ok' if done.returncode == 0 else 'not ok'} {len(results) + 1} {name}")
    if done.returncode:
        results.extend("# " + line for line in done.stdout.splitlines())
    return done


def skip(name, why):
    results.append(f"ok {len(results) + 1} {name} # SKIP {why}")


strict = ["-Wall", "-Wextra", "-pedantic-errors", "-Werror", "-I", include]
with tempfile.TemporaryDirectory() as folder:
    source = os.path.join(folder, "alone.c")
    with open(source, "w", encoding="ascii") as out:
        out.write("#include <ecocode/ecocode.h>\n#include <ecocode/ecocode.h>\nint main(void) { return ECO_BY_FULL == 0; }\n")
    for standard in ("c99", "c11"):
        check(f"header as {standard}", [*compiler, f"-std={standard}", *strict, "-fsyntax-only", source])
    cplusplus = shutil.which("g++") or shutil.which("clang++")
    if cplusplus:
        check("header as C++11", [cplusplus, "-std=c++11", *strict, "-fsyntax-only", "-x", "c++", source])
    else:
        skip("header as C++11", "no C++ compiler")
    with open(document, encoding="utf-8") as text:
        programs = re.findall(r"^```c\n(.*?)^```$", text.read(), re.S | re.M)
    if not programs:
        results.append(f"not ok {len(results) + 1} {document} holds a program")
    for number, program in enumerate(programs, 1):
        source, binary = os.path.join(folder, f"program{number}.c"), os.path.join(folder, f"program{number}")
        with open(source, "w", encoding="utf-8") as out:
            out.write(program)
        flags = [*strict, "-std=c99", "-D_POSIX_C_SOURCE=200809L"]
        if sanitizer != "none":
            check(f"program {number} compiles", [*compiler, *flags, "-fsyntax-only", source])
            continue
        place = os.path.dirname(library)
        if check(f"program {number} links", [*compiler, *flags, "-o", binary, source, library, f"-Wl,-rpath,{place}"]).returncode == 0:
            ran = check(f"program {number} runs", [binary])
            if not ran.stdout.strip():
                results.append(f"not ok {len(results) + 1} program {number} says something")
count = sum(not line.startswith("#") for line in results)
print(f"1..{count}", *results, sep="\n")
