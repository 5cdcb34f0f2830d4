# SPDX-License-Identifier: MIT
"""A headless Chromium that is asked over its pipe (the DevTools protocol): no port, no driver, nothing to install."""
import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

import pytest

PATIENCE_S = 30


class Chromium:
    def __init__(self, folder):
        to_browser, self.write_fd = os.pipe()
        self.read_fd, from_browser = os.pipe()
        self.buffer, self.number, self.events = b"", 0, []
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ECOCODE_", "DBUS_"))}
        # It reads from descriptor 3 and writes to 4.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for fd in (to_browser, from_browser)]
        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             f"--user-data-dir={folder}", "--remote-debugging-pipe"],
            close_fds=False, preexec_fn=lambda: (os.dup2(high[0], 3), os.dup2(high[1], 4)),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**env, "HOME": str(folder)})
        os.close(high[0])
        os.close(high[1])
        os.close(to_browser)
        os.close(from_browser)
        target = self.call("Target.createTarget", {"url": "about:blank"}, session=None)["targetId"]
        self.session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True}, session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Security"):
            self.call(f"{domain}.enable")

    def stop(self):
        with contextlib.suppress(OSError, AssertionError):
            self.call("Browser.close", session=None)
        os.close(self.write_fd)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_fd)

    def receive(self, end):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_fd], [], [], max(0, end - time.monotonic()))
            assert ready, "chromium does not answer"
            more = os.read(self.read_fd, 1 << 20)
            assert more, "chromium has ended"
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, params=None, session=""):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = session or self.session
        os.write(self.write_fd, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE_S
        while True:
            answer = self.receive(end)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1000, dark=False, has_script=True):
        """Load a page and wait until it stands. Returns what it asked for and complained about."""
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
        self.call("Emulation.setEmulatedMedia",
                  {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.events = []
        self.call("Page.navigate", {"url": f"file://{path}"})
        end = time.monotonic() + PATIENCE_S
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.receive(end))
        if has_script:
            self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self.complaints()

    def complaints(self):
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening")
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return {"asked": asked, "said": [e for e in self.events if e.get("method") in kinds]}

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def move(self, x, y):
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def screenshot(self, path):
        """The whole page, not only what fits on the screen."""
        shot = self.call("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def pdf(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", {"printBackground": True})["data"]))
        return path


@contextlib.contextmanager
def chromium_or_skip(folder):
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    browser = Chromium(folder)
    try:
        yield browser
    finally:
        browser.stop()
