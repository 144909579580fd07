# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.load import ClaimLoad
from ha.pair import Pair
from ha.scene import now, scene
from ha.session import Client


def inside(s, server):
    """A framework that is shut in with that server and knows no other."""
    load = ClaimLoad(s.cluster, s.agent.agent_name, name=f"inside {server.name}", host=server.host)
    load.client = Client([server.conninfo("framework", "howdah")])
    load.start()
    s.inside.append(load)
    s.await_load(load, 20)
    return load


def partition(s):
    former = s.cluster.primary
    load = inside(s, former)
    former.host.port_down()
    cut = now()
    s.cluster.wait_failover(former=former)
    promoted = now()
    s.claims_go_on(20)
    tap.ok(True, "the primary is cut off: claims go on at the other side")
    tap.equal([what for at, what in load.acknowledged if at > cut + 0.5], [],
              "to a client on the old side nothing is acknowledged any more")
    tap.ok(former.value("select not pg_is_in_recovery()"), "although that server takes itself for the primary")
    s.cluster.heal()
    s.claims_go_on(20)
    load.stop()
    tap.equal([what for at, what in load.acknowledged if cut + 0.5 < at < promoted], [],
              "also not by the healing")


def pause(s):
    former = s.cluster.primary
    former.pause()
    s.cluster.wait_failover(former=former)
    s.claims_go_on(20)
    tap.ok(True, "the primary is paused: claims go on elsewhere")
    former.resume()
    s.claims_go_on(20)
    tap.ok(s.cluster.primary is not former, "resumed, it does not come back as the primary")
    s.cluster.heal()
    s.claims_go_on(20)


def switchover(s):
    former, begin = s.cluster.primary, now()
    s.cluster.switchover()
    s.claims_go_on(20)
    tap.ok(s.cluster.primary is not former, "a planned switchover")
    tap.below(s.claims.gap(begin - 0.5), 10, "the longest time without a claim around it, in seconds")
    s.cluster.wait_healthy()


def backend(s):
    tap.ok(s.cluster.primary.kill_backend(), "a server process is killed")
    s.claims_go_on(20)
    s.cluster.heal()


def test():
    with scene(Pair) as s:
        for part in (partition, pause, switchover, backend):
            part(s)
        s.nothing_lost()


tap.run(test, needs.why_not())
