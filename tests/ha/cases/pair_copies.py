# SPDX-License-Identifier: PostgreSQL
"""Jobs of which no two copies may run. Each copy writes a line to the job's journal ten times a second, and
ignores SIGTERM; its agent is lost in one way or another; when the framework is told that the copy is gone it
places the next one on another agent. All clocks are one machine's, so the journal shows any overlap."""

import os

from ha import needs, tap
from ha.pair import Pair
from ha.scene import scene
from ha.wait import poll, until
from ha.work import Work

STOP_S, GRACE_S, TIMEOUT_S = 8, 1, 3
GONE_S = 90  # a bound: stop_unreachable_s, the grace and 15 s
ON = "while :; do sleep 0.1; done"


class Job:
    """What is to run once: its copies one after the other."""

    def __init__(self, work, name, agent):
        self.work, self.name = work, name
        self.path = work.cell.lab.path(f"journal-{name}")
        with open(self.path, "w", encoding="ascii"):
            os.chmod(self.path, 0o666)
        self.copies = [self._place(agent)]

    def _place(self, agent):
        shell = (f"trap '' TERM; while :; do echo \"$HOWDAH_TASK_ID $(date +%s%N)\" >>{self.path}; "
                 "sleep 0.1; done")
        return self.work.place(agent, shell, stop_unreachable_s=STOP_S, kill_grace_s=GRACE_S)

    def times(self, copy):
        with open(self.path, encoding="ascii") as file:
            lines = [line.split() for line in file]
        return [int(line[1]) for line in lines if len(line) == 2 and line[0] == copy]

    def wrote(self):
        """The present copy runs."""
        copy = self.copies[-1]
        self.work.wait(40, copy, "running")
        until(40, f"{self.name} writes", lambda: self.times(copy))

    def replace(self, agent):
        """As a framework does: when the terminal update is there, the next copy."""
        copy = self.copies[-1]
        update = until(GONE_S, f"the update says that {self.name} has ended", lambda: self.told(copy))
        tap.equal(update, ("gone", "stopped_unreachable"), f"{self.name}: the framework is told")
        self.copies.append(self._place(agent))
        self.wrote()

    def told(self, copy):
        rows = self.work.client.call(
            "select state, reason from howdah.updates_pending(framework_id => %s, epoch => %s) "
            "where task_id = %s and state = 'gone'", (self.work.framework_id, self.work.epoch, copy))
        return tuple(rows[0]) if rows else None

    def check(self):
        former, present = self.copies[-2:]
        gap = (min(self.times(present)) - max(self.times(former))) / 1e9
        tap.ok(gap > 0, f"{self.name}: the copies never ran at the same time, {gap:.1f} s lay between them")
        tap.equal(self.work.field(former), "gone", f"{self.name}: what its agent reports later changes nothing")


def cut_agents(s, work):
    """The network, kill -9 and SIGSTOP, at the same time."""
    programs, lost = s.cell.programs, ("cut-off", "killed", "paused")
    hosts = {name: s.lab.network.host_add(name[:2]) for name in lost}
    for name in lost:
        s.cell.agent_start(name, hosts[name])
    s.cell.agents_wait(2 + len(lost))
    jobs = {name: Job(work, name, name) for name in lost}
    plain = {name: work.place(name, ON) for name in lost}
    steady = work.place("spare", ON, stop_unreachable_s=STOP_S)
    for name in lost:
        jobs[name].wrote()
        work.wait(20, plain[name], "running")
    before = {name: work.pids(plain[name])[0] for name in lost}
    work.wait(20, steady, "running")
    hosts["cut-off"].port_down()
    programs["killed"].kill()
    programs["paused"].pause()
    for name in lost:
        jobs[name].replace("spare")
        tap.equal(work.pids(jobs[name].copies[0]), [], f"{name}: nothing is left of the former copy")
        tap.equal((work.field(plain[name]), work.pids(plain[name])[0]), ("unreachable", before[name]),
                  f"{name}: a task that did not ask for it runs on")
    tap.equal(work.field(steady), "running", "one that asked for it and has contact runs on, too")
    hosts["cut-off"].port_up()
    s.cell.agent_start("killed", hosts["killed"])
    programs["paused"].resume()
    for name in lost:
        work.wait(60, plain[name], "running")
        tap.equal(work.pids(plain[name])[0], before[name], f"{name}: back again, the agent has the plain task")
        jobs[name].check()


def beside_a_former_primary(s, work):
    """The agent's machine is cut off together with the primary, which goes on answering it."""
    former = s.cluster.primary
    s.cell.agent_start("inside", former.host)
    until(30, "the agent beside the primary is there", lambda: work.client.value(
        "select true from howdah.cell where name = 'inside'"))
    job = Job(work, "inside", "inside")
    job.wrote()
    former.host.port_down()
    s.cluster.wait_failover(former=former)
    job.replace("spare")
    tap.ok(poll(1, lambda: former.value("select not pg_is_in_recovery()")),
           "the former primary still takes itself for one")
    tap.equal(work.pids(job.copies[0]), [], "beside it nothing is left of the former copy")
    s.cluster.heal()  # ends what runs on that machine
    s.cell.agent_start("inside", former.host)
    until(60, "the agent is back", lambda: work.client.value(
        "select true from howdah.agents where name = 'inside' and state = 'active'"))
    job.check()


def test():
    with scene(Pair, cell_settings={"agent_timeout_s": TIMEOUT_S, "outage_grace_s": 2}) as s:
        s.cell.coordinator_start("c1")
        s.cell.agent_start("spare", s.lab.network.host_add("spare"))
        s.cell.agents_wait(2)
        work = Work(s.cell)
        cut_agents(s, work)
        beside_a_former_primary(s, work)
        tap.equal(work.started_twice(), [], "no task was started twice")
        s.nothing_lost(longest_gap=60)


tap.run(test, needs.why_not())
