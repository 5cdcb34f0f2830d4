#!/bin/sh
# SPDX-License-Identifier: MIT
# Wait at a gate (lib_caught.Gate), run a command, wait there again: $1 and $2 its files, the rest words.
here=$1 on=$2
shift 2
come() {
    echo >"$here"
    read -r _ <"$on"
}
come
"$@"
status=$?
come
exit $status
