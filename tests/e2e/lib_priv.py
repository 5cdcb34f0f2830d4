# SPDX-License-Identifier: MIT
"""ecocode-priv for pytest: a machine of its own on which it can be installed, and a user who is nobody there.

The simulated machine's namespace gets its own /etc, /usr/local and /var/lib, so that nothing outside changes.
"""
import contextlib
import json
import os
import pathlib
import subprocess

import pytest

import lib_ecocode
import lib_sim

USER, UID = "eco-user", 47110
OTHER, OTHER_UID = "eco-other", 47111
HELPER = "/usr/local/libexec/ecocode/ecocode-priv"
STATE = "/var/lib/ecocode/counters"
PUBLIC = "/usr/local/public"  # the build tree, as users see it
ASK = pathlib.Path(__file__).with_name("priv_ask.py")
SETUP = f"""set -e
mount -t tmpfs -o mode=755 eco-etc /mnt && cp -a /etc/. /mnt/ && mount --bind /mnt /etc && umount /mnt
mount -t tmpfs -o mode=755 eco-local /usr/local
mount -t tmpfs -o mode=755 eco-lib /var/lib
echo {USER}:x:{UID}:{UID}:test:/nonexistent:/bin/sh >> /etc/passwd
echo {OTHER}:x:{OTHER_UID}:{OTHER_UID}:test:/tmp:/bin/sh >> /etc/passwd
echo {USER}:x:{UID}: >> /etc/group
echo {OTHER}:x:{OTHER_UID}: >> /etc/group
mkdir -p {PUBLIC} /usr/local/bin /etc/udev/rules.d
cp "$1" "$1-priv" {PUBLIC}/
chmod 755 {PUBLIC}/*
"""


class Place:
    """The machine with what was installed on it. Commands run as root unless `uid` is given."""

    def __init__(self, machine):
        self.machine = machine

    def run(self, command, uid=None, group=False, env=None, prefix=(), **options):
        argv = list(map(str, command))
        if uid is not None:
            groups = ["--groups", self.gid()] if group else ["--clear-groups"]
            # setpriv itself keeps capabilities up to its exec: only what is behind that is the user's
            argv = ["setpriv", "--reuid", str(uid), "--regid", str(uid), *groups, "env", *argv]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", **(env or {})}
        return self.machine.run([*prefix, *argv], env=environment, cwd="/", **options)

    def ecocode(self, *words, **options):
        return self.run([PUBLIC + "/ecocode", *words], **options)

    def ok(self, command, **options):
        result = self.run(command, **options)
        assert result.returncode == 0, result.stderr + result.stdout
        return result.stdout

    def gid(self):
        line = self.machine.run(["getent", "group", "ecocode"]).stdout
        return line.split(":")[2] if line else "47999"

    def fix(self, *words, user=USER):
        return self.ecocode("doctor", "--fix", "--yes", *words, env={"SUDO_USER": user} if user else None)

    def undo(self):
        return self.ecocode("doctor", "--undo", "--yes")

    def ask(self, what, *, uid=UID, group=True, helper=HELPER, prefix=(), **arguments):
        """What priv_ask.py, as that user, got from the helper."""
        text = self.ok(["/usr/bin/python3", "-I", "/usr/local/public/priv_ask.py", what], uid=uid, group=group,
                       prefix=prefix, input=json.dumps({"helper": helper, **arguments}))
        return json.loads(text)


@contextlib.contextmanager
def place_or_skip(*options):
    with lib_sim.machine_or_skip(*options) as machine:
        made = machine.run(["sh", "-c", SETUP, "sh", lib_ecocode.binary()])
        if made.returncode != 0:
            pytest.skip("no folders of one's own here: " + made.stderr.strip())
        place = Place(machine)
        if HELPER not in place.ecocode("doctor", "--fix", "--dry-run").stdout:
            pytest.skip("built for another prefix than /usr/local")
        machine.run(["cp", str(ASK), PUBLIC + "/priv_ask.py"])
        yield place
