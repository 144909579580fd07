#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# How long a waiting framework waits when the database fails over, and a cell without its leader.
#
#   bench/failover.sh [--rounds N] [--strict]
#
# A fenced pair of PostgreSQL servers in network namespaces (tests/ha), a framework upon libframework that
# claims all the time. Needs root, as the tests of t42xx do. docs/performance.md says what each row means.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$BENCH_ROOT" || exit 1
. tests/lib/ha.sh

ROUNDS=30
while [ $# -gt 0 ]; do
    case $1 in
    --rounds) ROUNDS=$2 && shift 2 ;;
    --strict) BENCH_STRICT=1 && shift ;;
    *) fail "bench/failover.sh: argument \"$1\": expected --rounds N or --strict"; exit 2 ;;
    esac
done

mkdir -p "$BENCH_OUT"
RAW=$(mktemp)
trap 'rm -f "$RAW"; bench_stop' EXIT
PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 B=$BENCH_B "$(ha_python)" bench/failover.py "$ROUNDS" >"$RAW"
case $? in
0) ;;
3) exit 0 ;;
*) exit 1 ;;
esac
while IFS='|' read -r row figure limit conditions; do
    # A time is better when it is shorter: the ratio is that of the limit to it, and 1 meets it.
    report_row row="$row" figure="$figure" unit=s against="${limit:+limit}" against_figure="$limit" \
        ratio="${limit:+$(awk "BEGIN { printf \"%.6g\", ${limit:-0} / $figure }")}" target="${limit:+1}" \
        conditions="$conditions"
done <"$RAW"
report_end failover
