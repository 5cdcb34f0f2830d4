# SPDX-License-Identifier: MIT
"""run -u USER: the command is USER's, the measurement stays the caller's; without -u it is as it was found."""
import signal
import subprocess
import time

import pytest

import lib_priv
from lib_priv import OTHER, OTHER_UID, PUBLIC, UID, USER


@pytest.fixture(scope="module")
def place():
    with lib_priv.place_or_skip() as made:
        yield made


@pytest.fixture
def run_as(place, tmp_path):
    """ecocode run -q -u OTHER WORDS... as root, and what it printed."""
    def call(*words, user=OTHER, options=("-q",), **more):
        env = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config"), **more.pop("env", {})}
        return place.ecocode("run", *options, "-u", user, "--", *words, env=env, **more)
    return call


def test_ids_and_groups(place, run_as):
    place.ok(["groupadd", "-f", "eco-more"])
    place.ok(["usermod", "-aG", "eco-more", OTHER])
    plain = place.ok(["id", OTHER])
    for name in (OTHER, str(OTHER_UID)):
        done = run_as("id", user=name)
        assert done.returncode == 0 and done.stdout == plain and "eco-more" in plain and done.stderr == ""


def test_environment(run_as):
    done = run_as("env", "-0", env={"SUDO_USER": "x", "SUDO_UID": "1", "SUDO_COMMAND": "y", "XDG_RUNTIME_DIR": "/run/user/0",
                                    "XDG_CACHE_HOME": "/root/c", "DBUS_SESSION_BUS_ADDRESS": "unix:", "MAIL": "/root/m",
                                    "KEPT": "a b\nc", "SHELL": "/bin/rootsh", "USER": "root", "LOGNAME": "root"})
    found = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    assert found.pop("ECOCODE_RUN") and found.pop("PATH")
    assert found == {"HOME": "/tmp", "USER": OTHER, "LOGNAME": OTHER, "SHELL": "/bin/sh", "KEPT": "a b\nc"}


@pytest.mark.parametrize("given", ["", "setpriv --inh-caps +chown,+kill --ambient-caps +chown,+kill",
                                   "setpriv --securebits +no_setuid_fixup --inh-caps +chown"])
def test_no_capability_and_no_way_back(place, given):
    script = ("import os\n"
              "status = open('/proc/self/status').read()\n"
              "for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):\n"
              "    assert int(status.split(name + ':')[1].split()[0], 16) == 0, (name, status)\n"
              "for call in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0])):\n"
              "    try:\n"
              "        call()\n"
              "    except PermissionError:\n"
              "        continue\n"
              "    raise SystemExit(7)\n")
    done = place.run([*given.split(), PUBLIC + "/ecocode", "run", "-q", "--no-record", "-u", OTHER, "--", "/usr/bin/python3", "-c", script])
    assert done.returncode == 0, done.stderr


def test_no_descriptor_of_roots(place):
    line = f"exec 7< /etc/shadow 9>&1; {PUBLIC}/ecocode run -q --no-record {{}} ls /proc/self/fd"
    assert place.ok(["bash", "-c", line.format("-u " + OTHER)]).split() == ["0", "1", "2", "3"]  # 3 is ls's own
    assert place.ok(["bash", "-c", line.format("")]).split() == ["0", "1", "2", "3", "7", "9"], "as found"


def test_without_it_capabilities_are_as_found(place):
    for given in ([], ["setpriv", "--inh-caps", "+chown,+kill", "--ambient-caps", "+chown"]):
        plain = place.ok([*given, "grep", "Cap", "/proc/self/status"])
        assert place.ok([*given, PUBLIC + "/ecocode", "run", "-q", "--no-record", "grep", "Cap", "/proc/self/status"]) == plain


def test_folder_is_kept_where_he_may_be(place):
    def pwd(where, user):
        return place.ok(["sh", "-c", f"cd {where} && exec {PUBLIC}/ecocode run -q --no-record -u {user} /bin/pwd"]).strip()
    place.ok(["install", "-d", "-m", "700", "/usr/local/roots"])
    assert pwd("/var", OTHER) == "/var"
    assert pwd("/usr/local/roots", OTHER) == "/tmp"  # his home
    assert pwd("/usr/local/roots", USER) == "/"      # who has none


def test_statuses(place, run_as):
    place.ok(["install", "-m", "700", "/bin/true", "/usr/local/roots-only"])
    assert run_as("sh", "-c", "exit 7").returncode == 7
    for words, user, status, text in ((["/usr/local/roots-only"], OTHER, 126, "Permission denied"),
                                      (["/nowhere"], OTHER, 127, "command not found"), (["id"], "nobody-here", 125, "no user"),
                                      (["id"], "4294967295", 125, "no user"), (["id"], "99999", 125, "no user")):
        done = run_as(*words, user=user)
        assert done.returncode == status and text in done.stderr and done.stderr.count("\n") == 1, done.stderr
    done = place.ecocode("run", "-u", OTHER, "id", uid=UID)
    assert done.returncode == 125 and "only root" in done.stderr and done.stdout == ""


def test_signals_reach_another_users_command(place):
    process = subprocess.Popen(place.machine.argv([PUBLIC + "/ecocode", "run", "-q", "--no-record", "-u", OTHER, "--", "sh", "-c",
                                                   "trap 'echo got; exit 3' TERM; echo up; while :; do sleep 0.05; done"]),
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10)[0] == "got\n" and process.returncode == 3


def test_record_and_outputs_stay_the_callers(place, run_as, tmp_path):
    report = tmp_path / "r.json"
    tmp_path.chmod(0o700)
    assert run_as("true", options=("-q", "-o", str(report))).returncode == 0
    assert report.stat().st_uid == 0
    records = list((tmp_path / "state").rglob("*.jsonl"))
    assert len(records) == 1 and records[0].stat().st_uid == 0
    assert place.run(["find", "/tmp", "-maxdepth", "1", "-name", ".local"]).stdout == ""


def test_under_sudo_the_report_says_how_to_do_without(place):
    sudo = {"SUDO_USER": USER, "SUDO_UID": str(UID)}
    def said(*words, **options):
        text = " ".join(place.ecocode("run", "--no-record", *words, **options).stderr.split())
        return text.count("no sudo is needed")
    assert said("true", env=sudo) == 1
    assert said("-q", "true", env=sudo) == 0
    assert said("-u", OTHER, "true", env=sudo) == 0
    assert said("true") == 0
    assert said("true", env={"SUDO_USER": "root"}) == 0
    assert said("true", env=sudo, uid=UID) == 0
