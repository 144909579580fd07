# SPDX-License-Identifier: PostgreSQL
"""What a check yields, and the words of the cell that several checks need."""

import dataclasses

ENDED = {"finished", "failed", "killed", "error", "lost", "dropped", "gone", "gone_by_operator"}
# The states that a task can go to, from the design's description, not from the generated machine.
ALIVE = ("staging", "starting", "running", "killing", "unreachable")


@dataclasses.dataclass(frozen=True)
class Finding:
    invariant: str      # I1 … I10
    thing: str
    text: str

    def __str__(self):
        return f"{self.invariant} {self.thing}: {self.text}"
