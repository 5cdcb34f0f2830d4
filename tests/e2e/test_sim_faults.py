# SPDX-License-Identifier: MIT
"""A counter that cannot be read, starts again or jumps: a gap, said so, and no joule that was never used."""
import os
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
    assert "Gap: package-0 could not be read" in job.text, job.text


def test_unreadable_for_a_while(ecocode, machine, home, tmp_path):
    """The counter went on meanwhile, so nothing is lost; but no interval has a figure that was not read."""
    job, true_j = run_with(machine, home, tmp_path, (0.6, lambda: machine.control("error EIO")),
                           (0, lambda: machine.control("ok")))
    check_no_invented_joule(job, true_j)
    frames = [f for f in job.frames if f["type"] == "frame"]
    unknown = [f for f in frames if next(d for d in f["domains"] if d["name"] == "package-0")["machine_j"] is None]
    assert 2 <= len(unknown) <= 5, [f["domains"][0] for f in frames]
    assert all(f["domains"][0]["job_j"] is None for f in unknown)
    domain = lib_ecocode.domain_of(job.report, "package-0")
    if domain["gap_s"] > 0:
        check_gap(job, 0.3, 1.6)
    else:
        assert domain["machine_j"] >= 0.97 * true_j and 0.99 <= job.ratio() <= 1.01, job.explain()


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


def check_nothing_measured(job):
    for domain in job.report["domains"]:
        if domain["quality"] == "measured":
            assert domain["machine_j"] is None and domain["job_j"] is None, domain
        for source in domain["sources"]:
            assert source["source"] != "powercap" or not source["seconds"], domain
    if job.report["energy"]["job_j"] is not None:
        assert job.report["energy"]["quality"] == "estimated" and "ESTIMATED" in job.text


@pytest.fixture
def unreadable(machine, request):
    machine.control(f"error {request.param}")
    yield machine
    machine.control("ok")


@pytest.mark.parametrize("unreadable", ["EACCES", "EIO", "ENODATA"], indirect=True)
def test_unreadable_from_start_to_end(ecocode, unreadable, home, tmp_path):
    job = lib_sim.run_job(unreadable, home, tmp_path, ["busy", "0.5"])
    check_nothing_measured(job)
    said = job.text + " ".join(job.report["warnings"])
    assert "read" in said and ("intel-rapl" in said.lower() or "energy counter" in said), said


@pytest.mark.parametrize("unreadable", ["EIO"], indirect=True)
def test_given_idle_does_not_swallow_an_estimate(ecocode, unreadable, home, tmp_path):
    """20 W is more than the model gives this whole machine: a busy job is not free for that."""
    job = lib_sim.run_job(unreadable, home, tmp_path, ["busy", "0.5"], "--idle-power", "package-0=20W")
    uncertainty = job.report["energy"]["uncertainty"]
    assert job.report["energy"]["job_j"] is None or uncertainty["job_high_j"] > 0.2, job.explain()


def test_counter_of_root_for_a_plain_user(ecocode, machine, home, tmp_path):
    """energy_uj has mode 0400 since Linux 5.10: the figures are estimated, and the report says what helps."""
    result = machine.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--",
                          ecocode, "run", "--", "sleep", "0.3"], env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    if "ermission denied" in result.stderr and result.returncode == 127:
        pytest.skip("another user cannot reach the binary here")
    assert result.returncode == 0, result.stderr
    assert "only root may read it" in result.stderr and "sudo ecocode doctor --fix" in result.stderr
    assert "ESTIMATED" in result.stderr


def test_unreadable_at_the_start_only(ecocode, machine, home, tmp_path):
    machine.control("error EIO")
    before = machine.truth()["packages"][0]
    thread = at(0.8, (0, lambda: machine.control("ok")))
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", SECONDS], *GIVEN)
    thread.join()
    true_j = machine.truth()["packages"][0]["energy_j"] - before["energy_j"]
    if any(d["name"] == "package-0" and d["quality"] == "measured" for d in job.report["domains"]):
        check_no_invented_joule(job, true_j)
        check_gap(job, 0.4, 1.6)
    else:
        check_nothing_measured(job)


KINDS = [pytest.param("stall", id="ends by a kill"), pytest.param("hang", id="not even by a kill")]


def run_on_stuck_sensor(machine, env, folder, kind, after_s, seconds):
    """Returns whether the load ran, the exit status (None: still there 8 s later) and whether a report came."""
    used, report = folder / "used.json", folder / "r.json"
    if after_s is None:
        machine.control(kind)
    thread = at(after_s or 0, (0, lambda: machine.control(kind)))
    process = subprocess.Popen(machine.argv([lib_ecocode.binary(), "run", "-q", *GIVEN, "-o", report, "--",
                                             lib_sim.LOAD, "--out", used, "busy", seconds]),
                               env=env, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + seconds + 8
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        return used.exists(), process.poll(), report.exists()
    finally:
        thread.join()
        machine.control("ok")
        process.communicate(timeout=10)


@pytest.mark.parametrize("kind", KINDS)
def test_read_that_never_returns(ecocode, machine, home, tmp_path, kind):
    job_ran, status, has_report = run_on_stuck_sensor(machine, home, tmp_path, kind, 0.7, 1.5)
    assert job_ran and has_report
    assert status == 0, f"status {status} (None: ecocode still waits)"


@pytest.mark.parametrize("kind", KINDS)
def test_read_that_never_returns_at_start(ecocode, machine, home, tmp_path, kind):
    """A driver that hangs from the start does not keep the command from running."""
    job_ran, status, _ = run_on_stuck_sensor(machine, home, tmp_path, kind, None, 0.2)
    assert job_ran, "the command has not run"
    assert status == 0, f"status {status} (None: ecocode still waits)"


@pytest.mark.parametrize("kind", KINDS)
def test_read_that_never_returns_at_the_end(ecocode, machine, home, tmp_path, kind):
    """The command breaks the sensor with its last breath; who reads ecocode's streams is not kept either."""
    report = tmp_path / "r.json"
    begin = time.monotonic()
    process = subprocess.Popen(machine.argv([ecocode, "run", *GIVEN, "-o", report, "--", "sh", "-c",
                                             f"sleep 0.5; echo {kind} > $ECO_SIM_CONTROL; exit 7"]),
                               env={**home, "ECO_SIM_CONTROL": "/sys/fs/fuse/connections/control"},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _, said = process.communicate(timeout=20)
        assert process.returncode == 7, said
        assert time.monotonic() - begin < 4.5
        assert report.exists() and "did not answer" in said, said
    finally:
        machine.control("ok")


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_holds_the_streams_of_a_command_that_was_not_measured(ecocode, machine, home, tmp_path, kind):
    machine.control(kind)
    begin = time.monotonic()
    try:
        done = machine.run([ecocode, "run", "--", "sh", "-c", "echo out; echo err >&2; exit 7"], env=home)
    finally:
        machine.control("ok")
    assert done.returncode == 7 and done.stdout == "out\n"
    assert time.monotonic() - begin < 4
    assert done.stderr.startswith("ecocode: a sensor does not answer: the command begins"), done.stderr
    assert "err\n" in done.stderr and done.stderr.endswith("ecocode: a sensor does not answer: no report\n"), done.stderr
