# SPDX-License-Identifier: MIT
"""Budgets: warn, fail and stop; also with a job that does not listen, and when the measurer dies."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from lib_cli import call, one_line
from lib_ecocode import check_report, read_json

BUSY = "while :; do :; done"
# A model's joules: some watts on any machine, so that a millijoule is gone at the first look.
EXCEEDED = ["--budget", "1mJ"]
NEVER = ["--budget", "1MWh"]


def run(ecocode, home, *words, **options):
    return call(ecocode, home, "run", "--interval", "50ms", *words, **options)


def budgets(path):
    report = read_json(path)
    check_report(report)
    return report["budgets"]


@pytest.mark.parametrize("action,status", [("warn", 0), ("fail", 122), ("stop", 122)])
def test_status_of_a_command_that_ends_well(ecocode, home, tmp_path, action, status):
    out = tmp_path / "out.json"
    done = run(ecocode, home, "-q", "-o", str(out), *EXCEEDED, *NEVER, "--budget-action", action, "sleep", "0.2")
    assert done.returncode == status, done
    first, second = budgets(out)
    assert first["exceeded"] and first["used"] > first["limit"] == 0.001 and first["unit"] == "J"
    assert first["ratio"] == pytest.approx(first["used"] / 0.001)
    assert first["used_low"] <= first["used"] <= first["used_high"] and first["action"] == action
    assert first["at_s"] > 0 and first["text"] == "1mJ"
    assert not second["exceeded"] and second["at_s"] is None
    assert "the budget of 1mJ is exceeded after" in one_line(done.stderr)


@pytest.mark.parametrize("action,status", [("warn", 0), ("fail", 0), ("stop", 0)])
def test_within_the_budget_nothing_is_said(ecocode, home, tmp_path, action, status):
    done = run(ecocode, home, "-q", *NEVER, "--budget-action", action, "sleep", "0.1")
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.parametrize("command,status", [("exit 3", 3), ("kill -USR1 $$", -signal.SIGUSR1)])
def test_fail_hides_no_other_failure(ecocode, home, command, status):
    done = run(ecocode, home, "-q", *EXCEEDED, "--budget-action", "fail", "sh", "-c", f"sleep 0.1; {command}")
    assert done.returncode == status, done


@pytest.mark.parametrize("place", [[], ["--no-cgroup"]], ids=["cgroup", "no cgroup"])
@pytest.mark.parametrize("heeds", [True, False])
def test_stop_ends_the_whole_job(ecocode, home, tmp_path, place, heeds):
    """The command, its child and an orphan; those that ignore the signal are killed after the grace."""
    trap = "" if heeds else "trap '' TERM; "
    pids, out = tmp_path / "pids", tmp_path / "out.json"
    script = (f"{trap}(sleep 60 & echo $! >> {pids}); sh -c '{trap}{BUSY}' & echo $! >> {pids}; echo $$ >> {pids}; "
              f"{BUSY}")
    grace = ["--budget-grace", "10s" if heeds else "300ms"]
    begun = time.monotonic()
    done = run(ecocode, home, "-q", "-o", str(out), *place, *grace, *EXCEEDED, "--budget-action", "stop", "sh", "-c", script)
    assert done.returncode == 122, done
    assert time.monotonic() - begun < 8, "the job was not told to end"
    assert "the command is told to end" in done.stderr
    report = read_json(out)
    assert report["budgets"][0]["stopped"]
    assert report["exit"]["signal"] == (signal.SIGTERM if heeds else signal.SIGKILL)
    numbers = [int(word) for word in pids.read_text().split()]
    assert len(numbers) == 3
    for pid in numbers:
        assert not is_alive(pid), f"{pid} still runs"


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_stop_spares_who_is_not_of_the_job(ecocode, home):
    """A background job of the shell that became ecocode: a child of ours, and none of ours."""
    line = f"sleep 30 > /dev/null 2>&1 & echo $!; exec {ecocode} run -q --no-cgroup --interval 50ms --budget 1mJ --budget-action stop sleep 30"
    done = subprocess.run(["sh", "-c", line], env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
    stranger = int(done.stdout)
    try:
        assert done.returncode == 122
        assert is_alive(stranger)
    finally:
        os.kill(stranger, signal.SIGKILL)


def measurer_of(pid, command):
    """The other child of ecocode, once the command has begun: it has ecocode's own name."""
    for _ in range(200):
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        names = {child: pathlib.Path(f"/proc/{child}/comm").read_text().strip() for child in children}
        if command in names.values():
            return int(next(child for child, name in names.items() if name == "ecocode"))
        time.sleep(0.02)
    raise AssertionError(f"children of {pid}: {names}")


def test_killed_measurer_leaves_the_job_alone(ecocode, home):
    words = [ecocode, "run", "-q", *NEVER, "--budget-action", "stop", "sleep", "0.7"]
    with subprocess.Popen(words, env=home, stderr=subprocess.PIPE, text=True) as process:
        os.kill(measurer_of(process.pid, "sleep"), signal.SIGKILL)
        said = process.stderr.readline()
        assert process.poll() is None, "told only at the end"
        assert "the command goes on without its budget" in said
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_killed_measurer_after_the_budget_keeps_the_verdict(ecocode, home):
    words = [ecocode, "run", "-q", "--interval", "50ms", *EXCEEDED, "--budget-action", "fail", "sleep", "0.7"]
    with subprocess.Popen(words, env=home, stderr=subprocess.PIPE, text=True) as process:
        victim = measurer_of(process.pid, "sleep")
        assert "is exceeded" in process.stderr.readline()
        time.sleep(0.1)
        os.kill(victim, signal.SIGKILL)
        process.communicate(timeout=30)
    assert process.returncode == 122


def test_report_tells_it_in_a_line(ecocode, home):
    done = run(ecocode, home, *EXCEEDED, "--budget", "1kgCO2e", "sh", "-c", "sleep 0.1")
    lines = done.stderr.splitlines()
    assert any("Budget of 1mJ exceeded: " in line for line in lines), done.stderr
    assert any("Budget of 1kgCO2e: " in line for line in lines), done.stderr
    assert max(len(line) for line in lines if "is exceeded after" not in line) <= 79


def test_carbon_and_money_need_their_factors(ecocode, home, tmp_path):
    out = tmp_path / "out.json"
    done = run(ecocode, home, "-q", "-o", str(out), "--location", "FR", "--price", "0.36EUR", "--budget", "1gCO2e",
               "--budget", "1EUR", "sleep", "0.1")
    assert done.returncode == 0, done
    report = read_json(out)
    carbon, money = report["budgets"]
    row = report["impact"]["by_policy"]["active"]
    assert carbon["used"] == pytest.approx(row["co2e_g"]) and carbon["unit"] == "gCO2e"
    assert money["used"] == pytest.approx(row["cost"]) and money["unit"] == "EUR"


@pytest.mark.parametrize("words,part", [
    (["--budget", "5"], "a limit above 0 with its unit"), (["--budget", "0J"], "a limit above 0"),
    (["--budget", "5wh"], "a limit above 0"), (["--budget", "1EUR"], "--price 0.25EUR"),
    (["--budget", "1EUR", "--price", "0.2USD"], "nothing is converted"),
    (["--budget-action", "kill"], "one of warn, fail, stop"), (["--expect", "0"], "--expect"),
    (["--budget", "1J"] * 9, "more than 8 budgets")])
def test_bad_budgets_are_told_before_anything_ran(ecocode, home, tmp_path, words, part):
    flag = tmp_path / "ran"
    done = call(ecocode, home, "run", *words[:2] if len(words) == 2 else words, "touch", str(flag))
    assert done.returncode == 125, done
    assert part in one_line(done.stderr) and not flag.exists()


def test_who_ignores_it_is_killed_after_the_command_has_ended(ecocode, home, tmp_path):
    pids = tmp_path / "pids"
    script = f"sh -c 'trap \"\" TERM; echo $$ > {pids}; {BUSY}' & {BUSY}"
    done = run(ecocode, home, "-q", "--budget-grace", "300ms", *EXCEEDED, "--budget-action", "stop", "sh", "-c", script)
    assert done.returncode == 122, done
    ends_by_s = time.monotonic() + 5  # killed it is when we are back; the kernel may take its time to end it
    while is_alive(int(pids.read_text())) and time.monotonic() < ends_by_s:
        time.sleep(0.01)
    assert not is_alive(int(pids.read_text()))


def test_a_command_that_has_ended_is_not_stopped(ecocode, home, tmp_path):
    """It was over before anybody looked: the status tells, and nobody was told to end."""
    out = tmp_path / "out.json"
    done = call(ecocode, home, "run", "-q", "-o", str(out), *EXCEEDED, "--budget-action", "stop", "sleep", "0.1")
    assert done.returncode == 122, done
    assert "is exceeded" in one_line(done.stderr) and "told to end" not in done.stderr
    budget = budgets(out)[0]
    assert budget["exceeded"] and not budget["stopped"]
