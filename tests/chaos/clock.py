# SPDX-License-Identifier: PostgreSQL
"""Clocks that a fault can step: libfaketime gives a program a wall clock that is ahead or behind by what a
file says. The monotonic clock stays what it is, as when an operator or a time service sets a clock."""

import glob
import os

LIBRARY = next(iter(glob.glob("/usr/lib/*-linux-gnu/faketime/libfaketime.so.1")), None)
WRAPPER = """#!/bin/sh
# pg_ctl, whose server sees the clock of the file that is named like the folder of its data directory:
# here, since the server's own disk may be full
for word; do
    [ "$before" = -D ] && folder=${{word%/*}}
    before=$word
done
clock={clocks}/${{folder##*/}}.clock
[ -f "$clock" ] || exec {program} "$@"
export LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE="$clock" FAKETIME_CACHE_DURATION=1
export FAKETIME_DONT_FAKE_MONOTONIC=1
exec {program} "$@"
"""


def can_step():
    """Not in a sanitized build: its library wants to be the first."""
    return LIBRARY is not None and os.environ.get("SAN") != "1"


def environment(path):
    """For a program whose clock the file steps."""
    return {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": path, "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def step(path, seconds):
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write(f"{seconds:+d}\n")
    os.replace(f"{path}.new", path)


def server_programs(original, folder, servers):
    """A folder with PostgreSQL's programs, in which pg_ctl starts servers with such a clock, and with the
    clocks of these servers."""
    os.makedirs(folder)
    for name in servers:
        step(f"{folder}/{name}.clock", 0)
    for name in os.listdir(original):
        if name != "pg_ctl":
            os.symlink(f"{original}/{name}", f"{folder}/{name}")
    with open(f"{folder}/pg_ctl", "w", encoding="ascii") as file:
        file.write(WRAPPER.format(library=LIBRARY, program=f"{original}/pg_ctl", clocks=folder))
    os.chmod(f"{folder}/pg_ctl", 0o755)
    return folder
