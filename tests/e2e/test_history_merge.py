# SPDX-License-Identifier: MIT
"""merge: ranks are added up, machines count once, and nothing counts twice."""
import copy
import json
import subprocess

import jsonschema
import pytest

import lib_ecocode
from lib_cli import call, one_line
from lib_ecocode import check_report, read_json

SCHEMA = lib_ecocode.ROOT / "data" / "schema" / "ecocode.run.1.json"


@pytest.fixture(scope="module")
def ranks(ecocode, tmp_path_factory):
    """Reports of two ranks that ran side by side."""
    folder = tmp_path_factory.mktemp("ranks")
    env = lib_ecocode.clean_environment(folder / "home")
    files = [folder / f"rank-{rank}.json" for rank in range(2)]
    burn = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"
    running = [subprocess.Popen([ecocode, "run", "-q", "--no-cgroup", "-o", str(file), "sh", "-c", burn], env=env) for file in files]
    assert [one.wait() for one in running] == [0, 0]
    return files


def merge(ecocode, home, *words):
    done = call(ecocode, home, "merge", "--json", *map(str, words))
    assert done.returncode == 0, done.stderr
    merged = json.loads(done.stdout)
    jsonschema.validate(merged, json.loads(SCHEMA.read_text()))
    if merged["energy"]["machine_j"] is not None:
        check_report(merged)
    return merged


def write(path, report):
    path.write_text(json.dumps(report))
    return path


def near(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1)


def test_ranks_of_one_machine(ecocode, home, ranks):
    merged, own = merge(ecocode, home, *ranks), [read_json(file) for file in ranks]
    assert near(merged["energy"]["job_j"], sum(one["energy"]["job_j"] for one in own))
    widest = max(own, key=lambda one: one["duration_s"])
    assert near(merged["energy"]["machine_j"], widest["energy"]["machine_j"])
    assert near(merged["usage"]["cpu_s"], sum(one["usage"]["cpu_s"] for one in own))
    assert {one["run_id"] for one in merged["merged"]} == {one["run_id"] for one in own}
    assert merged["host"]["logical_cpus"] == own[0]["host"]["logical_cpus"]
    assert merged["run_id"] == merge(ecocode, home, *ranks)["run_id"]


def test_nodes_are_added_up(ecocode, home, ranks, tmp_path):
    own = [read_json(file) for file in ranks]
    own[1]["host"]["hostname"], own[1]["boot_id"] = "node-2", "another"
    merged = merge(ecocode, home, *(write(tmp_path / f"{i}.json", one) for i, one in enumerate(own)))
    for key in ("job_j", "machine_j"):
        assert near(merged["energy"][key], sum(one["energy"][key] for one in own))
    assert {domain["name"].split("/")[0] for domain in merged["domains"]} == {own[0]["host"]["hostname"], "node-2"}
    assert merged["host"]["logical_cpus"] == 2 * own[0]["host"]["logical_cpus"]


def test_nothing_counts_twice(ecocode, home, ranks, tmp_path):
    inner = copy.deepcopy(read_json(ranks[1]))
    inner["parent_run_id"], inner["run_id"] = read_json(ranks[0])["run_id"], "f" * 32
    merged = merge(ecocode, home, ranks[0], ranks[0], write(tmp_path / "inner.json", inner))
    assert near(merged["energy"]["job_j"], read_json(ranks[0])["energy"]["job_j"])
    assert len(merged["warnings"]) == 2 and len(merged["merged"]) == 1


def test_a_machine_that_nobody_measured_throughout_is_not_known(ecocode, home, ranks, tmp_path):
    late = read_json(ranks[1])
    late["started_at"] = "2099-01-01T00:00:00.000Z"
    merged = merge(ecocode, home, ranks[0], write(tmp_path / "late.json", late))
    assert merged["energy"]["machine_j"] is None and merged["energy"]["job_j"] > 0
    assert any("for the whole time" in warning for warning in merged["warnings"])


def test_what_does_not_add_up_is_refused(ecocode, home, ranks, tmp_path):
    other = read_json(ranks[1])
    other["policy"] = "full" if other["policy"] == "active" else "active"
    out = tmp_path / "out.json"
    done = call(ecocode, home, "merge", str(ranks[0]), str(write(tmp_path / "other.json", other)), "-o", str(out))
    assert done.returncode == 2 and "policy" in one_line(done.stderr) and not out.exists()


@pytest.mark.parametrize("words, said", [([], "give the reports"), (["nowhere.json"], "nowhere.json"), (["last"], "ecocode run")])
def test_misuse(ecocode, home, words, said):
    done = call(ecocode, home, "merge", *words)
    assert done.returncode == 2 and said in one_line(done.stderr)
