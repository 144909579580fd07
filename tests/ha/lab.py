# SPDX-License-Identifier: PostgreSQL
"""One run: a folder, a network, and a janitor that removes both when the run ends.

    with Lab() as lab:
        one = lab.network.host_add("pg1")

Inside the block the program itself stands in the switch's namespace, so that its sockets (and those of
its threads and children) reach every host by address. SIGTERM, SIGINT and SIGHUP end the program by way
of the block's end. TEST_KEEP=1 keeps the folder.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile

from . import net

HERE = os.path.dirname(os.path.abspath(__file__))


def _end(number, _frame):
    sys.exit(128 + number)


class Lab:
    def __init__(self):
        # The name goes into namespaces and cgroups; the pid is for people, the rest makes it unique.
        self.run = f"howdah{os.getpid()}{secrets.token_hex(2)}"
        self.keep = bool(os.environ.get("TEST_KEEP"))
        self.dir = tempfile.mkdtemp(prefix="howdah-ha.", dir="/var/tmp")
        os.chmod(self.dir, 0o755)
        os.makedirs("/run/netns", exist_ok=True)
        self._janitor = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "janitor.py"), self.run, self.dir, str(os.getpid()),
             "1" if self.keep else "0"],
            stdin=subprocess.PIPE, start_new_session=True, cwd="/")
        self._closers = []
        self._outside = open("/proc/thread-self/ns/net", "rb")  # held open: the way back
        self.network = None

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _end)
        self.network = net.Network(self.run)
        net.namespace_set(f"/run/netns/{self.network.switch.namespace}")
        return self

    def on_close(self, call):
        """call() at the end, before the janitor: latest first."""
        self._closers.append(call)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def close(self):
        while self._closers:
            try:
                self._closers.pop()()
            except Exception as error:  # the rest must still be closed
                print(f"# closing: {error}", file=sys.stderr)
        net.LIBC.setns(self._outside.fileno(), net.CLONE_NEWNET)
        self._outside.close()
        self._janitor.stdin.close()
        self._janitor.wait(60)

    def __exit__(self, *_):
        self.close()
