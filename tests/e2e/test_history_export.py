# SPDX-License-Identifier: MIT
"""export: what was recorded in the forms that others read, whole, whatever its length."""
import csv
import io
import json
import os
import pathlib
import subprocess

import pytest

import lib_ecocode
from lib_cli import call, one_line

HOSTILE = '=cmd|"x", a\\b\u202e\x1b[31m</script>'


@pytest.fixture(scope="module")
def recorded(ecocode, tmp_path_factory):
    env = lib_ecocode.clean_environment(tmp_path_factory.mktemp("recorded") / "home")
    for label in ("one", HOSTILE):
        words = [ecocode, "run", "-q", "--interval", "50ms", "--label", "k=v", "--label", f"name={label}", "sh", "-c", "sleep .2", HOSTILE]
        assert subprocess.run(words, env=env, check=False).returncode == 0
    return env


def export(ecocode, env, *words):
    done = call(ecocode, env, "export", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def lines_of(ecocode, env, *words):
    return [json.loads(line) for line in export(ecocode, env, "--format", "jsonl", *words).splitlines()]


def test_intervals_as_csv_are_those_of_the_record(ecocode, recorded):
    frames = [line for line in lines_of(ecocode, recorded) if line["type"] == "frame"]
    rows = list(csv.DictReader(io.StringIO(export(ecocode, recorded))))
    assert all(None not in row and None not in row.values() for row in rows) and len(frames) >= 4
    expected = [(frame["seq"], domain) for frame in frames for domain in frame["domains"] + [dict(frame["total"], name="total")]]
    assert len(rows) == len(expected)
    for row, (seq, domain) in zip(rows, expected):
        assert int(row["seq"]) == seq and row["domain"] == domain["name"] and row["quality"] == domain["quality"]
        for key in ("job_j", "others_j", "idle_j", "unattributed_j", "machine_j", "span_s", "gap_s"):
            assert float(row[key]) == domain[key]
    totals = [row for row in rows if row["domain"] == "total"]
    assert [float(row["job_active_j"]) for row in totals] == [frame["total"]["by_policy_j"]["active"] for frame in frames]


def test_runs_and_processes(ecocode, recorded):
    runs = list(csv.DictReader(io.StringIO(export(ecocode, recorded, "label:k=v", "--rows", "runs"))))
    reports = json.loads(export(ecocode, recorded, "label:k=v", "--json"))
    assert len(runs) == len(reports) == 2
    for row, report in zip(runs, reports):
        assert row["run_id"] == report["run_id"] and float(row["job_j"]) == pytest.approx(report["energy"]["job_j"], rel=1e-12)
        assert row["co2e_full_g"] == "" or float(row["co2e_full_g"]) >= 0
    # no cell begins a formula or moves a cursor
    text = export(ecocode, recorded, "label:k=v", "--rows", "processes")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert "\x1b" not in text and "\u202e" not in text and all(not cell.startswith("=") for row in rows for cell in row.values())
    for report in reports:
        own = [float(row["energy_j"]) for row in rows if row["run_id"] == report["run_id"]]
        assert sum(own) == pytest.approx(report["energy"]["job_j"], rel=1e-9)
    assert {row["run_id"] for row in json.loads(export(ecocode, recorded, "label:k=v", "--rows", "processes", "--json"))} == \
        {report["run_id"] for report in reports}


def test_openmetrics_by_their_own_parser(ecocode, recorded):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    # 0.16 compares seconds and their fractions apart, so that time goes backwards at every full second
    parser.Timestamp.__gt__ = lambda one, other: (one.sec, one.nsec) > (other.sec, other.nsec)
    text = export(ecocode, recorded, "label:k=v", "--format", "openmetrics")
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert {family.type for family in families.values()} == {"counter"}
    reports = json.loads(export(ecocode, recorded, "label:k=v", "--json"))
    for report in reports:
        for name, key in (("ecocode_node_energy_joules", "machine_j"), ("ecocode_job_energy_joules", "job_j")):
            own = [one for one in families[name].samples if one.labels["run_id"] == report["run_id"]]
            last = {one.labels["domain"]: one.value for one in own}
            assert sum(last.values()) == pytest.approx(report["energy"][key], rel=1e-6)
            times = [float(one.timestamp) for one in own]
            assert times == sorted(times) and len(set(times)) > 3


def test_the_suffix_decides_and_files_are_replaced(ecocode, recorded, tmp_path):
    table, report = tmp_path / "x.csv", tmp_path / "x.json"
    table.write_text("before")
    export(ecocode, recorded, "-o", str(table), "-o", str(report))
    assert table.read_text().startswith("schema,") and json.loads(report.read_text())[0]["schema"] == "ecocode.run/1"
    assert sorted(os.listdir(tmp_path)) == ["x.csv", "x.json"]
    if os.path.exists("/dev/full"):
        done = call(ecocode, recorded, "export", "-o", "/dev/full")
        assert done.returncode == 2 and "/dev/full" in one_line(done.stderr)


@pytest.mark.parametrize("words, said", [(["--format", "xls"], "csv"), (["--rows", "all"], "runs"), (["nothing"], "nothing"),
                                         (["label:k=none"], "label"), (["last~9"], "runs")])
def test_misuse(ecocode, recorded, words, said):
    done = call(ecocode, recorded, "export", *words)
    assert done.returncode == 2 and said in one_line(done.stderr) and not done.stdout


def test_an_empty_history_says_what_to_run(ecocode, home):
    done = call(ecocode, home, "export")
    assert done.returncode == 2 and "ecocode run" in one_line(done.stderr)


def test_a_reader_that_has_seen_enough(ecocode, recorded):
    done = subprocess.run(f"'{ecocode}' export | head -n 1", shell=True, env=recorded, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("schema,") and not done.stderr


def big_record(path, template, count):
    """The record with its first interval `count` times over."""
    lines = template.read_text().splitlines()
    frame = json.loads(lines[1])
    with open(path, "w", encoding="utf-8") as out:
        out.write(lines[0] + "\n")
        for seq in range(count):
            frame["seq"], frame["time"] = seq + 1, f"2026-11-22T{seq // 3600:02}:{seq // 60 % 60:02}:{seq % 60:02}.000Z"
            out.write(json.dumps(frame, separators=(",", ":")) + "\n")
        out.write(lines[-1] + "\n")


@pytest.mark.parametrize("form", ["csv", "jsonl", "openmetrics"])
def test_memory_does_not_grow_with_the_length(ecocode, recorded, tmp_path, form):
    folder = pathlib.Path(recorded["XDG_STATE_HOME"]) if "XDG_STATE_HOME" in recorded else pathlib.Path(recorded["HOME"]) / ".local/state"
    template = next((folder / "ecocode" / "runs").glob("*.jsonl"))
    path = tmp_path / template.name
    big_record(path, template, 25000)
    program = str(pathlib.Path(ecocode).parent / "ecocode-history")
    peak_kib = 0
    with subprocess.Popen([program, "export", str(path), "--format", form], env=recorded, stdout=subprocess.PIPE) as child:
        while child.stdout.read(1 << 20):
            # of the program alone: ru_maxrss holds that of the process it was forked from
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            peak_kib = max([peak_kib] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")])
    assert child.returncode == 0 and path.stat().st_size > 16 << 20
    assert 0 < peak_kib <= (16 if "asan" not in ecocode else 64) * 1024
