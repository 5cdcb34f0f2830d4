#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the kernel side of exact accounting costs others.   bpf.py BUILD [ROUNDS] [-- COMMAND ...]

The modes: hooks on lives, on switches too, with SMT siblings, the same for a cgroup of others, and
`perf stat -e sched:sched_switch`. In every round each is in place once, in an order drawn anew.
Without a command: a pipe ping-pong on one CPU, one pair of processes for all, in short windows. What else the machine
does only adds to a window: the fastest fiftieth of them is compared, and its interval is found by drawing the rounds anew.
With a command, the kernel's own count of the time in the hooks (bpf_stats_enabled) stands beside: a build takes far
longer or shorter from one time to the next than the hooks make of it.
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
    """One pair of processes for all windows: another pair has other pages, which makes more of a difference than a hook."""

    WINDOWS = 30  # a mode and round
    BYTES = 2000  # to and fro, a window: some 5 ms

    def __init__(self, folder):
        program = pathlib.Path(folder) / "pingpong"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, HERE / "pingpong.c"], check=True)
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def window_ms(self):
        self.process.stdin.write(f"{self.BYTES}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def run_ms(self):
        self.window_ms()  # caches and predictors of the mode
        return [self.window_ms() for _ in range(self.WINDOWS)]

    @staticmethod
    def typical_ms(rounds):
        windows = sorted(ms for windows in rounds for ms in windows)
        return windows[len(windows) // 50]

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

    @staticmethod
    def typical_ms(rounds):
        return statistics.median(rounds)

    def close(self):
        pass


def slower(work, rounds, mode, level=0.95, draws=400):
    """How much slower in %, and the interval in which that is."""
    def compare(with_it, without):
        return 100 * (work.typical_ms(with_it) / work.typical_ms(without) - 1)

    source, count = random.Random(1), len(rounds["none"])
    drawn = sorted(compare(source.choices(rounds[mode], k=count), source.choices(rounds["none"], k=count))
                   for _ in range(draws))
    tail = int((1 - level) / 2 * draws)
    return compare(rounds[mode], rounds["none"]), drawn[tail], drawn[draws - 1 - tail]


def compare_modes(work, build, count):
    """Mode -> (slower in %, low, high); ms without; mode -> how long it took to load each time."""
    hold = str(pathlib.Path(build) / "tests" / "procs" / "bpf_hold")
    modes = ["none", *TARGET, *(["perf"] if shutil.which("perf") else [])]
    rounds, load_ms, order = {mode: [] for mode in modes}, {}, random.Random()
    for _ in range(count):
        for mode in order.sample(modes, len(modes)):
            with held(mode, hold, load_ms):
                rounds[mode].append(work.run_ms())
    return ({mode: slower(work, rounds, mode) for mode in modes[1:]}, work.typical_ms(rounds["none"]), load_ms)


def hooks_ns():
    """Time in the programs of ours that are loaded, by the kernel's count."""
    tool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    shown = subprocess.run([tool, "-j", "prog", "show"], check=True, capture_output=True, text=True).stdout
    return sum(p.get("run_time_ns", 0) for p in json.loads(shown) if p.get("name", "").startswith("eco_"))


def hooks_share(work, build, mode):
    """Per cent of the time of all CPUs while the work went on that was spent in the hooks; the kernel's two clocks a call
    are in it. None where the kernel cannot tell."""
    hold = str(pathlib.Path(build) / "tests" / "procs" / "bpf_hold")
    if not STATS.exists():
        return None
    before = STATS.read_text()
    try:
        STATS.write_text("1")
        with held(mode, hold, {}):
            began = time.monotonic()
            work.run_ms()
            return 100 * hooks_ns() / ((time.monotonic() - began) * 1e9 * os.cpu_count())
    except (OSError, subprocess.CalledProcessError):
        return None
    finally:
        STATS.write_text(before)


def bench_hooks(table, tools, quick):
    """Slowdown of others: a ping-pong on one CPU, the worst there is, and a build."""
    build = pathlib.Path(tools.source).resolve().parent
    if os.geteuid() != 0 or not (build / "tests" / "procs" / "bpf_hold").is_file():
        print("no kernel programs here: what they cost others is not measured")
        return
    words = measure.loads_library(tools).make_project(tools.folder / "slowed", 12 if quick else 40)
    for name, work, count in (("ping-pong on one CPU", PingPong(tools.folder), 8 if quick else 40),
                              ("make -j2", Command(words), 2 if quick else 8)):
        by_mode, none_ms, _ = compare_modes(work, build, count)
        peers = {"perf sched_switch": by_mode["perf"][0]} if "perf" in by_mode else {}
        is_command = isinstance(work, Command)
        for mode in TARGET:
            middle, low, high = by_mode[mode]
            table.add(f"{name}: slower by hooks, {mode}", middle, "%", None if is_command else TARGET[mode], peers,
                      low=low, high=high, none_ms=none_ms)
            print(f"  95 %: {low:.2f} to {high:.2f} %")
            if is_command:
                table.add("  time of all CPUs in the hooks", hooks_share(work, build, mode), "%", BUILD_TARGET)
        work.close()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    own, _, command = " ".join(sys.argv[1:]).partition(" -- ")
    build, *count = own.split()
    with tempfile.TemporaryDirectory() as folder:
        work = Command(["sh", "-c", command]) if command else PingPong(folder)
        by_mode, none_ms, load_ms = compare_modes(work, build, int(count[0]) if count else 20)
        print(f"{none_ms:.3f} ms without")
        for mode, (middle, low, high) in by_mode.items():
            target = f"target {TARGET[mode]} %" if mode in TARGET and not command else ""
            loaded = f"loaded in {min(load_ms[mode]):.1f} ms" if mode in load_ms else ""
            share = hooks_share(work, build, mode) if command and mode in TARGET else None
            inside = f"{share:.3f} % of all CPUs in the hooks" if share is not None else ""
            print(f"{mode:10} {middle:+6.2f} % ({low:+.2f} to {high:+.2f})  {target:12} {loaded}  {inside}")
        work.close()


if __name__ == "__main__":
    main()
