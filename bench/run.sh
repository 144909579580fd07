#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# Every bench, one after the other; arguments go to each. Figures are left in build/bench/*.json.

cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
status=0
for bench in claims policy failover; do
    echo "== $bench"
    "./$bench.sh" "$@" || status=1
done
exit $status
