# SPDX-License-Identifier: MIT
"""Whose the energy is: real containers in the cgroups of real engines, users, what is chosen and what is not."""
import csv
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

import lib_ecocode
from lib_container import container, tools_or_skip

ID_A = "aaefb9d8feed2d453b543f6d928cede7a4dbefa6a0ae7c9b990dd234c56e93b9"
ID_B = "bb3fb9d8feed2d453b543f6d928cede7a4dbefa6a0ae7c9b990dd234c56e93b9"
POD = "5ba385ca-b6e6-4246-bd66-d48d429dbc12"
SPIN = ["/bin/sh", "-c", "while :; do :; done"]
# A parent, and children that live for a while and are waited for, and some that do not live long.
TREE = ["/bin/sh", "-c", "(i=0; while :; do i=$((i+1)); done) & while :; do true; /bin/true; done"]


@pytest.fixture(scope="module", autouse=True)
def _tools():
    tools_or_skip()


def monitor(ecocode, home, *words, timeout=60):
    done = subprocess.run([ecocode, "monitor", "--interval", "200ms", *words], env=home, capture_output=True, text=True,
                          timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout


def frames_of(text):
    lines = [lib_ecocode.strict_json(line) for line in text.splitlines()]
    return [line for line in lines if line.get("type") == "frame"], lines[-1]


def near(a, b, ratio=1e-9, floor=1e-9):
    return abs(a - b) <= ratio * max(abs(a), abs(b)) + floor


def check_groups(frames, report):
    """Groups, others, idle and unattributed are the machine; the kinds of the report each are the job."""
    for frame in frames:
        total = frame["total"]
        if total["job_j"] is None:
            continue
        groups = sum(group["energy_j"] for group in frame["groups"])
        rest = total["others_j"] + total["idle_j"] + total["unattributed_j"]
        assert near(groups, total["job_j"]), frame
        assert near(groups + rest, total["machine_j"]), frame
    job = report["energy"]["job_j"]
    rows = report["processes"]
    for kind, groups in report["groups"].items():
        if groups and job is not None:
            assert near(sum(g["energy_j"] for g in groups), job, floor=1e-8), kind
            assert near(sum(g["cpu_s"] for g in groups), sum(r["cpu_s"] for r in rows), floor=1e-6), kind


@pytest.mark.parametrize("path,name,pod", [
    (f"/kubepods/burstable/pod{POD}/{ID_A}", ID_A, POD),
    (f"/docker/{ID_A}", ID_A, None),
    (f"/libpod_parent/libpod-{ID_A}", ID_A, None),
    ("/lxc/web-1", "web-1", None),
])
def test_a_container_is_found_in_the_cgroup_of_its_engine(ecocode, home, tmp_path, path, name, pod):
    with container(tmp_path, path, SPIN) as made:
        made.start()
        frames, report = frames_of(monitor(ecocode, home, "--json", "--by", "container", "--duration", "1s"))
        check_groups(frames, report)
        found = {group["group"]: group for group in frames[-1]["groups"]}
        assert name in found and found[name]["cpu_s"] > 0.02 and found[name]["processes"] == 1
        rows = [row for row in report["processes"] if row["container"] == name]
        assert rows and all(row["pod"] == pod for row in rows)
        assert [g["pod"] for g in report["groups"]["container"] if g["group"] == name] == [pod]


def test_its_sum_is_that_of_its_processes_and_of_its_cgroup(ecocode, home, tmp_path):
    with container(tmp_path, f"/docker/{ID_A}", TREE) as a, container(tmp_path, f"/docker/{ID_B}", SPIN) as b:
        a.start()
        b.start()
        out = tmp_path / "out.jsonl"
        # The first and last look are not ours to time: the container stands still around them.
        a.runc("pause", a.name, check=True)
        watcher = subprocess.Popen([ecocode, "monitor", "-q", "--interval", "500ms", "--by", "container", "-o", str(out),
                                    "--duration", "8s"], env=home)
        while not (out.exists() and out.stat().st_size):
            time.sleep(0.01)
        time.sleep(0.3)
        before = a.cpu_seconds()
        a.runc("resume", a.name, check=True)
        time.sleep(6)
        a.runc("pause", a.name, check=True)
        truth = a.cpu_seconds() - before
        assert watcher.wait(timeout=30) == 0
        a.runc("resume", a.name, check=True)
        lines = lib_ecocode.read_lines(out)
    report = lines[-1]
    check_groups([line for line in lines if line["type"] == "frame"], report)
    group = next(g for g in report["groups"]["container"] if g["group"] == ID_A)
    rows = [row for row in report["processes"] if row["container"] == ID_A]
    assert near(sum(row["cpu_s"] for row in rows), group["cpu_s"], floor=1e-6)
    assert near(sum(row["energy_j"] for row in rows), group["energy_j"], floor=1e-8)
    print(f"container {group['cpu_s']:.4f} s, its cgroup {truth:.4f} s: {group['cpu_s'] / truth - 1:+.3%}")
    assert truth > 1 and abs(group["cpu_s"] / truth - 1) <= 0.005


def test_a_container_is_chosen_and_ends_the_measurement(ecocode, home, tmp_path):
    with container(tmp_path, f"/docker/{ID_A}", ["/bin/sh", "-c", "i=0; while [ $i -lt 1200000 ]; do i=$((i+1)); done"]) \
            as a, container(tmp_path, f"/docker/{ID_B}", SPIN) as b:
        a.start()
        b.start()
        out = tmp_path / "out.json"
        monitor(ecocode, home, "-q", "--container", ID_A[:12], "-o", str(out), timeout=60)
        report = lib_ecocode.read_json(out)
        lib_ecocode.check_report(report)
        assert {row["container"] for row in report["processes"]} == {ID_A}
        assert report["energy"]["others_j"] > 0


def test_one_that_starts_later_is_taken(ecocode, home, tmp_path):
    with container(tmp_path, f"/docker/{ID_A}", SPIN) as a:
        out = tmp_path / "out.json"
        watcher = subprocess.Popen([ecocode, "monitor", "-q", "--wait", "--interval", "200ms", "--container", ID_A[:12],
                                    "-o", str(out), "--duration", "3s"], env=home)
        time.sleep(1)
        a.start()
        assert watcher.wait(timeout=30) == 0
        report = lib_ecocode.read_json(out)
        assert {row["container"] for row in report["processes"]} == {ID_A}
        assert report["usage"]["cpu_s"] > 0.2


def test_what_is_not_there_is_said(ecocode, home, tmp_path):
    with container(tmp_path, f"/docker/{ID_A}", SPIN) as a:
        a.start()
        for option, word, part in (("--container", "0123", ID_A[:12]), ("--job", "77", "--wait"),
                                   ("--unit", "nonsense", "--wait"), ("--user", "no-such-user", "list of users")):
            done = subprocess.run([ecocode, "monitor", option, word], env=home, capture_output=True, text=True, timeout=20)
            assert done.returncode == 2 and done.stdout == ""
            assert len(done.stderr.splitlines()) == 1 and word in done.stderr and part in done.stderr, done.stderr
    done = subprocess.run([ecocode, "monitor", "-p", str(os.getpid()), "--user", "root"], env=home, capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 2 and "-p" in done.stderr


def test_users_are_told_apart(ecocode, home):
    spin = [sys.executable, "-c", "while True: pass"]
    ours = [subprocess.Popen(spin, user=uid) for uid in (65534, 54321)]
    try:
        time.sleep(0.3)
        frames, report = frames_of(monitor(ecocode, home, "--json", "--by", "user", "--duration", "1s"))
        check_groups(frames, report)
        names = {group["group"]: group["name"] for group in frames[-1]["groups"]}
        assert names["65534"] == "nobody" and names["54321"] == "54321" and names["0"] == "root"
        rows = {row["pid"]: row for row in report["processes"]}
        assert rows[ours[0].pid]["user"] == "nobody" and rows[ours[1].pid]["user"] is None
        out = frames_of(monitor(ecocode, home, "--json", "--user", "nobody", "--user", "54321", "--duration", "1s"))[1]
        assert {row["pid"] for row in out["processes"]} == {child.pid for child in ours}
        lib_ecocode.check_report(out)
    finally:
        for child in ours:
            child.kill()
            child.wait()


def test_a_process_that_moves_leaves_its_past_behind(ecocode, home, tmp_path):
    """It is looked at again at exec: what it used before stays with the user it was."""
    code = "import os,time\nt=time.process_time()\nwhile time.process_time()-t<.5: pass\nos.setuid(65534)\n" \
           "os.execvp('sh',['sh','-c','while :; do :; done'])"
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        frames, report = frames_of(monitor(ecocode, home, "--json", "--by", "user", "--duration", "4s"))
    finally:
        child.kill()
        child.wait()
    check_groups(frames, report)
    rows = [row for row in report["processes"] if row["pid"] == child.pid]
    assert {row["uid"] for row in rows} == {0, 65534}, rows
    used = {row["uid"]: row["cpu_s"] for row in rows}
    assert 0.2 < used[0] < 1.6 and used[65534] > 0.05, used  # beside other load it gets little of four seconds


def test_csv_has_rows_of_groups_beside_the_total(ecocode, home):
    rows = list(csv.DictReader(monitor(ecocode, home, "--by", "user", "--count", "3").splitlines()))
    assert all(None not in row and None not in row.values() for row in rows)
    for seq in {row["seq"] for row in rows}:
        of_seq = [row for row in rows if row["seq"] == seq]
        total = next(row for row in of_seq if row["domain"] == "total")
        groups = [row for row in of_seq if row["kind"] == "user"]
        assert groups and all(row["counted"] == "" for row in groups)
        if total["job_j"]:
            assert near(sum(float(row["job_j"]) for row in groups), float(total["job_j"]), floor=1e-8)
            assert near(sum(float(row["job_cpu_s"]) for row in groups), float(total["job_cpu_s"]), floor=1e-6)


@pytest.mark.parametrize("by", ["process", "tree", "unit", "pod", "job"])
def test_every_grouping_adds_up(ecocode, home, by):
    spin = subprocess.Popen(["sh", "-c", "while :; do /bin/true; done"])
    try:
        frames, report = frames_of(monitor(ecocode, home, "--json", "--by", by, "--count", "4"))
    finally:
        spin.kill()
        spin.wait()
    check_groups(frames, report)
    assert frames[-1]["by"] == by and frames[-1]["groups"]


def test_run_tells_whose_its_processes_are(ecocode, home, tmp_path):
    out = tmp_path / "out.json"
    subprocess.run([ecocode, "run", "-q", "-o", str(out), "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"],
                   env=home, check=True, timeout=60)
    report = lib_ecocode.read_json(out)
    # Of short-lived ones that nobody saw (pid 0) nobody knows whose they were.
    assert {row["user"] for row in report["processes"] if row["pid"]} == {"root"}
    assert {group["name"] for group in report["groups"]["user"]} <= {"root", None}
    allowed = os.sched_getaffinity(0)
    cpus = set()
    for part in report["host"]["cpuset"].split(","):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    assert cpus == allowed
    assert report["host"]["cgroup"].startswith("/")


def test_the_table_of_a_terminal_is_aligned_and_bounded(ecocode, home):
    command = f"stty cols 80 rows 16; TERM=dumb {ecocode} monitor --by process --interval 200ms --count 3"
    done = subprocess.run(["script", "-qec", command, "/dev/null"], env=home, capture_output=True, text=True, timeout=30)
    lines = [line.rstrip("\r") for line in done.stdout.splitlines()]
    heads = [i for i, line in enumerate(lines) if "J so far" in line]
    assert len(heads) == 3, done.stdout
    for head in heads:
        assert all(len(line) <= 80 for line in lines[head:head + 14])
        end = next(i for i in range(head, len(lines)) if "the machine" in lines[i])
        assert end - head <= 15
        column = lines[head].index("W") + 1
        watts = []
        for line in lines[head + 1:end]:
            cell = line[column - 9:column].split()
            assert line[column:column + 1] in ("", " ") and cell, line
            if " more " not in line and "idle power" not in line and "unattributed" not in line:
                watts.append(float(cell[-1]) if cell[-1] != "-" else 0)
        assert watts == sorted(watts, reverse=True)


# ---- EcoCode inside a container ----

def inside(ecocode, tmp_path, words, change=None, binds=()):
    path = f"/docker/{ID_A}"
    with container(tmp_path, path, ["/ecocode", *words], change, [(ecocode, "/ecocode"), *binds]) as made:
        return made.run()


def sysfs_tree(folder, has_zone):
    zone = folder / "devices/virtual/powercap/intel-rapl/intel-rapl:0"
    (folder / "class/net").mkdir(parents=True)
    (folder / "devices/system/cpu").mkdir(parents=True)
    if has_zone:
        zone.mkdir(parents=True)
        for name, text in (("name", "package-0"), ("energy_uj", "1234567"), ("max_energy_range_uj", "262143328850")):
            (zone / name).write_text(text + "\n")
        (folder / "class/powercap").mkdir()
        (folder / "class/powercap/intel-rapl:0").symlink_to("../../devices/virtual/powercap/intel-rapl/intel-rapl:0")
    return folder


@pytest.mark.parametrize("case", ["visible", "masked", "no_sysfs", "no_sensor"])
def test_doctor_in_a_container_tells_hidden_from_absent(ecocode, tmp_path, case):
    """The mask is runc's own (maskedPaths, as engines set it), over a sysfs with or without a counter."""
    tree = sysfs_tree(tmp_path / "sysfs", case != "no_sensor")

    def change(spec):
        spec["mounts"] = [mount for mount in spec["mounts"] if not mount["destination"].startswith("/sys")]
        spec["linux"]["maskedPaths"] = ["/sys/devices/virtual/powercap"] if case == "masked" else []
        spec["process"]["env"].append("container=docker")
        if case != "no_sysfs":
            spec["mounts"].append({"destination": "/sys", "type": "bind", "source": str(tree), "options": ["rbind"]})

    for command in ("doctor", "sensors"):
        status, text = inside(ecocode, tmp_path, [command, "--json"], change)
        report = json.loads(text[text.index("{"):text.rindex("}") + 1])
        if command == "doctor":
            check = {check["id"]: check for check in report["checks"]}["container.hidden"]
            wanted = {"visible": ("PASS", "visible", ""), "masked": ("WARN", "hides", "systempaths=unconfined"),
                      "no_sysfs": ("WARN", "no sysfs", "-v /sys:/sys:ro"),
                      "no_sensor": ("PASS", "not on the host", "")}[case]
            assert check["verdict"] == wanted[0] and wanted[1] in check["text"], check
            assert wanted[2] in (check["fix"] or ""), check
        elif case == "masked":
            assert "hidden by the container" in text and "systempaths=unconfined" in text, text
        else:
            assert "hidden by the container" not in text or case == "no_sysfs", text


def test_run_as_the_first_process_of_a_container_reaps(ecocode, tmp_path):
    """Orphans become its children; when CMD has ended none is left over, and its status is CMD's."""
    script = "(sleep 0.3 & exec sleep 0.2) & for i in 1 2 3 4 5; do sh -c 'sleep 0.1 & true'; done; sleep 1; " \
             "for d in /proc/[0-9]*; do read line < $d/stat; case \"$line\" in *') Z '*) echo zombie $line;; esac; done; " \
             "echo first: $(cat /proc/1/comm); exit 7"
    status, text = inside(ecocode, tmp_path, ["run", "-q", "--", "/bin/sh", "-c", script])
    assert status == 7, text
    assert "first: ecocode" in text and "zombie" not in text, text
    status, text = inside(ecocode, tmp_path, ["run", "-q", "-o", "-", "--json", "--", "/bin/true"])
    host = json.loads(text[text.index("{"):text.rindex("}") + 1])["host"]
    assert host["container"] == ID_A and host["cgroup"].endswith(ID_A)
