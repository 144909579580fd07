# SPDX-License-Identifier: PostgreSQL
"""The kinds of faults: how often, for how long, on what, in which tiers, and whether the database is
away meanwhile. faults.py does them."""

import dataclasses

COORDINATORS = ("coordinator-1", "coordinator-2")
AGENTS = ("agent-1", "agent-2", "agent-3")
FRAMEWORKS = ("framework-1", "framework-2", "framework-3")
RELAYED = ("coordinator-2", "agent-3", "framework-3")      # in every tier
NODES = COORDINATORS + AGENTS + FRAMEWORKS
POSTGRES = ("postgres",)
BOTH = ("single", "pair")
PAIR = ("pair",)
BRIEF, SHORT, LONG = (0.1, 0.1), (0.3, 2.0), (1.5, 6.0)


@dataclasses.dataclass(frozen=True)
class Kind:
    weight: int
    targets: tuple
    seconds: tuple
    tiers: tuple = BOTH
    database: bool = False


KINDS = {
    # programs
    "coordinator_kill": Kind(4, COORDINATORS, BRIEF),
    "coordinator_pause": Kind(4, COORDINATORS, LONG),
    "agent_kill": Kind(6, AGENTS, BRIEF),
    "agent_pause": Kind(5, AGENTS, LONG),
    "executor_kill": Kind(6, AGENTS, BRIEF),
    "executor_pause": Kind(3, AGENTS, SHORT),
    "framework_kill": Kind(6, FRAMEWORKS, BRIEF),
    "framework_pause": Kind(3, FRAMEWORKS, LONG),
    "framework_twin": Kind(4, FRAMEWORKS, SHORT),
    "node_kill": Kind(4, AGENTS, SHORT),
    "node_pause": Kind(4, AGENTS, LONG),
    "agent_removed": Kind(2, AGENTS, BRIEF),
    "agent_drained": Kind(3, AGENTS, LONG),
    # the database
    "backend_kill": Kind(3, POSTGRES, BRIEF, database=True),
    "backend_pause": Kind(4, ("backend",), SHORT),
    "backend_end": Kind(4, ("backend",), BRIEF),
    "postmaster_kill": Kind(3, POSTGRES, BRIEF, database=True),
    "postmaster_pause": Kind(3, POSTGRES, SHORT, database=True),
    "postgres_pause": Kind(3, POSTGRES, SHORT, database=True),
    "postgres_restart": Kind(2, POSTGRES, BRIEF, database=True),
    "connections_exhausted": Kind(3, POSTGRES, SHORT, database=True),
    "snapshot_held": Kind(3, ("snapshot",), LONG),
    "books_locked": Kind(3, ("lock",), SHORT),
    "disk_full": Kind(3, POSTGRES, SHORT, database=True),
    "agent_disk_full": Kind(3, AGENTS, LONG),
    "switchover": Kind(4, POSTGRES, SHORT, PAIR, database=True),
    "primary_lost": Kind(4, POSTGRES, SHORT, PAIR, database=True),
    "primary_cut_off": Kind(3, POSTGRES, LONG, PAIR, database=True),
    "standby_kill": Kind(3, POSTGRES, SHORT, PAIR, database=True),
    "standby_cut_off": Kind(2, POSTGRES, SHORT, PAIR, database=True),
    # the network and the clock
    "partition": Kind(5, NODES, LONG),
    "partition_in": Kind(3, NODES, LONG),
    "partition_out": Kind(3, NODES, LONG),
    "connections_cut": Kind(4, NODES, BRIEF),
    "delay": Kind(4, RELAYED, LONG),
    "packet_loss": Kind(5, NODES, LONG, PAIR),
    "database_clock_step": Kind(4, ("clock",), LONG),
    "clock_step": Kind(4, COORDINATORS + AGENTS, LONG),
}
