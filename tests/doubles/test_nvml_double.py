# SPDX-License-Identifier: MIT
"""The simulated NVIDIA driver: every hazard that a scenario names shows itself to a plain client."""
import json
import os
import signal
import struct
import subprocess
import time

import pytest

import lib_nvml

OK, UNINITIALIZED, INVALID, NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND, INSUFFICIENT = 0, 1, 2, 3, 4, 6, 7
DRIVER_NOT_LOADED, FUNCTION_NOT_FOUND, LOST, MISMATCH, VERSION = 9, 13, 15, 18, 25


@pytest.fixture
def start(tmp_path):
    """start(scenario name, at_s): a driver whose scenario began at_s seconds ago."""
    def begin(name, at_s=0.0):
        return lib_nvml.driver_or_skip(tmp_path / name, lib_nvml.scenario(name), at_s)
    return begin


def device_j(driver, t0_s, t1_s, index=0):
    return driver.truth(t0_s, t1_s)["devices"][index]["energy_j"]


@pytest.mark.parametrize("name, period_s", [("counter_20ms", 0.02), ("counter_100ms", 0.1)])
def test_counter_is_the_integral_of_the_truth(start, name, period_s):
    driver = start(name, at_s=0.5)
    reads = driver.ask("nv.begin(0)\nfor i in range(400):\n t = time.monotonic(); e = nv.energy();"
                       " out([t, *e, time.monotonic()]); time.sleep(0.005)")
    assert all(code == OK for _, code, _, _ in reads)
    assert len({mj for _, _, mj, _ in reads}) <= (reads[-1][3] - reads[0][0]) / period_s + 2, "it moves once a period"
    for before_s, _, mj, after_s in reads[::40]:
        seen_j = (mj - 123456789) / 1000
        assert seen_j >= device_j(driver, 0, before_s - driver.start_s - period_s) - 0.002
        assert seen_j <= device_j(driver, 0, after_s - driver.start_s) + 0.002


def test_energy_not_supported(start):
    driver = start("energy_not_supported", at_s=2)
    energy, (code, fields), power = driver.ask(
        "nv.begin(0); out(nv.energy()); out(nv.fields(0, 83, 191, 185, 186)); out(nv.u32('nvmlDeviceGetPowerUsage'))")
    assert energy[0] == NOT_SUPPORTED
    assert code == OK and [f["code"] for f in fields] == [NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED, OK]
    assert 199_000 < fields[3]["value"] <= power[1] <= 250_000


def test_energy_field_not_supported(start):
    energy, (_, fields) = start("energy_field_not_supported", 1).ask(
        "nv.begin(0); out(nv.energy()); out(nv.fields(0, 83, 186, 999))")
    assert energy[0] == OK and [f["code"] for f in fields] == [NOT_SUPPORTED, OK, NOT_SUPPORTED]


def test_power_is_one_second_mean_on_ampere(start):
    driver = start("power_is_one_second_mean", at_s=1.9)
    rows = driver.ask("nv.begin(0)\nfor i in range(30):\n out([time.monotonic(), nv.u32('nvmlDeviceGetPowerUsage')[1],"
                      " *[f['value'] for f in nv.fields(0, 185, 186)[1]], time.monotonic()]); time.sleep(0.05)")
    for before_s, usage, mean, instant, after_s in rows:
        # a change of power is seen up to 20 ms late
        low, high = (40_000 + 260_000 * min(max(t - driver.start_s - 2, 0), 1) for t in (before_s - 0.021, after_s))
        assert low <= usage <= mean <= high + 1
        assert instant == (300_000 if before_s - driver.start_s > 2.02 else 40_000) or low < high


def test_part_time_sensor_misses_what_hides(start):
    driver = start("part_time_sensor", at_s=2)
    (before, after) = driver.ask("nv.begin(0); out(nv.energy()[1]); time.sleep(0.3); out(nv.energy()[1])")
    truth = driver.truth(0, 0.5)["devices"][0]
    assert truth["energy_j"] == pytest.approx(50 + 70) and truth["sensor_j"] == pytest.approx(50)
    assert after - before >= 20_000 and (after - before) % 10_000 in (0, 1, 9_999), "100 W: steps of 10 J"


def test_counter_reset(start):
    driver = start("counter_reset")
    before, after = driver.ask("nv.begin(0); out(nv.energy()[1]); time.sleep(1.1); out(nv.energy()[1])")
    assert before > 123_000_000 and after < 1_000_000


def test_no_permission_on_one_of_eight(start):
    (codes, powers) = start("no_permission_on_one_of_eight", 1).ask(
        "out(nv.begin(*range(8))); out([nv.u32('nvmlDeviceGetPowerUsage', i)[1] for i in range(8) if i != 3])")
    assert codes == [OK, OK, OK, OK, NO_PERMISSION, OK, OK, OK, OK]
    assert powers == [50000, 51000, 52000, 54000, 55000, 56000, 57000]


def test_lost_gpu(start):
    before, after, others, count = start("lost_gpu").ask(
        "nv.begin(0, 1); out(nv.energy(1)[0]); time.sleep(1.1); out([nv.energy(1)[0], nv.util(0, 1)[0], nv.open(1)]);"
        "out(nv.energy(0)[0]); c = ctypes.c_uint32(); out([nv.call('nvmlDeviceGetCount_v2', ctypes.byref(c)), c.value])")
    assert before == OK and after == [LOST] * 3 and others == OK and count == [OK, 2]


def test_stale_utilisation_ring(start):
    driver = start("stale_utilisation_ring", at_s=3)
    whole, newest = driver.ask("nv.begin(0); r = nv.util(0); out(r); out(nv.util(r[1][0]['stamp_us']))")
    assert whole[0] == OK and whole[1][0]["pid"] == 1001
    assert 15 <= whole[1][0]["sm"] <= 30, "1 s of 90 % in a ring of 3 s"
    assert whole[1][0]["stamp_us"] < (time.time() - 1.9) * 1e6
    assert newest == [NOT_FOUND, []], "asked with the stamp there is nothing new"


def test_stale_ring_ignores_last_seen(start):
    now_us = int(time.time() * 1e6)
    code, rows = start("stale_ring_ignores_last_seen", 3).ask(f"nv.begin(0); out(nv.util({now_us}))")[0]
    assert code == OK and rows[0]["stamp_us"] < now_us


def test_garbage_utilisation(start):
    code, rows = start("garbage_utilisation", 2).ask("nv.begin(0); out(nv.util(0))")[0]
    assert code == OK
    assert {r["pid"]: r["sm"] for r in rows if r["pid"] != 1001} == {50554: 37100, 0: 0}
    assert sorted(r["sm"] for r in rows if r["pid"] == 1001) == [40, 77]


def test_utilisation_since_last_query_is_the_mean(start):
    """30 % and 60 %, as rows and as the versioned successor; the rows' windows follow each other."""
    answers = start("plain", 5).ask(
        "nv.begin(0)\nlast = 0\nfor i in range(4):\n r = nv.util(last); out([r, nv.util_info(last)]);"
        " last = max(x['stamp_us'] for x in r[1]); time.sleep(0.45)\nout(nv.util_info(0, 0, 64, 0x2000018)[0])")
    for util, info in answers[:-1]:
        assert {r["pid"]: (r["sm"], r["mem"], r["enc"]) for r in util[1]} == {1001: (30, 12, 0), 1002: (60, 25, 5)}
        assert {r["pid"]: r["sm"] for r in info[1]} == {1001: 30, 1002: 60}
    assert answers[-1] == VERSION


@pytest.mark.parametrize("name, stride", [("stride_32", 32), ("stride_16", 16)])
def test_rows_of_another_stride(start, name, stride):
    (code, count, text), v2 = start(name, 1).ask("nv.begin(0); out(nv.raw_list(0, 8));"
                                                 "out(nv.list(0, 8, 'nvmlDeviceGetComputeRunningProcesses_v2'))")
    data = bytes.fromhex(text)
    assert (code, count) == (OK, 3)
    assert [struct.unpack_from("<IxxxxQ", data, i * stride) for i in range(3)] == [
        (1001 + i, (i + 1) * 100 << 20) for i in range(3)]
    assert data[3 * stride:] == b"\xa5" * (len(data) - 3 * stride), "nothing is written behind the rows"
    assert [r["pid"] for r in v2[2]] == [1001, 1002, 1003]


def test_growing_list(start):
    size, full, again = start("growing_list", 1).ask(
        "nv.begin(0); s = nv.count(); out(s); out(nv.list(0, s[1])); out(nv.list(0, 2))")
    assert size == [INSUFFICIENT, 1] and full[:2] == [INSUFFICIENT, 2] and again[:2] == [OK, 2]


def test_container_pids(start):
    listed, used = start("container_pids", 2).ask("nv.begin(0); out(nv.list(0)[2]); out(nv.util(0)[1])")
    assert [r["pid"] for r in listed] == [17] and [r["pid"] for r in used] == [31001]


def test_mig(start):
    driver = start("mig", 2)
    util, listed, name, power, mine = driver.ask(
        "nv.begin(0); nv.mig(0, 2, 'part'); out([nv.util(0)[0], nv.u64('nvmlDeviceGetUtilizationRates')[0]]);"
        "out([[r['pid'], r['gi']] for r in nv.list(0)[2]]);"
        "b = ctypes.create_string_buffer(96); nv.call('nvmlDeviceGetName', nv.device['part'], b, 96); out(b.value.decode());"
        "out([nv.u32('nvmlDeviceGetPowerUsage', 'part')[0], nv.energy('part')[0], nv.energy(0)[0]]);"
        "out([r['pid'] for r in nv.list('part')[2]])")
    assert util == [NOT_SUPPORTED, NOT_SUPPORTED] and listed == [[1001, 1], [1002, 3]]
    assert name == "NVIDIA H100 80GB HBM3 MIG 1g.9gb" and power == [NOT_SUPPORTED, NOT_SUPPORTED, OK]
    assert mine == [1002]


def test_mps_clients_have_a_list_of_their_own(start):
    compute, clients, util = start("mps", 2).ask(
        "nv.begin(0); out([r['pid'] for r in nv.list(0)[2]]);"
        "out([r['pid'] for r in nv.list(0, 8, 'nvmlDeviceGetMPSComputeRunningProcesses_v3')[2]]);"
        "out(nv.u64('nvmlDeviceGetUtilizationRates')[1] & 0xffffffff)")
    assert compute == [1000] and clients == [1001, 1002] and util == 100


def test_grace_hopper_scopes(start):
    (_, fields), = start("grace_hopper", 2).ask("nv.begin(0); out(nv.fields(0, (186, 0), (186, 1), (185, 1), (186, 2)))")
    assert [f["code"] for f in fields] == [NOT_SUPPORTED, OK, OK, NOT_SUPPORTED]
    assert fields[1]["value"] == 180_000


def test_idle_context(start):
    powers = start("idle_context").ask(
        "nv.begin(0); out(nv.u32('nvmlDeviceGetPowerUsage')[1]); time.sleep(1.2); out(nv.u32('nvmlDeviceGetPowerUsage')[1])")
    assert powers == [20_000, 70_000]


def test_exits_within_interval(start):
    driver = start("exits_within_interval", 1.05)
    rows = driver.ask("nv.begin(0); out([nv.util(0)[1], [r['pid'] for r in nv.list(0)[2]]])")[0]
    truth = {p["pid"]: p["energy_j"] for p in driver.truth(0, 1)["processes"]}
    assert truth == {1001: pytest.approx(125), 1002: pytest.approx(75)}
    used = {r["pid"]: r["sm"] for r in rows[0]}
    assert list(used) == [1001, 1002], "who has ended is still told of"
    assert 50 / driver.now_s() - 1 <= used[1001] <= 50 and 30 <= used[1002] <= 100 - 70 / driver.now_s() + 1
    assert rows[1] == [1002]


def test_ten_short(start):
    driver = start("ten_short", 1.01)
    rows = driver.ask("nv.begin(0); out(nv.util(0)[1])")[0]
    assert len(rows) == 10 and all(10 / driver.now_s() - 1 <= r["sm"] <= 10 for r in rows) and len({r["stamp_us"] for r in rows}) == 10


def test_samples_integrate_to_the_truth(start):
    driver = start("ramp_and_steps", 4.5)
    code, rows = driver.ask("nv.begin(0); out(nv.samples())")[0]
    assert code == OK and len(rows) == 120
    steps = [b["stamp_us"] - a["stamp_us"] for a, b in zip(rows, rows[1:])]
    assert set(steps) <= {19_999, 20_000, 20_001}
    end_s = driver.now_s() - (time.time() - rows[-1]["stamp_us"] / 1e6)
    assert sum(r["value"] for r in rows) / 1000 * 0.02 == pytest.approx(device_j(driver, end_s - 2.4, end_s), rel=0.02)


def test_samples_since_the_last(start):
    first, second, none = start("ramp_and_steps", 4.5).ask(
        "nv.begin(0); a = nv.samples()[1]; time.sleep(0.1); last = a[-1]['stamp_us']; b = nv.samples(0, last)[1];"
        "out(last); out([x['stamp_us'] for x in b]); out(nv.samples(7)[0])")
    assert 4 <= len(second) <= 100 and min(second) > first and none == NOT_SUPPORTED


def test_slow_init(start):
    code, took_s = start("slow_init").ask("t = time.monotonic(); out(nv.call('nvmlInit_v2')); out(time.monotonic() - t)")
    assert code == OK and 2.0 <= took_s < 4.0


def test_hangs(start):
    driver = start("hangs")
    process = driver.start("nv.begin(0); out(nv.energy()[0]); time.sleep(1.1); out('last'); nv.energy()")
    assert process.stdout.readline() == "0\n" and process.stdout.readline() == '"last"\n'
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    assert driver.calls()["functions"]["nvmlDeviceGetTotalEnergyConsumption"]["calls"] == 2
    process.kill()
    process.communicate()


def test_hangs_in_a_read(tmp_path):
    """The place of a frozen file system is taken by a pipe that nobody writes to: the call is inside the kernel."""
    os.mkfifo(tmp_path / "frozen")
    driver = lib_nvml.driver_or_skip(tmp_path, f"device X\nfault -inf inf * nvmlInit* hang {tmp_path}/frozen\n")
    process = driver.start("out('here'); nv.begin()")
    try:
        assert process.stdout.readline() == '"here"\n'
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            assert "State:\tS" in status.read()
    finally:
        process.kill()
        process.communicate()


def test_crashes(start):
    process = start("crashes", 2).start("nv.begin(0); out('here'); nv.energy()")
    output, _ = process.communicate(timeout=10)
    assert output == '"here"\n' and process.returncode == -signal.SIGSEGV


def test_old_driver_lacks_functions(start):
    driver = start("old_driver", 1)
    there, listed, legacy = driver.ask(
        "out([n for n in ('nvmlInitWithFlags', 'nvmlDeviceGetComputeRunningProcesses_v3', 'nvmlDeviceGetFieldValues',"
        " 'nvmlInit_v2', 'nvmlDeviceGetComputeRunningProcesses') if nv.has(n)]);"
        "nv.begin(0); out(nv.raw_list(0, 2, 'nvmlDeviceGetComputeRunningProcesses')[:2]);"
        "out(nv.raw_list(0, 2, 'nvmlDeviceGetComputeRunningProcesses')[2][:64])")
    assert there == ["nvmlInit_v2", "nvmlDeviceGetComputeRunningProcesses"] and listed == [OK, 1]
    assert bytes.fromhex(legacy)[16:] == b"\xa5" * 16


def test_accounting_tells_of_who_has_ended(start):
    driver = start("accounting", 2)
    code, values = driver.ask("nv.begin(0); b = (ctypes.c_uint32 * 14)();"
                              "out([nv.call('nvmlDeviceGetAccountingStats', nv.device[0], 1001, b), list(b)])")[0]
    assert code == OK and values[:2] == [80, 20] and values[2] == 700 << 20 and values[4] == 1000 and values[8] == 0


@pytest.mark.parametrize("name, code", [("no_driver", DRIVER_NOT_LOADED), ("version_mismatch", MISMATCH)])
def test_init_fails(start, name, code):
    assert start(name).ask("out(nv.call('nvmlInit_v2')); c = ctypes.c_uint32();"
                           "out(nv.call('nvmlDeviceGetCount_v2', ctypes.byref(c)))") == [code, UNINITIALIZED]


def test_without_a_scenario_there_is_no_driver(start):
    assert start("plain").ask("out(nv.call('nvmlInit_v2'))", extra={"ECO_NVML_SCENARIO": "/no/such/file"}) == [999]


def test_spawned_load_and_two_clients_agree(start):
    """The pid comes later, by the control file; clients that began at different moments see one world."""
    driver = start("spawned_load", 1)
    code = "nv.begin(0)\nfor i in range(3):\n time.sleep(0.4); out([[r['pid'] for r in nv.list(0)[2]], nv.energy()[1]])"
    first = driver.start("nv.begin(0); out(nv.list(0)[2])\n" + code)
    assert first.stdout.readline() == "[]\n"
    begin_s = driver.now_s()
    driver.write_pids(load={"pid": os.getpid(), "start": begin_s, "end": begin_s + 30})
    second = driver.ask(code)
    output, _ = first.communicate(timeout=20)
    end_s = driver.now_s()
    for pids, _ in [json.loads(line) for line in output.splitlines()][-1:] + second:
        assert pids == [os.getpid()]
    truth_j = device_j(driver, 0, end_s)
    assert truth_j == pytest.approx(70 * end_s + 450 * (end_s - begin_s), rel=1e-6)
    assert 0 <= truth_j - (second[-1][1] - 123456789) / 1000 < 520 * 2


def test_calls_are_counted(start):
    driver = start("plain", 1)
    driver.ask("nv.begin(0); [nv.energy() for i in range(1000)]; nv.list(0)")
    counted = driver.calls(reset=True)
    assert counted["functions"]["nvmlDeviceGetTotalEnergyConsumption"]["calls"] == 1000
    assert counted["calls"] == 1003 and 0 < counted["cpu_ns"] < 1e9
    assert driver.calls()["calls"] == 0


def test_every_hazard_has_a_test(start):
    """A scenario nobody starts proves nothing."""
    here = open(__file__).read() + open(__file__.replace("double.py", "clients.py")).read()
    missing = [p.stem for p in lib_nvml.SCENARIOS.glob("*.txt") if f'"{p.stem}"' not in here]
    assert not missing
