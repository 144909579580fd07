# SPDX-License-Identifier: PostgreSQL
"""The cell under test: two coordinators, three agents, three frameworks under load, on a tier that
gives the database and the machines."""

import os
import signal
import sys
import time

import clock
from client import Answered, Client, Lost
from journal import Journal
from kinds import AGENTS, COORDINATORS, FRAMEWORKS
from programs import Program, Supervisor, processes_marked, signal_pids

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CAPACITY = {"agent-1": '{"cpus": 4, "mem": 1024, "disk": 200, "ports": [[31000, 31003]]}',
            "agent-2": '{"cpus": 2, "mem": 512, "disk": 100, "ports": [[31000, 31001]]}',
            "agent-3": '{"cpus": 3, "mem": 768, "disk": 100, "ports": [[31000, 31002]]}'}
ISOLATION = {"agent-1": "auto", "agent-2": "none", "agent-3": "auto"}
SETTINGS = {"agent_timeout_s": "3", "outage_grace_s": "3", "agent_poll_ms": "200", "framework_heartbeat_s": "1",
            "kill_grace_s": "1", "history_delay_s": "4", "offer_timeout_s": "5",
            "offer_refresh_s": "0", "refuse_seconds_max": "2"}
OWN_TABLES = """
create schema chaos;
create table chaos.handled (
    update_id bigint primary key, framework_id uuid not null, task_id uuid not null,
    state text not null, at timestamptz not null default clock_timestamp());
create table chaos.probe (n bigint not null);
insert into chaos.probe values (0);
grant usage on schema chaos to framework;
grant select, insert on chaos.handled to framework;
"""


class Cell:
    def __init__(self, tier, folder, seed, rate):
        self.tier, self.folder, self.seed, self.rate = tier, folder, seed, rate
        self.bin = os.environ.get("HOWDAH_BIN") or f"{TOP}/{os.environ.get('B', 'build')}/bin"
        self.programs, self.twins = {}, []
        self.supervisor = Supervisor(self.programs.values())
        for name in ("log", "out", "state", "net", "agents", "starts", "evidence"):
            os.makedirs(f"{folder}/{name}")
        os.chmod(f"{folder}/starts", 0o777)
        self.operator = Journal(f"{folder}/log/operator.jsonl")
        self.mark = os.path.basename(folder).replace(".", "-")

    def admin(self, name="chaos", **how):
        return Client(self.tier.conninfos(None, "admin"), name, **how)

    # ---- starting ----

    def start(self):
        self.tier.start()
        admin = self.admin(deadline_s=30)
        for text in OWN_TABLES.strip().split(";\n"):
            admin.call(text)
        for name, value in SETTINGS.items():
            admin.call("select howdah.setting_set(%s, %s)", name, value)
        admin.close()
        for name in COORDINATORS:
            self.add(name, *self.coordinator_argv(name), login="coordinator")
        for name in AGENTS:
            self.agent_add(name)
        self.wait(30, "all agents are active", lambda: self.agents_active() == len(AGENTS))

    def begin(self):
        """The load, and what looks after all programs."""
        for name in FRAMEWORKS:
            self.framework_add(name, name)
        as_agent = [word for info in self.tier.conninfos(None, "agent") for word in ("--agent", info)]
        self.add("watcher", sys.executable, f"{HERE}/watcher.py", "--dir", self.folder, "--seed",
                 str(self.seed), *as_agent, "--", *self.tier.conninfos(None, "admin"), login=None)
        self.supervisor.start()

    def add(self, name, *argv, login, again=True, node=None):
        node = node or name
        env = {"HOWDAH_DB": self.tier.conninfo(node, login), **self.clock_env(node)} if login else {}
        program = Program(name, self.tier.node(node), argv, f"{self.folder}/out/{name}.log", env, again)
        self.programs[name] = program
        program.start()
        return program

    def coordinator_argv(self, name):
        return (f"{self.bin}/howdah-coordinator", "--name", name, "--port", "0", "--http-port-file",
                f"{self.folder}/state/{name}.port")

    def agent_add(self, name):
        self.tier.mount(f"{self.folder}/agents/{name}", "48m")
        self.add(name, f"{self.bin}/howdah-agent", "--name", name, "--work-dir",
                 f"{self.folder}/agents/{name}", "--resources", CAPACITY[name], "--isolation",
                 ISOLATION[name], "--cgroup-root", self.mark, "--poll-min", "20ms", login="agent")

    def framework_argv(self, name):
        return (sys.executable, f"{HERE}/load.py", "--name", name, "--dir", self.folder, "--seed",
                str(self.seed), "--rate", str(self.rate), *self.tier.conninfos(name, "framework"))

    def framework_add(self, program, name, again=True):
        return self.add(program, *self.framework_argv(name), login=None, again=again, node=name)

    def clock_path(self, node):
        return f"{self.folder}/state/{node}.clock"

    def clock_env(self, node):
        if not clock.can_step():
            return {}
        clock.step(self.clock_path(node), 0)
        return clock.environment(self.clock_path(node))

    # ---- looking ----

    def wait(self, seconds, what, condition):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds} s: {what}")
            time.sleep(0.1)

    def value(self, sql, *parameters):
        """One value, past all faults; None when there is no answer."""
        admin = self.admin(deadline_s=3)
        try:
            return admin.value(sql, *parameters)
        except (Lost, Answered):
            return None
        finally:
            admin.close()

    def agents_active(self):
        return self.value("select count(*) from howdah.agents where state = 'active'")

    def database_writes(self):
        return self.value("update chaos.probe set n = n + 1 returning n") is not None

    def node_pids(self, agent):
        return processes_marked(f"{self.folder}/agents/{agent}")

    def executors(self, agent):
        return sorted(pid for pid in self.node_pids(agent) if self.comm(pid) == "howdah-executor")

    @staticmethod
    def comm(pid):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    # ---- ending ----

    def wind_down(self, seconds):
        """No new work; wait until all that was begun has ended. What did not end, as text lines."""
        for twin in self.twins:
            twin.stop(signal.SIGKILL)
        problems = []
        try:
            self.wait(seconds, "the database takes writes", self.database_writes)
            self.wait(seconds, "all agents are active", lambda: self.agents_active() == len(AGENTS))
        except TimeoutError as error:
            problems.append(str(error))
        with open(f"{self.folder}/state/stop", "w", encoding="ascii"):
            pass
        deadline = time.monotonic() + seconds
        for name in FRAMEWORKS:
            problems += self.framework_ended(name, deadline)
        return problems

    def framework_ended(self, name, deadline):
        program = self.programs[name]
        try:
            self.wait(deadline - time.monotonic(), "it ends", lambda: program.exits[-1:] == [0])
            return []
        except TimeoutError:
            program.stop(signal.SIGKILL)
            return [f"{name} does not come to an end: see its journals"]

    def stop(self):
        """All programs, then all that they have left running."""
        if self.supervisor.is_alive():
            self.supervisor.end()
        for program in self.programs.values():
            program.stop(signal.SIGKILL if program.name in AGENTS else signal.SIGTERM, 5)
        for agent in AGENTS:
            while pids := self.node_pids(agent):
                signal_pids(pids, signal.SIGKILL)
                time.sleep(0.02)
