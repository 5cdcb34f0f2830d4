# SPDX-License-Identifier: MIT
"""The sources of live intensity as a server of this machine: their shapes, their failures, what they were asked."""
import base64
import contextlib
import http.server
import json
import threading
import time

TOKEN, LOGIN, BEARER = "tok-123", "user:secret", "abc.def.ghi"


class Grid:
    """What the server says next. `fail` names a failure, `g` is the intensity in the source's own unit."""

    def __init__(self):
        self.g, self.fail, self.asked = 58.77, None, []

    def answer(self, path, headers):
        if self.fail == "slow":
            time.sleep(12)
        if self.fail == "429":
            return 429, {"error": "rate limit"}
        if self.fail == "500":
            return 500, {"error": "sorry"}
        if self.fail == "garbage":
            return 200, b"<html>\x00\xff{]"
        if self.fail == "shape":
            return 200, {"carbonIntensity": "58", "data": [{"intensity": {}}, 3]}
        if self.fail == "absurd":
            return 200, {"carbonIntensity": -4, "data": [{"from": "x", "intensity": {"actual": 1e9, "forecast": None}}]}
        if self.fail == "endless":
            return 200, b" " * (3 << 20)
        if path.startswith("/v3/carbon-intensity/latest?zone="):
            if headers.get("auth-token") != TOKEN:
                return 401, {"error": "Invalid auth-token"}
            return 200, {"zone": path.split("=")[1], "carbonIntensity": self.g, "datetime": "2025-11-21T19:00:00.000Z",
                         "updatedAt": "2025-11-21T19:09:54.950Z", "emissionFactorType": "lifecycle",
                         "isEstimated": False, "estimationMethod": None}
        if path == "/login":
            good = "Basic " + base64.b64encode(LOGIN.encode()).decode()
            return (200, {"token": BEARER}) if headers.get("Authorization") == good else (401, {})
        if path.startswith("/v3/historical?region="):
            if headers.get("Authorization") != "Bearer " + BEARER:
                return 401, {}
            return 200, {"data": [{"point_time": "2025-01-01T00:05:00+00:00", "value": self.g},
                                  {"point_time": "2025-01-01T00:00:00+00:00", "value": 1.0}],
                         "meta": {"region": "CAISO_NORTH", "signal_type": "co2_moer", "units": "lbs_co2_per_mwh"}}
        if path == "/intensity":
            return 200, {"data": [{"from": "2026-10-18T02:00Z", "to": "2026-10-18T02:30Z",
                                   "intensity": {"forecast": 156, "actual": self.g, "index": "moderate"}}]}
        return 404, {"error": "No recent data"}


@contextlib.contextmanager
def grid():
    state = Grid()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked.append(self.path)
            status, body = state.answer(self.path, self.headers)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
