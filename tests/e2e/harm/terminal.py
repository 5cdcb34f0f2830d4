# SPDX-License-Identifier: MIT
"""A terminal of its own for a program: what a person types and sees, and nothing else."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time


class Terminal:
    """Runs argv as leader of a new session on a new pseudo-terminal."""

    def __init__(self, argv, env=None, rows=24, columns=80):
        self.text = ""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execvpe(argv[0], [str(a) for a in argv], env if env is not None else os.environ)
            finally:
                os._exit(99)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_some(self, timeout_s):
        if not select.select([self.fd], [], [], max(0, timeout_s))[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: the last one has closed the terminal
            data = b""
        self.text += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern, timeout_s=8):
        """Wait until the pattern is seen; what was seen up to its end is used up. Returns the match."""
        end = time.monotonic() + timeout_s
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            if time.monotonic() > end or not self.read_some(end - time.monotonic()):
                match = re.search(pattern, self.text)
                assert match, f"{pattern!r} is not in {self.text!r}"

    def wait(self, timeout_s=8):
        """The wait status of the program, all its output read."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.read_some(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
                while self.read_some(0):
                    pass
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it does not end; on the screen: {self.text!r}")
