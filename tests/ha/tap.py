# SPDX-License-Identifier: PostgreSQL
"""The Test Anything Protocol, as in tests/lib/tap.sh: each helper is one test and one line."""

import sys
import time
import traceback

count = failed = 0


def diag(text):
    for line in str(text).splitlines():
        print(f"# {line}", file=sys.stderr, flush=True)


def ok(truth, name):
    global count, failed
    count += 1
    failed += not truth
    print(f"{'ok' if truth else 'not ok'} {count} - {name}", flush=True)
    return bool(truth)


def equal(got, wanted, name):
    if not ok(got == wanted, name):
        diag(f"got:    {got!r}\nwanted: {wanted!r}")


def below(got, limit, name):
    if not ok(got < limit, f"{name}: {got:.1f}"):
        diag(f"wanted: below {limit}")


def skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def run(test, why_not=None):
    """Runs test(), prints the plan and ends the program; an exception is a failed test."""
    if why_not:
        skip_all(why_not)
    begin = time.monotonic()
    try:
        test()
    except Exception:
        ok(False, "the test runs to its end")
        diag(traceback.format_exc())
    diag(f"{time.monotonic() - begin:.0f} s")
    print(f"1..{count}", flush=True)
    sys.exit(1 if failed else 0)
