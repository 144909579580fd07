# SPDX-License-Identifier: PostgreSQL
# PostgreSQL is dead for longer than agents and frameworks may be silent: when it is back nobody who comes back
# is declared lost, and who really died meanwhile is, after the grace.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

TIMEOUT=2 GRACE=8
cluster_new
cluster_start --agents 2 >/dev/null
ok $? "a cluster with two agents starts"
for setting in "agent_timeout_s $TIMEOUT" "outage_grace_s $GRACE" "framework_heartbeat_s 1"; do
    howdah settings $setting >/dev/null
done
howdah run --name keeper --cpus 3 -- sleep 300 >"$TEST_SCRATCH/run.out" 2>"$TEST_SCRATCH/run.log" &
RUN=$!
trap 'kill "$RUN" 2>/dev/null; wait; test_cleanup' EXIT
running() { [ "$(cluster_sql "select count(*) from howdah.tasks where state = 'running'")" = 1 ]; }
wait_until 30 "the task runs" running
ok $? "a framework's task runs"
epoch() { cluster_sql "select epoch from howdah.cell_identity()"; }
BEFORE=$(epoch)

cluster_kill QUIT postgres
DEAD_UNTIL=$(($(date +%s) + 2 * TIMEOUT + 3))
cluster_kill KILL agent-2
over() { [ "$(date +%s)" -ge "$DEAD_UNTIL" ]; }
wait_until 30 "PostgreSQL has been dead for longer than the timeouts" over
devcluster pg-start "$CLUSTER"
ok $? "PostgreSQL is back after more than twice the timeouts"

newer() { [ "$(epoch)" -gt "$BEFORE" ]; }
wait_until 30 "the cell is in a new epoch" newer
ok $? "the next term is a new epoch of the cell"
lost() { [ "$(cluster_sql "select count(*) from howdah.agents where state = 'unreachable'")" -ge 1 ]; }
wait_until 60 "somebody is declared lost" lost
ok $? "who died meanwhile is declared lost"
is "$(cluster_sql "select name from howdah.agents where state <> 'active'")" agent-2 "that is the dead agent alone"
is "$(cluster_sql "select count(*) from howdah.events e join howdah.agents a on a.agent_id = e.object_id
                   where e.cause = 'silent' and a.name = 'agent-1'")" 0 "the living one was never thought lost"
is "$(cluster_sql "select count(*) from howdah.events where cause = 'silent' and object_kind = 'framework'")" 0 \
    "nor was the framework"
is "$(cluster_sql "select e.at >= c.epoch_at + interval '$GRACE s' from howdah.events e, howdah.cell_identity() c
                   where e.cause = 'silent'")" t "and not before the grace, counted from the new epoch, was over"
is "$(cluster_sql "select state from howdah.tasks where live")" running "the task was never taken for anything but running"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
