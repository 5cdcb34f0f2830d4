# SPDX-License-Identifier: MIT
"""`compare` and `check`: with reports whose figures are known, with recorded runs, and on an empty history."""
import json
import os
import random
import subprocess

import pytest

import lib_ecocode
import lib_schema


def call(env, *words, **options):
    return subprocess.run([lib_ecocode.binary(), *map(str, words)], env=env, text=True, capture_output=True, timeout=60,
                          **options)


@pytest.fixture(scope="module")
def one_report(tmp_path_factory):
    """A real report, of which others are made with other figures."""
    folder = tmp_path_factory.mktemp("one")
    env = lib_ecocode.clean_environment(folder / "home")
    made = call(env, "run", "-q", "--no-record", "-o", folder / "r.json", "--", "seq", "100000")
    assert made.returncode == 0, made.stderr
    return lib_ecocode.read_json(folder / "r.json")


class Maker:
    """Report number n of a session: 30 J of its own and 20 J of 20 W idle, times a factor."""

    def __init__(self, report, folder):
        self.report, self.folder, self.n = report, folder, 0

    def __call__(self, name, factor, minute=None, **changes):
        self.n += 1
        minute = self.n if minute is None else minute
        report = json.loads(json.dumps(self.report))
        own, full = 30 * factor, 50 * factor
        report |= {"run_id": f"{self.n:032x}", "started_at": f"2026-11-22T{minute // 60:02}:{minute % 60:02}:00.000Z",
                   "duration_s": factor, "policy": "active", "command": ["train", "a|b`<script>"],
                   "idle_basis": {"method": "learnt", "power_w": {"package-0": 20.0}, "at": None}}
        report["energy"] |= {"job_j": own, "by_policy_j": {"active": own, "full": full}, "quality": "measured"}
        report["domains"] = [report["domains"][0] | {"name": "package-0", "counted": True, "job_j": own, "sources": [
            {"source": "powercap", "quality": "measured", "seconds": 1}]}]
        report.update(changes)
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(report) + "\n")
        return path


@pytest.fixture
def make(one_report, tmp_path):
    return Maker(one_report, tmp_path)


def groups(make, ratio, baseline=6, candidates=4, sigma=0.01, in_turn=True):
    random.seed(7)
    if sigma is None:  # 10 % more in the mean, but up and down by 20 %
        for i, factor in enumerate([0.8, 1.0, 1.25, 0.9, 1.1, 1.0]):
            make(f"main/{i}.json", factor)
        for i, factor in enumerate([1.3, 0.9, 1.2, 1.0]):
            make(f"new/{i}.json", factor)
        return
    for i in range(baseline):
        make(f"main/{i}.json", random.lognormvariate(0, sigma), minute=2 * i)
    for i in range(candidates):
        make(f"new/{i}.json", ratio * random.lognormvariate(0, sigma), minute=2 * i + 1 if in_turn else 100 + i)


def compare(env, *words):
    result = call(env, "compare", "--json", *words)
    assert result.returncode == 0, result.stderr
    answer = lib_schema.read(result.stdout)
    assert answer["schema"] == "ecocode.compare/1"
    assert (answer["verdict"] is None) == (answer["obstacle"] is not None), answer
    assert answer["verdict"] == answer[answer["by"]]["verdict"], answer
    return answer


def test_compare_groups(home, make, tmp_path):
    groups(make, 1.10)
    answer = compare(home, tmp_path / "main", tmp_path / "new")
    assert answer["verdict"] == "more" and answer["by"] == "own" and answer["obstacle"] is None
    assert answer["own"]["low_ratio"] < 1.1 < answer["own"]["high_ratio"]
    assert len(answer["a"]["runs"]) == 6 and len(answer["b"]["runs"]) == 4
    text = call(home, "compare", tmp_path / "main", tmp_path / "new").stdout
    assert "B uses" in text and "more energy than A." in text
    assert all(len(line) <= 79 for line in text.splitlines())
    # the same groups as lists, and the other way round
    many = [",".join(str(p) for p in sorted((tmp_path / name).iterdir())) for name in ("main", "new")]
    assert compare(home, *many)["own"] == answer["own"]
    assert compare(home, *reversed(many))["verdict"] == "less"


def test_compare_groups_that_are_alike(home, make, tmp_path):
    groups(make, 1.00, sigma=0.001)
    answer = compare(home, tmp_path / "main", tmp_path / "new")
    assert answer["verdict"] == answer["with_idle"]["verdict"] == "equivalent" and answer["own"]["is_within_margin"]


def test_compare_names_what_hinders_it(home, make, tmp_path):
    groups(make, 1.10, in_turn=False)
    answer = compare(home, tmp_path / "main", tmp_path / "new")
    assert answer["verdict"] is None and "not interleaved" in answer["obstacle"] and not answer["is_interleaved"]
    one = compare(home, tmp_path / "main" / "0.json", tmp_path / "new" / "0.json")
    assert one["verdict"] is None and one["own"]["low_ratio"] is None and one["own"]["ratio"] > 1.05
    make("new/9.json", 1.1, host=make.report["host"] | {"cpu_model": "Another"})
    assert "the CPUs differ" in compare(home, tmp_path / "main", tmp_path / "new")["obstacle"]
    text = call(home, "compare", tmp_path / "main", tmp_path / "new").stdout
    assert "No verdict: the CPUs differ" in " ".join(text.split())


def without(energy, *policies):
    """The energies of a report, some of them not known."""
    return energy | {"by_policy_j": energy["by_policy_j"] | dict.fromkeys(policies)}


def test_compare_says_null_of_what_is_not_known(home, make, tmp_path):
    """Never 0: own energy of one run, all energy of one run, and an interval of runs that do not vary."""
    groups(make, 1.10)
    path = tmp_path / "new" / "0.json"
    report = json.loads(path.read_text())
    path.write_text(json.dumps(report | {"energy": without(report["energy"], "active")}))
    answer = compare(home, tmp_path / "main", tmp_path / "new")
    assert answer["by"] == "with_idle" and answer["verdict"] == "more" and answer["notes"]
    assert answer["a"]["own_j"] is None and answer["own"]["ratio"] is None and answer["own"]["is_within_margin"] is None
    path.write_text(json.dumps(report | {"energy": without(report["energy"], "active", "full"), "duration_s": None}))
    answer = compare(home, tmp_path / "main", tmp_path / "new")
    assert "the energy of a run is not known" in answer["obstacle"]
    assert answer["b"]["with_idle_j"] is None and answer["b"]["duration_s"] is None and answer["time_ratio"] is None
    for i in range(6):
        make(f"{'new' if i % 2 else 'main'}-copies/{i}.json", 1.0)
    answer = compare(home, tmp_path / "main-copies", tmp_path / "new-copies")
    assert "do not vary" in answer["obstacle"] and answer["is_interleaved"] and answer["own"]["ratio"] == 1


def test_compare_takes_one_idle_power_for_all(home, make, tmp_path):
    """B took 25 W out in place of 20: as the figures stand B is the thriftier, in truth it uses 10 % more."""
    random.seed(3)
    for i in range(5):
        make(f"main/{i}.json", random.lognormvariate(0, 0.01), minute=2 * i)
        path = make(f"new/{i}.json", 1.1 * random.lognormvariate(0, 0.01), minute=2 * i + 1)
        report = json.loads(path.read_text())
        energy = report["energy"]["by_policy_j"]
        energy["active"] = energy["full"] - (energy["full"] - energy["active"]) * 25 / 20
        report["idle_basis"]["power_w"] = {"package-0": 25.0}
        path.write_text(json.dumps(report))
    answer = compare(home, tmp_path / "main", tmp_path / "new")
    assert answer["verdict"] == "more" and abs(answer["own"]["ratio"] - 1.1) < 0.02 and answer["idle_power_w"] == 22.5
    lib_schema.assert_refused(answer)


def check(env, tmp_path, *words, **options):
    return call(env, "check", "--baseline", tmp_path / "main", tmp_path / "new", *words, **options)


@pytest.mark.parametrize("ratio, sigma, status, state", [
    (1.10, 0.01, 1, "regression"), (1.00, 0.01, 0, "within"), (0.85, 0.01, 0, "improved"), (1.10, None, 0, "uncertain")])
def test_check(home, make, tmp_path, ratio, sigma, status, state):
    groups(make, ratio, sigma=sigma, in_turn=False)
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    result = check(home | {"GITHUB_STEP_SUMMARY": str(summary)}, tmp_path, "--json", "--markdown", tmp_path / "c.md",
                   "--github-summary")
    answer = lib_schema.read(result.stdout)
    assert answer["schema"] == "ecocode.check/1"
    assert (result.returncode, answer["state"]) == (status, state), answer
    assert answer["passed"] == (status == 0)
    lib_schema.assert_refused(answer)
    markdown = (tmp_path / "c.md").read_text()
    assert markdown.startswith("### Energy: ") and "a'b'<script>`" in markdown
    assert all(line.count("|") == 5 for line in markdown.splitlines() if line.startswith("|"))
    assert summary.read_text() == "before\n" + markdown
    text = check(home, tmp_path)
    assert text.returncode == status and ("FAILED" in text.stdout) == (status == 1)
    assert all(len(line) <= 79 for line in text.stdout.splitlines())


def test_check_of_runs_that_do_not_vary_and_of_energy_with_idle(home, make, tmp_path):
    """Each side has its interval or null; the other figure answers where own energy is not known."""
    for i in range(5):
        make(f"main/{i}.json", 1.0)
    groups(make, 1.10, baseline=0)
    answer = lib_schema.read(check(home, tmp_path, "--json").stdout)
    assert answer["by"] == "own" and answer["baseline"]["energy_j"] == pytest.approx(30)
    assert answer["baseline"]["low_j"] is None and answer["candidates"]["low_j"] > 30
    make("new/9.json", 1.1, energy=without(make.report["energy"] | {"by_policy_j": {"active": 33, "full": 55}}, "active"))
    answer = lib_schema.read(check(home, tmp_path, "--json").stdout)
    assert answer["by"] == "with_idle" and answer["notes"] and answer["baseline"]["energy_j"] == pytest.approx(50)


def test_check_of_a_ratio_beyond_all_numbers(home, make, tmp_path):
    for i in range(5):
        make(f"main/{i}.json", 1e-300 * (1 + i / 100))
        make(f"new/{i}.json", 1e300 * (1 + i / 100))
    answer = lib_schema.read(check(home, tmp_path, "--json").stdout)
    assert answer["ratio"] is None and answer["low_ratio"] is None and answer["state"] == "regression"


def test_check_tolerance(home, make, tmp_path):
    groups(make, 1.10)
    assert check(home, tmp_path, "--tolerance", "20%").returncode == 0
    assert check(home, tmp_path, "--tolerance=2%").returncode == 1
    assert check(home, tmp_path, "--tolerance", "0.02").returncode == 2


def test_check_asks_for_more_runs(home, make, tmp_path):
    groups(make, 1.10, baseline=4, candidates=2)
    result = check(home, tmp_path)
    assert result.returncode == 2 and "4 runs in the baseline and 2 to check" in result.stderr
    assert "--force" in result.stderr and not result.stdout
    forced = check(home, tmp_path, "--force", "--json")
    assert forced.returncode == 1 and len(lib_schema.read(forced.stdout)["baseline"]["runs"]) == 4
    # a run that failed is no measurement of the code, and what is checked is no baseline
    make("main/8.json", 1.0, exit={"code": 1, "signal": None})
    assert "1 run that failed" in check(home, tmp_path).stderr
    assert "4 runs in the baseline" in check(home, tmp_path, "--baseline", tmp_path / "new").stderr


def test_check_cannot_compare_two_machines(home, make, tmp_path):
    groups(make, 1.10)
    make("new/7.json", 1.1, host=make.report["host"] | {"cpu_model": "Another"})
    result = check(home, tmp_path)
    assert result.returncode == 2 and "cannot be compared: the CPUs differ" in result.stderr


@pytest.mark.parametrize("words, said", [
    (["compare"], "two runs or groups"),
    (["compare", "last", "last~1"], "nothing is recorded yet"),
    (["compare", "a", "b", "c"], "two runs or groups"),
    (["check"], "--baseline"),
    (["check", "--baseline", "last"], "which runs?"),
    (["check", "--baseline", "label:ref=main", "last"], "nothing is recorded yet"),
    (["check", "--baseline", "/nosuch/x.json", "last"], "/nosuch/x.json"),
    (["check", "--baseline", "/usr", "last"], "no report"),
])
def test_empty_history_and_misuse(home, words, said):
    result = call(home, *words)
    assert result.returncode == 2
    assert said in result.stderr and result.stderr.count("\n") == 1, result.stderr


def test_recorded_runs_by_label(home):
    for i in range(4):
        for ref in ("main", "new"):
            made = call(home, "run", "-q", "--label", f"ref={ref}", "--", "seq", "200000")
            assert made.returncode == 0, made.stderr
    answer = compare(home, "label:ref=main", "label:ref=new")
    assert answer["is_interleaved"] and len(answer["a"]["runs"]) == len(answer["b"]["runs"]) == 4
    assert answer["by"] in ("own", "with_idle") and answer["obstacle"] is None
    same = call(home, "compare", "last", "last")
    assert same.returncode == 2 and "are the same" in same.stderr


def test_github_summary_needs_its_variable(home, make, tmp_path):
    groups(make, 1.00)
    env = {k: v for k, v in home.items() if k != "GITHUB_STEP_SUMMARY"}
    result = check(env, tmp_path, "--github-summary")
    assert result.returncode == 2 and "GITHUB_STEP_SUMMARY is not set" in result.stderr


def test_examples_of_workflows():
    """They are YAML, and call ecocode with options that it has."""
    yaml = pytest.importorskip("yaml")
    folder = lib_ecocode.ROOT / "examples" / "ci"
    found = {path.name: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))}
    assert set(found) == {"github-actions.yml", "gitlab-ci.yml"}
    github = found["github-actions.yml"]
    assert github[True]["pull_request"] is None or github[True]["pull_request"]  # YAML reads "on" as true
    steps = [step for job in github["jobs"].values() for step in job["steps"]]
    assert all("uses" in step or "run" in step for step in steps)
    scripts = [step["run"] for step in steps if "run" in step]
    scripts += [line for job in found["gitlab-ci.yml"].values() if isinstance(job, dict) for line in job.get("script", [])]
    used = {word.split("=")[0] for script in scripts for line in script.splitlines() if "ecocode check" in line
            for word in line.split() if word.startswith("--")}
    known = subprocess.run([lib_ecocode.binary(), "check", "--help"], text=True, capture_output=True).stdout
    assert used and all(word in known for word in used), used
    for script in scripts:
        assert subprocess.run(["sh", "-n"], input=script, text=True).returncode == 0, script
