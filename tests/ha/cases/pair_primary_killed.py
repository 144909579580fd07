# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.pair import Pair
from ha.scene import scene


def test():
    with scene(Pair) as s:
        former = s.cluster.primary
        former.kill_node()
        s.cluster.wait_failover(former=former)
        tap.ok(True, "the standby is promoted")
        s.claims_go_on()
        tap.ok(True, "claims go on")
        s.cluster.heal()
        rejoined = [note for note in s.cluster.history if note["what"] == "rejoined"]
        tap.equal([(note["server"], note["rewound"]) for note in rejoined], [(former.name, True)],
                  "the killed one rejoins by pg_rewind, as synchronous standby")
        s.claims_go_on()
        s.nothing_lost()


tap.run(test, needs.why_not())
