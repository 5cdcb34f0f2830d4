# SPDX-License-Identifier: MIT
"""CPU seconds that a run caught, beside those that were truly spent: by a v1 cpuacct group that the load enters."""
import os
import pathlib
import shutil
import subprocess
import time

import pytest

import lib_ecocode
import lib_sim

ENTER = pathlib.Path(__file__).with_name("enter_group.sh")


def has_bpf(env=None):
    """Whether the kernel's accounting can be had here, by this binary."""
    if os.geteuid() != 0:
        return False
    result = subprocess.run([lib_ecocode.binary(), "run", "-q", "--no-record", "--accounting", "bpf", "-o", "/dev/stdout",
                             "--format", "json", "--", "sleep", "0.5"], env=env, capture_output=True, text=True, check=False)
    return result.returncode == 0 and lib_ecocode.strict_json(result.stdout)["accounting"] == "bpf"


def bpf_or_skip():
    if not has_bpf():
        pytest.skip("no accounting by the kernel here (not root, built without eBPF, or refused)")


def wait_alone(group):
    """Until the last of the load has left."""
    for _ in range(200):
        if not (group / "cgroup.procs").read_text():
            return
        time.sleep(0.01)


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


def caught(env, folder, load, *options, prefix=()):
    """Run `load`, words of a command; it enters the group by itself, before anything that counts."""
    with lib_sim.cpu_group() as group:
        if group is None:
            pytest.skip("no cpuacct hierarchy of version 1 that could tell the truth")
        out = pathlib.Path(folder) / "report.json"
        result = subprocess.run([*prefix, lib_ecocode.binary(), "run", "-q", "-o", out, *options, "--",
                                 "sh", ENTER, group, *load], env=env, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        wait_alone(group)
        truth_s = int((group / "cpuacct.usage").read_text()) * 1e-9
    report = lib_ecocode.read_json(out)
    lib_ecocode.check_report(report)
    return Caught(report, truth_s)


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
