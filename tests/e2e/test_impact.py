# SPDX-License-Identifier: MIT
"""CO2e, water and cost: the figures of a run against the factors that it names, and against sums by hand."""
import json
import os
import sys

import pytest

import lib_sim
from lib_cli import call, one_line
from lib_ecocode import ROOT, read_json, read_lines
from test_sim_energy import GIVEN

BUSY = [sys.executable, "-c", "sum(range(6_000_000))"]
CHARGES = ("boundary is_lower_bound factors by_policy market_based by_hour embodied sci prediction equivalents").split()


def measure(ecocode, env, folder, *options, command=BUSY):
    done = call(ecocode, env, "run", "-o", str(folder / "r.json"), *options, "--", *command)
    assert done.returncode == 0, done.stderr
    report = read_json(folder / "r.json")
    validate(report)
    assert report["impact"] is not None and list(report["impact"]) == CHARGES
    check_arithmetic(report)
    return report["impact"], done.stderr


def validate(report):
    """By the installed schema, where the module for it is there."""
    try:
        import jsonschema
    except ImportError:
        return
    jsonschema.Draft202012Validator(read_json(ROOT / "data" / "schema" / "ecocode.run.1.json")).validate(report)


def near(value, expected):
    return value == pytest.approx(expected, rel=1e-9)


def check_arithmetic(report):
    """Every figure follows from the joules of the report and the factors beside it."""
    impact = report["impact"]
    factors = impact["factors"]
    for policy, joules in report["energy"]["by_policy_j"].items():
        row = impact["by_policy"][policy]
        if joules is None:
            assert set(row.values()) == {None}
            continue
        it = joules / 3.6e6
        if factors["wall_factor"]:
            share = joules / report["energy"]["machine_j"]
            it = factors["wall_factor"]["constant_w"] / 3.6e6 * report["duration_s"] * share + \
                factors["wall_factor"]["ratio"] * joules / 3.6e6
        assert near(row["energy_it_kwh"], it)
        assert near(row["energy_facility_kwh"], it * factors["pue"])
        assert near(row["co2e_g"], it * factors["pue"] * factors["intensity_g_per_kwh"])
        assert row["co2e_low_g"] <= row["co2e_g"] <= row["co2e_high_g"]
        assert near(row["water_l"], it * factors["water_l_per_kwh"])
        assert row["water_low_l"] <= row["water_l"] <= row["water_high_l"] * (1 + 1e-9)
        if factors["price_per_kwh"] is None:
            assert row["cost"] is None and factors["currency"] is None
        else:
            assert near(row["cost"], row["energy_facility_kwh"] * factors["price_per_kwh"])


def test_joules_that_are_known_become_grams_that_are_known(ecocode, machine, home, tmp_path):
    """30 + 3 J per CPU second, 44.18 g per kWh in France (Ember, 2024), a PUE of 1.5."""
    job = lib_sim.run_job(machine, home, tmp_path, ["busy", "1"], *GIVEN, "--location", "FR", "--pue", "1.5")
    grams = (lib_sim.K_J + lib_sim.DRAM_K_J) * job.cpu_s / 3.6e6 * 1.5 * 44.18
    row = job.report["impact"]["by_policy"]["active"]
    assert row["co2e_g"] == pytest.approx(grams, rel=0.02)
    assert row["co2e_low_g"] < grams < row["co2e_high_g"]
    assert "France, 44 g/kWh (Ember 2024, lifecycle), PUE 1.50" in job.text
    check_arithmetic(job.report)


def test_everything_that_can_be_asked_for(ecocode, home, tmp_path):
    impact, said = measure(ecocode, home, tmp_path, "--location", "aws:eu-west-3", "--price", "0.25EUR", "--price-hour",
                           "4.10USD", "--price-gpu-hour", "2.50USD", "--embodied", "180kg", "--lifetime", "4y", "--per",
                           "epoch=20", "--wall-factor", "85,1.21")
    factors = impact["factors"]
    assert impact["boundary"] == "wall" and not impact["is_lower_bound"]
    assert factors["location"] == {"code": "aws:eu-west-3", "name": "Europe (Paris)", "source": "option"}
    assert factors["pue"] == 1.135 and factors["pue_year"] == 2023 and "mean" in factors["pue_source"]
    assert factors["intensity_g_per_kwh"] == 52.87 and factors["scope"] == "lifecycle"
    assert (factors["currency"], impact["by_hour"]["currency"]) == ("EUR", "USD")
    assert near(impact["by_hour"]["cost"], impact["by_hour"]["hours"] * 4.10)
    assert near(impact["embodied"]["co2e_g"],
                180000 * impact["by_hour"]["hours"] / (4 * 8766) * impact["embodied"]["parts"][0]["share"])
    sci = impact["sci"]
    assert near(sci["g_per_unit"], (sci["operational_g"] + sci["embodied_g"]) / 20)
    assert "Europe (Paris), 53 g/kWh (Electricity Maps 2023, lifecycle), PUE 1.14" in said
    assert "CO2e per epoch" in said and max(map(len, said.splitlines())) <= 79


def test_nowhere_is_the_worlds_mean_and_says_so(ecocode, home, tmp_path):
    impact, said = measure(ecocode, home, tmp_path, command=[sys.executable, "-c", "sum(range(60_000_000))"])
    assert impact["factors"]["location"] == {"code": "WORLD", "name": "World", "source": "default"}
    assert impact["factors"]["is_world_mean"] and impact["factors"]["pue_source"] is None
    assert impact["market_based"] is impact["embodied"] is impact["sci"] is impact["by_hour"] is None
    assert "World's mean, 473 g/kWh (Ember 2024, lifecycle)" in " ".join(said.split())
    assert "--location FR" in said and "water" not in said


def test_own_intensity_has_no_uncertainty_of_a_table(ecocode, home, tmp_path):
    impact, _ = measure(ecocode, home, tmp_path, "--carbon-intensity", "56g/kWh", "--location", "FR")
    factors = impact["factors"]
    assert (factors["method"], factors["intensity_g_per_kwh"], factors["intensity_spread_ratio"]) == ("given", 56, 0)
    assert factors["scope"] is None and factors["location"]["code"] == "FR" and not factors["is_world_mean"]


def test_location_comes_from_the_environment_or_a_configuration(ecocode, home, tmp_path):
    impact, _ = measure(ecocode, {**home, "ECOCODE_LOCATION": "us-ca", "ECOCODE_PRICE": "0.3USD"}, tmp_path)
    assert impact["factors"]["location"] == {"code": "US-CA", "name": "California", "source": "environment"}
    assert impact["factors"]["scope"] == "direct" and impact["factors"]["currency"] == "USD"
    if "configuration files: yes" not in call(ecocode, home, "version").stdout:
        pytest.skip("built without configuration files")
    folder = tmp_path / "home" / "config" / "ecocode"
    folder.mkdir(parents=True)
    (folder / "ecocode.conf").write_text("location = Germany\n")
    impact, _ = measure(ecocode, home, tmp_path)
    assert impact["factors"]["location"] == {"code": "DE", "name": "Germany", "source": "configuration"}
    assert "location = Germany" in call(ecocode, home, "config").stdout
    (folder / "ecocode.conf").write_text("location = Germny\n")
    done = call(ecocode, home, "run", "true")
    assert done.returncode == 125
    assert "ecocode.conf:1" in one_line(done.stderr) and "DE, Germany" in done.stderr


def test_a_reserved_part_is_what_sci_counts(ecocode, home, tmp_path):
    """Pinned to one CPU of several, a quarter of the machine is not the job's."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2 or len(cpus) != os.cpu_count():
        pytest.skip("needs two CPUs or more, all of them usable")
    code = f"import os; os.sched_setaffinity(0, [{cpus[0]}]); os.execv({ecocode!r}, {[ecocode, 'run', '-q', '-o', str(tmp_path / 'r.json'), '--embodied', 'laptop', *BUSY]!r})"
    done = call(sys.executable, home, "-c", code)
    assert done.returncode == 0, done.stderr
    impact = read_json(tmp_path / "r.json")["impact"]
    assert impact["embodied"]["share_basis"] == "cpuset"
    assert near(impact["embodied"]["parts"][0]["share"], 1 / len(cpus))


def test_monitor_tells_it_too(ecocode, home, tmp_path):
    out = tmp_path / "m.jsonl"
    done = call(ecocode, home, "monitor", "-q", "-o", str(out), "--interval", "100ms", "--count", "3", "--location", "SE")
    assert done.returncode == 0, done.stderr
    report = read_lines(out)[-1]
    assert report["impact"]["factors"]["location"]["code"] == "SE"
    check_arithmetic(report)


def test_the_list_of_places(ecocode, home):
    done = call(ecocode, home, "run", "--location", "list")
    assert done.returncode == 0 and done.stderr == ""
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert "lifecycle" in rows["FR"] and "44.2" in rows["FR"] and "Ember" in rows["FR"]
    assert "direct" in rows["egrid:CAMX"] and "1.14" in rows["aws:eu-west-3"]
    assert "world's mean" in rows["CF"] and "472.9" in rows["CF"]
    done = call(ecocode, {**home, "ECOCODE_LOCATION": "list"}, "run", "true")
    assert done.returncode == 125 and "command line" in one_line(done.stderr)


BAD = [
    (["--location", "Frnace"], "the nearest is FR, France"),
    (["--location", "eu-west-3"], "the nearest is aws:eu-west-3"),
    (["--location", "x\x1b[2J"], "--location list"),
    (["--location", ""], "a country (FR)"),
    (["--carbon-intensity", "56kg"], "grams of CO2e per kWh"),
    (["--carbon-intensity", "-1"], "grams of CO2e per kWh"),
    (["--pue", "0.5"], "from 1 to 5"),
    (["--wue", "1kg/kWh"], "litres of water per kWh"),
    (["--price", "0.25"], "with its currency"),
    (["--price", "0.25EUR/h"], "with its currency"),
    (["--price-hour", "4.1USD/kWh"], "a price per h"),
    (["--embodied", "180"], "with its unit"),
    (["--lifetime", "4"], "a time in years"),
    (["--wall-factor", "85"], "watts and a factor"),
    (["--per", "=3"], "a unit of work"),
]


@pytest.mark.parametrize("words,part", BAD, ids=[" ".join(map(ascii, w)) for w, _ in BAD])
def test_bad_input_is_one_line_and_nothing_ran(ecocode, home, tmp_path, words, part):
    done = call(ecocode, home, "run", *words, "touch", "ran", cwd=tmp_path)
    assert done.returncode == 125, done
    assert part in one_line(done.stderr), done.stderr
    assert not (tmp_path / "ran").exists()


def test_no_network_and_no_guess(ecocode, home, tmp_path):
    """Nothing of what is reckoned may come from elsewhere: not one socket to the network is made."""
    import shutil
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    log = tmp_path / "calls"
    done = call("strace", home, "-f", "-e", "trace=socket,connect", "-o", str(log), ecocode, "run", "-q", "-o",
                str(tmp_path / "r.json"), "--location", "FR", "true")
    if done.returncode != 0 and "ptrace" in done.stderr:
        pytest.skip("no tracing here")
    assert "AF_INET" not in log.read_text()
    assert json.loads((tmp_path / "r.json").read_text())["schema"] == "ecocode.run/1"
