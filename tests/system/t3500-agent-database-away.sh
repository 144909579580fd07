# SPDX-License-Identifier: PostgreSQL
# The database dies: tasks run on and end, and what happened is reported when it is back.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

TEST_FSYNC=on
cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new
WORK=$(agent_dir agent-1)

task_new agent-1 '"command": {"shell": "while [ ! -e go ]; do sleep 0.1; done; exit 7"}' && ENDS=$TASK
task_new agent-1 '"command": {"shell": "sleep 300"}' && STAYS=$TASK
task_wait 20 "$ENDS" running && task_wait 20 "$STAYS" running
ok $? "two tasks run"
AGENT=$(cluster_pid agent-1)

cluster_kill QUIT postgres
wait_until 20 "the agent misses the database" grep -q 'database not reached' "$CLUSTER/log/agent-1.log"
ok $? "the agent notices that the database is away"
touch "$WORK/sandboxes/$ENDS/go"
wait_until 20 "the task has ended" task_gone "$ENDS"
[ -n "$(task_pids "$STAYS")" ]
ok $? "tasks end and run on meanwhile"
cluster_revive >/dev/null
task_wait 40 "$ENDS" failed
is "$(task_field "$ENDS" exit_code)" 7 "the exit code of that time is reported"
task_wait 40 "$STAYS" running
ok $? "the other task still runs, in the books too"
is "$(cluster_pid agent-1)" "$AGENT" "it is the same agent process"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
