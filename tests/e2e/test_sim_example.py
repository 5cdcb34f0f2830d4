# SPDX-License-Identifier: MIT
"""The example really trains: the loss goes down, and the same seed gives the same result."""
import re
import subprocess

import lib_ecocode

TRAIN = str(lib_ecocode.ROOT / "examples" / "train.py")


def train(*options):
    return subprocess.run(["/usr/bin/python3", TRAIN, *options], capture_output=True, text=True, timeout=60)


def test_it_learns():
    first, second = (train("--epochs", "2", "--batches", "40", "--seed", "3") for _ in range(2))
    assert first.returncode == 0, first.stderr
    losses = [float(x) for x in re.findall(r"loss ([0-9.]+)", first.stdout)]
    assert len(losses) == 2 and losses[1] < losses[0]
    assert losses == [float(x) for x in re.findall(r"loss ([0-9.]+)", second.stdout)]
    assert float(re.search(r"done: ([0-9.]+) %", first.stdout)[1]) > 40


def test_bad_options():
    result = train("--workers", "0")
    assert result.returncode == 2 and "--workers must be at least 1" in result.stderr
