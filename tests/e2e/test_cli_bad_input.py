# SPDX-License-Identifier: MIT
"""Bad input: one clear line, the right exit status, nothing half-written, the command not started."""
import os
import subprocess
import sys
import time

import pytest

from lib_cli import call, one_line
from lib_ecocode import check_report, read_json

RUN_MISUSE = [
    ([], "no command given"),
    (["--"], "no command given"),
    (["--interval", "0", "touch", "ran"], "--interval: '0' is not a duration from 1ms to 1h"),
    (["--interval", "-1", "touch", "ran"], "'-1'"),
    (["--interval", "1e30", "touch", "ran"], "'1e30'"),
    (["--interval", "nan", "touch", "ran"], "'nan'"),
    (["--interval", "inf", "touch", "ran"], "'inf'"),
    (["--interval", "61m", "touch", "ran"], "to 1h"),
    (["--intervall", "1", "touch", "ran"], "did you mean '--interval'?"),
    (["--nonsense", "touch", "ran"], "unknown option '--nonsense'"),
    (["-Z", "touch", "ran"], "unknown option '-Z'"),
    (["-o"], "needs a value"),
    (["-o", "nowhere/x.json", "touch", "ran"], "nowhere/x.json"),
    (["-o", ".", "touch", "ran"], "."),
    (["-o", "x.xyz", "touch", "ran"], "x.xyz"),
    (["-o", "%z.json", "touch", "ran"], "%z"),
    (["--format", "xml", "touch", "ran"], "one of text, json, jsonl, csv"),
    (["--policy", "none", "touch", "ran"], "one of active, full, equal, reserved"),
    (["--accounting", "bpf", "--path.procfs", "/proc", "touch", "ran"], "the kernel tells of its own processes"),
    (["--label", "x", "touch", "ran"], "KEY=VALUE"),
    (["--top", "0", "touch", "ran"], "from 1 to"),
    (["--idle-power", "a lot", "touch", "ran"], "--idle-power"),
    (["--path.procfs", "nowhere", "touch", "ran"], "nowhere"),
    (["--path.sysfs", "/etc/passwd", "touch", "ran"], "/etc/passwd"),
    (["--measure-idle", "0", "touch", "ran"], "--measure-idle"),
]


@pytest.mark.parametrize("words,part", RUN_MISUSE, ids=[" ".join(w) or "nothing" for w, _ in RUN_MISUSE])
def test_run_tells_before_anything_ran(ecocode, home, tmp_path, words, part):
    work = tmp_path / "work"
    work.mkdir()
    done = call(ecocode, home, "run", *words, cwd=work)
    assert done.returncode == 125, done
    assert part in one_line(done.stderr), done.stderr
    assert done.stdout == ""
    assert os.listdir(work) == []


def test_commands_that_cannot_be_run(ecocode, home, tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("echo hello\n")
    out = tmp_path / "out.json"
    for words, status in ((["no-such-program"], 127), (["./nowhere/x"], 127), ([str(plain)], 126), ([str(tmp_path)], 126)):
        done = call(ecocode, home, "run", "-o", str(out), *words)
        assert done.returncode == status, done
        assert words[0] in one_line(done.stderr)
        assert not out.exists()


def test_an_existing_output_survives_a_command_that_is_not_found(ecocode, home, tmp_path):
    for name in ("old.json", "old.csv", "old.jsonl"):
        old = tmp_path / name
        old.write_text("precious\n")
        assert call(ecocode, home, "run", "-o", str(old), "no-such-program").returncode == 127
        assert old.read_text() == "precious\n"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "home") == ["old.csv", "old.json", "old.jsonl"]


OTHER_MISUSE = [
    (["rnu"], "did you mean 'run'?"),
    (["montior"], "did you mean 'monitor'?"),
    (["xyzzyplugh"], "see: ecocode help"),
    (["--interval", "1", "run"], "options stand behind the command"),
    (["monitor", "-p", "0"], "--pid"),
    (["monitor", "-p", "12x"], "--pid"),
    (["monitor", "-p", "1,,2"], "--pid"),
    (["monitor", "-p", "999999999"], "there is none"),
    (["monitor", "--count", "0"], "--count"),
    (["monitor", "--duration", "-5"], "--duration"),
    (["monitor", "extra"], "takes no argument 'extra'"),
    (["monitor", "--path.procfs", "/nowhere"], "/nowhere"),
    (["sensors", "--path.sysfs", "/nowhere"], "/nowhere"),
    (["sensors", "--jsno"], "did you mean '--json'?"),
    (["doctor", "--bundle", "/nowhere/x"], "/nowhere/x"),
    (["help", "rum"], "did you mean 'run'?"),
    (["help", "--completion", "tcsh"], "bash, zsh, fish"),
    (["help", "--man", "nothing"], "nothing"),
    (["status", "--interval", "1"], "unknown option"),
]


@pytest.mark.parametrize("words,part", OTHER_MISUSE, ids=[" ".join(w) for w, _ in OTHER_MISUSE])
def test_other_commands_end_with_2(ecocode, home, words, part):
    done = call(ecocode, home, *words)
    assert done.returncode == 2, done
    assert part in one_line(done.stderr), done.stderr
    assert done.stdout == ""


def test_a_program_as_command_is_offered_with_run(ecocode, home):
    for words, shown in ((["ls", "-l"], "ecocode run ls -l"), (["/bin/sh", "-c", "a b"], "ecocode run /bin/sh -c 'a b'")):
        done = call(ecocode, home, *words)
        assert done.returncode == 2
        assert f"to measure it: {shown}" in one_line(done.stderr)


def test_words_that_would_hijack_a_terminal(ecocode, home):
    hostile = "\x1b]0;owned\x07\x1b[2J\u202e\n"
    for words in ([hostile], ["run", f"--{hostile}"], ["run", "--interval", hostile, "true"], ["run", hostile],
                  ["run", "-o", f"nowhere/{hostile}.json", "true"], ["help", hostile], ["monitor", hostile]):
        done = call(ecocode, home, *words)
        assert done.returncode in (2, 125, 127)
        one_line(done.stderr)


def test_a_megabyte_of_command_line(ecocode, home, tmp_path):
    out = tmp_path / "out.json"
    words = ["x" * 100000] * 10
    done = call(ecocode, home, "run", "-q", "-o", str(out), "true", *words)
    assert done.returncode == 0, done.stderr
    report = read_json(out)
    check_report(report)
    assert report["command"] == ["true", *words]
    assert max(len(row["cmdline"] or "") for row in report["processes"]) < 5000
    done = call(ecocode, home, "run", "true", words[0])
    assert done.returncode == 0 and all(len(line) <= 79 for line in done.stderr.splitlines())


def test_names_of_any_bytes(ecocode, home, tmp_path):
    name = b"we)ird ( \n\x1b[31m\xff\xfe\"\\"
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as script:
        script.write(b"#!/bin/sh\nsleep 0.3\n")
    os.chmod(path, 0o755)
    out, lines, csv = tmp_path / "o.json", tmp_path / "o.jsonl", tmp_path / "o.csv"
    done = subprocess.run([ecocode, "run", "--interval", "100ms", "-o", out, "-o", lines, "-o", csv, "--label",
                           b"k=\xff\n\"", path], env=home, capture_output=True, timeout=60)
    assert done.returncode == 0, done
    check_report(read_json(out))
    text = done.stderr.decode()  # valid UTF-8
    assert "\x1b" not in text and "\r" not in text
    csv.read_bytes().decode()


@pytest.mark.parametrize("key", ["interval = 0", "intervall = 1", "what is this", "[nonsense]\ninterval = 1"])
def test_a_bad_configuration_says_file_and_line(ecocode, home, tmp_path, key):
    if "configuration files: yes" not in call(ecocode, home, "version").stdout:
        pytest.skip("built without libinih")
    folder = tmp_path / "home" / "config" / "ecocode"
    folder.mkdir(parents=True)
    file = folder / "ecocode.conf"
    file.write_text(f"# first line\n{key}\n")
    line = 1 + len(key.splitlines())
    done = call(ecocode, home, "run", "touch", "ran", cwd=folder)
    assert done.returncode == 125
    assert f"{file}:{line}: " in one_line(done.stderr)
    assert os.listdir(folder) == ["ecocode.conf"]
    done = call(ecocode, home, "doctor", "--json")
    assert done.returncode == 1 and "config.valid" in done.stdout
    assert call(ecocode, home, "help").returncode == 0


def test_a_variable_names_itself(ecocode, home):
    done = call(ecocode, {**home, "ECOCODE_INTERVAL": "often"}, "run", "true")
    assert done.returncode == 125 and "ECOCODE_INTERVAL: 'often'" in one_line(done.stderr)
    assert call(ecocode, {**home, "ECOCODE_INTERVAL": ""}, "run", "-q", "true").returncode == 0


def test_a_pid_that_vanishes_ends_monitor(ecocode, home, tmp_path):
    out = tmp_path / "m.json"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"]) as process:
        begin = time.monotonic()
        watcher = subprocess.Popen([ecocode, "monitor", "-q", "-p", str(process.pid), "--interval", "200ms", "-o", str(out)],
                                   env=home, stderr=subprocess.PIPE)
        process.wait()
        _, errors = watcher.communicate(timeout=20)
    assert watcher.returncode == 0, errors
    assert time.monotonic() - begin < 10
    check_report(read_json(out))


def test_an_idle_power_for_nothing_is_told_in_the_report(ecocode, home, tmp_path):
    out = tmp_path / "o.json"
    assert call(ecocode, home, "run", "-q", "-o", str(out), "--idle-power", "nowhere-7=20W", "true").returncode == 0
    assert any("nowhere-7" in warning for warning in read_json(out)["warnings"])


def test_a_full_disk_does_not_fail_the_command(ecocode, home):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    done = call(ecocode, home, "run", "-q", "-o", "/dev/full", "--format", "json", "sh", "-c", "echo hello; exit 3")
    assert done.returncode == 3 and done.stdout == "hello\n"
    assert "/dev/full" in one_line(done.stderr)


@pytest.mark.parametrize("words", [["help"], ["sensors"], ["doctor"], ["version"], ["config"]])
def test_a_reader_that_goes_away_is_no_error(ecocode, home, words):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([ecocode, *words], env=home, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert done.returncode in (0, 1, -13) and done.stderr == b""


def test_monitor_ends_quietly_when_its_reader_goes_away(ecocode, home):
    done = subprocess.run(f"{ecocode} monitor --interval 50ms | head -n 3; exit ${{PIPESTATUS[0]}}", shell=True, env=home,
                          executable="/bin/bash", capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stderr == b"" and len(done.stdout.splitlines()) == 3
