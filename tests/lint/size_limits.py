#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Sizes: no function over 80 lines and none of the program's medians over 15; no C file over 900
lines and their median not over 250. The list in a test program's main() does not count."""

import statistics

import lint

FUNCTION_MAX, FUNCTION_MEDIAN = 80, 15
FILE_MAX, FILE_MEDIAN = 900, 250

lengths, long_ones = [], 0
for path, name, line, length in lint.functions():
    is_test = path.startswith("tests/")
    if is_test and name == "main":
        continue
    if not is_test:
        lengths.append(length)
        long_ones += length > 50
    if length > FUNCTION_MAX:
        lint.finding(path, line, f"{name}() has {length} lines, {FUNCTION_MAX} are the limit")

sizes = []
for path in lint.files(".c", ".h"):
    lines = lint.read(path).count("\n")
    if path.endswith(".c") and not path.startswith("tests/"):
        sizes.append(lines)
    if lines > FILE_MAX:
        lint.finding(path, 1, f"{lines} lines, {FILE_MAX} are the limit")

function_median, file_median = statistics.median(lengths), statistics.median(sizes)
if function_median > FUNCTION_MEDIAN:
    lint.finding(".", 0, f"the median function has {function_median} lines, not {FUNCTION_MEDIAN}")
if file_median > FILE_MEDIAN:
    lint.finding(".", 0, f"the median C file has {file_median} lines, not {FILE_MEDIAN}")
lint.finish(f"{len(lengths)} functions, median {function_median:g}, longest {max(lengths)}, "
            f"{long_ones} over 50; {len(sizes)} files, median {file_median:g}, longest {max(sizes)}")
