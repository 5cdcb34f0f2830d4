# SPDX-License-Identifier: MIT
"""`ecocode calibrate` on the simulated machine, whose constants are known; and what later runs make of it."""
import json
import os
import signal
import subprocess
import time

import pytest

import lib_ecocode
import lib_sim

WITHIN = 0.01
CPUS = len(os.sched_getaffinity(0))
OLD = "ecocode.calibration/1\nregime 0123456789abcdef 1700000000\ncpu old\n"


def busy_cpus(seconds=0.5):
    before = int((lib_sim.CPUACCT / "cpuacct.usage").read_text())
    time.sleep(seconds)
    return (int((lib_sim.CPUACCT / "cpuacct.usage").read_text()) - before) / seconds / 1e9


def wait_for_quiet():
    if not lib_sim.CPUACCT.exists():
        return
    for _ in range(16):
        if busy_cpus() < 0.08:
            return


def calibrate(machine, env, *options, duration=5):
    """When the machine is quiet, and again while it was not; skipped where it never is."""
    for _ in range(3):
        wait_for_quiet()
        done = machine.run([lib_ecocode.binary(), "calibrate", "--duration", f"{duration}s", *options], env=env)
        if done.returncode != 1:
            assert done.returncode == 0, done.stderr
            return done
    pytest.skip(f"the machine is not quiet: {done.stderr.splitlines()[-1]}")


def kept(env):
    folder = env["ECOCODE_PATH_CALIBRATION"]
    return sorted(os.path.join(folder, name) for name in os.listdir(folder)) if os.path.isdir(folder) else []


def place_of(env):
    """Where this host's calibration is kept, with an old one in it."""
    path = os.path.join(env["ECOCODE_PATH_CALIBRATION"], f"calibration-{os.uname().nodename}.txt")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(OLD)
    return path


def loads():
    names = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                names.append(file.read().strip())
        except OSError:
            pass
    return names.count("ecocode-load")


def wait_until(true, seconds=10):
    for _ in range(int(seconds * 50)):
        if true():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def calibrated(ecocode, machine, tmp_path_factory):
    """A host that takes CPUs away for a while gives time that nobody used: such a calibration is made again."""
    for _ in range(3):
        env = lib_ecocode.clean_environment(tmp_path_factory.mktemp("calibrated"))
        result = lib_ecocode.strict_json(calibrate(machine, env, "--json", duration=6).stdout)
        if all(lib_ecocode.is_close(domain_of(result, name)["idle_w"], idle_w, WITHIN)
               for name, idle_w in (("package-0", lib_sim.IDLE_W), ("dram-0", lib_sim.DRAM_IDLE_W))):
            break
    return env, result


def domain_of(result, name):
    return next(d for d in result["domains"] if d["name"] == name)


def test_constants_of_the_linear_machine(calibrated):
    env, result = calibrated
    assert result["schema"] == "ecocode.calibration/1" and result["kept_in"] == env["ECOCODE_PATH_CALIBRATION"]
    for name, idle_w, k_j in (("package-0", lib_sim.IDLE_W, lib_sim.K_J),
                              ("dram-0", lib_sim.DRAM_IDLE_W, lib_sim.DRAM_K_J)):
        domain = domain_of(result, name)
        assert lib_ecocode.is_close(domain["idle_w"], idle_w, WITHIN), domain
        assert domain["fit_error_ratio"] < WITHIN, domain
        for knot in domain["curve"]:
            assert lib_ecocode.is_close(knot["dynamic_w"] / knot["weighted_cpus"], k_j, WITHIN), domain
        for point in domain["points"]:
            assert lib_ecocode.is_close(point["power_w"], idle_w + k_j * point["busy_cpus"], WITHIN), domain
    assert result["sigma"]["value"] is None and result["sigma"]["reason"]
    path, = kept(env)
    assert os.stat(path).st_mode & 0o7777 == 0o644


def test_runs_use_it(calibrated, machine, tmp_path):
    env = dict(lib_ecocode.clean_environment(tmp_path / "home"), ECOCODE_PATH_CALIBRATION=calibrated[0]["ECOCODE_PATH_CALIBRATION"])
    for beside in (False, True):
        if beside:
            with lib_sim.stranger(30):
                job = lib_sim.run_job(machine, env, tmp_path, ["busy", "1.5"])
        else:
            job = lib_sim.run_job(machine, env, tmp_path, ["busy", "1.5"])
        basis = job.report["idle_basis"]
        assert basis["method"] == "calibrated" and basis["at"], basis
        assert lib_ecocode.is_close(basis["power_w"]["package-0"], lib_sim.IDLE_W, WITHIN), basis
        ratio = job.ratio()
        assert abs(ratio - 1) <= WITHIN, job.explain()
        # on a linear machine what a job adds and what it takes alone is its own energy, whoever runs beside it
        energy = job.report["energy"]
        truth = (lib_sim.K_J + lib_sim.DRAM_K_J) * job.cpu_s
        assert lib_ecocode.is_close(energy["job_marginal_j"], truth, 0.02), job.explain()
        assert lib_ecocode.is_close(energy["job_alone_j"], truth, 0.02), job.explain()
        assert "By the calibration" not in job.text
        assert energy["uncertainty"]["components_j"]["idle"] > 0


def test_doctor_and_sensors_tell_of_it(ecocode, calibrated, machine):
    env = calibrated[0]
    place = ["--path.calibration", env["ECOCODE_PATH_CALIBRATION"]]
    doctor = lib_ecocode.strict_json(machine.run([ecocode, "doctor", "--json", *place], env=env).stdout)
    check, = [c for c in doctor["checks"] if c["id"] == "calibration"]
    assert check["verdict"] == "PASS" and "0 days old" in check["text"], check
    assert "Calibrated" in machine.run([ecocode, "sensors"], env=env).stdout
    place = ["--path.calibration", "/nowhere"]
    doctor = lib_ecocode.strict_json(machine.run([ecocode, "doctor", "--json", *place], env=env).stdout)
    check, = [c for c in doctor["checks"] if c["id"] == "calibration"]
    assert check["verdict"] == "SKIP" and "calibrate" in check["fix"], check


@pytest.fixture(scope="module")
def concave(ecocode, tmp_path_factory):
    env = lib_ecocode.clean_environment(tmp_path_factory.mktemp("concave"))
    with lib_sim.machine_or_skip("--exponent", "0.6") as machine:
        done = calibrate(machine, env, "--json")
        yield machine, env, lib_ecocode.strict_json(done.stdout)


def curve_at(domain, x):
    """Power of the fitted curve."""
    x0 = w0 = 0.0
    for knot in domain["curve"]:
        slope = (knot["dynamic_w"] - w0) / (knot["weighted_cpus"] - x0)
        if x <= knot["weighted_cpus"] or knot is domain["curve"][-1]:
            return domain["idle_w"] + w0 + slope * (x - x0)
        x0, w0 = knot["weighted_cpus"], knot["dynamic_w"]
    return None


def test_concave_curve(concave):
    domain = domain_of(concave[2], "package-0")
    assert len(domain["curve"]) >= min(CPUS, 2)
    for n in range(1, CPUS + 1):
        truth = lib_sim.IDLE_W + lib_sim.K_J * n ** 0.6
        assert lib_ecocode.is_close(curve_at(domain, n), truth, 0.02), (n, truth, domain)


@pytest.mark.skipif(CPUS < 2, reason="needs two CPUs")
def test_marginal_and_alone_on_the_concave_machine(concave, tmp_path):
    machine, env, result = concave
    for _ in range(5):
        wait_for_quiet()
        with lib_sim.stranger(30, cpu=0):
            job = lib_sim.run_job(machine, env, tmp_path, ["busy", "3"], prefix=["taskset", "-c", "1"])
        used = job.report["usage"]["cpu_s"] / job.report["duration_s"]
        if used > 0.97:
            break
    else:
        pytest.skip("the machine is not quiet")
    seconds = job.cpu_s
    # What the few hundredths of a CPU that always run draw is much on such a curve, and part of the idle power.
    idle_w = domain_of(result, "package-0")["idle_w"] - lib_sim.IDLE_W
    alone = (lib_sim.K_J - idle_w) * seconds
    both = (lib_sim.K_J * 2 ** 0.6 - idle_w) * seconds
    energy = job.report["energy"]
    assert lib_ecocode.is_close(energy["job_alone_j"], alone, 0.04), job.explain()
    assert lib_ecocode.is_close(energy["job_marginal_j"], both - alone, 0.06), job.explain()
    assert energy["job_marginal_j"] < energy["job_j"] < energy["job_alone_j"]
    assert "By the calibration it added" in job.text


@pytest.mark.skipif(CPUS != 2, reason="needs two CPUs, which become one core")
def test_sigma_of_declared_siblings(ecocode, home):
    with lib_sim.machine_or_skip("--sigma", "0.25") as machine:
        # A host that takes a CPU away for a while makes two threads of one. The points do not fit then, as is said.
        for _ in range(5):
            result = lib_ecocode.strict_json(calibrate(machine, home, "--json", duration=6).stdout)
            if domain_of(result, "package-0")["fit_error_ratio"] < WITHIN:
                break
        else:
            pytest.skip(f"the host never left both CPUs alone for so long: {result['domains']}")
        assert result["sigma"]["value"] is not None, result
        assert abs(result["sigma"]["value"] - 0.25) <= 0.01, result
        text, = kept(home)
        with open(text, encoding="utf-8") as file:
            assert "\nsigma 0.2" in file.read()


def test_refused_on_a_busy_machine(ecocode, machine, home):
    path = place_of(home)
    with lib_sim.stranger(30) as busy:
        done = machine.run([ecocode, "calibrate", "--duration", "5s"], env=home)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "not quiet" in last and f"eco-sim-load ({busy.pid})" in last and "--force" in last, done.stderr
    with open(path, encoding="utf-8") as file:
        assert file.read() == OLD
    assert loads() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_old_one(ecocode, machine, home, number):
    path = place_of(home)
    argv = machine.argv([ecocode, "calibrate", "--duration", "8s", "--force"])
    running = subprocess.Popen(argv, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert wait_until(lambda: loads() > 0), "no load was started"
        running.send_signal(number)
        out, err = running.communicate(timeout=10)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == -number, err
    assert "nothing has changed" in err and out == ""
    assert wait_until(lambda: loads() == 0, 2)
    with open(path, encoding="utf-8") as file:
        assert file.read() == OLD
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]


def test_killed_it_leaves_no_load(ecocode, machine, home):
    argv = machine.argv([ecocode, "calibrate", "--duration", "8s", "--force"])
    running = subprocess.Popen(argv, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: loads() > 0), "no load was started"
    finally:
        running.kill()
        running.wait()
    assert wait_until(lambda: loads() == 0, 2)
    assert kept(home) == []


HOSTILE = {
    "empty": b"",
    "other words": b"#!/bin/sh\nreboot\n",
    "binary": b"ecocode.calibration/1\n\0\xff\xfe" * 50,
    "a long line": b"ecocode.calibration/1\n" + b"x" * 100000,
    "too large": b"ecocode.calibration/1\n" + b"colour red\n" * 10000,
    "another CPU": b"ecocode.calibration/1\nregime 0123456789abcdef 1700000000\ncpu \x1b[31mother\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_ignored_with_a_reason(ecocode, machine, home, tmp_path, name):
    path = place_of(home)
    with open(path, "wb") as file:
        file.write(HOSTILE[name])
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", "0.2"])
    assert job.report["idle_basis"]["method"] != "calibrated"
    assert [w for w in job.report["warnings"] if "calibration" in w and "ignored" in w], job.report["warnings"]
    assert "\x1b" not in job.text
    assert job.report["energy"]["job_marginal_j"] is None and job.report["energy"]["job_alone_j"] is None


def test_unreadable_places_are_ignored_with_a_reason(ecocode, machine, home, tmp_path):
    path = place_of(home)
    os.unlink(path)
    os.mkdir(path)
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", "0.2"])
    assert [w for w in job.report["warnings"] if "no regular file" in w], job.report["warnings"]


def test_dry_run_and_misuse(ecocode, machine, home):
    done = machine.run([ecocode, "calibrate", "--dry-run"], env=home)
    assert done.returncode == 0 and "Calibrating takes 40 s" in done.stdout, done
    assert all(len(line) <= 79 for line in done.stdout.splitlines()), done.stdout
    for options, word in ((["--duration", "1s"], "take at least"), (["--threads", "0"], "--threads 0"),
                          (["--threads", "9999"], "--threads"), (["--meter-idle", "5W"], "together"),
                          (["--meter-idle", "5W", "--meter-busy", "9W"], "is measured")):
        done = machine.run([ecocode, "calibrate", *options], env=home)
        assert done.returncode == 2 and word in done.stderr, (options, done)
    assert kept(home) == []


def test_without_a_sensor_by_a_wall_meter(ecocode, home, tmp_path):
    found = json.loads(subprocess.run([ecocode, "sensors", "--json"], env=home, text=True, capture_output=True,
                                      check=True).stdout)["sensors"]
    if any(s["kind"] == "cpu" and s["source"] != "model" for s in found):
        pytest.skip("this machine has a sensor")
    done = subprocess.run([ecocode, "calibrate"], env=home, text=True, capture_output=True, check=False)
    assert done.returncode == 2 and "--meter-idle" in done.stderr
    done = subprocess.run([ecocode, "calibrate", "--meter-idle", "45W", "--meter-busy", "40W"], env=home, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 2 and "more than" in done.stderr
    done = subprocess.run([ecocode, "calibrate", "--meter-idle", "45W", "--meter-busy", "120W"], env=home, text=True,
                          capture_output=True, check=True)
    assert "at the wall" in done.stdout
    out, text = tmp_path / "run.json", tmp_path / "run.txt"
    subprocess.run([ecocode, "run", "-q", "-o", out, "-o", text, "sleep", "0.5"], env=home, check=True)
    report = lib_ecocode.read_json(out)
    lib_ecocode.check_report(report)
    assert report["energy"]["quality"] == "estimated"
    assert report["idle_basis"]["method"] == "calibrated" and report["idle_basis"]["at"]
    machine_w = report["energy"]["machine_j"] / report["duration_s"]
    assert 44 <= machine_w <= 121, report["energy"]
    assert "power_supply_loss" not in report["boundary"]["excluded"]
    assert "mainboard" not in report["boundary"]["excluded"]
    assert "at the wall" in text.read_text(encoding="utf-8").replace("\n   ", " ")
    shown = json.loads(subprocess.run([ecocode, "sensors", "--json"], env=home, text=True, capture_output=True,
                                      check=True).stdout)
    assert "wall meter" in json.dumps(shown)
