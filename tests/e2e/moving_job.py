# SPDX-License-Identifier: MIT
"""One process that stays on CPU 0 and one that moves: 60 ms on CPU 0, 140 ms on CPU 1. Writes what each used where."""
import json
import os
import sys
import time

SECONDS = 3.0
go, tell = os.pipe()
pid = os.fork()
if pid == 0:
    os.sched_setaffinity(0, {0})
    begin = time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        pass
    os.write(tell, json.dumps(time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)).encode())
    os._exit(0)
used, end = [0.0, 0.0], time.monotonic() + SECONDS
while time.monotonic() < end:
    for cpu, span_s in ((0, 0.06), (1, 0.14)):
        before = time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)
        os.sched_setaffinity(0, {cpu})
        until = time.monotonic() + span_s
        while time.monotonic() < until:
            pass
        used[cpu] += time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) - before
os.waitpid(pid, 0)
still = json.loads(os.read(go, 100))
with open(sys.argv[1], "w", encoding="ascii") as out:
    json.dump({"moving": {"pid": os.getpid(), "cpu_s": used}, "still": {"pid": pid, "cpu_s": [still, 0.0]}}, out)
