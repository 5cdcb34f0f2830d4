# SPDX-License-Identifier: MIT
"""`bench`: two loads of known energy on the simulated machine, and what may go wrong."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import lib_ecocode
import lib_schema
import lib_sim


def bench(machine, env, *words):
    """Forty blocks of two loads take a while where other programs run."""
    return subprocess.run(machine.argv([lib_ecocode.binary(), "bench", *words]), env=env, text=True,
                          capture_output=True, timeout=300)


def busy(seconds):
    """A load of so much CPU time, however long that takes beside others."""
    return f"{lib_sim.LOAD} --out /dev/null storm 1 {round(seconds * 1000)}"


def plain(env, *words, **options):
    return subprocess.run([lib_ecocode.binary(), "bench", *words], env=env, text=True, capture_output=True, timeout=60,
                          **options)


def judgement(text):
    result = lib_schema.read(text)
    assert result["schema"] == "ecocode.bench/1"
    return result, result["comparisons"][0]


IDLE = {"ECOCODE_IDLE_POWER": f"package-0={lib_sim.IDLE_W}W,dram-0={lib_sim.DRAM_IDLE_W}W"}


def test_finds_which_of_two_loads_uses_more(machine, home, tmp_path):
    """Own energy is k times CPU time, so the ratio is that of the CPU times."""
    result = bench(machine, home | IDLE, "-r", "6", "-N", busy(0.15), busy(0.18), "--json", "--export-markdown",
                   tmp_path / "out.md", "--export-json", tmp_path / "out.json")
    assert result.returncode == 0, result.stderr
    whole, pair = judgement(result.stdout)
    assert pair["verdict"] == "more" and pair["by"] == "own", pair
    assert pair["own"]["low_ratio"] - 0.01 < 1.2 < pair["own"]["high_ratio"] + 0.01, pair  # to start takes CPU time too
    assert whole["baseline_s"] == 0 and whole["idle_method"] == "given" and whole["end"] == "asked"
    for command, seconds in zip(whole["commands"], (0.15, 0.18)):
        figure = command["own"]
        assert figure["low_j"] < (lib_sim.K_J + lib_sim.DRAM_K_J) * seconds < figure["high_j"]
        assert [m["place"] for m in command["measurements"]].count(1) == 3  # each comes first as often
    assert f"| {pair['verdict']} |" in (tmp_path / "out.md").read_text()
    assert (tmp_path / "out.json").read_text() == result.stdout
    # nothing of all this is in the history
    assert not list((tmp_path / "home" / "state" / "ecocode").glob("runs/*"))


@pytest.mark.long
def test_learns_the_idle_power_first_where_it_is_not_known(machine, home):
    """Other programs on this machine may keep it from being quiet: then it says so, and compares with idle."""
    result = bench(machine, home, "-r", "1", "-N", busy(0.2))
    assert result.returncode == 0, result.stderr
    assert "learnt from 3 s of quiet" in result.stdout or "left no quiet moment" in result.stdout


def test_short_commands_are_repeated_in_one_measurement(home):
    result = plain(home, "-r", "1", "-N", "true", "--json")
    assert result.returncode == 0, result.stderr
    command = lib_schema.read(result.stdout)["commands"][0]
    assert command["executions_per_measurement"] > 1
    assert 0.0001 < command["duration_s"] < 0.1  # a program was started: what a shell does itself takes microseconds


@pytest.mark.parametrize("words, said", [
    (["false"], "failed with status 1"),
    (["-N", "/nosuch/program"], "could not be measured"),
    (["echo why >&2; exit 3"], "failed with status 3: why"),
    (["kill -9 $$"], "died of signal 9"),
    ([], "which command?"),
    (["-r", "5", "true", "true"], "-r 6 at least"),
    (["-N", "a 'b"], "a quote has no end"),
    (["true", "--margin", "0.02"], "not a percentage"),
    (["-n", "x", "-n", "y", "true"], "more names"),
    (["true", "-r1", "--export-json", "/nosuch/file"], "/nosuch/file"),
])
def test_what_is_wrong_is_said_in_one_line(home, words, said):
    result = plain(home, *words)
    assert result.returncode == 2
    assert said in result.stderr and result.stderr.count("\n") == 1, result.stderr


def test_failure_may_be_ignored(home):
    result = plain(home, "-i", "-r", "1", "false", "--json")
    assert result.returncode == 0, result.stderr
    assert lib_schema.read(result.stdout)["commands"][0]["failures"] == 1


@pytest.fixture
def scratch():
    """A folder for TMPDIR whose name is short enough for bench to put its own there."""
    with tempfile.TemporaryDirectory(prefix="eco-") as folder:
        yield pathlib.Path(folder)


def test_ctrl_c_shows_what_is_there_and_dies_of_it(home, scratch):
    """The signal reaches bench alone; the command that runs is ended, the folder is gone."""
    env = {**home, "TMPDIR": str(scratch)}
    process = subprocess.Popen([lib_ecocode.binary(), "bench", "sleep 0.3", "sleep 0.3"], env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.6)
    assert list(scratch.glob("ecocode-bench-*"))
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == -signal.SIGINT, err
    assert "then interrupted" in out and "erdict" in out
    assert not list(scratch.glob("ecocode-bench-*"))


def test_ctrl_c_during_the_first_run_says_null(home, scratch):
    """No block, no idle power, no quality: nothing of these is known."""
    env = {**home, "TMPDIR": str(scratch)}
    process = subprocess.Popen([lib_ecocode.binary(), "bench", "--json", "sleep 30", "sleep 30"], env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while not list(scratch.glob("ecocode-bench-*/said.txt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT, err
    result, pair = judgement(out)
    assert result["end"] == "interrupted" and result["blocks"] == 0 and result["level"] == 0.99
    assert result["quality"] is None and result["idle_power_w"] is None and result["idle_method"] == "none"
    assert pair["verdict"] is None and pair["time_ratio"] is None and not result["commands"][0]["measurements"]


# Stands for `ecocode run` beside a copy of the program that calls it: each command is a folder of reports, taken in turn.
STAND_IN = """#!/bin/sh
[ "$1" = run ] || exit 0
while [ "$1" != -o ]; do shift; done
out=$2
for folder; do :; done
n=$(cat "$folder/n" 2> /dev/null || echo 0)
echo $((n + 1)) > "$folder/n"
cp "$folder/$((n % 8)).json" "$out"
"""
NOISE = (0.3, -1.1, 0.8, 0.1, -0.4, 1.2, -0.7, 0.5)


@pytest.fixture
def stand_in(home, tmp_path):
    """Bench of commands whose reports are known: name -> energy relative to 30 J, noise, what else differs."""
    shutil.copy(pathlib.Path(lib_ecocode.binary()).parent / "ecocode-history", tmp_path / "ecocode-history")
    (tmp_path / "ecocode").write_text(STAND_IN)
    (tmp_path / "ecocode").chmod(0o755)

    def run(*words, noise=0.01, changes=None, **commands):
        for name, factor in commands.items():
            (tmp_path / name).mkdir(exist_ok=True)
            for i, one in enumerate(NOISE if name != "B" else NOISE[3:] + NOISE[:3]):
                own = 30 * factor * (1 + noise * one)
                energy = {"job_j": own, "machine_j": 60.0, "others_j": 1.0, "idle_j": 20.0, "quality": "measured",
                          "by_policy_j": {"active": own, "full": own + 20}, "uncertainty": {
                              "job_low_j": 0.9 * own, "job_high_j": 1.1 * own, "components_j": {"idle": 0.3}}}
                report = {"schema": "ecocode.run/1", "run_id": f"{i:032x}", "duration_s": 1.0, "policy": "active",
                          "started_at": f"2026-11-22T10:00:0{i}.000Z", "exit": {"code": 0, "signal": None},
                          "idle_basis": {"method": "given", "power_w": {"package-0": 20.0}}, "energy": energy,
                          "domains": [{"name": "package-0", "counted": True, "job_j": own,
                                       "sources": [{"source": "powercap"}]}]}
                (changes or (lambda _: None))(report)
                (tmp_path / name / f"{i}.json").write_text(json.dumps(report))
        done = subprocess.run([tmp_path / "ecocode-history", "bench", "--json", "-N", *words,
                               *(str(tmp_path / name) for name in commands)],
                              env=home, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return lib_schema.read(done.stdout)

    return run


def test_json_of_every_end_and_verdict(stand_in):
    more = stand_in(A=1.0, B=1.1)
    assert more["end"] == "decided" and more["blocks"] == 8 and more["comparisons"][0]["verdict"] == "more"
    assert more["quality"] == "measured" and more["idle_power_w"] == 20 and more["others_ratio"] == 0.025
    lib_schema.assert_refused(more)
    assert stand_in(A=1.0, B=0.9)["comparisons"][0]["verdict"] == "less"
    assert stand_in(A=1.0, B=1.0, noise=0.001)["comparisons"][0]["verdict"] == "equivalent"
    open_ = stand_in(A=1.0, B=1.0, noise=0.3)
    assert open_["end"] == "last_look" and open_["blocks"] == 40 and open_["comparisons"][0]["verdict"] == "undecided"
    three = stand_in("-r", "7", "-n", "a\nb", A=1.0, B=1.1, C=0.9)
    assert three["end"] == "asked" and [pair["b"] for pair in three["comparisons"]] == ["B", "C"]
    alone = stand_in("-r", "2", A=1.0)
    assert alone["comparisons"] == [] and alone["commands"][0]["own"]["chance_low_j"] is None


def unknown_idle(report):
    report["energy"]["by_policy_j"]["active"] = None
    report |= {"policy": "full", "idle_basis": {"method": "none", "power_w": {}}}


def unknown_energy(report):
    unknown_idle(report)
    report["energy"] |= dict.fromkeys(("job_j", "machine_j", "others_j", "idle_j", "quality"))
    report["energy"]["by_policy_j"]["full"] = None
    report |= {"started_at": None, "duration_s": None}


def test_json_says_null_of_what_is_not_known(stand_in):
    """Never 0: without idle power, without any energy, without the report's own interval; a model is called one."""
    idle = stand_in(A=1.0, B=1.3, changes=unknown_idle)
    pair = idle["comparisons"][0]
    assert pair["by"] == "with_idle" and pair["verdict"] == "more" and pair["own"]["verdict"] is None
    assert idle["idle_power_w"] is None and idle["idle_method"] == "none" and idle["baseline_s"] == 3
    assert idle["commands"][0]["own"] == dict.fromkeys(idle["commands"][0]["own"])
    nothing = stand_in("-r", "8", A=1.0, B=1.3, changes=unknown_energy)
    assert nothing["quality"] is None and nothing["others_ratio"] is None and nothing["comparisons"][0]["verdict"] is None
    assert nothing["comparisons"][0]["time_ratio"] is None and nothing["commands"][1]["duration_s"] is None
    assert nothing["commands"][1]["measurements"][0]["started_at"] is None
    bounds = stand_in(A=1.0, B=1.3, changes=lambda report: report["energy"]["uncertainty"].update(job_low_j=None))
    own = bounds["commands"][0]["own"]
    assert own["energy_j"] > 29 and own["low_j"] is None and own["chance_low_j"] > 29
    model = stand_in(A=1.0, B=1.3, changes=lambda report: report["energy"].update(quality="estimated"))
    assert model["quality"] == "estimated"


def test_configuration_does_not_take_the_report_elsewhere(home, tmp_path):
    env = {**home, "ECOCODE_OUTPUT": str(tmp_path / "user.json"), "ECOCODE_FORMAT": "csv", "ECOCODE_APPEND": "yes"}
    result = plain(env, "-r", "1", "true", "--json")
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "user.json").exists()


def test_output_of_commands(home):
    quiet = plain(home, "-r", "1", "sleep 0.3; echo OUT; echo ERR >&2")
    assert "OUT" not in quiet.stderr + quiet.stdout.replace("echo OUT", "")
    loud = plain(home, "-r", "1", "--show-output", "sleep 0.3; echo OUT; echo ERR >&2", "--json")
    assert loud.stderr.count("OUT") == 2 and loud.stderr.count("ERR") == 2  # the discarded run and the one
    lib_schema.read(loud.stdout)


REPETITIONS = int(os.environ.get("ECO_BENCH_REPETITIONS", "34"))


@pytest.mark.long
@pytest.mark.parametrize("ratio, verdict", [(1.00, "equivalent"), (1.02, "more"), (1.10, "more")])
def test_verdicts_and_intervals_on_loads_of_known_energy(machine, home, tmp_path, ratio, verdict):
    """Right verdicts; the interval covers the truth in 90 of 100, false positives stay below 5 of 100.

    The truth is the ratio of CPU times: what the loads were told to take, and what starting one costs.
    """
    used = machine.run([lib_ecocode.binary(), "run", "-q", "--no-record", "-o", tmp_path / "one.json", "--",
                        *busy(0.2).split()], env=home)
    assert used.returncode == 0, used.stderr
    start_s = lib_ecocode.read_json(tmp_path / "one.json")["usage"]["cpu_s"] - 0.2
    assert 0 < start_s < 0.02
    truth = (0.2 * ratio + start_s) / (0.2 + start_s)
    right = wrong = covered = 0
    for _ in range(REPETITIONS):
        result = bench(machine, home | IDLE, "-N", busy(0.2), busy(0.2 * ratio), "--json")
        assert result.returncode == 0, result.stderr
        _, pair = judgement(result.stdout)
        right += pair["verdict"] == verdict
        wrong += pair["verdict"] in {"less", "more"} - {verdict}
        covered += pair["own"]["low_ratio"] <= truth <= pair["own"]["high_ratio"]
    print(f"ratio {ratio}: covered {covered}, wrong {wrong}, right {right} of {REPETITIONS}")
    assert covered >= 0.9 * REPETITIONS
    assert wrong <= max(1, 0.05 * REPETITIONS)
    assert right >= 0.9 * REPETITIONS


@pytest.mark.long
@pytest.mark.parametrize("a, b, never", [(0.2, 0.22, "less"), (0.22, 0.2, "more")])
def test_a_noisy_neighbour_does_not_flip_it(machine, home, a, b, never):
    """Bursts of another program's load, and idle power that varies by 3 %."""
    machine.control("noise 0.03")
    neighbour = subprocess.Popen(["sh", "-c", f"while :; do {lib_sim.LOAD} --out /dev/null busy 0.3; sleep 0.7; done"],
                                 start_new_session=True)
    try:
        for _ in range(3):
            result = bench(machine, home | IDLE, "-N", busy(a), busy(b), "--json")
            _, pair = judgement(result.stdout)
            assert pair["verdict"] != never
            low, high = pair["own"]["low_ratio"], pair["own"]["high_ratio"]
            assert low - 0.001 <= b / a <= high + 0.001, json.dumps(pair)  # starting it takes CPU time as well
    finally:
        os.killpg(neighbour.pid, signal.SIGKILL)
        neighbour.wait()
        machine.control("noise 0")
