#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches clients that nobody here wrote, for the tests of tests/doubles (network: PyPI, and Debian's archive
# as it is set up here). Nothing is installed in the system: all lies below one folder, and deleting it ends it.
#   usage: tools/clients.sh FOLDER       then: ECO_CLIENTS_DIR=FOLDER, or the default build-clients
set -eu

to="${1:?usage: tools/clients.sh FOLDER}"
mkdir -p "$to"
to=$(cd "$to" && pwd)

if [ -f "$to/site/pynvml.py" ]; then
    echo "nvidia-ml-py, nvitop: there"
elif /usr/bin/python3 -m pip install --quiet --target "$to/site" --only-binary=:all: nvidia-ml-py nvitop; then
    echo "nvidia-ml-py, nvitop: in $to/site"
else
    echo "nvidia-ml-py, nvitop: not to be had here" >&2
fi

# nvtop is in Debian's section contrib, which may not be switched on: then lists of our own are used.
if [ -x "$to/nvtop/usr/bin/nvtop" ] || command -v nvtop > /dev/null; then
    echo "nvtop: there"
    exit 0
fi
command -v apt-get > /dev/null || exit 0
mkdir -p "$to/apt/lists/partial" "$to/apt/archives/partial"
sources=/etc/apt/sources.list.d/debian.sources
if [ -f "$sources" ]; then
    sed 's/^Components:.*/Components: main contrib/' "$sources" > "$to/apt/clients.sources"
else
    sed -n 's/^\(deb .*\) main.*/\1 main contrib/p' /etc/apt/sources.list > "$to/apt/clients.list"
fi
list=$(ls "$to"/apt/clients.*)
options="-o Dir::Etc::SourceList=$list -o Dir::Etc::SourceParts=- -o Dir::State::Lists=$to/apt/lists -o APT::Sandbox::User=root"
# shellcheck disable=SC2086
if apt-get $options update -qq && (cd "$to/apt" && apt-get $options download -qq nvtop); then
    dpkg -x "$to"/apt/nvtop_*.deb "$to/nvtop"
    echo "nvtop: in $to/nvtop"
else
    echo "nvtop: not to be had here" >&2
fi
rm -rf "$to/apt"
