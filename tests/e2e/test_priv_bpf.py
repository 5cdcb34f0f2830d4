# SPDX-License-Identifier: MIT
"""Accounting by the kernel for a user who is not root: his own processes, nobody else's."""
import json
import subprocess
import time

import pytest

import lib_priv
from lib_priv import OTHER_UID, PUBLIC, UID


@pytest.fixture(scope="module")
def place():
    with lib_priv.place_or_skip() as made:
        assert made.fix().returncode == 0
        answer = made.ask("attach")
        if answer["error"] < 0:
            pytest.skip("no accounting by the kernel here: " + answer["text"])
        made.ok(["sh", "-c", f"cp /bin/true {PUBLIC}/eco-secret; cp /bin/true {PUBLIC}/eco-own"])
        yield made


def watch(place, **who):
    """Names of all processes in a monitor of the machine, while short ones of two users come and go."""
    line = "i=0; while [ $i -lt 400 ]; do %s; i=$((i+1)); done"
    monitor = subprocess.Popen(place.machine.argv(
        [*user_words(place, **who), PUBLIC + "/ecocode", "monitor", "--accounting", "auto", "--json", "--duration", "3s"]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    time.sleep(0.7)
    runners = [subprocess.Popen(place.machine.argv([*user_words(place, uid=uid), "sh", "-c", line % (PUBLIC + "/" + name)]))
               for uid, name in ((OTHER_UID, "eco-secret"), (UID, "eco-own"))]
    for runner in runners:
        assert runner.wait(30) == 0
    out, err = monitor.communicate(timeout=30)
    assert monitor.returncode == 0, err
    report = json.loads(out.strip().splitlines()[-1]) if out.strip() else json.loads(err.strip().splitlines()[-1])
    return report, {row["name"] for row in report["processes"]}


def user_words(place, uid=None, group=False):
    if uid is None:
        return []
    groups = ["--groups", place.gid()] if group else ["--clear-groups"]
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), *groups, "env"]


def test_root_sees_everybody(place):
    report, names = watch(place)
    assert report["accounting"] == "bpf" and {"eco-secret", "eco-own"} <= names, (report["warnings"], sorted(names))


def test_a_member_sees_only_his_own(place):
    """A hidden procfs would be undone otherwise: events hold names and times of everybody's processes."""
    report, names = watch(place, uid=UID, group=True)
    assert report["accounting"] == "bpf", report["warnings"]
    assert "eco-own" in names and "eco-secret" not in names, sorted(names)


def test_a_member_runs_with_it(place):
    done = place.ecocode("run", "--json", "--no-record", "--", "sh", "-c",
                         f"sleep 0.2; i=0; while [ $i -lt 300 ]; do {PUBLIC}/eco-own; i=$((i+1)); done", uid=UID, group=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stderr.strip().splitlines()[-1])
    assert report["accounting"] == "bpf", report["warnings"]
    counted = sum(row["count"] or 0 for row in report["processes"] if row["name"] == "eco-own")
    assert counted >= 290, counted
