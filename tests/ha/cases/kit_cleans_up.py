# SPDX-License-Identifier: PostgreSQL
"""A run that is killed leaves nothing behind. Called with an argument it is that run."""

import os
import signal
import subprocess
import sys

from ha import needs, tap
from ha.lab import Lab
from ha.pair import Pair
from ha.wait import poll


def victim():
    with Lab() as lab:
        pair = Pair(lab)
        pair.start()
        print(lab.run, lab.dir, flush=True)
        sys.stdin.read()


def left(run, folder):
    """What is there of a run, by its name and its folder."""
    found = [name for name in os.listdir("/run/netns") if name.startswith(run)]
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        found += [line.split()[1] for line in mounts if folder in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if folder.encode() in file.read():
                    found.append(f"process {pid}")
        except OSError:
            pass
    return found + ([folder] if os.path.exists(folder) else [])


def test():
    for number in (signal.SIGKILL, signal.SIGTERM):
        run = subprocess.Popen([sys.executable, __file__, "victim"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
        name, folder = run.stdout.readline().split()
        tap.ok(len(left(name, folder)) > 5, "a run has namespaces, mounts, processes and a folder")
        run.send_signal(number)
        run.wait(60)
        poll(30, lambda: not left(name, folder))
        tap.equal(left(name, folder), [], f"ended by {number.name}, it leaves none of them behind")


if sys.argv[1:] == ["victim"]:
    victim()
else:
    tap.run(test, needs.why_not())
