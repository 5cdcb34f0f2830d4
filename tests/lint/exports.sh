#!/bin/bash
# SPDX-License-Identifier: MIT
# Refuses a global symbol without the project's prefix in any layer, and one beyond the public header in
# the shared library.   usage: exports.sh BUILD
set -u
build="${1:-build}"
bad=0
for library in "$build"/src/*/libeco_*.a; do
    names=$(nm --defined-only --extern-only --format=posix "$library" 2> /dev/null | awk 'NF >= 2 && $1 !~ /^eco_/ && $1 !~ /:$/ && $1 !~ /^__(asan|odr|ubsan|start|stop)/ {print $1}')
    if [ -n "$names" ]; then
        echo "$library: without the prefix eco_: $names"
        bad=1
    fi
done
shared=$(ls "$build"/libecocode.so.*.* "$build"/src/*/libecocode.so.*.* 2> /dev/null | head -n 1)
if [ -n "$shared" ]; then
    while read -r name; do
        if ! grep -q "\b$name\b" include/ecocode/ecocode.h; then
            echo "$shared: exports $name, which the public header does not have"
            bad=1
        fi
    done < <(nm --dynamic --defined-only --format=posix "$shared" | awk '$2 == "T" {sub(/@.*/, "", $1); print $1}')
fi
exit $bad
