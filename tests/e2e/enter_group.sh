#!/bin/sh
# SPDX-License-Identifier: MIT
# Enter a v1 cpuacct group, then become the command: $1 folder of the group, the rest words.
echo $$ >"$1/cgroup.procs" || exit 99
shift
exec "$@"
