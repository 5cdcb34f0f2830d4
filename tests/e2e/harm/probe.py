# SPDX-License-Identifier: MIT
"""What a command finds when it begins: probe.py FILE writes it as JSON. Run with -I -S."""
import ctypes
import json
import os
import resource
import signal
import sys

PR_GET_PDEATHSIG, PR_GET_TIMERSLACK, PR_GET_CHILD_SUBREAPER = 2, 30, 37


def status():
    wanted = ("SigBlk", "SigIgn", "SigPnd", "ShdPnd", "Seccomp", "NoNewPrivs", "CapEff", "Cpus_allowed", "Umask", "Groups")
    with open("/proc/self/status") as file:
        pairs = [line.rstrip("\n").split(":\t", 1) for line in file]
    return {key: value for key, value in pairs if key in wanted}


def descriptors():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            pass  # the one of listdir itself
    return {k: v for k, v in found.items() if not v.endswith("/fd")}


def prctl_get(option):
    value = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(option, ctypes.byref(value), 0, 0, 0)
    return value.value


def state():
    fds = descriptors()
    return {
        "status": status(),
        "fds": fds,
        "limits": {n: resource.getrlimit(getattr(resource, n)) for n in dir(resource) if n.startswith("RLIMIT_")},
        "environment": dict(os.environ),
        "cwd": os.getcwd(),
        "nice": os.nice(0),
        "group_of_parent": os.getpgrp() == os.getpgid(os.getppid()),
        "session": os.getsid(0),
        "oom_score_adj": open("/proc/self/oom_score_adj").read().strip(),
        "alarm_armed": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "parent_death_signal": prctl_get(PR_GET_PDEATHSIG),
        "subreaper": prctl_get(PR_GET_CHILD_SUBREAPER),
        "timer_slack": ctypes.CDLL(None).prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0),
        "scheduler": os.sched_getscheduler(0),
    }


if __name__ == "__main__":
    found = state()
    with open(sys.argv[1], "w") as out:
        json.dump(found, out)
