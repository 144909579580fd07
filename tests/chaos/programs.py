# SPDX-License-Identifier: PostgreSQL
"""The programs of a run, and a supervisor that starts again what has died, as an init system would.
Who ends with status 0 meant to."""

import os
import signal
import subprocess
import threading
import time


class Program:
    """One supervised program. `held` keeps the supervisor away while a fault has it down."""

    def __init__(self, name, place, argv, log, env=None, again=True):
        self.name, self.place, self.argv, self.log = name, place, argv, log
        self.env, self.again = env, again
        self.process, self.held, self.exits = None, False, []

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                self.place.argv(*self.argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(self.env or {})}, start_new_session=True)

    def alive(self):
        """Also takes note of its exit status when it has ended."""
        if self.process is None:
            return False
        if self.process.poll() is None:
            return True
        self.exits.append(self.process.returncode)
        self.process = None
        return False

    def send(self, number):
        """To this very process: a child that was not waited for keeps its pid."""
        if self.alive():
            self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=10):
        """End it; its exit status, None when it had to be killed."""
        self.held = True
        if not self.alive():
            return self.exits[-1] if self.exits else None
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


class Supervisor(threading.Thread):
    """Starts programs that have died again, half a second later."""

    PAUSE_S, DELAY_S = 0.1, 0.5

    def __init__(self, programs):
        super().__init__(daemon=True)
        self.programs, self.ending = programs, threading.Event()
        self.died = {}

    def run(self):
        while not self.ending.wait(self.PAUSE_S):
            for program in list(self.programs):
                self.look(program)

    def look(self, program):
        if program.held or program.alive():
            self.died.pop(program.name, None)
        elif program.again and program.exits[-1:] != [0]:
            since = self.died.setdefault(program.name, time.monotonic())
            if time.monotonic() - since >= self.DELAY_S and not program.held:
                program.start()

    def end(self):
        self.ending.set()
        self.join()


def processes_marked(mark):
    """Pids of all processes whose command line or environment holds the text; not this one."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid() and (
                holds(f"/proc/{entry}/cmdline", mark) or holds(f"/proc/{entry}/environ", mark)):
            found.append(int(entry))
    return found


def holds(path, mark):
    try:
        with open(path, "rb") as file:
            return mark.encode() in file.read()
    except OSError:
        return False  # it has ended, or is not ours to look at


def signal_pids(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
