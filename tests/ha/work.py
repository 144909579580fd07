# SPDX-License-Identifier: PostgreSQL
"""Real tasks on real agents. Each writes its id to a journal when it starts, so that one which was started
twice is found.

    work = Work(cell)
    task = work.place("a1", "while [ ! -e go ]; do sleep 0.1; done; exit 7")
    work.wait(20, task, "running")
    work.go(task)
"""

import contextlib
import json
import os
import uuid

from . import wait


class Work:
    def __init__(self, cell, name="work", failover_timeout_s=604800):
        self.cell, self.client = cell, cell.cluster.client("framework", deadline=2.0)
        self.journal_path = cell.lab.path("journal")
        with open(self.journal_path, "a", encoding="ascii"):
            os.chmod(self.journal_path, 0o666)
        self.placed = {}  # task id → agent name
        self.framework_id, self.epoch = self.client.call(
            "select framework_id, epoch from howdah.framework_register(name => %s, failover_timeout_s => %s)",
            (name, failover_timeout_s))[0]

    def claim(self, agent_name, shell="true", cpus=0.1, **fields):
        """One claim of one task: (task id or None, reason or None). fields: more of its spec."""
        agent = self.client.value("select agent_id from howdah.agents where name = %s", (agent_name,))
        key = str(uuid.uuid4())
        command = f'echo "$HOWDAH_TASK_ID" >>{self.journal_path}; {shell}'
        task = {"name": f"work-{key}", "agent": agent, "command": {"shell": command},
                "resources": {"cpus": cpus, "mem": 16}, **fields}
        return self.client.call(
            "select task_id, reason from howdah.claim(framework_id => %s, epoch => %s, claim_key => %s,"
            " tasks => %s)", (self.framework_id, self.epoch, key, json.dumps([task])))[0]

    def place(self, agent_name, shell="true", cpus=0.1, **fields):
        task, reason = self.claim(agent_name, shell, cpus, **fields)
        if task is None:
            raise AssertionError(f"no task on {agent_name}: {reason}")
        self.placed[task] = agent_name
        return task

    def field(self, task, column="state"):
        return self.client.value(f"select {column} from howdah.tasks where task_id = %s", (task,))

    def wait(self, seconds, task, *states):
        """Until it is in one of the states; which one. Names the state it is in when it does not come."""
        with contextlib.suppress(wait.NotWithin):
            return wait.until(seconds, "", lambda: next(
                (state for state in (self.field(task),) if state in states), None), every=0.1)
        row = self.client.call("select state, reason, message from howdah.tasks where task_id = %s", (task,))
        raise wait.NotWithin(f"not within {seconds} s: task {task} is {' or '.join(states)}; it is {row}")

    def sandbox(self, task):
        return self.cell.lab.path("agents", self.placed[task], "sandboxes", task)

    def go(self, task):
        """What a task that loops until there is a file `go` waits for."""
        with open(os.path.join(self.sandbox(task), "go"), "w", encoding="ascii"):
            pass

    def pids(self, task):
        """The processes of a task on this machine, by their mark, the oldest first."""
        found, mark = [], f"HOWDAH_TASK_ID={task}".encode()
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                        found.append((int(stat.read().rsplit(")", 1)[1].split()[19]), int(name)))
        return [pid for _, pid in sorted(found)]

    def started(self):
        """Task ids in the order of their starts."""
        with open(self.journal_path, encoding="ascii") as file:
            return file.read().split()

    def started_twice(self):
        ids = self.started()
        return sorted({task for task in ids if ids.count(task) > 1})

    def history(self, task):
        """Its states in order, as the events have them."""
        rows = self.client.call("select to_state from howdah.events where object_id = %s order by at, event_id",
                                (task,))
        return [row[0] for row in rows]
