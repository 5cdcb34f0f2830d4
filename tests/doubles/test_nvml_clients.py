# SPDX-License-Identifier: MIT
"""The simulated NVIDIA driver under clients that nobody here wrote: they must show the scenario's numbers.

nvidia-ml-py and nvitop are NVIDIA's and the users' Python clients, nvtop is a C one; each declares the interface by
itself. Skipped where they are not installed: `make clients` fetches them.
"""
import json
import os
import pathlib
import subprocess
import sys

import pytest

import lib_cli
import lib_nvml

MIB = 1 << 20
TWO_LIVE = ("pids pids.txt\ndevice NVIDIA L40S\nuuid GPU-aaaaaaaa-0000-0000-0000-000000000001\narch ada\nidle_w 40\n"
            "memory_mib 46068\nlimit_w 350\ntemperature 61\nfan 42\n"
            "process one\ndevice 0\npid @one\nwatts 200\nsm 30\nvram_mib 1024\n"
            "process two\ndevice 0\npid @two\nwatts 200\nsm 60\nvram_mib 2048\n")


def ask(driver, module, code, timeout=60):
    """What a Python client says; `code` calls out(x)."""
    site = lib_nvml.site_or_skip(module)
    env = driver.env()
    env["PYTHONPATH"] = ":".join(filter(None, [site, env.get("PYTHONPATH")]))
    program = f"import json, time\nout = lambda x: print(json.dumps(x, default=lambda c: c.value), flush=True)\nimport {module}\n{code}"
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def from_file(tmp_path, name, at_s):
    return lib_nvml.driver_or_skip(tmp_path / name, lib_nvml.scenario(name), at_s)


def test_nvidia_ml_py_reads_a_device(tmp_path):
    values, = ask(from_file(tmp_path, "plain", 10), "pynvml", """
from pynvml import *
nvmlInit(); h = nvmlDeviceGetHandleByIndex(0); memory = nvmlDeviceGetMemoryInfo(h, version=nvmlMemory_v2)
out({"count": nvmlDeviceGetCount(), "driver": nvmlSystemGetDriverVersion(), "cuda": nvmlSystemGetCudaDriverVersion_v2(),
 "name": nvmlDeviceGetName(h), "uuid": nvmlDeviceGetUUID(h), "bus": nvmlDeviceGetPciInfo(h).busId,
 "same": nvmlDeviceGetIndex(nvmlDeviceGetHandleByUUID(nvmlDeviceGetUUID(h))),
 "place": nvmlDeviceGetIndex(nvmlDeviceGetHandleByPciBusId("0000:3B:00.0")),
 "total": memory.total, "used": memory.used, "free": memory.free, "reserved": memory.reserved,
 "v1": nvmlDeviceGetMemoryInfo(h).used, "util": [nvmlDeviceGetUtilizationRates(h).gpu, nvmlDeviceGetUtilizationRates(h).memory],
 "power": nvmlDeviceGetPowerUsage(h), "limit": nvmlDeviceGetEnforcedPowerLimit(h),
 "limits": nvmlDeviceGetPowerManagementLimitConstraints(h), "temperature": nvmlDeviceGetTemperatureV(h, 0),
 "clocks": [nvmlDeviceGetClockInfo(h, i) for i in (0, 1, 2)], "enc": nvmlDeviceGetEncoderUtilization(h)[0],
 "arch": nvmlDeviceGetArchitecture(h), "cc": nvmlDeviceGetCudaComputeCapability(h), "mig": nvmlDeviceGetMigMode(h),
 "ecc": nvmlDeviceGetEccMode(h), "reasons": nvmlDeviceGetCurrentClocksEventReasons(h),
 "energy": nvmlDeviceGetTotalEnergyConsumption(h), "persistence": nvmlDeviceGetPersistenceMode(h),
 "fields": [[f.nvmlReturn, f.valueType, f.value.ullVal if f.valueType == 3 else f.value.uiVal] for f in
            nvmlDeviceGetFieldValues(h, [(185, 0), (186, 0), 83, (191, 0), (186, 1)])]})
""")
    assert values["count"] == 1 and values["driver"] == "550.54.14" and values["cuda"] == 12040
    assert values["name"] == "NVIDIA H100 80GB HBM3" and values["uuid"].startswith("GPU-11111111")
    assert values["bus"] == "00000000:3B:00.0" and values["same"] == 0 and values["place"] == 0
    assert values["total"] == 81559 * MIB and values["used"] == 30004 * MIB and values["reserved"] == 600 * MIB
    assert values["free"] == (81559 - 30604) * MIB and values["v1"] == 30604 * MIB
    assert values["util"] == [90, 37] and values["enc"] == 5
    assert values["power"] == 570_000 and values["limit"] == 700_000 and values["limits"] == [100_000, 700_000]
    assert values["temperature"] == 55 and values["clocks"] == [1980, 1980, 2619]
    assert values["arch"] == 9 and values["cc"] == [9, 0] and values["mig"] == [0, 0] and values["ecc"] == [1, 1]
    assert 123456789 + 5_600_000 < values["energy"] < 123456789 + 12_000_000
    power, energy = [0, 1, 570_000], values["fields"][2]
    assert values["fields"][:2] == [power, power] and energy[:2] == [0, 3] and values["fields"][4][0] == 3
    assert abs(energy[2] - values["energy"]) <= 57_001 and values["fields"][3] == energy


def test_nvidia_ml_py_reads_processes(tmp_path):
    lists, util, info, detail, samples = ask(from_file(tmp_path, "plain", 10), "pynvml", """
from pynvml import *
nvmlInit(); h = nvmlDeviceGetHandleByIndex(0)
out([[p.pid, p.usedGpuMemory] for p in nvmlDeviceGetComputeRunningProcesses(h)])
out([[s.pid, s.smUtil, s.memUtil, s.encUtil] for s in nvmlDeviceGetProcessUtilization(h, 0) if s.timeStamp])
out([[s.pid, s.smUtil] for s in nvmlDeviceGetProcessesUtilizationInfo(h, 0) if s.timeStamp])
out([[p.pid, p.usedGpuMemory] for p in nvmlDeviceGetRunningProcessDetailList(h, nvmlProcessDetailList_v1, 0)])
kind, samples = nvmlDeviceGetSamples(h, NVML_TOTAL_POWER_SAMPLES, 0)
out([kind, len(samples), sorted({s.sampleValue.uiVal for s in samples})])
""")
    assert lists == [[1001, 10000 * MIB], [1002, 20000 * MIB]] == detail
    assert util == [[1001, 30, 12, 0], [1002, 60, 25, 5]] and info == [[1001, 30], [1002, 60]]
    assert samples == [1, 120, [570_000]]


def test_nvidia_ml_py_reads_mig(tmp_path):
    modes, parts, activity = ask(from_file(tmp_path, "mig", 5), "pynvml", """
from pynvml import *
nvmlInit(); h = nvmlDeviceGetHandleByIndex(0)
out([nvmlDeviceGetMigMode(h), nvmlDeviceGetMaxMigDeviceCount(h)])
parts = [nvmlDeviceGetMigDeviceHandleByIndex(h, i) for i in range(3)]
out([[nvmlDeviceGetUUID(p)[-1], nvmlDeviceGetGpuInstanceId(p), nvmlDeviceGetAttributes_v2(p).gpuInstanceSliceCount,
      nvmlDeviceGetMemoryInfo(p).total, nvmlDeviceIsMigDeviceHandle(p)] for p in parts])
assert nvmlGpmQueryDeviceSupport(h).isSupportedDevice
rows = []
for instance in (1, 2, 3):
    a, b = nvmlGpmSampleAlloc(), nvmlGpmSampleAlloc()
    nvmlGpmMigSampleGet(h, instance, a); time.sleep(0.1); nvmlGpmMigSampleGet(h, instance, b)
    get = c_nvmlGpmMetricsGet_t(); get.version = NVML_GPM_METRICS_GET_VERSION; get.numMetrics = 2
    get.sample1, get.sample2 = a, b; get.metrics[0].metricId, get.metrics[1].metricId = 1, 99
    nvmlGpmMetricsGet(get); rows.append([round(get.metrics[0].value, 6), get.metrics[0].nvmlReturn, get.metrics[1].nvmlReturn])
    nvmlGpmSampleFree(a); nvmlGpmSampleFree(b)
out(rows)
""")
    assert modes == [[1, 1], 7]
    assert parts == [["1", 1, 3, 40192 * MIB, 1], ["2", 2, 2, 20096 * MIB, 1], ["3", 3, 1, 9984 * MIB, 1]]
    assert activity == [[80, 0, 3], [0, 0, 3], [50, 0, 3]]


def test_nvidia_ml_py_meets_faults(tmp_path):
    driver = from_file(tmp_path, "no_permission_on_one_of_eight", 5)
    (answers,) = ask(driver, "pynvml", """
from pynvml import *
nvmlInit(); answers = []
for i in range(8):
    try: answers.append(nvmlDeviceGetPowerUsage(nvmlDeviceGetHandleByIndex(i)))
    except NVMLError as error: answers.append([type(error).__name__, str(error)])
out(answers)
""")
    assert answers[3] == ["NVMLError_NoPermission", "Insufficient Permissions"]
    assert answers[:3] + answers[4:] == [50000, 51000, 52000, 54000, 55000, 56000, 57000]


def test_nvidia_ml_py_meets_an_old_driver(tmp_path):
    """Functions that are left out are missing as the linker misses them."""
    driver = from_file(tmp_path, "old_driver", 5)
    driver.scenario.write_text(driver.scenario.read_text().replace(" nvmlInitWithFlags", ""))
    found, = ask(driver, "pynvml", """
from pynvml import *
nvmlInit(); h = nvmlDeviceGetHandleByIndex(0); found = []
for f in (lambda: nvmlDeviceGetComputeRunningProcesses_v3(h), lambda: nvmlDeviceGetTotalEnergyConsumption(h),
          lambda: nvmlDeviceGetPowerUsage(h)):
    try: found.append(f())
    except NVMLError as error: found.append(type(error).__name__)
out(found)
""")
    assert found == ["NVMLError_FunctionNotFound", "NVMLError_FunctionNotFound", 30_000 + 50_000]


@pytest.fixture
def loads():
    """Two processes that live as long as the test."""
    made = [subprocess.Popen(["sleep", "300"]) for _ in range(2)]  # pylint: disable=consider-using-with
    yield made
    for process in made:
        process.kill()
        process.wait()


@pytest.mark.parametrize("head", ["", "stride 3 32\nabsent nvmlDeviceGetRunningProcessDetailList\n"])
def test_nvitop_reads_processes_of_both_strides(tmp_path, loads, head):
    """nvitop knows the rows of 32 bytes of drivers of the 535.54 time by the functions that these have."""
    driver = lib_nvml.driver_or_skip(tmp_path, head + TWO_LIVE, 10)
    one, two = loads
    driver.write_pids(one={"pid": one.pid}, two={"pid": two.pid})
    device, rows = ask(driver, "nvitop", """
from nvitop import Device
d = Device(0)
out([d.name(), d.uuid(), d.gpu_utilization(), d.power_usage(), d.power_limit(), d.temperature(), d.fan_speed(),
     d.memory_total()])
d.processes(); time.sleep(0.6)
out(sorted([p.pid, p.gpu_sm_utilization(), p.gpu_memory()] for p in d.processes().values()))
""")
    assert device == ["NVIDIA L40S", "GPU-aaaaaaaa-0000-0000-0000-000000000001", 90, 220_000, 350_000, 61, 42,
                          46068 * MIB]
    assert [[pid, memory] for pid, _, memory in rows] == [[one.pid, 1024 * MIB], [two.pid, 2048 * MIB]]
    assert [sm for _, sm, _ in rows] == [30, 60]


def test_nvtop_shows_the_scenario(tmp_path, loads):
    nvtop = lib_nvml.nvtop_or_skip()
    driver = lib_nvml.driver_or_skip(tmp_path / "world", TWO_LIVE, 10)
    env = {**driver.env(), "TERM": "xterm", "LANG": "C.UTF-8", "HOME": str(tmp_path)}
    one, two = loads
    driver.write_pids(one={"pid": one.pid}, two={"pid": two.pid})
    with lib_cli.Screen([nvtop, "-C", "-c", str(pathlib.Path(tmp_path) / "rc")], env, 160, 40) as screen:
        text = screen.wait_for(" 60%")
    assert "NVIDIA L40S" in text and "POW 220 / 350 W" in text and "TEMP  61" in text and "FAN  42%" in text
    rows = {int(line.split()[0]): line for line in text.splitlines() if line.strip()[:1].isdigit() and "Compute" in line}
    assert "30%" in rows[one.pid] and "1024MiB" in rows[one.pid]
    assert "60%" in rows[two.pid] and "2048MiB" in rows[two.pid]


@pytest.mark.long
def test_nvidia_ml_py_energy_over_seconds(tmp_path):
    """Energy between two reads by a stranger is the truth's, within a period of the counter."""
    driver = from_file(tmp_path, "counter_100ms", 0.2)
    readings, = ask(driver, "pynvml", """
from pynvml import *
nvmlInit(); h = nvmlDeviceGetHandleByIndex(0); a, ta = nvmlDeviceGetTotalEnergyConsumption(h), time.monotonic()
time.sleep(20); out([a, ta, nvmlDeviceGetTotalEnergyConsumption(h), time.monotonic()])
""")
    a_mj, a_s, b_mj, b_s = readings
    truth_j = driver.truth(a_s - driver.start_s, b_s - driver.start_s)["devices"][0]["energy_j"]
    assert (b_mj - a_mj) / 1000 == pytest.approx(truth_j, abs=0.1 * 360)


if os.environ.get("ECO_CLIENTS_REQUIRED"):  # where they must be there, a skip is a failure
    def test_clients_are_here():
        assert lib_nvml.nvtop_or_skip() and lib_nvml.site_or_skip("pynvml") is not None
