# SPDX-License-Identifier: MIT
"""`bench`: two loads of known energy on the simulated machine, and what may go wrong."""
import json
import os
import signal
import subprocess
import time

import pytest

import lib_ecocode
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
    result = lib_ecocode.strict_json(text)
    assert result["schema"] == "ecocode.bench/1"
    return result, result["comparisons"][0]


IDLE = {"ECOCODE_IDLE_POWER": f"package-0={lib_sim.IDLE_W}W,dram-0={lib_sim.DRAM_IDLE_W}W"}


def test_finds_which_of_two_loads_uses_more(machine, home, tmp_path):
    """Own energy is k times CPU time, so the ratio is that of the CPU times."""
    result = bench(machine, home | IDLE, "-r", "6", "-N", busy(0.15), busy(0.18), "--json", "--export-markdown",
                   tmp_path / "out.md")
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
    command = lib_ecocode.strict_json(result.stdout)["commands"][0]
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
    assert lib_ecocode.strict_json(result.stdout)["commands"][0]["failures"] == 1


def test_ctrl_c_shows_what_is_there_and_dies_of_it(home, tmp_path):
    """The signal reaches bench alone; the command that runs is ended, the folder is gone."""
    env = {**home, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([lib_ecocode.binary(), "bench", "sleep 0.3", "sleep 0.3"], env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.6)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == -signal.SIGINT, err
    assert "then interrupted" in out and "erdict" in out
    assert not list(tmp_path.glob("ecocode-bench-*"))


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
    lib_ecocode.strict_json(loud.stdout)


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
