#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Links between the documents lead somewhere: relative paths exist, anchors are headings. Tests that
docs/parity.md and docs/consistency.md name by their short forms exist."""

import os
import re

import lint

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
SHORT = re.compile(r"(?<![\w/])(sql|race|unit)/([a-z0-9_-]+)\b(?![./])|(?<![\w/])t(\d{4})\b(?!-)")
WHERE = {
    "sql": "tests/sql/{}.sql",
    "race": "tests/isolation/specs/{}.spec",
    "unit": "tests/unit/test_{}.c",
}
PLACEHOLDERS = {"x", "1234"}


def without_fences(text):
    return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def anchors(path):
    """The anchors of a page's headings, as they are made from their words."""
    for heading in re.findall(r"^#+ +(.*)$", without_fences(lint.read(path)), re.M):
        yield re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def check_link(path, line, target):
    if re.match(r"[a-z]+:", target):
        return
    file, _, anchor = target.partition("#")
    full = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
    if not os.path.exists(full):
        lint.finding(path, line, f"link to {target}: there is no {full}")
    elif anchor and anchor not in anchors(full):
        lint.finding(path, line, f"link to {target}: {full} has no such heading")


def check_tests(path, text):
    for match in SHORT.finditer(text):
        kind, name, number = match.groups()
        if (name or number) in PLACEHOLDERS:
            continue
        if number:
            there = any(each.startswith(f"t{number}-") for each in os.listdir("tests/system"))
        else:
            there = os.path.exists(WHERE[kind].format(name))
        if not there:
            lint.finding(path, lint.line_of(text, match.start()), f"there is no test {match.group()}")


links = 0
for page in lint.files(".md"):
    source = without_fences(lint.read(page))
    for found in LINK.finditer(source):
        links += 1
        check_link(page, lint.line_of(source, found.start()), found.group(1))
    if page in ("docs/parity.md", "docs/consistency.md"):
        check_tests(page, source)
lint.finish(f"{links} links")
