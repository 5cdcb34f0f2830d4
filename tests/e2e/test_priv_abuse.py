# SPDX-License-Identifier: MIT
"""ecocode-priv in the hands of a user who means no good: it gives what it should, and nothing else."""
import pytest

import lib_priv
from lib_priv import HELPER, OTHER_UID, STATE, UID
import priv_ask

EPERM, EACCES, EPROTO, EPROTONOSUPPORT = 1, 13, 71, 93
ZONE = "intel-rapl:0"


@pytest.fixture(scope="module")
def place():
    with lib_priv.place_or_skip() as made:
        assert made.fix().returncode == 0
        yield made


@pytest.fixture
def state(place):
    """The limit's file, as --fix makes it, before and after."""
    yield STATE
    place.ok(["sh", "-c", "rm -rf /var/lib/ecocode"])
    assert place.fix().returncode == 0


def test_a_member_gets_values(place):
    answer = place.ask("counters")
    assert answer["error"] == 0 and answer["fds"] == 0 and answer["status"] == 0
    assert answer["values"][ZONE][1] == 0 and answer["values"][ZONE][0] > 0
    assert 0 <= answer["end"] - answer["begin"] < 20e6 and answer["next_ns"] >= answer["begin"]


def test_others_cannot_run_it(place):
    for uid, group in ((UID, False), (OTHER_UID, False), (65534, False)):
        done = place.run([HELPER], uid=uid, group=group)
        assert done.returncode == 126 or "Permission denied" in done.stderr
    done = place.ecocode("sensors", uid=OTHER_UID)
    assert "sudo ecocode doctor --fix" in done.stdout + done.stderr


def test_by_hand(place):
    for words in ([], ["--help"], ["/etc/shadow"], ["-u", "0"]):
        done = place.run([HELPER, *words], uid=UID, group=True)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


def test_arguments_are_refused(place):
    answer = place.ask("arguments", words=["--all"])
    assert answer["status"] == 2 and answer["size"] == 0


def test_fd_0_must_be_its_socket(place):
    for name, (status, said) in place.ask("no_socket").items():
        assert status == 2, (name, status, said)


@pytest.mark.parametrize("given", [
    {"LD_PRELOAD": "/tmp/evil.so", "LD_LIBRARY_PATH": "/tmp", "LD_AUDIT": "/tmp/evil.so"},
    {"GLIBC_TUNABLES": "glibc.malloc.mxfast=0x8000000000000000", "MALLOC_PERTURB_": "255"},
    {"ECOCODE_PRIV": "/tmp", "LIBBPF_LOG_LEVEL": "debug", "HOME": "/tmp", "PATH": "/tmp", "TMPDIR": "/tmp"}, {}])
def test_environment_has_no_say(place, given):
    answer = place.ask("environment", env=given)
    assert answer["error"] == 0 and answer["status"] == 0 and answer["stderr"] == ""


def test_what_is_left_in_it(place):
    seen = place.ask("inherited", uid=0, group=False)  # root may look
    assert seen["error"] == 0
    names = sorted(seen["found"].values())
    assert [n for n in names if n.startswith("socket:")] and names.count("/dev/null") == 2
    assert all(n == "/dev/null" or n.startswith("socket:") or "powercap" in n or n in ("/proc", "/sys") for n in names), names
    assert seen["cwd"] == "/" and seen["process"]["NoNewPrivs"] == "1"
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"):
        assert int(seen["process"][name], 16) == 0, (name, seen["process"])


def test_its_user_cannot_look_into_it(place):
    seen = place.ask("peek")
    assert seen["error"] == 0 and seen["status"] == 0
    for name in ("ptrace", "mem", "environ", "fd", "maps"):
        assert seen[name] in (EPERM, EACCES), seen


def test_no_capability_after_the_first_answer(place):
    status = place.ask("inherited")["process"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0, status


def test_messages_that_are_none(place):
    good, big = priv_ask.head(priv_ask.COUNTERS), priv_ask.accounting()
    bad = [b"\0", b"x" * 15, good[:-1], good + b"\0", b"\xff" * 16, b"\xff" * 8496, b"A" * 65000, big[:-1], big + b"\0" * 4,
           priv_ask.head(0), priv_ask.head(3), priv_ask.head(0xffff), priv_ask.head(priv_ask.COUNTERS, magic=0),
           priv_ask.head(priv_ask.ACCOUNTING)]
    for message, answer in zip(bad, place.ask("raw", messages=[m.hex() for m in bad])):
        assert answer["status"] == 1 and answer["fds"] == 0 and answer["error"] == -EPROTO, (message[:20], answer)
        assert "does not understand" in answer["text"]
    for version in (0, 2, 65535):
        answer, = place.ask("raw", messages=[priv_ask.head(priv_ask.COUNTERS, version=version).hex()])
        assert answer["error"] == -EPROTONOSUPPORT and "different versions" in answer["text"] and "--fix" in answer["fix"]
    answer, = place.ask("raw", messages=[""])  # an empty message reads as the end
    assert answer["status"] == 0 and answer["size"] == 0


def test_descriptors_sent_to_it_are_dropped(place):
    seen = place.ask("descriptors")
    assert seen["first"]["error"] == 0 and seen["second"]["error"] == 0 and seen["status"] == 0


def test_only_root_gets_everybodys_processes(place):
    answer = place.ask("attach", request={"flags": priv_ask.ALL})
    assert answer["error"] == -EPERM and answer["fds"] == 0 and "only root" in answer["text"]


@pytest.mark.parametrize("request_", [{"flags": 4}, {"flags": 1 << 31}, {"seeds": [0]}, {"seeds": [-1]}, {"cpus": 4097},
                                      {"cpus": 2, "siblings": [2, 0]}, {"cpus": 1, "siblings": [0]}])
def test_questions_that_make_no_sense(place, request_):
    answer = place.ask("attach", request=request_)
    assert answer["error"] == -22 and answer["fds"] == 0 and answer["status"] == 0, answer


def test_huge_wishes_are_cut(place):
    answer = place.ask("attach", request={"ring": 0xffffffff, "slots": 0xffffffff, "limit": 0xffffffff, "flags": priv_ask.SWITCHES})
    assert answer["error"] == 0 or answer["text"], answer
    assert answer["status"] == 0


def test_descriptors_come_for_ones_own_processes(place):
    answer = place.ask("attach")
    if answer["error"] == -95:
        pytest.skip("built without eBPF")
    assert answer["error"] == 0 and answer["fds"] >= 6 and answer["status"] == 0, answer


def test_without_new_privileges_the_reason_is_told(place):
    answer = place.ask("attach", prefix=["setpriv", "--no-new-privs"])
    assert answer["error"] == -EPERM and "CAP_BPF" in answer["text"]
    answer = place.ask("counters", prefix=["setpriv", "--no-new-privs"])
    assert answer["error"] < 0 and answer["text"]
    answer = place.ask("attach", prefix=["setpriv", "--bounding-set", "-bpf"])
    assert answer["error"] == -EPERM and "CAP_BPF" in answer["text"], "it must run, and say what it lacks"


def test_limits_of_the_process(place):
    for what in (False, True):
        for name, answer in place.ask("limits", accounting=what).items():
            assert answer["status"] in (0, 2, -9, -11, -6, 127) and not answer.get("timeout"), (name, answer)
            assert answer["size"] == 0 or answer["error"] <= 0
    assert place.ask("counters")["error"] == 0, "the next one works"


@pytest.mark.parametrize("trick", [
    f"rm {STATE}", f"rm {STATE}; ln -s /usr/local/mine {STATE}", f"ln {STATE} /var/lib/ecocode/second",
    f"chmod 660 {STATE}", f"chown {UID} {STATE}", f"truncate -s 100 {STATE}", f"truncate -s 1G {STATE}",
    f"rm {STATE}; mkfifo -m 600 {STATE}", f"rm {STATE}; mknod -m 600 {STATE} c 1 5", f"rm {STATE}; mkdir {STATE}",
    f"chown {UID} /var/lib/ecocode", "chmod 777 /var/lib/ecocode",
    "mv /var/lib/ecocode /usr/local/real; ln -s /usr/local/real /var/lib/ecocode"])
def test_without_its_own_limit_it_tells_nothing(place, state, trick):
    place.ok(["sh", "-c", f"install -m 600 -o {UID} {STATE} /usr/local/mine; {trick}"])
    answer = place.ask("counters")
    assert answer["error"] < 0 and answer.get("values") == {} and "limit" in answer["text"] and "--fix" in answer["fix"], answer


def test_garbage_in_the_limit_gives_no_wrong_figure(place, state):
    truth = place.ask("counters")["values"][ZONE][0]
    place.ok(["sh", "-c", f"head -c 14496 /dev/urandom | dd of={STATE} conv=notrunc status=none"])
    answer = place.ask("counters")
    assert answer["error"] in (0, -11)
    if answer["error"] == 0:
        assert truth <= answer["values"][ZONE][0] < truth + 1e9
    answer = place.ask("fast", instances=1, seconds=0.5)
    assert answer["samples"] >= 3, "it has to recover"


def test_three_instances_share_one_limit(place):
    seen = place.ask("fast", instances=3, seconds=1.0)
    assert seen["asked"] >= 1000 and 8 <= seen["samples"] <= 11, seen
    assert seen["gaps_ms"][0] >= 75, seen  # 100, less what a read may take


def test_the_end_of_a_run_may_cost_one_read_more(place):
    seen = place.ask("fast", instances=3, seconds=2.0, edge=True)
    assert 16 <= seen["samples"] <= 22, seen
    assert sum(gap < 75 for gap in seen["gaps_ms"]) <= 1, seen


def test_a_new_helper_every_time_is_no_way_around(place):
    seen = place.ask("fast", instances=1, seconds=1.5, kill=True)
    assert seen["asked"] > 30 and seen["samples"] <= 16, seen
    assert not seen["gaps_ms"] or seen["gaps_ms"][0] >= 75, seen


def test_a_stopped_helper_keeps_nobody_waiting(place):
    seen = place.ask("stopped")
    assert seen["first"]["error"] == 0 and seen["silent"] == {"timeout": True}
    assert seen["other"]["error"] == 0 and seen["other"]["begin"] > seen["first"]["begin"]
    assert seen["later"]["error"] == 0 and seen["status"] == 0


def test_a_flood_of_questions(place):
    seen = place.ask("flood", seconds=0.5)
    assert seen["sent"] > 10 and seen["final"]["error"] == 0 and seen["final"]["serial"] == 12345678 and seen["status"] == 0
