#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""sql/manifest lists every SQL file once, and every file that it lists exists; the number of the last
migration is the schema version that the programs are compiled for."""

import os
import re

import lint

MANIFEST = "sql/manifest"

if not os.path.exists(MANIFEST):
    lint.finding(MANIFEST, 1, "is not there")
    lint.finish("")

listed = {}
for number, line in enumerate(lint.read(MANIFEST).splitlines(), 1):
    for name in re.findall(r"[\w./-]+\.sql", line.split("#")[0]):
        if name in listed:
            lint.finding(MANIFEST, number, f"{name} is listed twice")
        if not os.path.exists(os.path.join("sql", name)):
            lint.finding(MANIFEST, number, f"sql/{name} does not exist")
        listed[name] = number

there = [os.path.relpath(path, "sql") for path in lint.files(".sql", under="sql")]
for name in there:
    if name not in listed:
        lint.finding(MANIFEST, 0, f"sql/{name} is not listed")

last = max((int(os.path.basename(name)[:4]) for name in there if name.startswith("migrations/")),
           default=0)
VERSION_H = "libframework/base/version.h"
compiled = int(re.search(r"HOWDAH_SCHEMA_VERSION (\d+)", lint.read(VERSION_H)).group(1))
if compiled != last:
    lint.finding(VERSION_H, 1, f"HOWDAH_SCHEMA_VERSION is {compiled}, the last migration is {last}")
lint.finish(f"{len(listed)} files in order")
