# SPDX-License-Identifier: MIT
"""Findings of real runs: silent where nothing is certain, and told where it is."""
import pytest

from lib_cli import call
from lib_ecocode import check_report, read_json


def measure(ecocode, home, tmp_path, script):
    out, text = tmp_path / "out.json", tmp_path / "out.txt"
    done = call(ecocode, home, "run", "-q", "-o", str(out), "-o", str(text), "--no-idle-tail", "sh", "-c", script)
    assert done.returncode == 0, done
    report = read_json(out)
    check_report(report)
    return [finding for finding in report["findings"] if finding["id"] != "estimated"], text.read_text()


def test_a_short_run_has_none(ecocode, home, tmp_path):
    findings, _ = measure(ecocode, home, tmp_path, "sleep 0.1")
    assert findings == []


@pytest.mark.long
def test_a_long_wait_at_the_end_is_found(ecocode, home, tmp_path):
    busy = "timeout 18 sh -c 'while :; do :; done'"
    findings, text = measure(ecocode, home, tmp_path, f"{busy}; sleep 14")
    assert [finding["id"] for finding in findings] == ["idle_tail"], findings
    assert 12 < findings[0]["value"] < 15 and findings[0]["unit"] == "s"
    assert "The job only waited for its last 1" in text
