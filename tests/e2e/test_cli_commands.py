# SPDX-License-Identifier: MIT
"""Every command answers, in text of at most 79 columns and in JSON."""
import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from lib_cli import call
from lib_ecocode import check_frames, check_report, read_json, strict_json

COMMANDS = ["run", "monitor", "status", "sensors", "doctor", "config", "version", "help"]


def test_bare_call_says_the_two_commands_to_type(ecocode, home):
    done = call(ecocode, home)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 12
    assert any(line.endswith("ecocode run python3 train.py") for line in lines)
    assert any(line.endswith("ecocode monitor") for line in lines)
    assert max(map(len, lines)) <= 79


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(ecocode, home, command):
    done = call(ecocode, home, "help", command)
    assert done.returncode == 0 and done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 79
    assert f"Usage: ecocode {command}" in done.stdout
    for words in ((command, "--help"), (command, "-h")):
        assert call(ecocode, home, *words).stdout == done.stdout
    assert f"  {command}" in call(ecocode, home, "--help").stdout
    version = call(ecocode, home, command, "-V").stdout
    assert version == call(ecocode, home, "--version").stdout and version.startswith("ecocode ")


@pytest.mark.parametrize("command", ["ecocode", *COMMANDS])
def test_manual_pages_are_clean(ecocode, home, command, tmp_path):
    done = call(ecocode, home, "help", "--man", command)
    assert done.returncode == 0
    if not shutil.which("man") or not shutil.which("groff"):
        pytest.skip("man and groff are not installed")
    page = tmp_path / f"{command}.1"
    page.write_text(done.stdout)
    shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)], capture_output=True,
                           text=True, timeout=60)
    assert shown.returncode == 0 and shown.stderr == ""


def options_of(ecocode, home, command):
    return set(re.findall(r"--[a-z][a-z.-]*", call(ecocode, home, "help", command).stdout.split("Options:")[1]
                          .split("Examples:")[0]))


@pytest.mark.parametrize("command", COMMANDS)
def test_man_and_completions_know_every_option(ecocode, home, command):
    options = {o for o in options_of(ecocode, home, command) if o not in ("--help", "--version")}
    page = call(ecocode, home, "help", "--man", command).stdout.replace("\\-", "-")
    scripts = {shell: call(ecocode, home, "help", "--completion", shell).stdout for shell in ("bash", "zsh", "fish")}
    for option in options:
        assert f"{option}\\fR" in page, option
        assert option in scripts["bash"] and option in scripts["zsh"]
        assert f"-l {option[2:]}" in scripts["fish"], option


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_accepted_by_their_shell(ecocode, home, shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / shell
    script.write_text(call(ecocode, home, "help", "--completion", shell).stdout)
    assert subprocess.run([shell, "-n", str(script)], timeout=60).returncode == 0


def complete(script, *words):
    """What bash offers behind these words."""
    quoted = " ".join(f"'{w}'" for w in words)
    code = (f". {script}; COMP_WORDS=({quoted}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _ecocode; "
            "printf '%s\\n' \"${COMPREPLY[@]}\"")
    return subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60).stdout.split()


def test_bash_completion_offers(ecocode, home, tmp_path):
    script = tmp_path / "ecocode.bash"
    script.write_text(call(ecocode, home, "help", "--completion", "bash").stdout)
    assert complete(script, "ecocode", "mon") == ["monitor"]
    assert complete(script, "ecocode", "run", "--inter") == ["--interval"]
    assert complete(script, "ecocode", "run", "--policy", "a") == ["active"]


def test_sensors(ecocode, home):
    text = call(ecocode, home, "sensors")
    assert text.returncode == 0 and text.stderr == ""
    assert max(map(len, text.stdout.splitlines())) <= 79
    found = strict_json(call(ecocode, home, "sensors", "--json").stdout)
    assert found["schema"] == "ecocode.sensors/1"
    names = [s["domain"] for s in found["sensors"] if s["counted"]]
    assert len(names) == len(set(names)), "a domain counted twice"
    for sensor in found["sensors"]:
        assert sensor["quality"] in ("measured", "derived", "estimated")


def test_sensors_of_an_empty_machine(ecocode, home, tmp_path):
    (tmp_path / "sys").mkdir()
    done = call(ecocode, home, "sensors", "--path.sysfs", str(tmp_path / "sys"))
    assert done.returncode == 0 and done.stderr == ""


def test_doctor(ecocode, home):
    done = call(ecocode, home, "doctor", "--json")
    result = strict_json(done.stdout)
    assert result["schema"] == "ecocode.doctor/1"
    verdicts = {check["id"]: check["verdict"] for check in result["checks"]}
    for name in ("rapl.readable", "perf.power", "cgroup.private", "procfs.own", "procfs.hidepid", "clock.boottime",
                 "idle.known", "state.writable", "config.valid", "container.hidden"):
        assert verdicts[name] in ("PASS", "WARN", "FAIL", "SKIP")
    assert done.returncode == (1 if "FAIL" in verdicts.values() else 0)
    assert result["failed"] == list(verdicts.values()).count("FAIL")
    text = call(ecocode, home, "doctor")
    assert text.returncode == done.returncode
    for name, verdict in verdicts.items():
        assert re.search(rf"^{verdict}  {re.escape(name)} ", text.stdout, re.M), name


def test_doctor_warns_of_a_variable_that_is_none(ecocode, home):
    checks = strict_json(call(ecocode, {**home, "ECOCODE_INTERVALL": "1"}, "doctor", "--json").stdout)["checks"]
    found = next(check for check in checks if check["id"] == "config.variables")
    assert found["verdict"] == "WARN" and "ECOCODE_INTERVALL" in found["text"]
    checks = strict_json(call(ecocode, {**home, "ECOCODE_CARBON_KEY": "x", "ECOCODE_LOCATION": "FR"}, "doctor", "--json").stdout)
    assert next(check for check in checks["checks"] if check["id"] == "config.variables")["verdict"] == "PASS"


def test_bundle_is_a_tree_without_secrets(ecocode, home, tmp_path):
    root = tmp_path / "sys"
    zone = root / "devices/virtual/powercap/intel-rapl/intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0\n")
    (zone / "energy_uj").write_text("1234567\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    (root / "class/powercap").mkdir(parents=True)
    (root / "class/powercap/intel-rapl:0").symlink_to("../../devices/virtual/powercap/intel-rapl/intel-rapl:0")
    battery = root / "class/power_supply/BAT0"
    battery.mkdir(parents=True)
    (battery / "serial_number").write_text("SN12345\n")
    (battery / "uevent").write_text("POWER_SUPPLY_SERIAL_NUMBER=SN12345\n")
    (battery / "model_name").write_bytes(os.uname().nodename.encode() + b"\\x\n\xff")
    out = tmp_path / "machine.tree"
    done = call(ecocode, home, "doctor", "--path.sysfs", str(root), "--bundle", str(out))
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert "L sys/class/powercap/intel-rapl:0 -> ../../devices/virtual/powercap/intel-rapl/intel-rapl:0\n" in text
    assert "F sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj 0644\n|1234567\n" in text
    assert "SN12345" not in text and "serial" not in text
    if len(os.uname().nodename) > 2:
        assert os.uname().nodename not in text
    assert "\\\\x" in text and "\\xff" in text
    for line in text.splitlines():
        assert line[0] in "#DLF|+", line


def test_config_shows_where_values_come_from(ecocode, home, tmp_path):
    env = {**home, "ECOCODE_NO_CGROUP": "1"}
    shown = call(ecocode, env, "config", "--show-origin").stdout
    assert re.search(r"^no-cgroup = yes +; ECOCODE_NO_CGROUP$", shown, re.M)
    assert re.search(r"^; interval = +; default$", shown, re.M)
    if "configuration files: yes" not in call(ecocode, home, "version").stdout:
        pytest.skip("built without libinih")
    folder = tmp_path / "home" / "config" / "ecocode"
    folder.mkdir(parents=True)
    (folder / "ecocode.conf").write_text("interval = 2s\n[run]\ntop = 3\n")
    shown = call(ecocode, env, "config", "--show-origin").stdout
    assert re.search(rf"^interval = 2s +; {re.escape(str(folder))}/ecocode.conf:1$", shown, re.M)
    assert "top = 3" in shown.split("[monitor]")[0] and "\ntop = 3" not in shown.split("[monitor]")[1]
    # What config prints is a configuration.
    (folder / "ecocode.conf").write_text(call(ecocode, home, "config").stdout)
    assert call(ecocode, home, "run", "-q", "true").returncode == 0


def test_options_reach_the_report(ecocode, home, tmp_path):
    out = tmp_path / "%h-%q{NAME}.json"
    done = call(ecocode, {**home, "NAME": "x"}, "run", "-q", "-o", str(out), "--label", "a=b=c", "--interval", "100ms",
                "--policy", "full", "sleep", "0.3")
    assert done.returncode == 0, done.stderr
    report = read_json(tmp_path / f"{os.uname().nodename}-x.json")
    check_report(report)
    assert report["labels"] == {"a": "b=c"} and report["policy"] == "full" and report["command"] == ["sleep", "0.3"]
    assert abs(report["interval_s"] - 0.1) < 1e-9 and report["parent_run_id"] is None


def test_an_inner_run_knows_the_outer(ecocode, home, tmp_path):
    inner, outer = tmp_path / "inner.json", tmp_path / "outer.json"
    done = call(ecocode, home, "run", "-q", "-o", str(outer), ecocode, "run", "-q", "-o", str(inner), "true")
    assert done.returncode == 0, done.stderr
    assert read_json(inner)["parent_run_id"] == read_json(outer)["run_id"]


def test_json_on_stderr_leaves_stdout_to_the_command(ecocode, home):
    done = call(ecocode, home, "run", "--json", "echo", "hello")
    assert done.stdout == "hello\n"
    check_report(strict_json(done.stderr))


def test_a_run_leaves_its_record(ecocode, home, tmp_path):
    assert call(ecocode, home, "run", "-q", "sh", "-c", "sleep 0.1").returncode == 0
    runs = tmp_path / "home" / "state" / "ecocode" / "runs"
    records = list(runs.iterdir())
    assert len(records) == 1 and records[0].stat().st_mode & 0o777 == 0o600 and runs.stat().st_mode & 0o777 == 0o700
    lines = [strict_json(line) for line in records[0].read_text().splitlines()]
    check_frames(lines)
    assert lines[0]["run_id"] in records[0].name and lines[-1]["type"] == "end"
    assert call(ecocode, home, "run", "-q", "--no-record", "true").returncode == 0
    assert len(list(runs.iterdir())) == 1


def test_status_shows_a_run_in_progress(ecocode, home):
    assert call(ecocode, home, "status").stdout == "No run is in progress.\n"
    with subprocess.Popen([ecocode, "run", "-q", "sleep", "30"], env=home) as run:
        try:
            for _ in range(100):
                runs = strict_json(call(ecocode, home, "status", "--json").stdout)["runs"]
                if runs:
                    break
                time.sleep(0.1)
            assert len(runs) == 1 and runs[0]["pid"] == run.pid and runs[0]["command"] == "sleep 30"
            assert runs[0]["duration_s"] >= 0.9 and runs[0]["machine_j"] is not None
            text = call(ecocode, home, "status").stdout
            assert "sleep 30" in text and max(map(len, text.splitlines())) <= 79
        finally:
            run.terminate()
            run.wait(20)
    assert strict_json(call(ecocode, home, "status", "--json").stdout)["runs"] == []


def test_monitor_writes_csv_where_there_is_no_terminal(ecocode, home):
    done = call(ecocode, home, "monitor", "--count", "3", "--interval", "100ms")
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    columns = lines[0].split(",")
    numbers = {line.split(",")[columns.index("seq")] for line in lines[1:]}
    assert len(numbers) == 3 and all(len(line.split(",")) >= len(columns) for line in lines)


def test_monitor_as_json_lines(ecocode, home):
    done = call(ecocode, home, "monitor", "--json", "--duration", "450ms", "--interval", "100ms")
    lines = [strict_json(line) for line in done.stdout.splitlines()]
    frames = check_frames(lines)
    assert 4 <= len(frames) <= 6 and lines[-1]["type"] == "end"


@pytest.mark.parametrize("number", [2, 15])
def test_monitor_gives_totals_at_a_signal(ecocode, home, tmp_path, number):
    out = tmp_path / "m.json"
    watcher = subprocess.Popen([ecocode, "monitor", "-q", "--interval", "100ms", "-o", str(out)], env=home)
    time.sleep(0.6)
    watcher.send_signal(number)
    assert watcher.wait(20) == 0
    report = read_json(out)
    check_report(report)
    assert report["command"] is None and 0.2 < report["duration_s"] < 10


WORKERS = """
import multiprocessing, sys, time
def work():
    time.sleep(60)
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    worker = multiprocessing.Process(target=work, daemon=True)
    worker.start()
    print(worker.pid, flush=True)
    time.sleep(60)
"""


def test_a_workers_pid_offers_the_whole_tree(ecocode, home, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(WORKERS)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        try:
            worker = int(parent.stdout.readline())
            time.sleep(0.3)
            done = call(ecocode, home, "monitor", "-q", "-p", str(worker), "--count", "1", "--interval", "50ms")
            assert done.returncode == 0
            assert f"to measure all of it: ecocode monitor -p {parent.pid}" in done.stderr, done.stderr
            assert done.stderr.startswith(f"ecocode: {worker} is a ") and f" of {parent.pid} {sys.executable}"[:40] in done.stderr
            done = call(ecocode, home, "monitor", "-q", "-p", str(parent.pid), "--count", "1", "--interval", "50ms")
            assert done.stderr == ""
        finally:
            parent.kill()


def test_version_as_json(ecocode, home):
    assert json.loads(call(ecocode, home, "version", "--json").stdout)["schema"] == "ecocode.version/1"


def test_measure_idle_before_the_command(ecocode, home, tmp_path):
    out = tmp_path / "out.json"
    begin = time.monotonic()
    done = call(ecocode, home, "run", "-q", "-o", str(out), "--measure-idle", "1s", "sleep", "0.1")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begin > 1.0
    report = read_json(out)
    check_report(report)
    assert report["duration_s"] < 0.9
