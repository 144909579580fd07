# SPDX-License-Identifier: PostgreSQL
"""Entitlements and fair shares as docs/sharing.md defines them, in exact arithmetic and without a thought
for speed: what sql/functions/share.sql must agree with. Amounts are parts of the cell's total."""

from fractions import Fraction

INFINITE = Fraction(10) ** 30


class Node:
    def __init__(self, name, weight, demand, guarantee, limit):
        self.name, self.weight = name, weight
        self.demand, self.guarantee, self.limit = demand, guarantee, limit
        self.parent, self.children = None, []
        self.got = [Fraction(0)] * len(demand)
        self.entitled = [Fraction(0)] * len(demand)
        self.level = Fraction(0)

    def path(self, top):
        """This node and those above it, up to top."""
        node = self
        while True:
            yield node
            if node is top:
                return
            node = node.parent

    def below(self):
        for child in self.children:
            yield child
            yield from child.below()

    def leaves(self):
        return [n for n in self.below() if not n.children] or [self]


def tree(case):
    """(cell, nodes by name) of a case as tests/sql/lib/share.psql reads it."""
    total = [Fraction(str(t)) for t in case["total"]]

    def parts(values, missing):
        values = values or [None] * len(total)
        return [missing if v is None else Fraction(str(v)) / t for v, t in zip(values, total)]

    zero = Fraction(0)
    cell = Node("", Fraction(1), parts(None, zero), parts(None, zero), parts(None, Fraction(1)))
    nodes = {}
    for name in sorted(case["nodes"], key=lambda n: n.split("/")):
        given = case["nodes"][name]
        node = Node(name, Fraction(str(given.get("w", 1))), parts(given.get("d"), zero),
                    parts(given.get("g"), zero), parts(given.get("l"), INFINITE))
        node.parent = nodes[name.rpartition("/")[0]] if "/" in name else cell
        node.parent.children.append(node)
        nodes[name] = node
    return cell, nodes


def needed(node, k):
    return max(node.guarantee[k], sum(needed(c, k) for c in node.children))


def entitle(node):
    """Hand the node's entitlement down."""
    heirs = [c for c in node.children if not c.name.endswith("/.")]
    for k, have in enumerate(node.entitled):
        promised = sum(needed(c, k) for c in node.children)
        for child in heirs:
            sure = needed(child, k)
            if promised > have:
                sure = sure * have / promised
            spare = max(Fraction(0), have - promised)
            part = spare * child.weight / sum(c.weight for c in heirs)
            child.entitled[k] = min(child.limit[k], max(sure, part))
    for child in heirs:
        entitle(child)


def root_of(node):
    while node.parent is not None:
        node = node.parent
    return node


def can_grow(leaf, top):
    if not any(leaf.demand) or leaf.got == leaf.demand:
        return False
    for holder in leaf.path(top):
        room = holder.entitled if holder is top else holder.limit
        if any(d and g >= r for d, g, r in zip(leaf.demand, holder.got, room)):
            return False
    return True


def growth(node, top):
    """How the node grows when its level rises by 1: (vector, [(node, speed, vector, span)]), where span is
    how far the node's own level may rise before something changes below it; None if it cannot."""
    if not node.children:
        if not can_grow(node, top):
            return None
        size = max(node.demand)
        vector = [d / size for d in node.demand]
        return vector, [(node, Fraction(1), vector, size - node.level)]
    able = [(c, g) for c, g in ((c, growth(c, top)) for c in node.children) if g]
    if not able:
        return None
    ratios = sorted({c.level / c.weight for c, _ in able})
    chosen = [(c, g) for c, g in able if c.level / c.weight == ratios[0]]
    raw = [sum(c.weight * g[0][k] for c, g in chosen) for k in range(len(node.demand))]
    norm = max(raw)
    vector = [r / norm for r in raw]
    moves = [(node, Fraction(1), vector,
              (ratios[1] - ratios[0]) * norm if len(ratios) > 1 else None)]
    for child, (_, inner) in chosen:
        moves += [(n, speed * child.weight / norm, v, span) for n, speed, v, span in inner]
    return vector, moves


def fill(top):
    for node in [top, *top.below()]:
        node.level = max(node.got)
    while True:
        found = growth(top, top)
        if found is None:
            return
        moves = found[1]
        steps = [span / speed for _, speed, _, span in moves if span is not None]
        for node, speed, vector, _ in moves:
            room = node.entitled if node is top else node.limit
            steps += [(r - g) / (v * speed) for r, g, v in zip(room, node.got, vector) if v]
        step = min(steps)
        for node, speed, vector, _ in moves:
            node.level += step * speed
            if not node.children:
                part = step * speed / max(node.demand)
                for holder in node.path(root_of(node)):
                    holder.got = [g + part * d for g, d in zip(holder.got, node.demand)]


def solve(case):
    """{name: (entitled, fair)} in amounts."""
    cell, nodes = tree(case)
    cell.entitled = [Fraction(1)] * len(cell.demand)
    entitle(cell)
    for leaf in cell.leaves():
        parts = [e / d for e, d in zip(leaf.entitled, leaf.demand) if d]
        part = min([Fraction(1), *parts])
        for holder in leaf.path(cell):
            holder.got = [g + part * d for g, d in zip(holder.got, leaf.demand)]
    for node in reversed([cell, *cell.below()]):
        if node.children:
            fill(node)
    total = [Fraction(str(t)) for t in case["total"]]
    return {name: ([e * t for e, t in zip(n.entitled, total)],
                   [g * t for g, t in zip(n.got, total)]) for name, n in nodes.items()}
