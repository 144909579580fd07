# SPDX-License-Identifier: PostgreSQL
"""Faults of a Patroni cluster, one after the other: all, or those that are named as arguments."""

import sys

from ha import needs, tap
from ha.load import ClaimLoad
from ha.patroni import Patroni
from ha.scene import now, scene
from ha.session import Client
from ha.wait import poll, until
from ha.work import Work


def inside(s, server):
    """A framework that is shut in with that server and knows no other."""
    load = ClaimLoad(s.cluster, s.agent.agent_name, name=f"inside {server.name}", host=server.host)
    load.client = Client([server.conninfo("framework", "howdah")])
    s.inside.append(load)
    load.start()
    s.await_load(load, 20)
    return load


def switchover(s):
    former, begin = s.cluster.primary, now()
    s.cluster.switchover()
    s.claims_go_on(20)
    tap.ok(s.cluster.primary is not former, "a planned switchover")
    tap.below(s.claims.gap(begin - 1), 20, "the longest time without a claim around it, in seconds")


def postmaster(s):
    s.cluster.primary.kill_postmaster()
    s.claims_go_on(20)
    tap.ok(True, "the postmaster is killed: claims go on")


def node(s):
    former = s.cluster.primary
    former.kill_node()
    s.cluster.wait_failover(former=former)
    s.claims_go_on(20)
    tap.ok(True, "the primary's machine is killed: another leads, claims go on")


def partition(s):
    former = s.cluster.primary
    load = inside(s, former)
    former.host.port_down()
    cut = now()
    s.cluster.wait_failover(former=former)
    s.claims_go_on(20)
    tap.ok(True, "the primary is cut off: another leads, claims go on")
    tap.ok(poll(20, lambda: not former.writable()), "the one cut off steps down")
    s.cluster.heal()
    s.claims_go_on(20)
    tap.equal([what for at, what in load.acknowledged if cut + 0.5 < at < cut + s.cluster.ttl], [],
              "to a client on the old side nothing was acknowledged")


def pause(s):
    former = s.cluster.primary
    former.pause()
    s.cluster.wait_failover(former=former)
    s.claims_go_on(20)
    former.resume()
    s.claims_go_on(50)
    tap.ok(poll(30, lambda: not former.writable()),
           "the primary is paused for longer than ttl: resumed, it gives in to its successor")


def patroni_alone(s):
    """PostgreSQL runs on without Patroni, and takes itself for the primary."""
    former = s.cluster.primary
    former.kill_patroni()
    s.cluster.wait_failover(former=former)
    s.claims_go_on(20)
    former.start()
    s.claims_go_on(50)
    tap.ok(True, "Patroni alone is killed, and comes back after another leads")


def etcd(s):
    """Without etcd nobody leads, and nothing is decided."""
    s.cluster.etcd_kill()
    until(60, "the primary steps down", lambda: not any(
        server.writable() for server in s.cluster.servers))
    stopped = s.claims.count()
    s.cluster.etcd_start()
    until(60, "claims go on", lambda: s.claims.count() > stopped + 20)
    tap.ok(True, "etcd is away: claims wait, and go on when it is back")


def standby_and_third(s):
    """Two of three servers are away: strict means that claims wait."""
    primary = s.cluster.primary
    others = [server for server in s.cluster.servers if server is not primary]
    for server in others:
        server.kill_node()
    alone = now()
    until(30, "no claim is acknowledged for a while", lambda: now() - s.claims.acknowledged[-1][0] > 3)
    late = [what for at, what in s.claims.acknowledged if at > alone + 3]
    tap.equal(late, [], "two of three servers are away: nothing is acknowledged on the word of one")
    for server in others:
        server.start()
    s.claims_go_on(20)


FAULTS = (switchover, postmaster, node, partition, pause, patroni_alone, etcd, standby_and_third)


def test():
    chosen = [fault for fault in FAULTS if fault.__name__ in sys.argv[1:]] or FAULTS
    with scene(Patroni) as s:
        s.cell.coordinator_start("c1")
        s.cell.agent_start("a1", s.lab.network.host_add("a1"))
        s.cell.agents_wait(2)
        work = Work(s.cell)
        task = work.place("a1", "while [ ! -e go ]; do sleep 0.1; done; exit 7")
        work.wait(30, task, "running")
        before = work.pids(task)[0]
        for fault in chosen:
            fault(s)
            s.cluster.heal()
            s.claims_go_on()
        tap.equal((work.pids(task)[0], work.history(task)[-1]), (before, "running"),
                  "a task has run through it all and noticed nothing")
        work.go(task)
        work.wait(60, task, "failed")
        tap.equal(work.field(task, "exit_code"), 7, "its end is reported")
        until(30, "the coordinator leads", lambda: s.cell.health("c1").startswith("leader"))
        tap.equal(work.started_twice(), [], "no task was started twice")
        s.nothing_lost(longest_gap=60)


tap.run(test, needs.why_not(patroni=True))
