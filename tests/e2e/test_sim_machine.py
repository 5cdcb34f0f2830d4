# SPDX-License-Identifier: MIT
"""The simulated machine itself: its counters are what model.h says, or nothing tested on it means anything."""
import json
import os
import signal
import subprocess
import time

import pytest

import lib_ecocode
import lib_sim

ZONE = "/sys/class/powercap/intel-rapl:0"
# Between reading a counter and reading the truth: one tick of a busy CPU and a scheduling delay.
SLACK_J = 1.5


def counter(machine, zone=ZONE):
    result = machine.run(["cat", f"{zone}/energy_uj"])
    return int(result.stdout) / 1e6 if result.returncode == 0 else result.stderr


def test_zones_look_like_the_kernels(machine):
    names = machine.run(["sh", "-c", "cat /sys/class/powercap/*/name"]).stdout.split()
    assert sorted(names) == ["dram", "package-0"]
    target = machine.run(["readlink", "-f", ZONE]).stdout.strip()
    assert target == "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0"
    assert machine.run(["stat", "-c", "%a %F", f"{ZONE}/energy_uj"]).stdout.strip() == "400 regular file"
    assert machine.run(["cat", f"{ZONE}/max_energy_range_uj"]).stdout.strip() == "262143328850"
    assert machine.run(["cat", "/sys/class/net/lo/address"]).returncode == 0, "the rest of sysfs is still there"
    denied = machine.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", f"{ZONE}/energy_uj"])
    assert denied.returncode != 0 and "ermission denied" in denied.stderr


def test_nothing_is_seen_outside(machine):
    assert not os.path.exists("/sys/class/powercap/intel-rapl:0/energy_uj") or \
        open("/sys/class/powercap/intel-rapl:0/energy_uj").read() != machine.run(["cat", f"{ZONE}/energy_uj"]).stdout
    with open("/proc/self/mounts") as mounts:
        assert "eco-sim" not in mounts.read()


@pytest.mark.parametrize("busy_s", [0, 1])
def test_energy_is_idle_and_cpu_time(machine, busy_s):
    before_j, before = counter(machine), machine.truth()
    if busy_s:
        machine.run([lib_sim.LOAD, "--out", "/dev/null", "busy", busy_s])
    else:
        time.sleep(1)
    after_j, after = counter(machine), machine.truth()
    cpu_s = after["packages"][0]["cpu_s"] - before["packages"][0]["cpu_s"]
    expected = lib_sim.IDLE_W * (after["t"] - before["t"]) + lib_sim.K_J * cpu_s
    assert abs(after_j - before_j - expected) < SLACK_J
    assert abs(after["packages"][0]["energy_j"] - before["packages"][0]["energy_j"] - expected) < 1e-3
    dram = lib_sim.DRAM_IDLE_W * (after["t"] - before["t"]) + lib_sim.DRAM_K_J * cpu_s
    assert abs(after["packages"][0]["dram_j"] - before["packages"][0]["dram_j"] - dram) < 1e-3
    assert cpu_s >= busy_s * 0.95


def test_every_load_knows_its_cpu_time(machine, tmp_path):
    for load in (["busy", "0.3"], ["threads", "3", "0.3"], ["storm", "50", "2"], ["orphans", "10", "20"],
                 ["ignored", "10", "20"], ["share", "30", "60", "0.4"]):
        before = machine.truth()
        with lib_sim.cpu_group() as group:
            enter = ["--group", group] if group else []
            out = tmp_path / "used.json"
            assert machine.run([lib_sim.LOAD, "--out", out, *enter, *load]).returncode == 0, load
        after = machine.truth()
        used = json.loads(out.read_text())
        whole = after["packages"][0]["cpu_s"] - before["packages"][0]["cpu_s"]
        best = max(v for k, v in used.items() if k.endswith("_s") and isinstance(v, float))
        assert used["clocks_s"] <= best <= whole + 0.02, (load, used, whole)
        if load[0] in ("busy", "threads", "storm", "share") and used["cgroup_s"] is not None:
            inside_s = used["rusage_s"] - used["entered_s"]
            assert abs(inside_s - used["cgroup_s"]) < 0.01 * used["cgroup_s"] + 0.003, (load, used)


def test_counter_wraps():
    with lib_sim.machine_or_skip("--wrap", "10", "--start", "9") as machine:
        values = []
        for _ in range(20):
            values.append(counter(machine))
            time.sleep(0.05)
        assert all(0 <= v < 10 for v in values)
        assert sum(b < a for a, b in zip(values, values[1:])) >= 2
        assert machine.truth()["packages"][0]["laps"] >= 2


def test_counter_with_a_period():
    with lib_sim.machine_or_skip("--period", "200") as machine:
        values = []
        end = time.monotonic() + 1
        while time.monotonic() < end:
            values.append(counter(machine))
        assert 4 <= len(set(values)) <= 7, "the counter moves five times a second"


def test_packages_have_their_own_cpus():
    if os.sysconf("SC_NPROCESSORS_CONF") < 2:
        pytest.skip("needs two CPUs")
    with lib_sim.machine_or_skip("--packages", "2") as machine:
        ids = machine.run(["sh", "-c", "cat /sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id"])
        assert set(ids.stdout.split()) == {"0", "1"}
        before = machine.truth()["packages"]
        machine.run(["taskset", "-c", os.sysconf("SC_NPROCESSORS_CONF") - 1, lib_sim.LOAD, "--out", "/dev/null",
                     "busy", "0.5"])
        after = machine.truth()["packages"]
        assert after[1]["cpu_s"] - before[1]["cpu_s"] > 0.45
        assert counter(machine, "/sys/class/powercap/intel-rapl:1") > 0


def test_faults(machine):
    start = counter(machine)
    machine.control("error EIO")
    assert "Input/output error" in counter(machine)
    machine.control("ok")
    machine.control("jump 1000")
    assert 1000 < counter(machine) - start < 1200
    machine.control("reset")
    assert counter(machine) < 50
    machine.control("vanish")
    assert "No such file" in counter(machine)
    held = machine.run(["sh", "-c", "ls /sys/class/powercap"]).stdout.split()
    assert held == ["intel-rapl"]
    machine.control("return")
    assert counter(machine) < 100
    with pytest.raises(OSError):
        machine.control("explode")


def test_open_file_of_a_vanished_zone(machine):
    script = f"import os,time; f=os.open('{ZONE}/energy_uj', 0); os.pread(f, 32, 0); print('open', flush=True); " \
             "input();\ntry: os.pread(f, 32, 0)\nexcept OSError as e: print(e.errno)"
    reader = subprocess.Popen(machine.argv(["/usr/bin/python3", "-c", script]), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    assert reader.stdout.readline() == "open\n"
    machine.control("vanish")
    out, _ = reader.communicate("\n", timeout=10)
    machine.control("return")
    assert out.strip() == "19", "ENODEV"


def test_hang_and_release(machine):
    machine.control("hang")
    reader = subprocess.Popen(machine.argv(["cat", f"{ZONE}/energy_uj"]), stdout=subprocess.PIPE, text=True)
    for _ in range(100):
        if machine.truth()["waiting"]:
            break
        time.sleep(0.01)
    assert machine.truth()["waiting"] == 1 and reader.poll() is None
    machine.control("ok")
    out, _ = reader.communicate(timeout=5)
    assert int(out) > 0


def test_concave_machine():
    with lib_sim.machine_or_skip("--exponent", "0.5") as machine:
        before = machine.truth()
        machine.run([lib_sim.LOAD, "--out", "/dev/null", "threads", "2", "1"])
        after = machine.truth()
        energy = after["packages"][0]["energy_j"] - before["packages"][0]["energy_j"]
        busy = (after["packages"][0]["cpu_s"] - before["packages"][0]["cpu_s"]) / (after["t"] - before["t"])
        seconds = after["t"] - before["t"]
        assert busy > 1.2
        assert energy < lib_sim.IDLE_W * seconds + 0.93 * lib_sim.K_J * busy * seconds, "less than linear"


def test_nothing_is_left_when_killed():
    machine = lib_sim.Machine() if os.geteuid() == 0 and os.path.exists("/dev/fuse") else pytest.skip("needs root")
    children = subprocess.run(["pgrep", "-P", str(machine.process.pid)], capture_output=True, text=True).stdout.split()
    assert len(children) == 2, "the file system and the command"
    machine.process.send_signal(signal.SIGKILL)
    machine.process.wait()
    for _ in range(200):
        alive = [pid for pid in children if is_running(pid)]
        if not alive:
            break
        time.sleep(0.01)
    assert not alive
    with open("/proc/self/mounts") as mounts:
        assert "eco-sim" not in mounts.read()


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_refuses_without_a_command():
    result = subprocess.run([str(lib_ecocode.ROOT / "tests/sim/run-on-machine")], capture_output=True, text=True)
    assert result.returncode == 125 and "usage" in result.stderr
