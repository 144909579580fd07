# SPDX-License-Identifier: PostgreSQL
"""I2 and I8: what was answered to a claim is in the books as it was answered; of what was not answered
all is there or nothing; nothing is there that nobody asked for; every refusal says why."""

import dataclasses

from finding import Finding

# ordinal, name, task_id, agent_id, committed, reason, resource, wanted, free, message, replayed
NAME, TASK, AGENT, COMMITTED, REASON, RESOURCE, WANTED, FREE, MESSAGE, REPLAYED = range(1, 11)
REASONS = {"task_invalid", "name_in_use", "not_permitted", "agent_unknown", "agent_closed",
           "agent_changed", "offer_unknown", "offer_foreign", "offer_used", "offer_expired",
           "offer_rescinded", "insufficient_resource", "port_taken", "set_item_taken",
           "gang_incomplete"}
COUNTED = {"insufficient_resource", "port_taken", "agent_changed"}
REFUSED_CODES = {"HW040", "HW060", "25006", "40001", "40P01", "53100", "53300", "55P03", "57014",
                 "57P01", "57P02", "57P03"}


@dataclasses.dataclass
class Answer:
    send: dict
    rows: list          # of the first answer
    calls: list         # every answer's rows


def sends_of(evidence):
    """Claims that were asked for, dry runs apart: key -> the first line that asked."""
    sends = {}
    for _, line in evidence.load_lines():
        if line["kind"] == "send" and line["op"] == "claim" and not line["dry_run"]:
            sends.setdefault(line["call"], line)
    return sends


def answers_of(evidence):
    sends, answers = sends_of(evidence), {}
    for _, line in evidence.load_lines():
        if line["kind"] == "reply" and line["op"] == "claim" and line["call"] in sends:
            answer = answers.setdefault(line["call"], Answer(sends[line["call"]], line["rows"], []))
            answer.calls.append(line["rows"])
    return answers


def claims_of(evidence):
    return {row["claim_key"]: row for row in evidence.rows("claim", "claim_history")}


def tasks_of(evidence):
    return {row["task_id"]: row for row in evidence.rows("task", "task_history")}


def acknowledged_kept(evidence):
    """Each answered claim is in the books, with the same tasks under the same specs."""
    claims, tasks = claims_of(evidence), tasks_of(evidence)
    for key, answer in answers_of(evidence).items():
        told = [row[TASK] if row[COMMITTED] else None for row in answer.rows]
        if key not in claims:
            yield Finding("I2", f"claim {key}", "was answered and is not in the books")
            continue
        if list(claims[key]["task_ids"]) != told:
            yield Finding("I2", f"claim {key}", f"answered {told}, kept {claims[key]['task_ids']}")
        for row in answer.rows:
            if row[COMMITTED]:
                yield from task_as_answered(row, tasks.get(row[TASK]), key, answer.send)


def task_as_answered(row, task, key, send):
    thing = f"task {row[TASK]}"
    if task is None:
        yield Finding("I2", thing, f"was acknowledged (claim {key}) and is not in the books")
        return
    spec = next(spec for spec in send["tasks"] if spec["name"] == row[NAME])
    wanted = {"name": row[NAME], "agent_id": row[AGENT], "claim_key": key,
              "framework_id": send["framework"],
              "cpus_milli": round(spec["resources"].get("cpus", 0) * 1000),
              "mem": spec["resources"].get("mem", 0), "disk": spec["resources"].get("disk", 0)}
    for field, value in wanted.items():
        if task[field] != value:
            yield Finding("I2", thing, f"{field}: asked and answered {value}, kept {task[field]}")


def answers_agree(evidence):
    """One key, one answer, whoever repeats it, and only one of them is the first. That one may be read
    last: by an instance that was paused while its successor asked again."""
    for key, answer in answers_of(evidence).items():
        for rows in answer.calls[1:]:
            if [row[:REASON] for row in rows] != [row[:REASON] for row in answer.rows]:
                yield Finding("I2", f"claim {key}", "was answered twice, differently")
        if sum(1 for rows in answer.calls if not all(row[REPLAYED] for row in rows)) > 1:
            yield Finding("I2", f"claim {key}", "was committed twice")


def nothing_unasked(evidence):
    """Every claim and every task in the books was asked for by a frameworks' client."""
    sends = sends_of(evidence)
    for key, claim in claims_of(evidence).items():
        if key not in sends:
            yield Finding("I2", f"claim {key}", "is in the books and nobody asked for it")
        elif claim["task_count"] != len(sends[key]["tasks"]):
            yield Finding("I2", f"claim {key}", "has another number of specs than was asked for")
    seen = {}
    for row in evidence.rows("task", "task_history"):
        if row["claim_key"] not in sends:
            yield Finding("I2", f"task {row['task_id']}", "is in the books and nobody asked for it")
        other = seen.setdefault((row["framework_id"], row["name"]), row["task_id"])
        if other != row["task_id"]:
            yield Finding("I2", f"task {row['task_id']}", f"was asked for once and is there twice: {other}")


def nothing_half_done(evidence):
    """A claim that nobody got an answer to, like any other: all of a gang or nothing, and its tasks are
    those that it names."""
    placed = {}
    for row in evidence.rows("task", "task_history"):
        placed.setdefault(row["claim_key"], set()).add(row["task_id"])
    for key, claim in claims_of(evidence).items():
        named = {task for task in claim["task_ids"] if task}
        if claim["committed_count"] != len(named) or placed.get(key, set()) != named:
            yield Finding("I2", f"claim {key}", f"names {sorted(named)}, has {sorted(placed.get(key, ()))}")
        if claim["mode"] == "all" and len(named) not in (0, claim["task_count"]):
            yield Finding("I2", f"claim {key}", f"a gang of {claim['task_count']} was committed in part")


def refusals_explained(evidence):
    for key, answer in answers_of(evidence).items():
        for row in answer.rows:
            if row[COMMITTED]:
                continue
            if row[REASON] not in REASONS or not row[MESSAGE]:
                yield Finding("I8", f"claim {key}", f"{row[NAME]} was refused without a reason: {row}")
            elif row[REASON] in COUNTED and (not row[RESOURCE] or row[WANTED] is None or row[FREE] is None):
                yield Finding("I8", f"claim {key}", f"{row[NAME]}: {row[REASON]} without figures: {row}")
            elif row[REASON] == "insufficient_resource" and row[WANTED] <= row[FREE]:
                yield Finding("I8", f"claim {key}", f"{row[NAME]} was refused {row[RESOURCE]} that was free")
        if any(row[TASK] for row in answer.rows if not row[COMMITTED]):
            yield Finding("I8", f"claim {key}", "a refused spec has a task")


def errors_expected(evidence):
    """The load asks for nothing wrong: only errors that mean "later" or "no longer you" may come."""
    for name, line in evidence.load_lines():
        if line["kind"] == "error" and line["code"] not in REFUSED_CODES:
            yield Finding("I8", name, f"{line['op']} {line['call']}: {line['code']} {line['text']}")


CHECKS = (acknowledged_kept, answers_agree, nothing_unasked, nothing_half_done, refusals_explained,
          errors_expected)
