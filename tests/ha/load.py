# SPDX-License-Identifier: PostgreSQL
"""Load that remembers what was acknowledged, and the comparison with the database afterwards.

    agent = AgentLoad(cluster, "books")          # an agent in SQL only: reports each task's end
    claims = ClaimLoad(cluster, agent.name)      # a framework in SQL only: claims, one task each
    agent.start(); claims.start()
    …faults…
    claims.stop(); agent.stop()
    violations(cluster, [claims], [agent])       # [] when nothing that was acknowledged is lost or doubled

Both repeat a call under the same key until its outcome is known, so every row they remember was
acknowledged, and the time of each is kept: gap() is the longest time without any.
"""

import json
import threading
import time
import uuid

import psycopg2

from .session import Lost, retriable


# No memory: frameworks that want to run something really do not come here.
CAPACITY = json.dumps({"cpus": 10 ** 6, "mem": 0, "disk": 0})


class Load(threading.Thread):
    """A loop of step() on a client of its own, from a host if one is given."""

    def __init__(self, cluster, login, host=None, every=0.01):
        super().__init__(daemon=True)
        self.host, self.every = host, every
        self.client = cluster.client(login)
        self.acknowledged = []  # (time.monotonic(), what)
        self.failure = None     # the exception that ended it
        self._ended = threading.Event()

    def prepare(self):
        """What must be done once before the first step."""

    def step(self):
        raise NotImplementedError

    def run(self):
        try:
            if self.host is None:
                self._loop()
            else:
                with self.host.entered():
                    self._loop()
        except Exception as error:
            self.failure = error

    def _loop(self):
        self.patiently(self.prepare)
        while not self._ended.wait(self.every):
            self.patiently(self.step)
        self.client.close()

    def patiently(self, call):
        """Repeats call while the database is away; for as long as the load runs."""
        while not self._ended.is_set():
            try:
                return call()
            except Lost:
                pass
            except psycopg2.Error as error:
                if not retriable(error):
                    raise
            time.sleep(0.05)
        return None

    def remember(self, what):
        self.acknowledged.append((time.monotonic(), what))

    def count(self):
        return len(self.acknowledged)

    def gap(self, since=0.0):
        """The longest time between two acknowledgements after since, in seconds."""
        times = [at for at, _ in self.acknowledged if at >= since]
        return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))

    def first_after(self, moment):
        """When the first acknowledgement after moment came, or None."""
        return next((at for at, _ in self.acknowledged if at > moment), None)

    def stop(self):
        """Ends the loop after the step in progress; raises what had ended it before."""
        self._ended.set()
        self.join(60)
        if self.failure:
            raise self.failure


class ClaimLoad(Load):
    """Registers a framework and claims one task after the other on the agent of that name."""

    def __init__(self, cluster, agent_name, name="claims", host=None, every=0.01):
        super().__init__(cluster, "framework", host, every)
        self.name_in_cell, self.agent_name = name, agent_name
        self.framework_id = self.epoch = self.agent_id = None
        self.refused = []

    def prepare(self):
        self.agent_id = self.client.value("select agent_id from howdah.agents where name = %s",
                                          (self.agent_name,))
        if self.agent_id is None:
            raise Lost("the agent has not registered yet")
        if self.framework_id is None:
            self.framework_id, self.epoch = self.client.call(
                "select framework_id, epoch from howdah.framework_register(name => %s)",
                (self.name_in_cell,))[0]

    def step(self):
        key = str(uuid.uuid4())
        task = {"name": f"task-{key}", "agent": self.agent_id, "command": {"shell": "true"},
                "resources": {"cpus": 0.001}}
        rows = self.patiently(lambda: self.client.try_once(
            "select task_id, committed, reason from howdah.claim(framework_id => %s, epoch => %s,"
            " claim_key => %s, tasks => %s)", (self.framework_id, self.epoch, key, json.dumps([task]))))
        for task_id, committed, reason in rows or ():
            if committed:
                self.remember((key, task_id))
            else:
                self.refused.append(reason)


class AgentLoad(Load):
    """An agent without a machine: takes what it is given and reports each task as run and finished."""

    def __init__(self, cluster, name="books", host=None, every=0.1):
        super().__init__(cluster, "agent", host, every)
        self.agent_name = name
        self.agent_id = self.epoch = None
        self.sequence, self.launched = 0, []

    def prepare(self):
        self.agent_id, self.epoch = self.client.call(
            "select agent_id, epoch from howdah.agent_register(name => %s, host => %s, resources => %s,"
            " agent_id => %s)",
            (self.agent_name, self.agent_name, CAPACITY, self.agent_id))[0]

    def step(self):
        ended, updates = self.launched, []
        for task_id in ended:
            updates += [{"task_id": task_id, "state": "running"},
                        {"task_id": task_id, "state": "finished", "reason": "command_exited", "exit_code": 0}]
        self.sequence += 1
        report = {"seq": self.sequence, "updates": updates, "running": []}
        answer = self.client.try_once("select howdah.agent_sync(%s, %s, %s)",
                                      (self.agent_id, self.epoch, json.dumps(report)))[0][0]
        for task_id in ended:
            self.remember((task_id, "finished"))
        self.launched = [task["task_id"] for task in answer.get("launch", ())]


def violations(cluster, claim_loads, agent_loads):
    """What the database does not know although it was acknowledged, what it knows twice, and whatever
    the audit finds; [] when all is well."""
    client = cluster.client("admin", deadline=60.0)
    states, doubled = {}, []
    for task_id, state, key in client.call("select task_id, state, claim_key from howdah.tasks"):
        states[task_id] = (state, key)
    for key, tasks in client.call("select claim_key, count(*) from howdah.tasks group by 1 having count(*) > 1"):
        doubled.append(f"claim {key} made {tasks} tasks")
    lost = [f"claim {key}: its task {task_id} is unknown" for load in claim_loads
            for _, (key, task_id) in load.acknowledged if states.get(task_id, (0, 0))[1] != key]
    lost += [f"task {task_id}: reported as {state}, is {states.get(task_id)}" for load in agent_loads
             for _, (task_id, state) in load.acknowledged if states.get(task_id, (0, 0))[0] != state]
    audit = [f"audit: {row}" for row in client.call("select * from howdah.audit()")]
    client.close()
    return lost + doubled + audit
