#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Many clients at once, all invariants all the time.

    stress.py --db CONNINFO [--seed N] [--seconds S] [--trace]

Eight connections work on one small cell: four schedulers (claims of every kind, kills, declines,
acknowledgements, fail-over, teardown), two that play the agents (random outcomes, late reports, new
incarnations), two coordinators that take the lease from each other and run the chores. A ninth one
asks howdah.audit() without a pause and plays the operator. The cell is small and names are few, so
that most things that can collide do.

What must hold, else the run fails:
  - audit() has no row, at any time;
  - no call fails but with the errors that its row in a table of operations allows: no deadlock, no
    violated constraint, no call that hangs;
  - one claim key has one answer, whoever repeats it and when;
  - every claim that was answered is found in the end as it was answered, and nothing is left of one
    that failed or was rolled back;
  - no claim commits with an epoch that was fenced before the claim began;
  - each task's events are one unbroken path with at most one end; no update is acknowledged twice;
  - the books are the sum of the live tasks, by a computation of this script's own, and are empty when
    all tasks have ended.

The seed (default: STRESS_SEED, else taken from the clock) is printed. It fixes which operations each
client does in which order. Their details are drawn from it, too, but from what the client finds; and
when clients meet is up to the machine. STRESS_SECONDS or --seconds bounds the run (15)."""

import argparse
import collections
import itertools
import json
import os
import random
import sys
import threading
import time
import uuid

import psycopg2

AGENTS = ["a1", "a2", "a3", "a4"]
FRAMEWORKS = ["f1", "f2", "f3"]
NAMES = 40           # task names per framework: few, so that they collide
KINDS = ("cpus", "mem", "disk", "gpus")
TERMINAL = {"finished", "failed", "killed", "error", "lost", "dropped", "gone", "gone_by_operator"}

STALE = {"HW060"}                       # fenced
GONE = STALE | {"HW010", "HW011"}       # framework over
RACE = {"HW040"}                        # lost a race, may be repeated


class World:
    """What the clients share: who is registered under which epoch, and what was answered."""

    def __init__(self, seed):
        self.seed = seed
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.problems = []
        self.calls = collections.Counter()
        self.errors = collections.Counter()
        self.frameworks = {}            # name -> (id, epoch)
        self.agents = {}                # name -> Agent
        self.answers = {}               # (framework id, key) -> [(name, task id or None, agent id)]
        self.void = set()               # (framework id, key) whose transaction did not commit
        self.fences = []                # (framework id, epoch, when fail-over had returned)
        self.acknowledged = collections.Counter()
        self.shared = itertools.count()
        self.quiet = {}                 # name of an agent or framework -> silent until then

    def is_quiet(self, name):
        return time.monotonic() < self.quiet.get(name, 0)

    def problem(self, text):
        with self.lock:
            self.problems.append(text)
        self.stop.set()

    def framework(self, name):
        with self.lock:
            return self.frameworks[name]

    def answered(self, framework, epoch, key, began, rows):
        """Take a committed answer; compare it with what others were told under the key."""
        got = [(r[1], r[2], r[3]) for r in rows]
        with self.lock:
            known = self.answers.setdefault((framework, key), got)
            fenced = [f for f in self.fences
                      if f[0] == framework and f[1] > epoch and f[2] < began]
        if [g[:2] for g in known] != [g[:2] for g in got]:
            self.problem(f"claim key {key}: answered {known}, then {got}")
        if fenced and any(not r[10] for r in rows):
            self.problem(f"claim key {key}: committed with epoch {epoch}, fenced by {fenced[0][1]}")


class Agent:
    """The machine's side of one agent: its incarnation and the tasks it holds."""

    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()
        self.agent_id, self.epoch, self.seq = None, 0, 0
        self.tasks = {}                 # task id -> state that it was last reported in


class Client(threading.Thread):
    """One connection that draws operations from a table: (weight, method, SQLSTATEs it may raise)."""

    def __init__(self, world, name, db, trace):
        super().__init__(name=name, daemon=True)
        self.world, self.trace = world, trace
        self.order = random.Random(f"{world.seed}/{name}/order")    # which operation comes next
        self.random = random.Random(f"{world.seed}/{name}/details")
        self.conn = psycopg2.connect(db, options="-c statement_timeout=30s")
        self.conn.autocommit = True
        self.cursor = self.conn.cursor()

    def call(self, query, *args):
        self.cursor.execute(query, args)
        return self.cursor.fetchall() if self.cursor.description else []

    def value(self, query, *args):
        return self.call(query, *args)[0][0]

    def allowed(self, name, code):
        return code in next(o[2] for o in self.OPERATIONS if o[1] == name)

    def step(self):
        name = self.order.choices([o[1] for o in self.OPERATIONS],
                                  [o[0] for o in self.OPERATIONS])[0]
        if self.trace:
            sys.stdout.write(f"{self.name} {name}\n")     # one write: lines stay whole
        try:
            getattr(self, name)()
            self.world.calls[name] += 1
        except psycopg2.Error as e:
            if not self.conn.autocommit:
                self.conn.rollback()
                self.conn.autocommit = True
            self.world.errors[f"{name} {e.pgcode}"] += 1
            if not self.allowed(name, e.pgcode):
                self.world.problem(f"{self.name}: {name}: {e.pgcode}: {e}")

    def run(self):
        try:
            while not self.world.stop.is_set():
                self.step()
        except Exception as e:  # pylint: disable=broad-except
            self.world.problem(f"{self.name}: {type(e).__name__}: {e}")


# --- schedulers ---------------------------------------------------------------------------------

class Scheduler(Client):
    """Works for all frameworks in turn, as their many schedulers do."""

    CLAIM = ("select ordinal, name, task_id, agent_id, committed, reason, resource, wanted, free,"
             " message, replayed from howdah.claim(%s, %s, %s, %s, mode => %s, conflict => %s,"
             " revocable => %s, dry_run => %s) order by ordinal")

    def __init__(self, *args):
        super().__init__(*args)
        self.sent = collections.deque(maxlen=50)     # own claims, to be repeated

    def place(self, rng):
        return {"agent": self.world.agents[rng.choice(AGENTS)].agent_id}

    def spec(self, rng, place=None, odd=0.3):
        resources = {"cpus": rng.choice([0.25, 0.5, 1, 2]), "mem": rng.choice([0, 64, 256])}
        if rng.random() < odd:
            resources["cpus"] = rng.choice([0, 0.125])
            resources.update(rng.choice([
                {"ports": 2}, {"ports": [[31000 + (p := rng.randrange(30)), 31001 + p]]},
                {"sets": {"gpu": 1}}, {"sets": {"gpu": [str(rng.randrange(4))]}},
                {"scalars": {"lic": rng.choice([1, 0.5])}}, {"disk": 100, "gpus": 1},
                {"ports": 1, "sets": {"gpu": 1}, "scalars": {"lic": 1}}]))
        return {"name": f"t{rng.randrange(NAMES)}", "resources": resources,
                "command": {"shell": "true"}, **(place or self.place(rng))}

    def claim_send(self, framework, key, specs, mode="all", conflict="fit", revocable=False,
                   dry_run=False):
        fid, epoch = framework
        began = time.monotonic()
        try:
            rows = self.call(self.CLAIM, fid, epoch, key, json.dumps(specs), mode, conflict,
                             revocable, dry_run)
        except psycopg2.Error as e:
            if e.pgcode != "HW017":
                with self.world.lock:
                    self.world.void.add((fid, key))
            raise
        return began, rows

    def claim_do(self, specs, **how):
        name = self.random.choice(FRAMEWORKS)
        framework = self.world.framework(name)
        key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        began, rows = self.claim_send(framework, key, specs, **how)
        self.world.answered(*framework, key, began, rows)
        self.sent.append((name, framework[0], key, specs, how))
        if how.get("mode", "all") == "all" and len({r[4] for r in rows}) > 1:
            self.world.problem(f"claim {key}: a gang was committed in part")

    def claim_single(self):
        self.claim_do([self.spec(self.random, odd=0)], revocable=self.random.random() < 0.2)

    def claim_odd(self):
        self.claim_do([self.spec(self.random, odd=1)], revocable=self.random.random() < 0.2)

    def claim_gang(self):
        odd = self.random.choice([0, 0.5])
        self.claim_do([self.spec(self.random, odd=odd) for _ in range(self.random.randint(2, 6))],
                      revocable=self.random.random() < 0.2)

    def claim_any(self):
        self.claim_do([self.spec(self.random) for _ in range(self.random.randint(2, 6))],
                      mode="any")

    def claim_version(self):
        name = self.random.choice(AGENTS)
        seen = self.call("select agent_id::text, version from howdah.cell where name = %s", name)
        if seen:
            place = {"agent": seen[0][0], "version": seen[0][1]}
            self.claim_do([self.spec(self.random, place, odd=0.2)
                           for _ in range(self.random.randint(1, 2))], conflict="version")

    def claim_offer(self):
        framework = self.world.framework(self.random.choice(FRAMEWORKS))
        offers = self.call("select offer_id::text from howdah.offers_since(%s, %s, 0)", *framework)
        picked = self.random.sample(offers, min(len(offers), self.random.randint(1, 3)))
        specs = [self.spec(self.random, {"offer": o[0]}, odd=0.2) for o in picked]
        if specs:
            key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
            began, rows = self.claim_send(framework, key, specs,
                                          mode=self.random.choice(["all", "any"]))
            self.world.answered(*framework, key, began, rows)

    def sent_pick(self):
        """An own claim with the present epoch of its framework, if that one still is."""
        if self.sent:
            name, fid, key, specs, how = self.random.choice(self.sent)
            framework = self.world.framework(name)
            if framework[0] == fid:
                return framework, key, specs, how
        return None

    def claim_repeat(self):
        if picked := self.sent_pick():
            framework, key, specs, how = picked
            began, rows = self.claim_send(framework, key, specs, **how)
            self.world.answered(*framework, key, began, rows)
            if not all(r[10] for r in rows):
                self.world.problem(f"claim {key}: repeated and not replayed")

    def claim_other_body(self):
        if picked := self.sent_pick():
            framework, key, specs, how = picked
            self.claim_send(framework, key, specs + [self.spec(self.random)], **how)
            self.world.problem(f"claim {key}: taken with another body")

    def claim_shared(self):
        """One key and body, sent by several clients at about the same time."""
        number = next(self.world.shared) // 4
        rng = random.Random(f"{self.world.seed}/shared/{number}")
        framework = self.world.framework(rng.choice(FRAMEWORKS))
        key = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        odd = rng.choice([0, 1])
        specs = [self.spec(rng, odd=odd) for _ in range(rng.randint(1, 3))]
        fid, epoch = framework
        began = time.monotonic()
        rows = self.call(self.CLAIM, fid, epoch, key, json.dumps(specs), "all", "fit", False, False)
        self.world.answered(fid, epoch, key, began, rows)

    def claim_dry(self):
        framework = self.world.framework(self.random.choice(FRAMEWORKS))
        key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.claim_send(framework, key, [self.spec(self.random) for _ in range(3)], dry_run=True)
        with self.world.lock:
            self.world.void.add((framework[0], key))

    def compose(self):
        """Claim, kill and acknowledge in a transaction of the framework's own."""
        fid, epoch = framework = self.world.framework(self.random.choice(FRAMEWORKS))
        key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        keep = self.random.random() < 0.5
        self.conn.autocommit = False
        began, rows = self.claim_send(framework, key, [self.spec(self.random)])
        try:
            self.kill_some(framework, 2)
            counted = self.acknowledge_some(framework, 5)
            if keep:
                self.conn.commit()
            else:
                self.conn.rollback()
        except psycopg2.Error:
            with self.world.lock:
                self.world.void.add((fid, key))
            raise
        self.conn.autocommit = True
        if keep:
            self.world.answered(fid, epoch, key, began, rows)
            self.world.acknowledged.update(counted)
        else:
            with self.world.lock:
                self.world.void.add((fid, key))

    def kill_some(self, framework, count):
        ids = [r[0] for r in self.call(
            "select task_id::text from howdah.tasks where framework_id = %s and live"
            " order by md5(task_id::text || %s) limit %s",
            framework[0], str(self.random.random()), count)]
        self.call("select * from howdah.task_kill(%s, %s, %s::uuid[], %s)", *framework, ids,
                  self.random.choice([None, 0, 7]))

    def kill(self):
        self.kill_some(self.world.framework(self.random.choice(FRAMEWORKS)),
                       self.random.randint(1, 5))

    def acknowledge_some(self, framework, count):
        """Returns the ids that were really acknowledged by this call, as far as it is known."""
        ids = [r[0] for r in self.call(
            "select update_id from howdah.updates_pending(%s, %s, max_updates => %s)",
            *framework, count)]
        self.random.shuffle(ids)
        counted = self.value("select howdah.update_acknowledge(%s, %s, %s::bigint[])", *framework,
                             ids)
        return [(framework[0], i) for i in ids] if counted == len(ids) else []

    def acknowledge(self):
        framework = self.world.framework(self.random.choice(FRAMEWORKS))
        self.world.acknowledged.update(self.acknowledge_some(framework, 50))

    def decline(self):
        framework = self.world.framework(self.random.choice(FRAMEWORKS))
        offers = [r[0] for r in self.call("select offer_id::text from howdah.offers_since(%s, %s, 0)",
                                          *framework)]
        self.random.shuffle(offers)
        self.call("select howdah.offer_decline(%s, %s, %s::uuid[], %s)", *framework,
                  offers[:self.random.randint(1, 4)], self.random.choice([0, 0.05, 0.2]))

    def wishes(self):
        framework = self.world.framework(self.random.choice(FRAMEWORKS))
        call = self.random.choice(["framework_suppress", "framework_revive", "framework_revive",
                                   "filters_clear", "tasks_reconcile"])
        self.call(f"select * from howdah.{call}(%s, %s)", *framework)

    def heartbeat(self):
        name = self.random.choice(FRAMEWORKS)
        if not self.world.is_quiet(name):
            self.call("select howdah.framework_heartbeat(%s, %s)", *self.world.framework(name))

    def hush(self):
        """A framework falls silent, although its calls go on."""
        self.world.quiet[self.random.choice(FRAMEWORKS)] = time.monotonic() + 5

    def fail_over(self):
        name = self.random.choice(FRAMEWORKS)
        fid, _ = self.world.framework(name)
        epoch = self.value("select epoch from howdah.framework_register(%s, framework_id => %s)",
                           name, fid)
        with self.world.lock:
            self.world.fences.append((fid, epoch, time.monotonic()))
            if self.world.frameworks[name][0] == fid:
                self.world.frameworks[name] = (fid, max(epoch, self.world.frameworks[name][1]))

    def teardown(self):
        name = self.random.choice(FRAMEWORKS)
        old = self.world.framework(name)
        timeout = self.random.choice([0, 1, 604800])
        self.call("select howdah.framework_teardown(%s, %s)", *old)
        self.register(name, old, timeout)

    def register_again(self):
        """Some framework may have been ended for its silence: its scheduler starts a new one."""
        name = self.random.choice(FRAMEWORKS)
        old = self.world.framework(name)
        if self.call("select 1 from howdah.frameworks where framework_id = %s"
                     " and state = 'completed'", old[0]):
            self.register(name, old, 604800)

    def register(self, name, old, timeout):
        new = self.call("select framework_id::text, epoch from howdah.framework_register(%s,"
                        " failover_timeout_s => %s)", name, timeout)[0]
        with self.world.lock:
            if self.world.frameworks.get(name) == old:
                self.world.frameworks[name] = new

    OPERATIONS = [
        (30, "claim_single", GONE | RACE), (12, "claim_odd", GONE | RACE),
        (12, "claim_gang", GONE | RACE), (10, "claim_any", GONE | RACE),
        (8, "claim_version", GONE | RACE), (12, "claim_offer", GONE | RACE),
        (6, "claim_repeat", GONE | RACE), (2, "claim_other_body", GONE | RACE | {"HW017"}),
        (12, "claim_shared", GONE | RACE | {"HW017"}), (3, "claim_dry", GONE),
        (8, "compose", GONE | RACE), (8, "kill", GONE), (10, "acknowledge", GONE),
        (6, "decline", GONE), (4, "wishes", GONE), (4, "heartbeat", GONE), (0.2, "hush", set()),
        (1.5, "fail_over", GONE),
        (0.3, "teardown", GONE), (1, "register_again", set()),
    ]


# --- agents -------------------------------------------------------------------------------------

class Machine(Client):
    """Plays all agents; two machines do it at once, as an agent and its broken connection do."""

    NEXT = {"staging": ["starting", "running", "failed", "dropped", "error"],
            "starting": ["running", "running", "failed"],
            "running": ["finished", "finished", "failed"], "killing": ["killed"]}

    def report_make(self, agent):
        """Under the agent's lock: what happened since the last report."""
        agent.seq += 1
        updates = []
        for task, state in list(agent.tasks.items()):
            if self.random.random() < 0.5:
                state = self.random.choice(self.NEXT[state])
                updates.append({"task_id": task, "state": state, "exit_code": 0})
                if state in TERMINAL:
                    del agent.tasks[task]
                else:
                    agent.tasks[task] = state
        self.random.shuffle(updates)
        held = list(agent.tasks)
        if held and self.random.random() < 0.05:
            held.pop()                  # a task is gone from the machine
        return {"seq": agent.seq, "updates": updates, "running": held}

    def report_send(self, agent, epoch, report):
        answer = self.value("select howdah.agent_sync(%s, %s, %s)", agent.agent_id, epoch,
                            json.dumps(report))
        with agent.lock:
            for launch in answer["launch"]:
                agent.tasks.setdefault(launch["task_id"], "staging")
            for kill in answer["kill"]:
                if kill["task_id"] in agent.tasks:
                    agent.tasks[kill["task_id"]] = "killing"
            for task in answer["forget"]:
                agent.tasks.pop(task, None)

    def sync(self):
        agent = self.world.agents[self.random.choice(AGENTS)]
        if self.world.is_quiet(agent.name):
            time.sleep(0.01)
            return
        with agent.lock:
            epoch, report = agent.epoch, self.report_make(agent)
        self.report_send(agent, epoch, report)

    def hush(self):
        """An agent falls silent, if no other one is."""
        name = self.random.choice(AGENTS)
        if not any(self.world.is_quiet(a) for a in AGENTS):
            self.world.quiet[name] = time.monotonic() + 2

    def sync_late(self):
        """A report that is overtaken by the next one, and a repeated one."""
        agent = self.world.agents[self.random.choice(AGENTS)]
        if self.world.is_quiet(agent.name):
            time.sleep(0.01)
            return
        with agent.lock:
            epoch, late = agent.epoch, self.report_make(agent)
            report = self.report_make(agent)
        self.report_send(agent, epoch, report)
        self.report_send(agent, epoch, late)

    def restart(self):
        """A new incarnation; half of them after a reboot, without tasks."""
        agent = self.world.agents[self.random.choice(AGENTS)]
        self.register(agent, agent.agent_id, self.random.choice([6, 6, 5, 8]),
                      self.random.random() < 0.5)

    def register(self, agent, agent_id, cpus, reboot=True):
        capacity = {"cpus": cpus, "mem": 4096, "disk": 1000, "gpus": 2,
                    "ports": [[31000, 31031]], "sets": {"gpu": ["0", "1", "2", "3"]},
                    "scalars": {"lic": 3}}
        new_id, epoch = self.call("select agent_id::text, epoch from howdah.agent_register("
                                  "%s, 'here', %s, agent_id => %s)", agent.name,
                                  json.dumps(capacity), agent_id)[0]
        with agent.lock:
            if (new_id, epoch) != (agent.agent_id, agent.epoch) and (
                    new_id != agent.agent_id or epoch > agent.epoch):
                agent.agent_id, agent.epoch, agent.seq = new_id, epoch, 0
                if reboot:
                    agent.tasks.clear()

    def revive(self):
        """An agent that the operator removed comes back as a new one."""
        agent = self.world.agents[self.random.choice(AGENTS)]
        if self.call("select 1 from howdah.agents where agent_id = %s and state = 'gone'",
                     agent.agent_id):
            self.register(agent, None, 6)

    OPERATIONS = [
        (60, "sync", STALE), (10, "sync_late", STALE), (0.7, "hush", set()),
        (1.5, "restart", {"HW001", "HW012", "HW040"}),
        (8, "revive", {"HW001", "HW013", "HW040", "23505"}),
    ]


# --- coordinators and the operator -----------------------------------------------------------------

class Coordinator(Client):
    """Leads when it can, believes that it leads for longer than it does, and runs chores."""

    CHORES = ["offers_make", "offers_expire", "agents_expire", "tasks_expire", "frameworks_expire",
              "history_roll", "wakeups_send", "stats_roll"]

    def __init__(self, *args):
        super().__init__(*args)
        self.coordinator_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, self.name))
        self.epoch, self.leading = 0, False

    def acquire(self):
        self.leading, epoch = self.call(
            'select "leading", epoch from howdah.leader_acquire(%s, %s, %s)', self.coordinator_id,
            self.name, self.random.choices([100, 5000], [1, 300])[0])[0]
        if self.leading:
            self.epoch = epoch

    def chore(self):
        chore, stale = self.random.choice(self.CHORES), self.random.random() < 0.1
        if self.leading or stale:
            self.call(f"select howdah.{chore}(%s)", self.epoch)
        else:
            time.sleep(0.005)

    def resign(self):
        self.call("select howdah.leader_resign(%s, %s)", self.coordinator_id, self.epoch)

    OPERATIONS = [(20, "acquire", set()), (60, "chore", STALE), (0.1, "resign", set())]


class Operator(Client):
    """Audits, and now and then interferes."""

    def audit(self):
        found = self.call("select * from howdah.audit()")
        if found:
            self.world.problem(f"audit: {found[:5]}")

    def settings(self):
        self.call("select howdah.setting_set('overlap', %s)",
                  self.random.choice(["1", "2", "unlimited"]))

    def kill(self):
        ids = [r[0] for r in self.call("select task_id::text from howdah.tasks where live"
                                       " order by md5(task_id::text) limit 5")]
        self.random.shuffle(ids)
        self.call("select * from howdah.operator_kill(%s::uuid[])", ids)

    def agent_remove(self):
        agent = self.world.agents[self.random.choice(AGENTS)]
        self.call("select howdah.agent_remove(%s)", agent.agent_id)

    def framework_remove(self):
        self.call("select howdah.framework_remove(%s)",
                  self.world.framework(self.random.choice(FRAMEWORKS))[0])

    OPERATIONS = [(60, "audit", set()), (5, "settings", set()), (5, "kill", set()),
                  (0.7, "agent_remove", set()), (0.2, "framework_remove", set())]


# --- what must hold in the end ---------------------------------------------------------------------

def books_check(world, client):
    """The sum of the live tasks, added up here, against what the agents' books say."""
    held = collections.defaultdict(collections.Counter)
    for agent, resources in client.call("select agent_id::text, resources from howdah.tasks"
                                        " where live"):
        for kind in KINDS:
            held[agent][kind] += resources.get(kind, 0)
        for name, amount in resources.get("scalars", {}).items():
            held[agent]["scalar " + name] += amount
        for first, last in resources.get("ports") or []:
            held[agent].update(f"port {p}" for p in range(first, last + 1))
        for name, items in resources.get("sets", {}).items():
            held[agent].update(f"item {name} {i}" for i in items)
    for agent, other, *used in client.call(
            "select agent_id::text, other, cpus_used::float, mem_used, disk_used, gpus_used"
            " from howdah.agents"):
        books = collections.Counter(dict(zip(KINDS, used)))
        for name, amount in other.get("scalars_used", {}).items():
            books["scalar " + name] += amount
        for first, last in other.get("ports_used") or []:
            books.update(f"port {p}" for p in range(first, last + 1))
        for name, items in other.get("sets_used", {}).items():
            books.update(f"item {name} {i}" for i in items)
        if +books != +held[agent]:
            world.problem(f"agent {agent}: books {dict(+books)}, live tasks {dict(+held[agent])}")
        double = [k for k, n in held[agent].items() if k[:4] in ("port", "item") and n > 1]
        if double:
            world.problem(f"agent {agent}: held twice: {double}")


def claims_check(world, client):
    """Every answer is found as it was given, and nothing of a claim that did not happen."""
    found = {}
    for task, key, *rest in client.call("select task_id::text, claim_key::text, name,"
                                        " framework_id::text, agent_id::text from howdah.tasks"):
        if task in found:
            world.problem(f"task {task} is there twice")
        found[task] = (key, *rest)
    promised = set()
    for (framework, key), rows in world.answers.items():
        for name, task, agent in rows:
            if task is not None:
                promised.add(task)
                if found.get(task) != (key, name, framework, agent):
                    world.problem(f"claim {key}: task {task} was answered as {name} on {agent},"
                                  f" found {found.get(task)}")
    void = world.void - set(world.answers)
    for task, (key, _, framework, _) in found.items():
        if task not in promised:
            fate = "rolled back" if (framework, key) in void else "never answered"
            world.problem(f"task {task} exists, but its claim {key} was {fate}")
    return len(promised)


def events_check(world, client):
    """Per task one unbroken path of states that begins with staging and ends at most once."""
    state = {}
    for task, before, after in client.call(
            "select object_id::text, from_state, to_state from howdah.events"
            " where object_kind = 'task' and from_state is not null order by event_id"):
        if state.get(task, "staging") != before:
            world.problem(f"task {task}: {before} -> {after}, but it was {state.get(task)}")
        state[task] = after
    for task, now in client.call("select task_id::text, state from howdah.tasks"):
        if state.get(task, "staging") != now:
            world.problem(f"task {task} is {now}, its events say {state.get(task)}")


def end_all(world, client, machine):
    """End every task; afterwards nothing is held."""
    client.call("select * from howdah.operator_kill(array(select task_id from howdah.tasks"
                " where live))")
    for agent in world.agents.values():
        if client.value("select state from howdah.agents where agent_id = %s",
                        agent.agent_id) == "gone":
            continue
        machine.register(agent, agent.agent_id, 8)
        for _ in range(2):
            agent.seq += 1
            machine.value("select howdah.agent_sync(%s, %s, %s)", agent.agent_id, agent.epoch,
                          json.dumps({"seq": agent.seq}))
    left = client.value("select count(*) from howdah.tasks where live")
    if left:
        world.problem(f"{left} tasks did not end")


def world_make(db, seed, trace):
    """The cell at the start, and its clients."""
    world = World(seed)
    setup = Machine(world, "setup", db, False)
    for name, value in [("agent_timeout_s", "1"), ("framework_heartbeat_s", "1"),
                        ("history_delay_s", "0"), ("offer_refresh_s", "0"),
                        ("offer_timeout_s", "1")]:
        setup.call("select howdah.setting_set(%s, %s)", name, value)
    for name in AGENTS:
        world.agents[name] = Agent(name)
        setup.register(world.agents[name], None, 6)
    for name in FRAMEWORKS:
        world.frameworks[name] = setup.call("select framework_id::text, epoch"
                                            " from howdah.framework_register(%s)", name)[0]
    clients = [kind(world, f"{kind.__name__.lower()}-{n}", db, trace)
               for kind, count in ((Scheduler, 4), (Machine, 2), (Coordinator, 2), (Operator, 1))
               for n in range(1, count + 1)]
    return world, setup, clients


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", required=True)
    parser.add_argument("--seed", default=os.environ.get("STRESS_SEED") or time.time_ns() % 10**9)
    parser.add_argument("--seconds", default=os.environ.get("STRESS_SECONDS") or 15)
    parser.add_argument("--trace", action="store_true", help="print each client's operations")
    options = parser.parse_args()
    seed = int(options.seed)
    print(f"seed {seed}", flush=True)
    world, setup, clients = world_make(options.db, seed, options.trace)
    for client in clients:
        client.start()
    world.stop.wait(float(options.seconds))
    world.stop.set()
    for client in clients:
        client.join(60)
        if client.is_alive():
            world.problem(f"{client.name} hangs")
    operator = clients[-1]
    promised = 0
    for check in (books_check, claims_check, events_check):
        promised = check(world, operator) or promised
    if promised < 20:
        world.problem(f"only {promised} tasks were claimed: this run shows nothing")
    twice = [u for u, n in world.acknowledged.items() if n > 1]
    if twice:
        world.problem(f"acknowledged twice: {twice[:5]}")
    if not world.problems:
        end_all(world, operator, setup)
        books_check(world, operator)
        operator.audit()
    print("calls: " + " ".join(f"{k}={n}" for k, n in sorted(world.calls.items())))
    print("events: " + " ".join(f"{c}={n}" for c, n in operator.call(
        "select cause, count(*) from howdah.events where from_state is not null"
        " group by cause order by cause")))
    print("refusals: " + " ".join(f"{r}={n}" for r, n in operator.call(
        "select r ->> 'reason', count(*) from howdah.claims c, jsonb_array_elements(c.refusals) r"
        " group by 1 order by 1")))
    print("errors: " + " ".join(f"{k}={n}" for k, n in sorted(world.errors.items())))
    for text in world.problems[:20]:
        print("PROBLEM: " + text)
    print(f"seed {seed}: {sum(world.calls.values())} operations, {promised} tasks claimed,"
          f" {len(world.problems)} problems")
    return 1 if world.problems else 0


if __name__ == "__main__":
    sys.exit(main())
