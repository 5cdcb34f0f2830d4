# SPDX-License-Identifier: MIT
"""What the benchmarks share: other processes' clocks and peaks, sleeping processes, peers, a fake package."""
import contextlib
import fcntl
import http.client
import os
import pathlib
import pty
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
NOBODY = 65534


def cpu_s(pid):
    """CPU time of another process, exact to the ns: its process clock (see clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


def peak_rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None


def forks_since_boot():
    with open("/proc/stat") as stat:
        return next(int(line.split()[1]) for line in stat if line.startswith("processes "))


def unprivileged(argv):
    """The same command as a user that may nothing; unchanged where we are one already."""
    if os.geteuid() != 0:
        return argv
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--", *argv]


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cost_ms_per_s(pids, warm_s, window_s):
    """CPU milliseconds per second of each process in one common window."""
    time.sleep(warm_s)
    before, started = [cpu_s(pid) for pid in pids], time.monotonic()
    time.sleep(window_s)
    took = time.monotonic() - started
    return [1000 * (cpu_s(pid) - b) / took for pid, b in zip(pids, before)]


class Tools:
    """Copies of what is run, where an unprivileged user can reach it, and folders for its state."""

    def __init__(self, binary, folder):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        self.source = binary
        self.ecocode = shutil.copy2(binary, self.folder / "ecocode")
        os.chmod(self.ecocode, 0o755)
        for library in pathlib.Path(binary).resolve().parent.glob("libecocode.so*"):
            if library.is_file():
                shutil.copy2(library, self.folder / library.name)
        self.sleepers = self.compile("sleepers")
        self.wakeup = self.compile("wakeup")
        build = pathlib.Path(binary).resolve().parent
        self.sample = self.compile("sample", f"-I{HERE.parent / 'include'}", f"-L{build}", "-lecocode")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("ECOCODE_")}
        self.env["LD_LIBRARY_PATH"] = str(self.folder)
        for key in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "HOME"):
            path = self.folder / key.lower()
            path.mkdir()
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
            path.chmod(0o700)
            self.env[key] = str(path)


    def compile(self, name, *options):
        program = self.folder / name
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, HERE / f"{name}.c", *options], check=True)
        program.chmod(0o755)
        return program


def loads_library(tools):
    """The loads of the end-to-end tests, which the same program is to measure."""
    os.environ["ECOCODE_BIN"] = str(tools.ecocode)
    os.environ.setdefault("ECO_SIM_DIR", str(pathlib.Path(tools.source).resolve().parent / "tests" / "sim"))
    sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))
    import lib_caught  # pylint: disable=import-outside-toplevel

    return lib_caught


@contextlib.contextmanager
def floor(tools, interval_ms=1000):
    """A program that only wakes up: what no sampler can be cheaper than. Yields its pid."""
    process = subprocess.Popen(unprivileged([str(tools.wakeup), str(interval_ms)]))
    try:
        yield process.pid
    finally:
        end(process)


def own_children(pid, name):
    """The other processes that a program consists of: its children but those of that name."""
    found = []
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() != name:
                found.append(int(child))
    return found


@contextlib.contextmanager
def sleeping(tools, count, forks_per_s=0):
    process = subprocess.Popen([tools.sleepers, str(count), str(forks_per_s)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"cannot have {count} sleeping processes")
        yield
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
        while count and len(os.listdir("/proc")) > count:
            time.sleep(0.05)  # until the kernel has taken them away


@contextlib.contextmanager
def monitor(tools, *options):
    """`ecocode monitor` of the whole machine at 1 Hz, as an unprivileged user, its CSV thrown away."""
    with open(os.devnull, "w") as null:
        process = subprocess.Popen(unprivileged([str(tools.ecocode), "monitor", "--interval", "1s", *options]),
                                   env=tools.env, stdin=subprocess.DEVNULL, stdout=null, stderr=subprocess.PIPE)
        try:
            time.sleep(0.3)
            if process.poll() is not None:
                raise RuntimeError(f"monitor ended: {process.stderr.read().decode().strip()}")
            yield process.pid
        finally:
            end(process)
            process.stderr.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scrape(port, stop):
    next_s = time.monotonic()
    while not stop.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            connection.close()
        next_s += 1
        stop.wait(max(0, next_s - time.monotonic()))


@contextlib.contextmanager
def node_exporter(*options):
    """Scraped at 1 Hz over loopback. Yields its pid, or None where it is not installed."""
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        yield None
        return
    port, stop = free_port(), threading.Event()
    process = subprocess.Popen(unprivileged([program, f"--web.listen-address=127.0.0.1:{port}", *options]),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    thread = threading.Thread(target=scrape, args=(port, stop))
    thread.start()
    try:
        yield process.pid
    finally:
        stop.set()
        thread.join()
        end(process)


def drain(descriptor):
    with contextlib.suppress(OSError):
        while os.read(descriptor, 65536):
            pass


@contextlib.contextmanager
def htop():
    """`htop -d 10` (once a second) on a terminal of 50 x 160. Yields its pid, or None."""
    program = shutil.which("htop")
    if program is None:
        yield None
        return
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    process = subprocess.Popen(unprivileged([program, "-d", "10"]), stdin=theirs, stdout=theirs, stderr=theirs,
                               env={"TERM": "xterm-256color", "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
                               start_new_session=True)
    os.close(theirs)
    thread = threading.Thread(target=drain, args=(ours,))
    thread.start()
    try:
        yield process.pid
    finally:
        end(process)
        thread.join()
        os.close(ours)


def wall_ms(argv, env):
    started = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, env)
    _, status, _ = os.wait4(pid, 0)
    took = 1000 * (time.perf_counter() - started)
    if status != 0:
        raise RuntimeError(f"{argv}: status {status}")
    return took


def interleaved_ms(commands, env, rounds, choose=statistics.median):
    """Median (or another choice) of the wall times of each command, one after another in every round, so that drift hits all alike."""
    times = {name: [] for name in commands}
    for number in range(rounds + 3):
        for name, argv in commands.items():
            took = wall_ms(argv, env)
            if number >= 3:
                times[name].append(took)
    return {name: choose(values) for name, values in times.items()}


@contextlib.contextmanager
def fake_package(folder, power_w=40.0):
    """A sysfs with one powercap package whose counter a thread moves every 2 ms."""
    root = pathlib.Path(folder) / "sys"
    zone = root / "devices/virtual/powercap/intel-rapl/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in (("name", "package-0"), ("max_energy_range_uj", "262143328850"), ("enabled", "1"),
                       ("constraint_0_max_power_uw", "150000000"), ("energy_uj", "000000000000")):
        (zone / name).write_text(text + "\n")
    (root / "class/powercap").mkdir(parents=True)
    for name, target in (("intel-rapl", "intel-rapl"), ("intel-rapl:0", "intel-rapl/intel-rapl:0")):
        (root / "class/powercap" / name).symlink_to(f"../../devices/virtual/powercap/{target}")
    shutil.copytree("/sys/devices/system/cpu", root / "devices/system/cpu", symlinks=True, dirs_exist_ok=True,
                    ignore=lambda at, names: [n for n in names if not (
                        n in ("online", "possible", "present", "topology") or n.startswith("cpu")
                        and n[3:].isdigit() or pathlib.Path(at).name == "topology")])
    (root / "fs").mkdir()
    (root / "fs/cgroup").symlink_to("/sys/fs/cgroup")
    stop = threading.Event()

    def count():
        counter = os.open(zone / "energy_uj", os.O_WRONLY)
        started = time.monotonic()
        while not stop.wait(0.002):
            os.pwrite(counter, b"%012d" % int((time.monotonic() - started) * power_w * 1e6), 0)
        os.close(counter)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield root
    finally:
        stop.set()
        thread.join()
