# SPDX-License-Identifier: PostgreSQL
"""Updates: every change of a task's state reaches its framework; in the table that the framework keeps in
the same transaction as its acknowledgement, each stands once and in the order in which it happened; what
was acknowledged is not lost and never comes again."""

import collections

from check_tasks import moves_of
from finding import Finding


def acknowledged_of(evidence):
    """(framework's journal, the send line, when it was answered) of answered acknowledgements."""
    sends = {}
    for name, line in evidence.load_lines():
        if line.get("op") == "acknowledge":
            if line["kind"] == "send":
                sends[name, line["call"]] = line
            elif line["kind"] == "reply":
                yield name, sends[name, line["call"]], line


def updates_kept(evidence):
    handled = {row["update_id"]: row for row in evidence.tables["handled"]}
    for _, send, _ in acknowledged_of(evidence):
        for update, task, state in send["updates"]:
            row = handled.get(update)
            if row is None:
                yield Finding("I2", f"update {update}", "was acknowledged and is not in the books")
            elif (row["task_id"], row["state"]) != (task, state):
                yield Finding("I2", f"update {update}", f"{task} {state} was acknowledged, {row} is kept")


def handled_once(evidence):
    """An acknowledgement finds its updates waiting. Only those that an earlier one without an answer
    named may have been taken by that."""
    answered = {(name, send["call"]) for name, send, _ in acknowledged_of(evidence)}
    doubtful = {}           # update -> when an acknowledgement without an answer was first sent
    for name, line in evidence.load_lines():
        if (line.get("op") == "acknowledge" and line["kind"] == "send"
                and (name, line["call"]) not in answered):
            for update, _, _ in line["updates"]:
                doubtful.setdefault(update, line["mono"])
    for name, send, reply in acknowledged_of(evidence):
        missing = len(send["updates"]) - reply["rows"][0][0]
        excused = sum(1 for update, _, _ in send["updates"]
                      if doubtful.get(update, reply["mono"]) < send["mono"])
        if missing > excused:
            yield Finding("I3", name, f"{send['call']}: {missing} updates were handed out and did not wait")


def never_again(evidence):
    """No update is handed out after its acknowledgement was answered."""
    answered = {}
    for _, send, reply in acknowledged_of(evidence):
        for update, _, _ in send["updates"]:
            answered[update] = min(reply["mono"], answered.get(update, reply["mono"]))
    sends = {}
    for name, line in evidence.load_lines():
        if line.get("op") != "updates":
            continue
        if line["kind"] == "send":
            sends[name, line["call"]] = line["mono"]
        elif line["kind"] == "reply":
            for update, _, _ in line["rows"]:
                if answered.get(update, float("inf")) < sends[name, line["call"]]:
                    yield Finding("I3", f"update {update}", "came again after its acknowledgement")


def once_and_in_order(evidence):
    """Handled or still waiting, by number: exactly the changes of each task, in their order."""
    told = collections.defaultdict(list)
    for row in evidence.tables["handled"] + evidence.tables["task_update"]:
        told[row["task_id"]].append((row["update_id"], row["state"]))
    moves = moves_of(evidence)
    for task in set(told) | set(moves):
        states = [state for _, state in sorted(told[task])]
        happened = [event["to_state"] for event in moves[task]]
        if states != happened:
            yield Finding("I3", f"task {task}", f"went {happened}, its framework was told {states}")


def handed_out_in_order(evidence):
    """A framework meets a task's updates in their order."""
    for name, line in evidence.load_lines():
        if line["kind"] != "reply" or line["op"] != "updates":
            continue
        newest = {}
        for update, task, _ in line["rows"]:
            if update < newest.get(task, update):
                yield Finding("I3", f"task {task}", f"{name} was told out of order: {update} last")
            newest[task] = update


def all_arrive(evidence):
    for row in evidence.tables["task_update"]:
        yield Finding("I10", f"update {row['update_id']}", "still waits long after the last fault")


CHECKS = (updates_kept, handled_once, never_again, once_and_in_order, handed_out_in_order, all_arrive)
