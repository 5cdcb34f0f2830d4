#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian or Ubuntu packages that a make target needs and that are missing; says which.
# Does nothing when all is there. Without root or sudo it names what is left out and goes on.
#   usage: tools/deps.sh build|run|check|long|lint|bench
set -eu

build="gcc libc6-dev meson ninja-build pkg-config python3 libinih-dev libcmocka-dev libfuse3-dev clang bpftool libbpf-dev
    libsqlite3-dev libjansson-dev libgsl-dev libzstd-dev libcurl4-openssl-dev"
case "${1:-build}" in
build) want="$build" ;;
run) want="$build python3-numpy" ;;
check) want="$build sqlite3 fuse3 runc busybox-static clang libclang-rt-14-dev python3-numpy python3-pytest python3-jsonschema python3-prometheus-client python3-yaml tmux vim-tiny procps
    util-linux man-db git libcap2-bin passwd librocm-smi64-1 librocm-smi-dev" ;;
long) want="chromium fonts-dejavu-core" ;; # beside those of check
lint) want="$build clang clang-format clang-tidy cppcheck git" ;;
bench) want="$build hyperfine htop prometheus-node-exporter time python3-numpy python3-pytest util-linux linux-perf" ;;
*) echo "usage: tools/deps.sh build|run|check|long|lint|bench" >&2; exit 2 ;;
esac

command -v dpkg-query > /dev/null || exit 0 # not Debian: meson says what it misses
missing=""
have=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package} ' $want 2> /dev/null | sed 's/ii  */ii_/g') "
for package in $want; do
    case "$have" in *"ii_$package "*) ;; *) missing="$missing $package" ;; esac
done
# The runtime of the sanitizers is named after clang's version, which differs between releases.
case "$missing" in *libclang-rt-14-dev*)
    version=$(clang --version 2> /dev/null | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
    if [ -n "$version" ] && dpkg-query -W -f '${db:Status-Abbrev}' "libclang-rt-$version-dev" 2> /dev/null | grep -q ii; then
        missing=$(echo "$missing" | sed 's/ libclang-rt-14-dev//')
    fi ;;
esac
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo > /dev/null; then
        sudo="sudo"
    else
        echo "Not root and no sudo: going on without$missing" >&2
        exit 0
    fi
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# One at a time when the whole does not go: a package that this release lacks must not keep out the others.
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null 2>&1 || {
    for package in $missing; do
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" > /dev/null 2>&1 ||
            echo "  not to be had here: $package" >&2
    done
}
