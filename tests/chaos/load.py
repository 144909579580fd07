#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""One framework under load: a process that may be killed, stopped and started again at any moment.

    load.py --name NAME --dir DIR --seed N --rate PER_SECOND CONNINFO...

Everything that it asks is written to DIR/log/NAME.INSTANCE.jsonl before it is sent, everything that it
is told after: kind "send", then "reply" (told), "error" (refused) or "lost" (the outcome is unknown). A
lost claim or kill is sent again, with the same key, until its outcome is known, if need be by the next
instance, which takes the framework over (the next epoch) and reads what the former ones have left open.

Once the file DIR/state/stop is there it asks for no new work, kills all but two of its endless tasks,
waits until nothing is open, every task has ended or runs and every update is acknowledged, and exits 0.
Exit 3: fenced."""

import argparse
import os
import random
import sys
import time
import uuid

import backlog
from client import Answered, Client, Lost
from journal import Journal
from work import Work, endless, specs_json

CLAIM = ("select ordinal, name, task_id::text, agent_id::text, committed, reason, resource,"
         " wanted::float8, free::float8, message, replayed from howdah.claim(%s, %s, %s, %s,"
         " mode => %s, conflict => %s, dry_run => %s) order by ordinal")
HANDLE = ("with handled as (insert into chaos.handled (update_id, framework_id, task_id, state)"
          " select * from unnest(%s::bigint[], %s::uuid[], %s::uuid[], %s::text[])"
          " on conflict do nothing returning update_id)"
          " select howdah.update_acknowledge(%s, %s, (select array_agg(update_id) from handled))")
PENDING = ("select update_id, task_id::text, state from howdah.updates_pending(%s, %s,"
           " max_updates => %s)")
ENDED = {"finished", "failed", "killed", "error", "lost", "dropped", "gone", "gone_by_operator"}
RETRY = ("HW040", "25006", "40001", "40P01", "55P03", "57014", "53100", "53300", "HW019")
FENCED = "HW060"
HEARTBEAT_S = 0.5


class Fenced(Exception):
    """A newer instance has taken over."""


class Framework:
    def __init__(self, options):
        self.name, self.folder = options.name, options.dir
        instance = backlog.instance_next(self.folder, self.name)
        self.log = Journal(f"{self.folder}/log/{self.name}.{instance}.jsonl")
        self.prefix = f"{self.name}.{instance}"
        self.random = random.Random(f"{options.seed}/{self.prefix}")
        self.work = Work(self.random, self.prefix, f"{self.folder}/starts")
        self.client = Client(options.conninfo, self.prefix, deadline_s=2.0)
        self.pause_s = 1.0 / options.rate
        self.framework_id, self.epoch = None, 0
        self.calls = 0
        self.open = []              # (method, arguments) of calls whose outcome is not known
        self.tasks = {}             # live tasks: id -> state
        self.cell, self.cell_at, self.heartbeat_at = [], 0.0, 0.0
        self.sent = []              # claims with an answer, to be repeated

    # ---- calls: each is written down before and after ----

    def ask(self, op, sql, *parameters, call=None, **facts):
        """Rows. `call` names the request over all its repetitions. Raises Lost or Answered."""
        self.calls += 1
        call = call or f"{self.prefix}/{self.calls}"
        self.log.write("send", op=op, call=call, framework=self.framework_id, epoch=self.epoch, **facts)
        try:
            rows = self.client.call(sql, *parameters)
        except Lost as error:
            self.log.write("lost", op=op, call=call, text=str(error)[:200])
            raise
        except Answered as error:
            self.log.write("error", op=op, call=call, code=error.code, text=str(error)[:300])
            if error.code == FENCED:
                raise Fenced() from error
            raise
        self.log.write("reply", op=op, call=call, epoch=self.epoch, rows=rows)
        return rows

    # ---- life ----

    def register(self):
        """Take the framework over that a former instance has registered, or make it."""
        known = backlog.framework_known(self.folder, self.name)
        rows = self.ask("register", "select framework_id::text, epoch from howdah.framework_register("
                        "name => %s, framework_id => %s, key => %s)", self.name, known,
                        None if known else backlog.framework_key(self.folder, self.name), known=known)
        self.framework_id, self.epoch = rows[0]
        backlog.framework_note(self.folder, self.name, self.framework_id)
        self.open = backlog.open_calls(self.folder, self.name, self.framework_id)
        self.reconcile()

    def reconcile(self):
        rows = self.ask("reconcile", "select task_id::text, name, state from"
                        " howdah.tasks_reconcile(%s, %s)", self.framework_id, self.epoch)
        self.tasks = {row[0]: row[2] for row in rows if row[2] not in ENDED}

    def heartbeat(self):
        if time.monotonic() > self.heartbeat_at:
            self.ask("heartbeat", "select howdah.framework_heartbeat(%s, %s)", self.framework_id,
                     self.epoch)
            self.heartbeat_at = time.monotonic() + HEARTBEAT_S

    def fail_over(self):
        """The same process as its own successor."""
        self.register()

    # ---- claims ----

    def agents(self):
        if time.monotonic() > self.cell_at:
            self.cell = self.ask("cell", "select agent_id::text, version from howdah.cell")
            self.cell_at = time.monotonic() + 0.7
        return self.cell

    def claim_send(self, key, specs, mode, conflict, dry_run):
        rows = self.ask("claim", CLAIM, self.framework_id, self.epoch, key, specs_json(specs), mode,
                        conflict, dry_run, call=key, mode=mode, conflict=conflict, dry_run=dry_run,
                        tasks=specs)
        if not dry_run:
            self.sent = (self.sent + [(key, specs, mode, conflict)])[-20:]
            for row in rows:
                if row[4] and not row[10]:
                    self.tasks[row[2]] = "staging"

    def claim(self, specs, mode="all", conflict="fit", dry_run=False):
        if specs:
            key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
            self.surely(self.claim_send, key, specs, mode, conflict, dry_run)

    def places(self, count, version=False):
        agents = self.agents()
        for _ in range(count if agents else 0):
            agent, seen = self.random.choice(agents)
            yield {"agent": agent, "version": seen} if version else {"agent": agent}

    def claim_one(self):
        self.claim([self.work.spec(p) for p in self.places(1)])

    def claim_gang(self):
        self.claim([self.work.spec(p) for p in self.places(self.random.randint(2, 6))])

    def claim_any(self):
        self.claim([self.work.spec(p) for p in self.places(self.random.randint(2, 6))], mode="any")

    def claim_version(self):
        self.claim([self.work.spec(p) for p in self.places(self.random.randint(1, 3), version=True)],
                   mode=self.random.choice(["all", "any"]), conflict="version")

    def claim_dry(self):
        self.claim([self.work.spec(p) for p in self.places(2)], dry_run=True)

    def claim_offer(self):
        offers = self.ask("offers", "select offer_id::text from howdah.offers_since(%s, %s, 0)"
                          " where state = 'outstanding'", self.framework_id, self.epoch)
        picked = self.random.sample(offers, min(len(offers), self.random.randint(1, 2)))
        if picked and self.random.random() < 0.2:
            self.ask("decline", "select howdah.offer_decline(%s, %s, %s::uuid[], 0.5)",
                     self.framework_id, self.epoch, [row[0] for row in picked])
        else:
            self.claim([self.work.spec({"offer": row[0]}) for row in picked],
                       mode=self.random.choice(["all", "any"]))

    def claim_again(self):
        if self.sent:
            key, specs, mode, conflict = self.random.choice(self.sent)
            self.surely(self.claim_send, key, specs, mode, conflict, False)

    # ---- kills, updates ----

    def kill_send(self, call, tasks):
        self.ask("kill", "select task_id::text, state, known from howdah.task_kill(%s, %s,"
                 " %s::uuid[])", self.framework_id, self.epoch, tasks, call=call, tasks=tasks)

    def kill(self, tasks=None):
        live = sorted(self.tasks)
        tasks = tasks or self.random.sample(live, min(len(live), self.random.randint(1, 3)))
        if tasks:
            self.calls += 1
            self.surely(self.kill_send, f"{self.prefix}/{self.calls}", tasks)

    def updates(self):
        """Take updates and note them in a table of our own, in one transaction with the
        acknowledgement: each is handled once, also when a lost try is still on its way."""
        rows = self.ask("updates", PENDING, self.framework_id, self.epoch,
                        self.random.choice([1, 5, 50, 200]))
        if not rows:
            return
        ids, tasks, states = (list(column) for column in zip(*rows))
        self.ask("acknowledge", HANDLE, ids, [self.framework_id] * len(ids), tasks, states,
                 self.framework_id, self.epoch, updates=rows)
        for task, state in zip(tasks, states):
            if state in ENDED:
                self.tasks.pop(task, None)

    # ---- the loop ----

    def surely(self, method, *arguments):
        """Do it; keep it open while its outcome is unknown."""
        try:
            method(*arguments)
        except Lost:
            self.open.append((method.__name__, arguments))
            raise
        except Answered as error:
            if error.code in RETRY:
                self.open.append((method.__name__, arguments))
            raise

    def open_again(self):
        while self.open:
            method, arguments = self.open[0]
            getattr(self, method)(*arguments)
            self.open.pop(0)

    OPERATIONS = [(30, "claim_one"), (10, "claim_gang"), (8, "claim_any"), (6, "claim_version"),
                  (10, "claim_offer"), (3, "claim_dry"), (4, "claim_again"), (7, "kill"),
                  (30, "updates"), (2, "reconcile"), (1, "fail_over")]

    def stopping(self):
        return os.path.exists(f"{self.folder}/state/stop")

    def step(self):
        if self.epoch == 0:
            self.register()
        self.heartbeat()
        self.open_again()
        if not self.stopping():
            names = [name for _, name in self.OPERATIONS]
            weights = [weight for weight, _ in self.OPERATIONS]
            getattr(self, self.random.choices(names, weights)[0])()
            return False
        return self.wind_down()

    def wind_down(self):
        """One round of it; True when nothing is left to wait for."""
        self.updates()
        rows = self.ask("reconcile", "select task_id::text, name, state from"
                        " howdah.tasks_reconcile(%s, %s)", self.framework_id, self.epoch)
        left = [row for row in rows if row[2] not in ENDED]
        self.tasks = {row[0]: row[2] for row in left}
        forever = [row[0] for row in left if endless(row[1]) and row[2] == "running"]
        if len(forever) > 2:
            self.kill(forever[2:])
        waiting = self.ask("updates", PENDING, self.framework_id, self.epoch, 1)
        return not waiting and all(endless(row[1]) and row[2] == "running" for row in left)

    def run(self):
        backoff = 0.05
        while True:
            pause = self.pause_s * self.random.uniform(0.5, 1.5)
            try:
                if self.step():
                    self.log.write("end")
                    return 0
                backoff = 0.05
            except Fenced:
                self.log.write("fenced")
                return 3
            except (Lost, Answered):
                pause = backoff * self.random.uniform(0.5, 1)
                backoff = min(backoff * 2, 1.0)
            time.sleep(0.05 if self.stopping() else pause)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--rate", type=float, default=8)
    parser.add_argument("conninfo", nargs="+")
    options = parser.parse_args()
    os.umask(0o022)
    return Framework(options).run()


if __name__ == "__main__":
    sys.exit(main())
