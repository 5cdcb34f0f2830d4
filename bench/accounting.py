# SPDX-License-Identifier: MIT
"""What the kernel's accounting is worth and costs: CPU seconds caught, the machine watched, start-up as root."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import threading
import time

import measure

SWITCH_TARGET_MS = {200: 0.3, 2000: 0.5, 10000: 1.0}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def has_bpf(tools):
    """Puts ecocode-priv beside the copy of ecocode, which then has it where we are root."""
    helper = pathlib.Path(tools.source).resolve().parent / "ecocode-priv"
    if os.geteuid() != 0 or not helper.is_file():
        return False
    shutil.copy2(helper, tools.folder / "ecocode-priv")
    os.chmod(tools.folder / "ecocode-priv", 0o755)
    return run_report(tools, ["sleep", "0.5"], "--accounting", "bpf")["accounting"] == "bpf"


def root_env(tools):
    return dict(tools.env, XDG_STATE_HOME=str(tools.folder / "root-state"))


def run_report(tools, words, *options):
    out = tools.folder / "report.json"
    subprocess.run([str(tools.ecocode), "run", "-q", "-o", str(out), *options, "--", *words], env=root_env(tools),
                   check=True)
    return json.loads(out.read_text())


class Polling(threading.Thread):
    """What a reader of /proc at 1 Hz has seen of a tree when it is over: as most tools do."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.seen, self.is_over = root, {}, False

    def look(self):
        parents, used = {}, {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = pathlib.Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(name)], used[int(name)] = int(fields[1]), (int(fields[11]) + int(fields[12])) * TICK_S
        for pid, cpu_s in used.items():
            above = pid
            while above not in (0, self.root) and above in parents:
                above = parents[above]
            if above == self.root:
                self.seen[pid] = max(cpu_s, self.seen.get(pid, 0))

    def run(self):
        while not self.is_over:
            self.look()
            time.sleep(1)


def polled_s(words):
    process = subprocess.Popen(words)
    polling = Polling(process.pid)
    polling.start()
    process.wait()
    polling.is_over = True
    return sum(polling.seen.values())


def bench_caught(table, tools, quick):
    lib_caught = measure.loads_library(tools)
    loads = {name: (load, ["true"]) for name, load in lib_caught.loads(quick).items()}
    if quick:
        loads["make -j2 of 12 files"] = lib_caught.make_project(tools.folder / "project", 12), ["true"]
    else:
        loads["ninja -j2 of EcoCode"] = lib_caught.own_project(tools.folder / "project")
    bpf = has_bpf(tools)
    for name, (load, clean) in loads.items():
        polled = None
        for how in ("bpf", "proc") if bpf else ("proc",):
            for options in ((), ("--no-cgroup",)):
                subprocess.run(clean, check=True, stdout=subprocess.DEVNULL)
                got = lib_caught.caught(root_env(tools), tools.folder, load, "--accounting", how, *options)
                if polled is None:
                    subprocess.run(clean, check=True, stdout=subprocess.DEVNULL)
                    polled = polled_s(load) / got.truth_s
                title = f"caught: {name}, {how}{', no cgroup' if options else ''}"
                table.add(title, got.total_ratio, "", None, {"polling /proc": polled}, rows=got.rows_ratio,
                          caught_ratio=got.report["caught_ratio"])
                table.add("  of it in rows", got.rows_ratio, "", None)


def one_root_monitor(tools, window_s):
    with open(os.devnull, "w") as null:
        process = subprocess.Popen([str(tools.ecocode), "monitor", "--interval", "1s"], env=root_env(tools),
                                   stdin=subprocess.DEVNULL, stdout=null)
        try:
            time.sleep(0.6)
            (cost,) = measure.cost_ms_per_s([process.pid], 1.2, window_s)
            return cost, measure.peak_rss_mib(process.pid)
        finally:
            measure.end(process)


def bench_switches(table, tools, quick):
    """Where clocks of all cost more than a hook on switches, `monitor` asks for that: sleepers are then not looked at."""
    if not has_bpf(tools):
        print("no accounting by the kernel here: its cost is not measured")
        return
    for count in (2000,) if quick else (200, 2000, 10000):
        costs, peaks = [], []
        with measure.sleeping(tools, count):
            for _ in range(1 if quick else 3):
                cost, peak = one_root_monitor(tools, 3 if quick else 5)
                costs.append(cost)
                peaks.append(peak)
        table.add(f"monitor as root (bpf), 1 Hz, {count} sleeping", min(costs), "ms/s", SWITCH_TARGET_MS[count])
        if count == 10000 or quick:
            table.add(f"  its peak RSS, {count} sleeping", max(peaks), "MiB", 8)


def bench_root_startup(table, tools, quick):
    has_bpf(tools)
    words = ["/bin/true"]
    run = [str(tools.ecocode), "run", "-q"]
    ms = measure.interleaved_ms({"true": words, "auto": [*run, "--", *words],
                                 "proc": [*run, "--accounting", "proc", "--", *words]}, root_env(tools),
                                40 if quick else 150)
    table.add("start-up added to `true`, as root (auto)", ms["auto"] - ms["true"], "ms", 3,
              {"--accounting proc": ms["proc"] - ms["true"]})


def bench_strangers(table, tools, quick):
    """What others start and end is not told to a run with a private cgroup; one without has to hear of all."""
    if not has_bpf(tools):
        return
    parts = {"cgroup": [], "no cgroup": []}
    storm = subprocess.Popen(["sh", "-c", "while :; do /bin/true; done"])
    try:
        for _ in range(1 if quick else 5):
            for name, options in (("cgroup", ()), ("no cgroup", ("--no-cgroup",))):
                report = run_report(tools, ["sleep", "2"], "--accounting", "bpf", *options)
                parts[name].append(report["self"]["cpu_s"] / report["duration_s"] * 1000)
    finally:
        storm.kill()
        storm.wait()
    own, all_of_them = (statistics.median(values) for values in parts.values())
    table.add("run of sleep beside others' /bin/true in a loop: self", own, "ms/s", None, {"no cgroup": all_of_them})


def bench_kernel_part(table, tools, quick):
    """The kernel side's own time is in `self`; a run with many births shows it."""
    if not has_bpf(tools):
        return
    loop = ["sh", "-c", f"i=0; while [ $i -lt {500 if quick else 2000} ]; do /bin/true; i=$((i+1)); done"]
    parts = {how: statistics.median(r["self"]["cpu_s"] / r["duration_s"] * 1000 for r in
                                    (run_report(tools, loop, "--accounting", how) for _ in range(1 if quick else 3)))
             for how in ("bpf", "proc")}
    table.add("run of /bin/true in a loop: self (bpf)", parts["bpf"], "ms/s", None, {"proc": parts["proc"]})
