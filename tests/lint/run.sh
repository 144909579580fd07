#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Run every lint rule (a .py file here, lint.py apart) over the tree. Status 1 if any found something.
cd "$(dirname "$0")/../.." || exit 1
export PYTHONDONTWRITEBYTECODE=1
status=0
for rule in tests/lint/*.py; do
    [ "$rule" = tests/lint/lint.py ] && continue
    python3 "$rule" || status=1
done
exit $status
