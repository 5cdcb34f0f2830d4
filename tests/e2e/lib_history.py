# SPDX-License-Identifier: MIT
"""Recorded runs for tests: real ones, copies of them under other ids, and the folder they are in."""
import json
import pathlib
import random
import subprocess

from lib_cli import call


def state_of(home):
    return pathlib.Path(home["XDG_STATE_HOME"]) / "ecocode"


def runs_of(home):
    return state_of(home) / "runs"


def records(home):
    return sorted(p for p in runs_of(home).glob("*.jsonl*") if ".costs." not in p.name)


def make_run(ecocode, home, *options, command=("true",)):
    """One run; its record's path."""
    before = set(records(home))
    done = call(ecocode, home, "run", "-q", *options, "--", *command)
    assert done.returncode == 0, done.stderr
    made = set(records(home)) - before
    assert len(made) == 1, made
    return made.pop()


def copy_run(record, run_id=None, started_at=None, hostname=None, labels=None, frames=None):
    """The record again as another run's, beside it. Returns its path."""
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    run_id = run_id or f"{random.getrandbits(128):032x}"
    if frames is not None:
        lines[1:-1] = frames
    for line in (lines[0], lines[-1]):
        line["run_id"] = run_id
        line["started_at"] = started_at or line["started_at"]
        line["labels"] = labels if labels is not None else line.get("labels", {})
    host = hostname or lines[0]["hostname"]
    lines[0]["hostname"] = host
    lines[-1]["host"]["hostname"] = host
    path = record.parent / f"{host}-{run_id}.jsonl"
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return path


def listed(ecocode, home, *options):
    """The runs that `history --json` lists, the newest last."""
    done = call(ecocode, home, "history", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["runs"]


def check_index(home):
    """The index as SQLite's own program sees it."""
    shown = subprocess.run(["sqlite3", str(state_of(home) / "index.sqlite"),
                            "PRAGMA integrity_check; SELECT count(*) FROM runs;"],
                           capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert shown[0] == "ok", shown
    return int(shown[1])
