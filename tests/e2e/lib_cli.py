# SPDX-License-Identifier: MIT
"""Calling commands of ecocode and looking at what a person sees."""
import shlex
import shutil
import subprocess
import time
import uuid

import pytest

TIMEOUT_S = 60


def call(ecocode, home, *words, **kwargs):
    """One call; text in and out, an environment of its own."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([ecocode, *words], env=home, capture_output=True, text=True, errors="surrogateescape",
                          timeout=TIMEOUT_S, **kwargs)


def one_line(text):
    """The text is one line of ecocode's, safe for a terminal."""
    assert text.endswith("\n") and text.count("\n") == 1, text
    assert text.startswith("ecocode: "), text
    assert all(c == "\n" or c.isprintable() for c in text), repr(text)
    return text[:-1]


class Screen:
    """A terminal of 80 columns and 24 rows (tmux, a server of its own)."""

    def __init__(self, command, env, columns=80, rows=24):
        if not shutil.which("tmux"):
            pytest.skip("tmux is not installed")
        self.socket = f"ecocode-test-{uuid.uuid4().hex[:8]}"
        shell = " ".join(shlex.quote(word) for word in command)
        # The shell must outlive the Ctrl-C that is for the command.
        script = f"trap : INT; {shell}; echo \"status $?\"; exec sleep 300"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", script, env=env)

    def _tmux(self, *words, env=None):
        return subprocess.run(["tmux", "-L", self.socket, *words], env=env, capture_output=True, text=True,
                              timeout=TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._tmux("kill-server")

    def keys(self, *keys):
        self._tmux("send-keys", *keys)

    def text(self):
        """What was shown, what has scrolled off included; a line that was wrapped is two."""
        return self._tmux("capture-pane", "-p", "-S", "-200").stdout

    def wait_for(self, part, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = self.text()
            if part in text:
                return text
            time.sleep(0.1)
        raise AssertionError(f"'{part}' did not appear in:\n{self.text()}")
