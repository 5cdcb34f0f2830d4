#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every fuzz target for N seconds (default 60), from its corpus; finds go to build-fuzz/finds.
set -u
cd "$(dirname "$0")/.."
seconds="${1:-60}"
[ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Dfuzzing=true -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link > /dev/null || exit 1
ninja -C build-fuzz --quiet || exit 1
bad=0
for target in build-fuzz/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    name="${target##*/fuzz_}"
    finds="build-fuzz/finds/$name"
    mkdir -p "$finds"
    # The first folder receives what is found: never the corpus itself.
    "$target" "$finds" "tests/fuzz/corpus/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$finds/" -print_final_stats=0 || bad=1
done
exit $bad
