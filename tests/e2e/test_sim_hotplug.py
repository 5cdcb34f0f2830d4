# SPDX-License-Identifier: MIT
"""Sockets and CPUs that come and go while a job is measured. EcoCode looks every 5 s, and only at names."""
import json
import pathlib
import subprocess
import threading

import lib_ecocode
import lib_sim

GIVEN = ["--idle-power", "package-0=20W,package-1=20W,dram-0=2W,dram-1=2W", "--no-idle-tail", "--interval", "200ms"]


def later(seconds, action):
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def test_socket_appears(ecocode, home, tmp_path):
    """What it used before it was seen is nobody's; the first socket loses nothing by it; frames show it from then."""
    with lib_sim.machine_or_skip("--packages", "2") as machine:
        machine.control("vanish 1")
        timer = later(2, lambda: machine.control("return 1"))
        before = machine.truth()["packages"]
        job = lib_sim.run_job(machine, home, tmp_path, ["threads", "2", "7.5"], *GIVEN)
        after = machine.truth()["packages"]
        timer.join()
    first, second = (lib_ecocode.domain_of(job.report, f"package-{i}") for i in range(2))
    assert first["gap_s"] == 0 and second["counted"] and 2 <= second["gap_s"] <= 6.5, job.explain()
    used = [after[i]["energy_j"] - before[i]["energy_j"] for i in range(2)]
    assert 0.95 * used[0] <= first["machine_j"] <= used[0], (used, job.explain())
    share = 1 - second["gap_s"] / job.report["duration_s"]
    assert abs(second["machine_j"] - share * used[1]) <= 0.15 * used[1], (used, job.explain())
    said = " ".join(job.report["warnings"])
    assert "package-1 appeared" in said and "measured since then" in said, said
    names = [[d["name"] for d in f["domains"]] for f in job.frames if f["type"] == "frame"]
    assert names[0] == ["package-0"] and names[-1] == ["package-0", "package-1"], names[-1]


def test_socket_goes_and_returns(ecocode, home, tmp_path):
    with lib_sim.machine_or_skip("--packages", "2") as machine:
        timers = [later(1, lambda: machine.control("vanish 1")), later(7, lambda: machine.control("return 1"))]
        before = machine.truth()["packages"]
        job = lib_sim.run_job(machine, home, tmp_path, ["threads", "2", "12"], *GIVEN)
        after = machine.truth()["packages"]
        for timer in timers:
            timer.join()
    first, second = (lib_ecocode.domain_of(job.report, f"package-{i}") for i in range(2))
    used = [after[i]["energy_j"] - before[i]["energy_j"] for i in range(2)]
    assert first["gap_s"] == 0 and 0.95 * used[0] <= first["machine_j"] <= used[0], (used, job.explain())
    assert 5.5 <= second["gap_s"] <= 10.5 and 0 < second["machine_j"] < 0.6 * used[1], (used, job.explain())


def test_cpu_goes_offline(ecocode, home, tmp_path):
    cpus = tmp_path / "sys" / "devices" / "system" / "cpu"
    cpus.mkdir(parents=True)
    (cpus / "online").write_text("0-1\n")
    (cpus / "present").write_text("0-1\n")
    timer = later(1, lambda: (cpus / "online").write_text("0\n"))
    report = pathlib.Path(tmp_path) / "report.json"
    subprocess.run([ecocode, "run", "-q", "-o", report, "--interval", "200ms", "--path.sysfs", tmp_path / "sys", "--",
                    "sleep", "6.5"], env=home, check=True, timeout=60)
    timer.join()
    told = json.loads(report.read_text())
    lib_ecocode.check_report(told)
    assert any("CPUs came or went" in text and "2 at the start, 1 now" in text for text in told["warnings"]), \
        told["warnings"]
