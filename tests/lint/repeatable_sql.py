#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""A file of sql/functions is applied again and again: only idempotent statements may stand in it."""

import re

import lint

ALLOWED = re.compile(
    r"create or replace (function|procedure|view|trigger)\b"
    r"|comment on\b|grant\b|revoke\b|alter default privileges\b"
    r"|drop (function|procedure|view|trigger) if exists\b"
    r"|insert into .* on conflict .*do (nothing|update)\b"
    r"|alter (function|view|procedure) \S+.* owner to\b", re.S)
# comments, string literals, quoted names and dollar-quoted bodies: no statement ends inside them
OPAQUE = re.compile(
    r"--[^\n]*|/\*.*?\*/|[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|\"[^\"]*\"|(\$\w*\$).*?\1", re.S)


def statements(text):
    """(offset, text) of each statement, opaque parts blanked out."""
    bare = OPAQUE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    start = 0
    for part in bare.split(";"):
        if part.strip():
            yield start + len(part) - len(part.lstrip()), " ".join(part.split())
        start += len(part) + 1


count = 0
for path in lint.files(".sql", under="sql/functions"):
    source = lint.read(path)
    for offset, statement in statements(source):
        count += 1
        if not ALLOWED.match(statement):
            lint.finding(path, lint.line_of(source, offset),
                         f"\"{statement[:50]}\" may not be repeated; it belongs in a migration")
lint.finish(f"{count} statements")
