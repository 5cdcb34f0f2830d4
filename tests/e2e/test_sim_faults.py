# SPDX-License-Identifier: MIT
"""A counter that cannot be read, starts again or jumps: a gap, said so, and no joule that was never used."""
import subprocess
import threading
import time

import pytest

import lib_ecocode
import lib_sim

GIVEN = ["--idle-power", "package-0=20W,dram-0=2W", "--no-idle-tail", "--interval", "200ms"]
SECONDS = 2.0


def at(seconds, *actions):
    """Do things to the machine at times after now, from a thread."""
    def act():
        time.sleep(seconds)
        for pause, action in actions:
            action()
            time.sleep(pause)
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def run_with(machine, env, folder, *actions):
    before = machine.truth()["packages"][0]
    thread = at(0.8, *actions)
    try:
        job = lib_sim.run_job(machine, env, folder, ["busy", SECONDS], *GIVEN)
    finally:
        thread.join()
        machine.control("ok")
    after = machine.truth()["packages"][0]
    return job, after["energy_j"] - before["energy_j"]


def check_no_invented_joule(job, true_j):
    domain = lib_ecocode.domain_of(job.report, "package-0")
    measured = domain["quality"] == "measured"
    assert measured, f"the package is {domain['quality']}\n{job.explain()}"
    if domain["machine_j"] is None:
        return
    assert 0 <= domain["machine_j"] <= true_j, f"{domain['machine_j']} J of {true_j} J that were used\n{job.explain()}"
    for part in lib_ecocode.PARTS:
        if part != "unattributed_j":
            assert domain[part] is None or domain[part] >= 0, job.explain()
    if domain["job_j"] is not None:
        assert domain["job_j"] <= 1.01 * lib_sim.K_J * job.cpu_s, job.explain()


def check_gap(job, low_s, high_s):
    gap_s = lib_ecocode.domain_of(job.report, "package-0")["gap_s"]
    assert low_s <= gap_s <= high_s, f"gap of {gap_s} s\n{job.explain()}"
    assert job.report["warnings"], "a gap is said"


def test_unreadable_for_a_while(ecocode, machine, home, tmp_path):
    job, true_j = run_with(machine, home, tmp_path, (0.6, lambda: machine.control("error EIO")),
                           (0, lambda: machine.control("ok")))
    check_no_invented_joule(job, true_j)
    check_gap(job, 0.3, 1.6)


@pytest.mark.parametrize("line", ["reset", "jump 5000", "jump -5000"])
def test_counter_that_leaps(ecocode, machine, home, tmp_path, line):
    job, true_j = run_with(machine, home, tmp_path, (0, lambda: machine.control(line)))
    check_no_invented_joule(job, true_j)
    check_gap(job, 0.05, 1.0)


def test_zone_goes_and_comes_back(ecocode, machine, home, tmp_path):
    job, true_j = run_with(machine, home, tmp_path, (0.5, lambda: machine.control("vanish")),
                           (0, lambda: machine.control("return")))
    check_no_invented_joule(job, true_j)
    check_gap(job, 0.2, 1.8)


def test_unreadable_from_start_to_end(ecocode, machine, home, tmp_path):
    machine.control("error EACCES")
    try:
        job = lib_sim.run_job(machine, home, tmp_path, ["busy", "1"], *GIVEN)
    finally:
        machine.control("ok")
    for domain in job.report["domains"]:
        for source in domain["sources"]:
            used = source["source"] == "powercap" and (source["seconds"] or 0) > 0
            assert not (used and domain["machine_j"]), "joules of a counter that nobody could read"
        if domain["quality"] == "measured":
            assert domain["machine_j"] is None and domain["job_j"] is None, domain
    if job.report["energy"]["job_j"] is not None:
        assert job.report["energy"]["quality"] == "estimated"
    text = " ".join(job.report["warnings"])
    assert job.report["warnings"], "that no counter could be read is said"
    assert "energy_uj" in text or "permission" in text.lower() or "read" in text, text


def test_unreadable_at_the_start_only(ecocode, machine, home, tmp_path):
    machine.control("error EIO")
    before = machine.truth()["packages"][0]
    thread = at(0.8, (0, lambda: machine.control("ok")))
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", SECONDS], *GIVEN)
    thread.join()
    true_j = machine.truth()["packages"][0]["energy_j"] - before["energy_j"]
    domain = next((d for d in job.report["domains"] if d["name"] == "package-0"), None)
    assert domain is not None, job.explain()
    if domain["quality"] == "measured" and domain["machine_j"] is not None:
        check_no_invented_joule(job, true_j)


def test_read_that_never_returns(ecocode, machine, home, tmp_path):
    """The job runs and ends as it would; ecocode may lose its figures but does not wait for ever."""
    machine.run([ecocode, "run", "-q", "--", "true"], env=home)
    used = tmp_path / "used.json"
    command = machine.argv([ecocode, "run", "-q", *GIVEN, "-o", tmp_path / "r.json", "--", lib_sim.LOAD, "--out",
                            used, "busy", "1.5"])
    thread = at(0.7, (0, lambda: machine.control("hang")))
    started = time.monotonic()
    process = subprocess.Popen(command, env=home, stderr=subprocess.PIPE, text=True)
    try:
        process.communicate(timeout=10)
        took = time.monotonic() - started
        status = process.returncode
    except subprocess.TimeoutExpired:
        took, status = None, None
    finally:
        thread.join()
        job_ended = used.exists()
        machine.control("ok")
        process.communicate(timeout=10)
    assert job_ended, "the job ran to its end"
    assert took is not None, "ecocode still waits 8 s after the end of its command"
    assert status == 0 and took < 6, (status, took)


def test_read_that_never_returns_at_start(ecocode, machine, home, tmp_path):
    """A driver that hangs from the start must not keep the command from running."""
    used = tmp_path / "used.json"
    machine.control("hang")
    process = subprocess.Popen(machine.argv([ecocode, "run", "-q", "--", lib_sim.LOAD, "--out", used, "busy", "0.2"]),
                               env=home, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 8
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    ended, job_ran = process.poll(), used.exists()
    machine.control("ok")
    process.communicate(timeout=10)
    assert job_ran, "the command has not run after 8 s"
    assert ended == 0
