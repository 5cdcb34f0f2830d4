# SPDX-License-Identifier: MIT
"""The simulated machine (tests/sim) for pytest: its life, its loads and the truth about them."""
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import lib_ecocode

IDLE_W, K_J = 20.0, 30.0         # of a package, when not said otherwise
DRAM_IDLE_W, DRAM_K_J = 2.0, 3.0
BINARIES = pathlib.Path(os.environ.get("ECO_SIM_DIR") or lib_ecocode.ROOT / "build" / "tests" / "sim")
LOAD = str(BINARIES / "eco-sim-load")
CPUACCT = pathlib.Path("/sys/fs/cgroup/cpuacct")
numbers = itertools.count()


class Machine:
    """A machine that lives until stop(). Commands enter its namespace; control and truth are read from outside."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [str(lib_ecocode.ROOT / "tests" / "sim" / "run-on-machine"), "--machine",
             str(BINARIES / "eco-sim-machine"), *options, "--", "sh", "-c", "echo ready; exec sleep 86400"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            self.process.wait()
            said = self.process.stderr.read().strip()
            if "mount /: Invalid argument" in said:
                pytest.skip("the root folder is no mount point here (a plain chroot): no namespace of one's own")
            raise RuntimeError(said)
        self.home = pathlib.Path(f"/proc/{self.process.pid}/root/sys/fs/fuse/connections")

    def stop(self):
        with contextlib.suppress(OSError):
            self.control("ok")
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.process.stdout.close()
        self.process.stderr.close()

    def control(self, line):
        with open(self.home / "control", "w") as file:
            file.write(line)

    def truth(self):
        return json.loads((self.home / "truth").read_text())

    def argv(self, command):
        """A command line that runs `command` on this machine (working directory: /)."""
        return ["nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", "--", *map(str, command)]

    def run(self, command, **options):
        return subprocess.run(self.argv(command), text=True, capture_output=True, timeout=60, **options)


@contextlib.contextmanager
def machine_or_skip(*options):
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("the simulated machine needs root and /dev/fuse")
    if not (BINARIES / "eco-sim-machine").exists():
        pytest.skip("eco-sim-machine was not built (libfuse3)")
    made = Machine(*options)
    try:
        yield made
    finally:
        made.stop()


@contextlib.contextmanager
def cpu_group():
    """A v1 cpuacct group, the exact clock of whatever enters it; None where there is no such hierarchy."""
    path = CPUACCT / f"eco-sim-{os.getpid()}-{next(numbers)}"
    try:
        path.mkdir()
    except OSError:
        yield None
        return
    try:
        yield path
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                path.rmdir()
                break
            time.sleep(0.02)


@contextlib.contextmanager
def stranger(seconds, cpu=None):
    """A process that is always busy and has nothing to do with the job."""
    pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
    process = subprocess.Popen([*pin, LOAD, "--out", "/dev/null", "busy", str(seconds)])
    time.sleep(0.05)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Job:
    """One `ecocode run` of a load: its report, its frames, and the CPU seconds it really used."""

    def __init__(self, report, frames, text, used):
        self.report, self.frames, self.text, self.used = report, frames, text, used
        complete = [used["rusage_s"], used["clocks_s"]]
        if used["cgroup_s"] is not None:
            complete.append(used["cgroup_s"] + used["entered_s"])
        # The group's time begins late, the others lack orphans: none of them has too much.
        self.cpu_s = max(complete)

    def ratio(self, domain="package-0", k_j=K_J):
        job_j = lib_ecocode.domain_of(self.report, domain)["job_j"]
        return None if job_j is None else job_j / (k_j * self.cpu_s)

    def explain(self):
        energy = {k: v for k, v in self.report["energy"].items() if not isinstance(v, dict)}
        return json.dumps({"cpu_s": self.cpu_s, "used": self.used, "usage": self.report["usage"], "energy": energy,
                           "domains": self.report["domains"], "idle": self.report["idle_basis"],
                           "caught": self.report["caught_ratio"], "warnings": self.report["warnings"],
                           "duration_s": self.report["duration_s"]}, indent=1)


def run_job(machine, env, folder, load, *options, prefix=()):
    """Measure a load. Every report and every frame is checked for adding up on the way."""
    folder = pathlib.Path(folder) / f"job-{next(numbers)}"
    folder.mkdir(parents=True)
    report, frames, used, text = (folder / name for name in ("report.json", "frames.jsonl", "used.json", "report.txt"))
    with cpu_group() as group:
        enter = ["--group", group] if group else []
        result = machine.run([lib_ecocode.binary(), "run", "-q", "-o", report, "-o", frames, "-o", text, *options,
                              "--", *prefix, LOAD, "--out", used, *enter, *load], env=env)
        assert result.returncode == 0, f"exit {result.returncode}: {result.stderr}"
    job = Job(lib_ecocode.read_json(report), lib_ecocode.read_lines(frames), text.read_text(),
              json.loads(used.read_text()))
    lib_ecocode.check_report(job.report)
    lib_ecocode.check_frames(job.frames)
    return job


def learn_idle(machine, env, seconds=4):
    """Let `monitor` see a quiet machine. Returns the mean number of busy CPUs meanwhile."""
    before = machine.truth()
    result = machine.run([lib_ecocode.binary(), "monitor", "--duration", f"{seconds}s"], env=env)
    after = machine.truth()
    assert result.returncode == 0, result.stderr
    used = sum(b["cpu_s"] - a["cpu_s"] for a, b in zip(before["packages"], after["packages"]))
    return used / (after["t"] - before["t"])


def copy_state(env, folder):
    """The same environment with a copy of its state, so that one run does not teach the next."""
    copy = lib_ecocode.clean_environment(folder)
    shutil.copytree(env["XDG_STATE_HOME"], copy["XDG_STATE_HOME"], dirs_exist_ok=True)
    return copy
