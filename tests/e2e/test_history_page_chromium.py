# SPDX-License-Identifier: MIT
"""Pages of `ecocode report` in a real browser. With ECO_KEEP_PAGES=DIR the pictures stay there to be looked at."""
import json
import math
import os
import pathlib
import struct
import zlib

import pytest

from lib_chromium import chromium_or_skip
from lib_page import check_page, process, report_of, write_record
from test_history_report import HOSTILE, report

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium_or_skip(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture
def keep(tmp_path):
    folder = pathlib.Path(os.environ.get("ECO_KEEP_PAGES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sample(tmp_path):
    """A training job with a card: three domains, workers, a gap, phases, impact."""
    frames, share = 600, {"package-0": 0.3, "dram-0": 0.08, "gpu-0": 0.62}
    rows = [process(10, 1, 90e3, "python3", cmdline="python3 train.py --epochs 20", gpu_busy_s=400.0)]
    rows += [process(11 + i, 10, 9e3 + 800 * i, "pt_data_worker", role="data worker") for i in range(4)]
    rows += [process(100 + i, 11 + i % 4, 40.0 + i, "bash", cmdline=f"bash -c 'step {i}'") for i in range(60)]
    base = report_of(frames, rows, command=["python3", "train.py", "--epochs", "20"], labels={"exp": "baseline"})
    base["phases"] = [{"name": name, "count": 1, "start_offset_s": a, "end_offset_s": b, "duration_s": b - a,
                       "energy": {"job_j": 250.0 * (b - a)}, "usage": {"cpu_s": 2.0 * (b - a)}}
                      for name, a, b in (("load", 0, 60), ("train", 60, 560), ("save", 560, 600))]
    base["findings"] = [{"text": "The GPU waited 39 % of the time while 4 workers prepared data.", "what_to_do": "Try more."}]
    base["impact"] = {
        "boundary": "components", "is_lower_bound": True,
        "factors": {"location": {"code": "FR", "name": "France", "source": "option"}, "intensity_g_per_kwh": 44.18,
                    "intensity_source": "Ember", "intensity_year": 2024, "intensity_spread_ratio": 0.25, "pue": 1.0,
                    "method": "location_average", "resolution": "annual", "scope": "lifecycle"},
        "by_policy": {"active": {"energy_it_kwh": 0.036, "energy_facility_kwh": 0.036, "co2e_g": 1.6, "co2e_low_g": 1.2,
                                 "co2e_high_g": 2.0, "water_l": 0.1, "water_low_l": 0.05, "water_high_l": 0.2, "cost": None}}}
    whole, domains = base["domains"][0], []
    for name, part in share.items():
        domain = json.loads(json.dumps(whole))
        domain.update(name=name, kind=name.split("-")[0], **{k: whole[k] * part for k in (
            "job_j", "others_j", "idle_j", "unattributed_j", "machine_j")})
        if name == "gpu-0":
            domain["device"] = {"vendor": "nvidia", "name": "NVIDIA H200", "memory_bytes": 141 << 30,
                                "utilization_mean_ratio": 0.61, "power_max_w": 612.5, "memory_peak_bytes": 40 << 30,
                                "temperature_max_celsius": 63, "throttled_s": 0, "divided_by": "time"}
            domain["sources"][0]["source"] = "nvml"
        domains.append(domain)
    base["domains"] = domains
    path = write_record(tmp_path / "sample.jsonl", frames, base)
    lines = path.read_text().splitlines()
    for i in range(1, frames + 1):
        line = json.loads(lines[i])
        known = not 300 < i < 330
        line["domains"] = [{**line["domains"][0], "name": name, "span_s": 1.0 if known else 0.0,
                            "job_j": base["energy"]["job_j"] / frames * part * (1 + 0.5 * math.sin(i / 20)) if known else None,
                            "machine_j": base["energy"]["machine_j"] / frames * part * 1.6 if known else None}
                           for name, part in share.items()]
        line["domains"][2].update(gpu_busy_ratio=0.6 + 0.4 * math.sin(i / 20), gpu_memory_bytes=int((20 + i / 30) * 2 ** 30))
        lines[i] = json.dumps(line)
    path.write_text("\n".join(lines) + "\n")
    return path


def clean(complaints, page):
    """It asked for itself alone, and the policy had nothing to refuse."""
    assert complaints["asked"] == [f"file://{page}"], complaints["asked"]
    assert complaints["said"] == [], complaints["said"]


def pixels(path):
    """Rows of RGB of a PNG, without a library of pictures."""
    data, place, body = path.read_bytes(), 8, b""
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place:place + 8])
        chunk = data[place + 8:place + 8 + size]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", chunk[:10])
        body += chunk if kind == b"IDAT" else b""
        place += 12 + size
    step = {2: 3, 6: 4}[color]
    raw, rows, before = zlib.decompress(body), [], bytearray(width * step)
    assert depth == 8
    for y in range(height):
        line = bytearray(raw[y * (width * step + 1) + 1:(y + 1) * (width * step + 1)])
        filtering = raw[y * (width * step + 1)]
        for x in range(len(line)):
            a, b = line[x - step] if x >= step else 0, before[x]
            c = before[x - step] if x >= step else 0
            near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[x] = (line[x] + (0, a, b, (a + b) // 2, near)[filtering]) & 255
        rows.append(line)
        before = line
        if y > 40:
            break  # the first rows tell the paper's colour
    return rows


@pytest.mark.parametrize("name,width,dark", [("light", 1000, False), ("dark", 1000, True), ("phone", 360, False),
                                             ("phone-dark", 360, True)])
def test_a_page_on_screens(browser, ecocode, home, tmp_path, keep, name, width, dark):
    page = tmp_path / "page.html"
    report(ecocode, home, sample(tmp_path), "-o", page)
    clean(browser.open(page, width, dark), page)
    shot = browser.screenshot(keep / f"{name}.png")
    background = sum(pixels(shot)[2][:3]) / 3
    assert background < 60 if dark else background > 230
    # nothing sticks out to the right; wide tables scroll by themselves
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    sizes = browser.evaluate("[...document.querySelectorAll('.chart text, .icicle text')].map(e => "
                             "parseFloat(getComputedStyle(e).fontSize))")
    assert len(sizes) > 20 and min(sizes) >= 11
    heights = browser.evaluate("[...document.querySelectorAll('path.s0, path.s1, path.s2')].map(e => "
                               "e.getBoundingClientRect().height)")
    assert len(heights) >= 6 and min(heights) > 3


def test_the_figures_under_the_pointer(browser, ecocode, home, tmp_path):
    page = tmp_path / "page.html"
    report(ecocode, home, sample(tmp_path), "-o", page)
    browser.open(page)
    box = browser.evaluate("(() => { const b = document.querySelector('svg.chart').getBoundingClientRect(); "
                           "return [b.x, b.y, b.width, b.height]; })()")
    browser.move(box[0] + box[2] * 0.25, box[1] + box[3] / 2)
    said = browser.evaluate("document.querySelector('.readout').textContent")
    run = check_page(page.read_text()).json()["runs"][0]["series"]
    index = next(i for i, end in enumerate(run["end_s"]) if end >= 150)
    watts = run["domains"][0]["job_w"][index]
    assert said.startswith(f"{run['end_s'][index - 1]:g} to {run['end_s'][index]:g} s: package-0 ")
    assert f"package-0 {float(f'{watts:.3g}'):g} W" in said.replace(".0 W", " W")
    browser.move(box[0] + box[2] / 2, box[1] + box[3] + 200)
    assert browser.evaluate("document.querySelector('.readout').textContent") == ""


def test_areas_are_energies(browser, ecocode, home, tmp_path):
    """What is drawn, measured by the browser's own geometry: the job's part of the picture is its energy."""
    page = tmp_path / "page.html"
    frames = 400
    path = write_record(tmp_path / "r.jsonl", frames, report_of(frames, [process(5, 1, 20000.0)]))
    report(ecocode, home, path, "-o", page)
    browser.open(page)
    top_w = browser.evaluate("Math.max(...[...document.querySelectorAll('svg.chart > text')].map(e => e.textContent)"
                             ".filter(t => t.endsWith(' W')).map(parseFloat))")
    box = browser.evaluate("(() => { const b = document.querySelector('path.s0').getBBox(); return [b.width, b.height]; })()")
    assert box[0] == pytest.approx(1000, abs=1)
    assert box[1] / 200 * top_w * frames == pytest.approx(20000, rel=0.01)


def test_hostile_names_run_nothing(browser, ecocode, home, tmp_path):
    evil = HOSTILE + ["</script><script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>",
                      "<svg><script>window.pwned=1</script></svg>", "<style>*{display:none}</style>", "<iframe srcdoc=x>"]
    rows = [process(100 + i, 1, 10.0 + i, name, cmdline=name) for i, name in enumerate(evil)]
    path = write_record(tmp_path / "r.jsonl", 20, report_of(20, rows, command=evil[:3], labels={e: e for e in evil},
                                                            warnings=evil))
    page = tmp_path / "page.html"
    report(ecocode, home, path, "-o", page)
    clean(browser.open(page), page)
    assert browser.evaluate("window.pwned") is None
    assert browser.evaluate("document.title").endswith("EcoCode")
    assert browser.evaluate("document.querySelectorAll('img, iframe, a, form, object, embed, link').length") == 0
    assert browser.evaluate("document.scripts.length") == 2 and browser.evaluate("document.styleSheets.length") == 1
    cells = browser.evaluate("[...document.querySelectorAll('td bdi')].map(e => e.textContent)")
    assert any("</script><script>window.pwned=1</script>" in cell for cell in cells)


def test_the_policy_holds_where_an_escape_would_not(browser, ecocode, home, tmp_path):
    """Break the page by hand: what gets in is refused, and the browser says so."""
    page = tmp_path / "page.html"
    report(ecocode, home, sample(tmp_path), "-o", page)
    text = page.read_text().replace("<main>", "<main><img src=http://127.0.0.1:9/x onerror=window.pwned=1>"
                                    "<script>window.pwned=1</script><p style='color:red'>x</p>")
    page.write_text(text)
    complaints = browser.open(page)
    assert browser.evaluate("window.pwned") is None
    refused = json.dumps(complaints["said"])
    assert refused.count("Content Security Policy") >= 3, refused


def test_a_page_on_paper(browser, ecocode, home, tmp_path, keep):
    page = tmp_path / "page.html"
    report(ecocode, home, sample(tmp_path), "-o", page)
    browser.open(page, dark=True)  # paper is white all the same
    pdf = browser.pdf(keep / "print.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and 1 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 6
    browser.call("Emulation.setEmulatedMedia", {"media": "print", "features": [
        {"name": "prefers-color-scheme", "value": "dark"}]})
    assert browser.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    browser.screenshot(keep / "print.png")
    browser.call("Emulation.setEmulatedMedia", {"media": ""})


def test_without_script_nothing_is_missing(browser, ecocode, home, tmp_path):
    page = tmp_path / "page.html"
    report(ecocode, home, sample(tmp_path), "-o", page)
    browser.open(page)
    with_script = browser.evaluate("document.body.innerText")
    browser.call("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(page, has_script=False)
        assert browser.evaluate("document.body.innerText") == with_script
        assert "Power over time" in with_script and browser.evaluate("document.querySelectorAll('path.s0').length") > 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", {"value": False})
