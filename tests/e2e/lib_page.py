# SPDX-License-Identifier: MIT
"""Pages that `ecocode report` writes, read as a browser would, and records made for them."""
import base64
import hashlib
import html.parser
import json
import re

# Whatever names processes have, a page consists of these.
ELEMENTS = set("""html head meta title style body main article section header footer h1 h2 h3 p div span b small em bdi ul li
table thead tbody tr th td figure figcaption svg g rect path line text script""".split())
VOID = {"meta"}
SVG_TITLE = "title"


class Page(html.parser.HTMLParser):
    """The elements, texts and scripts of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.source, self.elements, self.stack, self.texts = text, [], [], []
        self.styles, self.scripts, self.data, self.rows = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.stack, self.stack

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1] == tag, f"</{tag}> in {self.stack}"
        self.stack.pop()

    def handle_data(self, data):
        inside = self.stack[-1] if self.stack else ""
        if inside == "style":
            self.styles.append(data)
        elif inside == "script":
            is_data = self.elements[-1][1].get("type") == "application/json"
            (self.data if is_data else self.scripts).append(data)
        else:
            self.texts.append(data)
            if set(self.stack) & {"td", "th"} and "svg" not in self.stack:
                self.rows[-1][-1] += data

    @property
    def text(self):
        return "".join(self.texts)

    def json(self):
        return json.loads("".join(self.data))


def digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def check_page(text):
    """What holds for every page: whole in itself, one policy that fits, nothing but our own elements."""
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= ELEMENTS, {tag for tag, _ in page.elements} - ELEMENTS
    for tag, attributes in page.elements:
        bad = [name for name in attributes if name.startswith("on") or name in ("style", "src", "href", "srcdoc", "action")]
        assert not bad, (tag, attributes)
    policy = [a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policy) == 1 and "default-src 'none'" in policy[0] and "unsafe" not in policy[0]
    assert len(page.scripts) == 1 and len(page.styles) == 1
    assert f"style-src '{digest(page.styles[0])}'; script-src '{digest(page.scripts[0])}';" in policy[0]
    assert not re.search(r"url\(|@import|//[a-z]", page.styles[0]) and "http" not in page.scripts[0]
    assert not re.search("[\u2028\u2029\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", text)
    assert page.json()["schema"] == "ecocode.page/1"
    return page


def report_of(frames, processes, **members):
    """A report of one package as `run` writes it; energies are those of the rows."""
    job_j = sum(row["energy_j"] for row in processes)
    machine_j = job_j + 30.0
    sums = {"job_j": job_j, "others_j": 10.0, "idle_j": 20.0, "unattributed_j": 0, "machine_j": machine_j}
    uncertainty = {"level": 0.95, "job_low_j": job_j * 0.95, "job_high_j": job_j * 1.05, "random_ratio": 0.01,
                   "components_j": {"sensor": job_j * 0.05, "timing": 0, "idle": 0, "attribution": 0, "unattributed": 0}}
    report = {
        "schema": "ecocode.run/1", "type": "end", "ecocode_version": "0.1.0", "model_version": 1, "run_id": "a" * 32,
        "parent_run_id": None, "boot_id": "", "command": ["job"], "cwd": "/", "labels": {},
        "started_at": "2026-11-22T10:00:00.000Z", "duration_s": float(frames or 1), "suspended_s": 0,
        "exit": {"code": 0, "signal": None},
        "host": {"hostname": "node", "cpu_model": "CPU", "logical_cpus": 8, "sockets": 1, "memory_bytes": 1 << 34,
                 "kernel": "6.1", "virtualization": None, "cpu_quota": None},
        "policy": "active", "accounting": "proc", "caught_ratio": 1, "interval_s": 1,
        "boundary": {"included": ["cpu"], "excluded": ["mainboard", "disks"]},
        "idle_basis": {"method": "learnt", "power_w": {"package-0": 20}, "at": None},
        "energy": {**sums, "self_j": 0, "by_policy_j": {"active": job_j, "full": job_j * 1.5}, "mean_power_w": 1,
                   "peak_power_w": None, "quality": "measured", "quality_j": {"measured": job_j, "derived": 0, "estimated": 0},
                   "uncertainty": uncertainty, "job_marginal_j": None, "job_alone_j": None},
        "domains": [{"name": "package-0", "kind": "cpu", "counted": True, "within": None,
                     "sources": [{"source": "powercap", "quality": "measured", "seconds": float(frames or 1)}],
                     "quality": "measured", "uncertainty": uncertainty, **sums, "mean_power_w": 1, "peak_power_w": None,
                     "gap_s": 0, "device": None}],
        "usage": {"cpu_s": 1, "cpu_user_s": 1, "cpu_system_s": 0, "max_rss_bytes": 1 << 20, "process_count": len(processes)},
        "processes": processes, "groups": {}, "impact": None, "self": {"cpu_s": 0.01, "max_rss_bytes": 1 << 20},
        "warnings": []}
    report.update(members)
    return report


def process(pid, ppid, energy_j, name="worker", **members):
    return {"pid": pid, "ppid": ppid, "name": name, "role": None, "cmdline": None, "count": 1, "cpu_s": energy_j / 10,
            "max_rss_bytes": 1 << 20, "gpu_busy_s": None, "energy_j": energy_j, **members}


def frame(seq, job_j, machine_j):
    return {"schema": "ecocode.frame/1", "type": "frame", "seq": seq, "t_s": float(seq), "interval_s": 1.0,
            "domains": [{"name": "package-0", "counted": True, "job_j": job_j, "others_j": 0, "idle_j": machine_j - job_j,
                         "unattributed_j": 0, "machine_j": machine_j, "quality": "measured", "span_s": 1.0, "gap_s": 0}],
            "total": {"job_j": job_j, "machine_j": machine_j}, "processes": [],
            "cumulative": {"job_j": job_j * seq, "machine_j": machine_j * seq, "duration_s": float(seq)}}


def write_record(path, frames, report):
    """A record: its first line, `frames` intervals of the same energy, its report."""
    job_j, machine_j = report["energy"]["job_j"] / frames, report["energy"]["machine_j"] / frames
    begin = {"schema": "ecocode.frame/1", "type": "begin", "ecocode_version": "0.1.0", "run_id": report["run_id"],
             "command": report["command"], "started_at": report["started_at"], "interval_s": 1, "policy": "active"}
    with open(path, "w") as file:
        file.write(json.dumps(begin) + "\n")
        for seq in range(1, frames + 1):
            file.write(json.dumps(frame(seq, job_j, machine_j)) + "\n")
        file.write(json.dumps(report) + "\n")
    return path
