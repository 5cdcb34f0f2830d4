# SPDX-License-Identifier: MIT
"""Intensity asked for while a job runs, from a server of this machine that answers as the sources do."""
import os
import pathlib
import shutil
import sys
import time

import pytest

from lib_cli import call, one_line
from lib_ecocode import binary, read_json, read_lines
from lib_grid import LOGIN, TOKEN, grid
from test_impact import validate

BUSY = [sys.executable, "-c", "sum(range(3_000_000))"]
YEARLY_G = 44.18  # France by Ember, 2024

pytestmark = pytest.mark.skipif(not (pathlib.Path(binary()).parent / "ecocode-intensity").exists(),
                                reason="built without libcurl: nothing is asked")


@pytest.fixture
def server():
    with grid() as state:
        yield state


def ask(ecocode, env, folder, server, *words, source="electricitymaps", location="FR", key=TOKEN, command=BUSY):
    """One run: its impact and warnings; the job is unharmed whatever the server does."""
    (folder / "key").write_text(f" {key}\n")
    options = ["--carbon-source", source, "--carbon-url", server.url, "--location", location]
    if key:
        options += ["--carbon-key-file", str(folder / "key")]
    done = call(ecocode, env, "run", "-o", str(folder / "r.json"), *options, *words, "--", *command)
    assert done.returncode == 0, done.stderr
    report = read_json(folder / "r.json")
    validate(report)
    return report["impact"], report["warnings"], done.stderr


def test_electricity_maps(ecocode, home, tmp_path, server):
    impact, warnings, said = ask(ecocode, home, tmp_path, server, command=[sys.executable, "-c", "sum(range(60_000_000))"])
    factors = impact["factors"]
    assert server.asked == ["/v3/carbon-intensity/latest?zone=FR"]
    assert factors["intensity_g_per_kwh"] == pytest.approx(58.77)
    assert (factors["method"], factors["resolution"], factors["scope"]) == ("location_average", "hourly", "lifecycle")
    assert factors["live"]["source"] == "electricitymaps" and factors["live"]["at"] == "2025-11-21T19:00:00.000Z"
    assert factors["live"]["covered_ratio"] == 1 and factors["live"]["values"] == 1
    row = impact["by_policy"]["full"]
    assert row["co2e_g"] == pytest.approx(row["energy_facility_kwh"] * 58.77)
    assert "59 g/kWh (Electricity Maps, live, lifecycle)" in " ".join(said.split())
    # the example's moment is long ago: it says so
    assert any("hours old" in w for w in warnings)


def test_watttime_logs_in_and_is_marginal(ecocode, home, tmp_path, server):
    server.g = 870.0
    impact, _, _ = ask(ecocode, home, tmp_path, server, source="watttime", location="aws:us-west-1", key=LOGIN)
    factors = impact["factors"]
    assert server.asked[0] == "/login" and "region=CAISO_NORTH&signal_type=co2_moer" in server.asked[1]
    assert factors["intensity_g_per_kwh"] == pytest.approx(870 * 453.59237 / 1000)
    assert (factors["method"], factors["resolution"], factors["scope"]) == ("location_marginal", "5min", "direct")


def test_great_britain_needs_no_key(ecocode, home, tmp_path, server):
    server.g = None  # not counted yet: the forecast stands
    impact, _, _ = ask(ecocode, home, tmp_path, server, source="uk", location="GB", key="")
    assert impact["factors"]["intensity_g_per_kwh"] == 156 and impact["factors"]["scope"] == "direct"
    assert "estimated by it" in impact["factors"]["intensity_source"]


def test_the_key_comes_from_the_environment_and_is_shown_nowhere(ecocode, home, tmp_path, server):
    script = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; sleep 0.3; cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    env = {**home, "ECOCODE_CARBON_KEY": TOKEN}
    done = call(ecocode, env, "run", "--location", "FR", "--carbon-source", "electricitymaps", "--carbon-url", server.url, "-o",
                str(tmp_path / "r.json"), "sh", "-c", script + " 2>/dev/null")
    assert done.returncode == 0
    assert read_json(tmp_path / "r.json")["impact"]["factors"]["live"] is not None
    assert "ecocode-intensity --source" in done.stdout or "ecocode-intensity" in done.stdout
    assert TOKEN not in done.stdout + done.stderr + (tmp_path / "r.json").read_text()
    for kept in (tmp_path / "home" / "state").rglob("*"):
        assert not kept.is_file() or TOKEN not in kept.read_text()


def test_what_speaks_with_the_network_may_do_nothing_else(ecocode, home, tmp_path, server):
    """Even where root measures: no capability, no way to gain one, no descriptor of the caller's."""
    server.fail = "slow"
    script = """for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1
        for p in $(pgrep -f '^ecocode-intensity.*%s'); do grep -E 'CapEff|CapPrm|CapBnd|NoNewPrivs' /proc/$p/status; ls /proc/$p/fd | wc -l; exit; done
    done""" % server.url
    with open(tmp_path / "secret", "w") as secret:
        (tmp_path / "key").write_text(TOKEN)
        done = call(ecocode, home, "run", "-q", "--location", "FR", "--carbon-source", "electricitymaps", "--carbon-url",
                    server.url, "--carbon-key-file", str(tmp_path / "key"), "sh", "-c", script, pass_fds=[secret.fileno()])
    lines = done.stdout.split()
    assert lines[lines.index("CapEff:") + 1] == lines[lines.index("CapPrm:") + 1] == "0" * 16, done.stdout
    assert lines[lines.index("NoNewPrivs:") + 1] == "1"
    assert int(lines[-1]) < 16


FAILURES = [
    ("429", "asked too often"),
    ("500", "HTTP 500"),
    ("garbage", "no JSON"),
    ("shape", "not what this source"),
    ("absurd", "believed"),
    ("endless", "far too long"),
]


@pytest.mark.parametrize("source,location,key", [("electricitymaps", "FR", TOKEN), ("uk", "GB", "")])
@pytest.mark.parametrize("fail,words", FAILURES, ids=[f for f, _ in FAILURES])
def test_a_failing_source_leaves_the_yearly_figure(ecocode, home, tmp_path, server, fail, words, source, location, key):
    server.fail = fail
    impact, warnings, _ = ask(ecocode, home, tmp_path, server, source=source, location=location, key=key)
    assert impact["factors"]["live"] is None and impact["factors"]["resolution"] == "annual"
    assert impact["factors"]["intensity_source"].startswith("Ember")
    told = [w for w in warnings if "no live intensity" in w]
    assert len(told) == 1 and words in told[0] and "the yearly figure" in told[0]


def test_an_expired_key(ecocode, home, tmp_path, server):
    impact, warnings, _ = ask(ecocode, home, tmp_path, server, key="old")
    assert impact["factors"]["intensity_g_per_kwh"] == YEARLY_G
    assert any("HTTP 401: the key is not accepted" in w for w in warnings)
    impact, warnings, _ = ask(ecocode, home, tmp_path, server, key="")
    assert any("wants a key" in w for w in warnings) and impact["factors"]["live"] is None


def test_a_source_that_does_not_answer_delays_nothing(ecocode, home, tmp_path, server):
    server.fail = "slow"
    begin = time.monotonic()
    impact, warnings, _ = ask(ecocode, home, tmp_path, server, command=["true"])
    assert time.monotonic() - begin < 6  # the answer would take twelve
    assert impact["factors"]["live"] is None and any("did not answer in time" in w for w in warnings)


def test_nobody_there(ecocode, home, tmp_path, server):
    server.url = "http://127.0.0.1:9"
    impact, warnings, _ = ask(ecocode, home, tmp_path, server)
    assert impact["factors"]["intensity_g_per_kwh"] == YEARLY_G
    assert any("no live intensity" in w for w in warnings)


def test_many_short_runs_ask_once(ecocode, home, tmp_path, server):
    for _ in range(3):
        impact, _, _ = ask(ecocode, home, tmp_path, server, command=["true"])
        assert impact["factors"]["intensity_g_per_kwh"] == pytest.approx(58.77)
    assert len(server.asked) == 1
    assert impact["factors"]["live"]["age_s"] < 60
    kept = list((tmp_path / "home" / "state" / "ecocode").glob("intensity-*"))
    assert [p.name for p in kept] == ["intensity-electricitymaps-FR.txt"] and kept[0].stat().st_mode & 0o777 == 0o600
    # An old answer is better than none where the source fails now, and its age is told; a too old one is not.
    text = kept[0].read_text()
    fetched = int(text.split("fetched ")[1].split()[0])
    server.fail = "500"
    kept[0].write_text(text.replace(str(fetched), str(fetched - 1000)))
    impact, _, _ = ask(ecocode, home, tmp_path, server, command=["true"])
    assert 1000 <= impact["factors"]["live"]["age_s"] < 1100
    kept[0].write_text(text.replace(str(fetched), str(fetched - 8000)))
    impact, _, _ = ask(ecocode, home, tmp_path, server, command=["true"])
    assert impact["factors"]["live"] is None


@pytest.mark.long
def test_each_interval_counts_with_the_intensity_of_its_time(ecocode, home, tmp_path, server):
    """The kept answer, 10 g, ages out after half of the run; then 90 g are told. Sum of E_i * I_i by the frames."""
    folder = tmp_path / "home" / "state" / "ecocode"
    folder.mkdir(mode=0o700)
    kept = f"ecocode intensity 1\nfetched {int(time.time()) - 296}\nat 0\ng 10\nestimated 0\nscope lifecycle\n"
    (folder / "intensity-electricitymaps-FR.txt").write_text(kept)
    server.g = 90
    out = tmp_path / "f.jsonl"
    busy = "import time; end = time.monotonic() + 7\nwhile time.monotonic() < end: pass"
    impact, _, _ = ask(ecocode, home, tmp_path, server, "--interval", "100ms", "-o", str(out),
                       command=[sys.executable, "-c", busy])
    assert impact["factors"]["live"]["values"] == 2 and impact["factors"]["live"]["covered_ratio"] == 1
    mean = impact["factors"]["intensity_g_per_kwh"]
    frames = [line["total"]["by_policy_j"]["full"] or 0 for line in read_lines(out) if line["type"] == "frame"]
    means = [(10 * sum(frames[:k]) + 90 * sum(frames[k:])) / sum(frames) for k in range(1, len(frames))]
    assert any(mean == pytest.approx(each, rel=1e-6) for each in means), (mean, means)
    assert 15 < mean < 85
    row = impact["by_policy"]["full"]
    assert row["co2e_g"] == pytest.approx(row["energy_facility_kwh"] * mean)


def test_nothing_is_left_behind(ecocode, home, tmp_path, server):
    server.fail = "slow"
    ask(ecocode, home, tmp_path, server, command=["true"])
    end = time.monotonic() + 5
    while time.monotonic() < end and server.url in running():
        time.sleep(0.02)
    assert server.url not in running()


def running():
    """Command lines of all programs but our own."""
    lines = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append("" if path.parent.name == str(os.getpid()) else path.read_bytes().decode(errors="replace"))
        except OSError:
            pass
    return "\n".join(lines)


BAD = [
    (["--carbon-source", "electricitymaps"], "--carbon-zone"),
    (["--carbon-source", "uk", "--location", "FR"], "--carbon-zone"),
    (["--carbon-source", "electricitymaps", "--location", "FR", "--carbon-intensity", "5"], "does not go with"),
    (["--carbon-source", "weather"], "one of table, electricitymaps, watttime, uk"),
    (["--carbon-url", "http://example.org"], "an address"),
    (["--carbon-url", "file:///etc/passwd"], "an address"),
]


def test_without_the_program_the_yearly_figure_stands(ecocode, home, tmp_path, server):
    alone = tmp_path / "bin" / "ecocode"
    alone.parent.mkdir()
    shutil.copy(ecocode, alone)
    impact, warnings, _ = ask(str(alone), home, tmp_path, server)
    assert impact["factors"]["intensity_g_per_kwh"] == YEARLY_G and impact["factors"]["live"] is None
    assert any("is not installed (it needs libcurl)" in w for w in warnings), warnings


def test_a_recost_asks_nobody(ecocode, home):
    done = call(ecocode, home, "history", "--recost", "--location", "GB", "--carbon-source", "uk")
    if "not installed" in done.stderr:
        pytest.skip("built without ecocode-history")
    assert done.returncode == 2 and "these runs are over" in one_line(done.stderr)


@pytest.mark.parametrize("words,part", BAD, ids=[" ".join(w) for w, _ in BAD])
def test_bad_input_is_one_line_and_nothing_ran(ecocode, home, tmp_path, words, part):
    done = call(ecocode, home, "run", *words, "touch", "ran", cwd=tmp_path)
    assert done.returncode == 125 and part in one_line(done.stderr), done.stderr
    assert not (tmp_path / "ran").exists()
