#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Every option of an options.def and every verb of cli/verbs.def stands in the program's man page, and
the pages name no option that does not exist."""

import os
import re

import lint

BUILT_IN = {"help", "version", "config"}
# table → the page's name without section
PAGES = {
    "agent/options.def": "howdah-agent",
    "cli/options.def": "howdah",
    "coordinator/options.def": "howdah-coordinator",
    "frameworks/wordcount/options.def": "wordcount",
}


def page_of(name):
    pattern = re.compile(re.escape(name) + r"\.[1-8](\.md)?$")
    return next((path for path in lint.files("", under="docs/man")
                 if pattern.match(os.path.basename(path))), None)


def rows(table, macro):
    """The first string of each row of a table, which is its word."""
    text = lint.read(table)
    for match in re.finditer(rf"^{macro}\([^\"\n]*\"([^\"]+)\"", text, re.M):
        yield lint.line_of(text, match.start()), match.group(1)


def check(table, name):
    page = page_of(name)
    if not page:
        lint.finding(table, 1, f"there is no docs/man/{name}.N")
        return 0
    text = lint.read(page).replace("\\-", "-").replace("\\", "")
    known = dict.fromkeys(BUILT_IN)
    for line, option in rows(table, "CONF_OPTION"):
        known[option] = line
        if not re.search(rf"--{re.escape(option)}\b(?!-)", text):
            lint.finding(table, line, f"{page} does not describe --{option}")
    for match in re.finditer(r"(?<![\w-])--([a-z][a-z0-9-]*)", text):
        option = match.group(1)
        if option not in known and name != "howdah":
            lint.finding(page, lint.line_of(text, match.start()), f"there is no option --{option}")
    if name == "howdah":
        for line, verb in rows("cli/verbs.def", "VERB"):
            if not re.search(rf"\b{re.escape(verb)}\b", text):
                lint.finding("cli/verbs.def", line, f"{page} does not describe {verb}")
    return len(known)


total = sum(check(table, name) for table, name in PAGES.items() if os.path.exists(table))
lint.finish(f"{total} options")
