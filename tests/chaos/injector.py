# SPDX-License-Identifier: PostgreSQL
"""Carries a schedule out: each fault at its time, in a thread of its own, undone after its duration."""

import collections
import threading
import time

import psycopg2

from client import Answered, Lost
from faults import FAULTS, Skipped, Unable
from journal import Journal
from kinds import KINDS

READY_S = 90            # for the database to come back after a fault


class Injector:
    def __init__(self, cell, schedule):
        self.cell, self.schedule = cell, schedule
        self.journal = Journal(f"{cell.folder}/log/faults.jsonl")
        self.done, self.skipped = collections.Counter(), collections.Counter()
        self.missed = collections.Counter()         # skipped, though this machine can do it
        self.problems, self.threads, self.database_threads = [], [], []
        self.recovered_s = []           # from the end of a fault of the database to its first write

    def run(self):
        began, late = time.monotonic(), 0.0
        for fault in self.schedule:
            time.sleep(max(0.0, began + late + fault.at - time.monotonic()))
            if KINDS[fault.kind].database:
                # One at a time: what took longer than planned moves all that follows.
                before = time.monotonic()
                self.join(self.database_threads)
                late += time.monotonic() - before
            thread = threading.Thread(target=self.carry_out, args=(fault,), daemon=True)
            thread.start()
            self.threads.append(thread)
            if KINDS[fault.kind].database:
                self.database_threads = [thread]
        self.join(self.threads)
        self.database_wait()

    def never_hit(self):
        """Kinds that were tried and never found anybody: then it is the fault that is broken."""
        return [f"{kind} was tried {count} times and never hit anybody"
                for kind, count in self.missed.items() if count >= 3 and not self.done[kind]]

    @staticmethod
    def join(threads):
        for thread in threads:
            thread.join(2 * READY_S)

    def carry_out(self, fault):
        self.journal.write("begin", number=fault.number, fault=fault.kind, target=fault.target)
        try:
            undo = FAULTS[fault.kind](self.cell, fault)
            if undo is not None:
                time.sleep(fault.seconds)
                undo()
            self.done[fault.kind] += 1
            self.journal.write("end", number=fault.number, fault=fault.kind)
        except (Skipped, ProcessLookupError, Lost, Answered, psycopg2.Error) as error:
            self.skipped[fault.kind] += 1
            self.missed[fault.kind] += not isinstance(error, Unable)
            self.journal.write("skipped", number=fault.number, fault=fault.kind, why=str(error).strip())
        except Exception as error:  # pylint: disable=broad-except
            self.problems.append(f"fault {fault.number} {fault.kind}: {type(error).__name__}: {error}")
        if KINDS[fault.kind].database:
            self.database_wait()

    def database_wait(self):
        """Until it takes writes, and is as well as it was; it is started again if need be."""
        began = time.monotonic()
        while not self.cell.database_writes():
            away = time.monotonic() - began
            if away > READY_S:
                self.problems.append(f"the database takes no writes {READY_S} s after a fault")
                return
            if away >= self.cell.tier.revive_after_s:
                self.mend(self.cell.tier.revive)
            time.sleep(0.1)
        self.recovered_s.append(round(time.monotonic() - began, 2))
        self.mend(self.cell.tier.heal)

    def mend(self, how):
        """What goes wrong with it is for the record: whether the database came back is what counts."""
        try:
            how()
        except Exception as error:  # pylint: disable=broad-except
            self.journal.write("unmended", why=f"{type(error).__name__}: {error}")
