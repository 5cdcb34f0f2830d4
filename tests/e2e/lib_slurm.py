# SPDX-License-Identifier: MIT
"""A real Slurm of one node, for one test: munged, slurmctld and slurmd of our own, on loopback, without systemd."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

CONFIG = """ClusterName=eco
SlurmctldHost={node}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/d
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={ctld_port}
SlurmdPort={d_port}
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/d.log
ProctrackType={proctrack}
TaskPlugin={task}
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SlurmdParameters=config_overrides
NodeName={node} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=debug Nodes={node} Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES:8
"""
CGROUP = "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\nConstrainCores=no\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tools_or_skip():
    if os.geteuid() != 0:
        pytest.skip("slurmd runs as root")
    for tool in ("slurmctld", "slurmd", "munged", "sbatch", "srun"):
        if shutil.which(tool) is None and not pathlib.Path("/usr/sbin", tool).exists():
            pytest.skip(f"{tool} is not installed (Debian: slurm-wlm munge)")
    if not pathlib.Path("/sys/fs/cgroup/freezer").is_dir():
        pytest.skip("no cgroups of version 1: Slurm's plugin for version 2 wants systemd")


def is_soon(is_done, timeout=30):
    for _ in range(timeout * 10):
        if is_done():
            return True
        time.sleep(0.1)
    return False


class Slurm:
    def __init__(self, folder, uses_cgroups):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        for below in ("ctld", "d"):
            (self.folder / below).mkdir()
        self.node = socket.gethostname().split(".")[0]
        self.daemons = []
        (self.folder / "slurm.conf").write_text(CONFIG.format(
            node=self.node, folder=self.folder, ctld_port=free_port(), d_port=free_port(),
            proctrack="proctrack/cgroup" if uses_cgroups else "proctrack/linuxproc",
            task="task/cgroup" if uses_cgroups else "task/none"))
        (self.folder / "cgroup.conf").write_text(CGROUP)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.env = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"),
                    "PATH": os.environ.get("PATH", "") + ":/usr/sbin"}

    def daemon(self, name, *words):
        with open(self.folder / f"{name}.out", "w") as out:
            self.daemons.append(subprocess.Popen([name, *words], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
                                                 stdout=out, stderr=out))

    def start(self):
        files = [f"--{kind}-file={self.folder / ('munge.' + kind)}" for kind in ("key", "pid", "log", "seed")]
        self.daemon("munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket", *files)
        self.wait(lambda: (self.folder / "munge.socket").exists(), "munged")
        self.daemon("slurmctld", "-D")
        self.daemon("slurmd", "-D", "-N", self.node)
        self.wait(lambda: "idle" in self.call("sinfo", "-h", "-o", "%T", check=False), "slurmd")

    def wait(self, is_done, what, timeout=30):
        if is_soon(is_done, timeout):
            return
        logs = "".join(path.read_text(errors="replace")[-400:] for path in self.folder.glob("*.out"))
        pytest.skip(f"{what} does not come up here: {logs[-800:]}")

    def call(self, *words, check=True):
        done = subprocess.run(words, env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def batch(self, *words, script):
        path = self.folder / f"job-{len(list(self.folder.glob('job-*')))}.sh"
        path.write_text("#!/bin/sh\n" + script)
        return self.call("sbatch", "--parsable", "-o", "/dev/null", *words, str(path)).strip().split(";")[0]

    def stop(self):
        self.call("scancel", "--full", "--signal=KILL", "--user=root", check=False)
        self.call("scancel", "--user=root", check=False)
        self.wait_empty()
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(timeout=15)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for top in pathlib.Path("/sys/fs/cgroup").glob("*/slurm_" + self.node):
            subprocess.run(["find", str(top), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], capture_output=True)

    def wait_empty(self):
        for _ in range(100):
            if not self.call("squeue", "-h", check=False).strip():
                return
            time.sleep(0.1)


@contextlib.contextmanager
def slurm(folder, uses_cgroups=True):
    made = Slurm(folder, uses_cgroups)
    try:
        made.start()
        yield made
    finally:
        made.stop()
