# SPDX-License-Identifier: MIT
"""Tests of the doubles themselves: what a scenario says is what clients are told. Shared code: ../e2e."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; left out by -m 'not long'")
