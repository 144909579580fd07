# SPDX-License-Identifier: PostgreSQL
"""I3 and I10: each task goes one legal way to one end, is executed at most once and where it was placed;
agents, books and the tasks themselves tell the same story; at the end everything has ended or runs."""

import collections

from check_claims import tasks_of
from finding import ALIVE, ENDED, Finding

NEXT = {
    "staging": {"starting", "running", "killing", "unreachable"} | (ENDED - {"gone", "lost"}),
    "starting": {"running", "killing", "unreachable"} | (ENDED - {"lost"}),
    "running": {"killing", "unreachable", "finished", "failed", "killed", "gone", "gone_by_operator"},
    "killing": {"unreachable"} | (ENDED - {"gone", "lost"}),
    "unreachable": {"starting", "running", "killing"} | (ENDED - {"lost"}),
}
# Ends that say that the command was executed, and those that say that it was not.
EXECUTED, NOT_EXECUTED = {"finished"}, {"dropped", "error"}


def moves_of(evidence):
    """Task -> its changes of state in order."""
    moves = collections.defaultdict(list)
    for event in sorted(evidence.rows("event", "event_history"), key=lambda row: row["event_id"]):
        if event["object_kind"] == "task" and event["to_state"]:
            moves[event["object_id"]].append(event)
    return moves


def one_way_to_one_end(evidence):
    tasks = tasks_of(evidence)
    moves = moves_of(evidence)
    for task, changes in moves.items():
        state = "staging"
        for change in changes:
            if change["from_state"] != state or change["to_state"] not in NEXT.get(state, ()):
                yield Finding("I3", f"task {task}", f"{state}, then {change['from_state']} ->"
                              f" {change['to_state']} ({change['cause']})")
            state = change["to_state"]
        if task in tasks and tasks[task]["state"] != state:
            yield Finding("I3", f"task {task}", f"is {tasks[task]['state']}, its events end in {state}")
    for task, row in tasks.items():
        if row["state"] != "staging" and task not in moves:
            yield Finding("I3", f"task {task}", f"is {row['state']} without an event")
        if (row["state"] in ENDED) != (row["terminal_at"] is not None):
            yield Finding("I3", f"task {task}", f"is {row['state']}, terminal_at {row['terminal_at']}")


def in_one_place(evidence):
    seen = collections.Counter(row["task_id"] for row in evidence.rows("task", "task_history"))
    for task, count in seen.items():
        if count > 1:
            yield Finding("I3", f"task {task}", f"is in the books {count} times")


def said_by_tasks(evidence):
    """(word, task, agent, the rest) of all that tasks wrote into the start journals."""
    for agent, lines in evidence.starts.items():
        for words in lines:
            yield words[0], words[1], agent, words[2:]


def executed_once(evidence):
    tasks = tasks_of(evidence)
    agents = {row["agent_id"]: row["name"] for row in evidence.tables["agent"]}
    starts = collections.Counter()
    for word, task, agent, _ in said_by_tasks(evidence):
        if word != "start":
            continue
        starts[task] += 1
        if task not in tasks:
            yield Finding("I2", f"task {task}", f"was executed on {agent} and is not in the books")
        elif agents.get(tasks[task]["agent_id"]) != agent:
            yield Finding("I3", f"task {task}", f"was executed on {agent}, placed elsewhere")
    for task, count in starts.items():
        if count > 1:
            yield Finding("I3", f"task {task}", f"was executed {count} times")
    for task, row in tasks.items():
        if row["state"] in EXECUTED and starts[task] == 0:
            yield Finding("I3", f"task {task}", f"is {row['state']} and was never executed")
        if row["state"] in NOT_EXECUTED and starts[task] > 0:
            yield Finding("I3", f"task {task}", f"is {row['state']} and was executed")


def ends_are_true(evidence):
    """The exit code that the books have is the one that the task gave."""
    tasks = tasks_of(evidence)
    for word, task, _, rest in said_by_tasks(evidence):
        if word != "end" or task not in tasks:
            continue
        row, code = tasks[task], int(rest[0])
        if row["state"] == "finished" and (code != 0 or row["exit_code"] != 0):
            yield Finding("I3", f"task {task}", f"ended with {code}, kept as finished {row['exit_code']}")
        if row["state"] == "failed" and row["reason"] == "command_exited" and row["exit_code"] != code:
            yield Finding("I3", f"task {task}", f"ended with {code}, kept as failed {row['exit_code']}")


def kills_are_asked_for(evidence):
    asked = {task for _, line in evidence.load_lines() if line.get("op") == "kill" and line["kind"] == "send"
             for task in line["tasks"]}
    drained = {line["agent"] for line in evidence.logs.get("operator", ()) if line["op"] == "agent_drain"}
    for task, row in tasks_of(evidence).items():
        if row["reason"] == "agent_draining" and row["agent_id"] in drained:
            continue
        if row["state"] == "killed" and task not in asked:
            yield Finding("I3", f"task {task}", "was killed and nobody asked for it")


def kills_are_kept(evidence):
    """A kill that was answered ends its task."""
    tasks = tasks_of(evidence)
    for _, line in evidence.load_lines():
        if line["kind"] == "reply" and line["op"] == "kill":
            for task, state, known in line["rows"]:
                if known and task in tasks and tasks[task]["state"] not in ENDED:
                    yield Finding("I2", f"task {task}", f"its kill was acknowledged ({state}); it is"
                                  f" {tasks[task]['state']}")


def agents_agree(evidence):
    """What an agent's files say of a task is what the books say, as far as they have the same source."""
    tasks = tasks_of(evidence)
    for meta in evidence.meta:
        task, status = meta["task_id"], meta["files"]["status.json"]
        thing = f"task {task} on {meta['agent']}"
        if task not in tasks:
            yield Finding("I2", thing, "the agent has it, the books do not")
        elif tasks[task]["state"] == "gone_by_operator":
            continue  # the operator's word counts, whatever the agent still finds out
        elif status and not meta["reported"]:
            yield Finding("I10", thing, f"its end ({status['state']}) was never reported")
        elif status and tasks[task]["state"] not in (status["state"], "gone"):
            yield Finding("I3", thing, f"ended as {status['state']}, kept as {tasks[task]['state']}")


def ended_or_running(evidence):
    for text in evidence.problems:
        yield Finding("I10", "run", text)
    held = {row["task_id"] for row in evidence.processes}
    for task, row in tasks_of(evidence).items():
        if row["state"] in ALIVE and row["state"] != "running":
            yield Finding("I10", f"task {task}", f"is still {row['state']} long after the last fault")
        elif row["state"] == "running" and task not in held:
            yield Finding("I3", f"task {task}", "is running in the books and nowhere else")
        elif row["state"] in ENDED and task in held:
            yield Finding("I3", f"task {task}", f"is {row['state']} and its processes live")


CHECKS = (one_way_to_one_end, in_one_place, executed_once, ends_are_true, kills_are_asked_for,
          kills_are_kept, agents_agree, ended_or_running)
