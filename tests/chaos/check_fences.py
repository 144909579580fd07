# SPDX-License-Identifier: PostgreSQL
"""I5: whoever was fenced changes nothing. Instances of frameworks are judged by the journals of all of
them, which share the machine's monotonic clock; former leaders and agents by what the watcher was told
when it spoke for them."""

import collections

from check_claims import REPLAYED, claims_of, sends_of
from finding import Finding

CHANGES = {"claim", "kill", "acknowledge"}
REFUSED = {"HW060", "HW040", "40P01", "55P03", "57014", "25006", "53100"}


def fences_of(evidence):
    """(framework, epoch, when its registration had returned)."""
    return [(line["rows"][0][0], line["rows"][0][1], line["mono"]) for _, line in evidence.load_lines()
            if line["kind"] == "reply" and line["op"] == "register"]


def fenced_before(fences, framework, epoch, mono):
    return any(f == framework and e > epoch and when < mono for f, e, when in fences)


def fenced_change_nothing(evidence):
    """A request that was sent after a newer instance had registered is not done."""
    fences, sends = fences_of(evidence), {}
    for name, line in evidence.load_lines():
        if line["kind"] == "send":
            sends[name, line["call"]] = line
        if line["kind"] != "reply" or line["op"] not in CHANGES:
            continue
        send = sends[name, line["call"]]
        if not fenced_before(fences, send["framework"], send["epoch"], send["mono"]):
            continue
        if line["op"] != "claim" or not all(row[REPLAYED] for row in line["rows"]):
            yield Finding("I5", name, f"{line['op']} {line['call']} was done with epoch {send['epoch']}")


def fenced_claims_absent(evidence):
    """Claims that were first asked for by a fenced instance, and by no other, are not in the books."""
    fences, claims = fences_of(evidence), claims_of(evidence)
    first = sends_of(evidence)
    later = {}
    for _, line in evidence.load_lines():
        if line["kind"] == "send" and line["op"] == "claim":
            later.setdefault(line["call"], []).append(line)
    for key, send in first.items():
        if key in claims and all(fenced_before(fences, line["framework"], line["epoch"], line["mono"])
                                 for line in later[key]):
            yield Finding("I5", f"claim {key}", f"was committed with epoch {send['epoch']}, fenced before")


def epochs_grow(evidence):
    """No epoch is given to two instances, and later ones are greater."""
    newest = {}
    for framework, epoch, _ in sorted(fences_of(evidence), key=lambda fence: fence[2]):
        if epoch == newest.get(framework):
            yield Finding("I5", f"framework {framework}", f"epoch {epoch} was given twice")
        newest[framework] = max(epoch, newest.get(framework, 0))


def registered_once(evidence):
    """However often its first registration was tried."""
    names = collections.Counter(row["name"] for row in evidence.tables["framework"])
    for name, count in names.items():
        if count > 1:
            yield Finding("I2", f"framework {name}", f"is registered {count} times")


def cell_epochs_grow(evidence):
    """Heartbeats tell the cell's epoch, and are writes: one that was sent after another had been answered
    has not got an older epoch. A primary that was replaced and answers would show here."""
    newest, before = 0, {}
    for name, line in evidence.load_lines():
        if line.get("op") != "heartbeat":
            continue
        if line["kind"] == "send":
            before[name, line["call"]] = newest
        elif line["kind"] == "reply":
            epoch = line["rows"][0][0]["epoch"]
            if epoch < before[name, line["call"]]:
                yield Finding("I5", name, f"{line['call']} was taken in epoch {epoch} of the cell after"
                              f" {before[name, line['call']]}")
            newest = max(newest, epoch)


def ghosts_refused(evidence):
    for line in evidence.logs.get("ghost", []):
        if line["kind"] == "allowed":
            yield Finding("I5", f"ghost {line['who']}", f"was allowed: {line['sql']}")
        elif line["code"] not in REFUSED:
            yield Finding("I5", f"ghost {line['who']}", f"was refused by {line['code']}: {line['text']}")


def leaders_apart(evidence):
    """Each taking of the lead has an epoch of its own, greater than those before."""
    newest = 0
    for event in sorted(evidence.rows("event", "event_history"), key=lambda row: row["event_id"]):
        if event["object_kind"] == "leader" and event["cause"] == "leader_acquire":
            if event["detail"]["epoch"] <= newest:
                yield Finding("I5", "leader", f"{event['message']} leads with epoch"
                              f" {event['detail']['epoch']} after {newest}")
            newest = event["detail"]["epoch"]


CHECKS = (fenced_change_nothing, fenced_claims_absent, epochs_grow, registered_once, cell_epochs_grow,
          ghosts_refused, leaders_apart)
