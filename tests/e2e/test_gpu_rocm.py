# SPDX-License-Identifier: MIT
"""AMD's library as a second source, through the whole program: the double of it, the real one over a mounted tree, and
the real one on a machine without a card. The program is given a tree that has no power file; the library's has them."""
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import threading
import time

import pytest

import lib_ecocode

SENSORD = pathlib.Path(lib_ecocode.binary()).parent / "ecocode-sensord"
_SIM = os.environ.get("ECO_SIM_DIR")
_NVML = os.environ.get("ECO_NVML_DIR")
DOUBLE = ((pathlib.Path(_NVML).parent if _NVML else pathlib.Path(_SIM).parent / "doubles" if _SIM
           else lib_ecocode.ROOT / "build" / "tests" / "doubles") / "rocm")
CARD = "sys/devices/pci0000:00/0000:c1:00.0"
SECONDS = 1.5


def has_real():
    return any(pathlib.Path(folder, "librocm_smi64.so.1").exists()
               for folder in ("/usr/lib", "/lib", "/usr/lib/x86_64-linux-gnu", "/opt/rocm/lib"))


def unpacked(folder):
    sys.path.insert(0, str(lib_ecocode.ROOT / "tools"))
    import tree_pack
    text = (lib_ecocode.ROOT / "tests" / "fixtures" / "gpu" / "amd_mi300.tree").read_text()
    tree_pack.unpack(text, str(folder / "whole"))
    tree_pack.unpack(text, str(folder / "bare"))
    for name in ("gpu_metrics", "hwmon/hwmon5/power1_input"):
        (folder / "bare" / CARD / name).unlink()
    return folder


def for_the_real_one(folder):
    """What release 5.2.3 wants to find besides, before it says that there is a card; and no metrics that are newer than it."""
    whole, card = folder / "whole", folder / "whole" / CARD
    (card / "gpu_metrics").unlink()
    shutil.copy(card / "hwmon/hwmon5/power1_input", card / "hwmon/hwmon5/power1_average")
    for name, text in {"vbios_version": "113-X", "hwmon/hwmon5/temp1_label": "edge", "hwmon/hwmon5/in0_label": "vddgfx"}.items():
        (card / name).write_text(f"{text}\n")
    (card / "drm/card0").mkdir(parents=True)
    (card / "drm/card0/device").symlink_to("../../../0000:c1:00.0")
    shutil.rmtree(whole / "sys/class/drm/card1")
    (whole / "sys/class/drm/card0").symlink_to(f"../../{CARD.removeprefix('sys/')}/drm/card0")
    for node, minor in ((0, 0), (1, 128)):
        place = whole / f"sys/class/kfd/kfd/topology/nodes/{node}"
        with open(place / "properties", "a") as file:
            file.write(f"hive_id 0\ndrm_render_minor {minor}\narray_count 32\ncu_per_simd_array 10\nsimd_arrays_per_engine 1\n")
        (place / "name").write_text("card\n" if minor else "\n")
        (place / "io_links").mkdir()
    return folder


class Run:
    def __init__(self, folder, env=(), before=()):
        self.folder = folder
        self.env = {**lib_ecocode.clean_environment(folder / "home"), "ECOCODE_SENSORD": str(SENSORD), **dict(env)}
        self.told = None
        self.process = subprocess.Popen(
            [*before, lib_ecocode.binary(), "run", "-q", "-o", folder / "o.json", "--path.sysfs", folder / "bare/sys",
             "--", "sleep", str(SECONDS)], env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @property
    def error(self):
        if self.told is None:
            self.told = self.process.communicate(timeout=30)[1]
        return self.told

    @property
    def report(self):
        assert self.error is not None and self.process.returncode == 0, self.error
        report = lib_ecocode.read_json(self.folder / "o.json")
        lib_ecocode.check_report(report)
        return report

    def card(self):
        return next((d for d in self.report["domains"] if d["kind"] == "gpu"), None)


def watts(card):
    return card["machine_j"] / sum(s["seconds"] for s in card["sources"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    if not SENSORD.exists():
        pytest.skip(f"{SENSORD} is not built")
    started, over = {}, threading.Event()

    def start(key, prepare=lambda folder: folder, **options):
        folder = prepare(unpacked(tmp_path_factory.mktemp(key)))
        env = {name: str(value).replace("TREE", str(folder)) for name, value in options.pop("env", {}).items()}
        started[key] = Run(folder, env=env, before=[str(word).replace("TREE", str(folder)) for word in options.pop("before", ())])

    def drive(path, begin_s):
        """The counter of 200 W, in units of 15.259 uJ behind 24 bytes."""
        while not over.wait(0.01):
            with open(path, "r+b") as file:
                file.seek(24)
                file.write(struct.pack("<Q", int(1e9 + (time.monotonic() - begin_s) * 200 / 15.259e-6)))

    def without_counter(folder):
        (folder / "whole" / CARD / "gpu_metrics").unlink()
        return folder

    threads = []
    if (DOUBLE / "librocm_smi64.so.7").exists():
        double = {"LD_LIBRARY_PATH": DOUBLE, "ECO_ROCM_TREE": "TREE/whole/sys"}
        start("counter", env=double)
        threads.append(threading.Thread(target=drive, args=(started["counter"].folder / "whole" / CARD / "gpu_metrics", time.monotonic())))
        threads[0].start()
        start("power", without_counter, env=double)
        start("crashes", env={**double, "ECO_ROCM_FAULT": "energy"})
        start("none", env={"LD_LIBRARY_PATH": DOUBLE})
    if has_real():
        start("real_none")
        start("real", for_the_real_one, before=["unshare", "-m", "sh", "-c", 'mount --bind TREE/whole/sys /sys && '
                                                'mount -t tmpfs none /dev/shm && exec "$@"', "sh"])
    yield started
    for run in started.values():
        assert run.error is not None
    over.set()
    for thread in threads:
        thread.join()


def run_or_skip(runs, name):
    if name not in runs:
        pytest.skip("the library is not here")
    return runs[name]


@pytest.mark.parametrize("name, power_w, quality", [("counter", 200, "measured"), ("power", 130, "derived")])
def test_what_the_library_tells(runs, name, power_w, quality):
    card = run_or_skip(runs, name).card()
    assert card["name"] == "gpu-amd0" and card["quality"] == quality
    assert [s["source"] for s in card["sources"]] == ["rocm"]
    print(watts(card))
    assert watts(card) == pytest.approx(power_w, rel=0.05 if name == "counter" else 0.02)
    assert card["device"]["temperature_max_celsius"] == 41 and card["device"]["memory_bytes"] == 206141652992


def test_a_library_that_aborts_is_told_and_stops_nothing(runs):
    run = run_or_skip(runs, "crashes")
    assert run.card() is None
    assert any("rocm" in w and "crashed" in w for w in run.report["warnings"]), run.report["warnings"]
    assert run.report["duration_s"] < SECONDS + 1


@pytest.mark.parametrize("name", ["none", "real_none"])
def test_no_card_for_the_library_is_no_news(runs, name):
    run = run_or_skip(runs, name)
    assert run.card() is None
    assert not any("rocm" in w for w in run.report["warnings"]), run.report["warnings"]


def test_the_real_library_over_a_tree(runs):
    """AMD's own release reads the fixture as the kernel's files are read: somebody else's code says the same."""
    run = run_or_skip(runs, "real")
    if "mount" in run.error or "unshare" in run.error:
        pytest.skip(f"no mounts here: {run.error.strip()}")
    card = run.card()
    assert [s["source"] for s in card["sources"]] == ["rocm"]
    assert watts(card) == pytest.approx(130, rel=0.02)
    device = card["device"]
    assert device["pci"] == "0000:c1:00.0" and device["uuid"] == "aabbccdd00112233"
    assert device["temperature_max_celsius"] == 41 and device["memory_bytes"] == 206141652992
    assert device["memory_peak_bytes"] == 68719476736 and device["utilization_mean_ratio"] == pytest.approx(1, abs=0.15)
