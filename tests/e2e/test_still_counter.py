# SPDX-License-Identifier: MIT
"""A counter that can be read and never moves: its time is unknown, and everything that shows figures says so."""
import json

import pytest

import lib_ecocode
from lib_cli import call

COUNTERS = {"name": "package-0", "max_energy_range_uj": "262143328850", "energy_uj": "123456789", "enabled": "1"}


@pytest.fixture
def sysfs(tmp_path):
    zone = tmp_path / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in COUNTERS.items():
        (zone / name).write_text(text + "\n")
    return tmp_path / "sys"


def test_its_time_is_unknown(ecocode, home, tmp_path, sysfs):
    out = tmp_path / "o.json"
    done = call(ecocode, home, "run", "--path.sysfs", str(sysfs), "-o", str(out), "--", "sleep", "0.5")
    assert done.returncode == 0, done
    report = lib_ecocode.read_json(out)
    lib_ecocode.check_report(report)
    package = lib_ecocode.domain_of(report, "package-0")
    assert package["counted"] and package["job_j"] is None and package["machine_j"] is None, package
    assert 0.45 < package["still_s"] == package["gap_s"] < 5, package
    assert report["energy"]["job_j"] is None
    said, = [text for text in report["warnings"] if "stood still" in text]
    assert said.startswith("the counter of package-0 stood still for 0.") and said.endswith("; no energy is counted for that time")


def test_it_is_shown_once(ecocode, home, tmp_path, sysfs):
    text = tmp_path / "o.txt"
    assert call(ecocode, home, "run", "--path.sysfs", str(sysfs), "-o", str(text), "--", "sleep", "0.5").returncode == 0
    again = call(ecocode, home, "history", "show", "last")
    for shown in (text.read_text(), again.stdout):
        assert shown.count("stood still") == 1 and "No energy is known" in shown and "could not be read" not in shown, shown


def test_doctor_and_sensors_tell_it(ecocode, home, sysfs):
    done = call(ecocode, home, "doctor", "--path.sysfs", str(sysfs))
    assert done.returncode == 1 and "FAIL  sensors.moving    package-0" in done.stdout, done
    seen = json.loads(call(ecocode, home, "sensors", "--json", "--path.sysfs", str(sysfs)).stdout)["sensors"]
    package, = [row for row in seen if row["domain"] == "package-0"]
    assert package["stands_still"] is True and package["power_w"] is None
