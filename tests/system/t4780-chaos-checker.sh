# SPDX-License-Identifier: PostgreSQL
# The chaos checker itself: the seed alone makes the schedule, and violations of every kind that are planted
# into the evidence of a real run are found.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

CHAOS=$TEST_ROOT/tests/chaos/run.sh
RUN=$TEST_SCRATCH/run
trap 'rm -rf "$RUN"; test_cleanup' EXIT
"$CHAOS" schedule.py 1 1 >/dev/null 2>&1 || skip_all "python3 has no psycopg2"

schedule() { "$CHAOS" schedule.py "$@" | md5sum; }

is "$("$CHAOS" schedule.py 5 250 single | wc -l)" 250 "a schedule has as many faults as were asked for"
is "$(schedule 5 250 single)" "$(schedule 5 250 single)" "a seed gives the same schedule again"
[ "$(schedule 5 250 single)" != "$(schedule 6 250 single)" ]
ok $? "another seed gives another one"
is "$("$CHAOS" schedule.py 5 100 single)" "$("$CHAOS" schedule.py 5 250 single | sed -n 1,100p)" \
    "a shorter schedule is the beginning of a longer one"

"$CHAOS" chaos.py --tier single --faults 3 --seed 4 --rate 12 --calm 10 --keep "$RUN" >"$TEST_SCRATCH/out" 2>&1
is $? 0 "a short run under load finds nothing" || diag "$(tail -n 60 "$TEST_SCRATCH/out")"
"$CHAOS" test_checker.py "$RUN" >"$TEST_SCRATCH/plants" 2>&1
is $? 0 "what is planted into its evidence is found" || diag "$(grep -v '^ok' "$TEST_SCRATCH/plants")"
[ "$(grep -c '^ok .* finds that ' "$TEST_SCRATCH/plants")" -ge 50 ]
ok $? "that is at least 50 kinds of violations"
done_testing
