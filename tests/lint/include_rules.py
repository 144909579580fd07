#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Who may include whom: base < fsm < client < programs; programs never include each other.
A .c file with a header of its own includes that first."""

import os
import re

import lint

# layer of a file, by the longest matching folder
LAYERS = {
    "libframework/base": "base",
    "libframework/fsm": "fsm",
    "libframework/include": "public",
    "libframework": "client",
    "coordinator": "coordinator",
    "agent": "agent",
    "cli": "cli",
    "frameworks": "frameworks",
    "docs": "public",
    "bench": "bench",
    "tests": "tests",
}
ALLOWED = {
    "base": {"base"},
    "fsm": {"base", "fsm"},
    "public": {"public"},
    "client": {"base", "fsm", "client", "public"},
    "coordinator": {"base", "fsm", "coordinator"},
    "agent": {"base", "fsm", "agent"},
    "cli": {"base", "fsm", "public", "cli"},
    "frameworks": {"base", "public", "frameworks"},
    "bench": {"base", "fsm", "public", "bench"},
}
SEARCH_PATH = ("libframework", "libframework/include", ".")


def layer_of(path):
    folder = os.path.dirname(path)
    while folder and folder not in LAYERS:
        folder = os.path.dirname(folder)
    return LAYERS.get(folder)


def resolve(path, name):
    for folder in (os.path.dirname(path), *SEARCH_PATH):
        found = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(found):
            return found
    return None


def agent_side(path):
    name = os.path.basename(path)
    return next((side for side in ("executor", "common_") if name.startswith(side)), "agent")


def breach(path, target):
    """Why path may not include target, or None."""
    source_layer, target_layer = layer_of(path), layer_of(target)
    if source_layer == "tests":
        return None
    if target_layer not in ALLOWED.get(source_layer, set()):
        return f"{source_layer} may not include {target_layer}"
    if source_layer == target_layer == "frameworks":
        if os.path.dirname(path) != os.path.dirname(target):
            return "frameworks may not include each other"
    if source_layer == target_layer == "agent":
        allowed = {"common_": {"common_"}, "executor": {"common_", "executor"},
                   "agent": {"common_", "agent"}}[agent_side(path)]
        if agent_side(target) not in allowed:
            return f"{agent_side(path)} files may not include {agent_side(target)} files"
    return None


def check(path):
    text = lint.read(path)
    own = os.path.splitext(path)[0] + ".h"
    first = True
    for match in re.finditer(r'^#include ([<"])([^>"]+)[>"]', text, re.M):
        line = lint.line_of(text, match.start())
        target = resolve(path, match.group(2)) if match.group(1) == '"' else None
        if first and path.endswith(".c") and os.path.exists(own) and target != own:
            lint.finding(path, line, f"its own header {own} must be included first")
        first = False
        if match.group(1) == '"' and not target:
            lint.finding(path, line, f"\"{match.group(2)}\" is nowhere on the include path")
        elif target and (why := breach(path, target)):
            lint.finding(path, line, f"\"{match.group(2)}\": {why}")


checked = list(lint.files(".c", ".h"))
for each in checked:
    check(each)
lint.finish(f"{len(checked)} files")
