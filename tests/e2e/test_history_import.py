# SPDX-License-Identifier: MIT
"""import: what others recorded becomes runs like any other, once, and says what it is."""
import json
import os
import pathlib
import stat

import jsonschema
import pytest

import lib_ecocode
from lib_cli import call, one_line

SCHEMA = json.loads((lib_ecocode.ROOT / "data" / "schema" / "ecocode.run.1.json").read_text())
HEAD = ("timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,"
        "ram_energy,energy_consumed,country_name,country_iso_code,region,cloud_provider,cloud_region,os,python_version,codecarbon_version,"
        "cpu_count,cpu_model,gpu_count,gpu_model,longitude,latitude,ram_total_size,tracking_mode,on_cloud,pue")
ROW = ('2026-03-01T12:00:10,"net, ""big""",5b0fa12a-3dd7-45bb-9766-cc326314d9f1,x,10.5,0.0001,1e-05,42.5,,10,0.000125,0,0.00003,0.000155,France,FRA,'
       'paris,,,Linux-6.1,3.11.2,2.3.4,8,"Some CPU, 3 GHz",,,2.3,48.8,16,machine,N,1.0')


def records(home):
    folder = pathlib.Path(home["XDG_STATE_HOME"]) / "ecocode" / "runs" if "XDG_STATE_HOME" in home else \
        pathlib.Path(home["HOME"]) / ".local" / "state" / "ecocode" / "runs"
    return sorted(folder.glob("*.jsonl")) if folder.exists() else []


def take(ecocode, home, *files):
    done = call(ecocode, home, "import", "--json", *map(str, files))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_codecarbon(ecocode, home, tmp_path):
    file = tmp_path / "emissions.csv"
    file.write_text(HEAD + "\r\n" + ROW + "\r\n" + ROW.replace("5b0fa12a", "6b0fa12a") + "\n")
    assert take(ecocode, home, file) == {"imported": 2, "known": 0, "failed": False}
    assert take(ecocode, home, file) == {"imported": 0, "known": 2, "failed": False}
    kept = records(home)
    assert len(kept) == 2 and all(stat.S_IMODE(os.stat(one).st_mode) == 0o600 for one in kept)
    begin, end = map(json.loads, kept[0].read_text().splitlines())
    jsonschema.validate(end, SCHEMA)
    assert begin["type"] == "begin" and begin["run_id"] == end["run_id"] == "5b0fa12a3dd745bb9766cc326314d9f1"
    assert end["started_at"] == "2026-03-01T11:59:59.500Z" and end["duration_s"] == 10.5
    assert end["labels"] == {"project": 'net, "big"'} and end["host"]["cpu_model"] == "Some CPU, 3 GHz"
    # 1 kWh = 3.6 MJ
    assert end["energy"]["job_j"] == pytest.approx(0.000155 * 3.6e6) and end["energy"]["quality"] == "estimated"
    assert {d["name"]: round(d["job_j"], 6) for d in end["domains"]} == {"cpu": 450.0, "ram": 108.0}
    assert end["energy"]["machine_j"] is None and end["energy"]["by_policy_j"]["active"] is None
    assert end["imported"]["row"]["emissions"] == "0.0001"


def test_own_files(ecocode, home, tmp_path):
    there, here = lib_ecocode.clean_environment(tmp_path / "there"), home
    report = tmp_path / "r.json"
    assert call(ecocode, there, "run", "-q", "-o", str(report), "true").returncode == 0
    record = records(there)[0]
    assert take(ecocode, here, record)["imported"] == 1
    assert records(here)[0].read_bytes() == record.read_bytes() and records(here)[0].name == record.name
    assert take(ecocode, here, report) == {"imported": 0, "known": 1, "failed": False}
    other = lib_ecocode.clean_environment(tmp_path / "other")
    assert take(ecocode, other, report)["imported"] == 1
    merged = call(ecocode, other, "merge", "--json", "last")
    assert json.loads(merged.stdout)["energy"]["job_j"] == json.loads(report.read_text())["energy"]["job_j"]


@pytest.mark.parametrize("text, said", [
    ("", "not a file of ecocode"), ("a,b\n1,2\n", "not a file of ecocode"), (HEAD + "\n" + "x" * 50 + "\n", "row 2"),
    (HEAD + '\n"' + ROW.replace('"', "") + "\n", "never closed"), (HEAD + "\n" + ROW.replace("0.000155", "-1"), "row 2"),
    (HEAD + "\n" + ROW.replace("0.000155", "nan"), "row 2")])
def test_what_is_none_is_refused(ecocode, home, tmp_path, text, said):
    file = tmp_path / "emissions.csv"
    file.write_text(text)
    done = call(ecocode, home, "import", str(file))
    assert done.returncode == 2 and said in one_line(done.stderr) and not records(home)


def test_bytes_that_are_no_text(ecocode, home, tmp_path):
    file = tmp_path / "emissions.csv"
    file.write_bytes((HEAD + "\n" + ROW).encode().replace(b"Linux", b"\xff\xfe"))
    assert call(ecocode, home, "import", str(file)).returncode == 2 and not records(home)
    (tmp_path / "x.jsonl").write_bytes(b'{"schema":"ecocode.run/9","run_id":"' + b"0" * 32 + b'"}\n')
    done = call(ecocode, home, "import", str(tmp_path / "x.jsonl"))
    assert done.returncode == 2 and "later version" in one_line(done.stderr)


def test_a_read_only_home(ecocode, home, tmp_path):
    file = tmp_path / "emissions.csv"
    file.write_text(HEAD + "\n" + ROW)
    blocked = dict(home, XDG_STATE_HOME=str(file))
    done = call(ecocode, blocked, "import", str(file))
    assert done.returncode == 2 and one_line(done.stderr)
