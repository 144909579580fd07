# SPDX-License-Identifier: PostgreSQL
"""claimer.c, compiled and run: a framework of Howdah's own library under claims, and what it was told.

    claimer = Claimer(cell, "books")
    claimer.start()
    claimer.acknowledged()      # [(time.monotonic(), task id)], in order
    claimer.stop()
"""

import os
import shlex
import subprocess

from . import wait
from .cell import ROOT, build

HERE = os.path.dirname(os.path.abspath(__file__))


class Claimer:
    def __init__(self, cell, agent_name, host=None, pause_ms=5):
        self.cell, self.agent_name, self.host, self.pause_ms = cell, agent_name, host, pause_ms
        self.program, self.out = cell.lab.path("claimer"), cell.lab.path("claimer.out")
        self.process = None

    def _compile(self):
        sanitize = ["-fsanitize=address,undefined"] if os.environ.get("SAN") == "1" else []
        libraries = subprocess.run(["pkg-config", "--libs", "libpq", "libevent", "jansson"],
                                   capture_output=True, text=True, check=True).stdout
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", *sanitize,
                        f"-I{os.path.join(ROOT, 'libframework', 'include')}", "-o", self.program,
                        os.path.join(HERE, "claimer.c"), os.path.join(build(), "lib", "libframework.a"),
                        *shlex.split(libraries)], check=True)

    def start(self):
        self._compile()
        client = self.cell.cluster.client()
        agent = client.value("select agent_id from howdah.agents where name = %s", (self.agent_name,))
        client.close()
        host = self.host or self.cell.lab.network.switch
        self.process = host.spawn(self.program, self.cell.cluster.conninfo("framework"), agent,
                                  str(self.pause_ms), log=self.out)
        wait.until(30, "the claimer's claims are acknowledged", lambda: len(self.acknowledged()) > 10)

    def lines(self, kind):
        with open(self.out, encoding="ascii", errors="replace") as file:
            return [line.split() for line in file if line.startswith(f"{kind} ") and line.endswith("\n")]

    def acknowledged(self):
        return [(float(at), task) for _, at, task in self.lines("ack")]

    def trouble(self):
        """Answers that were no success: codes of refusals, and the end if there was one."""
        return [line[2] for line in self.lines("refused") + self.lines("error")]

    def first_after(self, moment):
        return next((at for at, _ in self.acknowledged() if at > moment), None)

    def gap(self, since):
        """The longest time between two acknowledgements, the last before since included."""
        times = [at for at, _ in self.acknowledged()]
        start = max((at for at in times if at < since), default=since)
        times = [at for at in times if at >= start]
        return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))

    def stop(self):
        self.process.kill()
        self.process.wait(30)

    def lost(self):
        """Acknowledged tasks that the database does not have, or has under another framework."""
        client = self.cell.cluster.client(deadline=60.0)
        known = {row[0] for row in client.call(
            "select task_id from howdah.tasks where framework_id = %s", (self.lines("framework")[0][1],))}
        client.close()
        return [task for _, task in self.acknowledged() if task not in known]
