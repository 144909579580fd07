# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.pair import Pair
from ha.scene import now, scene
from ha.wait import until


def test():
    with scene(Pair, degrade=False) as s:
        primary, standby = s.cluster.primary, s.cluster.standby
        standby.kill_node()
        gone = now()
        until(30, "nothing is acknowledged for four seconds", lambda: now() - max(
            gone, s.claims.acknowledged[-1][0]) > 4)
        tap.equal([what for at, what in s.claims.acknowledged if at > gone + 1], [],
                  "without its standby the primary acknowledges nothing")
        tap.ok(primary.writable() and s.cluster.primary is primary, "although it is well, and stays the primary")
        tap.ok(primary.value("select count(*) from pg_stat_activity where wait_event = 'SyncRep'") > 0,
               "commits wait for the standby")
        standby.start()
        s.claims_go_on(20)
        tap.ok(True, "when the standby is back claims go on")
        primary.kill_node()
        s.cluster.wait_failover(former=primary)
        s.claims_go_on(20)
        tap.ok(True, "and it has everything: it takes over")
        s.cluster.heal()
        s.nothing_lost()


tap.run(test, needs.why_not())
