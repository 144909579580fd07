# SPDX-License-Identifier: PostgreSQL
"""What the lint rules share: which files there are, and how a finding is told.

A rule is a program in this folder. It prints "file:line: what is wrong" for each finding and ends
with status 1 if there was any. Paths are relative to the top of the tree, where run.sh goes first.
"""

import os
import re
import subprocess
import sys

SKIPPED_FOLDERS = {"build", ".git", ".howdah", "lib", "__pycache__", "node_modules"}

findings = 0


def files(*suffixes, under="."):
    """All files of the tree whose name ends so, as relative paths, in order."""
    for folder, folders, names in os.walk(under):
        at_top = os.path.normpath(folder) == "ui-static"
        folders[:] = sorted(
            name for name in folders
            if name not in SKIPPED_FOLDERS or (name == "lib" and not at_top))
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.normpath(os.path.join(folder, name))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def finding(path, line, what):
    global findings
    findings += 1
    print(f"{path}:{line}: {what}")


def without_c_comments(text):
    """Comments and the insides of string literals blanked out; offsets and lines stay."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        kept = re.sub(r"[^\n]", " ", match.group())
        return '"' + kept[1:-1] + '"' if match.group()[0] == '"' else kept

    return pattern.sub(blank, text)


def finish(summary):
    """The rule's last line and status."""
    name = os.path.basename(sys.argv[0]).removesuffix(".py")
    if findings:
        print(f"{name}: {findings} finding(s)")
        sys.exit(1)
    print(f"{name}: {summary}")


def functions():
    """(path, name, first line, line count) of every C function, by universal-ctags."""
    import json

    sources = list(files(".c"))
    run = subprocess.run(
        ["ctags", "--output-format=json", "--fields=+ne", "--kinds-c=f", "-f", "-", *sources],
        capture_output=True, text=True, check=True)
    for row in run.stdout.splitlines():
        tag = json.loads(row)
        if "end" in tag:
            yield tag["path"], tag["name"], tag["line"], tag["end"] - tag["line"] + 1
