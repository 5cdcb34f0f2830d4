# SPDX-License-Identifier: MIT
"""Phases, progress and what the whole takes, as a job tells them; and marks that nobody hears."""
import os
import shutil
import socket
import subprocess
import time

import pytest

import lib_sim
from lib_cli import call, one_line
from lib_ecocode import check_report, read_json, read_lines

GIVEN = ["--idle-power", "package-0=20W,dram-0=2W", "--no-idle-tail"]


def measure(ecocode, home, tmp_path, script, *options):
    out, lines = tmp_path / "out.json", tmp_path / "out.jsonl"
    done = call(ecocode, home, "run", "-q", "-o", str(out), "-o", str(lines), *options, "sh", "-c", script)
    assert done.returncode == 0, done
    report = read_json(out)
    check_report(report)
    return report, [line for line in read_lines(lines) if line["type"] == "frame"], done.stderr


def check_phases(report):
    """They add up to the whole, in joules, CPU seconds and time."""
    phases = report["phases"]
    for key in ("job_j", "others_j", "idle_j", "machine_j"):
        assert sum(p["energy"][key] or 0 for p in phases) == pytest.approx(report["energy"][key], rel=1e-6, abs=1e-6), key
    assert sum(p["energy"]["by_policy_j"]["full"] or 0 for p in phases) == pytest.approx(report["energy"]["by_policy_j"]["full"])
    assert sum(p["usage"]["cpu_s"] for p in phases) == pytest.approx(report["usage"]["cpu_s"], rel=0.01, abs=0.002)
    assert sum(p["duration_s"] for p in phases) == pytest.approx(report["duration_s"], abs=0.05)


def test_phases_add_up(ecocode, home, tmp_path):
    report, frames, said = measure(
        ecocode, home, tmp_path,
        f"{ecocode} mark load; sleep 0.15; {ecocode} mark work; sleep 0.15; {ecocode} mark load; sleep 0.1")
    assert said == ""
    check_phases(report)
    assert [(p["name"], p["count"]) for p in report["phases"]] == [("(start)", 1), ("load", 2), ("work", 1)]
    times = {p["name"]: p["duration_s"] for p in report["phases"]}
    assert times["load"] > 0.24 and 0.14 < times["work"] < 0.3
    assert report["progress"] is None and report["prediction"] is None
    assert frames[-1]["phase"] == "load"


def test_without_marks_nothing_is_told(ecocode, home, tmp_path):
    report, frames, _ = measure(ecocode, home, tmp_path, "sleep 0.05")
    assert (report["phases"], report["budgets"], report["progress"], report["prediction"]) == ([], [], None, None)
    assert "phase" not in frames[-1] and "prediction" not in frames[-1]


def test_phases_of_known_energy(ecocode, machine, home, tmp_path):
    """On the simulated machine: 30 J per CPU second in the busy phase, nearly nothing in the quiet one."""
    out = tmp_path / "out.json"
    script = f"{ecocode} mark quiet; sleep 0.4; {ecocode} mark busy; {lib_sim.LOAD} --out /dev/null busy 0.6"
    done = machine.run([ecocode, "run", "-q", "-o", out, *GIVEN, "sh", "-c", script], env=home)
    assert done.returncode == 0, done.stderr
    report = read_json(out)
    check_report(report)
    check_phases(report)
    phases = {p["name"]: p for p in report["phases"]}
    truth = 33 * phases["busy"]["usage"]["cpu_s"]
    assert phases["busy"]["energy"]["job_j"] == pytest.approx(truth, rel=0.05)
    assert phases["quiet"]["energy"]["job_j"] < 0.1 * truth


def test_progress_tells_the_whole(ecocode, home, tmp_path):
    script = f"for i in 0 1 2 3 4; do {ecocode} mark epoch $i/10; sleep 0.12; done"
    report, frames, _ = measure(ecocode, home, tmp_path, script)
    whole = report["prediction"]
    assert report["progress"] == {"name": "epoch", "done": 4, "total": 10}
    assert whole["basis"] == "progress" and whole["done_ratio"] == pytest.approx(0.4)
    per_part = whole["duration_s"] / 10
    assert 0.12 < per_part < 0.25
    assert whole["job_low_j"] < whole["job_j"] < whole["job_high_j"]
    assert report["impact"]["prediction"]["energy_it_kwh"] == pytest.approx(whole["job_j"] / 3.6e6)
    assert any(frame.get("prediction") for frame in frames[:-1]), "not told while it ran"


@pytest.mark.parametrize("options,basis", [(["--per", "epoch=10"], "per"), (["--expect", "10s"], "expect")])
def test_other_ways_to_know_the_whole(ecocode, home, tmp_path, options, basis):
    marks = f"{ecocode} mark epoch; " if basis == "per" else ""
    script = f"for i in 1 2 3; do {marks}sleep 0.12; done"
    report, _, _ = measure(ecocode, home, tmp_path, script, "--interval", "100ms", *options)
    whole = report["prediction"]
    assert whole["basis"] == basis
    assert whole["job_j"] > 1.5 * report["energy"]["job_j"]


def test_the_report_for_people(ecocode, home):
    script = f"{ecocode} mark 'a phase' 1/4; sleep 0.1; {ecocode} mark 'a phase' 2/4; sleep 0.1; {ecocode} mark rest"
    done = call(ecocode, home, "run", "sh", "-c", script)
    lines = done.stderr.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("   phase "))
    assert any(line.startswith("   a phase ") and "2 times" in line for line in lines[head:]), done.stderr
    assert "50 % was done: the whole takes" in done.stderr
    assert max(map(len, lines)) <= 79


def test_another_user_is_heard(ecocode, home, tmp_path):
    if os.geteuid() != 0 or not shutil.which("su"):
        pytest.skip("needs root")
    out = tmp_path / "out.json"
    program = tmp_path / "ecocode"
    shutil.copy(ecocode, program)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    done = call(ecocode, home, "run", "-q", "-o", str(out), "-u", "nobody", str(program), "mark", "mine")
    assert done.returncode == 0 and done.stderr == "", done
    assert [p["name"] for p in read_json(out)["phases"]] == ["(start)", "mine"]


def test_strangers_are_not_heard(ecocode, home, tmp_path):
    """The socket's name can be read by everybody; who sends is told by the kernel."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    ready, out = tmp_path / "ready", tmp_path / "out.json"
    words = [ecocode, "run", "-q", "-o", str(out), "sh", "-c", f"echo $ECOCODE_RUN > {ready}; sleep 0.6"]
    with subprocess.Popen(words, env=home) as process:
        while not ready.exists() or not ready.read_text().strip():
            time.sleep(0.02)
        address = "\0ecocode/run/" + ready.read_text().strip()
        send = f"import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'ecocode.mark/1 0 0 0 %s', {address!r})"
        subprocess.run(["/usr/bin/python3", "-c", send % "evil"], user=65534, check=True)
        subprocess.run(["/usr/bin/python3", "-c", send % "good"], check=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            for junk in (b"", b"x" * 5000, b"ecocode.mark/1 0 9 3 x", b"ecocode.mark/1 0 0 0 \x1b[31m"):
                own.sendto(junk, address)
    assert process.returncode == 0
    assert [p["name"] for p in read_json(out)["phases"]] == ["(start)", "good"]


@pytest.mark.parametrize("run_id", [None, "", "x", "0" * 32, "../../etc/passwd"])
def test_marks_that_nobody_hears_harm_nothing(ecocode, home, run_id):
    env = dict(home) if run_id is None else dict(home, ECOCODE_RUN=run_id)
    begun = time.monotonic()
    done = call(ecocode, env, "mark", "epoch", "3/20")
    assert done.returncode == 0 and done.stdout == ""
    assert "mark: " in one_line(done.stderr)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("words", [[], ["a", "b"], ["a", "3/2"], ["a", "1/2", "c"], [""], ["x" * 64], ["a\nb"], ["(start)"]])
def test_misuse_is_told(ecocode, home, words):
    done = call(ecocode, home, "mark", *words)
    assert done.returncode == 2 and done.stdout == ""
    one_line(done.stderr)


def test_a_job_that_marks_all_the_time(ecocode, home, tmp_path):
    """Looks are limited, nothing is lost, and the job is not kept."""
    script = ("import os, socket\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
              "a = '\\0ecocode/run/' + os.environ['ECOCODE_RUN']\n"
              "for i in range(5000):\n    s.sendto(b'ecocode.mark/1 0 0 0 phase %d' % (i % 100), a)\n")
    out = tmp_path / "out.json"
    done = call(ecocode, home, "run", "-q", "-o", str(out), "/usr/bin/python3", "-c", script)
    assert done.returncode == 0, done
    report = read_json(out)
    check_phases(report)
    assert len(report["phases"]) == 64 and sum(p["count"] for p in report["phases"]) == 5001


def test_killed_measurer_does_not_keep_mark(ecocode, home):
    script = f"kill -9 $(pgrep -P $PPID -x ecocode); sleep 0.3; {ecocode} mark a; echo $?"
    done = call(ecocode, home, "run", "-q", "sh", "-c", script)
    assert done.stdout == "0\n", done
    assert "mark: the run is not heard from here" in done.stderr


def test_history_shows_it_again(ecocode, home):
    """The lines of phases, of the whole and of budgets are those that were printed."""
    script = f"{ecocode} mark load 1/4; sleep 0.1; {ecocode} mark load 2/4; sleep 0.1; {ecocode} mark rest"
    printed = call(ecocode, home, "run", "--budget", "1mJ", "--budget", "2Wh", "sh", "-c", script).stderr
    shown = call(ecocode, home, "history", "show", "last")
    if "is not installed" in shown.stderr:
        pytest.skip("ecocode-history was not built")
    begins = ("   load ", "   rest ", "   50 % was done", "   Budget of 1mJ exceeded", "   Budget of 2Wh")
    lines = [line for line in printed.splitlines() if line.startswith(begins)]
    assert len(lines) == len(begins), printed
    assert [line for line in shown.stdout.splitlines() if line.startswith(begins)] == lines
