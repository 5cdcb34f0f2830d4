# SPDX-License-Identifier: MIT
"""A tree that declares this machine's two CPUs to be two sockets: who moves between them is divided by where it ran."""
import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

import lib_caught
import lib_ecocode
import lib_sim

JOB = pathlib.Path(__file__).with_name("moving_job.py")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def declare(folder, packages, siblings):
    """A sysfs with two CPUs, and a counter for each package."""
    cpus = folder / "devices/system/cpu"
    for name in ("online", "possible", "present"):
        write(cpus / name, "0-1\n")
    for cpu in range(2):
        topology = cpus / f"cpu{cpu}" / "topology"
        write(topology / "physical_package_id", f"{cpu if packages > 1 else 0}\n")
        write(topology / "core_id", f"{0 if siblings else cpu}\n")
        for name in ("thread_siblings_list", "core_cpus_list"):
            write(topology / name, "0-1\n" if siblings else f"{cpu}\n")
    zones = []
    for package in range(packages):
        zone = folder / f"class/powercap/intel-rapl:{package}"
        write(zone / "name", f"package-{package}\n")
        write(zone / "max_energy_range_uj", "262143328850\n")
        write(zone / "energy_uj", f"{10**9:012d}\n")
        zones.append(zone / "energy_uj")
    return zones


class Counting(threading.Thread):
    """Counters that go up by so many watts."""

    def __init__(self, zones, watts):
        super().__init__(daemon=True)
        self.fds = [os.open(zone, os.O_WRONLY) for zone in zones]
        self.watts, self.is_over = watts, False

    def run(self):
        begin = time.monotonic()
        while not self.is_over:
            for fd, watts in zip(self.fds, self.watts):
                os.pwrite(fd, f"{10**9 + int(watts * 1e6 * (time.monotonic() - begin)):012d}\n".encode(), 0)
            time.sleep(0.002)


@pytest.fixture(scope="module")
def bpf():
    lib_caught.bpf_or_skip()
    if len(os.sched_getaffinity(0)) < 2 or os.cpu_count() != 2:
        pytest.skip("the tree declares two CPUs: this machine has another number")


def run(ecocode, home, folder, packages, siblings, watts):
    zones = declare(folder / "sys", packages, siblings)
    counting = Counting(zones, watts)
    counting.start()
    out, truth = folder / "r.json", folder / "truth.json"
    given = ",".join(f"package-{p}=1W" for p in range(packages))
    try:
        result = subprocess.run([ecocode, "run", "-q", "--interval", "200ms", "--accounting", "bpf", "--path.sysfs",
                                 folder / "sys", "--idle-power", given, "-o", out, "--", "/usr/bin/python3", JOB, truth],
                                env=home, capture_output=True, text=True, check=False)
    finally:
        counting.is_over = True
    assert result.returncode == 0, result.stderr
    report = lib_ecocode.read_json(out)
    lib_ecocode.check_report(report)
    assert report["accounting"] == "bpf", report["warnings"]
    return report, json.loads(truth.read_text())


def stolen_s():
    """What the host has taken from the CPUs of this machine."""
    first = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(first[8]) / os.sysconf("SC_CLK_TCK")


def test_two_sockets(bpf, ecocode, home, tmp_path):
    """Where somebody ran is known by the time on the CPU, which has what a host takes; CPU time has not."""
    for attempt in range(4):
        before_s = stolen_s()
        report, truth = run(ecocode, home, tmp_path / str(attempt), 2, False, (30, 50))
        rows = {row["pid"]: row["by_domain"] for row in report["processes"]}
        moving, still = rows[truth["moving"]["pid"]], rows[truth["still"]["pid"]]
        got = [moving[domain] / (moving[domain] + still[domain]) for domain in ("package-0", "package-1")]
        want = [here / (here + other) for here, other in zip(truth["moving"]["cpu_s"], truth["still"]["cpu_s"])]
        is_right = got == pytest.approx(want, abs=0.01)
        taken_s = stolen_s() - before_s
        if is_right or taken_s < 0.02:
            break
    assert is_right, (got, want, taken_s, rows, truth)
    assert still["package-1"] < 0.01 * still["package-0"]


def busy_s():
    """CPU time of all processes of the machine, None where there is no cpuacct hierarchy of version 1."""
    try:
        return int((lib_sim.CPUACCT / "cpuacct.usage").read_text()) * 1e-9
    except OSError:
        return None


def test_siblings(bpf, ecocode, home, tmp_path):
    """On CPU 0 the two take turns, on CPU 1 one of them is alone: both are beside a busy sibling as often."""
    before = busy_s()
    report, truth = run(ecocode, home, tmp_path, 1, True, (40,))
    if before is None:
        pytest.skip("what else ran meanwhile cannot be told")
    here, there = truth["moving"]["cpu_s"]
    still_s = truth["still"]["cpu_s"][0]
    strangers_s = max(0, busy_s() - before - here - there - still_s)
    rows = {row["pid"]: row for row in report["processes"]}
    moving, still = rows[truth["moving"]["pid"]], rows[truth["still"]["pid"]]
    # All that one spends on CPU 1 is shared with the other on CPU 0, and as much of the other's; strangers share more.
    loss = (1 - 0.2) / 2
    weight_moving, weight_still = here + (1 - loss) * there, still_s - loss * there
    most = loss * strangers_s
    low = (weight_moving - most) / (weight_moving - most + weight_still)
    high = weight_moving / (weight_moving + weight_still - most)
    got = moving["energy_j"] / (moving["energy_j"] + still["energy_j"])
    assert low - 0.01 <= got <= high + 0.01, (low, high, strangers_s, rows, truth)
    if strangers_s < 0.1:
        assert got == pytest.approx(weight_moving / (weight_moving + weight_still), abs=0.015), (rows, truth)
