#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Random faults under load, and a proof afterwards that nothing was lost, doubled or done in part.

    chaos.py [--faults N] [--seed N] [--tier single|pair] [--rate PER_SECOND] [--keep DIR] [--lose]

Prints the seed and the schedule it stands for, runs the load while the faults happen, waits for the
end of what was begun, collects the evidence and checks it. The last lines are the counts and a line for
each violation. With --lose the pair does not wait for its standby and really loses what it acknowledged:
to see that this is found. Exit status: 0 none, 1 some, 2 the run could not be made. README.md says
what is where."""

import argparse
import collections
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time

import check
import evidence
from cell import Cell
from client import Answered, Lost
from injector import Injector
from pair_tier import PairTier, why_no_pair
from schedule import schedule_make
from single import SingleTier

WIND_DOWN_S = 90
LOSE_S = 3.0


def tier_make(options, folder):
    if options.tier == "single":
        return SingleTier(folder)
    return PairTier(folder, synchronous=not options.lose)


def run(options, folder):
    """The problems of the run itself, and the injector."""
    schedule = schedule_make(options.seed, options.faults, options.tier)
    for fault in schedule:
        print(fault)
    sys.stdout.flush()
    cell = Cell(tier_make(options, folder), folder, options.seed, options.rate)
    injector = Injector(cell, schedule)
    try:
        cell.start()
        cell.begin()
        injector.run()
        time.sleep(options.calm)
        if options.lose:
            cell.tier.lose(LOSE_S)
        problems = injector.problems + injector.never_hit() + cell.wind_down(WIND_DOWN_S)
        evidence.collect(cell, problems)
    finally:
        cell.stop()
        cell.tier.close()
    return injector


def summary(injector, counts, findings, options, took_s):
    fail_overs = injector.cell.tier.fail_overs()
    recovered = injector.recovered_s or [0.0]
    return {
        "seed": options.seed, "tier": options.tier, "faults": sum(injector.done.values()),
        "skipped": dict(sorted(injector.skipped.items())),
        "by_kind": dict(sorted(injector.done.items())), "seconds": round(took_s, 1),
        "fail_overs": fail_overs,
        "database_back_s": {"median": sorted(recovered)[len(recovered) // 2], "max": max(recovered)},
        **counts, "violations": len(findings),
        "violations_by_invariant": dict(collections.Counter(f.invariant for f in findings))}


def end_by_signal(number, _frame):
    sys.exit(128 + number)


def main():
    signal.signal(signal.SIGTERM, end_by_signal)
    signal.signal(signal.SIGHUP, end_by_signal)
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", default=None)
    parser.add_argument("--tier", choices=["single", "pair"],
                        default="single" if why_no_pair() else "pair")
    parser.add_argument("--rate", type=float, default=8)
    parser.add_argument("--calm", type=float, default=1.0)
    parser.add_argument("--lose", action="store_true")
    parser.add_argument("--keep", metavar="DIR")
    options = parser.parse_args()
    options.seed = options.seed or str(secrets.randbelow(1 << 31))
    print(f"seed {options.seed}, {options.faults} faults, tier {options.tier}", flush=True)
    folder = options.keep or tempfile.mkdtemp(prefix="howdah-chaos.", dir="/var/tmp")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    began = time.monotonic()
    try:
        injector = run(options, folder)
        findings, counts = check.check(evidence.load(folder))
    except (Lost, Answered, RuntimeError, TimeoutError) as error:
        print(f"chaos: the run could not be made: {error} (see {folder})")
        return 2
    for finding in findings:
        print(f"VIOLATION {finding}")
    print(json.dumps(summary(injector, counts, findings, options, time.monotonic() - began), indent=1))
    if findings:
        print(f"kept: {folder}")
    elif not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
