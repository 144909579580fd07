# SPDX-License-Identifier: PostgreSQL
# A pair that does not wait for its standby really loses what it acknowledged when its primary dies while the
# standby is behind: the chaos checker finds what was lost, from the requests to the executed tasks.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

CHAOS=$TEST_ROOT/tests/chaos/run.sh
"$CHAOS" schedule.py 1 1 >/dev/null 2>&1 || skip_all "python3 has no psycopg2"
RUN=$TEST_SCRATCH/run
trap 'rm -rf "$RUN"; test_cleanup' EXIT

"$CHAOS" chaos.py --tier pair --faults 0 --calm 4 --rate 12 --lose --keep "$RUN" >"$TEST_SCRATCH/out" 2>&1
status=$?
[ "$status" -eq 2 ] && skip_all "$(tail -n 1 "$TEST_SCRATCH/out")"
is "$status" 1 "the run fails"
out=$(cat "$TEST_SCRATCH/out")
like "$out" 'VIOLATION I2 claim .* was answered and is not in the books' "lost claims are found"
like "$out" 'VIOLATION I2 task .* was executed on agent-[123] and is not in the books' \
    "and tasks that were executed and are not in the books"
like "$out" 'VIOLATION I2 update .* was acknowledged' "and acknowledgements"
done_testing
