# SPDX-License-Identifier: MIT
"""CPU seconds that a run caught, beside those that were truly spent: by a v1 cpuacct group that the load enters."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import time

import pytest

import lib_ecocode
import lib_sim

ENTER = pathlib.Path(__file__).with_name("enter_group.sh")
GATED = ENTER.with_name("gated.sh")
GIVE_UP_S = 300  # beside much else the kernel takes its time to begin, and a test some forty times as long


def has_bpf(env=None):
    """Whether the kernel's accounting can be had here, by this binary. For a short run it may come too late."""
    for seconds in ("0.5", "5") if os.geteuid() == 0 else ():
        result = subprocess.run([lib_ecocode.binary(), "run", "-q", "--no-record", "--accounting", "bpf", "-o", "/dev/stdout",
                                 "--format", "json", "--", "sleep", seconds], env=env, capture_output=True, text=True,
                                check=False)
        if result.returncode != 0:
            return False
        without = [line for line in lib_ecocode.strict_json(result.stdout)["warnings"] if "/proc alone" in line]
        if not any("was not in place before the end" in line for line in without):
            return not without
    return False


def bpf_or_skip():
    if not has_bpf():
        pytest.skip("no accounting by the kernel here (not root, built without eBPF, or refused)")


def wait_alone(group):
    """Until the last of the load has left."""
    for _ in range(200):
        if not (group / "cgroup.procs").read_text():
            return
        time.sleep(0.01)


def held_programs(pid):
    """Numbers of the kernel programs that a process holds, by their links."""
    found = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            found |= {int(line.split()[1]) for line in info.read_text().splitlines() if line.startswith("prog_id:")}
        except OSError:
            continue
    return found


def is_told(run):
    """Whether that run has the kernel's events: its measurer holds the hooks. From there on nobody's birth is lost."""
    try:
        pids = pathlib.Path(f"/proc/{run}/task/{run}/children").read_text().split()
        return any(held_programs(pid) for pid in pids)
    except OSError:  # one that was listed has ended
        return False


def looks_at(frames, count):
    """For Gate.let_on: whether so many frames were written since it was asked first. The first may have been under way."""
    seen = []

    def have_come():
        seen.append(frames.read_text().count('"type":"frame"') if frames.exists() else 0)
        return seen[-1] >= seen[0] + count

    return have_come


class Gate:
    """Where processes of a job wait, at no cost, until something has happened, however long that takes.

    Each that comes to it writes an empty line into `here` and reads one from `on`.
    """

    def __init__(self, folder):
        self.here, self.on = (pathlib.Path(folder) / f"{name}.fifo" for name in ("here", "on"))
        for path in (self.here, self.on):
            path.unlink(missing_ok=True)
            os.mkfifo(path)
        # both ends, so that neither opening waits
        self.here_fd, self.on_fd = (os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in (self.here, self.on))

    def close(self):
        os.close(self.here_fd)
        os.close(self.on_fd)

    def let_on(self, run, has_happened, count=1):
        """Wait until `count` have come and then has_happened(), unless the run ends."""
        come, give_up_s = 0, time.monotonic() + GIVE_UP_S
        while come < count or not has_happened():
            assert time.monotonic() < give_up_s, f"{come} of {count} have come to the gate, and no more will happen"
            assert run.poll() is None, f"the run has ended before {count} had come to the gate and were let on"
            with contextlib.suppress(BlockingIOError):
                come += len(os.read(self.here_fd, count - come)) if come < count else 0
            time.sleep(0.005)
        os.write(self.on_fd, b"\n" * count)


@contextlib.contextmanager
def gate_at(folder):
    gate = Gate(folder)
    try:
        yield gate
    finally:
        gate.close()


class Caught:
    """One run: its report, and what its load truly used."""

    def __init__(self, report, truth_s):
        self.report, self.truth_s = report, truth_s
        rows = [row for row in report["processes"] if row["name"] != "short-lived"]
        self.total_s = report["usage"]["cpu_s"]
        self.rows_s = sum(row["cpu_s"] for row in rows)
        self.total_ratio = self.total_s / truth_s
        self.rows_ratio = self.rows_s / self.total_s

    def __repr__(self):
        return (f"truth {self.truth_s:.4f} s, total {self.total_ratio:.5f} of it, rows {self.rows_ratio:.5f} of the total, "
                f"caught_ratio {self.report['caught_ratio']}, {self.report['accounting']}, {self.report['warnings']}")


def run_until_over(command, env, meanwhile):
    """meanwhile(run) may hold it up."""
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            meanwhile(run)
            errors = run.communicate()[1]
        except BaseException:
            run.terminate()
            raise
    assert run.returncode == 0, errors


def caught(env, folder, load, *options, prefix=(), meanwhile=lambda run: None):
    """Run `load`, words of a command; it enters the group by itself, before anything that counts."""
    with lib_sim.cpu_group() as group:
        if group is None:
            pytest.skip("no cpuacct hierarchy of version 1 that could tell the truth")
        out = pathlib.Path(folder) / "report.json"
        run_until_over([*prefix, lib_ecocode.binary(), "run", "-q", "-o", out, *options, "--", "sh", ENTER, group, *load],
                       env, meanwhile)
        wait_alone(group)
        truth_s = int((group / "cpuacct.usage").read_text()) * 1e-9
    report = lib_ecocode.read_json(out)
    lib_ecocode.check_report(report)
    return Caught(report, truth_s)


def caught_when_told(env, folder, load, *options):
    """The same with a load that begins when the run has the kernel's events.

    So long as it was not told it reckons with a job as busy as later, while this one waited: it lasts so long that this
    makes a fortieth at most. In a private cgroup nothing is reckoned; it is only not to count as told too late.
    """
    began_s, times = time.monotonic(), 41 if "--no-cgroup" in options else 12

    def meanwhile(run):
        gate.let_on(run, lambda: is_told(run.pid))
        end_s = began_s + times * (time.monotonic() - began_s)
        gate.let_on(run, lambda: time.monotonic() >= end_s)

    with gate_at(folder) as gate:
        return caught(env, folder, ["sh", GATED, gate.here, gate.on, *load], *options, meanwhile=meanwhile)


def loads(quick=False):
    """Name -> words. Every process of them is short-lived but the first."""
    part = 4 if quick else 1
    made = {
        "2,000 of 1 ms": [lib_sim.LOAD, "--out", "/dev/null", "storm", str(2000 // part), "1"],
        "500 of 5 ms, three deep": [lib_sim.LOAD, "--out", "/dev/null", "deep", str(168 // part), "5"],
        "orphans": [lib_sim.LOAD, "--out", "/dev/null", "orphans", str(600 // part), "2"],
        "SIGCHLD ignored": [lib_sim.LOAD, "--out", "/dev/null", "ignored", str(600 // part), "2"],
        "3,000 /bin/true": ["sh", "-c", f"i=0; while [ $i -lt {3000 // part} ]; do /bin/true; i=$((i+1)); done"],
    }
    return made


def make_project(folder, files=40):
    """Words that build a C project of so many files, two at a time."""
    for tool in ("make", "cc"):
        if not shutil.which(tool):
            pytest.skip(f"no {tool}")
    folder = pathlib.Path(folder)
    folder.mkdir()
    for i in range(files):
        body = "".join(f"int f{i}_{k}(int x) {{ for (int i = 0; i < x; i++) x ^= i * {k}; return x; }}\n" for k in range(60))
        (folder / f"f{i}.c").write_text(f"#include <stdio.h>\n#include <stdlib.h>\n{body}")
    objects = " ".join(f"f{i}.o" for i in range(files))
    (folder / "Makefile").write_text(f"all.a: {objects}\n\tar rcs $@ $^\n%.o: %.c\n\tcc -O1 -c -o $@ $<\n")
    return ["make", "-s", "-j2", "-B", "-C", str(folder)]


def own_project(folder):
    """Words that build this very project from nothing, two at a time, and words that take away what was built."""
    for tool in ("meson", "ninja", "cc"):
        if not shutil.which(tool):
            pytest.skip(f"no {tool}")
    source, build = pathlib.Path(folder) / "source", pathlib.Path(folder) / "build"
    shutil.copytree(lib_ecocode.ROOT, source, symlinks=True,
                    ignore=shutil.ignore_patterns("build*", ".git", "__pycache__", "shared"))
    subprocess.run(["meson", "setup", "-Dtests=false", build, source], env=dict(os.environ, CC="cc"), check=True,
                   stdout=subprocess.DEVNULL)
    return ["ninja", "-C", str(build), "--quiet", "-j2"], ["ninja", "-C", str(build), "--quiet", "-t", "clean"]
