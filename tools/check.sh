#!/bin/bash
# SPDX-License-Identifier: MIT
# All tests: unit tests (gcc; clang with ASan and UBSan), lints, the builds that must not rot, and the
# real program end to end. Ends on "N passed, N failed, N skipped". `long`: adds what takes long.
# Most end-to-end tests wait most of the time, lints only compute: these run side by side. What needs a quiet
# machine (tests/e2e/conftest.py, PARTS) runs alone, last.
set -u
cd "$(dirname "$0")/.."
mode="${1:-normal}"
results="build/results"
rm -rf "$results"
mkdir -p "$results"
lanes=""
lane_pids=""
trap 'for pid in $lane_pids; do kill -- "-$pid"; done 2> /dev/null; exit 130' INT TERM

fail() { : > "$results/failed"; } # a file, for lanes are processes of their own

step() { printf '\n== %s\n' "$1"; }
# one step that is a test of its own: name, then the command
single() {
    local name="$1"; shift
    step "$name"
    if "$@" > "$results/$name.log" 2>&1; then
        echo "ok"; echo "pass" > "$results/$name.single"
    else
        tail -n 40 "$results/$name.log"; echo "fail" > "$results/$name.single"; fail
    fi
}
build_variant() { # folder, compiler, meson arguments
    local dir="$1" compiler="$2"; shift 2
    if [ ! -f "$dir/build.ninja" ]; then CC="$compiler" meson setup "$dir" "$@" || return 1; fi
    ninja -C "$dir" --quiet
}
unit() { # name, folder
    step "unit tests: $1"
    (cd "$2" && meson test --print-errorlogs --num-processes 2 > "../$results/unit-$1.log" 2>&1) || { tail -n 60 "$results/unit-$1.log"; fail; }
    tail -n 12 "$results/unit-$1.log" | grep -E '^(Ok|Fail|Skipped|Timeout|Expected)' | tr -s ' ' | tr '\n' ' '; echo
    cp "$2/meson-logs/testlog.junit.xml" "$results/unit-$1.xml" 2> /dev/null || fail
}
e2e() { # name, arguments of pytest
    local name="$1"; shift
    step "end to end: $name"
    /usr/bin/python3 -m pytest -q --no-header -p no:cacheprovider --junitxml "$results/e2e-$name.xml" "$@" || fail
}

# Run a function beside what follows. A job of its own: in plain background SIGINT would be ignored, by tests too.
lane() { # name, function and its arguments
    local name="$1"; shift
    set -m
    "$@" > "$results/lane-$name.txt" 2>&1 < /dev/null &
    set +m
    lane_pids="$lane_pids $!"
    lanes="$lanes $name"
}
join_lanes() {
    wait
    for name in $lanes; do cat "$results/lane-$name.txt"; done
    lanes="" lane_pids=""
}
sanitized() { # pytest arguments that choose
    ECOCODE_BIN="$PWD/build-asan/ecocode" e2e sanitized tests/e2e "$@"
}
builds_and_lints() {
    renice -n 19 -p "$BASHPID" > /dev/null 2>&1
    single build-none build_variant build-none gcc -Dplatform=none -Dtests=false
    single build-plain build_variant build-plain clang -Dinih=disabled -Dtests=false
    single lint tools/lint.sh build "$@"
}
part() { e2e "$1" tests/e2e tests/doubles -m "not long" --part "$1"; }
users_and_records() {
    part users
    part records
    sanitized -k "cli" -m "not long"
}

single build-gcc build_variant build gcc
unit gcc build
export ASAN_OPTIONS="halt_on_error=1:detect_leaks=1:allocator_may_return_null=1" UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
single build-sanitized build_variant build-asan clang -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug
unit sanitized build-asan
if [ "$mode" = long ]; then
    (builds_and_lints deep)
    single fuzz tools/fuzz.sh 60
    single build-tsan build_variant build-tsan gcc -Db_sanitize=thread -Db_lundef=false
    single threads env TSAN_OPTIONS=halt_on_error=1 meson test -C build-tsan --suite meter --print-errorlogs
    e2e all tests/e2e tests/doubles
    sanitized -k "cli or harm"
else
    lane builds builds_and_lints
    lane users users_and_records
    lane rest part rest
    join_lanes
    part cards
    part quiet
fi

step "sum"
/usr/bin/python3 tools/count_tests.py "$results" || fail
[ ! -e "$results/failed" ]
