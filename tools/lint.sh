#!/bin/bash
# SPDX-License-Identifier: MIT
# All lints over the tree; `build` has the compile commands. Prints what is wrong, exits 1 then.
#   tools/lint.sh [BUILD] [deep]
# deep: the analyzer of clang-tidy follows each function as far as it can, which takes six times as long.
set -u
cd "$(dirname "$0")/.."
build="${1:-build}"
nodes=10000
[ "${2:-}" = deep ] && nodes=225000 # its default
bad=0
run() { "$@" || bad=1; }

run /usr/bin/python3 tests/lint/layers.py
run /usr/bin/python3 tests/lint/banned.py
run tests/lint/exports.sh "$build"
# clang-tidy needs the options of a build by clang: gcc's would be unknown to it
tidy=build-plain
[ -f "$tidy/build.ninja" ] || CC=clang meson setup "$tidy" -Dinih=auto -Dtests=false > /dev/null || bad=1
ninja -C "$tidy" --quiet > /dev/null || bad=1 # generated tables
# a tree unpacked from an archive has no git: then every file below these folders is a source
sources() {
    if git rev-parse --git-dir > /dev/null 2>&1; then
        git ls-files -co --exclude-standard "$@"
    else
        for pattern in "$@"; do
            case "$pattern" in src/*) find src -name "${pattern##*/}" ;; *) find src include tests bench examples -name "$pattern" ;; esac
        done
    fi
}
sources '*.c' '*.h' | xargs clang-format --dry-run -Werror || bad=1
# programs for the kernel are compiled for another machine; the verifier is their analyzer
sources 'src/*.c' | grep -v -e '/none/' -e '\.bpf\.c$' | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$tidy" \
    --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg="max-nodes=$nodes" 2> "$tidy/tidy.err" > "$tidy/tidy.out" || { cat "$tidy/tidy.out"; bad=1; }
sources 'src/*.c' | grep -v '\.bpf\.c$' | xargs cppcheck -j "$(nproc)" --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem -Isrc -Iinclude -D_GNU_SOURCE || bad=1
exit $bad
