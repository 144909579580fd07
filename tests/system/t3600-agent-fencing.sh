# SPDX-License-Identifier: PostgreSQL
# Two agents of one name: the newer incarnation fences the older one, a stranger is kept out. And an agent
# that an operator declared gone while it lives: it stops, and comes back as a new one.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new
WORK=$(agent_dir agent-1)
AGENT=$(cluster_pid agent-1)

task_new agent-1 '"command": {"shell": "sleep 300"}'
task_wait 20 "$TASK" running

SECOND=
trap '[ -n "$SECOND" ] && kill -USR1 "$SECOND" 2>/dev/null; wait; test_cleanup' EXIT

exits 1 "a second agent in the same work directory is refused" \
    howdah-agent --db "$HOWDAH_DB_AGENT" --name agent-1 --work-dir "$WORK"
like "$OUT" 'work-dir.*another agent uses it' "and told why"

howdah-agent --db "$HOWDAH_DB_AGENT" --name agent-1 --work-dir "$CLUSTER/stranger" --isolation none \
    --resources 'cpus:4;mem:4096;disk:20480;ports:[31000-31999]' >"$CLUSTER/log/stranger.log" 2>&1 &
SECOND=$!
wait_until 20 "the stranger is refused" grep -q agent_name_taken "$CLUSTER/log/stranger.log"
ok $? "a stranger cannot take a live agent's name"
kill -TERM "$SECOND"
wait "$SECOND"
SECOND=

# A copy of the identity is what a newer incarnation has.
mkdir -p "$CLUSTER/second/meta"
cp "$WORK/meta/agent.json" "$CLUSTER/second/meta"
howdah-agent --db "$HOWDAH_DB_AGENT" --name agent-1 --work-dir "$CLUSTER/second" --isolation none \
    --resources 'cpus:4;mem:4096;disk:20480;ports:[31000-31999]' >"$CLUSTER/log/second.log" 2>&1 &
SECOND=$!
wait_until 20 "the older agent has gone" sh -c "! kill -0 $AGENT 2>/dev/null"
ok $? "the older incarnation stops when a newer one registers"
like "$(tail -n 2 "$CLUSTER/log/agent-1.log")" 'epoch_stale' "it says so with the code"
[ -n "$(task_pids "$TASK")" ]
ok $? "and leaves its tasks alone"
task_wait 20 "$TASK" gone
ok $? "which the newer one does not have: they are gone to the cell"
kill $(task_pids "$TASK") 2>/dev/null

task_new agent-1 '"command": {"shell": "sleep 300"}'
task_wait 20 "$TASK" running
GONE=$(cluster_sql "select agent_id from howdah.agents where name = 'agent-1'")
is "$(cluster_sql -u operator "select howdah.agent_remove('$GONE')")" 1 "an operator declares the live agent gone"
is "$(task_field "$TASK" state)" gone_by_operator "its task counts as gone"
wait "$SECOND"
[ $? -ne 0 ]
ok $? "the agent stops"
SECOND=
like "$(tail -n 2 "$CLUSTER/log/second.log")" 'an operator declared the agent gone' "it says why"
[ -n "$(task_pids "$TASK")" ]
ok $? "and leaves its task alone"
howdah-agent --db "$HOWDAH_DB_AGENT" --name agent-1 --work-dir "$CLUSTER/second" --isolation none \
    --resources 'cpus:4;mem:4096;disk:20480;ports:[31000-31999]' >"$CLUSTER/log/third.log" 2>&1 &
SECOND=$!
wait_until 30 "the task is killed" task_gone "$TASK"
ok $? "started again it kills what the cell counts as gone"
is "$(cluster_sql "select agent_id <> '$GONE', epoch, state from howdah.agents
                   where name = 'agent-1' and state <> 'gone'")" 't|1|active' "and is a new agent"
is "$(task_field "$TASK" state)" gone_by_operator "what the operator said of the task stays"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
