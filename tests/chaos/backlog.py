# SPDX-License-Identifier: PostgreSQL
"""What former instances of a framework have left behind: its id, and calls whose outcome nobody knows."""

import glob
import os
import uuid

from journal import journal_read


def journals(folder, name):
    paths = glob.glob(f"{folder}/log/{name}.*.jsonl")
    return sorted(paths, key=lambda path: int(path.split(".")[-2]))


def instance_next(folder, name):
    """A number that no instance had: making the log file is what takes it."""
    number = len(journals(folder, name)) + 1
    while True:
        try:
            os.close(os.open(f"{folder}/log/{name}.{number}.jsonl", os.O_CREAT | os.O_EXCL, 0o644))
            return number
        except FileExistsError:
            number += 1


def framework_known(folder, name):
    path = f"{folder}/state/{name}"
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as file:
        return file.read()


def framework_key(folder, name):
    """What makes the first registration exact: all instances show the same."""
    path = f"{folder}/state/{name}.key"
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(str(uuid.uuid4()))
    except FileExistsError:
        pass  # a former instance has made it
    with open(path, encoding="ascii") as file:
        return file.read()


def framework_note(folder, name, framework_id):
    path = f"{folder}/state/{name}"
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write(framework_id)
    os.replace(f"{path}.new", path)


def open_calls(folder, name, framework_id):
    """As (method, arguments): claims and kills that were sent and have neither reply nor refusal. To be
    read after the take-over, when nothing that a former instance has begun can still be done."""
    sends = {}
    for path in journals(folder, name):
        for line in journal_read(path):
            if line.get("op") not in ("claim", "kill"):
                continue
            if line["kind"] == "send" and line["framework"] == framework_id:
                sends.setdefault(line["call"], line)
            elif line["kind"] == "reply" or line["kind"] == "error" and final(line["code"]):
                sends.pop(line["call"], None)
    return [call_of(line) for line in sends.values()]


def final(code):
    """Whether a refusal tells the outcome: nothing was done and nothing will be. A fenced sender's does
    not: an earlier try of the same request may have been done."""
    return code[:2] == "HW" and code not in ("HW040", "HW060", "HW019")


def call_of(line):
    if line["op"] == "kill":
        return "kill_send", (line["call"], line["tasks"])
    return "claim_send", (line["call"], line["tasks"], line["mode"], line["conflict"],
                          line["dry_run"])


