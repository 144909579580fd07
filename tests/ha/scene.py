# SPDX-License-Identifier: PostgreSQL
"""The usual set-up of a test: a cluster with Howdah's schema, under claims and status reports.

    with scene(Pair) as s:
        former = s.cluster.primary
        former.kill_node()
        s.claims_go_on()
        s.cluster.heal()
        s.nothing_lost()
"""

import contextlib
import time

from . import tap, wait
from .cell import Cell
from .lab import Lab
from .load import AgentLoad, ClaimLoad, violations


class Scene:
    def __init__(self, lab, cluster):
        self.lab, self.cluster = lab, cluster
        self.cell = Cell(lab, cluster)
        self.agent = AgentLoad(cluster)
        self.claims = ClaimLoad(cluster, self.agent.agent_name)
        self.inside = []  # further claim loads, whose acknowledgements count as well

    def start(self, settings):
        self.cluster.start()
        self.cell.migrate(settings)
        self.agent.start()
        self.claims.start()
        self.claims_go_on(more=50)

    @staticmethod
    def await_load(load, more, seconds=60):
        """Until so many further calls of that load, begun from now on, are acknowledged."""
        wanted = load.count() + more + 1  # one may be on its way already

        def enough():
            if load.failure:
                raise load.failure
            return load.count() >= wanted
        wait.until(seconds, f"{more} more calls of {type(load).__name__} are acknowledged", enough)

    def claims_go_on(self, more=5, seconds=60):
        self.await_load(self.claims, more, seconds)

    def nothing_lost(self, longest_gap=20):
        """Ends the load and tests that nothing acknowledged is lost or doubled, the audit is empty and
        no time without claims was longer than longest_gap seconds (ample: a bound against hanging)."""
        for load in [*self.inside, self.claims, self.agent]:
            load.stop()
        tap.diag(f"{self.claims.count()} claims, {self.agent.count()} reports acknowledged; longest gap "
                 f"{self.claims.gap():.1f} s")
        tap.below(self.claims.gap(), longest_gap, "the longest time without a claim, in seconds")
        tap.equal(violations(self.cluster, [self.claims, *self.inside], [self.agent]), [],
                  "nothing acknowledged is lost or doubled, and the audit is empty")


@contextlib.contextmanager
def scene(make_cluster, cell_settings=None, **options):
    """make_cluster is Pair or Patroni; options go to it, cell_settings are settings of the cell."""
    with Lab() as lab:
        made = Scene(lab, make_cluster(lab, **options))
        made.start(cell_settings)
        yield made


def now():
    return time.monotonic()
