# SPDX-License-Identifier: PostgreSQL
"""Removes what a run has made, when the run ends, however it ends.

    janitor.py RUN DIR OWNER KEEP     waits for the end of its standard input, then cleans up

The run holds the other end of that pipe: it is closed by its end, also by kill -9. Every process in the
run's namespaces is ended, the namespaces, mounts and cgroups of the run are removed, and DIR, unless
KEEP is 1. OWNER is the run's own process, which may stand in one of the namespaces and is spared.
"""

import glob
import os
import shutil
import signal
import subprocess
import sys
import time


def output(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def namespaces(run):
    return [name for name in os.listdir("/run/netns") if name.startswith(f"{run}-")]


def end_processes(namespace, owner):
    """Ends every process there; false when some would not go within ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        pids = [int(pid) for pid in output("ip", "netns", "pids", namespace).split()]
        pids = [pid for pid in pids if pid != owner]
        if not pids or time.monotonic() > deadline:
            return not pids
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def unmount_below(folder):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        points = [line.split()[1] for line in mounts]
    for point in sorted((p for p in points if p.startswith(f"{folder}/")), reverse=True):
        output("umount", "--lazy", point)


def remove_cgroups(run):
    for top in glob.glob(f"/sys/fs/cgroup/{run}") + glob.glob(f"/sys/fs/cgroup/*/{run}"):
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass


def clean(run, folder, owner, keep):
    for namespace in namespaces(run):
        end_processes(namespace, owner)
        output("ip", "netns", "del", namespace)
    remove_cgroups(run)
    if keep:
        print(f"# kept: {folder}", file=sys.stderr)
        return
    unmount_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


def main():
    run, folder, owner, keep = sys.argv[1:5]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    clean(run, folder, int(owner), keep == "1")


if __name__ == "__main__":
    main()
