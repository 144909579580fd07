# SPDX-License-Identifier: PostgreSQL
# The demonstration under fire (bash; source cluster.sh first).
#
#   demo_start             packaging/demo.sh in the background, in a throwaway directory
#   demo_wait_work         until tasks have finished and others are live
#   demo_kill NAME         kill -9 of that program (postgres, coordinator, agent-1, wordcount, ...)
#   demo_finish WHAT       waits for its end and tests that everything came out right
#
# DEMO_DIR is the cluster's directory, DEMO_LOG what the demonstration printed.

DEMO_DIR=$TEST_SCRATCH/demo
DEMO_LOG=$TEST_SCRATCH/demo.log
TEST_CLUSTERS+=("$DEMO_DIR")

demo_start() {
    B=$TEST_B HOWDAH_DEMO_DIR=$DEMO_DIR HOWDAH_DEMO_SECONDS=200 HOWDAH_PG_OPTIONS='-c fsync=off' \
        "$TEST_ROOT/packaging/demo.sh" >"$DEMO_LOG" 2>&1 </dev/null &
    DEMO_PID=$!
}

demo_works() {
    CLUSTER=$DEMO_DIR
    [ -f "$DEMO_DIR/run/wordcount.pid" ] && [ -f "$DEMO_DIR/run/sqlbatch.pid" ] || return
    cluster_use "$DEMO_DIR"
    [ "$(cluster_sql "select count(*) filter (where live) > 0 and count(*) filter (where state = 'finished') > 0
                      from howdah.tasks")" = t ]
}

demo_wait_work() { wait_until 120 "the demonstration is in the middle of its work" demo_works; }

demo_kill() {
    local pid
    pid=$(cat "$DEMO_DIR/run/$1.pid") && kill -KILL "$pid"
}

demo_finish() {
    local code
    wait "$DEMO_PID"
    code=$?
    is "$code" 0 "the demonstration succeeds although $1 was killed in the middle"
    [ "$code" -eq 0 ] || diag "$(tail -n 40 "$DEMO_LOG")"
    like "$(cat "$DEMO_LOG")" 'audit: 0 violations' "its audit is empty"
    like "$(cat "$DEMO_LOG")" 'checked against a direct count: yes' "its word count equals a direct count"
    [ ! -e "$DEMO_DIR" ]
    ok $? "it has torn everything down"
}
