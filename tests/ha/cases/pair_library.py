# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.claimer import Claimer
from ha.pair import Pair
from ha.scene import now, scene
from ha.wait import until


def goes_on(claimer, begin, what, longest):
    until(60, "its claims go on", lambda: claimer.process.poll() is not None or claimer.first_after(now() - 0.1))
    tap.below(claimer.gap(begin), longest, f"{what}: seconds without an acknowledged claim")


def test():
    with scene(Pair) as s:
        claimer = Claimer(s.cell, s.agent.agent_name)
        claimer.start()

        former, begin = s.cluster.primary, now()
        former.kill_node()
        s.cluster.wait_failover(former=former)
        goes_on(claimer, begin, "the primary is killed", 15)
        s.cluster.heal()

        former, begin = s.cluster.primary, now()
        former.host.port_down()
        s.cluster.wait_failover(former=former)
        goes_on(claimer, begin, "the primary is cut off", 20)
        s.cluster.heal()

        former, begin = s.cluster.primary, now()
        former.pause()
        s.cluster.wait_failover(former=former)
        goes_on(claimer, begin, "the primary is paused", 20)
        former.resume()
        s.cluster.heal()

        begin = now()
        s.cluster.switchover()
        goes_on(claimer, begin, "a switchover", 10)
        s.cluster.wait_healthy()

        tap.equal(claimer.process.poll(), None, "a framework upon libframework lives through it all")
        claimer.stop()
        tap.equal(claimer.trouble(), [], "no claim of it is refused")
        tap.equal(claimer.lost(), [], f"none of {len(claimer.acknowledged())} acknowledged claims is lost")
        s.nothing_lost()


tap.run(test, needs.why_not())
