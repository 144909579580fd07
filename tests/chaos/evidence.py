# SPDX-License-Identifier: PostgreSQL
"""What a run leaves behind for the checker, as files and as one object.

    log/*.jsonl                what clients, watcher, operator and injector said
    evidence/db/TABLE.jsonl    the tables, from the surviving primary, in one snapshot
    evidence/agents.jsonl      what each agent's own files say of each task it had
    evidence/processes.jsonl   which tasks had processes at the end
    starts/AGENT               what the tasks said themselves"""

import glob
import json
import os

from client import Client
from journal import journal_read
from kinds import AGENTS

TABLES = ("task", "task_history", "task_update", "event", "event_history", "claim", "claim_history",
          "agent", "agent_pool", "framework")
META = ("executor.json", "running.json", "status.json", "kill.json")


class Evidence:
    def __init__(self):
        self.logs = {}          # journal's name -> its lines
        self.tables = {}        # table's name -> rows as objects
        self.meta = []          # {"agent", "task_id", "files": {...}, "reported"}
        self.starts = {}        # agent's name -> lines of words
        self.processes = []     # {"agent", "task_id"}
        self.problems = []      # what the run itself found not to come to an end

    def rows(self, *names):
        return [row for name in names for row in self.tables[name]]

    def load_lines(self):
        """(journal's name, line) of all frameworks' journals, in the order in which they were said."""
        lines = [(name, line) for name, said in self.logs.items() if name.startswith("framework-")
                 for line in said]
        return sorted(lines, key=lambda pair: pair[1]["mono"])


def lines_write(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


# ---- collecting --------------------------------------------------------------------------------------

def tables_collect(conninfos, folder):
    client = Client(conninfos, "evidence", deadline_s=60)
    client.call("begin transaction isolation level repeatable read")
    for table in TABLES:
        rows = client.call(f"select to_jsonb(t) from howdah_private.{table} t")
        lines_write(f"{folder}/{table}.jsonl", (row[0] for row in rows))
    for name, sql in (("handled", "select to_jsonb(h) from chaos.handled h"),
                      ("audit", "select to_jsonb(a) from howdah.audit() a")):
        lines_write(f"{folder}/{name}.jsonl", (row[0] for row in client.call(sql)))
    client.call("commit")
    client.close()


def file_read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def meta_collect(folder):
    for agent in AGENTS:
        for path in sorted(glob.glob(f"{folder}/agents/{agent}/meta/tasks/*")):
            files = {name: file_read(f"{path}/{name}") for name in META}
            yield {"agent": agent, "task_id": os.path.basename(path), "files": files,
                   "reported": os.path.exists(f"{path}/reported")}


def processes_collect(cell):
    for agent in AGENTS:
        for pid in cell.node_pids(agent):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue  # it has just ended
            for word in words:
                if word.startswith(b"HOWDAH_TASK_ID="):
                    yield {"agent": agent, "task_id": word.split(b"=")[1].decode(), "pid": pid}


def collect(cell, problems):
    folder = f"{cell.folder}/evidence"
    os.makedirs(f"{folder}/db", exist_ok=True)
    lines_write(f"{folder}/processes.jsonl", processes_collect(cell))
    tables_collect(cell.tier.conninfos(None, "admin"), f"{folder}/db")
    lines_write(f"{folder}/agents.jsonl", meta_collect(cell.folder))
    lines_write(f"{folder}/problems.jsonl", problems)


# ---- reading -----------------------------------------------------------------------------------------

def load(folder):
    evidence = Evidence()
    for path in sorted(glob.glob(f"{folder}/log/*.jsonl")):
        evidence.logs[os.path.basename(path).removesuffix(".jsonl")] = journal_read(path)
    for path in glob.glob(f"{folder}/evidence/db/*.jsonl"):
        evidence.tables[os.path.basename(path).removesuffix(".jsonl")] = journal_read(path)
    for agent in AGENTS:
        path = f"{folder}/starts/{agent}"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                evidence.starts[agent] = [line.split() for line in file]
    evidence.meta = journal_read(f"{folder}/evidence/agents.jsonl")
    evidence.processes = journal_read(f"{folder}/evidence/processes.jsonl")
    evidence.problems = journal_read(f"{folder}/evidence/problems.jsonl")
    return evidence
