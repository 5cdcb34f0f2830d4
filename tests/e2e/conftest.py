# SPDX-License-Identifier: MIT
"""End-to-end tests: the real binary as a user runs it.

The binary is $ECOCODE_BIN, else build/ecocode of this tree; the programs of the simulated machine are in
$ECO_SIM_DIR, else build/tests/sim. Tests marked `long` take minutes; `make check` leaves them out with
-m "not long". A test that needs root, /dev/fuse or a quiet machine and has none is skipped, and says why.

`--part NAME` runs one of PARTS, for tools/check.sh; together they are all tests.

What tests share is in lib_ecocode.py (running it, checking what it writes) and lib_sim.py (the machine).
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import lib_ecocode  # noqa: E402
import lib_sim  # noqa: E402


# Files by the beginning of their names, which tools/check.sh runs each. A file that is named nowhere is of `rest`.
PARTS = {
    "cards": ("test_gpu_", "test_nvml_"),
    # they share a user, whose processes one of them kills
    "users": ("test_priv_",),
    # what is kept of runs, and what is made of it
    "records": ("test_history_", "test_impact", "test_run_"),
    # beside others these would be skipped, or get less of the CPUs than their figures need
    "quiet": ("test_sim_calibrate", "test_sim_energy", "test_sim_machine", "test_bpf_", "test_identity"),
}


def part_of(path):
    return next((part for part, names in PARTS.items() if path.name.startswith(names)), "rest")


def pytest_addoption(parser):
    parser.addoption("--part", choices=[*PARTS, "rest"], help="only the tests of this part")


def pytest_collection_modifyitems(config, items):
    part = config.getoption("part")
    if part:
        asked = (lib_ecocode.ROOT / "tools" / "check.sh").read_text()
        lost = [name for name in [*PARTS, "rest"] if f"part {name}\n" not in asked]
        if lost:
            raise pytest.UsageError(f"tools/check.sh runs no part {', '.join(lost)}: its tests would be lost")
        out = [item for item in items if part_of(item.path) != part]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if part_of(item.path) == part]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; left out by -m 'not long'")


@pytest.fixture(scope="session")
def ecocode():
    """Path of the binary. Without one nothing here means anything, so that is no skip."""
    path = lib_ecocode.binary()
    if not os.access(path, os.X_OK):
        pytest.exit(f"{path} is missing: build it first, or set ECOCODE_BIN", 2)
    return path


@pytest.fixture
def home(tmp_path):
    """An environment in which nothing of the user's configuration or history is seen or written."""
    return lib_ecocode.clean_environment(tmp_path / "home")


@pytest.fixture(scope="module")
def machine():
    """The simulated machine of one package, 20 W idle and 30 J per CPU second, DRAM a tenth of it."""
    with lib_sim.machine_or_skip("--dram-idle", "2", "--dram-k", "3") as made:
        yield made
