#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Tests the checker: violations are planted, one at a time, into copies of the evidence of a real run.

    test_checker.py DIR

DIR is the folder of a run without findings (chaos.py --keep). Prints TAP. For every check of check.py there
is at least one plant that this check, by name, must find; a check without a plant is a failure."""

import copy
import pickle
import sys

import check
import evidence as evidence_module
from check_claims import COMMITTED, FREE, MESSAGE, REASON, REPLAYED, TASK, WANTED

PLANTS = []


def plant(name):
    """A function that spoils evidence so that the check of this name must find it."""
    def register(function):
        PLANTS.append((name, function))
        return function
    return register


def replies(evidence, op, wanted=lambda line: True):
    return [line for _, line in evidence.load_lines()
            if line["kind"] == "reply" and line["op"] == op and wanted(line)]


def committed(evidence):
    """A reply to a claim that committed a task which ended as finished and stands in the live table."""
    finished = {row["task_id"] for row in evidence.rows("task", "task_history")
                if row["state"] == "finished"}
    dry = {line["call"] for _, line in evidence.load_lines()
           if line["kind"] == "send" and line["op"] == "claim" and line["dry_run"]}
    return replies(evidence, "claim", lambda line: line["call"] not in dry and any(
        row[COMMITTED] and row[TASK] in finished for row in line["rows"]))[0]


def refused(evidence, reason="insufficient_resource"):
    sends = {line["call"]: line for _, line in evidence.load_lines()
             if line["kind"] == "send" and line["op"] == "claim"}
    line = replies(evidence, "claim", lambda line: not sends[line["call"]]["dry_run"] and any(
        row[REASON] == reason for row in line["rows"]))[0]
    return next(row for row in line["rows"] if row[REASON] == reason)


def row_of(evidence, task):
    return next(row for row in evidence.rows("task", "task_history") if row["task_id"] == task)


def remove(rows, wanted):
    rows[:] = [row for row in rows if not wanted(row)]


def finished_task(evidence):
    return next(row for row in evidence.rows("task", "task_history") if row["state"] == "finished")


def journal_add(evidence, **line):
    evidence.logs["framework-1.1"].append(line)


# ---- claims ----

@plant("acknowledged_kept")
def a_claim_is_lost(evidence):
    key = committed(evidence)["call"]
    for table in ("claim", "claim_history"):
        remove(evidence.tables[table], lambda row: row["claim_key"] == key)


@plant("acknowledged_kept")
def a_task_of_a_claim_is_lost(evidence):
    line = committed(evidence)
    lost = next(row[TASK] for row in line["rows"] if row[COMMITTED])
    for table in ("task", "task_history"):
        remove(evidence.tables[table], lambda row: row["task_id"] == lost)


@plant("acknowledged_kept")
def a_task_holds_less_than_was_answered(evidence):
    line = committed(evidence)
    row_of(evidence, next(row[TASK] for row in line["rows"] if row[COMMITTED]))["cpus_milli"] -= 1


@plant("answers_agree")
def a_claim_is_answered_differently(evidence):
    line = copy.deepcopy(committed(evidence))
    for row in line["rows"]:
        row[TASK], row[REPLAYED] = "00000000-0000-0000-0000-000000000001", True
    journal_add(evidence, **{**line, "mono": line["mono"] + 1})


@plant("answers_agree")
def a_claim_is_committed_again(evidence):
    line = copy.deepcopy(committed(evidence))
    journal_add(evidence, **{**line, "mono": line["mono"] + 1})


@plant("nothing_unasked")
def a_claim_that_nobody_made(evidence):
    evidence.tables["claim"].append({**evidence.tables["claim"][0], "claim_key": "nobody"})


@plant("nothing_unasked")
def a_task_is_placed_twice(evidence):
    evidence.tables["task"].append({**finished_task(evidence), "task_id": "another"})


@plant("nothing_half_done")
def half_a_gang(evidence):
    row = next(row for row in evidence.tables["claim"]
               if row["mode"] == "all" and row["committed_count"] > 1)
    lost = row["task_ids"][0]
    row["task_ids"][0], row["committed_count"] = None, row["committed_count"] - 1
    for table in ("task", "task_history"):
        remove(evidence.tables[table], lambda task: task["task_id"] == lost)


@plant("refusals_explained")
def a_refusal_without_reason(evidence):
    refused(evidence)[REASON] = None


@plant("refusals_explained")
def a_refusal_without_message(evidence):
    refused(evidence)[MESSAGE] = ""


@plant("refusals_explained")
def a_refusal_without_figures(evidence):
    refused(evidence)[WANTED] = None


@plant("refusals_explained")
def a_refusal_of_what_was_free(evidence):
    row = refused(evidence)
    row[FREE] = row[WANTED]


@plant("errors_expected")
def an_error_that_nobody_deserved(evidence):
    journal_add(evidence, kind="error", op="claim", call="x", code="HW001", text="", mono=0)


# ---- tasks ----

@plant("one_way_to_one_end")
def two_ends(evidence):
    task = finished_task(evidence)["task_id"]
    last = [row for row in evidence.rows("event", "event_history")
            if row["object_id"] == task and row["to_state"]][-1]
    evidence.tables["event"].append({**last, "event_id": 10**9, "from_state": last["to_state"],
                                     "to_state": "killed"})


@plant("one_way_to_one_end")
def a_step_is_missing(evidence):
    task = finished_task(evidence)["task_id"]
    for table in ("event", "event_history"):
        remove(evidence.tables[table],
               lambda row: row["object_id"] == task and row["from_state"] == "staging")


@plant("one_way_to_one_end")
def an_end_that_no_event_tells(evidence):
    finished_task(evidence)["state"] = "failed"


@plant("in_one_place")
def live_and_in_history(evidence):
    evidence.tables["task_history"].append(dict(evidence.tables["task"][0]))


def start_line(evidence):
    return next((agent, words) for agent, said in evidence.starts.items() for words in said
                if words[0] == "start")


@plant("executed_once")
def a_task_is_executed_twice(evidence):
    agent, words = start_line(evidence)
    evidence.starts[agent].append(list(words))


@plant("executed_once")
def a_task_is_executed_elsewhere(evidence):
    agent, words = start_line(evidence)
    evidence.starts[agent].remove(words)
    next(said for name, said in evidence.starts.items() if name != agent).append(words)


@plant("executed_once")
def a_task_that_is_in_no_book_is_executed(evidence):
    agent, words = start_line(evidence)
    evidence.starts[agent].append(["start", "nobody", *words[2:]])


@plant("executed_once")
def a_task_finishes_without_being_executed(evidence):
    task = finished_task(evidence)["task_id"]
    for said in evidence.starts.values():
        remove(said, lambda words: words[1] == task)


@plant("executed_once")
def a_dropped_task_was_executed(evidence):
    _, words = start_line(evidence)
    row_of(evidence, words[1])["state"] = "dropped"


@plant("ends_are_true")
def another_exit_code(evidence):
    finished_task(evidence)["exit_code"] = 7


@plant("kills_are_asked_for")
def a_kill_that_nobody_wanted(evidence):
    finished_task(evidence)["state"] = "killed"


@plant("kills_are_asked_for")
def a_drain_that_nobody_wanted(evidence):
    finished_task(evidence).update(state="killed", reason="agent_draining", agent_id="another")


@plant("kills_are_kept")
def a_kill_is_forgotten(evidence):
    line = replies(evidence, "kill", lambda line: any(row[2] for row in line["rows"]))[0]
    row_of(evidence, next(row[0] for row in line["rows"] if row[2]))["state"] = "running"


def ended_meta(evidence):
    return next(meta for meta in evidence.meta if meta["files"]["status.json"] and meta["reported"]
                and row_of(evidence, meta["task_id"])["state"] == "finished")


@plant("agents_agree")
def an_agent_tells_another_end(evidence):
    ended_meta(evidence)["files"]["status.json"]["state"] = "failed"


@plant("agents_agree")
def an_agent_keeps_an_end_for_itself(evidence):
    ended_meta(evidence)["reported"] = False


@plant("agents_agree")
def an_agent_has_a_task_of_nobody(evidence):
    evidence.meta.append({**ended_meta(evidence), "task_id": "nobody"})


@plant("ended_or_running")
def a_task_is_left_in_between(evidence):
    finished_task(evidence)["state"] = "starting"


@plant("ended_or_running")
def a_task_runs_in_the_books_only(evidence):
    row = finished_task(evidence)
    row["state"] = "running"


@plant("ended_or_running")
def an_ended_task_still_runs(evidence):
    evidence.processes.append({"agent": "agent-1", "task_id": finished_task(evidence)["task_id"]})


@plant("ended_or_running")
def the_run_did_not_come_to_an_end(evidence):
    evidence.problems.append("framework-1 does not come to an end")


# ---- books ----

@plant("pools_hold")
def an_amount_is_not_given_back(evidence):
    evidence.tables["agent_pool"][0]["mem_free"] -= 1


@plant("pools_hold")
def more_is_held_than_there_is(evidence):
    pool = evidence.tables["agent_pool"][0]
    pool["cpus_free"], pool["cpus_capacity"] = -1000, pool["cpus_capacity"] - pool["cpus_free"] - 1000


@plant("pools_hold")
def a_port_is_held_twice(evidence):
    for name in ("one", "two"):
        evidence.tables["task"].append({**finished_task(evidence), "task_id": name, "state": "running",
                                        "ports": "{[31000,31001)}"})


@plant("pools_hold")
def a_port_is_not_given_back(evidence):
    evidence.tables["agent_pool"][0]["ports_allocated"] = "{[31000,31003)}"


@plant("audits_empty")
def the_audit_finds_something_in_between(evidence):
    evidence.logs["audit"][0]["rows"].append(["I4 books", "agent x", "books 1, tasks 2"])


@plant("audits_empty")
def the_last_audit_finds_something(evidence):
    evidence.tables["audit"].append({"invariant": "I4", "object": "agent x", "detail": ""})


# ---- fences ----

@plant("fenced_change_nothing")
def a_fenced_instance_acknowledges(evidence):
    line = replies(evidence, "register")[-1]
    framework, epoch = line["rows"][0]
    for kind, mono in (("send", 1), ("reply", 2)):
        journal_add(evidence, kind=kind, op="acknowledge", call="late", framework=framework,
                    epoch=epoch - 1, updates=[], rows=[[0]], mono=line["mono"] + mono)


@plant("fenced_claims_absent")
def a_fenced_instance_claims(evidence):
    line = committed(evidence)
    sends = [said for _, said in evidence.load_lines()
             if said["kind"] == "send" and said["call"] == line["call"]]
    journal_add(evidence, kind="reply", op="register", call="fence", epoch=0, mono=sends[0]["mono"] - 0.001,
                rows=[[sends[0]["framework"], 10**6]])


@plant("epochs_grow")
def an_epoch_is_given_twice(evidence):
    line = replies(evidence, "register")[-1]
    journal_add(evidence, **{**line, "mono": line["mono"] + 1})


@plant("registered_once")
def a_framework_is_registered_twice(evidence):
    evidence.tables["framework"].append({**evidence.tables["framework"][0], "framework_id": "another"})


@plant("cell_epochs_grow")
def a_former_primary_takes_a_heartbeat(evidence):
    line = replies(evidence, "heartbeat")[-1]
    for kind, mono in (("send", 1), ("reply", 2)):
        journal_add(evidence, **{**line, "kind": kind, "call": "former", "mono": line["mono"] + mono,
                                 "rows": [[{**line["rows"][0][0], "epoch": 0}]]})


@plant("ghosts_refused")
def a_former_leader_leads(evidence):
    evidence.logs["ghost"].append({"kind": "allowed", "who": "leader", "sql": "x"})


@plant("ghosts_refused")
def a_ghost_is_refused_for_another_reason(evidence):
    evidence.logs["ghost"].append({"kind": "refused", "who": "leader", "code": "42883", "text": ""})


@plant("leaders_apart")
def two_leaders_with_one_epoch(evidence):
    event = next(row for row in evidence.rows("event", "event_history") if row["object_kind"] == "leader")
    evidence.tables["event"].append({**event, "event_id": 10**9})


# ---- updates ----

def acknowledged(evidence):
    return next(row for row in evidence.tables["handled"] if row["state"] == "finished")


@plant("updates_kept")
def an_acknowledgement_is_lost(evidence):
    lost = acknowledged(evidence)["update_id"]
    remove(evidence.tables["handled"], lambda row: row["update_id"] == lost)


@plant("handled_once")
def an_acknowledged_update_was_acknowledged_before(evidence):
    replies(evidence, "acknowledge")[0]["rows"][0][0] -= 1


@plant("never_again")
def an_update_comes_again(evidence):
    line = replies(evidence, "acknowledge")[0]
    name, send = next((name, said) for name, said in evidence.load_lines()
                      if said["kind"] == "send" and said["call"] == line["call"])
    for kind, mono in (("send", 1), ("reply", 2)):
        evidence.logs[name].append({"kind": kind, "op": "updates", "call": "again",
                                    "mono": line["mono"] + mono, "rows": send["updates"]})


@plant("once_and_in_order")
def a_change_is_told_twice(evidence):
    evidence.tables["handled"].append({**acknowledged(evidence), "update_id": 10**9})


@plant("once_and_in_order")
def a_change_is_never_told(evidence):
    lost = acknowledged(evidence)["update_id"]
    remove(evidence.tables["handled"], lambda row: row["update_id"] == lost)


@plant("once_and_in_order")
def changes_are_told_in_another_order(evidence):
    task = acknowledged(evidence)["task_id"]
    first, second = sorted((row for row in evidence.tables["handled"] if row["task_id"] == task),
                           key=lambda row: row["update_id"])[:2]
    first["update_id"], second["update_id"] = second["update_id"], first["update_id"]


@plant("handed_out_in_order")
def updates_are_handed_out_in_another_order(evidence):
    line = replies(evidence, "updates", lambda line: line["rows"])[0]
    update, task, state = line["rows"][0]
    line["rows"].append([update - 1, task, state])


@plant("all_arrive")
def an_update_never_arrives(evidence):
    evidence.tables["task_update"].append({**acknowledged(evidence), "update_id": 10**9})


# ---- the test ----

def main():
    clean = evidence_module.load(sys.argv[1])
    copies = pickle.dumps(clean)
    checks = {one.__name__: one for one in check.CHECKS}
    results = [(f"the evidence of the run is clean to {name}", not list(one(clean)))
               for name, one in checks.items()]
    results += [(f"a plant for {name} exists", any(planted == name for planted, _ in PLANTS))
                for name in checks]
    for name, spoil in PLANTS:
        spoiled = pickle.loads(copies)
        spoil(spoiled)
        results.append((f"{name} finds that {spoil.__name__.replace('_', ' ')}",
                        bool(list(checks[name](spoiled)))))
    for number, (text, passed) in enumerate(results, 1):
        print(f"{'' if passed else 'not '}ok {number} - {text}")
    print(f"1..{len(results)}")
    return 0 if all(passed for _, passed in results) else 1


if __name__ == "__main__":
    sys.exit(main())
