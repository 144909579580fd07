# SPDX-License-Identifier: PostgreSQL
"""I1 and I4: nothing is held that is not there, and what is held is what live tasks hold. Recomputed here
from the rows; the cell's own audit, at the end and all through the run, must be empty as well."""

import collections

from finding import ENDED, Finding

KINDS = (("cpus", "cpus_milli"), ("mem", "mem"), ("disk", "disk"), ("gpus", "gpus"))


def ports_of(text):
    """The port numbers of an int4multirange as PostgreSQL prints it: {[31000,31002),[31005,31006)}."""
    ports = []
    for part in (text or "{}").strip("{}").replace("),[", ");[").split(";"):
        if part:
            first, end = part.strip("[)").split(",")
            ports += range(int(first), int(end))
    return ports


def pools_hold(evidence):
    held, ports = collections.Counter(), collections.defaultdict(list)
    for task in evidence.tables["task"]:
        if task["state"] not in ENDED:
            for name, column in KINDS:
                held[task["agent_id"], name] += task[column]
            ports[task["agent_id"]] += ports_of(task["ports"])
    agents = set()
    for pool in evidence.tables["agent_pool"]:
        agent = pool["agent_id"]
        agents.add(agent)
        for name, _ in KINDS:
            yield from amount_holds(agent, name, pool, held[agent, name])
        yield from ports_hold(agent, pool, ports[agent])
    for agent, name in held:
        if agent not in agents and held[agent, name]:
            yield Finding("I4", f"agent {agent}", f"tasks hold {name} and it has no books")


def amount_holds(agent, name, pool, held):
    capacity, free = pool[f"{name}_capacity"], pool[f"{name}_free"]
    if free < 0 or held > capacity:
        yield Finding("I1", f"agent {agent}", f"{name}: {held} held of {capacity}, {free} free")
    if capacity - free != held:
        yield Finding("I4", f"agent {agent}", f"{name}: books {capacity - free}, live tasks {held}")


def ports_hold(agent, pool, ports):
    if len(ports) != len(set(ports)):
        yield Finding("I1", f"agent {agent}", f"a port is held twice: {sorted(ports)}")
    if not set(ports) <= set(ports_of(pool["ports_capacity"])):
        yield Finding("I1", f"agent {agent}", f"ports that it does not have are held: {sorted(ports)}")
    if sorted(set(ports)) != sorted(ports_of(pool["ports_allocated"])):
        yield Finding("I4", f"agent {agent}",
                      f"ports: books {pool['ports_allocated']}, tasks {sorted(ports)}")


def audits_empty(evidence):
    for row in evidence.tables["audit"]:
        yield Finding("I4", row["object"], f"audit at the end: {row['invariant']}: {row['detail']}")
    for line in evidence.logs.get("audit", []):
        for invariant, thing, detail in line["rows"]:
            yield Finding("I4", thing, f"audit during the run: {invariant}: {detail}")


CHECKS = (pools_hold, audits_empty)
