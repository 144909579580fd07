#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Random trees for share_solve, and whether its answers are those of the reference.

    shares.py make SEED COUNT        one case a line, as JSON
    shares.py check CASES ANSWERS    TAP; ANSWERS has a line of JSON for each case

An answer is {name: [[entitled, …], [fair, …]]}. Besides being equal to the reference's it must keep what
is promised: nothing above a limit or the cell, nothing above a demand, a fair share that covers what the
entitlement covers of the demand, and nobody left waiting while there is room for him."""

import json
import random
import sys

import reference

CLOSE = 1e-6  # of the cell's total


def make_case(seed):
    dice = random.Random(seed)
    kinds = dice.choice([1, 2, 2, 3, 4])
    total = [dice.choice([1, 7, 100, 1000, 65536]) for _ in range(kinds)]
    names = []
    for i in range(dice.choice([1, 3, 6, 6, 12, 12, 25])):
        parent = dice.choice([None, *names])
        if parent and (parent.count("/") >= 3 or parent.endswith("/.")):
            parent = None
        name = "." if parent and dice.random() < 0.1 else f"n{i}"
        name = f"{parent}/{name}" if parent else name
        if name not in names:
            names.append(name)
    inner = {n.rpartition("/")[0] for n in names}

    def amounts(chance, most, missing):
        return [round(dice.uniform(0, most) * t, 3) if dice.random() < chance else missing
                for t in total]

    nodes = {}
    for name in names:
        node = {"w": dice.choice([1, 1, 1, 2, 3, 10, 0.25, 1000])}
        if name.endswith("/."):
            node["w"] = 1
        elif dice.random() < 0.3:
            node["g"] = amounts(0.6, dice.choice([0.2, 0.5, 1]), 0)
        if not name.endswith("/.") and dice.random() < 0.3:
            node["l"] = amounts(0.5, dice.choice([0.1, 0.5, 2]), None)
        if name not in inner:
            node["d"] = amounts(dice.choice([0.3, 0.7, 1]), dice.choice([0.1, 1, 10]), 0)
        nodes[name] = node
    return {"seed": seed, "total": total, "nodes": nodes}


def differs(mine, yours, total):
    return abs(float(mine) - float(yours)) > CLOSE * float(total)


def compare(case, answer):
    """The first thing that is wrong, or None."""
    expected = reference.solve(case)
    if set(expected) != set(answer):
        return f"nodes {sorted(answer)}"
    for name in expected:
        for what, mine, yours in zip(("entitled", "fair"), expected[name], answer[name]):
            if any(differs(m, y, t) for m, y, t in zip(mine, yours, case["total"])):
                return f"{what} of {name}: {yours}, expected {[float(m) for m in mine]}"
    return None


def promises(case, answer):
    """The first promise that the answer breaks, or None."""
    cell, nodes = reference.tree(case)
    total = case["total"]
    kinds = range(len(total))
    for name, node in nodes.items():
        node.entitled, node.got = ([float(a) / t for a, t in zip(part, total)] for part in answer[name])
    cell.got = [sum(c.got[k] for c in cell.children) for k in kinds]
    for node in [cell, *nodes.values()]:
        if any(node.got[k] > float(node.limit[k]) + CLOSE for k in kinds):
            return f"{node.name or 'the cell'} is above its limit"
        if node.children and any(abs(node.got[k] - sum(c.got[k] for c in node.children)) > CLOSE
                                 for k in kinds):
            return f"{node.name or 'the cell'} is not the sum of its children"
    for leaf in cell.leaves() if nodes else []:
        wanted = [float(d) for d in leaf.demand]
        if not any(wanted):
            continue
        part = min([1.0, *(e / d for e, d in zip(leaf.entitled, wanted) if d)])
        if any(leaf.got[k] > wanted[k] + CLOSE for k in kinds):
            return f"{leaf.name} gets more than it wants"
        if any(leaf.got[k] < part * wanted[k] - CLOSE for k in kinds):
            return f"{leaf.name} gets less than its entitlement covers"
        met = all(leaf.got[k] >= wanted[k] - CLOSE for k in kinds)
        full = any(wanted[k] and holder.got[k] >= float(holder.limit[k]) - CLOSE
                   for holder in leaf.path(cell) for k in kinds)
        if not met and not full:
            return f"{leaf.name} waits while there is room"
    return None


def check(cases_path, answers_path):
    with open(cases_path, encoding="utf-8") as cases, open(answers_path, encoding="utf-8") as answers:
        pairs = [(json.loads(c), json.loads(a)) for c, a in zip(cases, answers, strict=True)]
    wrong = 0
    for title, test in (("are equal to the reference's", compare), ("keep what is promised", promises)):
        found = [(case, what) for case, answer in pairs if (what := test(case, answer))]
        print(f"{'not ok' if found else 'ok'} - {len(pairs)} random trees: their shares {title}")
        for case, what in found[:3]:
            print(f"# seed {case['seed']}: {what}")
            print(f"# {json.dumps(case)}")
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        for number in range(int(sys.argv[3])):
            print(json.dumps(make_case(int(sys.argv[2]) + number)))
    else:
        sys.exit(check(sys.argv[2], sys.argv[3]))
