# SPDX-License-Identifier: MIT
"""CPU seconds caught / CPU seconds truly spent, with the kernel's accounting and by /proc alone."""
import ctypes
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

import pytest

import lib_caught
import lib_ecocode
import lib_sim

BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
LOADS = lib_caught.loads(quick=True)


@pytest.fixture(scope="module")
def bpf():
    lib_caught.bpf_or_skip()


@pytest.mark.parametrize("options", [(), ("--no-cgroup",)], ids=["cgroup", "no cgroup"])
@pytest.mark.parametrize("name", LOADS)
def test_nothing_is_missed(bpf, home, tmp_path, name, options):
    got = lib_caught.caught_when_told(home, tmp_path, LOADS[name], "--accounting", "bpf", *options)
    assert got.report["accounting"] == "bpf", got
    assert 0.999 <= got.total_ratio <= 1.02, got
    assert got.rows_ratio >= 0.995, got
    assert abs(got.report["caught_ratio"] - got.total_ratio) <= 0.035, got


@pytest.mark.parametrize("options", [(), ("--no-cgroup",)], ids=["cgroup", "no cgroup"])
@pytest.mark.parametrize("name", LOADS)
def test_the_total_is_whole_from_the_first_moment(bpf, home, tmp_path, name, options):
    """Also with what had ended before the kernel's events began."""
    if name in ("SIGCHLD ignored", "orphans") and options:
        pytest.skip("who ends before the events are taken, and is waited for by none of the job, may be known to nobody")
    got = lib_caught.caught(home, tmp_path, LOADS[name], "--accounting", "bpf", *options)
    assert 0.999 <= got.total_ratio <= 1.02, got
    assert abs(got.report["caught_ratio"] - got.total_ratio) <= 0.035, got


@pytest.mark.parametrize("options", [(), ("--no-cgroup",)], ids=["cgroup", "no cgroup"])
def test_a_build_is_rows(bpf, home, tmp_path, options):
    load = lib_caught.make_project(tmp_path / "project")
    got = lib_caught.caught(home, tmp_path, load, "--accounting", "bpf", *options)
    assert 0.999 <= got.total_ratio <= 1.02, got
    assert got.rows_ratio >= 0.995, got
    names = {row["name"] for row in got.report["processes"]}
    assert {"make", "cc1", "as"} <= names or {"make", "cc"} <= names or {"make", "clang"} <= names, names


@pytest.mark.parametrize("accounting", ["bpf", "proc"])
def test_many_looks_tell_nothing_twice(bpf, home, tmp_path, accounting):
    """Looks are interrupted, and hit processes that are leaving: the job's total stays that of its cgroup, whose parts are
    beside it."""
    load = lib_caught.make_project(tmp_path / "project", 12)
    got = lib_caught.caught(home, tmp_path, load, "--accounting", accounting, "--interval", "5ms")
    usage = got.report["usage"]
    if got.report["caught_ratio"] != 1:
        pytest.skip("no private cgroup here, whose total could be compared")
    assert usage["cpu_s"] == pytest.approx(usage["cpu_user_s"] + usage["cpu_system_s"], abs=0.001), (usage, got)
    assert got.total_ratio >= 0.999, got


@pytest.mark.parametrize("name", LOADS)
def test_proc_has_the_total_too(home, tmp_path, name):
    got = lib_caught.caught(home, tmp_path, LOADS[name], "--accounting", "proc")
    assert got.report["accounting"] == "proc", got
    if got.report["caught_ratio"] == 1:  # a private cgroup could be made
        assert 0.999 <= got.total_ratio <= 1.02, got


def test_proc_without_cgroup_says_what_it_missed(home, tmp_path):
    got = lib_caught.caught(home, tmp_path, LOADS["SIGCHLD ignored"], "--accounting", "proc", "--no-cgroup")
    assert got.total_ratio < 0.5, got
    assert got.report["caught_ratio"] == pytest.approx(got.total_ratio, abs=0.03), got


@pytest.mark.long
@pytest.mark.parametrize("name", LOADS)
def test_full_loads(bpf, home, tmp_path, name):
    for options in ((), ("--no-cgroup",)):
        got = lib_caught.caught(home, tmp_path, lib_caught.loads()[name], "--accounting", "bpf", *options)
        assert got.total_ratio >= 0.999 and got.rows_ratio >= 0.995, got
        assert abs(got.report["caught_ratio"] - got.total_ratio) <= 0.01, got


@pytest.mark.long
def test_own_build(bpf, home, tmp_path):
    """A clean build of this project: hundreds of compilers of a second or less, and the scripts of the build."""
    load, clean = lib_caught.own_project(tmp_path)
    for how, options in (("bpf", ()), ("proc", ()), ("bpf", ("--no-cgroup",)), ("proc", ("--no-cgroup",))):
        subprocess.run(clean, check=True, stdout=subprocess.DEVNULL)
        got = lib_caught.caught(home, tmp_path, load, "--accounting", how, *options)
        print(how, *options, got)
        assert got.report["accounting"] == how, got
        assert 0.999 <= got.total_ratio <= 1.01, got
        assert got.report["caught_ratio"] == pytest.approx(1, abs=0.01), got
        assert how == "proc" or got.rows_ratio >= 0.995, got


@pytest.mark.parametrize("accounting", ["bpf", "proc"])
def test_bursts_add_up(bpf, ecocode, home, tmp_path, accounting):
    """Pids of a namespace used again and again, exec chains, two storms at once; every frame adds up."""
    script = tmp_path / "burst.sh"
    script.write_text(f"echo >{tmp_path}/here.fifo; read -r _ <{tmp_path}/on.fifo\n"
                      "chain() { sh -c 'exec sh -c \"exec sh -c \\\"exec true\\\"\"'; }\n"
                      "( for i in $(seq 150); do chain; done ) &\n"
                      "( for i in $(seq 200); do (true); done ) &\nwait\n")
    words = ["sh", str(script)]
    if shutil.which("unshare") and tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 14):
        # A namespace of its own with few pids: they come again many times. (Before 6.14 the limit is the machine's.)
        words = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c",
                 f"echo 400 >/proc/sys/kernel/pid_max 2>/dev/null; exec sh {script}"]
    report, frames = tmp_path / "r.json", tmp_path / "f.jsonl"
    # Whoever ended before the kernel's events began is told by nobody.
    with lib_caught.gate_at(tmp_path) as gate:
        lib_caught.run_until_over([ecocode, "run", "-q", "--interval", "50ms", "--accounting", accounting, "-o", report,
                                   "-o", frames, "--", *words], home,
                                  lambda run: gate.let_on(run, lambda: accounting == "proc" or lib_caught.is_told(run.pid)))
    made = lib_ecocode.read_json(report)
    lib_ecocode.check_report(made)
    lib_ecocode.check_frames(lib_ecocode.read_lines(frames))
    assert made["usage"]["process_count"] >= (350 if accounting == "bpf" else 2)
    assert sum(row["cpu_s"] for row in made["processes"]) == pytest.approx(made["usage"]["cpu_s"], rel=1e-6)


def test_both_see_the_same(bpf, home, tmp_path):
    """/proc knows of whoever ends what it had used at the last look: both end only after a look that sees all."""
    used, frames = tmp_path / "used.json", tmp_path / "frames.jsonl"
    for how in ("bpf", "proc"):
        with lib_caught.gate_at(tmp_path) as gate:
            load = [lib_sim.LOAD, "--out", used, "--here", gate.here, "--on", gate.on, "share", "30", "60", "1"]
            got = lib_caught.caught(home, tmp_path, load, "--accounting", how, "--interval", "50ms", "-o", frames,
                                    meanwhile=lambda run, gate=gate: gate.let_on(run, lib_caught.looks_at(frames, 2), 2))
        assert got.total_ratio == pytest.approx(1, abs=0.01), got
        assert got.rows_ratio >= 0.99, got
        rows = sorted((row["cpu_s"], row["name"]) for row in got.report["processes"] if row["cpu_s"] > 0.1)
        assert [name for _, name in rows] == ["eco-sim-load"] * 2, rows
        assert [cpu_s for cpu_s, _ in rows] == pytest.approx(lib_ecocode.read_json(used)["parts_s"], rel=0.01), rows


def test_a_running_machine(bpf, ecocode, home, tmp_path):
    """monitor has it from its baseline on: what lives for a moment is named."""
    out = tmp_path / "m.jsonl"
    process = subprocess.Popen([ecocode, "monitor", "--duration", "2s", "--interval", "500ms", "-q", "-o", out],
                               env=home)
    subprocess.run(["sh", "-c", "sleep 0.4; for i in $(seq 100); do /usr/bin/env true; done"], check=True)
    assert process.wait() == 0
    lines = lib_ecocode.read_lines(out)
    assert lines[0]["accounting"] == "bpf"
    report = lines[-1] if "processes" in lines[-1] else None
    text = out.read_text()
    assert '"true"' in text or report is not None and any(row["name"] == "true" for row in report["processes"])


# ---- without ----

def run_plain(ecocode, home, folder, *options, prefix=(), **more):
    out = folder / "plain.json"
    result = subprocess.run([*prefix, ecocode, "run", "-q", "-o", out, *options, "--", "sh", "-c",
                             "for i in 1 2 3 4 5 6 7 8; do sleep 0.05; done"], env=home, capture_output=True, text=True,
                            check=False, **more)
    assert result.returncode == 0, result.stderr
    report = lib_ecocode.read_json(out)
    lib_ecocode.check_report(report)
    return report


def told(report):
    return [line for line in report["warnings"] if "/proc alone" in line]


def test_without_capabilities(bpf, ecocode, home, tmp_path):
    if not shutil.which("setpriv"):
        pytest.skip("no setpriv")
    drop = "-bpf,-perfmon,-sys_admin"
    prefix = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"]
    report = run_plain(ecocode, home, tmp_path, prefix=prefix)
    assert report["accounting"] == "proc"
    assert len(told(report)) == 1 and "CAP_" in told(report)[0], report["warnings"]
    assert len(told(run_plain(ecocode, home, tmp_path, "--accounting", "bpf", prefix=prefix))) == 1
    assert not told(run_plain(ecocode, home, tmp_path, "--accounting", "proc", prefix=prefix))


def deny_bpf():
    """A seccomp filter that answers bpf() with EPERM, as container runtimes do."""
    libc = ctypes.CDLL(None, use_errno=True)
    ops = [(0x20, 0, 0, 0), (0x15, 0, 1, BPF_SYSCALL), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *op) for op in ops))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(ops), ctypes.addressof(code)))
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0:
        sys.exit("seccomp cannot be had")


def test_seccomp_denies_it(bpf, ecocode, home, tmp_path):
    if not BPF_SYSCALL:
        pytest.skip("the number of bpf() is not known here")
    report = run_plain(ecocode, home, tmp_path, preexec_fn=deny_bpf)
    assert report["accounting"] == "proc"
    assert len(told(report)) == 1, report["warnings"]


def test_a_plain_user_is_told_nothing(ecocode, home, tmp_path):
    """Not to have it is no news for somebody who was never given it."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv")
    copy = tmp_path / "bin"
    copy.mkdir()
    for name in os.listdir(os.path.dirname(ecocode)):
        if name == "ecocode":
            shutil.copy2(ecocode, copy / name)
    state = tmp_path / "nobody"
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    for folder in (tmp_path, *tmp_path.parents):
        if folder != folder.parent and not os.stat(folder).st_mode & 1:
            pytest.skip(f"{folder} cannot be entered by other users")
    env = dict(home, XDG_STATE_HOME=str(state), HOME=str(state))
    result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", copy / "ecocode", "run",
                             "--json", "--", "sleep", "0.1"], env=env, cwd="/", capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    text = result.stderr[result.stderr.index("{"):]
    report = json.loads(text)
    assert report["accounting"] == "proc" and not told(report), report["warnings"]
    refused = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", copy / "ecocode", "run",
                              "--accounting", "bpf", "--", "true"], env=env, cwd="/", capture_output=True, text=True,
                             check=False)
    assert refused.returncode == 125 and "ecocode-priv" in refused.stderr


# ---- ends ----

def loaded_programs():
    result = subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, text=True, check=False)
    return {program["id"] for program in json.loads(result.stdout)} if result.returncode == 0 else None


def processes_of(folder):
    """Who runs a program of that folder."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "exe").startswith(f"{folder}/"):
                found[int(entry.name)] = entry
        except OSError:
            continue
    return found


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.01)
    return what()


@pytest.mark.parametrize("words", [("run", "-q", "--accounting", "bpf", "--", "sleep", "30"),
                                   ("monitor", "-q", "--accounting", "bpf")], ids=["run", "monitor"])
def test_killed_leaves_nothing(bpf, ecocode, home, tmp_path, words):
    """SIGKILL: no hook, no program of the kernel's and no process of ours is left."""
    if loaded_programs() is None:
        pytest.skip("no bpftool that lists programs")
    copy = tmp_path / "bin"
    copy.mkdir()
    for name in ("ecocode", "ecocode-priv"):
        shutil.copy2(os.path.join(os.path.dirname(ecocode), name), copy / name)
    process = subprocess.Popen([copy / "ecocode", *words], env=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    command = None
    try:
        held = wait_for(lambda: set().union(*(lib_caught.held_programs(pid) for pid in processes_of(copy))))
        assert held and held <= loaded_programs(), held
        if words[0] == "run":
            command = next(int(pid) for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
                           .read_text().split() if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "sleep")
    finally:
        process.kill()
        process.wait()
    try:
        assert wait_for(lambda: not processes_of(copy)), processes_of(copy)
        assert wait_for(lambda: not held & loaded_programs()), held & loaded_programs()
        assert command is None or pathlib.Path(f"/proc/{command}").exists()  # the command goes on
    finally:
        if command is not None:
            os.kill(command, 9)
