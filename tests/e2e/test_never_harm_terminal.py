# SPDX-License-Identifier: MIT
"""`ecocode run` at a terminal: keys, job control, full-screen programs, a shell's loop."""
import os
import shutil
import signal
import time

import pytest

from harm.terminal import Terminal
from test_never_harm import HARM, PYTHON, logged, run, state_of, until  # noqa: F401

PROMPT = r"READY> "
# Not a shell: dash loses a Ctrl-C that comes while it forks, and a Ctrl-Z there stops its child but not itself.
SLEEPER = ("import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); print(\"begun\", flush=True); "
           "[time.sleep(0.05) for _ in range(400)]")  # a signal just before one long sleep would wait for its end
BASH = ["bash", "--norc", "--noprofile", "-i"]


@pytest.fixture
def env(home):
    return {**home, "PS1": "READY> ", "TERM": "xterm", "PROMPT_COMMAND": "", "HISTFILE": "/dev/null", "LC_ALL": "C",
            "EXINIT": ""}


def quoted(argv):
    return " ".join(f"'{a}'" for a in argv)


def shell(env):
    terminal = Terminal(BASH, env)
    terminal.expect(PROMPT)
    terminal.type("stty -echo; bind 'set enable-bracketed-paste off'\n")
    terminal.expect(PROMPT)
    return terminal


def ready(log):
    until(lambda: log.exists() and "ready" in log.read_text())
    return int(log.read_text().split()[1])


def logger(run, log, linger="0.15"):
    return [*run, *PYTHON, HARM / "log_signals.py", log, linger]


@pytest.mark.parametrize("key,name", [("\x03", "SIGINT"), ("\x1c", "SIGQUIT")])
def test_key_reaches_the_command_once(run, env, tmp_path, key, name):
    log = tmp_path / "log"
    with Terminal(logger(run, log), env) as terminal:
        ready(log)
        terminal.type(key)
        assert terminal.wait() == 5
    assert logged(log) == [name]


def test_resize_reaches_the_command_once(run, env, tmp_path):
    log = tmp_path / "log"
    with Terminal(logger(run, log), env) as terminal:
        ready(log)
        terminal.resize(40, 100)
        assert terminal.wait() == 5
    assert logged(log) == ["SIGWINCH"]


@pytest.mark.parametrize("key,name", [("\x03", "SIGINT"), ("\x1c", "SIGQUIT"), (None, "SIGWINCH")])
def test_what_the_terminal_sends_is_not_passed_on(run, env, tmp_path, key, name):
    """We sleep meanwhile: a second one of ours cannot hide behind the first, which the command has noted by then."""
    log = tmp_path / "log"
    with Terminal(logger(run, log, "0.4"), env) as terminal:
        ready(log)
        os.kill(terminal.pid, signal.SIGSTOP)
        terminal.resize(40, 100) if key is None else terminal.type(key)
        until(lambda: logged(log) == [name])
        os.kill(terminal.pid, signal.SIGCONT)
        assert terminal.wait() == 5
    assert [s for s in logged(log) if s != "SIGCONT"] == [name]


def test_ctrl_c_ends_us_as_the_command(run, env):
    with Terminal([*run, *PYTHON, "-c", SLEEPER], env) as terminal:
        terminal.expect("begun")
        terminal.type("\x03")
        assert terminal.wait() == -signal.SIGINT


def test_ctrl_c_right_at_the_start(run, env):
    """Before the command has begun: it ends us just the same, at whatever moment it comes."""
    for delay_s in (0, 0.002, 0.004, 0.008, 0.015):
        with Terminal([*run, "sleep", "20"], env) as terminal:
            time.sleep(0.02 + delay_s)
            terminal.type("\x03")
            assert terminal.wait() == -signal.SIGINT


def test_report_after_ctrl_c(ecocode, env):
    with Terminal([ecocode, "run", "--", *PYTHON, "-c", SLEEPER], env) as terminal:
        terminal.expect("begun")
        terminal.type("\x03")
        assert terminal.wait() == -signal.SIGINT
        assert len(terminal.text.strip()) > 20, "the report is written all the same"


def test_ctrl_c_ends_a_loop_of_the_shell(run, env):
    loop = f"for i in 1 2 3; do {quoted([*run, *PYTHON, '-c', SLEEPER])}; echo again; done; echo all"
    with Terminal(["bash", "--norc", "-c", loop], env) as terminal:
        terminal.expect("begun")
        terminal.type("\x03")
        assert terminal.wait() == -signal.SIGINT
        assert "again" not in terminal.text and "all" not in terminal.text


def test_loop_goes_on_when_the_command_handles_ctrl_c(run, env):
    """As without us: a command that survives Ctrl-C and exits by itself lets the loop go on."""
    body = SLEEPER.replace("signal.SIG_DFL", 'lambda *_: __import__("os")._exit(0)')
    loop = f"for i in 1 2; do {quoted([*run, *PYTHON, '-c', body])}; echo again; done"
    with Terminal(["bash", "--norc", "-c", loop], env) as terminal:
        for _ in range(2):
            terminal.expect("begun")
            terminal.type("\x03")
            terminal.expect("again")
        assert terminal.wait() == 0


def test_stop_and_fg(run, env, tmp_path):
    log = tmp_path / "log"
    with shell(env) as terminal:
        terminal.type(quoted(logger(run, log)) + "; echo status=$?\n")
        command = ready(log)
        terminal.type("\x1a")
        terminal.expect(r"\[1\]\+ +Stopped")
        terminal.expect(PROMPT)
        assert state_of(command) == "T"
        terminal.type("fg\n")
        until(lambda: state_of(command) == "S")
        terminal.expect(PROMPT)
        terminal.type("jobs; echo none\n")
        terminal.expect("none")
        assert "[1]" not in terminal.text
    assert logged(log) == ["SIGCONT"]


def test_stop_bg_and_end(run, env, tmp_path):
    mark = tmp_path / "mark"
    with shell(env) as terminal:
        body = f"import time; print(\"begun\", flush=True); time.sleep(0.5); open(\"{mark}\", \"w\"); raise SystemExit(3)"
        terminal.type(quoted([*run, *PYTHON, "-c", body]) + "\n")
        terminal.expect("begun")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.type("bg\n")
        until(mark.exists)
        terminal.type("wait %1; echo status=$?\n")
        terminal.expect("status=3")


def test_kill_of_a_stopped_job(run, env):
    with shell(env) as terminal:
        terminal.type(quoted([*run, *PYTHON, "-c", SLEEPER]) + "\n")
        terminal.expect("begun")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        terminal.type("kill %1; sleep 0.3\n")
        terminal.expect(r"\[1\][-+ ] +Terminated")


def test_background_job_that_reads_the_terminal(run, env):
    with shell(env) as terminal:
        terminal.type(f"{quoted(run)} sh -c 'read line; echo \"got:$line\"' &\n")
        terminal.expect(PROMPT)
        time.sleep(0.2)
        terminal.type("\n")
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        terminal.type("fg\n")
        time.sleep(0.1)
        terminal.type("hello\n")
        terminal.expect("got:hello")


def test_interactive_shell_as_command(run, env):
    """It takes a process group and the terminal for itself."""
    with shell(env) as terminal:
        terminal.type(f"PS1='INNER> ' {quoted(run)} {quoted(BASH)}\n")
        terminal.expect("INNER> ")
        terminal.type("sleep 20\n")
        time.sleep(0.2)
        terminal.type("\x03")
        terminal.expect("INNER> ")
        terminal.type("exit 9\n")
        terminal.expect(PROMPT)
        terminal.type("echo status=$?\n")
        terminal.expect("status=9")


needs_vi = pytest.mark.skipif(shutil.which("vi") is None, reason="no vi")


@needs_vi
def test_vi(run, env, tmp_path):
    file = tmp_path / "text"
    with Terminal([*run, "vi", file], env) as terminal:
        time.sleep(0.4)
        terminal.type("ihello\x1b")
        time.sleep(0.1)
        terminal.type(":wq\r")
        assert terminal.wait() == 0
    assert file.read_text() == "hello\n"


@needs_vi
def test_vi_stopped_and_continued(run, env, tmp_path):
    file = tmp_path / "text"
    with shell(env) as terminal:
        terminal.type(f"{quoted(run)} vi {file}\n")
        time.sleep(0.5)
        terminal.type("ihello\x1b")
        time.sleep(0.1)
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        terminal.type("fg\n")
        time.sleep(0.3)
        terminal.type("A again\x1b")
        time.sleep(0.1)
        terminal.type(":wq\r")
        terminal.expect(PROMPT)
    assert file.read_text() == "hello again\n"


@pytest.mark.skipif(shutil.which("top") is None, reason="no top")
def test_top(run, env):
    with shell(env) as terminal:
        terminal.type(f"{quoted(run)} top -d 1\n")
        terminal.expect("load average")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.type("fg\n")
        terminal.expect("load average")
        terminal.type("q")
        terminal.expect(PROMPT)
        terminal.type("echo status=$?; stty -a | grep -o -- '-*icanon'\n")
        terminal.expect(r"status=0\s+icanon")


def test_hang_up_of_the_session_leader(run, env, tmp_path):
    """`ssh -t HOST ecocode run CMD`: the kernel tells the leader only, which would be the command without us."""
    log = tmp_path / "log"
    terminal = Terminal([*run, *PYTHON, HARM / "log_signals.py", log], env)
    ready(log)
    os.close(terminal.fd)
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 5
    assert [s for s in logged(log) if s != "SIGCONT"] == ["SIGHUP"]
