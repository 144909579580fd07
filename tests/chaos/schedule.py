# SPDX-License-Identifier: PostgreSQL
"""The list of faults that a seed stands for: a pure function of seed, number and tier.

    python3 schedule.py SEED COUNT [single|pair]      prints the list

Each fault has its time (seconds from the start of the load), kind, target, duration and a few numbers of
its own, all drawn here and nowhere else. Whom "executor 0.37" hits is decided when it comes to it, among
those that live then; everything else is fixed. Faults overlap, up to OVERLAP at a time, but never two on
one target; and those that take the database away leave it time to come back before the next such."""

import dataclasses
import random
import sys

from kinds import KINDS

OVERLAP = 3
GAP_S = 1.8                 # mean time from one fault to the next
RECOVERY_S = 2.5            # after a fault of the database


@dataclasses.dataclass(frozen=True)
class Fault:
    number: int
    at: float
    kind: str
    target: str
    seconds: float
    share: float            # 0 to 1: which one of several, how much of something

    def __str__(self):
        return (f"{self.number:4d} {self.at:8.2f} s  {self.kind:20s} {self.target:14s}"
                f" {self.seconds:5.2f} s  {self.share:.3f}")


def schedule_make(seed, count, tier):
    rng = random.Random(f"howdah chaos {seed}")
    names = [name for name, kind in KINDS.items() if tier in kind.tiers]
    weights = [KINDS[name].weight for name in names]
    faults, now, database_free = [], 1.0, 0.0
    while len(faults) < count:
        now = round(now + min(rng.expovariate(1 / GAP_S), 3 * GAP_S), 2)
        name = rng.choices(names, weights)[0]
        kind = KINDS[name]
        target = rng.choice(kind.targets)
        seconds, share = round(rng.uniform(*kind.seconds), 2), round(rng.random(), 3)
        if kind.database:
            now = max(now, database_free)
        running = [fault for fault in faults if fault.at + fault.seconds > now]
        if len(running) >= OVERLAP or any(fault.target == target for fault in running):
            now = round(min(fault.at + fault.seconds for fault in running) + 0.1, 2)
        running = [fault for fault in faults if fault.at + fault.seconds > now]
        if any(fault.target == target for fault in running):
            continue
        if kind.database:
            database_free = round(now + seconds + RECOVERY_S, 2)
        faults.append(Fault(len(faults) + 1, now, name, target, seconds, share))
    return faults


def main():
    seed, count, tier = sys.argv[1], int(sys.argv[2]), (sys.argv + ["single"])[3]
    for fault in schedule_make(seed, count, tier):
        print(fault)


if __name__ == "__main__":
    main()
