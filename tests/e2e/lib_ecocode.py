# SPDX-License-Identifier: MIT
"""Running ecocode, and what must hold for everything it writes."""
import json
import math
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUM_TOLERANCE = 1e-9  # of the machine's energy
PARTS = ("job_j", "others_j", "idle_j", "unattributed_j")


def binary():
    return os.environ.get("ECOCODE_BIN") or str(ROOT / "build" / "ecocode")


def clean_environment(folder):
    """Environment with its own configuration and state folders below `folder`."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("ECOCODE_")}
    for key, name in (("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run"),
                      ("HOME", "user")):
        path = pathlib.Path(folder) / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        env[key] = str(path)
    env["ECOCODE_PATH_CALIBRATION"] = str(pathlib.Path(folder) / "machine")
    return env


def strict_json(text):
    """JSON as the standard has it: no NaN, no Infinity, no key twice."""
    def no_constant(word):
        raise ValueError(f"{word} is no JSON")

    def no_twins(pairs):
        keys = [k for k, _ in pairs]
        assert len(keys) == len(set(keys)), f"a key twice in {keys}"
        return dict(pairs)

    return json.loads(text, parse_constant=no_constant, object_pairs_hook=no_twins)


def read_json(path):
    return strict_json(pathlib.Path(path).read_text())


def read_lines(path):
    return [strict_json(line) for line in pathlib.Path(path).read_text().splitlines()]


def check_parts(where, row):
    """job + others + idle + unattributed = machine, where the machine's energy is known.

    What lies within another domain is divided there; its own parts may be unknown, but then all of them.
    """
    if row.get("machine_j") is None or (row.get("counted") is False and row.get("job_j") is None):
        known = [p for p in PARTS if row.get(p) is not None]
        assert not known, f"{where}: {known} are known, the whole is not: {row}"
        return
    missing = [p for p in PARTS if row.get(p) is None]
    assert not missing, f"{where}: machine_j is known, {missing} are not: {row}"
    error = sum(row[p] for p in PARTS) - row["machine_j"]
    assert abs(error) <= SUM_TOLERANCE * abs(row["machine_j"]), f"{where}: parts - machine = {error} J: {row}"


def check_total(where, total, domains, keys=PARTS + ("machine_j",)):
    """A total is the sum of its counted domains."""
    counted = [d for d in domains if d["counted"] and d.get("machine_j") is not None]
    if not counted or total.get("machine_j") is None:
        return
    for key in keys:
        error = sum(d[key] for d in counted) - total[key]
        assert abs(error) <= SUM_TOLERANCE * abs(total["machine_j"]), f"{where}: domains - total of {key} = {error} J"


def check_processes(report):
    energy = report["energy"]
    if energy.get("job_j") is None:
        return
    rows = report["processes"]
    error = sum(row["energy_j"] for row in rows) - energy["job_j"]
    assert abs(error) <= SUM_TOLERANCE * abs(energy["machine_j"]), f"processes - job = {error} J"
    for domain in report["domains"]:
        if domain["counted"] and domain["job_j"] is not None:
            error = sum(row["by_domain"].get(domain["name"]) or 0 for row in rows) - domain["job_j"]
            assert abs(error) <= SUM_TOLERANCE * abs(domain["machine_j"]), f"processes - job = {error} J of {domain}"


def check_report(report):
    """What holds for every `ecocode.run/1`."""
    assert report["schema"] == "ecocode.run/1"
    check_parts("energy", report["energy"])
    for domain in report["domains"]:
        check_parts(domain["name"], domain)
    check_total("report", report["energy"], report["domains"])
    check_processes(report)
    uncertainty = report["energy"].get("uncertainty")
    if report["energy"].get("job_j") is not None and uncertainty and uncertainty.get("job_low_j") is not None:
        assert uncertainty["job_low_j"] <= report["energy"]["job_j"] <= uncertainty["job_high_j"]


def check_frame(frame):
    where = f"frame {frame['seq']}"
    for domain in frame["domains"]:
        check_parts(f"{where} {domain['name']}", domain)
    check_parts(where, frame["total"])
    check_total(where, frame["total"], frame["domains"])
    job_j = frame["total"]["job_j"]
    rows = [row["energy_j"] for row in frame["processes"] if row["job"]]
    if job_j is not None:
        error = math.fsum(e for e in rows if e is not None) - job_j
        assert abs(error) <= SUM_TOLERANCE * abs(frame["total"]["machine_j"]), f"{where}: processes - job = {error} J"


def check_frames(lines):
    """What holds for a JSON Lines stream: a line that begins it, frames, the report. Returns the frames."""
    assert lines[0]["type"] == "begin", lines[0]
    assert all(line["schema"] == "ecocode.frame/1" for line in lines if line["type"] in ("begin", "frame"))
    frames = [line for line in lines if line["type"] == "frame"]
    assert len(frames) >= len(lines) - 2 and frames, [line["type"] for line in lines]
    for frame in frames:
        check_frame(frame)
    numbers = [frame["seq"] for frame in frames]
    assert numbers == sorted(set(numbers)), "frames out of order or twice"
    return frames


def domain_of(report, name):
    found = [d for d in report["domains"] if d["name"] == name]
    assert len(found) == 1, f"{name} among {[d['name'] for d in report['domains']]}"
    return found[0]


def is_close(value, truth, ratio):
    return value is not None and math.isfinite(value) and abs(value - truth) <= ratio * abs(truth)
