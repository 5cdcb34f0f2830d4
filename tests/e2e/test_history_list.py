# SPDX-License-Identifier: MIT
"""`ecocode history`: empty, filled, filtered; what RUN means; show, sums, delete, redact, prune, recost."""
import json
import os
import subprocess

import pytest

from lib_cli import call, one_line
from lib_ecocode import check_report, strict_json
from lib_history import copy_run, listed, make_run, records, runs_of, state_of

pytestmark = pytest.mark.skipif(not os.access(os.path.join(os.path.dirname(os.environ.get("ECOCODE_BIN") or
                                os.path.join(os.path.dirname(__file__), "../../build/ecocode")), "ecocode-history"),
                                os.X_OK), reason="built without ecocode-history")


@pytest.fixture(scope="module")
def folder(ecocode, tmp_path_factory):
    """Six runs, and an environment that sees them. Tests that change something make their own."""
    import lib_ecocode
    home = lib_ecocode.clean_environment(tmp_path_factory.mktemp("home"))
    first = make_run(ecocode, home, "--label", "project=a", "--location", "FR", command=("sleep", "0.1"))
    for i, (project, host) in enumerate([("a", "node1"), ("b", "node2"), ("b", "node2"), ("c", "node2")]):
        copy_run(first, f"{'abcdef0123456789' * 2:.30}{i:02d}", f"2026-0{i + 1}-03T10:00:00.000Z", host, {"project": project})
    copy_run(first, "ab" * 16, "2025-12-31T23:59:59.000Z", "node1", {})
    return home


@pytest.mark.parametrize("words", [[], ["--sum"], ["trend"], ["prune"], ["--sum", "--by", "day"]])
def test_an_empty_history(ecocode, home, words):
    text = call(ecocode, home, "history", *words)
    assert text.returncode == 0 and text.stderr == "" and text.stdout.count("\n") == 1, text
    assert "ecocode run" in text.stdout or words == ["prune"]
    machine = call(ecocode, home, "history", *words, "--json")
    assert machine.returncode == 0 and strict_json(machine.stdout)["schema"] == "ecocode.history/1"
    assert not state_of(home).exists(), "looking must not leave anything"


@pytest.mark.parametrize("words", [["show"], ["show", "last"], ["show", "last~3"], ["show", "7f3a"], ["show", "label:a=b"]])
def test_an_empty_history_says_what_to_run(ecocode, home, words):
    done = call(ecocode, home, "history", *words)
    assert done.returncode == 2 and done.stdout == ""
    assert "nothing is recorded yet; try: ecocode run COMMAND" in one_line(done.stderr)


def test_the_first_run_says_where_it_is_kept_and_then_no_more(ecocode, home):
    first = call(ecocode, home, "run", "true").stderr
    second = call(ecocode, home, "run", "true").stderr
    assert "recorded in" in first and "--no-record" in first and max(map(len, first.splitlines())) <= 79
    assert "recorded in" not in second
    assert runs_of(home).stat().st_mode & 0o777 == 0o700
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in records(home))


def test_no_record_is_none(ecocode, home):
    done = call(ecocode, home, "run", "--no-record", "true")
    assert done.returncode == 0 and "recorded in" not in done.stderr and not runs_of(home).exists()


def test_list(ecocode, folder):
    done = call(ecocode, folder, "history")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == "" and len(lines) == 7 and max(map(len, lines)) <= 79
    assert lines[0].split()[:2] == ["RUN", "STARTED"] and "HOST" in lines[0]
    assert lines[1].startswith("ababab  2025-12-31 23:59") and "sleep 0.1" in lines[-1]
    runs = listed(ecocode, folder)
    assert [r["started_at"] for r in runs] == sorted(r["started_at"] for r in runs) and len(runs) == 6
    assert all(r["state"] == "complete" and r["exit_code"] == 0 and r["job_j"] > 0 and r["co2e_g"] > 0 for r in runs)
    short = call(ecocode, folder, "history", "-n", "2").stdout.splitlines()
    assert short[1:3] == lines[-2:] and "2 of 6 runs" in short[-1]


@pytest.mark.parametrize("options, count", [
    (["--label", "project=b"], 2), (["--label", "project=x"], 0), (["--host", "node1"], 2),
    (["--command", "sleep"], 6), (["--command", "true"], 0), (["--since", "2026"], 5), (["--until", "2025"], 1),
    (["--since", "2026-02", "--until", "2026-03"], 2), (["--until", "2026-01-03"], 2), (["--until", "2026-01-02"], 1),
    (["--since", "1h"], 1), (["--label", "project=b", "--since", "2026-03-03T10:00:00.000Z"], 1)])
def test_filters(ecocode, folder, options, count):
    assert len(listed(ecocode, folder, *options)) == count


@pytest.mark.parametrize("options, part", [
    (["--since", "soon"], "--since"), (["--sum", "--by", "color"], "--by color"), (["trend", "--by", "host"], "trend"),
    (["bla"], "'bla'"), (["show", "ab"], "beginning of several"), (["show", "last~77"], "only 6 runs"),
    (["show", "label:project"], "KEY=VALUE"), (["delete"], "which runs?"), (["delete", "abc"], "several"),
    (["prune", "--compress-after", "soon"], "--compress-after"), (["prune", "x"], "takes no words"),
    (["show", "./nothing.json"], "nothing.json"), (["--recost", "last", "--location", "Atlantis"], "Atlantis")])
def test_mistakes_are_one_line(ecocode, folder, options, part):
    done = call(ecocode, folder, "history", *options)
    assert done.returncode == 2 and part.replace("--since", "'soon'") in one_line(done.stderr), done


def test_sums_and_trend(ecocode, folder):
    sums = json.loads(call(ecocode, folder, "history", "--sum", "--by", "label:project", "--json").stdout)["sums"]
    assert {s["group"]: s["runs"] for s in sums} == {"a": 2, "b": 2, "c": 1, None: 1}
    each = {r["job_j"] for r in listed(ecocode, folder)}
    assert len(each) == 1 and all(abs(s["job_j"] - s["runs"] * next(iter(each))) < 1e-9 for s in sums)
    trend = json.loads(call(ecocode, folder, "history", "trend", "--by", "month", "--json").stdout)["trend"]
    assert [t["group"] for t in trend][:5] == ["2025-12", "2026-01", "2026-02", "2026-03", "2026-04"]
    week = json.loads(call(ecocode, folder, "history", "trend", "--by", "week", "--json").stdout)["trend"]
    assert [t["group"] for t in week][:2] == ["2025-12-29", "2025-12-29"][:1] + ["2026-02-02"], "Mondays"
    for words in (["--sum"], ["--sum", "--by", "host"], ["trend"], ["trend", "--by", "week"]):
        text = call(ecocode, folder, "history", *words).stdout
        assert max(map(len, text.splitlines())) <= 79, text
        assert ("world's mean" in text) == ("CO2E" in text), text


def test_show_is_the_report_of_the_run(ecocode, home):
    said = call(ecocode, home, "run", "--label", "a=b", "sh", "-c", "sleep 0.2; exit 3")
    shown = call(ecocode, home, "history", "show", "last")
    assert said.returncode == 3 and shown.returncode == 0 and shown.stderr == ""
    figures = [line for line in said.stderr.splitlines() if "idle power" in line or "own energy" in line or "exit 3" in line]
    assert figures and figures[0] in shown.stdout
    assert [line.split("(")[0] for line in figures if "own" in line] == [
        line.split("(")[0] for line in shown.stdout.splitlines() if "own energy" in line]
    kept = json.loads(records(home)[0].read_text().splitlines()[-1])
    assert json.loads(call(ecocode, home, "history", "show", "last", "--json").stdout) == kept
    for ref in (kept["run_id"], kept["run_id"][:6], "label:a=b", str(records(home)[0])):
        assert call(ecocode, home, "history", "show", ref).stdout == shown.stdout


def test_delete(ecocode, home):
    first = make_run(ecocode, home)
    second = copy_run(first, "f" * 32, labels={"k": "v"})
    would = call(ecocode, home, "history", "delete", "ffff", "--dry-run")
    assert would.stdout == "Would have deleted 1 run.\n" and second.exists()
    assert call(ecocode, home, "history", "delete", "label:k=v").stdout == "Deleted 1 run.\n"
    assert records(home) == [first] and len(listed(ecocode, home)) == 1
    again = call(ecocode, home, "history", "delete", "ffff")
    assert again.returncode == 2 and "no such run" in one_line(again.stderr)


def test_redact_leaves_no_trace(ecocode, home):
    secret = "s3cr3t-argument"
    make_run(ecocode, home, "--label", "keep=this", command=("sh", "-c", f"sleep 0.1 # {secret}"))
    host = listed(ecocode, home)[0]["hostname"]
    shown = call(ecocode, home, "history", "show", "last", "--redact", "--json").stdout
    assert secret not in shown and f'"hostname":"{host}"' not in shown and '"command":["sh"]' in shown
    assert secret in records(home)[0].read_text(), "showing changes nothing"
    for _ in range(60):
        copy_run(records(home)[0])
    before = listed(ecocode, home)[0]
    assert call(ecocode, home, "history", "redact", "label:keep=this").stdout == "Redacted 61 runs.\n"
    after = next(r for r in listed(ecocode, home) if r["run_id"] == before["run_id"])
    assert {k: after[k] for k in ("run_id", "job_j", "labels")} == {k: before[k] for k in ("run_id", "job_j", "labels")}
    assert after["command"] == "sh" and not after["hostname"]
    for path in state_of(home).rglob("*"):
        if path.is_file() and path.name.startswith(("redacted", "index")):
            assert secret.encode() not in path.read_bytes(), path
    assert all(p.name.startswith("redacted-") for p in records(home))
    check_report(json.loads(call(ecocode, home, "history", "show", "last", "--json").stdout))


def test_prune_keeps_every_joule(ecocode, home):
    record = make_run(ecocode, home, "--interval", "20ms", command=("sh", "-c", "sleep 0.7; i=0; while [ $i -lt 99999 ]; do i=$((i+1)); done"))
    os.utime(record, (1e9, 1e9))
    frames = [json.loads(line) for line in record.read_text().splitlines() if '"type":"frame"' in line]
    report = call(ecocode, home, "history", "show", "last", "--json").stdout
    would = call(ecocode, home, "history", "prune", "--dry-run").stdout
    assert "1 file would be compressed, 1 thinned" in would and records(home) == [record]
    done = call(ecocode, home, "history", "prune")
    assert done.returncode == 0, done.stderr
    packed = records(home)
    assert [p.name for p in packed] == [record.name + ".zst"] and packed[0].stat().st_mode & 0o777 == 0o600
    assert packed[0].stat().st_size < 4000 and int(packed[0].stat().st_mtime) == 1e9
    assert call(ecocode, home, "history", "show", "last", "--json").stdout == report
    assert call(ecocode, home, "history", "prune").stdout == "Nothing is old enough.\n"
    lines = call(ecocode, home, "export", "last", "--format", "csv").stdout.splitlines()
    header = lines[0].split(",")
    totals = [dict(zip(header, line.split(","))) for line in lines[1:] if ",total," in line]
    for key in ("job_j", "machine_j", "idle_j"):
        kept = sum(float(row[key]) for row in totals if row.get(key))
        truth = sum(f["total"][key] for f in frames if f["total"][key] is not None)
        assert len(totals) < len(frames) and abs(kept - truth) < 1e-6, key
    assert call(ecocode, home, "history", "prune", "--delete-after", "1y").stdout.endswith("1 run deleted\n")
    assert records(home) == []


def test_recost_keeps_both(ecocode, home):
    record = make_run(ecocode, home, "--location", "FR", command=("sleep", "0.1"))
    before = record.read_bytes()
    done = json.loads(call(ecocode, home, "history", "--recost", "last", "--location", "PL", "--price", "0.30EUR", "--json").stdout)
    new, old = done[0]["impact"], json.loads(before.splitlines()[-1])["impact"]
    assert old["factors"]["location"]["code"] == "FR" and new["factors"]["location"]["code"] == "PL"
    ratio = new["factors"]["intensity_g_per_kwh"] / old["factors"]["intensity_g_per_kwh"]
    grams = [i["by_policy"]["full"]["co2e_g"] for i in (old, new)]
    assert abs(grams[1] / grams[0] / ratio - 1) < 1e-9
    assert abs(new["by_policy"]["full"]["cost"] - 0.3 * new["by_policy"]["full"]["energy_facility_kwh"]) < 1e-12
    assert record.read_bytes() == before
    kept = [json.loads(line) for line in record.with_suffix(".costs.jsonl").read_text().splitlines()]
    assert kept == done and len(listed(ecocode, home)) == 1
    text = call(ecocode, home, "history", "--recost", "--location", "DE").stdout
    assert "FR" in text and "DE" in text and max(map(len, text.splitlines())) <= 79
    assert len(record.with_suffix(".costs.jsonl").read_text().splitlines()) == 2


def test_a_pipe_that_closes_is_no_failure(ecocode, folder):
    done = subprocess.run(f"'{ecocode}' history | head -1; echo ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash", env=folder,
                          capture_output=True, text=True, timeout=60)
    assert done.stderr == "" and done.stdout.startswith("RUN")
