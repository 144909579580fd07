# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.pair import Pair
from ha.scene import now, scene
from ha.wait import until


def connections(s):
    """Nobody new can log in; who is connected works on, and supervision has its reserve."""
    primary = s.cluster.primary
    taken = primary.connections_exhaust("framework")
    tap.ok(taken > 10, f"every connection is taken ({taken})")
    s.claims_go_on(20)
    tap.ok(True, "who is connected goes on claiming")
    s.cluster.heal()
    s.claims_go_on(20)


def snapshot(s):
    """A transaction that stays open keeps dead rows from being removed."""
    s.cluster.primary.snapshot_hold()
    s.claims_go_on(100)
    s.cluster.switchover()
    s.claims_go_on(20)
    tap.ok(True, "an old snapshot stops neither claims nor a switchover")
    s.cluster.heal()


def standby_disk(s):
    """The standby cannot write any more: commits wait, then the primary goes on alone."""
    standby = s.cluster.standby
    standby.disk_fill()
    s.claims_go_on(200, seconds=120)
    tap.ok(True, "the standby's disk is full: claims go on")
    s.cluster.heal()
    s.claims_go_on(20)


def primary_disk(s):
    """The primary cannot write any more: claims wait, or the standby takes over."""
    primary = s.cluster.primary
    primary.disk_fill()
    filled = now()
    until(60, "nothing is acknowledged, or another is primary", lambda: s.cluster.primary is not primary or (
        now() - s.claims.acknowledged[-1][0] > 3 and now() - filled > 3))
    s.cluster.heal()
    s.claims_go_on(20)
    tap.ok(True, "the primary's disk is full: claims wait, and go on when there is room")


def test():
    small = {"wal_keep_size": "16MB", "min_wal_size": "32MB", "max_wal_size": "64MB",
             "max_slot_wal_keep_size": "48MB"}
    with scene(Pair, disk_mb=160, settings=small) as s:
        connections(s)
        snapshot(s)
        standby_disk(s)
        primary_disk(s)
        s.nothing_lost(longest_gap=90)


tap.run(test, needs.why_not())
