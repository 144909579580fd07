#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Reads the evidence of a run and proves the invariants, or says what breaks them.

    check.py DIR        a finding a line; status 1 when there is any

Nothing here asks the database or shares code with it: the checks of check_*.py see rows, journals and
files only. Each is a function of the evidence that yields findings; CHECKS is the table of them."""

import sys

import check_claims
import check_fences
import check_tasks
import check_updates
import check_books
import evidence as evidence_module

CHECKS = (*check_claims.CHECKS, *check_tasks.CHECKS, *check_books.CHECKS, *check_fences.CHECKS,
          *check_updates.CHECKS)


def check(evidence):
    """All findings, and counts of what was looked at."""
    findings = [finding for one in CHECKS for finding in one(evidence)]
    return findings, counts_of(evidence)


def counts_of(evidence):
    lines = [line for _, line in evidence.load_lines()]
    replies = [line for line in lines if line["kind"] == "reply"]
    claims = check_claims.answers_of(evidence)
    rows = [row for answer in claims.values() for row in answer.rows]
    return {
        "claims_answered": len(claims),
        "tasks_committed": sum(1 for row in rows if row[4]),
        "specs_refused": sum(1 for row in rows if not row[4]),
        "claims_repeated": sum(len(answer.calls) - 1 for answer in claims.values()),
        "calls": len(replies), "calls_lost": sum(1 for line in lines if line["kind"] == "lost"),
        "kills": sum(1 for line in replies if line["op"] == "kill"),
        "take_overs": sum(1 for line in replies if line["op"] == "register"),
        "tasks": len(evidence.rows("task", "task_history")),
        "tasks_started": sum(1 for said in evidence.starts.values() for w in said if w[0] == "start"),
        "updates_acknowledged": len(evidence.tables["handled"]),
        "longest_pause_s": longest_pause(replies), "audits": len(evidence.logs.get("audit", [])),
        "ghost_calls": len(evidence.logs.get("ghost", [])),
    }


def longest_pause(replies):
    """The longest time in which no framework got an answer to a claim."""
    times = [line["mono"] for line in replies if line["op"] == "claim"]
    return round(max((late - early for early, late in zip(times, times[1:])), default=0.0), 2)


def main():
    findings, counts = check(evidence_module.load(sys.argv[1]))
    for finding in findings:
        print(finding)
    print(", ".join(f"{name} {number}" for name, number in counts.items()))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
