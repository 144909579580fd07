# SPDX-License-Identifier: PostgreSQL
"""The comparison that all the other cases rest on finds losses where there are some."""

from ha import needs, tap
from ha.load import ClaimLoad, violations
from ha.pair import Pair
from ha.scene import now, scene
from ha.session import Client


def test():
    with scene(Pair, fence=False, synchronous=False) as s:
        former = s.cluster.primary
        inside = ClaimLoad(s.cluster, s.agent.agent_name, name="inside", host=former.host)
        inside.client = Client([former.conninfo("framework", "howdah")])
        inside.start()
        s.await_load(inside, 20)
        former.host.port_down()
        cut = now()
        s.cluster.wait_failover(former=former)
        s.await_load(inside, 20)
        inside.stop()
        late = {task for at, (_, task) in inside.acknowledged if at > cut + 0.5}
        tap.ok(late, f"without a synchronous standby the old side goes on acknowledging ({len(late)} claims)")
        former.host.port_up()
        s.cluster.heal()
        s.claims.stop()
        s.agent.stop()
        found = violations(s.cluster, [s.claims, inside], [s.agent])
        tap.ok(any("unknown" in line for line in found), f"and the comparison finds them lost ({len(found)})")
        tap.equal([task for task in late if not any(task in line for line in found)], [], "every one of them")


tap.run(test, needs.why_not())
