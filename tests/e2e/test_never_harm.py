# SPDX-License-Identifier: MIT
"""`ecocode run` never harms the command: it begins as it would without us, and ends as it would."""
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import pytest

HARM = pathlib.Path(__file__).resolve().parent / "harm"
PYTHON = [sys.executable, "-I", "-S"]


@pytest.fixture
def run(ecocode):
    """`ecocode run -q --` as a list to put a command behind."""
    return [ecocode, "run", "-q", "--"]


def call(argv, env, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([str(a) for a in argv], env=env, timeout=20, capture_output=True, **options)


def until(check, timeout_s=8):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


def is_alive(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


# How it ends

@pytest.mark.parametrize("code", [0, 1, 3, 122, 125, 126, 127, 255])
def test_exit_code(run, home, code):
    assert call([*run, "sh", "-c", f"exit {code}"], home).returncode == code


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGPIPE])
def test_death_by_signal(run, home, tmp_path, signo):
    result = call([*run, "sh", "-c", f"kill -{int(signo)} $$"], home, cwd=tmp_path,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20)))
    assert result.returncode == -signo
    names = [str(p) for p in tmp_path.iterdir() if "core" in p.name]
    assert len(names) <= (1 if signo == signal.SIGSEGV else 0), "a core of our own"


def test_command_not_found(run, home):
    result = call([*run, "no-such-command-here"], home)
    assert result.returncode == 127
    assert b"no-such-command-here" in result.stderr
    assert call([*run, "/nowhere/at/all"], home).returncode == 127


def test_command_not_executable(run, home, tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\nexit 0\n")
    assert call([*run, plain], home).returncode == 126
    assert call([*run, tmp_path], home).returncode == 126


def test_script_without_interpreter_line(run, home, tmp_path):
    script = tmp_path / "script"
    script.write_text("exit 9\n")
    script.chmod(0o755)
    assert call([*run, script], home).returncode == 9


def test_command_is_found_by_path(run, home, tmp_path):
    for folder, code, mode in (("a", 1, 0o644), ("b", 2, 0o755), ("c", 3, 0o755)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tool-x").write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / folder / "tool-x").chmod(mode)
    path = ":".join(str(tmp_path / f) for f in "abc") + ":" + os.environ["PATH"]
    assert call([*run, "tool-x"], {**home, "PATH": path}).returncode == 2


def test_a_million_bytes_of_arguments(run, home):
    words = ["x" * 100_000] * 10
    result = call([*run, "sh", "-c", 'echo "$#:${#1}"', "-", *words], home)
    assert result.stdout == b"10:100000\n" and result.returncode == 0


# How it begins

def close_fds(*fds):
    for fd in fds:
        os.close(fd)


def ignore_chld():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def other_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGUSR1, signal.SIGCHLD, signal.SIGRTMIN])
    for signo in (signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP, signal.SIGUSR2):
        signal.signal(signo, signal.SIG_IGN)


def no_signals():
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for signo in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(signo, signal.SIG_DFL)


def other_limits():
    os.umask(0o027)
    os.nice(3)
    resource.setrlimit(resource.RLIMIT_NOFILE, (77, 99))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 1024))
    resource.setrlimit(resource.RLIMIT_CPU, (50, 60))
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    pathlib.Path("/proc/self/oom_score_adj").write_text("7")


def open_more():
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (5, 17, 63):
        os.dup2(null, fd, inheritable=True)


BEGINNINGS = {
    "plain": lambda: None,
    "defaults": no_signals,
    "SIGCHLD ignored": ignore_chld,
    "signals blocked and ignored": other_signals,
    "limits, umask, nice, affinity": other_limits,
    "descriptors": open_more,
    "stdin closed": lambda: close_fds(0),
    "stdout closed": lambda: close_fds(1),
    "stderr closed": lambda: close_fds(2),
    "all closed": lambda: close_fds(0, 1, 2),
    "alarm": lambda: signal.alarm(100),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_begins_as_without_us(run, home, tmp_path, name):
    found = []
    for i, before in enumerate(([], run)):
        out = tmp_path / f"{i}.json"
        stdio = open(tmp_path / "stdio", "w+")
        process = subprocess.Popen([*before, *PYTHON, HARM / "probe.py", out], env=home, cwd=tmp_path, stdin=stdio,
                                   stdout=stdio, stderr=stdio, preexec_fn=BEGINNINGS[name], close_fds=False)
        stdio.close()
        assert process.wait(20) == 0, (tmp_path / "stdio").read_text()
        found.append(json.loads(out.read_text()))
    plain, ours = found
    assert ours["environment"].pop("ECOCODE_RUN")
    assert "ECOCODE_RUN" not in plain["environment"]
    assert ours.pop("group_of_parent"), "the command is in our process group"
    plain.pop("group_of_parent")
    assert ours == plain


def test_run_in_a_run(run, home):
    """One variable, the inner run's; its place among the others stays."""
    result = call([*run, "sh", "-c", 'echo $ECOCODE_RUN; exec "$@"', "-", *run, "env"], home)
    outer, *lines = result.stdout.decode().splitlines()
    inner = [line for line in lines if line.startswith("ECOCODE_RUN=")]
    assert len(inner) == 1 and inner[0] != f"ECOCODE_RUN={outer}"


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("code", [0, 3])
def test_closed_stdio_keeps_exit_code(ecocode, home, tmp_path, closed, code):
    """Not quiet: a report that has nowhere to go fails nothing, and is not written into a file of the command."""
    victim = tmp_path / "victim"
    command = [ecocode, "run", "--", "sh", "-c", f"exec 9>{victim}; echo mine >&9; exit {code}"]
    process = subprocess.Popen(command, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=lambda: close_fds(*closed))
    assert process.wait(20) == code
    assert victim.read_text() == "mine\n"


# Pipes

def test_data_passes_through(run, home):
    data = os.urandom(1 << 22)
    process = subprocess.Popen([*run, "cat"], env=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = process.communicate(data, timeout=20)
    assert hashlib.sha256(out).digest() == hashlib.sha256(data).digest()
    assert process.returncode == 0


def test_reader_goes_away(run, home):
    """`ecocode run yes | head -1`: yes dies of SIGPIPE, and so do we."""
    process = subprocess.Popen([*run, "yes"], env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=no_signals)
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()
    assert process.wait(20) == -signal.SIGPIPE
    assert process.stderr.read() == b""


def test_report_into_a_closed_pipe(ecocode, home):
    read_fd, write_fd = os.pipe()
    process = subprocess.Popen([ecocode, "run", "--", "sh", "-c", "exit 4"], env=home, stderr=write_fd,
                               preexec_fn=no_signals)
    os.close(write_fd)
    os.close(read_fd)
    assert process.wait(20) == 4


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_report_onto_a_full_disk(ecocode, home):
    with open("/dev/full", "w") as full:
        assert subprocess.run([ecocode, "run", "--", "sh", "-c", "exit 4"], env=home, stderr=full, timeout=20).returncode == 4


# Signals that someone sends

def start_logger(run, home, tmp_path, *, before=(), linger="0.15", **options):
    log = tmp_path / "log"
    process = subprocess.Popen([*map(str, before), *run, *PYTHON, HARM / "log_signals.py", log, linger], env=home,
                               stdin=subprocess.DEVNULL, **options)
    until(lambda: log.exists() and "ready" in log.read_text())
    return process, log


def logged(log):
    return log.read_text().split("\n")[1:-1]


SENT = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
        signal.SIGCONT, signal.SIGPWR]


@pytest.mark.parametrize("apart", [True, False], ids=["from elsewhere", "from our own group"])
@pytest.mark.parametrize("signo", SENT, ids=lambda s: s.name)
def test_signal_to_us_goes_on_once(run, home, tmp_path, signo, apart):
    process, log = start_logger(run, home, tmp_path, start_new_session=apart)
    process.send_signal(signo)
    assert process.wait(20) == 5
    assert logged(log) == [signo.name]


def test_signals_one_after_the_other(run, home, tmp_path):
    process, log = start_logger(run, home, tmp_path)
    for signo in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR1, signal.SIGTERM):
        process.send_signal(signo)
        time.sleep(0.06)
    assert process.wait(20) == 5
    assert logged(log) == ["SIGUSR1", "SIGUSR2", "SIGUSR1", "SIGTERM"]


def test_realtime_signal(run, home, tmp_path):
    process, log = start_logger(run, home, tmp_path, start_new_session=True)
    process.send_signal(signal.SIGRTMIN + 3)
    assert process.wait(20) == 5
    assert logged(log) == ["RT3"]


def test_winch_to_us_is_not_passed_on(run, home, tmp_path):
    process, log = start_logger(run, home, tmp_path, start_new_session=True)
    process.send_signal(signal.SIGWINCH)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 5
    assert logged(log) == ["SIGTERM"]


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT], ids=lambda s: s.name)
def test_signal_that_ends_the_command(run, home, signo):
    process = subprocess.Popen([*run, "sleep", "20"], env=home, start_new_session=True, preexec_fn=no_signals)
    time.sleep(0.1)
    process.send_signal(signo)
    assert process.wait(20) == -signo


def test_signal_to_the_command_alone(run, home, tmp_path):
    process, log = start_logger(run, home, tmp_path)
    os.kill(int(log.read_text().split()[1]), signal.SIGUSR1)
    assert process.wait(20) == 5
    assert logged(log) == ["SIGUSR1"]


def test_command_that_signals_its_parent(run, home):
    """It means whoever started it, never itself."""
    result = call([*run, "sh", "-c", "kill -USR1 $PPID; kill -TERM $PPID; sleep 0.15; exit 6"], home)
    assert result.returncode == 6


def test_alarm_set_before_us(run, home):
    """`perl -e 'alarm 1; exec @ARGV' ecocode run CMD`: the alarm is the command's."""
    process = subprocess.Popen([*run, "sleep", "20"], env=home,
                               preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 0.2) and None)
    assert process.wait(20) == -signal.SIGALRM


def test_stop_and_continue(run, home, tmp_path):
    """Stopped through us, the command stops and we after it; continued through us, both go on."""
    process, log = start_logger(run, home, tmp_path, start_new_session=True)
    command = int(log.read_text().split()[1])
    # An orphaned group takes no SIGTSTP, so SIGSTOP to the command is what stops it here.
    os.kill(command, signal.SIGSTOP)
    until(lambda: state_of(command) == "T" and state_of(process.pid) == "T")
    process.send_signal(signal.SIGCONT)
    until(lambda: state_of(command) == "S" and state_of(process.pid) == "S")
    assert process.wait(20) == 5
    assert logged(log) == ["SIGCONT"]


def test_command_continued_alone(run, home):
    """Whoever stopped the command alone wakes it alone; we must not sleep on."""
    process = subprocess.Popen([*run, "sh", "-c", "kill -STOP $$; exit 7"], env=home, stdin=subprocess.DEVNULL)
    until(lambda: state_of(process.pid) == "T")
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for pid in children.read_text().split():
        if b"sh\0-c" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() and state_of(pid) == "T":
            os.kill(int(pid), signal.SIGCONT)
    assert process.wait(20) == 7


def test_stopped_command_is_killed(run, home):
    process = subprocess.Popen([*run, "sh", "-c", "echo $$; kill -STOP $$; exit 7"], env=home, stdout=subprocess.PIPE)
    command = int(process.stdout.readline())
    until(lambda: state_of(process.pid) == "T")
    os.kill(command, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL


# timeout(1)

@pytest.mark.parametrize("foreground", [[], ["--foreground"]], ids=["group", "foreground"])
@pytest.mark.parametrize("name", ["TERM", "INT", "USR1"])
def test_timeout_signals_once(run, home, tmp_path, foreground, name):
    process, log = start_logger(run, home, tmp_path, before=["timeout", *foreground, "-s", name, "0.6"])
    assert process.wait(20) == 124
    assert [s for s in logged(log) if s != "SIGCONT"] == [f"SIG{name}"]
    assert logged(log).count("SIGCONT") == (0 if foreground else 1)


@pytest.mark.parametrize("foreground", [[], ["--foreground"]], ids=["group", "foreground"])
def test_timeout_ends_the_command(run, home, foreground):
    started = time.monotonic()
    assert call(["timeout", *foreground, "0.2", *run, "sleep", "20"], home).returncode == 124
    assert time.monotonic() - started < 5


def test_timeout_kill_after(run, home):
    result = call(["timeout", "-k", "0.2", "0.2", *run, "sh", "-c", "trap '' TERM; sleep 5 & wait; wait; sleep 5"], home)
    assert result.returncode == -signal.SIGKILL or result.returncode == 137


def test_timeout_below_us(run, home):
    assert call([*run, "timeout", "0.2", "sleep", "20"], home).returncode == 124


# Our own death

def test_killed_by_sigkill_leaves_the_job(run, home, tmp_path):
    done = tmp_path / "done"
    process = subprocess.Popen([*run, "sh", "-c", f"echo $$; sleep 0.4; echo ok > {done}"], env=home,
                               stdout=subprocess.PIPE)
    command = int(process.stdout.readline())
    process.kill()
    assert process.wait(20) == -signal.SIGKILL
    assert is_alive(command)
    until(lambda: done.exists() and done.read_text() == "ok\n")


def measurer_of(pid):
    """The process that measures: the other child, of the same name as its parent."""
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if pathlib.Path(f"/proc/{child}/comm").read_text() == pathlib.Path(f"/proc/{pid}/comm").read_text():
            return int(child)
    return None


def test_measurer_that_dies_harms_nothing(ecocode, home):
    process = subprocess.Popen([ecocode, "run", "--", "sh", "-c", "echo ready; sleep 0.4; exit 5"], env=home,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    os.kill(measurer_of(process.pid), signal.SIGKILL)
    assert process.wait(20) == 5
    said = process.stderr.read()
    assert said == "ecocode: the process that measures has ended too early: no report\n"


def test_measurer_goes_with_us_and_leaves_whole_lines(ecocode, home, tmp_path):
    out = tmp_path / "out.csv"
    process = subprocess.Popen([ecocode, "run", "-q", "--interval", "50ms", "-o", out, "--", "sh", "-c",
                                "echo $$; exec sleep 1.5"], env=home, stdout=subprocess.PIPE)
    command = int(process.stdout.readline())
    measurer = measurer_of(process.pid)
    time.sleep(0.4)
    process.kill()
    assert process.wait(20) == -signal.SIGKILL
    assert is_alive(command)
    until(lambda: not is_alive(measurer), 2)
    text = out.read_text()
    lines = text.splitlines()
    assert text.endswith("\n") and len(lines) > 3
    assert len({line.count(",") for line in lines}) == 1


def test_signals_to_the_group_leave_the_measurer(ecocode, home, tmp_path):
    report = tmp_path / "r.json"
    process = subprocess.Popen([ecocode, "run", "-q", "-o", report, "--", "sh", "-c",
                                "trap '' TERM INT HUP; echo ready; sleep 0.4; exit 6"], env=home,
                               stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout.readline() == b"ready\n"
    for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.killpg(process.pid, signo)
    assert process.wait(20) == 6
    assert report.exists()


# Children of children

def test_background_work_is_left_running(run, home, tmp_path):
    done = tmp_path / "done"
    started = time.monotonic()
    result = subprocess.run([*run, "sh", "-c", f"(sleep 1; echo ok > {done}) >/dev/null 2>&1 & exit 3"], env=home)
    assert result.returncode == 3
    assert time.monotonic() - started < 0.9 and not done.exists()
    until(done.exists)


def test_wait_all(ecocode, home, tmp_path):
    done = tmp_path / "done"
    result = subprocess.run([ecocode, "run", "-q", "--wait-all", "--", "sh", "-c",
                             f"(setsid sh -c 'sleep 0.4; echo ok > {done}' &) ; exit 3"], env=home, timeout=20)
    assert result.returncode == 3
    assert done.exists()


def test_wait_all_can_be_ended(ecocode, home, tmp_path):
    mark = tmp_path / "mark"
    process = subprocess.Popen([ecocode, "run", "-q", "--wait-all", "--", "sh", "-c", f"(sleep 3; :) & echo > {mark}"],
                               env=home, start_new_session=True)
    until(mark.exists)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.wait(2)


@pytest.mark.parametrize("options", [[], ["--no-cgroup"]], ids=["cgroup", "no cgroup"])
def test_strangers_are_waited_for_by_nobody(ecocode, home, options):
    """A script's background job becomes our child by exec: it is not the command's."""
    started = time.monotonic()
    script = 'sleep 1.2 & sleep 0.1 & exec "$@"'
    result = subprocess.run(["sh", "-c", script, "-", ecocode, "run", "-q", *options, "--wait-all", "--", "sh", "-c",
                             "sleep 0.3 & exit 8"], env=home, timeout=20)
    assert result.returncode == 8
    assert 0.25 < time.monotonic() - started < 1.1


def test_a_thousand_orphans(ecocode, home):
    script = "i=0; while [ $i -lt 1000 ]; do (true &); i=$((i+1)); done"
    assert call([ecocode, "run", "-q", "--wait-all", "--", "sh", "-c", script], home).returncode == 0


# Traces

def test_cgroup_is_removed(run, home):
    result = call([*run, "cat", "/proc/self/cgroup"], home)
    group = next((line[3:] for line in result.stdout.decode().splitlines() if line.startswith("0::")), "")
    if "ecocode-" not in group:
        pytest.skip("no private cgroup can be made here")
    mounts = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line]
    assert mounts and not any(os.path.exists(fields[4] + group) for fields in mounts)


def read_or_nothing(path):
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


def test_leftover_cgroups_are_swept(run, home):
    result = call([*run, "sh", "-c", "sleep 1.5 >/dev/null 2>&1 & cat /proc/self/cgroup"], home)
    group = next((line[3:] for line in result.stdout.decode().splitlines() if line.startswith("0::")), "")
    if "ecocode-" not in group:
        pytest.skip("no private cgroup can be made here")
    mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
              if " - cgroup2 " in line]
    place = pathlib.Path(mounts[0] + group)
    assert place.exists(), "something still runs in it"
    # Any run of ecocode sweeps it away then, also one that we do not know of.
    until(lambda: not place.exists() or "populated 0" in read_or_nothing(place / "cgroup.events"))
    time.sleep(1)
    assert call([*run, "true"], home).returncode == 0
    assert not place.exists()


def test_held_cgroup_is_not_swept(run, home):
    """One whose command has just ended is empty, and its cpu.stat is still to be read by the run that it belongs to."""
    result = call([*run, "cat", "/proc/self/cgroup"], home)
    group = next((line[3:] for line in result.stdout.decode().splitlines() if line.startswith("0::")), "")
    if "ecocode-" not in group:
        pytest.skip("no private cgroup can be made here")
    mount = next(line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                 if " - cgroup2 " in line)
    place = pathlib.Path(mount + group).parent / f"ecocode-{os.getpid():012x}"
    place.mkdir()
    held = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        time.sleep(2)  # so old that it might have been left behind
        assert call([*run, "true"], home).returncode == 0
        assert place.exists()
    finally:
        os.close(held)
    assert call([*run, "true"], home).returncode == 0
    assert not place.exists()


def test_peak_memory_of_a_small_command(ecocode, home, tmp_path):
    out = tmp_path / "r.json"
    assert call([ecocode, "run", "-q", "-o", out, "--", "true"], home).returncode == 0
    assert 0 < json.loads(out.read_text())["usage"]["max_rss_bytes"] < 3 << 20


# Process 1

def as_init(argv):
    return ["unshare", "--pid", "--fork", "--mount-proc", *argv]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a new PID namespace needs root")


@needs_root
@pytest.mark.parametrize("script,code", [("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143), ("exit 0", 0),
                                         ("i=0; while [ $i -lt 50 ]; do (true &); i=$((i+1)); done; exit 4", 4)])
def test_as_process_1(run, home, script, code):
    assert call(as_init([*run, "sh", "-c", script]), home).returncode == code


@needs_root
def test_as_process_1_takes_a_signal(run, home, tmp_path):
    log = tmp_path / "log"
    process = subprocess.Popen(as_init([*run, *PYTHON, HARM / "log_signals.py", log]), env=home)
    until(lambda: log.exists() and "ready" in log.read_text())
    inner = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(inner), signal.SIGTERM)
    assert process.wait(20) == 5
    assert logged(log) == ["SIGTERM"]
