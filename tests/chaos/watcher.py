#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Looks on during a run, and lies.

    watcher.py --dir DIR --seed N --agent CONNINFO [--agent CONNINFO]... CONNINFO...

In turn: asks howdah.audit() (log/audit.jsonl), and makes calls with epochs that have passed, as a former
leader, agent or framework would (log/ghost.jsonl). Every one of those must be refused; what they ask for
would do harm if it were done."""

import argparse
import json
import random
import signal
import sys
import time
import uuid

from client import Answered, Client, Lost
from journal import Journal

PAUSE_S = 0.3
CHORES = ("offers_expire", "agents_expire", "tasks_expire", "frameworks_expire", "offers_make",
          "wakeups_send", "stats_roll", "history_roll")


class Watcher:
    def __init__(self, options):
        self.random = random.Random(f"{options.seed}/watcher")
        self.audit_log = Journal(f"{options.dir}/log/audit.jsonl")
        self.ghost_log = Journal(f"{options.dir}/log/ghost.jsonl")
        self.client = Client(options.conninfo, "watcher")
        self.as_agent = Client(options.agent, "watcher")
        self.ending = False

    def audit(self):
        began = time.monotonic()
        rows = self.client.call("select * from howdah.audit()")
        self.audit_log.write("audit", rows=rows, took_s=round(time.monotonic() - began, 3))

    # ---- ghosts ----

    def leader(self):
        epoch = self.client.value("select epoch from howdah.leader")
        if epoch > 0:
            chore = self.random.choice(CHORES)
            self.lie("leader", f"select howdah.{chore}(%s)", epoch - 1)

    def agent(self):
        """A former incarnation says that what runs has failed."""
        rows = self.client.call(
            "select a.agent_id::text, a.epoch, t.task_id::text from howdah.agents a"
            " join howdah.tasks t on t.agent_id = a.agent_id and t.live"
            " where a.epoch > 1 and t.state = 'running' limit 5")
        if rows:
            agent, epoch, task = self.random.choice(rows)
            report = {"seq": 10**9, "running": [], "updates": [
                {"task_id": task, "state": "failed", "reason": "ghost", "exit_code": 99}]}
            self.lie("agent", "select howdah.agent_sync(%s, %s, %s)", agent, epoch - 1,
                     json.dumps(report), client=self.as_agent)

    def framework(self):
        rows = self.client.call("select framework_id::text, epoch from howdah.frameworks"
                                " where epoch > 1 and state <> 'completed'")
        place = self.client.call("select agent_id::text from howdah.cell limit 1")
        if not rows or not place:
            return
        framework, epoch = self.random.choice(rows)
        if self.random.random() < 0.5:
            self.lie("framework", "select count(*) from howdah.task_kill(%s, %s, array(select task_id"
                     " from howdah.tasks where framework_id = %s and live))", framework, epoch - 1,
                     framework)
            return
        specs = json.dumps([{"name": "ghost", "agent": place[0][0], "resources": {"cpus": 0.1},
                             "command": {"shell": "true"}}])
        self.lie("framework", "select count(*) from howdah.claim(%s, %s, %s, %s)", framework, epoch - 1,
                 str(uuid.UUID(int=self.random.getrandbits(128), version=4)), specs)

    def lie(self, who, sql, *parameters, client=None):
        """Rolled back whatever it answers: what was wrongly allowed must not spoil the run, too."""
        client = client or self.client
        client.call("begin")
        try:
            rows = client.call(sql, *parameters)
            self.ghost_log.write("allowed", who=who, sql=sql, parameters=parameters, rows=rows)
        except Answered as error:
            self.ghost_log.write("refused", who=who, code=error.code, text=str(error)[:200])
        client.call("rollback")

    def run(self):
        while not self.ending:
            try:
                self.audit()
                getattr(self, self.random.choice(["leader", "agent", "framework"]))()
            except (Lost, Answered):
                self.client.close()
                self.as_agent.close()
            time.sleep(PAUSE_S)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--agent", action="append", required=True)
    parser.add_argument("conninfo", nargs="+")
    watcher = Watcher(parser.parse_args())

    def stop(*_):
        watcher.ending = True

    signal.signal(signal.SIGTERM, stop)
    watcher.run()


if __name__ == "__main__":
    sys.exit(main())
