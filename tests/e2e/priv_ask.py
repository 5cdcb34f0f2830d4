# SPDX-License-Identifier: MIT
"""Talks to ecocode-priv as any program could, and prints what it got as JSON. Run by lib_priv.py.

    echo '{"helper": PATH, ...}' | priv_ask.py WHAT
"""
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

MAGIC, VERSION = 0x766f6365, 1
ACCOUNTING, COUNTERS = 1, 2
SWITCHES, ALL, EDGE = 1, 2, 1
PATIENCE_S = 10


def head(kind, serial=1, flags=0, magic=MAGIC, version=VERSION):
    return struct.pack("<IHHII", magic, version, kind, serial, flags)


def accounting(flags=0, seeds=(), cgroup=0, cpus=0, siblings=(), ring=0, slots=0, limit=0):
    table = list(siblings) + [0xffff] * (4096 - len(siblings))
    seeds = list(seeds)
    return (head(ACCOUNTING, flags=flags) + struct.pack("<QIIIIII", cgroup, 0, ring, slots, limit, cpus, len(seeds)) +
            struct.pack("<64i", *(seeds + [0] * (64 - len(seeds)))) + struct.pack("<4096H", *table))


def text_at(data, at):
    return data[at:at + 320].split(b"\0")[0].decode(errors="replace")


def read_answer(data, fds):
    """The answer of either kind as a dict."""
    if len(data) < 32:
        return {"size": len(data), "fds": len(fds)}
    _, _, kind, serial, _ = struct.unpack_from("<IHHII", data)
    answer = {"size": len(data), "fds": len(fds), "kind": kind, "serial": serial,
              "error": struct.unpack_from("<i", data, 16)[0]}
    if kind == ACCOUNTING and len(data) == 672:
        answer["text"], answer["fix"] = text_at(data, 32), text_at(data, 352)
    if kind == COUNTERS and len(data) == 4280:
        answer["next_ns"] = struct.unpack_from("<Q", data, 24)[0]
        answer["text"], answer["fix"] = text_at(data, 32), text_at(data, 352)
        begin, end, count, _ = struct.unpack_from("<QQII", data, 672)
        answer.update(begin=begin, end=end, values={})
        for i in range(count):
            name, value, error = struct.unpack_from("<40sQi", data, 696 + 56 * i)
            answer["values"][name.split(b"\0")[0].decode()] = [value, error]
    return answer


class Helper:
    def __init__(self, path, words=(), stdin=None, **options):
        self.own, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.own.settimeout(PATIENCE_S)
        self.process = subprocess.Popen([path, *words], stdin=theirs if stdin is None else stdin,
                                        stderr=subprocess.PIPE, **options)
        theirs.close()

    def send(self, message, fds=()):
        try:
            if fds:
                socket.send_fds(self.own, [message], list(fds))
            else:
                self.own.send(message)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self):
        try:
            data, fds, _, _ = socket.recv_fds(self.own, 65536, 64)
        except socket.timeout:
            return {"timeout": True}
        except ConnectionResetError:
            return {"size": 0}
        answer = read_answer(data, fds)
        for fd in fds:
            os.close(fd)
        return answer

    def ask(self, message, **options):
        return self.receive() if self.send(message, **options) else {"size": 0}

    def end(self):
        self.own.close()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return {"status": "hangs"}
        return {"status": self.process.returncode, "stderr": self.process.stderr.read().decode(errors="replace")}


def one(path, message, words=(), **options):
    helper = Helper(path, words, **options)
    answer = helper.ask(message)
    answer.update(helper.end())
    return answer


def counters(args):
    return one(args["helper"], head(COUNTERS))


def attach(args):
    return one(args["helper"], accounting(**args.get("request", {})))


def raw(args):
    """Any bytes at all, in hex; each message to a helper of its own."""
    return [one(args["helper"], bytes.fromhex(message)) for message in args["messages"]]


def arguments(args):
    return one(args["helper"], head(COUNTERS), words=args["words"])


def environment(args):
    return one(args["helper"], head(COUNTERS), env=args["env"])


def no_socket(args):
    """fd 0 is everything but one of a pair of SOCK_SEQPACKET sockets of this user."""
    said = {}
    read_end, write_end = os.pipe()
    stream = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    datagram = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    lonely = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind("\0eco-priv-test-%d" % os.getpid())
    listening.listen(1)
    network = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    for name, fd in (("pipe", read_end), ("stream", stream[0].fileno()), ("datagram", datagram[0].fileno()),
                     ("lonely", lonely.fileno()), ("listening", listening.fileno()), ("network", network.fileno()),
                     ("null", os.open("/dev/null", os.O_RDWR))):
        done = subprocess.run([args["helper"]], stdin=fd, stderr=subprocess.PIPE, timeout=PATIENCE_S)
        said[name] = [done.returncode, done.stderr.decode()]
    done = subprocess.run(["sh", "-c", 'exec "$0" <&-', args["helper"]], stderr=subprocess.PIPE, timeout=PATIENCE_S)
    said["closed"] = [done.returncode, done.stderr.decode()]
    os.close(write_end)
    return said


def inherited(args):
    """Which descriptors and environment are left to the helper, seen from outside by root (args: nothing)."""
    keep = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(keep, True)
    helper = Helper(args["helper"], close_fds=False, env={"SECRET": "1", "LD_PRELOAD": "/tmp/x.so"})
    answer = helper.ask(head(COUNTERS))
    pid = helper.process.pid
    try:
        found = {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    except OSError as error:
        found = {"error": error.errno}
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    answer.update(found=found, process={k: status[k] for k in status if k.startswith(("Cap", "NoNewPrivs", "SigIgn"))},
                  cwd=readlink(f"/proc/{pid}/cwd"))
    answer.update(helper.end())
    return answer


def readlink(path):
    try:
        return os.readlink(path)
    except OSError as error:
        return error.errno


def peek(args):
    """What the user can do to the helper that it has started: trace it, read its memory, its descriptors."""
    helper = Helper(args["helper"])
    answer = helper.ask(head(COUNTERS))
    pid = helper.process.pid
    libc = ctypes.CDLL(None, use_errno=True)
    traced = libc.ptrace(16, pid, 0, 0)  # PTRACE_ATTACH
    said = {"error": answer.get("error"), "ptrace": ctypes.get_errno() if traced != 0 else 0}
    for name in ("mem", "environ", "fd", "maps"):
        try:
            if name == "fd":
                os.listdir(f"/proc/{pid}/fd")
            else:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    file.read(1)
            said[name] = 0
        except OSError as error:
            said[name] = error.errno
    said.update(helper.end())
    return said


def descriptors(args):
    """Descriptors sent to the helper are not taken."""
    helper = Helper(args["helper"])
    null = os.open("/dev/null", os.O_RDWR)
    first = helper.ask(head(COUNTERS), fds=[null] * 20)
    second = helper.ask(head(COUNTERS, 2))
    result = {"first": first, "second": second}
    result.update(helper.end())
    return result


def limits(args):
    """With next to nothing allowed."""
    said = {}
    for name, kind, value in (("files", resource.RLIMIT_NOFILE, 3), ("memory", resource.RLIMIT_AS, 4 << 20),
                              ("size", resource.RLIMIT_FSIZE, 0), ("stack", resource.RLIMIT_STACK, 1 << 16)):
        said[name] = one(args["helper"], args_message(args), preexec_fn=lambda k=kind, v=value:
                         resource.setrlimit(k, (v, v)))
    return said


def args_message(args):
    return accounting() if args.get("accounting") else head(COUNTERS)


def flood(args):
    """As many questions as can be, and nobody who reads the answers; then one that is read."""
    helper = Helper(args["helper"])
    helper.own.setblocking(False)
    sent, until = 0, time.monotonic() + args["seconds"]
    while time.monotonic() < until:
        try:
            helper.own.send(head(COUNTERS, sent))
            sent += 1
        except BlockingIOError:
            time.sleep(0.001)
        except (BrokenPipeError, ConnectionResetError):
            break
    helper.own.settimeout(PATIENCE_S)
    answers = 0
    last = None
    while True:
        helper.own.settimeout(0.3)
        answer = helper.receive()
        if answer.get("timeout") or not answer.get("size"):
            break
        answers += 1
        last = answer
    helper.own.settimeout(PATIENCE_S)
    final = helper.ask(head(COUNTERS, 12345678))
    result = {"sent": sent, "answers": answers, "last": last, "final": final}
    result.update(helper.end())
    return result


def fast(args):
    """Samples that several instances get in a given time, as fast as they answer."""
    helpers = [Helper(args["helper"]) for _ in range(args["instances"])]
    if args.get("kill"):
        return fast_kill(args)
    seen, asked, errors = set(), 0, 0
    until = time.monotonic() + args["seconds"]
    while time.monotonic() < until:
        for helper in helpers:
            answer = helper.ask(head(COUNTERS, asked, EDGE if args.get("edge") else 0))
            asked += 1
            if answer.get("error") == 0:
                seen.add((answer["begin"], json.dumps(answer["values"])))
            else:
                errors += 1
    for helper in helpers:
        helper.end()
    begins = sorted(b for b, _ in seen)
    return {"asked": asked, "samples": len(begins), "values": len({v for _, v in seen}), "errors": errors,
            "gaps_ms": sorted((b - a) / 1e6 for a, b in zip(begins, begins[1:]))}


def fast_kill(args):
    """The same with a new helper every time, the old one killed."""
    seen, asked = set(), 0
    until = time.monotonic() + args["seconds"]
    while time.monotonic() < until:
        helper = Helper(args["helper"])
        answer = helper.ask(head(COUNTERS, asked))
        asked += 1
        helper.process.kill()
        helper.process.wait()
        helper.own.close()
        helper.process.stderr.close()
        if answer.get("error") == 0:
            seen.add(answer["begin"])
    begins = sorted(seen)
    return {"asked": asked, "samples": len(begins), "gaps_ms": sorted((b - a) / 1e6 for a, b in zip(begins, begins[1:]))}


def stopped(args):
    """A helper that is stopped answers nothing, keeps nobody else from counters, and dies with its parent."""
    helper = Helper(args["helper"])
    first = helper.ask(head(COUNTERS))
    helper.process.send_signal(signal.SIGSTOP)
    helper.own.settimeout(0.5)
    silent = helper.ask(head(COUNTERS, 2))
    time.sleep(0.15)
    other = one(args["helper"], head(COUNTERS))
    helper.process.send_signal(signal.SIGCONT)
    helper.own.settimeout(PATIENCE_S)
    later = helper.receive()
    result = {"first": first, "silent": silent, "other": other, "later": later}
    result.update(helper.end())
    return result


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](json.load(sys.stdin))))
