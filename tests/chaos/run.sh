#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A program of this folder, run by a python3 that has psycopg2:  tests/chaos/run.sh chaos.py --faults 20

for python in python3 /usr/bin/python3; do
    "$python" -c 'import psycopg2' 2>/dev/null &&
        exec "$python" -B "$(dirname "${BASH_SOURCE[0]}")/$1" "${@:2}"
done
echo "chaos: python3 has no psycopg2: install python3-psycopg2" >&2
exit 2
