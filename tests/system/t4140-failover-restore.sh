# SPDX-License-Identifier: PostgreSQL
# The database is replaced by an older copy of itself. Until the operator says that this is the cell now, agents and
# frameworks refuse it and tasks run on; then agents and books agree again by rule, and frameworks go on.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/former.sh"
[ -x "$(pg_config --bindir)/pg_ctl" ] || skip_all "no pg_ctl beside pg_config"

cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new
WORK=$(agent_dir agent-1)
GO="$CLUSTER/go"
howdah run --name keeper -- sh -c "while [ ! -e $GO ]; do sleep 0.1; done; exit 5" >"$TEST_SCRATCH/run.log" 2>&1 &
RUN=$!
trap 'kill "$RUN" 2>/dev/null; wait; test_cleanup' EXIT
live_count() { [ "$(cluster_sql "select count(*) from howdah.tasks where state = 'running'")" = "$1" ]; }
task_new agent-1 '"command": {"shell": "sleep 300"}' && KEPT=$TASK
task_new agent-1 '"command": {"shell": "while [ ! -e go ]; do sleep 0.1; done; exit 7"}' && ENDS=$TASK
wait_until 30 "three tasks run" live_count 3
ok $? "a framework of the library and one of SQL run tasks"

# A new term after the backup: without one there is nothing that the backup has not lived through.
CELL_EPOCH=$(cluster_sql 'select epoch from howdah_private.cell')
cluster_kill KILL coordinator
devcluster pg-stop "$CLUSTER"
data_copy backup
devcluster pg-start "$CLUSTER"
cluster_revive >/dev/null
leads() { [ "$(cluster_sql 'select "leading" from howdah.leader')" = t ]; }
new_term() { [ "$(cluster_sql 'select epoch from howdah_private.cell')" -gt "$CELL_EPOCH" ]; }
wait_until 30 "a coordinator leads in a new term" new_term
touch "$WORK/sandboxes/$ENDS/go"
task_wait 30 "$ENDS" failed
task_new agent-1 '"command": {"shell": "sleep 300"}' && LATE=$TASK
task_wait 30 "$LATE" running
ok $? "after the backup one task ends and another one starts"

cluster_kill QUIT postgres
gone() { ! kill -0 "$PG" 2>/dev/null; }
PG=$(cluster_pid postgres)
wait_until 20 "PostgreSQL has gone" gone
data_restore backup
devcluster pg-start "$CLUSTER"
ok $? "the disk is lost and the backup started in its place"
wait_until 60 "the agent refuses it" grep -q 'this database is refused.*code=cell_stale' "$CLUSTER/log/agent-1.log"
ok $? "the agent refuses it"
wait_until 30 "a leader counts on" leads
ok $? "a coordinator leads it, in a new epoch: that changes nothing"
is "$(cluster_sql "select epoch from howdah.agents")" 1 "the agent has not registered"
is "$(cluster_sql "select state from howdah.tasks where task_id = '$ENDS'")" running "the books say what they said then"
[ -n "$(task_pids "$KEPT")" ] && [ -n "$(task_pids "$LATE")" ]
ok $? "every task runs on"

RECOVERED=$(cluster_sql -u operator "select howdah.cell_recover('a test lost its disk')")
[ "$RECOVERED" -gt 1000000000 ]
ok $? "the operator says that it is the cell"
task_wait 60 "$ENDS" failed
is "$(task_field "$ENDS" "exit_code || ' ' || reason")" "7 command_exited" \
    "the end of a task that the backup believed live is reported as it was"
wait_until 30 "the unknown task is killed" task_gone "$LATE"
ok $? "a task that the backup does not know is killed"
is "$(cluster_sql "select cause || ' ' || message from howdah.events where object_id = '$LATE'")" \
    "forget held by agent agent-1, not in the books: killed" "with an event"
task_wait 30 "$KEPT" running
[ -n "$(task_pids "$KEPT")" ]
ok $? "a task that both know runs on"
[ "$(cluster_sql "select epoch from howdah.agents")" -gt "$RECOVERED" ]
ok $? "the agent is a new incarnation under its id"
touch "$GO"
wait "$RUN"
is $? 5 "howdah run lived through all of it and has its task's exit code"
is "$(cluster_sql "select count(*) from howdah.events where cause = 'silent'")" 0 "nobody was declared lost"
wait_until 20 "the books are right" eval '[ "$(cluster_sql "select count(*) from howdah.audit()")" = 0 ]'
ok $? "the books are right"
done_testing
