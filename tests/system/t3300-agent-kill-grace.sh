# SPDX-License-Identifier: PostgreSQL
# Kills: SIGTERM, the grace, SIGKILL of everything; and stopping an agent with or without its tasks.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new
WORK=$(agent_dir agent-1)

ready() { grep -q ready "$WORK/sandboxes/$1/stdout"; }

task_new agent-1 '"command": {"shell": "trap \"echo bye; exit 3\" TERM; echo ready; while :; do sleep 0.1; done"}'
wait_until 20 "the task is ready" ready "$TASK"
is "$(task_kill 60 "$TASK")" killing "a kill is taken"
task_wait 20 "$TASK" killed
is "$(task_field "$TASK" "reason || ' ' || exit_code")" "killed_by_request 3" \
    "SIGTERM comes first: the task may end as it likes"
like "$(task_output "$TASK" agent-1)" bye "and clean up"

task_new agent-1 '"command": {"shell": "trap \"\" TERM; (setsid sleep 300 &); echo ready; while :; do sleep 0.1; done"}'
wait_until 20 "the task is ready" ready "$TASK"
BEFORE=$(date +%s%3N)
task_kill 2 "$TASK" >/dev/null
task_wait 30 "$TASK" killed
[ $(($(date +%s%3N) - BEFORE)) -ge 1900 ]
ok $? "who ignores SIGTERM has the whole grace"
is "$(task_field "$TASK" signal)" 9 "and is then killed"
is "$(task_pids "$TASK")" "" "with all it had started"

task_new agent-1 '"command": {"shell": "echo ready; sleep 300"}'
wait_until 20 "the task is ready" ready "$TASK"
task_wait 20 "$TASK" running
cluster_kill TERM agent-1
wait_until 10 "the agent has stopped" sh -c "! kill -0 $(cluster_pid agent-1)"
ok $? "SIGTERM stops the agent"
[ -n "$(task_pids "$TASK")" ]
ok $? "and leaves its tasks running"
like "$(tail -n 3 "$CLUSTER/log/agent-1.log")" 'tasks=1 run on' "which it says"
cluster_revive >/dev/null
wait_until 20 "the agent is back" grep -q "task adopted task=$TASK" "$CLUSTER/log/agent-1.log"
ok $? "the next agent adopts them"

cluster_kill USR1 agent-1
wait_until 20 "the agent has stopped" sh -c "! kill -0 $(cluster_pid agent-1)"
ok $? "SIGUSR1 stops the agent"
is "$(task_pids "$TASK")" "" "after killing its tasks"
is "$(task_field "$TASK" "state || ' ' || reason")" "killed killed_by_request" "and reporting that"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
