#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a test program up to three times and shows the run that passed, or the last: for tests of what the kernel
# tells, where a process that the host hides from tracers (process 1 of some virtual machines) swallows now and
# then the last word of another one. What is wrong in the program fails three times.
for try in 1 2 3; do
    output=$("$@" 2>&1) && break
    [ "$try" = 3 ] && { printf '%s\n' "$output"; exit 1; }
done
printf '%s\n' "$output"
