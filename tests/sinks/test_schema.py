# SPDX-License-Identifier: MIT
"""What the outputs write, read back by other programs' eyes: json, csv and the installed JSON Schemas.

ECO_WRITE_SAMPLES names the program that writes every sample in every format into a directory,
ECO_SCHEMA_DIR the directory of the schemas.
"""
import csv
import io
import json
import math
import os
import pathlib
import subprocess

import jsonschema
import pytest

SAMPLES = ["server", "laptop", "vm", "sleep", "true", "idle_unknown", "gap", "hostile", "mixed", "monitor", "tree",
           "equal", "gpu"]

# The contract: every key, in this order.
RUN_KEYS = """schema ecocode_version model_version run_id parent_run_id rank boot_id command cwd labels started_at
duration_s suspended_s exit host policy accounting caught_ratio interval_s boundary idle_basis energy domains usage
processes groups phases progress prediction budgets findings impact self warnings""".split()
HOST_KEYS = """hostname cpu_model logical_cpus sockets memory_bytes kernel virtualization cpu_quota cpuset container
pod slurm_job cgroup""".split()
ENERGY_KEYS = """job_j others_j idle_j unattributed_j machine_j self_j by_policy_j mean_power_w peak_power_w quality
quality_j uncertainty job_marginal_j job_alone_j""".split()
DOMAIN_KEYS = """name kind counted within sources quality uncertainty job_j others_j idle_j unattributed_j machine_j
mean_power_w peak_power_w gap_s still_s device""".split()
PROCESS_KEYS = """pid ppid uid user container pod slurm_job slurm_step slurm_task unit name role cmdline
start_offset_s end_offset_s count cpu_s max_rss_bytes gpu_busy_s
gpu_memory_max_bytes energy_j by_domain""".split()
PARTS = ("job_j", "others_j", "idle_j", "unattributed_j")


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("samples")
    subprocess.run([os.environ["ECO_WRITE_SAMPLES"], str(directory)], check=True)
    return directory


def schema(name):
    path = pathlib.Path(os.environ["ECO_SCHEMA_DIR"]) / f"ecocode.{name}.1.json"
    loaded = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)


def strict(text):
    """JSON without NaN, Infinity or a key twice."""
    def refuse(constant):
        raise ValueError(constant)

    def unique(pairs):
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)
    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def read_report(written, sample):
    return strict((written / f"{sample}.json").read_bytes().decode("utf-8"))


@pytest.mark.parametrize("sample", SAMPLES)
def test_report_is_valid(written, sample):
    report = read_report(written, sample)
    schema("run").validate(report)
    assert list(report) == RUN_KEYS
    assert list(report["host"]) == HOST_KEYS
    assert list(report["energy"]) == ENERGY_KEYS
    assert list(report["energy"]["uncertainty"]) == ["level", "job_low_j", "job_high_j", "random_ratio", "components_j"]
    for domain in report["domains"]:
        assert list(domain) == DOMAIN_KEYS
    for process in report["processes"]:
        assert list(process) == PROCESS_KEYS


@pytest.mark.parametrize("sample", SAMPLES)
def test_report_adds_up(written, sample):
    report = read_report(written, sample)
    energy = report["energy"]
    assert near(sum(energy[part] for part in PARTS), energy["machine_j"])
    known = [domain for domain in report["domains"] if domain["machine_j"] is not None]
    for domain in known:
        assert near(sum(domain[part] for part in PARTS), domain["machine_j"])
    counted = [domain for domain in known if domain["counted"]]
    for key in PARTS + ("machine_j",):
        assert near(sum(domain[key] for domain in counted), energy[key])
    assert near(sum(process["energy_j"] for process in report["processes"]), energy["job_j"])
    for process in report["processes"]:
        assert near(sum(joules for joules in process["by_domain"].values() if joules is not None), process["energy_j"])
        assert set(process["by_domain"]) == {domain["name"] for domain in report["domains"] if domain["counted"]}
    assert near(energy["by_policy_j"][report["policy"]], energy["job_j"])


def test_unknown_is_null(written):
    report = read_report(written, "idle_unknown")
    assert report["policy"] == "full"
    assert report["energy"]["by_policy_j"]["active"] is None
    assert report["energy"]["peak_power_w"] is None
    assert report["idle_basis"]["power_w"] == {}
    assert report["usage"]["cpu_user_s"] is None
    lost = read_report(written, "equal")["domains"][-1]
    assert lost["machine_j"] is None and lost["job_j"] is None and lost["uncertainty"]["job_low_j"] is None
    assert read_report(written, "equal")["processes"][0]["by_domain"]["dram-1"] is None
    nothing = read_report(written, "nothing")
    schema("run").validate(nothing)
    assert nothing["energy"]["job_j"] is None and nothing["energy"]["quality"] is None
    assert nothing["processes"][0]["energy_j"] is None and nothing["boundary"]["included"] == []
    assert read_report(written, "gap")["exit"] == {"code": None, "signal": 9}
    assert read_report(written, "monitor")["command"] is None


DEVICE_KEYS = """vendor name uuid pci memory_bytes driver utilization_mean_ratio power_max_w power_limit_w
memory_peak_bytes temperature_max_celsius throttled_s divided_by""".split()


def test_graphics_cards(written):
    report = read_report(written, "gpu")
    package, first, second = report["domains"]
    assert package["device"] is None
    assert list(first["device"]) == list(second["device"]) == DEVICE_KEYS
    assert first["device"] == {
        "vendor": "nvidia", "name": "NVIDIA H100 80GB HBM3", "uuid": "GPU-3f2a0000-0000-0000-0000-000000000000",
        "pci": "0000:18:00.0", "memory_bytes": 80 << 30, "driver": "550.54.14", "utilization_mean_ratio": 0.634,
        "power_max_w": 561.2, "power_limit_w": 700, "memory_peak_bytes": 13 << 30, "temperature_max_celsius": 71, "throttled_s": 12.3,
        "divided_by": "watts"}
    unknown = {key for key, value in second["device"].items() if value is None}
    assert unknown == set(DEVICE_KEYS) - {"vendor", "name", "divided_by"}
    assert second["device"]["divided_by"] == "slices"
    assert report["processes"][0]["gpu_busy_s"] == 412.7 and report["processes"][0]["gpu_memory_max_bytes"] == 12 << 30
    assert report["processes"][1]["gpu_busy_s"] is None and report["processes"][1]["gpu_memory_max_bytes"] is None
    assert "gpu" in report["boundary"]["included"] and "gpu" not in report["boundary"]["excluded"]
    # the driver's own start-up is told once, not as a gap too
    assert [w for w in report["warnings"] if "gpu-amd0" in w] == report["warnings"]


FACTOR_KEYS = """location pue pue_source pue_year intensity_g_per_kwh intensity_source intensity_year
intensity_spread_ratio is_world_mean method resolution scope water_l_per_kwh water_on_site_l_per_kwh
water_on_site_source water_on_site_year water_off_site_l_per_kwh water_off_site_low_l_per_kwh
water_off_site_high_l_per_kwh water_off_site_source water_off_site_year price_per_kwh currency live wall_factor""".split()


def test_impact(written):
    report = read_report(written, "server")
    impact = report["impact"]
    assert list(impact) == """boundary is_lower_bound factors by_policy market_based by_hour embodied sci prediction
equivalents""".split()
    assert list(impact["factors"]) == FACTOR_KEYS
    assert impact["factors"]["location"] == {"code": "FR", "name": "France", "source": "option"}
    factors = impact["factors"]
    for policy, joules in report["energy"]["by_policy_j"].items():
        row = impact["by_policy"][policy]
        assert near(row["energy_it_kwh"], joules / 3.6e6)
        assert near(row["co2e_g"], joules / 3.6e6 * factors["pue"] * factors["intensity_g_per_kwh"])
        assert near(row["cost"], row["energy_facility_kwh"] * factors["price_per_kwh"])
        assert row["co2e_low_g"] < row["co2e_g"] < row["co2e_high_g"]
    assert impact["by_hour"]["gpu_cost"] is None and impact["by_hour"]["gpu_currency"] is None
    assert impact["sci"]["unit"] == "epoch" and impact["embodied"]["parts"][0]["name"] == "machine"
    assert impact["equivalents"][0]["text"] == "13 m by car"

    nowhere = read_report(written, "vm")["impact"]
    assert nowhere["factors"]["location"]["source"] == "default" and nowhere["factors"]["is_world_mean"]
    assert list(nowhere["factors"]) == FACTOR_KEYS
    for key in ("market_based", "by_hour", "embodied", "sci", "prediction"):
        assert nowhere[key] is None
    for key in ("pue_source", "price_per_kwh", "currency", "wall_factor", "water_on_site_l_per_kwh"):
        assert nowhere["factors"][key] is None
    assert nowhere["factors"]["pue"] == 1 and nowhere["by_policy"]["full"]["cost"] is None
    assert nowhere["equivalents"] == []
    assert read_report(written, "laptop")["impact"] is None


def test_boundary(written):
    assert read_report(written, "server")["boundary"] == {
        "included": ["cpu", "dram"],
        "excluded": ["gpu", "mainboard", "disks", "network", "fans", "power_supply_loss"]}
    assert read_report(written, "vm")["boundary"]["excluded"][0] == "dram"


def test_hostile_names(written):
    report = read_report(written, "hostile")
    assert report["command"][0] == './\x1b]0;owned\x07evil\n"x"'
    assert report["command"][1] == "\ufffd\ufffd"
    assert report["processes"][0]["name"] == "a\nb\x1b[2J"
    assert report["processes"][1]["name"] == "[kthreadd]\t"
    assert report["processes"][0]["cmdline"] == '\x1b[31mred\x1b[0m --flag="q" \ufffd\ufffd\n[x]'
    assert report["labels"] == {"k\n": 'v\x1b"'}


@pytest.mark.parametrize("sample", ["server", "hostile"])
def test_stream(written, sample):
    raw = (written / f"{sample}.jsonl").read_bytes()
    assert raw.endswith(b"\n")
    lines = [strict(line) for line in raw.decode("utf-8").splitlines()]
    assert [line["type"] for line in lines] == ["begin"] + ["frame"] * 10 + ["end"]
    for line in lines[:-1]:
        schema("frame").validate(line)
    schema("run").validate(lines[-1])
    begin, frames, end = lines[0], lines[1:-1], lines[-1]
    assert begin["command"] == ["python3", 'a\nb\x1b"', "\ufffd\ufffd"]
    end.pop("type")
    assert end == read_report(written, sample)
    job = machine = 0
    for number, frame in enumerate(frames, 1):
        assert frame["seq"] == number and near(frame["t_s"], number) and near(frame["interval_s"], 1)
        for domain in frame["domains"]:
            if domain["machine_j"] is not None:
                assert abs(sum(domain[part] for part in PARTS) - domain["machine_j"]) <= 1e-9 * domain["machine_j"]
        total = frame["total"]
        assert abs(sum(total[part] for part in PARTS) - total["machine_j"]) <= 1e-9 * total["machine_j"]
        job, machine = job + total["job_j"], machine + total["machine_j"]
        assert abs(frame["cumulative"]["job_j"] - job) < 1e-9
        assert abs(frame["cumulative"]["machine_j"] - machine) < 1e-9
    gap = frames[4]["domains"][1]
    assert gap["machine_j"] is None and gap["job_j"] is None and gap["gap_s"] == 1
    assert frames[0]["processes"][1]["name"] == 'a\nb\x1b"'


def test_schema_refuses(written):
    """The schemas are not so loose that they accept anything."""
    report = read_report(written, "server")
    for key in RUN_KEYS:
        broken = {k: v for k, v in report.items() if k != key}
        assert list(schema("run").iter_errors(broken)), key
    report["energy"]["job_j"] = "12 J"
    assert list(schema("run").iter_errors(report))


def test_csv(written):
    text = (written / "server.csv").read_bytes().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    header = next(csv.reader([text.splitlines()[0]]))
    assert header[0] == "schema" and len(set(header)) == len(header)
    assert all(None not in row and None not in row.values() for row in rows)
    assert {row["schema"] for row in rows} == {"ecocode.csv/1"}
    assert len(rows) == 10 * 4
    assert {row["domain"] for row in rows} == {"package-0", 'dram, "the" first', "psys", "total"}
    assert not [line for line in text.splitlines() if line.startswith("#")]
    for row in rows:
        cells = [row[key] for key in PARTS + ("machine_j",)]
        if row["machine_j"] == "":
            assert row["seq"] == "5" and cells == [""] * 5 and row["gap_s"] == "1"
            continue
        *parts, machine = map(float, cells)
        assert abs(sum(parts) - machine) <= 1e-9 * machine
    for number in range(1, 11):
        if number == 5:
            continue
        interval = [row for row in rows if row["seq"] == str(number)]
        total = [row for row in interval if row["domain"] == "total"]
        counted = [row for row in interval if row["counted"] == "true"]
        assert len(total) == 1 and len(counted) == 2
        for key in PARTS + ("machine_j", "job_active_j", "job_full_j"):
            assert near(sum(float(row[key]) for row in counted), float(total[0][key]))
        assert float(total[0]["job_cpu_s"]) == pytest.approx(0.412345678)
        assert counted[0]["job_cpu_s"] == ""
