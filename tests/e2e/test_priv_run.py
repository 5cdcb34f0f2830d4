# SPDX-License-Identifier: MIT
"""Measuring as a user who may not read the counters: through ecocode-priv within 1 %, without it with the reason."""
import json
import time

import pytest

import lib_ecocode
import lib_priv
import lib_sim
from lib_priv import HELPER, OTHER_UID, PUBLIC, UID


@pytest.fixture(scope="module")
def place():
    with lib_priv.place_or_skip() as made:
        assert made.fix().returncode == 0
        made.ok(["cp", lib_sim.LOAD, PUBLIC + "/load"])
        yield made


def truth(place):
    told = place.machine.truth()
    return sum(p["energy_j"] for p in told["packages"]), told["t"]


def report_of(place, words, options=(), **who):
    done = place.ecocode("run", "--json", "--no-record", *options, "--", *words, **who)
    assert done.returncode == 0, done.stderr
    report = lib_ecocode.strict_json(done.stderr.strip().splitlines()[-1])
    lib_ecocode.check_parts("run", report["energy"])
    return report


def domain(report):
    return next(d for d in report["domains"] if d["name"] == "package-0")


def test_a_member_measures_within_a_percent(place):
    time.sleep(0.15)  # nobody has read just now
    before, since = truth(place)
    report = report_of(place, [PUBLIC + "/load", "busy", "5"], ["--idle-power", "20W"], uid=UID, group=True)
    after, until = truth(place)
    told = domain(report)
    assert told["quality"] == "measured" and told["sources"][0]["source"] == "powercap"
    assert not [w for w in report["warnings"] if "root" in w]
    # Start and end of ecocode itself are in the truth and not in the figure: at a power between idle and the whole's.
    outside_s = max(0, (until - since) - told["sources"][0]["seconds"])
    least = after - before - outside_s * (after - before) / (until - since)
    most = after - before - outside_s * 20
    assert 0.99 * least <= told["machine_j"] <= 1.01 * most
    # 30 J per CPU second of its own; on a busy machine the intervals that its neighbours had are shared by weight
    assert told["job_j"] == pytest.approx(30 * report["usage"]["cpu_s"], rel=0.03)


def test_as_root_and_as_a_member_is_the_same(place):
    figures = {}
    for name, who in (("root", {}), ("member", {"uid": UID, "group": True})):
        report = report_of(place, [PUBLIC + "/load", "busy", "3"], ["--idle-power", "20W"], **who)
        figures[name] = domain(report)["job_j"] / report["usage"]["cpu_s"]
    assert figures["member"] == pytest.approx(figures["root"], rel=0.03), figures


def test_a_short_run_is_not_nothing(place):
    """The end waits for a sample of its own, rather than telling too little."""
    for _ in range(3):
        report = report_of(place, ["sleep", "0.12"], ["--idle-power", "20W"], uid=UID, group=True)
        assert domain(report)["machine_j"] > 0.12 * 20 * 0.9
        assert report["duration_s"] < 0.5 and report["suspended_s"] == 0


def test_what_is_shorter_than_the_limit_is_not_made_longer(place):
    """And what cannot be told of it is said."""
    waits, told = [], []
    for _ in range(8):
        time.sleep(0.12)
        begin = time.monotonic()
        done = place.ecocode("run", "--no-record", "--idle-power", "20W", "--", "true", uid=UID, group=True)
        waits.append(time.monotonic() - begin)
        told.append("oo short to measure" in done.stderr)
    assert min(waits) < 0.08, waits
    assert all(told), done.stderr


def test_others_get_the_reason_and_the_fix(place):
    report = report_of(place, ["sleep", "0.3"], uid=OTHER_UID)
    assert report["energy"]["quality"] in ("estimated", None)
    text = place.ecocode("run", "--no-record", "sleep", "0.3", uid=OTHER_UID).stderr
    assert "only root may read it" in " ".join(text.split()) and "sudo ecocode doctor --fix" in text


def test_sensors_and_monitor_use_it(place):
    shown = json.loads(place.ecocode("sensors", "--json", uid=UID, group=True).stdout)
    assert "intel-rapl:0 by ecocode-priv" in json.dumps(shown)
    done = place.ecocode("monitor", "--json", "--duration", "1s", "--interval", "200ms", uid=UID, group=True)
    assert done.returncode == 0, done.stderr
    assert "measured" in done.stdout + done.stderr


def test_a_helper_that_hangs_harms_nothing(place):
    """The place of the helper is taken by something that never answers."""
    place.ok(["sh", "-c", f"cp -a {HELPER} {PUBLIC}/kept; cp /bin/sleep {PUBLIC}/hang.bin; "
              f"printf '#!/bin/sh\\nexec sleep 1000\\n' > {HELPER}; setcap cap_kill=p {HELPER}"])
    try:
        begin = time.monotonic()
        done = place.ecocode("run", "--no-record", "--", "sh", "-c", "ls -l /proc/self/fd | wc -l; exit 3", uid=UID, group=True)
        assert done.returncode == 3 and time.monotonic() - begin < 3, done
        assert done.stdout.strip() == "5"  # total, 0, 1, 2 and ls's own
    finally:
        place.run(["pkill", "-u", str(UID), "-x", "sleep"])
        place.ok(["cp", "-a", "--preserve=all", PUBLIC + "/kept", HELPER])
        place.fix()


def test_a_helper_that_is_stopped_dies_with_the_run(place):
    line = (f"{PUBLIC}/ecocode run -q --no-record --interval 100ms sh -c "
            f"'sleep 0.3; pkill -STOP -u {UID} -x ecocode-priv; sleep 0.3; exit 5'")
    begin = time.monotonic()
    assert place.run(["sh", "-c", line], uid=UID, group=True).returncode == 5
    assert time.monotonic() - begin < 4
    time.sleep(0.1)
    assert left(place) == ""


def left(place):
    return place.run(["pgrep", "-u", str(UID), "-l", "ecocode-priv"]).stdout


def test_the_helper_is_gone_afterwards(place):
    for _ in range(3):
        report_of(place, ["sleep", "0.2"], uid=UID, group=True)
    time.sleep(0.2)
    assert left(place) == ""


def test_the_command_does_not_see_it(place):
    """Neither as a child nor as a descriptor; --wait-all does not wait for it."""
    script = ("import os\n"
              "try:\n    os.wait()\n    raise SystemExit(9)\nexcept ChildProcessError:\n    pass\n"
              "assert sorted(os.listdir('/proc/self/fd'))[:3] == ['0', '1', '2'] and len(os.listdir('/proc/self/fd')) == 4\n")
    for options in ([], ["--wait-all"], ["--no-cgroup", "--wait-all"]):
        done = place.ecocode("run", "-q", "--no-record", *options, "--", "/usr/bin/python3", "-c", script, uid=UID, group=True)
        assert done.returncode == 0, done.stderr


def test_killing_the_helper_costs_only_its_readings(place):
    line = (f"{PUBLIC}/ecocode run --json --no-record --interval 100ms sh -c "
            "'sleep 0.4; pkill -KILL -u $(id -u) -x ecocode-priv; sleep 0.6; exit 4'")
    done = place.run(["sh", "-c", line], uid=UID, group=True)
    assert done.returncode == 4
    report = lib_ecocode.strict_json(done.stderr.strip().splitlines()[-1])
    lib_ecocode.check_parts("run", report["energy"])
    assert domain(report)["machine_j"] is None or domain(report)["machine_j"] > 0
