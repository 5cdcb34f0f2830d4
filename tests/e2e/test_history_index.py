# SPDX-License-Identifier: MIT
"""The index of runs and the files under it: killed writers, damage, locks, versions, full disks, several at once."""
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import jsonschema
import pytest

from lib_cli import call, one_line
from lib_ecocode import ROOT, check_report, clean_environment
from lib_history import check_index, copy_run, listed, make_run, records, runs_of, state_of

pytestmark = pytest.mark.skipif(not os.access(os.path.join(os.path.dirname(os.environ.get("ECOCODE_BIN") or
                                os.path.join(os.path.dirname(__file__), "../../build/ecocode")), "ecocode-history"),
                                os.X_OK) or not shutil.which("sqlite3"), reason="no ecocode-history, or no sqlite3")

KILLED_AT_ONCE = 16
SCHEMA = ROOT / "data" / "schema" / "ecocode.run.1.json"


def kill_runs(ecocode, home, count, longest_s):
    """Runs of which every process is killed with SIGKILL, each after another time. Times of day of the kills."""
    running = [subprocess.Popen([ecocode, "run", "-q", "--interval", "20ms", "sleep", "60"], env=home,
                                start_new_session=True, stderr=subprocess.DEVNULL) for _ in range(count)]
    due = sorted((time.monotonic() + random.uniform(0, longest_s), i) for i in range(count))
    for at, i in due:
        time.sleep(max(0, at - time.monotonic()))
        os.killpg(running[i].pid, signal.SIGKILL)
    for process in running:
        process.wait(20)
    for process in running:
        wait_for_end(process.pid)


def wait_for_end(group):
    """Of all of the group: who is being killed holds its record for a moment yet, and is not our child."""
    for _ in range(2000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"group {group} lives on after SIGKILL")


def check_killed(ecocode, home, expected_at_most):
    """Every record reads; nothing but its last line may be cut, and no interval before it is missing."""
    runs = listed(ecocode, home)
    assert len(runs) == len(records(home)) <= expected_at_most
    assert check_index(home) == len(runs)
    for run in runs:
        text = open(run["record"], "rb").read()
        lines = text.split(b"\n")[:-1]
        frames = [json.loads(line) for line in lines][1:]
        assert run["state"] == "cut off" and run["exit_code"] is None and run["exit_signal"] is None
        assert [f["seq"] for f in frames] == list(range(frames[0]["seq"], frames[0]["seq"] + len(frames)))
        assert abs(run["duration_s"] - frames[-1]["cumulative"]["duration_s"]) < 1e-9
    if runs:
        last = call(ecocode, home, "history", "show", runs[-1]["run_id"])
        assert last.returncode == 0 and "without a report" in last.stdout.replace("\n   ", " ")
        report = json.loads(call(ecocode, home, "history", "show", runs[-1]["run_id"], "--json").stdout)
        assert report["complete"] is False
        check_report(report)
        jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    return len(runs)


def test_killed_runs_leave_all_but_the_last_interval(ecocode, home):
    kill_runs(ecocode, home, KILLED_AT_ONCE, 2.2)
    assert check_killed(ecocode, home, KILLED_AT_ONCE) >= 3, "a run of more than a second has a record"


@pytest.mark.long
def test_a_thousand_killed_runs(ecocode, home):
    done = 0
    while done < 1000:
        kill_runs(ecocode, home, 20, 3)
        done += 20
    assert check_killed(ecocode, home, done) >= 400


def test_a_run_in_progress_is_told_apart(ecocode, home):
    running = subprocess.Popen([ecocode, "run", "-q", "--interval", "50ms", "sleep", "60"], env=home, start_new_session=True)
    try:
        end = time.monotonic() + 20
        while not records(home) and time.monotonic() < end:
            time.sleep(0.05)
        assert [r["state"] for r in listed(ecocode, home)] == ["running"]
        for action in ("delete", "redact"):
            done = call(ecocode, home, "history", action, "last")
            assert done.returncode == 2 and "still running" in one_line(done.stderr)
        assert call(ecocode, home, "history", "prune", "--compress-after", "0h").stdout == "Nothing is old enough.\n"
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(10)
    assert [r["state"] for r in listed(ecocode, home)] == ["cut off"]


def test_the_index_follows_the_files(ecocode, home):
    first = make_run(ecocode, home)
    assert len(listed(ecocode, home)) == 1 and check_index(home) == 1
    copies = [copy_run(first, labels={"n": str(i)}) for i in range(5)]
    assert len(listed(ecocode, home)) == 6 and check_index(home) == 6
    copies[0].unlink()
    text = copies[1].read_text()
    copies[1].write_text("".join(text.splitlines(True)[:-1]))
    states = {r["record"]: r["state"] for r in listed(ecocode, home)}
    assert len(states) == 5 and states[str(copies[1])] == "cut off" and check_index(home) == 5
    assert len(listed(ecocode, home, "--label", "n=0")) == 0
    (state_of(home) / "index.sqlite").unlink()
    assert len(listed(ecocode, home)) == 5 and check_index(home) == 5


def test_sqlite_reads_what_the_docs_say(ecocode, home):
    make_run(ecocode, home, "--label", "k=v")
    listed(ecocode, home)
    db = sqlite3.connect(state_of(home) / "index.sqlite")
    assert db.execute("PRAGMA user_version").fetchone()[0] == 1
    assert db.execute("SELECT r.command, l.value, r.complete FROM runs r JOIN labels l USING (stem)").fetchall() == [("true", "v", 1)]
    for table in ("files", "runs", "labels"):
        assert "STRICT" in db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        docs = open(os.path.join(os.path.dirname(__file__), "../../docs/history.md")).read()
        assert [c for c in columns if f"`{c}`" not in docs] == []
    assert (state_of(home) / "index.sqlite").stat().st_mode & 0o777 == 0o600


def use_without_index(ecocode, home, part):
    done = call(ecocode, home, "history", "--json")
    assert done.returncode == 0 and len(json.loads(done.stdout)["runs"]) == 2
    assert part in one_line(done.stderr), done.stderr


def test_a_locked_index(ecocode, home):
    copy_run(make_run(ecocode, home))
    listed(ecocode, home)
    db = sqlite3.connect(state_of(home) / "index.sqlite", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    copy_run(records(home)[0], "9" * 32).unlink()
    os.utime(records(home)[0])
    use_without_index(ecocode, home, "the records are read without it")
    db.execute("ROLLBACK")
    assert len(listed(ecocode, home)) == 2


def test_an_index_of_a_later_version_is_left_alone(ecocode, home):
    copy_run(make_run(ecocode, home))
    listed(ecocode, home)
    path = state_of(home) / "index.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 7")
    db.commit()
    db.close()
    before = path.read_bytes()
    use_without_index(ecocode, home, "later version of ecocode")
    assert path.read_bytes() == before


def test_a_database_of_others_is_left_alone(ecocode, home):
    copy_run(make_run(ecocode, home))
    path = state_of(home) / "index.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine(x)")
    db.commit()
    db.close()
    before = path.read_bytes()
    use_without_index(ecocode, home, "not made by ecocode")
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["garbage", "middle", "cut", "empty"])
def test_a_damaged_index_is_built_anew(ecocode, home, how):
    first = make_run(ecocode, home)
    for _ in range(30):
        copy_run(first)
    listed(ecocode, home)
    path = state_of(home) / "index.sqlite"
    text = path.read_bytes()
    if how == "garbage":
        path.write_bytes(os.urandom(len(text)))
    elif how == "middle":
        path.write_bytes(text[:4096] + b"\xff" * (len(text) - 4096))
    else:
        path.write_bytes(text[:5000] if how == "cut" else b"")
    done = call(ecocode, home, "history", "--json")
    assert done.returncode == 0 and len(json.loads(done.stdout)["runs"]) == 31
    assert how == "empty" or "it is built anew" in one_line(done.stderr)
    assert len(listed(ecocode, home)) == 31 and check_index(home) == 31


HOSTILE = [b"", b"\n", b"\0" * 5000, b"{" * 100000, b'{"schema":"ecocode.frame/9","type":"begin"}\n', b"[1]\n",
           b'{"schema":"ecocode.frame/1","type":"begin","run_id":5,"command":{"a":1},"labels":[],"started_at":7}\n',
           b'{"schema":"ecocode.run/1","type":"end","run_id":"\xff\xfe","energy":{"job_j":1e999}}\n',
           b'{"schema":"ecocode.run/1","type":"end","run_id":"x","duration_s":-5,"processes":[1,2],"domains":{"a":1}}\n',
           b"\x28\xb5\x2f\xfd" + b"\xff" * 100, b"\x28\xb5\x2f\xfd"]


def test_hostile_files_harm_nobody(ecocode, home):
    good = make_run(ecocode, home)
    for i, text in enumerate(HOSTILE):
        (runs_of(home) / f"evil-{i:032x}.jsonl").write_bytes(text)
        (runs_of(home) / f"packed-{i:032x}.jsonl.zst").write_bytes(text)
    os.mkfifo(runs_of(home) / "fifo-1.jsonl")
    os.symlink("/etc/passwd", runs_of(home) / "link-1.jsonl")
    (runs_of(home) / "dir-1.jsonl").mkdir()
    done = call(ecocode, home, "history", "--json")
    assert done.returncode == 0 and str(good) in [r["record"] for r in json.loads(done.stdout)["runs"]]
    for words in (["history", "-n", "0"], ["history", "--sum", "--by", "command"], ["history", "trend"], ["status"]):
        done = call(ecocode, home, *words)
        assert done.returncode == 0 and all(c.isprintable() or c == "\n" for c in done.stdout + done.stderr), done
    assert "cannot be read" in call(ecocode, home, "history").stderr
    for path in sorted(runs_of(home).glob("*.jsonl*")):
        for words in (["show", str(path)], ["show", "--json", str(path)]):
            shown = call(ecocode, home, "history", *words)
            assert shown.returncode in (0, 2) and (shown.returncode == 0 or one_line(shown.stderr))
    after = call(ecocode, home, "run", "-q", "true")
    assert after.returncode == 0 and after.stderr == ""


def test_eight_runs_at_once_while_others_look(ecocode, home):
    runs = [subprocess.Popen([ecocode, "run", "-q", "--interval", "20ms", "sleep", "1.2"], env=home) for _ in range(8)]
    looks = [subprocess.Popen([ecocode, "history", "--json"], env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) for _ in range(8)]
    for look in looks:
        out, err = look.communicate(timeout=30)
        assert look.returncode == 0 and err == "" and "runs" in json.loads(out)
    assert [run.wait(30) for run in runs] == [0] * 8
    assert [r["state"] for r in listed(ecocode, home)] == ["complete"] * 8 and check_index(home) == 8


def test_two_machines_in_one_folder(ecocode, home):
    first = make_run(ecocode, home, command=("sleep", "0.1"))
    copy_run(first, hostname="other.example.org")
    shown = call(ecocode, home, "history").stdout.splitlines()
    assert len(shown) == 3 and "HOST" in shown[0] and "other.exa" in "".join(shown) and max(map(len, shown)) <= 79
    assert len(listed(ecocode, home, "--host", "other.example.org")) == 1


def in_namespace(script, home):
    """Runs a shell script as root where it may mount; skips where that is not allowed."""
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], env=home,
                          capture_output=True, text=True, timeout=60)
    if "unshare: " in done.stderr or "mount: " in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    return done


def test_a_read_only_home(ecocode, home):
    copy_run(make_run(ecocode, home))
    state = home["XDG_STATE_HOME"]
    script = f"""mount --bind {state} {state} && mount -o remount,ro,bind {state} || exit 99
        '{ecocode}' run -q sh -c 'exit 5'; echo status $?; '{ecocode}' history --json"""
    done = in_namespace(script, home)
    assert done.stdout.startswith("status 5\n"), done
    assert len(json.loads(done.stdout.splitlines()[1])["runs"]) == 2
    assert "the records are read without it" in one_line(done.stderr)


def test_a_full_disk(ecocode, home):
    make_run(ecocode, home)
    state = home["XDG_STATE_HOME"]
    script = f"""cp -r {state} {state}.copy && mount -t tmpfs -o size=64k none {state} && cp -r {state}.copy/. {state} || exit 99
        head -c 40000 /dev/zero > {state}/filler
        '{ecocode}' run -q --interval 2ms sh -c 'sleep 1.3; exit 5'; echo status $?; '{ecocode}' history --json"""
    done = in_namespace(script, home)
    assert done.stdout.startswith("status 5\n"), done
    assert len(json.loads(done.stdout.splitlines()[1])["runs"]) >= 1
    assert done.stderr == "" or "the records are read without it" in one_line(done.stderr)


def test_recording_never_waits_for_the_disk(ecocode, home):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    log = state_of(home).parent / "strace"
    done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,sync,syncfs,sync_file_range,msync,write", "-o", str(log),
                           ecocode, "run", "-q", "--interval", "200ms", "sleep", "1.4"], env=home, capture_output=True, text=True, timeout=60)
    if "ptrace" in done.stderr.lower():
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    text = log.read_text()
    assert not re.search(r"\b(f(data)?sync|sync|syncfs|sync_file_range|msync)\(", text)
    lines = len(records(home)[0].read_text().splitlines())
    writes = len([line for line in text.splitlines() if '"schema' in line or "ecocode.frame" in line])
    assert 0 < writes <= lines, "one write an interval"


def test_a_second_folder_needs_no_first(ecocode, tmp_path):
    """A state folder that was copied from elsewhere, without index and lock."""
    home = clean_environment(tmp_path / "a")
    make_run(ecocode, home)
    other = clean_environment(tmp_path / "b")
    shutil.copytree(runs_of(home), runs_of(other))
    assert len(listed(ecocode, other)) == 1
