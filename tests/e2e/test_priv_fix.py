# SPDX-License-Identifier: MIT
"""doctor --fix and --undo: what they install, that they can be repeated, and that nothing is done unasked."""
import json
import subprocess

import pytest

import lib_priv
from lib_priv import HELPER, PUBLIC, STATE, UID, USER

CAPS = "cap_dac_override,cap_dac_read_search,cap_perfmon,cap_bpf=p"


@pytest.fixture
def place():
    with lib_priv.place_or_skip() as made:
        yield made


def facts(place):
    """All that --fix may change, as text."""
    return place.run(["sh", "-c", f"stat -c '%n %F %U:%G %a %s' {HELPER} {STATE} /var/lib/ecocode; getcap {HELPER}; "
                      "getent group ecocode; ls /etc/udev/rules.d; "
                      "stat -L -c '%U:%G %a' /sys/class/powercap/intel-rapl:0/energy_uj"]).stdout


def test_dry_run_shows_commands_and_does_nothing(place):
    before = facts(place)
    for uid in (None, UID):
        shown = place.ecocode("doctor", "--fix", "--dry-run", uid=uid, env={"SUDO_USER": USER})
        assert shown.returncode == 0
        for command in ("groupadd --system ecocode", f"-m 0750 {PUBLIC}/ecocode-priv {HELPER}", "setcap cap_bpf",
                        f"usermod --append --groups ecocode {USER}", "/var/lib/ecocode"):
            assert command in shown.stdout
        assert shown.stderr == ""
    assert facts(place) == before


def test_commands_that_are_shown_do_the_same(place):
    shown = place.ecocode("doctor", "--fix", "--dry-run", env={"SUDO_USER": USER}).stdout
    place.ok(["sh", "-e", "-c", shown])
    by_hand = facts(place)
    again = place.fix()
    assert again.returncode == 0 and again.stdout.count("as it should be") == 4 and "done  " not in again.stdout
    assert facts(place) == by_hand


def test_without_root_one_command_is_said(place):
    before = facts(place)
    for option in ("--fix", "--undo"):
        done = place.ecocode("doctor", option, "--yes", uid=UID)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr == f"ecocode: doctor: only root can do this; try: sudo {PUBLIC}/ecocode doctor {option}\n"
    assert facts(place) == before


def test_it_asks_first(place):
    before = facts(place)
    done = place.ecocode("doctor", "--fix", stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "--yes" in done.stderr and "groupadd" in done.stdout
    assert facts(place) == before
    for answer, status in (("n", 1), ("", 1), ("y", 0)):
        done = place.run(["script", "-qec", f"{PUBLIC}/ecocode doctor --fix", "/dev/null"], input=answer + "\n",
                         env={"SUDO_USER": USER})
        assert done.returncode == status, done.stdout
        assert (facts(place) == before) == (status != 0)


def test_fix_twice_and_undo_twice(place):
    before = facts(place)
    done = place.fix()
    assert done.returncode == 0 and done.stdout.count("done  ") == 4, done.stdout + done.stderr
    after = facts(place)
    assert f"{HELPER} regular file root:ecocode 750" in after
    assert f"{STATE} regular file root:root 600" in after
    assert f"{HELPER} {CAPS}" in after
    assert after.split("ecocode:x:")[1].split("\n")[0].endswith(":" + USER)
    inode = place.ok(["stat", "-c", "%i %Z", HELPER, STATE])
    done = place.fix()
    assert done.returncode == 0 and done.stdout.count("as it should be") == 4
    assert place.ok(["stat", "-c", "%i %Z", HELPER, STATE]) == inode, "the second time touched something"
    done = place.undo()
    assert done.returncode == 0 and facts(place) == before, done.stdout + done.stderr
    done = place.undo()
    assert done.returncode == 0 and "done  " not in done.stdout
    assert place.ok(["find", "/usr/local/libexec", "-mindepth", "1"]) == ""


@pytest.mark.parametrize("damage", [
    f"chmod 4777 {HELPER}", f"chown {USER} {HELPER}", f"setcap cap_sys_admin=ep {HELPER}", f"setcap -r {HELPER}",
    f"cp /bin/true {HELPER}", f"rm {HELPER} && ln -s /bin/true {HELPER}", f"rm {STATE} && ln -s /etc/passwd {STATE}",
    f"chmod 666 {STATE}", f"echo x > {STATE}", f"ln {STATE} /var/lib/ecocode/twin", "chmod 777 /var/lib/ecocode",
    f"gpasswd -d {USER} ecocode", "rm -r /var/lib/ecocode", "groupdel ecocode"])
def test_damage_is_mended(place, damage):
    assert place.fix().returncode == 0
    place.ok(["sh", "-c", f"{damage} > /dev/null"])
    done = place.fix()
    assert done.returncode == 0, done.stdout + done.stderr
    after = facts(place)
    assert f"{HELPER} regular file root:ecocode 750" in after and CAPS in after
    assert f"{STATE} regular file root:root 600" in after
    assert "root" in place.ok(["head", "-1", "/etc/passwd"])


def test_an_installed_program_gives_its_own_helper_powers(place):
    place.ok(["sh", "-c", f"mkdir -p /usr/local/libexec/ecocode; cp {PUBLIC}/ecocode /usr/local/bin/; "
              f"cp {PUBLIC}/ecocode-priv {HELPER}; chmod 755 {HELPER}"])
    before = facts(place)
    done = place.run(["/usr/local/bin/ecocode", "doctor", "--fix", "--yes"])
    assert done.returncode == 0 and CAPS in facts(place)
    done = place.run(["/usr/local/bin/ecocode", "doctor", "--undo", "--yes"])
    assert done.returncode == 0 and facts(place) == before, "what a package installed must stay"


def test_a_helper_that_others_may_write_is_not_installed(place):
    place.ok(["chmod", "777", PUBLIC + "/ecocode-priv"])
    done = place.fix()
    assert done.returncode == 2 and "may write" in done.stderr
    assert "ecocode" not in facts(place)


def test_udev(place):
    zone = "/sys/class/powercap/intel-rapl:0"
    place.ok(["sh", "-c", f"mount -t tmpfs -o mode=755 eco-zones /sys/class/powercap && mkdir {zone} && "
              f"echo 1 > {zone}/energy_uj && chmod 400 {zone}/energy_uj"])  # sysfs as far as modes go
    before = facts(place)
    shown = place.ecocode("doctor", "--fix", "--udev", "--dry-run").stdout
    assert "PLATYPUS" in shown and facts(place) == before
    assert place.fix("--udev").returncode == 0
    rule = place.ok(["cat", "/etc/udev/rules.d/70-ecocode-energy.rules"])
    assert 'SUBSYSTEM=="powercap"' in rule and "chgrp ecocode" in rule and "/sys/%p/energy_uj" in rule
    assert "root:ecocode 440" in facts(place)
    assert place.run(["cat", "/sys/class/powercap/intel-rapl:0/energy_uj"], uid=UID, group=True).returncode == 0
    assert place.fix("--udev").stdout.count("as it should be") == 3
    assert place.undo().returncode == 0 and facts(place) == before


@pytest.mark.parametrize("words", [["--fix", "--undo"], ["--yes"], ["--udev"], ["--dry-run"]])
def test_options_that_do_not_fit(place, words):
    done = place.ecocode("doctor", *words)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


def test_checks(place):
    def checks(**options):
        found = json.loads(place.ecocode("doctor", "--json", **options).stdout)["checks"]
        return {c["id"]: c for c in found if c["id"].startswith(("priv.", "bpf."))}

    found = checks(uid=UID)
    assert found["priv.installed"]["verdict"] == "WARN" and "doctor --fix" in found["priv.installed"]["fix"]
    assert place.fix().returncode == 0
    found = checks(uid=UID)  # a session from before
    assert found["priv.installed"]["verdict"] == "PASS"
    assert found["priv.group"]["verdict"] == "WARN" and "newgrp" in found["priv.group"]["fix"]
    found = checks(uid=lib_priv.OTHER_UID)
    assert found["priv.group"]["verdict"] == "WARN" and "--fix" in found["priv.group"]["fix"]
    found = checks(uid=UID, group=True)
    for name in ("priv.installed", "priv.capabilities", "priv.group", "priv.counters"):
        assert found[name]["verdict"] == "PASS", found[name]
    assert found["bpf.usable"]["verdict"] in ("PASS", "SKIP", "WARN") and found["bpf.usable"]["text"]
    place.ok(["rm", STATE])
    found = checks(uid=UID, group=True)
    assert found["priv.counters"]["verdict"] == "WARN" and "--fix" in found["priv.counters"]["fix"]
