# SPDX-License-Identifier: MIT
"""Ranks of a parallel job: the first one reports, the others say one line; each report names its rank."""
import pytest

from lib_cli import call
from lib_ecocode import check_report, read_json

LAUNCHERS = [("SLURM_PROCID", "SLURM_NTASKS"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("RANK", "WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE")]


def clean(home):
    return {key: value for key, value in home.items() if key not in {name for pair in LAUNCHERS for name in pair}}


@pytest.mark.parametrize("index, size", LAUNCHERS)
def test_one_line_above_rank_0(ecocode, home, tmp_path, index, size):
    whole, text = tmp_path / "r.json", tmp_path / "r.txt"
    env = dict(clean(home), **{index: "3", size: "8"})
    done = call(ecocode, env, "run", "-o", str(whole), "-o", str(text), "sh", "-c", "exit 5")
    assert done.returncode == 5 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("EcoCode  rank 3 of 8, ") and len(done.stderr) <= 80
    report = read_json(whole)
    check_report(report)
    assert report["rank"] == {"index": 3, "count": 8, "variable": index}
    assert text.read_text().count("\n") > 3  # a file is its own rank's alone


@pytest.mark.parametrize("variables, rank", [
    ({}, None), ({"RANK": "3"}, None), ({"SLURM_PROCID": "x"}, None), ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, 0),
    ({"SLURM_PROCID": "99999999999"}, None), ({"SLURM_PROCID": "1", "RANK": "0", "WORLD_SIZE": "4"}, 0)])
def test_others_report_in_full(ecocode, home, tmp_path, variables, rank):
    whole = tmp_path / "r.json"
    done = call(ecocode, dict(clean(home), **variables), "run", "-o", str(whole), "true")
    assert done.returncode == 0 and done.stderr.count("\n") > 3
    found = read_json(whole)["rank"]
    assert (found and found["index"]) == rank
