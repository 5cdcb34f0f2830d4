# SPDX-License-Identifier: MIT
"""Real containers without an engine: runc, and busybox as all there is in them."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

import pytest

CGROUPS = pathlib.Path("/sys/fs/cgroup")


def tools_or_skip():
    if os.geteuid() != 0:
        pytest.skip("containers are made by root")
    for tool in ("runc", "busybox"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if "=>" in subprocess.run(["ldd", shutil.which("busybox")], capture_output=True, text=True).stdout:
        pytest.skip("busybox is not linked statically (Debian: busybox-static)")


class Container:
    """One runc container; `path` is its cgroup below every hierarchy."""

    def __init__(self, folder, path, command, change=None, binds=()):
        self.folder = pathlib.Path(folder) / uuid.uuid4().hex[:8]
        self.path = path
        self.name = "eco-" + uuid.uuid4().hex[:12]
        root = self.folder / "rootfs"
        for below in ("bin", "proc", "sys", "dev", "etc", "tmp"):
            (root / below).mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), root / "bin/busybox")
        for applet in ("sh", "cat", "sleep", "true", "ls"):
            (root / "bin" / applet).symlink_to("busybox")
        subprocess.run(["runc", "spec"], cwd=self.folder, check=True)
        spec = json.loads((self.folder / "config.json").read_text())
        spec["process"]["terminal"] = False
        spec["process"]["rlimits"] = []
        spec["process"]["args"] = list(command)
        spec["root"] = {"path": "rootfs", "readonly": False}
        spec["linux"]["cgroupsPath"] = path
        for source, target in binds:
            (root / target.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            spec["mounts"].append({"destination": target, "type": "bind", "source": str(source),
                                   "options": ["bind", "ro"]})
        if change:
            change(spec)
        (self.folder / "config.json").write_text(json.dumps(spec))

    def runc(self, *words, **kwargs):
        return subprocess.run(["runc", "--root", str(self.folder / "state"), *words], **kwargs)

    def start(self):
        """Runs in the background, its output goes to files: nothing of ours is held open by it."""
        with open(self.folder / "out", "w") as out:
            done = self.runc("run", "-d", "--bundle", str(self.folder), self.name, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=out)
        if done.returncode != 0:
            pytest.skip("runc cannot make a container here: " + (self.folder / "out").read_text()[-300:])
        return self

    def run(self, timeout=60):
        """In the foreground: (exit status, output)."""
        done = self.runc("run", "--bundle", str(self.folder), self.name, capture_output=True, text=True, timeout=timeout,
                         stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def cpu_seconds(self):
        """What the kernel counted for its cgroup: version 2, else cpuacct."""
        below = self.path.lstrip("/")
        for mount in (CGROUPS, CGROUPS / "unified"):
            stat = mount / below / "cpu.stat"
            if stat.exists() and "usage_usec" in stat.read_text():
                return int(stat.read_text().split()[1]) / 1e6
        for mount in (CGROUPS / "cpuacct", CGROUPS / "cpu,cpuacct"):
            usage = mount / below / "cpuacct.usage"
            if usage.exists():
                return int(usage.read_text()) / 1e9
        pytest.skip("no cgroup of the container can be read")

    def stop(self):
        self.runc("kill", self.name, "KILL", capture_output=True)
        for _ in range(50):
            if self.runc("delete", "-f", self.name, capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        top = self.path.lstrip("/").split("/")[0]
        for mount in [CGROUPS, *CGROUPS.iterdir()]:
            if (mount / top).is_dir() and not mount.is_symlink():
                subprocess.run(["find", str(mount / top), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"],
                               capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def container(*args, **kwargs):
    made = Container(*args, **kwargs)
    try:
        yield made
    finally:
        made.stop()
