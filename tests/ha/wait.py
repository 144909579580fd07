# SPDX-License-Identifier: PostgreSQL
"""Waiting is a bounded poll of a named condition, never a sleep for luck."""

import time


class NotWithin(Exception):
    """The condition did not come true in time."""


def poll(seconds, condition, every=0.05):
    """The first true value of condition(), or None when there was none within seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            return None
        time.sleep(every)


def until(seconds, what, condition, every=0.05):
    """As poll, but raises NotWithin, which names the condition."""
    value = poll(seconds, condition, every)
    if not value:
        raise NotWithin(f"not within {seconds} s: {what}")
    return value
