# SPDX-License-Identifier: PostgreSQL
# Twenty random faults under load. CHAOS_SEED=N repeats a schedule; else each run has another one.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

CHAOS=$TEST_ROOT/tests/chaos/run.sh
"$CHAOS" schedule.py 1 1 >/dev/null 2>&1 || skip_all "python3 has no psycopg2"

"$CHAOS" chaos.py --faults 20 ${CHAOS_SEED:+--seed "$CHAOS_SEED"} >"$TEST_SCRATCH/out" 2>&1
is $? 0 "after 20 faults nothing is lost, doubled or half done ($(head -n 1 "$TEST_SCRATCH/out"))" ||
    diag "$(cat "$TEST_SCRATCH/out")"
like "$(cat "$TEST_SCRATCH/out")" '"claims_answered": [0-9]{2}' "the load was at work meanwhile"
diag "$(head -n 1 "$TEST_SCRATCH/out")"
done_testing
