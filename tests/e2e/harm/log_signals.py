# SPDX-License-Identifier: MIT
"""A command that survives signals and notes each: log_signals.py FILE [LINGER_S]. Run with -I -S.

The first line is "ready PID", each further line a signal's name. LINGER_S after the last signal it ends with 5.
"""
import os
import signal
import sys

WANTED = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
          signal.SIGTERM, signal.SIGCONT, signal.SIGWINCH, signal.SIGPWR, signal.SIGRTMIN + 3}


def main():
    linger_s = float(sys.argv[2]) if len(sys.argv) > 2 else 0.15
    signal.pthread_sigmask(signal.SIG_BLOCK, WANTED)
    with open(sys.argv[1], "a", buffering=1) as out:
        print("ready", os.getpid(), file=out)
        wait_s = 20
        while (info := signal.sigtimedwait(WANTED, wait_s)) is not None:
            wait_s = linger_s
            number = info.si_signo
            print(signal.Signals(number).name if number < signal.SIGRTMIN else f"RT{number - signal.SIGRTMIN}", file=out)
    os._exit(5)


main()
