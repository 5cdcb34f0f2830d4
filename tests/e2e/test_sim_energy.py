# SPDX-License-Identifier: MIT
"""It is right: on a machine that uses K joules per CPU second, a job costs K times its CPU seconds.

The truth is the load's own CPU time, never anything that ecocode has read. A neighbour makes no difference,
because this machine is linear.
"""
import os
import random

import pytest

import lib_ecocode
import lib_sim

LOADS = {
    "one process": ["busy", "1.5"],
    "threads": ["threads", "4", "1.5"],
    "storm of children": ["storm", "500", "2"],
    "orphans": ["orphans", "150", "8"],
    "SIGCHLD ignored": ["ignored", "150", "8"],
    "30:60 on one core": ["share", "30", "60", "2"],
}
GIVEN = ["--idle-power", "package-0=20W,dram-0=2W", "--no-idle-tail"]
WITHIN = 0.01
QUIET_CPUS = 0.1  # mean busy CPUs up to which 4 s count as quiet


@pytest.fixture(scope="module")
def learnt(ecocode, machine, tmp_path_factory):
    """State of a user whose `monitor` has seen 4 s of quiet; tried again while the machine is not quiet."""
    for attempt in range(4):
        env = lib_ecocode.clean_environment(tmp_path_factory.mktemp("learnt"))
        busy = lib_sim.learn_idle(machine, env)
        if busy <= QUIET_CPUS:
            return env
    pytest.skip(f"the machine is not quiet: {busy:.2f} CPUs busy")


def check(job, domain, k_j):
    ratio = job.ratio(domain, k_j)
    assert ratio is not None, f"job_j of {domain} is not known\n{job.explain()}"
    assert abs(ratio - 1) <= WITHIN, f"job_j of {domain} is {ratio:.4f} of the truth\n{job.explain()}"


def measure(machine, env, folder, load, beside, options):
    if beside:
        with lib_sim.stranger(30):
            return lib_sim.run_job(machine, env, folder, load, *options)
    return lib_sim.run_job(machine, env, folder, load, *options)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a stranger"])
@pytest.mark.parametrize("name", LOADS)
def test_job_with_given_idle(ecocode, machine, home, tmp_path, name, beside):
    job = measure(machine, home, tmp_path, LOADS[name], beside, GIVEN)
    assert job.report["idle_basis"]["method"] == "given"
    check(job, "package-0", lib_sim.K_J)
    check(job, "dram-0", lib_sim.DRAM_K_J)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a stranger"])
@pytest.mark.parametrize("name", LOADS)
def test_job_with_learnt_idle(ecocode, machine, learnt, tmp_path, name, beside):
    job = measure(machine, lib_sim.copy_state(learnt, tmp_path / "home"), tmp_path, LOADS[name], beside, [])
    assert job.report["idle_basis"]["method"] == "learnt"
    check(job, "package-0", lib_sim.K_J)


def test_idle_learnt_from_four_quiet_seconds(ecocode, machine, learnt, tmp_path):
    job = lib_sim.run_job(machine, lib_sim.copy_state(learnt, tmp_path / "home"), tmp_path, ["busy", "0.2"])
    basis = job.report["idle_basis"]
    assert basis["method"] == "learnt"
    assert lib_ecocode.is_close(basis["power_w"]["package-0"], lib_sim.IDLE_W, WITHIN), basis
    assert lib_ecocode.is_close(basis["power_w"]["dram-0"], lib_sim.DRAM_IDLE_W, WITHIN), basis


@pytest.mark.parametrize("seconds", ["1.6", "2"])
def test_rows_of_two_processes_on_one_core(ecocode, machine, home, tmp_path, seconds):
    """Also when both end far from the next look, waited for by their parent.

    The job's total is exact then; what each used after the last look is told by nobody (eBPF would), so it is given
    out as it can be expected: rows are approximate.
    """
    job = lib_sim.run_job(machine, home, tmp_path, ["share", "30", "60", seconds], *GIVEN)
    rows = sorted((r["by_domain"]["package-0"] for r in job.report["processes"] if r["count"] == 1), reverse=True)
    assert len(rows) >= 2, job.report["processes"]
    truth = sorted((lib_sim.K_J * s for s in job.used["parts_s"]), reverse=True)
    for value, true_j in zip(rows, truth):
        assert lib_ecocode.is_close(value, true_j, 0.1), (rows, truth)


@pytest.mark.parametrize("interval", ["100ms", "1s"])
def test_counter_wraps_three_times(ecocode, home, tmp_path, interval):
    # 50 W on a lap of 60 J; the zone says itself that it can draw 80 W.
    with lib_sim.machine_or_skip("--wrap", "60", "--start", "50", "--max-power", "80") as machine:
        before = machine.truth()["packages"][0]["laps"]
        job = lib_sim.run_job(machine, home, tmp_path, ["busy", "3.6"], "--idle-power", "package-0=20W",
                              "--interval", interval)
        laps = machine.truth()["packages"][0]["laps"] - before
    assert laps >= 3
    domain = lib_ecocode.domain_of(job.report, "package-0")
    assert domain["gap_s"] == 0, job.explain()
    check(job, "package-0", lib_sim.K_J)


@pytest.fixture(scope="module")
def two_packages():
    if os.sysconf("SC_NPROCESSORS_CONF") < 2:
        pytest.skip("needs two CPUs")
    with lib_sim.machine_or_skip("--packages", "2") as machine:
        yield machine


def check_both(job):
    total = sum(lib_ecocode.domain_of(job.report, f"package-{i}")["job_j"] for i in range(2))
    truth = lib_sim.K_J * job.cpu_s
    assert lib_ecocode.is_close(total, truth, WITHIN), f"{total / truth:.4f} of the truth\n{job.explain()}"


BOTH = ["--idle-power", "package-0=20W,package-1=20W"]


@pytest.mark.parametrize("load", [["busy", "1.5"], ["threads", "2", "1.5"], ["storm", "300", "2"]],
                         ids=lambda load: load[0])
def test_two_packages(ecocode, two_packages, home, tmp_path, load):
    check_both(lib_sim.run_job(two_packages, home, tmp_path, load, *BOTH))


def test_two_packages_beside_a_stranger_on_the_other(ecocode, two_packages, home, tmp_path):
    with lib_sim.stranger(30, cpu=0):
        job = lib_sim.run_job(two_packages, home, tmp_path, ["busy", "1.5"], *BOTH, prefix=["taskset", "-c", "1"])
    check_both(job)


def test_core_and_uncore_and_psys_are_not_added(ecocode, home, tmp_path):
    with lib_sim.machine_or_skip("--core", "--uncore", "--psys", "--dram-idle", "2", "--dram-k", "3") as machine:
        job = lib_sim.run_job(machine, home, tmp_path, ["busy", "1"], *GIVEN)
    counted = {d["name"] for d in job.report["domains"] if d["counted"]}
    assert counted == {"package-0", "dram-0"}, counted
    check(job, "package-0", lib_sim.K_J)


def covers(machine, folder, generator, learnt):
    """One short run on a sensor with its own gain error: does the stated interval hold the truth?"""
    gain = generator.gauss(1, 0.0125)
    machine.control(f"gain {gain:.6f}")
    options = ["--interval", "100ms", "--no-idle-tail"]
    if learnt is None:
        env = lib_ecocode.clean_environment(folder / "home")
        options += ["--idle-power", f"package-0={lib_sim.IDLE_W * gain:.6f}W,dram-0=2W"]
    else:
        machine.control("gain 1")
        env = lib_sim.copy_state(learnt, folder / "home")
    load = generator.choice([["busy", "0.6"], ["threads", "2", "0.5"], ["storm", "60", "4"], ["share", "30", "60", "0.6"]])
    job = measure(machine, env, folder, load, generator.random() < 0.5, options)
    interval = lib_ecocode.domain_of(job.report, "package-0")["uncertainty"]
    truth = lib_sim.K_J * job.cpu_s
    low, high = interval["job_low_j"], interval["job_high_j"]
    return low <= truth <= high, (load[0], round(gain, 4), low, truth, high)


def repeat_coverage(machine, tmp_path, learnt, count, seed):
    generator = random.Random(seed)
    machine.control("noise 0.01")
    try:
        results = [covers(machine, tmp_path / str(i), generator, learnt if i % 2 else None) for i in range(count)]
    finally:
        machine.control("noise 0")
        machine.control("gain 1")
    return sum(ok for ok, _ in results), [why for ok, why in results if not ok]


def test_interval_covers_the_truth(ecocode, machine, learnt, tmp_path):
    covered, missed = repeat_coverage(machine, tmp_path, learnt, 20, 20)
    assert covered >= 18, missed


@pytest.mark.long
def test_interval_covers_the_truth_long(ecocode, machine, learnt, tmp_path):
    covered, missed = repeat_coverage(machine, tmp_path, learnt, 100, 100)
    assert covered >= 90, missed
