# SPDX-License-Identifier: MIT
"""Jobs, arrays and steps of a real Slurm, with its cgroups and without any."""
import subprocess
import sys
import time

import pytest

import lib_ecocode
from lib_slurm import is_soon, slurm, tools_or_skip

pytestmark = pytest.mark.long
SPIN = "while :; do :; done\n"


@pytest.fixture(scope="module", params=["cgroups", "environment"])
def cluster(request, tmp_path_factory):
    tools_or_skip()
    with slurm(tmp_path_factory.mktemp("slurm"), request.param == "cgroups") as made:
        yield made


def monitor(ecocode, home, tmp_path, *words):
    out = tmp_path / "out.jsonl"
    done = subprocess.run([ecocode, "monitor", "-q", "--interval", "250ms", "-o", str(out), *words], env=home,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = lib_ecocode.read_lines(out)
    lib_ecocode.check_report(lines[-1])
    return [line for line in lines if line["type"] == "frame"], lines[-1]


def running(cluster, count):
    assert is_soon(lambda: len(cluster.call("squeue", "-h", "-r", "-t", "R").splitlines()) >= count)
    time.sleep(1)


def test_job_array_and_step(cluster, ecocode, home, tmp_path):
    job = cluster.batch("-J", "train it", script=SPIN)
    array = cluster.batch("--array=1-2", "-J", "sweep", script=SPIN)
    stepped = cluster.batch("-J", "stepped", "-n1", script="srun -n1 sh -c 'while :; do :; done'\n")
    try:
        running(cluster, 4)
        frames, report = monitor(ecocode, home, tmp_path, "--by", "job", "--duration", "3s")
        groups = {group["name"]: group for group in report["groups"]["job"]}
        print({name: round(group["cpu_s"], 3) for name, group in groups.items()})
        assert {job, f"{array}_1", f"{array}_2", stepped} <= set(groups), groups
        assert groups[job]["job_name"] == "train it" and groups[job]["cluster"] == "eco"
        assert all(groups[name]["cpu_s"] > 0.1 for name in (job, f"{array}_1", f"{array}_2", stepped))
        assert abs(sum(group["energy_j"] for group in groups.values()) / report["energy"]["job_j"] - 1) < 1e-8
        busy = [row for row in report["processes"] if row["slurm_job"] == stepped and row["cpu_s"] > 0.1]
        assert busy and {row["slurm_step"] for row in busy} == {"0"}
        for word, names in ((f"{array}_2", {f"{array}_2"}), (array, {f"{array}_1", f"{array}_2"}), (job, {job})):
            _, chosen = monitor(ecocode, home, tmp_path, "--job", word, "--duration", "1s")
            assert {row["slurm_job"] for row in chosen["processes"]} == names
            assert chosen["usage"]["cpu_s"] > 0.05
    finally:
        cluster.call("scancel", "--user=root", check=False)
        cluster.wait_empty()


def test_a_job_is_measured_until_it_ends(cluster, ecocode, home, tmp_path):
    """Its CPU time is what the program itself says it took."""
    said = tmp_path / "said"
    code = f"import time\nwhile time.process_time() < 4: pass\nopen('{said}', 'w').write(str(time.process_time()))"
    job = cluster.batch("-J", "once", script=f"sleep 3\nexec {sys.executable} -c \"{code}\"\n")
    running(cluster, 1)
    frames, report = monitor(ecocode, home, tmp_path, "--job", job)
    truth = float(said.read_text())
    print(f"job {report['usage']['cpu_s']:.4f} s, its program {truth:.4f} s")
    assert abs(report["usage"]["cpu_s"] / truth - 1) < 0.02


def test_run_inside_a_job_knows_it(cluster, ecocode, home, tmp_path):
    out = tmp_path / "out.json"
    job = cluster.batch("--array=7-7", script=f"HOME={tmp_path} {ecocode} run -q -o {out} -- sh -c 'i=0; "
                        "while [ $i -lt 100000 ]; do i=$((i+1)); done'\n")
    assert is_soon(lambda: out.exists())
    report = lib_ecocode.read_json(out)
    assert report["host"]["slurm_job"] == f"{job}_7"
    assert {row["slurm_job"] for row in report["processes"] if row["pid"]} == {f"{job}_7"}
