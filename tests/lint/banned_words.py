#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Words and calls that may not appear, each with the reason, and the plain matters of form: no tabs,
no blanks at line ends, no line over 100 characters in C, a licence line at the top of each file."""

import re

import lint

ANY = r""
PRODUCT = r"(?!tests/)"  # product code; tests may run programs and use libpq as they like

# (files that the rule is about, suffixes, pattern, reason); C is searched without comments and strings
RULES = [
    (ANY, (".c", ".h"), r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\(",
     "has no bounds; use mem_printf, snprintf or strtok_r"),
    (ANY, (".c", ".h"), r"\b(atoi|atol|atoll|atof)\s*\(", "hides errors; use strtoll or conf/json"),
    (PRODUCT, (".c", ".h"), r"\b(system|popen)\s*\(", "runs a shell; fork and exec the program"),
    (PRODUCT + r"(?!libframework/base/mem\.c)", (".c",), r"\b(malloc|calloc|realloc|strdup|strndup)\s*\(",
     "use the mem_… allocator, which does not return NULL"),
    (PRODUCT + r"(?!libframework/base/db)", (".c", ".h"), r"\bPQ(exec|connectdb|setdb|reset)\w*\s*\(",
     "blocks; use base/db"),
    (PRODUCT + r"(?!libframework/base/(db|row))", (".c", ".h"), r"\bPQ(getvalue|getisnull)\s*\(",
     "columns are read by name through base/row"),
    (r"sql/functions/claim", (".sql",), r"(?i)\bnotify\b|pg_notify",
     "NOTIFY inside a claim serialises all commits"),
    (ANY, (".c",),
     r"\bjson_(object_set|array_append|array_set|array_insert)(_nocheck)?\s*\([^;]*?"
     r"\bjson_(string|stringn|integer|real|object|array|pack|sprintf|boolean|copy|deep_copy|incref)\s*\(",
     "leaks: a fresh reference needs the _new form"),
    (ANY, (".c",),
     r"\bjson_(object_set|array_append|array_set|array_insert)_new(_nocheck)?\s*\([^;]*?,\s*"
     r"json_(object|array)_get\s*\(",
     "steals a borrowed reference; the _new form takes a fresh one"),
    (r"(?!tests/lint/)", (".c", ".h", ".def", ".sql", ".sh", ".py", ".js", ".css", ".html"),
     r"\b(TODO|FIXME|XXX|HACK)\b", "finish it, or write an issue"),
]
FORM_SUFFIXES = (".c", ".h", ".def", ".sql", ".sh", ".py", ".js", ".css", ".html", ".md")
LICENSED_SUFFIXES = (".c", ".h", ".sql", ".sh", ".py")


def check_words(path, text):
    bare = lint.without_c_comments(text) if path.endswith((".c", ".h")) else text
    for where, suffixes, pattern, reason in RULES:
        if not path.endswith(suffixes) or not re.match(where, path):
            continue
        searched = text if "TODO" in pattern else bare
        for match in re.finditer(pattern, searched):
            word = " ".join(match.group().split())[:40]
            lint.finding(path, lint.line_of(searched, match.start()), f"{word}: {reason}")


def check_form(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            lint.finding(path, number, "a tab")
        if line != line.rstrip():
            lint.finding(path, number, "blanks at the end of the line")
        if len(line) > 100 and path.endswith((".c", ".h")):
            lint.finding(path, number, f"{len(line)} characters, 100 are the limit")
    if not text.endswith("\n"):
        lint.finding(path, text.count("\n") + 1, "no line feed at the end of the file")
    if path.endswith(LICENSED_SUFFIXES) and "SPDX-License-Identifier: PostgreSQL" not in text[:200]:
        lint.finding(path, 1, "the SPDX licence line is missing")


checked = 0
for each in lint.files(*FORM_SUFFIXES):
    source = lint.read(each)
    check_words(each, source)
    check_form(each, source)
    checked += 1
lint.finish(f"{checked} files")
