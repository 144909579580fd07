# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.load import ClaimLoad
from ha.pair import Pair
from ha.scene import now, scene
from ha.wait import poll, until
from ha.work import Work

UNTIL_GO = "while [ ! -e go ]; do sleep 0.1; done"


def leads(cell, name):
    return cell.health(name).startswith("leader")


def coordinator(s):
    """The leader and the database."""
    cell, hosts = s.cell, {name: s.lab.network.host_add(name) for name in ("c1", "c2")}
    for name, host in hosts.items():
        cell.coordinator_start(name, host)
    first = until(20, "a coordinator leads", lambda: next((n for n in hosts if leads(cell, n)), None))
    other = "c2" if first == "c1" else "c1"
    hosts[first].cut()
    cut = now()
    until(20, "the other one leads", lambda: leads(cell, other), every=0.05)
    tap.below(now() - cut, 10, "the leader is cut off from the database: seconds until another leads")
    tap.ok(poll(10, lambda: not leads(cell, first)), "the one cut off does not believe that it leads")
    hosts[first].mend()
    tap.ok(poll(20, lambda: cell.health(first).startswith(f"standby, leader is {other}")),
           "and stands by when it is back")


def agent_one_way(s, work):
    """The answers of the database do not reach the agent, its reports do."""
    host = s.cell.programs["a1"].host
    host.cut(direction="in")
    fresh = [work.place("a1", UNTIL_GO) for _ in range(3)]
    s.claims_go_on(30)
    host.mend()
    for task in fresh:
        work.wait(40, task, "running")
        work.go(task)
    for task in fresh:
        work.wait(40, task, "finished")
    tap.equal(work.started_twice(), [], "an agent that hears nothing for a while starts no task twice")


def framework_one_way(s):
    """Claims reach the database, its answers do not reach the framework."""
    host = s.lab.network.host_add("f1")
    load = ClaimLoad(s.cluster, s.agent.agent_name, name="deaf", host=host)
    s.inside.append(load)
    load.start()
    s.await_load(load, 10)
    for lost in range(1, 4):
        host.cut(direction="in")
        until(20, "an answer to it is lost", lambda: len(load.client.losses) >= lost)
        host.mend()
        s.await_load(load, 5)
    tap.ok(not load.refused, "a framework that hears nothing for a while repeats its claims under their keys")


def servers(s):
    """The primary and its standby."""
    s.cluster.primary.host.cut(s.cluster.standby.host)
    s.claims_go_on(10)
    tap.ok(not s.cluster.supervisor.synced, "without its standby the primary goes on alone, and knows it")
    s.cluster.heal()
    tap.ok(s.cluster.supervisor.synced, "and has it back afterwards")


def loss(s):
    """A fifth of all packets, between everybody and the primary."""
    s.cluster.primary.host.loss(0.2)
    s.claims_go_on(10, seconds=120)
    tap.ok(True, "with a fifth of all packets lost claims go on")
    s.cluster.heal()
    s.claims_go_on(10)


def test():
    with scene(Pair) as s:
        s.cell.agent_start("a1", s.lab.network.host_add("a1"))
        s.cell.agents_wait(2)
        work = Work(s.cell)
        coordinator(s)
        agent_one_way(s, work)
        framework_one_way(s)
        servers(s)
        loss(s)
        s.nothing_lost(longest_gap=60)


tap.run(test, needs.why_not())
