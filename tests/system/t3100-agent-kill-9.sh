# SPDX-License-Identifier: PostgreSQL
# kill -9 of agents and executors: tasks run on, exit codes arrive, nothing leaks.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new
WORK=$(agent_dir agent-1)

task_new agent-1 '"command": {"shell": "while [ ! -e go ]; do sleep 0.1; done; exit 5"}' && LONG=$TASK
task_new agent-1 '"command": {"shell": "while [ ! -e go ]; do sleep 0.1; done; exit 6"}' && SHORT=$TASK
task_new agent-1 '"command": {"shell": "setsid sleep 300 & setsid sleep 300 & sleep 300"}' && LEAKY=$TASK
for task in "$LONG" "$SHORT" "$LEAKY"; do
    task_wait 20 "$task" running || exit 1
done
PIDS=$(task_pids "$LONG" | sort)

cluster_kill KILL agent-1
wait_until 10 "the agent is dead" sh -c "! kill -0 $(cluster_pid agent-1)"
is "$(task_pids "$LONG" | sort | head -n 1)" "$(printf '%s\n' "$PIDS" | head -n 1)" \
    "the agent dies, its tasks run on"
touch "$WORK/sandboxes/$SHORT/go"
wait_until 10 "the short task has ended" task_gone "$SHORT"
ok $? "one ends while there is no agent"
cluster_revive >/dev/null
task_wait 20 "$SHORT" failed
is "$(task_field "$SHORT" exit_code)" 6 "the next agent reports its exit code"
task_is "$LONG" running
ok $? "the other is still running to the cell"
touch "$WORK/sandboxes/$LONG/go"
task_wait 20 "$LONG" failed
is "$(task_field "$LONG" exit_code)" 5 "the adopted task's exit code is reported"
like "$(cluster_sql "select string_agg(to_state, ' ' order by at) from howdah.events
                     where object_id = '$LONG'")" "^staging (starting )?running failed$" \
    "each change happened once"

kill -9 "$(executor_pid "$LEAKY" "$WORK")"
task_wait 20 "$LEAKY" failed
is "$(task_field "$LEAKY" reason)" executor_lost "a killed executor is reported as lost"
wait_until 10 "its processes are gone" task_gone "$LEAKY"
ok $? "and all its processes are gone"

task_new agent-1 '"command": {"shell": "setsid sleep 300 & sleep 300"}' && BOTH=$TASK
task_wait 20 "$BOTH" running
EXECUTOR=$(executor_pid "$BOTH" "$WORK")
cluster_kill KILL agent-1
kill -9 "$EXECUTOR"
wait_until 10 "the agent is dead" sh -c "! kill -0 $(cluster_pid agent-1)"
cluster_revive >/dev/null
task_wait 20 "$BOTH" failed
is "$(task_field "$BOTH" reason)" executor_lost "agent and executor killed: the next agent finds out"
wait_until 10 "its processes are gone" task_gone "$BOTH"
ok $? "and kills what was left"
is "$(find /sys/fs/cgroup -type d -name "$BOTH" 2>/dev/null)" "" "no cgroup of it is left"

is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
