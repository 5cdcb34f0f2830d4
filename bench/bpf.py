#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the kernel side of exact accounting costs others.   bpf.py BUILD [ROUNDS] [-- COMMAND ...]

Interleaved: no hook, hooks on lives, on switches too, with SMT siblings, the same for a cgroup of others, and
`perf stat -e sched:sched_switch`.
Without a command: a pipe ping-pong on one CPU. Minima, for what else the machine does only adds.
"""
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import measure

HERE = pathlib.Path(__file__).resolve().parent
TARGET = {"lives": 1, "switches": 8, "siblings": 8, "strangers": 8}


def run_once(mode, command, hold, load_ms):
    holder = None
    if mode == "perf":
        holder = subprocess.Popen(["perf", "stat", "-a", "-e", "sched:sched_switch"], stderr=subprocess.DEVNULL)
        time.sleep(0.2)
    elif mode != "none":
        holder = subprocess.Popen([hold, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        load_ms.setdefault(mode, []).append(float(holder.stdout.readline()))
    begin = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    took = (time.monotonic() - begin) * 1e3
    if mode == "perf":
        holder.send_signal(signal.SIGINT)
    elif holder:
        holder.stdin.close()
    if holder:
        holder.wait()
    return float(done.stdout) if command[0].endswith("pingpong") else took


def compare(build, rounds, command=None, modes=("none", *TARGET, "perf")):
    """Minima in ms of the work in every mode, and how long each took to load."""
    hold = str(pathlib.Path(build) / "tests" / "procs" / "bpf_hold")
    modes = [mode for mode in modes if mode != "perf" or shutil.which("perf")]
    times, load_ms = {mode: [] for mode in modes}, {}
    with tempfile.TemporaryDirectory() as folder:
        program = folder + "/pingpong"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, HERE / "pingpong.c"], check=True)
        argv = ["sh", "-c", command] if command else [program, "100000"]
        for _ in range(rounds):
            for mode in modes:
                times[mode].append(run_once(mode, argv, hold, load_ms))
    return {mode: min(values) for mode, values in times.items()}, load_ms


def bench_hooks(table, tools, quick):
    """Slowdown of others, in %: a ping-pong on one CPU, the worst there is, and a build."""
    build = pathlib.Path(tools.source).resolve().parent
    if os.geteuid() != 0 or not (build / "tests" / "procs" / "bpf_hold").is_file():
        print("no kernel programs here: what they cost others is not measured")
        return
    project = measure.loads_library(tools).make_project(tools.folder / "slowed", 12 if quick else 40)
    works = (("ping-pong on one CPU", None, 3 if quick else 9, TARGET),
             ("make -j2", " ".join(map(shlex.quote, project)), 2 if quick else 7, dict.fromkeys(TARGET, 0.5)))
    for name, command, rounds, target in works:
        best, _ = compare(build, rounds, command)
        slower = {mode: 100 * (ms / best["none"] - 1) for mode, ms in best.items()}
        for mode in TARGET:
            table.add(f"{name}: slower by hooks, {mode}", slower[mode], "%", target[mode],
                      {"perf sched_switch": slower.get("perf")}, none_ms=best["none"])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    own, _, command = " ".join(sys.argv[1:]).partition(" -- ")
    build, *rounds = own.split()
    best, load_ms = compare(build, int(rounds[0]) if rounds else 7, command)
    for mode in best:
        slower = 100 * (best[mode] / best["none"] - 1)
        target = f"target {TARGET[mode]} %" if mode in TARGET and not command else ""
        loaded = f"loaded in {min(load_ms[mode]):.1f} ms" if mode in load_ms else ""
        print(f"{mode:10} {best[mode]:9.1f} ms {slower:+6.1f} %  {target:12} {loaded}")


if __name__ == "__main__":
    main()
