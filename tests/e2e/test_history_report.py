# SPDX-License-Identifier: MIT
"""`ecocode report`: pages, Markdown and the paragraph for a paper."""
import json
import re
import resource

import pytest

from lib_cli import call, one_line
from lib_ecocode import strict_json
from lib_page import check_page, process, report_of, write_record

HOSTILE = ["</script><script>document.title='pwned'</script>", "<img src=x onerror=alert(1)>", "'\"><svg/onload=alert(1)>",
           "\u2028\u2029 line ends", "\u202eslabel era sdrawkcab", "<!-- <script> ]]>", "javascript:alert(1)", "{{7*7}}${7*7}",
           "</script x><script y>", "|a|b| `c` [d](http://e) <f> &amp; #g *h*", "x" * 10000, "\x1b[31mred\x07", "</title></style></bdi>"]


def report(ecocode, home, *words):
    result = call(ecocode, home, "report", *map(str, words))
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def page_of(ecocode, home, tmp_path, *words):
    path = tmp_path / "page.html"
    assert report(ecocode, home, *words, "-o", path) == ""
    return check_page(path.read_text())


def rows_of(page, first):
    """The table whose first column has this title: a list of rows of texts."""
    start = next(i for i, row in enumerate(page.rows) if row and row[0] == first)
    width = len(page.rows[start])
    end = start + 1
    while end < len(page.rows) and len(page.rows[end]) == width and page.rows[end][0] != first:
        end += 1
    return page.rows[start + 1:end]


def test_a_page_of_a_real_run(ecocode, home, tmp_path):
    result = call(ecocode, home, "run", "-q", "--interval", "0.05", "--label", "a=<b>", "--", "sh", "-c",
                  "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; sleep 0.1; true '<b>&'")
    assert result.returncode == 0, result.stderr
    page = page_of(ecocode, home, tmp_path, "last")
    run = page.json()["runs"][0]
    assert run["report"]["schema"] == "ecocode.run/1" and run["report"]["run_id"][:12] in page.text
    assert "exit 0 after" in page.text and "a=<b>" in page.text and "Not counted:" in page.text
    series = run["series"]
    assert series["frames"] >= 3 and series["end_s"] == sorted(series["end_s"])
    starts = [0, *series["end_s"]]
    drawn_j = sum(sum(w * (e - s) for w, s, e in zip(d["job_w"], starts, series["end_s"]) if w is not None)
                  for d in series["domains"])
    assert drawn_j == pytest.approx(run["report"]["energy"]["job_j"], rel=0.02, abs=0.02)  # watts are rounded
    assert sum(p["energy_j"] for p in run["processes"]) == pytest.approx(run["report"]["energy"]["job_j"])


def test_the_last_run_is_meant_without_a_word(ecocode, home, tmp_path):
    assert call(ecocode, home, "run", "-q", "--", "true", "first").returncode == 0
    assert "true first" in page_of(ecocode, home, tmp_path).text


def test_hostile_names_are_text(ecocode, home, tmp_path):
    rows = [process(100 + i, 1, 10.0 + i, name, cmdline=name, role=None) for i, name in enumerate(HOSTILE)]
    domains = report_of(20, rows)["domains"]
    domains[0]["device"] = {"name": HOSTILE[0], "divided_by": HOSTILE[1]}
    members = {"command": HOSTILE, "labels": {HOSTILE[0]: HOSTILE[2]}, "warnings": HOSTILE, "domains": domains,
               "phases": [{"name": n, "start_offset_s": 0, "end_offset_s": 1, "energy": {"job_j": 1}} for n in HOSTILE],
               "findings": [{"text": n, "what_to_do": n} for n in HOSTILE],
               "budgets": [{"limit": 1, "used": 2, "unit": HOSTILE[0], "ratio": 2, "exceeded": True}],
               "impact": {"boundary": HOSTILE[0], "factors": {HOSTILE[0]: {"value": HOSTILE[1], "source": HOSTILE[2]}},
                          "by_policy": {HOSTILE[0]: {"co2e_g": 1}}, "equivalents": HOSTILE, "sci": {HOSTILE[0]: HOSTILE[1]}},
               "host": {"hostname": HOSTILE[0], "cpu_model": HOSTILE[1], "kernel": HOSTILE[2], "virtualization": HOSTILE[3]},
               "boundary": {"included": HOSTILE, "excluded": HOSTILE}, "policy": HOSTILE[0]}
    path = write_record(tmp_path / "hostile.jsonl", 20, report_of(20, rows, **members))
    page = page_of(ecocode, home, tmp_path, path, path)
    assert "</script><script>" in page.text  # as text, for everybody to see
    assert len(page.source) < 600_000
    text = report(ecocode, home, path, "-o", "-", "--format", "md")
    assert "<script" not in text and "<img" not in text and "\u202e" not in text and not re.search(r"(?<!\\)\]\(|http://", text)
    said = report(ecocode, home, path, "--statement")
    assert said.count("\n") == 1 and all(c.isprintable() or c == "\n" for c in said)


def test_ten_thousand_processes_make_no_large_page(ecocode, home, tmp_path):
    rows = [process(10, 1, 5.0, "root")] + [process(11 + i, 10 + i // 7, (i % 100) / 50) for i in range(10000)]
    path = write_record(tmp_path / "many.jsonl", 5000, report_of(5000, rows))
    page = page_of(ecocode, home, tmp_path, path)
    assert len(page.source) < 600_000
    run = page.json()["runs"][0]
    assert len(run["series"]["end_s"]) <= 640 and run["series"]["frames"] == 5000
    total_j = sum(row["energy_j"] for row in rows)
    assert sum(p["energy_j"] for p in run["processes"]) == pytest.approx(total_j)
    assert sum(p["count"] for p in run["processes"]) == len(rows)
    assert len(rows_of(page, "process")) == len(run["processes"]) <= 402


def test_printed_cells_add_up(ecocode, home, tmp_path):
    path = write_record(tmp_path / "r.jsonl", 10, report_of(10, [process(5, 1, 211.947)]))
    table = rows_of(page_of(ecocode, home, tmp_path, path), "J")
    for name, *cells, _ in table:
        assert sum(map(float, cells[:4])) == pytest.approx(float(cells[4])), name
    assert [row[0] for row in table] == ["package-0", "total"] and table[0][1:6] == table[1][1:6]


def test_runs_side_by_side(ecocode, home, tmp_path):
    first = write_record(tmp_path / "a.jsonl", 10, report_of(10, [process(5, 1, 200.0)], run_id="b" * 32))
    second = write_record(tmp_path / "b.jsonl", 10, report_of(10, [process(5, 1, 300.0)], policy="full"))
    page = page_of(ecocode, home, tmp_path, first, second)
    table = rows_of(page, "run")
    assert [row[0] for row in table] == ["b" * 12, "a" * 12] and table[1][6] == "+50 %"
    assert "Not alike in these runs: the policy" in page.text and len(page.json()["runs"]) == 2
    same = page_of(ecocode, home, tmp_path, first, first)
    assert "Not alike" not in same.text


def test_what_a_report_has_beside_energy_is_told(ecocode, home, tmp_path):
    impact = {"boundary": "components",
              "is_lower_bound": True,
              "factors": {"location": {"code": "FR", "name": "France", "source": "option"}, "currency": "EUR",
                          "price_per_kwh": 0.25, "pue": 1.2, "intensity_g_per_kwh": 44.0, "intensity_source": "Ember",
                          "intensity_year": 2024, "method": "location_average", "resolution": "annual", "scope": "lifecycle"},
              "by_policy": {"active": {"energy_it_kwh": 1.0, "energy_facility_kwh": 1.2, "co2e_g": 52.8, "co2e_low_g": 40,
                                       "co2e_high_g": 66, "water_l": 2, "cost": 0.3}},
              "market_based": None, "embodied": None, "sci": None, "prediction": None, "equivalents": []}
    members = {"impact": impact, "findings": [{"text": "One core of 8 was busy.", "what_to_do": "Use more workers."}],
               "prediction": {"basis": "progress", "done_ratio": 0.5, "job_j": 400.0, "job_low_j": 380, "job_high_j": 420, "duration_s": 20},
               "phases": [{"name": "load", "count": 2, "start_offset_s": 0, "end_offset_s": 4, "duration_s": 3.5, "energy": {"job_j": 50.0}, "usage": {}}],
               "budgets": [{"limit": 100, "used": 200, "unit": "J", "ratio": 2.0, "exceeded": True}]}
    path = write_record(tmp_path / "r.jsonl", 10, report_of(10, [process(5, 1, 200.0)], **members))
    page = page_of(ecocode, home, tmp_path, path)
    for text in ("53 g (40 to 66 g)", "FR (France)", "0.3 EUR", "0.25 EUR/kWh", "1.20 kWh", "A lower bound", "One core of 8 was busy.", "EXCEEDED", "200 %"):
        assert text in page.text, text
    assert ["load", "2", "0 s", "4 s", "3.5 s", "50 J", "-"] in page.rows
    assert "<text x=\"4\" y=\"24\">load" not in page.source  # others were in between
    assert ["carbon intensity, CO2e", "44 g/kWh", "Ember", "2024"] in page.rows
    assert "400 J (380 to 420 J) in 20.0 s, by progress: 50 % was done." in page.text
    said = report(ecocode, home, path, "--statement")
    assert "The boundary is cpu; not counted: mainboard, disks." in said and "EcoCode 0.1.0 (model version 1)" in said
    assert "95 % interval \u00b15 %" in said and "package-0 by RAPL counter (measured)" in said
    assert "at least 53 g (40 to 66 g) of CO2e in FR, at a carbon intensity of 44 g/kWh (Ember, 2024), location_average" in said
    plain = page_of(ecocode, home, tmp_path, write_record(tmp_path / "p.jsonl", 10, report_of(10, [process(5, 1, 200.0)])))
    for title in ("What it costs the world", "Phases", "Budgets", "What stands out", "Graphics cards"):
        assert title not in plain.text and (title in page.text or title == "Graphics cards")


def test_cards_have_their_panels(ecocode, home, tmp_path):
    base = report_of(10, [process(5, 1, 200.0, gpu_busy_s=4.0)])
    device = {"vendor": "nvidia", "name": "H200", "memory_bytes": 150 << 30, "utilization_mean_ratio": 0.5, "power_max_w": 700.0,
              "memory_peak_bytes": 8 << 30, "temperature_max_celsius": 60, "throttled_s": 0, "divided_by": "time"}
    base["domains"][0].update(name="gpu-0", kind="gpu", device=device)
    path = write_record(tmp_path / "r.jsonl", 10, base)
    lines = path.read_text().splitlines()
    for i in range(1, 11):
        line = json.loads(lines[i])
        line["domains"][0].update(name="gpu-0", gpu_busy_ratio=i / 10, gpu_memory_bytes=i << 30)
        lines[i] = json.dumps(line)
    path.write_text("\n".join(lines) + "\n")
    page = page_of(ecocode, home, tmp_path, path)
    assert "gpu-0: H200" in page.text and "50 %" in page.text and "Memory in use" in page.text
    assert page.source.count('class="panel"') == 3


def test_a_node_full_of_cards_is_bounded(ecocode, home, tmp_path):
    base = report_of(1000, [process(5, 1, 6400.0, gpu_busy_s=4.0)])
    domain = base["domains"][0]
    base["domains"] = [{**domain, "name": f"gpu-{i}", "kind": "gpu", "device": {"name": f"card {i}"}} for i in range(64)]
    path = write_record(tmp_path / "r.jsonl", 1000, base)
    lines = path.read_text().splitlines()
    for i in range(1, 1001):
        line = json.loads(lines[i])
        line["domains"] = [{**line["domains"][0], "name": f"gpu-{d}", "job_j": 1 + i * d % 97 / 97, "machine_j": 2 + i * d % 89 / 89,
                            "gpu_busy_ratio": i * d % 83 / 83, "gpu_memory_bytes": i * d} for d in range(64)]
        lines[i] = json.dumps(line)
    path.write_text("\n".join(lines) + "\n")
    page = page_of(ecocode, home, tmp_path, path)
    assert page.source.count('class="panel"') == 16 * 3 and "16 of 64 cards are drawn" in page.text
    assert all(f"gpu-{i}: card {i}" in page.text for i in range(64)) and "other parts" in page.text
    assert len(page.source) < 2_500_000


@pytest.mark.parametrize("text", ["", "{}", "[1]", "{\"schema\": 7}", "{\"schema\": \"ecocode.run/9\"}", "no JSON\n" * 3])
def test_what_is_no_run_is_said_in_one_line(ecocode, home, tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    result = call(ecocode, home, "report", str(path), "-o", str(tmp_path / "page.html"))
    assert result.returncode == 2 and str(path) in one_line(result.stderr)
    assert not (tmp_path / "page.html").exists()


def test_a_report_with_nothing_in_it_still_makes_a_page(ecocode, home, tmp_path):
    path = tmp_path / "empty.json"
    path.write_text(json.dumps({"schema": "ecocode.run/1", "energy": 5, "domains": {}, "processes": "many", "host": []}))
    page = page_of(ecocode, home, tmp_path, path)
    assert "No energy is known" in page.text
    assert "No energy is known" in report(ecocode, home, path, "--statement")


def test_a_killed_run_has_a_page_that_says_so(ecocode, home, tmp_path):
    path = write_record(tmp_path / "r.jsonl", 30, report_of(30, [process(5, 1, 300.0)], run_id="c" * 32))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:21]) + lines[21][:40])  # 20 whole intervals
    page = page_of(ecocode, home, tmp_path, path)
    assert "This run has no end" in page.text and "for 20.0 s" in page.text and "c" * 12 in page.text
    assert page.json()["runs"][0]["series"]["frames"] == 20
    assert "200 J" in page.text
    assert "This run has no end" in report(ecocode, home, path, "-o", "-", "--format", "md")
    assert "no end" in report(ecocode, home, path, "--statement")


def test_many_runs_are_a_table(ecocode, home, tmp_path):
    paths = []
    for i in range(12):
        paths.append(tmp_path / f"{i}.json")
        paths[-1].write_text(json.dumps(report_of(10, [process(5, 1, 200.0 + i)], run_id=f"{i:032x}")))
    page = page_of(ecocode, home, tmp_path, *paths)
    assert len(rows_of(page, "run")) == 12 and "The first 8 of these 12 runs follow." in page.text
    assert len(page.json()["runs"]) == 8 and len(page.source) < 300_000
    result = call(ecocode, home, "report", *map(str, paths * 20), "-o", str(tmp_path / "x.html"))
    assert result.returncode == 2 and "more than 200 runs" in one_line(result.stderr)


def test_the_figures_behind_the_page(ecocode, home, tmp_path):
    path = write_record(tmp_path / "r.jsonl", 10, report_of(10, [process(5, 1, 200.0)]))
    figures = page_of(ecocode, home, tmp_path, path).json()
    assert strict_json(report(ecocode, home, path, "--json")) == figures
    assert report(ecocode, home, path, "-o", tmp_path / "x.json", "-o", tmp_path / "x.md") == ""
    assert strict_json((tmp_path / "x.json").read_text()) == figures
    assert (tmp_path / "x.md").read_text().startswith("# job\n")


@pytest.mark.parametrize("others_j,words", [(0, ("the whole machine", "used by what ran on it", "with idle power")),
                                            (5.0, ("the processes that were watched", "their own energy"))])
def test_what_was_watched_is_no_job(ecocode, home, tmp_path, others_j, words):
    base = report_of(10, [process(5, 1, 200.0)], command=None, exit={"code": None, "signal": None})
    base["energy"]["others_j"] = others_j
    page = page_of(ecocode, home, tmp_path, write_record(tmp_path / "r.jsonl", 10, base))
    assert all(word in page.text for word in words) and "the job's own" not in page.text and "for 10.0 s" in page.text


def test_a_recording_of_several_days_is_one_curve(ecocode, home, tmp_path):
    path = write_record(tmp_path / f"node-{'d' * 32}.jsonl", 20, report_of(20, [process(5, 1, 200.0)], run_id="d" * 32))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:11]))
    (tmp_path / f"node-{'d' * 32}.2026-11-23.jsonl").write_text("".join(lines[:1] + lines[11:]))
    page = page_of(ecocode, home, tmp_path, path)
    series = page.json()["runs"][0]["series"]
    assert series["frames"] == 20 and series["end_s"][-1] == 20 and "This run has no end" not in page.text


def test_a_job_on_two_nodes(ecocode, home, tmp_path):
    for name in ("a", "b"):
        base = report_of(10, [process(5, 1, 200.0), process(6, 5, 100.0)], run_id=name * 32, boot_id=name)
        base["host"]["hostname"] = name
        base["domains"][0]["uncertainty"] = base["energy"]["uncertainty"]
        (tmp_path / f"{name}.json").write_text(json.dumps(base))
    merged = tmp_path / "merged.json"
    result = call(ecocode, home, "merge", "-q", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "-o", str(merged))
    assert result.returncode == 0, result.stderr
    page = page_of(ecocode, home, tmp_path, merged)
    assert ["a" * 12, "a", "300 J", "10.0 s"] in page.rows and ["b" * 12, "b", "300 J", "10.0 s"] in page.rows
    assert [row[0] for row in rows_of(page, "process")] == ["a: 5 worker", "6 worker", "b: 5 worker", "6 worker"]


def test_misuse(ecocode, home, tmp_path):
    assert "nothing is recorded yet; try: ecocode run" in one_line(
        call(ecocode, home, "report", "-o", str(tmp_path / "x.html")).stderr)
    assert call(ecocode, home, "run", "-q", "--", "true").returncode == 0
    for words, said in ((("last",), "where to?"), (("last", "-o", "x.pdf"), ".html nor in .md or .json"),
                        (("nowhere", "-o", "x.html"), "no such run"), (("last", "-o", "/nowhere/x.html"), "/nowhere/x.html")):
        result = call(ecocode, home, "report", *words, cwd=tmp_path)
        assert result.returncode == 2 and said in one_line(result.stderr), words


def test_a_full_disk_leaves_the_old_page(ecocode, home, tmp_path):
    path = write_record(tmp_path / "r.jsonl", 10, report_of(10, [process(5, 1, 200.0)]))
    page = tmp_path / "page.html"
    page.write_text("old")
    result = call(ecocode, home, "report", str(path), "-o", str(page),
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert result.returncode == 2 and page.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if "page" in p.name] == ["page.html"]
    result = call(ecocode, home, "report", str(path), "-o", "/dev/full", "--format", "html")
    assert result.returncode == 2 and "No space left" in one_line(result.stderr)
