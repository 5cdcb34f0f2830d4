#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the kernel side of exact accounting costs others.   bpf.py BUILD [PAIRS] [-- COMMAND ...]

The modes: hooks on lives, on switches too, with SMT siblings, the same for a cgroup of others, and
`perf stat -e sched:sched_switch`. Each is measured in pairs, without and with it, one right after the other in an
order that changes: the median of their ratios is not moved by what else the machine does, and its interval says
how far it is known. Without a command: a pipe ping-pong on one CPU. With one, the kernel's own count of the time in
the hooks (bpf_stats_enabled) stands beside: it is as exact for a build as for a ping-pong.
"""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import measure

HERE = pathlib.Path(__file__).resolve().parent
STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
TARGET = {"lives": 1, "switches": 8, "siblings": 8, "strangers": 8}
BUILD_TARGET = 0.5
ROUNDS = 20000  # of the ping-pong, a window: some 60 ms
WINDOWS = 3  # the best of so many is a mode's time in a pair


@contextlib.contextmanager
def held(mode, hold, load_ms):
    """While it is open the hooks of that mode are in place."""
    if mode == "none":
        yield
    elif mode == "perf":
        process = subprocess.Popen(["perf", "stat", "-a", "-e", "sched:sched_switch"], stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        yield
        process.send_signal(signal.SIGINT)
        process.wait()
    else:
        process = subprocess.Popen([hold, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        load_ms.setdefault(mode, []).append(float(process.stdout.readline()))
        yield
        process.stdin.close()
        process.wait()


class PingPong:
    """One pair of processes for all windows."""

    def __init__(self, folder):
        program = pathlib.Path(folder) / "pingpong"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, HERE / "pingpong.c"], check=True)
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def window_ms(self):
        self.process.stdin.write(f"{ROUNDS}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def run_ms(self):
        self.window_ms()  # caches and predictors of the mode
        return min(self.window_ms() for _ in range(WINDOWS))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Command:
    """Any work, started anew each time."""

    def __init__(self, words):
        self.words = words

    def run_ms(self):
        begin = time.monotonic()
        subprocess.run(self.words, stdout=subprocess.DEVNULL, check=True)
        return (time.monotonic() - begin) * 1e3

    def close(self):
        pass


def pairs(work, hold, mode, count, load_ms):
    """Ratios, with to without, of so many pairs; half of them begin with it."""
    ratios, without = [], []
    for number in range(count):
        took = {}
        for now in (("none", mode), (mode, "none"))[number % 2]:
            with held(now, hold, load_ms):
                took[now] = work.run_ms()
        ratios.append(took[mode] / took["none"])
        without.append(took["none"])
    return ratios, min(without)


def median_interval(values, level=0.95, draws=2000):
    """The median and the interval in which it is, by drawing the values anew."""
    source = random.Random(1)
    drawn = sorted(statistics.median(source.choices(values, k=len(values))) for _ in range(draws))
    tail = int((1 - level) / 2 * draws)
    return statistics.median(values), drawn[tail], drawn[draws - 1 - tail]


def programs():
    """Of ours that are loaded: id -> name, ns, runs."""
    tool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    shown = subprocess.run([tool, "-j", "prog", "show"], check=True, capture_output=True, text=True).stdout
    return {p["id"]: (p["name"], p.get("run_time_ns", 0), p.get("run_cnt", 0)) for p in json.loads(shown)
            if p.get("name", "").startswith("eco_")}


def hooks_share(work, hold, mode):
    """Per cent of the machine's CPU time meanwhile that was spent in the hooks, as the kernel counts it, its clocks
    included: more than they take when nobody counts. None where the kernel cannot tell."""
    if not STATS.exists():
        return None
    before = STATS.read_text()
    try:
        STATS.write_text("1")
        with held(mode, hold, {}):
            took_ms = work.run_ms()
            ns = sum(entry[1] for entry in programs().values())
    except (OSError, subprocess.CalledProcessError):
        return None
    finally:
        STATS.write_text(before)
    return 100 * ns / (took_ms * 1e6 * os.cpu_count())


def compare(work, build, count, modes=(*TARGET, "perf")):
    """Mode -> (median, low, high) of how much slower in %, the best ms without, how long each took to load."""
    hold = str(pathlib.Path(build) / "tests" / "procs" / "bpf_hold")
    slower, without, load_ms = {}, [], {}
    for mode in modes:
        if mode == "perf" and not shutil.which("perf"):
            continue
        ratios, best = pairs(work, hold, mode, count, load_ms)
        slower[mode] = tuple(100 * (value - 1) for value in median_interval(ratios))
        without.append(best)
    return slower, min(without), load_ms


def bench_hooks(table, tools, quick):
    """Slowdown of others, in %: a ping-pong on one CPU, the worst there is, and a build."""
    build = pathlib.Path(tools.source).resolve().parent
    hold = build / "tests" / "procs" / "bpf_hold"
    if os.geteuid() != 0 or not hold.is_file():
        print("no kernel programs here: what they cost others is not measured")
        return
    words = measure.loads_library(tools).make_project(tools.folder / "slowed", 12 if quick else 40)
    works = (("ping-pong on one CPU", PingPong(tools.folder), 6 if quick else 24, TARGET),
             ("make -j2", Command(words), 2 if quick else 8, dict.fromkeys(TARGET)))
    for name, work, count, target in works:
        slower, none_ms, _ = compare(work, build, count)
        for mode in TARGET:
            middle, low, high = slower[mode]
            table.add(f"{name}: slower by hooks, {mode}", middle, "%", target[mode],
                      {"perf sched_switch": slower["perf"][0]} if "perf" in slower else {}, low=low, high=high,
                      none_ms=none_ms)
            print(f"  95 %: {low:.2f} to {high:.2f} %")
            if isinstance(work, Command):
                table.add("  time in the hooks, as the kernel counts it", hooks_share(work, str(hold), mode), "%",
                          BUILD_TARGET)
        work.close()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    own, _, command = " ".join(sys.argv[1:]).partition(" -- ")
    build, *count = own.split()
    with tempfile.TemporaryDirectory() as folder:
        work = Command(["sh", "-c", command]) if command else PingPong(folder)
        slower, none_ms, load_ms = compare(work, build, int(count[0]) if count else 12)
        print(f"{none_ms:.1f} ms without")
        for mode, (middle, low, high) in slower.items():
            target = f"target {TARGET[mode]} %" if mode in TARGET and not command else ""
            loaded = f"loaded in {min(load_ms[mode]):.1f} ms" if mode in load_ms else ""
            share = hooks_share(work, str(pathlib.Path(build) / "tests/procs/bpf_hold"), mode) if load_ms.get(mode) else None
            inside = f"{share:.3f} % of all CPUs in the hooks" if share is not None else ""
            print(f"{mode:10} {middle:+6.2f} % ({low:+.2f} to {high:+.2f})  {target:12} {loaded}  {inside}")
        work.close()


if __name__ == "__main__":
    main()
