# SPDX-License-Identifier: MIT
"""The simulated NVIDIA driver (tests/doubles/nvml) for pytest: its scenarios, its truth, its clients."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

import lib_ecocode

SOURCES = lib_ecocode.ROOT / "tests" / "doubles" / "nvml"
SCENARIOS = SOURCES / "scenarios"
CLIENT = lib_ecocode.ROOT / "tests" / "doubles" / "nvml_client.py"
_SIM = os.environ.get("ECO_SIM_DIR")
BINARIES = pathlib.Path(os.environ.get("ECO_NVML_DIR") or (
    pathlib.Path(_SIM).parent / "doubles" / "nvml" if _SIM else
    lib_ecocode.ROOT / "build" / "tests" / "doubles" / "nvml"))
# What others wrote, fetched by `make clients`; a test that wants one and has none is skipped.
CLIENTS = pathlib.Path(os.environ.get("ECO_CLIENTS_DIR") or lib_ecocode.ROOT / "build-clients")


class Driver:
    """A scenario that runs from now on (or from `at_s` seconds ago), for as many clients as like."""

    def __init__(self, folder, text, at_s=0.0):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start_s = time.clock_gettime(time.CLOCK_MONOTONIC) - at_s
        self.scenario = self.folder / "scenario.txt"
        self.scenario.write_text(f"start_ns {int(self.start_s * 1e9)}\n{text}")
        self.calls_file = self.folder / "calls"
        self.calls_file.unlink(missing_ok=True)

    def now_s(self):
        return time.clock_gettime(time.CLOCK_MONOTONIC) - self.start_s

    def sleep_until(self, t_s):
        time.sleep(max(0.0, t_s - self.now_s()))

    def env(self, base=None):
        env = dict(os.environ if base is None else base)
        env["LD_LIBRARY_PATH"] = ":".join(filter(None, [str(BINARIES), env.get("LD_LIBRARY_PATH")]))
        env["ECO_NVML_SCENARIO"] = str(self.scenario)
        env["ECO_NVML_CALLS"] = str(self.calls_file)
        return env

    def write_pids(self, **rows):
        """name=dict(pid=, nspid=, start=, end=): replaces the control file that the scenario calls pids.txt."""
        text = "".join(f"{name} " + " ".join(f"{k}={v}" for k, v in row.items()) + "\n" for name, row in rows.items())
        new = self.folder / "pids.new"
        new.write_text(text)
        new.rename(self.folder / "pids.txt")

    def truth(self, t0_s, t1_s):
        done = subprocess.run([BINARIES / "eco-nvml-truth", self.scenario, str(t0_s), str(t1_s)], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)

    def calls(self, reset=False):
        """Driver calls of all clients since the start or the last reset: {"functions", "calls", "cpu_ns"}."""
        done = subprocess.run([BINARIES / "eco-nvml-calls", self.calls_file, *(["--reset"] if reset else [])],
                              check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def start(self, code, python=sys.executable, extra=None):
        """A client of our own (doubles/nvml_client.py) that runs `code`; it prints JSON by out(x)."""
        return subprocess.Popen([python, str(CLIENT), code], env={**self.env(), **(extra or {})}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, code, timeout=20, **options):
        process = self.start(code, **options)
        output, error = process.communicate(timeout=timeout)
        assert process.returncode == 0, f"exit {process.returncode}: {error}"
        return [json.loads(line) for line in output.splitlines()]


def is_built():
    return (BINARIES / "libnvidia-ml.so.1").exists()


def driver_or_skip(folder, text, at_s=0.0):
    if not is_built():
        pytest.skip(f"the simulated driver is not in {BINARIES}")
    return Driver(folder, text, at_s)


def scenario(name):
    return (SCENARIOS / f"{name}.txt").read_text()


def site_or_skip(module):
    """PYTHONPATH in which a module that others wrote is found."""
    site = CLIENTS / "site"
    if (site / f"{module}.py").exists() or (site / module).is_dir():
        return str(site)
    if importlib.util.find_spec(module) is not None:
        return ""
    pytest.skip(f"{module} is not here: `make clients` fetches it (network)")
    return None


def nvtop_or_skip():
    for path in (CLIENTS / "nvtop" / "usr" / "bin" / "nvtop", pathlib.Path("/usr/bin/nvtop")):
        if os.access(path, os.X_OK):
            return str(path)
    pytest.skip("nvtop is not here: `make clients` fetches it (network)")
    return None
