#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The sharing policy: random trees against the reference.
#
#   tests/policy/run.sh [CASES [SEED]]      300 cases of a seed of its own, which is printed
#
# A case that fails is named by its seed: tests/policy/run.sh 1 SEED runs it alone.

. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
cd "$TEST_ROOT" || exit 1

CASES=${1:-300} SEED=${2:-$RANDOM$RANDOM}

policy_sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

cluster_new
cluster_pg || exit 1
export PGHOST PGUSER=admin PGDATABASE=howdah PGPASSFILE=$CLUSTER/pgpass
PGHOST=$(<"$CLUSTER/run/pg-socket")

echo "# seed $SEED, $CASES cases"
python3 tests/policy/shares.py make "$SEED" "$CASES" >"$TEST_SCRATCH/cases" || exit 1
policy_sql -c 'create schema t' -f tests/sql/lib/share.psql || exit 1
policy_sql >"$TEST_SCRATCH/answers" <<SQL || exit 1
create temp table shares_case (n serial, body jsonb);
\copy shares_case (body) from '$TEST_SCRATCH/cases' with (format csv, delimiter E'\x01', quote E'\x02')
select (select jsonb_object_agg(s.node, jsonb_build_array(s.entitled, s.fair)) from t.share_solve(c.body) s)
from shares_case c order by c.n;
SQL
python3 tests/policy/shares.py check "$TEST_SCRATCH/cases" "$TEST_SCRATCH/answers"
status=$?
echo 1..2
exit $status
