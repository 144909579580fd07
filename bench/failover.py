# SPDX-License-Identifier: PostgreSQL
"""The measurements of failover.sh: "row|seconds|limit|conditions" a line on standard output, limit
empty where there is none. Status 3: it cannot run here.

Times are taken by one monotonic clock: the framework's acknowledgements, and a session by the local
socket of the server that is promoted, which asks every two milliseconds whether it is writable.
"""

import statistics
import sys
import threading
import time

from ha import needs, wait
from ha.claimer import Claimer
from ha.pair import Pair
from ha.scene import scene


class WritableAt(threading.Thread):
    """When that standby took its first write session, by a session that is open before."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.session, self.moment = server.session(), None
        self.start()

    def run(self):
        while self.session.value("select pg_is_in_recovery()", deadline=60):
            time.sleep(0.002)
        self.moment = time.monotonic()
        self.session.close()


def summary(times):
    times = sorted(times)
    return (f"n = {len(times)}, least {times[0]:.2f}, median {statistics.median(times):.2f}, "
            f"most {times[-1]:.2f}")


def p99(times):
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


def row(name, figure, limit, times):
    print(f"{name}|{figure:.3f}|{limit}|{summary(times)}", flush=True)


def fail_over(s, claimer, fault):
    """(seconds from writable to the first acknowledgement, seconds without any)."""
    with s.cluster.supervisor.lock:  # on a busy machine it may see a fault of its own just now
        s.cluster.wait_synced()
        watch = WritableAt(s.cluster.standby)
        begin = time.monotonic()
        fault(s.cluster.primary)
    wait.until(60, "the standby is writable", lambda: watch.moment)
    first = wait.until(60, "a claim is acknowledged", lambda: claimer.first_after(watch.moment), every=0.02)
    gap = claimer.gap(begin)
    s.cluster.heal()
    return first - watch.moment, gap


def databases(s, claimer, rounds):
    first, killed, cut = [], [], []
    for number in range(rounds):
        kill = number % 2 == 0
        waited, gap = fail_over(s, claimer, (lambda server: server.kill_node()) if kill else
                                (lambda server: server.host.port_down()))
        first.append(waited)
        (killed if kill else cut).append(gap)
    row("writable again to first claim, p99", p99(first), 1, first)
    row("primary killed, without a claim", statistics.median(killed), "", killed)
    row("primary cut off, without a claim", statistics.median(cut), "", cut)


def switchovers(s, claimer, rounds):
    gaps = []
    for _ in range(rounds):
        begin = time.monotonic()
        s.cluster.switchover()
        moved = time.monotonic()
        wait.until(60, "a claim is acknowledged", lambda: claimer.first_after(moved), every=0.02)
        gaps.append(claimer.gap(begin))
        s.cluster.wait_healthy()
    row("switchover, without a claim", max(gaps), 3, gaps)


def coordinators(s, rounds):
    """From the kill of the leader to its successor's lease, by the database's clock (the same machine's)."""
    cell, times = s.cell, []
    for name in ("c1", "c2"):
        cell.coordinator_start(name)
    for _ in range(rounds):
        leader = wait.until(20, "a coordinator leads", lambda: next(
            (name for name in ("c1", "c2") if cell.health(name).startswith("leader")), None))
        killed = time.time()
        cell.programs[leader].kill()
        other = "c2" if leader == "c1" else "c1"
        wait.until(20, "the other leads", lambda: cell.health(other).startswith("leader"), every=0.02)
        times.append(float(s.cluster.primary.value(
            "select extract(epoch from acquired_at) from howdah.leader", database="howdah")) - killed)
        cell.coordinator_start(leader)
        wait.until(20, "it stands by", lambda: cell.health(leader).startswith("standby"))
    row("leader killed, to the next leader", max(times), 2, times)


def main():
    why = needs.why_not()
    if why:
        print(f"bench/failover.sh: skipped: {why}", file=sys.stderr)
        sys.exit(3)
    rounds = int(sys.argv[1])
    with scene(Pair) as s:
        s.claims.stop()  # the claimer is the load
        claimer = Claimer(s.cell, s.agent.agent_name)
        claimer.start()
        databases(s, claimer, rounds)
        switchovers(s, claimer, max(rounds // 3, 1))
        coordinators(s, max(rounds // 3, 1))
        claimer.stop()
        s.agent.stop()
        lost, trouble = claimer.lost(), claimer.trouble()
        if lost or trouble:
            sys.exit(f"bench/failover.sh: {len(lost)} acknowledged claims lost, {len(trouble)} refused")


main()
