# SPDX-License-Identifier: MIT
"""ecocode-sensord and the NVIDIA source against the simulated driver: every hazard by name, energies against the truth.

What programs see of it is printed by gpu-watch (tests/gpu/watch.c), one line per read. All scenarios run at once.
"""
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

import lib_ecocode
import lib_nvml

WATCH = lib_nvml.BINARIES.parents[1] / "gpu" / "gpu-watch"
SENSORD = pathlib.Path(lib_ecocode.binary()).parent / "ecocode-sensord"
ENERGY, POWER, BUSY, MEMORY, TEMPERATURE, THROTTLED, LIMIT, CLOCK, REBASED = (1 << i for i in range(9))
CONTEXT, ENDED, SPLIT = 1, 2, 4
MEASURED, DERIVED, ESTIMATED = 1, 2, 3
NO_PARENT = -1

THIRTY_SIXTY = """device NVIDIA L40S
arch ada
idle_w 40
process thirty
device 0
pid 1001
watts 300
sm 30
process sixty
device 0
pid 1002
watts 300
sm 60
"""
# one of many numbers, so that no /proc of this machine has it
TRANSLATED = """pids_in_lists container
pids_in_util host
device NVIDIA A100-SXM4-80GB
arch ga100
process inside
device 0
pid {outer}
container_pid {inner}
watts 100
sm 50
"""


def many(devices, processes):
    text = ""
    for d in range(devices):
        text += f"device NVIDIA A100-SXM4-80GB\narch ga100\nidle_w 60\nuuid GPU-{d:08}-0000-0000-0000-000000000000\n"
    for d in range(devices):
        for p in range(processes):
            text += f"process p{d}x{p}\ndevice {d}\npid {100000 + d * 1000 + p}\nwatts 200\nsm 2\nvram_mib 100\n"
    return text


def later(text, seconds):
    """The same scenario with its processes and curves of load begun later: we are to be there before them."""
    def moved(line):
        word, *values = line.split(" ")
        if word in ("start", "end"):
            return f"{word} {float(values[0]) + seconds}"
        if word == "sm" and len(values) > 2:
            return "sm " + " ".join(str(float(v) + (0 if i % 2 or not float(v) else seconds)) for i, v in enumerate(values))
        return line
    return "\n".join(moved(line) for line in text.splitlines()) + "\n"


class Run:
    """gpu-watch over a scenario."""

    def __init__(self, driver, seconds, interval_ms, read_ms, extra=(), env=None, pass_fds=()):
        self.driver = driver
        self.process = subprocess.Popen(
            [WATCH, str(seconds), str(interval_ms), str(read_ms), *extra],
            env={**driver.env(), "ECOCODE_SENSORD": str(SENSORD), **(env or {})}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=pass_fds)
        self.lines = None

    @property
    def reads(self):
        if self.lines is None:
            output, error = self.process.communicate(timeout=60)
            assert self.process.returncode == 0, error
            self.error = error
            self.lines = [json.loads(line) for line in output.splitlines()]
        return self.lines

    @property
    def last(self):
        return self.reads[-1]

    def device(self, index=0):
        return next(d for d in self.last["devices"] if d["index"] == index)

    def uses(self, read=None):
        return {u["pid"]: u for u in (read or self.last)["uses"]}

    def with_energy(self, index=0, after_s=0.0):
        """(middle of the valid time in s of the scenario, energy in J) of every read."""
        found = []
        for read in self.reads:
            for d in read["devices"]:
                at_s = (d["from_ns"] + d["to_ns"]) / 2e9 - self.driver.start_s
                if d["index"] == index and d["fields"] & ENERGY and at_s >= after_s:
                    found.append((at_s, d["energy_uj"] / 1e6))
        return found

    def energy_error(self, index=0, after_s=0.0):
        rows = self.with_energy(index, after_s)
        (t0, e0), (t1, e1) = rows[0], rows[-1]
        assert t1 - t0 > 1, rows
        truth_j = self.driver.truth(t0, t1)["devices"][index]["energy_j"]
        return abs(e1 - e0 - truth_j) / truth_j


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All scenarios at once: they sleep most of the time."""
    if not WATCH.exists() or not SENSORD.exists():
        pytest.skip(f"{WATCH} or {SENSORD} is not built")
    started = {}

    def start(key, text=None, at_s=0.2, seconds=4.0, interval_ms=100, read_ms=250, **options):
        folder = tmp_path_factory.mktemp(key)
        driver = lib_nvml.driver_or_skip(folder, lib_nvml.scenario(key) if text is None else text, at_s)
        started[key] = Run(driver, seconds, interval_ms, read_ms, **options)

    for name in ("plain", "counter_20ms", "counter_100ms", "energy_not_supported", "energy_field_not_supported",
                 "garbage_utilisation", "grace_hopper", "growing_list", "mig", "mps", "no_driver", "old_driver",
                 "no_permission_on_one_of_eight", "power_is_one_second_mean", "ramp_and_steps", "slow_init",
                 "stride_16", "stride_32", "version_mismatch", "part_time_sensor"):
        start(name)
    for name in ("counter_reset", "lost_gpu", "crashes", "hangs"):
        start(name, at_s=-0.5)
    start("stale_utilisation_ring", at_s=3.0)
    for name in ("exits_within_interval", "ten_short"):
        start(name, later(lib_nvml.scenario(name), 1.5))
    start("thirty_sixty", THIRTY_SIXTY)
    start("fast", THIRTY_SIXTY, interval_ms=20)
    start("hot", THIRTY_SIXTY.replace("idle_w 40", "idle_w 40\nthrottle 64\ntemperature 91"))
    start("reload", "fault 1.2 1.7 * nvmlDevice* UNINITIALIZED\n" + THIRTY_SIXTY)
    start("query_stamps", lib_nvml.scenario("counter_100ms").replace("idle_w", "field_stamp_query 1\nidle_w"))
    start("no_samples", "absent nvmlDeviceGetSamples\n" + lib_nvml.scenario("energy_not_supported"))
    start("usage_only", "absent nvmlDeviceGetSamples nvmlDeviceGetFieldValues\n"
          + lib_nvml.scenario("energy_not_supported"))
    start("mean_only", "absent nvmlDeviceGetSamples\nfault -inf inf * field:186 NOT_SUPPORTED\n"
          + lib_nvml.scenario("power_is_one_second_mean"))
    start("module_only", "absent nvmlDeviceGetSamples nvmlDeviceGetPowerUsage\n"
          + lib_nvml.scenario("grace_hopper").replace("idle_w", "energy 0\nidle_w"))
    start("mig_without_gpm", "absent nvmlGpmMetricsGet\n" + lib_nvml.scenario("mig"))
    start("long_rows", "absent nvmlDeviceGetProcessUtilization\n" + THIRTY_SIXTY)
    yield started
    for run in started.values():
        if run.process.poll() is None:
            run.process.kill()


# ---- energy against the truth

@pytest.mark.parametrize("name", ["plain", "counter_20ms", "counter_100ms", "query_stamps", "thirty_sixty", "fast",
                                  "energy_field_not_supported"])
def test_energy_by_counter_within_half_a_percent(runs, name):
    run = runs[name]
    error = run.energy_error()
    assert run.device()["quality"] == MEASURED
    # a counter without a time stamp moves once in 100 ms of 4 s, and looks are 100 ms apart
    assert error < (0.005 if name not in ("query_stamps", "energy_field_not_supported") else 0.03), error
    assert run.device()["breaks"] == 0


@pytest.mark.parametrize("name", ["energy_not_supported", "no_samples", "usage_only"])
def test_energy_by_power_within_two_percent(runs, name):
    error = runs[name].energy_error()
    assert runs[name].device()["quality"] == DERIVED
    assert error < 0.02, error


@pytest.mark.parametrize("name", ["power_is_one_second_mean", "mean_only"])
def test_power_is_one_second_mean(runs, name):
    run = runs[name]
    assert run.energy_error(after_s=0.5) < (0.02 if name == "power_is_one_second_mean" else 0.06)
    span_ns = run.device()["to_ns"] - run.device()["from_ns"]
    assert span_ns == (0 if name == "power_is_one_second_mean" else 1e9), "which time it speaks for"


def test_part_time_sensor_is_said(runs):
    assert runs["part_time_sensor"].device()["blind"] == 0.75
    assert runs["part_time_sensor"].device()["alpha"] == 0.05
    assert runs["thirty_sixty"].device()["blind"] == 0


# ---- processes

def shares(run, first, last):
    before, after = run.uses(first), run.uses(last)
    moved = {pid: u["weight_ns"] - before.get(pid, {"weight_ns": 0})["weight_ns"] for pid, u in after.items()}
    return {pid: w / sum(moved.values()) for pid, w in moved.items() if w > 0}


@pytest.mark.parametrize("name", ["thirty_sixty", "fast", "long_rows", "plain"])
def test_two_processes_within_one_percent(runs, name):
    run = runs[name]
    found = shares(run, run.reads[3], run.last)
    assert found.keys() == {1001, 1002}
    assert abs(found[1001] - 1 / 3) < 0.01 / 3 and abs(found[1002] - 2 / 3) < 0.02 / 3
    uses = run.uses()
    busy = run.device()["busy_ns"]
    assert all(u["flags"] == CONTEXT for u in uses.values())
    assert abs(uses[1002]["busy_ns"] - 0.6 * busy / 0.9) < 0.6e9, "a second is not yet told at most"


def test_exits_within_the_interval(runs):
    run = runs["exits_within_interval"]
    ended = max((read for read in run.reads if 1001 in run.uses(read)), key=lambda read: read["at_ns"])
    use = run.uses(ended)[1001]
    assert abs(use["busy_ns"] - 0.5e9) < 0.15e9
    assert use["flags"] & ENDED and not use["flags"] & CONTEXT
    assert run.uses()[1002]["flags"] == CONTEXT


def test_ten_short_ones(runs):
    run = runs["ten_short"]
    busy = [run.uses()[1001 + i]["busy_ns"] for i in range(10)]
    assert all(run.uses()[1001 + i]["flags"] & ENDED for i in range(10))
    assert abs(sum(busy) - 1e9) < 0.03e9
    assert all(abs(b - 0.1e9) < 0.03e9 for b in busy), busy


def test_mps_is_marked_as_split(runs):
    uses = runs["mps"].uses()
    assert uses[1001]["flags"] == uses[1002]["flags"] == CONTEXT | SPLIT
    assert uses[1000]["flags"] == CONTEXT
    assert abs(uses[1001]["weight_ns"] / uses[1002]["weight_ns"] - 1) < 0.01


# ---- hazards

def test_stale_utilisation_ring(runs):
    """A load that ended before we came is not ours."""
    assert all(u["weight_ns"] == 0 for read in runs["stale_utilisation_ring"].reads for u in read["uses"])


def test_utilisation_of_37100_percent(runs):
    run = runs["garbage_utilisation"]
    assert run.uses().keys() == {1001}
    assert abs(run.uses()[1001]["busy_ns"] - 0.4 * (run.last["at_ns"] - run.reads[0]["at_ns"])) < 0.5e9


@pytest.mark.parametrize("name", ["stride_16", "stride_32"])
def test_stride(runs, name):
    uses = runs[name].uses()
    assert {pid: u["memory"] >> 20 for pid, u in uses.items()} == {1001: 100, 1002: 200, 1003: 300}


def test_energy_not_supported(runs):
    device = runs["energy_not_supported"].device()
    assert device["fields"] & ENERGY and device["quality"] == DERIVED and device["error"] == 0


def test_counter_reset(runs):
    run = runs["counter_reset"]
    assert run.device()["breaks"] == 1
    rows = run.with_energy()
    assert all(b[1] >= a[1] for a, b in zip(rows, rows[1:])), "never back"
    seconds = rows[-1][0] - rows[0][0]
    assert 50 * (seconds - 0.3) < rows[-1][1] - rows[0][1] <= 50 * seconds + 0.1


def test_driver_reload(runs):
    """All calls say that the library is not initialised: it is opened anew, and sums go on behind a gap."""
    run = runs["reload"]
    assert run.last["sources"][0]["opened"] == 2 and run.last["sources"][0]["open"] == 1
    assert any("unloaded" in read["sources"][0]["why"] or read["sources"][0]["error"] for read in run.reads if read["sources"])
    assert len(run.last["devices"]) == 1 and run.device()["breaks"] == 1
    (t0, e0), (t1, e1) = run.with_energy()[0], run.with_energy()[-1]
    assert 310 * (t1 - t0) * 0.4 < e1 - e0 < 310 * (t1 - t0) * 0.95, "what nobody saw is not in it"


def test_throttling_and_heat(runs):
    device, elsewhere = runs["hot"].device(), runs["thirty_sixty"].device()
    assert device["mc"] == 91000 and device["throttled_ns"] > 2e9
    assert elsewhere["fields"] & THROTTLED and elsewhere["throttled_ns"] == 0


def test_no_permission_on_one_of_eight(runs):
    devices = {d["index"]: d for d in runs["no_permission_on_one_of_eight"].last["devices"]}
    assert len(devices) == 8
    assert devices[3]["error"] == -13 and devices[3]["fields"] == 0
    assert all(d["error"] == 0 and d["fields"] & ENERGY for i, d in devices.items() if i != 3)


def test_lost_gpu(runs):
    run = runs["lost_gpu"]
    assert run.device(1)["error"] == -19 and run.device(1)["fields"] == 0
    assert run.device(0)["error"] == 0 and run.energy_error() < 0.005
    assert run.last["sources"][0]["open"] == 1


def test_container_pids_are_translated(tmp_path):
    """As the host sees it: the list's pid is an inner one, /proc knows both."""
    unshare = subprocess.Popen(["unshare", "--pid", "--fork", "sleep", "20"])
    try:
        time.sleep(0.3)
        children = pathlib.Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
        if unshare.poll() is not None or not children.exists() or not children.read_text().split():
            pytest.skip("no pid namespace can be made here, or /proc does not tell children")
        outer = int(children.read_text().split()[0])
        inner = int(next(line.split()[-1] for line in pathlib.Path(f"/proc/{outer}/status").read_text().splitlines()
                         if line.startswith("NSpid")))
        exists = pathlib.Path(f"/proc/{inner}").exists()
        driver = lib_nvml.driver_or_skip(tmp_path, TRANSLATED.format(outer=outer, inner=inner), 1.0)
        run = Run(driver, 2.0, 100, 250)
        uses = run.uses()
        if exists:  # pid 1 is there on the host, too: nobody can tell, and nothing is made up
            assert outer in uses
        else:
            assert uses.keys() == {outer} and uses[outer]["flags"] == CONTEXT
        assert uses[outer]["weight_ns"] > 0
    finally:
        os.kill(unshare.pid, signal.SIGKILL)
        unshare.wait()


def inside(driver, seconds=3.0):
    """Reads of gpu-watch as process 1 of a pid namespace, as in a container."""
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", WATCH, str(seconds), "100", "250"],
                          env={**driver.env(), "ECOCODE_SENSORD": str(SENSORD)}, capture_output=True, text=True,
                          timeout=30, check=False)
    if done.returncode:
        pytest.skip(f"no pid namespace can be made here: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_container_pids_inside(tmp_path):
    """Lists tell our pid, rows the host's: the only row is of the only process."""
    driver = lib_nvml.driver_or_skip(tmp_path, TRANSLATED.format(outer=31001, inner=1), 1.0)
    reads = inside(driver)
    uses = {u["pid"]: u for u in reads[-1]["uses"]}
    assert uses[1]["flags"] == CONTEXT | SPLIT
    assert abs(uses[1]["busy_ns"] - 0.5 * (reads[-1]["at_ns"] - reads[0]["at_ns"])) < 0.5e9
    assert all(u["busy_ns"] == 0 for pid, u in uses.items() if pid != 1)


def test_container_pids_inside_that_nobody_can_tell_apart(tmp_path):
    other = "process other\ndevice 0\npid 31002\nwatts 100\nsm 20\n"
    driver = lib_nvml.driver_or_skip(tmp_path, TRANSLATED.format(outer=31001, inner=1) + other, 1.0)
    uses = {u["pid"]: u for u in inside(driver)[-1]["uses"]}
    assert uses.keys() == {0, 1}, "no number of the host's is taken for one of ours"
    assert uses[1]["weight_ns"] == 0 and uses[1]["flags"] == CONTEXT
    assert uses[0]["weight_ns"] > 0


def test_what_the_daemon_keeps(tmp_path):
    """Of descriptors, privileges and the terminal: nothing that it does not need."""
    if not WATCH.exists():
        pytest.skip("not built")
    driver = lib_nvml.driver_or_skip(tmp_path, THIRTY_SIXTY, 0.2)
    with open("/etc/hostname", encoding="ascii") as file:
        run = Run(driver, 2.0, 100, 250, pass_fds=[file.fileno()])
        time.sleep(1)
        pids = daemons_of(driver)
        assert len(pids) == 2, "one that watches, one that reads; the sources that found nothing are gone"
        for pid in pids:
            status = dict(line.split(":\t", 1) for line in
                          pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
            assert status["NoNewPrivs"] == "1" and int(status["CapInh"], 16) == 0
            assert int(status["CapEff"], 16) & ~(1 << 2 | 1 << 19 | 1 << 21) == 0
            assert int(status["SigBlk"], 16) & ~(1 << 16) == 0
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            assert int(stat[3]) != os.getsid(0) and int(stat[16]) == 5
            links = [os.readlink(f) for f in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
            assert not any("hostname" in link for link in links)
            assert all(link in ("/dev/null", "/proc", "/sys") or link.startswith("socket:") or "/calls" in link
                       for link in links), links
        assert run.reads


def test_mig(runs):
    run = runs["mig"]
    parents = [d for d in run.last["devices"] if d["parent"] == NO_PARENT]
    instances = [d for d in run.last["devices"] if d["parent"] != NO_PARENT]
    assert len(parents) == 1 and sorted(d["slices"] for d in instances) == [1, 2, 3]
    assert not any(d["fields"] & ENERGY for d in instances), "energy is the board's"
    assert run.energy_error() < 0.005
    uses = run.uses()
    assert all(u["flags"] == CONTEXT | SPLIT for u in uses.values())
    # activity x slices: 80 % of 3, 50 % of 1
    assert abs(uses[1001]["weight_ns"] / uses[1002]["weight_ns"] - 2.4 / 0.5) < 0.1
    assert run.last["devices"][uses[1001]["device"]]["slices"] == 3


def test_mig_without_gpm_is_by_slices(runs):
    uses = runs["mig_without_gpm"].uses()
    assert abs(uses[1001]["weight_ns"] / uses[1002]["weight_ns"] - 3) < 0.05
    assert all(u["flags"] & SPLIT and u["busy_ns"] == 0 for u in uses.values())


def test_process_list_grows_between_two_calls(runs):
    assert runs["growing_list"].uses().keys() == {1001, 1002}


def test_grace_hopper_is_a_module(runs):
    """Its counter is the GPU's; where only the module's power is told, that is said: a CPU is in it."""
    assert runs["grace_hopper"].device()["module"] == 0 and runs["grace_hopper"].energy_error() < 0.005
    run = runs["module_only"]
    assert run.device()["module"] == 1
    (t0, e0), (t1, e1) = run.with_energy()[0], run.with_energy()[-1]
    assert abs((e1 - e0) / (t1 - t0) - 180) < 2, "100 W of GPU and 80 W of CPU"


def test_old_driver(runs):
    run = runs["old_driver"]
    assert run.uses().keys() == {1001} and run.uses()[1001]["weight_ns"] == 0
    assert run.device()["fields"] & (ENERGY | POWER | BUSY | MEMORY) == ENERGY | POWER | BUSY | MEMORY
    assert run.energy_error() < 0.02


def test_version_mismatch_is_told(runs):
    source = runs["version_mismatch"].last["sources"][0]
    assert not source["open"] and "different versions" in source["why"]


def test_no_driver_is_silent(runs):
    assert runs["no_driver"].last["sources"] == [] and runs["no_driver"].last["end"] == 1


def test_slow_init_keeps_nobody_waiting(runs):
    run = runs["slow_init"]
    assert run.last["sources"][0]["open"] == 1
    assert float(run.error.split()[2]) < 100, run.error
    assert run.reads[0]["devices"] == []


def test_crash_is_told_and_tried_again(runs):
    run = runs["crashes"]
    whys = {read["sources"][0]["why"] for read in run.reads if read["sources"]}
    assert any("crashed" in why for why in whys), whys
    assert run.last["end"] == 0


def test_hang_is_only_silence(runs):
    """The library never returns: reads go on, and so does the end (with nothing left behind)."""
    run = runs["hangs"]
    assert len(run.reads) >= 15
    assert run.last["devices"][0]["looks"] > 0
    looks = [read["devices"][0]["looks"] for read in run.reads if read["devices"]]
    assert looks[-1] == looks[-2], "it is stuck"


def daemons_of(driver):
    """Processes of ecocode-sensord that run this scenario, zombies left out."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if (folder / "comm").read_text() == "ecocode-sensord\n" and \
                    str(driver.scenario).encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def test_nothing_is_left_behind(runs):
    for run in runs.values():
        assert run.reads is not None
    time.sleep(0.3)
    assert [pid for run in runs.values() for pid in daemons_of(run.driver)] == []


def test_uninterruptible_call(machine, tmp_path):
    """A call in the kernel that not even SIGKILL ends: who started the daemon ends in time, and so does the daemon."""
    if not WATCH.exists():
        pytest.skip("not built")
    driver = lib_nvml.driver_or_skip(
        tmp_path, "device X\narch ada\nfault 0.8 inf * nvmlDeviceGetFieldValues hang "
        "/sys/class/powercap/intel-rapl:0/energy_uj\n")
    machine.control("hang")
    try:
        before_s = time.monotonic()
        done = subprocess.run(machine.argv([WATCH, 2, 100, 250]), check=True, capture_output=True, text=True, timeout=20,
                              env={**driver.env(), "ECOCODE_SENSORD": str(SENSORD)})
        assert time.monotonic() - before_s < 3
        reads = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(reads) == 8 and reads[-1]["devices"][0]["looks"] > 0
        time.sleep(0.3)
        left = daemons_of(driver)
        assert len(left) == 1, "the one that is stuck, and nobody else"
        assert "State:\tD" in pathlib.Path(f"/proc/{left[0]}/status").read_text()
    finally:
        machine.control("ok")
    time.sleep(0.5)
    assert daemons_of(driver) == []


# ---- cost

def test_eight_devices_of_fifty_processes_cost_little(tmp_path):
    if not WATCH.exists():
        pytest.skip("not built")
    driver = lib_nvml.driver_or_skip(tmp_path, many(8, 50), 1.0)
    run = Run(driver, 8.2, 1000, 1000)
    time.sleep(2.1)
    driver.calls(reset=True)
    before_s = time.monotonic()
    time.sleep(5)
    calls, seconds = driver.calls(), time.monotonic() - before_s
    first, last = run.reads[1], run.reads[6]
    cpu_ms_per_s = (last["sources"][0]["cpu_ns"] - first["sources"][0]["cpu_ns"]) / 1e6 / (
        (last["at_ns"] - first["at_ns"]) / 1e9)
    double_ms_per_s = calls["cpu_ns"] / 1e6 / seconds
    per_look = calls["calls"] / 5 / 8
    print(f"{cpu_ms_per_s:.2f} ms/s in all, {double_ms_per_s:.2f} ms/s of it the double's; {per_look:.1f} calls per device")
    assert len(last["uses"]) == 400
    assert per_look <= 12, calls
    assert cpu_ms_per_s - double_ms_per_s < 2


def test_a_process_more_is_no_call_more(tmp_path):
    """Ten looks in a second at eight devices, with 5 processes on each and with 50: the driver is asked as often."""
    if not WATCH.exists():
        pytest.skip("not built")
    started = {}
    for processes in (5, 50):
        folder = tmp_path / str(processes)
        folder.mkdir()
        started[processes] = Run(lib_nvml.driver_or_skip(folder, many(8, processes), 1.0), 4.2, 100, 500)
    time.sleep(1.1)
    before = {n: (run.driver.calls(), run.driver.now_s()) for n, run in started.items()}
    time.sleep(2.5)
    rates = {}
    for n, run in started.items():
        (calls0, t0), calls, now = before[n], run.driver.calls(), run.driver.now_s()
        rates[n] = (calls["calls"] - calls0["calls"]) / (now - t0) / 8
        assert len(run.last["uses"]) == 8 * n and not run.last["refused"]
        cpu = run.last["sources"][0]["cpu_ns"] / 1e6 / (run.last["at_ns"] - run.reads[0]["at_ns"]) * 1e9
        print(f"{n} processes: {rates[n]:.1f} calls per device and s, {cpu:.2f} ms/s")
        assert rates[n] > 40, "ten looks in a second, give or take those of a busy machine, and some calls at each"
    assert rates[50] == pytest.approx(rates[5], rel=0.1), rates
