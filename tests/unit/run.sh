#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Run the unit test programs given, one after the other; each has two minutes. Every program prints
# cmocka's closing line. Exit status 1 if any failed; the failed ones are named at the end.
failed=
for test in "$@"; do
    echo "# ${test##*/}"
    timeout -k 5 120 "$test" 2>&1 || failed="$failed ${test##*/}"
done
if [ -n "$failed" ]; then
    echo "check-unit: FAILED:$failed"
    exit 1
fi
echo "check-unit: $# programs passed"
