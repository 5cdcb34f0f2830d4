# SPDX-License-Identifier: MIT
"""It adds up: under every policy, in every interval, in every output (lib_sim.run_job checks each of them)."""
import math

import pytest

import lib_ecocode
import lib_sim

IDLE = ["--idle-power", "package-0=20W,dram-0=2W"]
PARTS = ("job_j", "others_j", "idle_j", "unattributed_j", "machine_j")


@pytest.mark.parametrize("idle", [IDLE, []], ids=["idle given", "idle unknown"])
@pytest.mark.parametrize("policy", ["active", "full", "equal", "reserved"])
def test_every_policy(ecocode, machine, home, tmp_path, policy, idle):
    job = lib_sim.run_job(machine, home, tmp_path, ["share", "30", "60", "0.7"], *idle, "--policy", policy,
                          "--interval", "100ms", "--no-idle-tail")
    assert job.report["energy"]["machine_j"] > 0
    if idle:
        assert job.report["policy"] == policy
        assert job.report["energy"]["by_policy_j"]["active"] <= job.report["energy"]["by_policy_j"]["full"]


def test_idle_that_is_not_known_is_not_zero(ecocode, machine, home, tmp_path):
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", "0.4"], "--no-idle-tail", "--interval", "100ms")
    assert job.report["idle_basis"]["method"] in ("none", "learnt")
    if job.report["idle_basis"]["method"] == "none":
        assert job.report["policy"] == "full"
        assert job.report["energy"]["by_policy_j"]["active"] is None


@pytest.mark.parametrize("load", [["storm", "200", "1"], ["orphans", "40", "4"], ["threads", "8", "0.6"], ["sleep", "0.5"]],
                         ids=lambda load: load[0])
def test_every_load_beside_a_stranger(ecocode, machine, home, tmp_path, load):
    with lib_sim.stranger(20):
        job = lib_sim.run_job(machine, home, tmp_path, load, *IDLE, "--interval", "50ms")
    lib_ecocode.check_total("report", job.report["energy"], job.report["domains"])


def known(frame, name):
    return next((d for d in frame["domains"] if d["name"] == name and d.get("machine_j") is not None), None)


def test_frames_sum_to_the_report(ecocode, machine, home, tmp_path):
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", "1"], *IDLE, "--interval", "100ms", "--no-idle-tail")
    frames = lib_ecocode.check_frames(job.frames)
    assert len(frames) >= 8
    for domain in job.report["domains"]:
        for part in PARTS:
            total = math.fsum(d[part] for d in (known(f, domain["name"]) for f in frames) if d)
            assert abs(total - domain[part]) <= 1e-6 * domain["machine_j"], (domain["name"], part, total, domain[part])


def test_machine_is_what_the_counter_counted(ecocode, machine, home, tmp_path):
    before = machine.truth()["packages"][0]
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", "1"], *IDLE, "--no-idle-tail")
    after = machine.truth()["packages"][0]
    domain = lib_ecocode.domain_of(job.report, "package-0")
    assert domain["machine_j"] <= after["energy_j"] - before["energy_j"]
    # The machine drew its idle power and at least the job's share for as long as the report says.
    assert domain["machine_j"] >= 0.99 * (lib_sim.IDLE_W * job.report["duration_s"] + lib_sim.K_J * job.cpu_s)
    assert lib_ecocode.is_close(domain["idle_j"], lib_sim.IDLE_W * job.report["duration_s"], 0.01), job.explain()


def test_monitor_adds_up(ecocode, machine, home, tmp_path):
    out, csv = tmp_path / "m.jsonl", tmp_path / "m.csv"
    result = machine.run([ecocode, "monitor", "--count", "5", "--interval", "100ms", "-q", "-o", out, "-o", csv, *IDLE],
                         env=home)
    assert result.returncode == 0, result.stderr
    frames = lib_ecocode.check_frames(lib_ecocode.read_lines(out))
    assert len(frames) == 5
    rows = csv.read_text().splitlines()
    assert not rows[0].startswith("#") and len({row.count(",") for row in rows}) == 1
