# SPDX-License-Identifier: PostgreSQL
"""Journals: JSON lines that are only ever appended to, one write(2) a line, so that a killed writer
has lost nothing of what it said. Every line has its kind, the machine's monotonic clock, which all
processes of a run share, and the wall clock, which a fault may step."""

import json
import os
import time


class Journal:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, kind, **fields):
        line = {"kind": kind, "mono": round(time.monotonic(), 6), "wall": round(time.time(), 6)}
        os.write(self.fd, (json.dumps({**line, **fields}, default=str) + "\n").encode())


def journal_read(path):
    """The lines of a journal. A last one without its end was never said: its writer was killed."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return [json.loads(line) for line in text.split("\n")[:-1] if line]
