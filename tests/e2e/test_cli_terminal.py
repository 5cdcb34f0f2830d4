# SPDX-License-Identifier: MIT
"""Every command in a terminal of 80 columns: no line is longer, nothing is left behind."""
import time

import pytest

from lib_cli import Screen

SHORT = [[], ["help"], ["help", "run"], ["help", "monitor"], ["sensors"], ["doctor"], ["status"], ["config"], ["version"],
         ["run", "true"], ["run", "sleep", "1"], ["run", "sh", "-c", "exit 3"], ["run", "nothing-like-that"],
         ["run", "--intervall", "1", "true"], ["rnu"]]


@pytest.mark.parametrize("words", SHORT, ids=[" ".join(w) or "bare" for w in SHORT])
def test_fits_into_80_columns(ecocode, home, words):
    with Screen([ecocode, *words], {**home, "TERM": "xterm", "LANG": "C.UTF-8"}) as screen:
        text = screen.wait_for("status ")
    if words != ["run", "--intervall", "1", "true"]:
        # A path cannot be broken.
        longest = max((line for line in text.splitlines() if " " in line.strip() and " = /" not in line), key=len)
        assert len(longest) <= 79, longest
    assert "\x1b" not in text


def test_monitor_shows_lines_and_totals_at_ctrl_c(ecocode, home):
    with Screen([ecocode, "monitor", "--interval", "200ms"], {**home, "TERM": "xterm", "LANG": "C.UTF-8"}) as screen:
        screen.wait_for("W")
        time.sleep(1.5)
        before = screen.text()
        screen.keys("C-c")
        after = screen.wait_for("status ")
    assert "status 0" in after
    lines = [line for line in before.splitlines() if line.strip()]
    assert len(lines) >= 5, before
    assert max(map(len, after.splitlines())) <= 79
    assert len(after.splitlines()) > len(lines)


def test_a_header_again_every_screen(ecocode, home):
    with Screen([ecocode, "monitor", "--interval", "20ms", "--count", "60"], {**home, "TERM": "xterm"}) as screen:
        text = screen.wait_for("status ")
    first = next(line for line in text.splitlines() if line.strip())
    assert text.count(first) >= 2, text
