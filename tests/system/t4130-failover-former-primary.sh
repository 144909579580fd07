# SPDX-License-Identifier: PostgreSQL
# A former primary still answers, and stands first in an agent's list of hosts: the agent refuses it, kills and
# starts nothing on its word, says so once, and works with the cell.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/former.sh"
[ -x "$(pg_config --bindir)/pg_ctl" ] || skip_all "no pg_ctl beside pg_config"

cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new
WORK=$(agent_dir agent-1)
task_new agent-1 '"command": {"shell": "sleep 300"}' && KEPT=$TASK
task_wait 20 "$KEPT" running
ok $? "a task runs"

# The cell goes on in a new term, which the copy has not lived through.
cluster_kill KILL coordinator
devcluster pg-stop "$CLUSTER"
data_copy former
devcluster pg-start "$CLUSTER"
cluster_revive >/dev/null
seen_epoch() { jq .cell.epoch "$WORK/meta/agent.json"; }
cell_epoch() { cluster_sql "select epoch from howdah.cell_identity()"; }
newer() { [ "$(seen_epoch)" -gt "$FORMER_EPOCH" ]; }
trap 'former_stop; test_cleanup' EXIT
former_start former
ok $? "a server as the cell was a moment ago answers, too"
FORMER_EPOCH=$(former_sql "select epoch from howdah.cell_identity()")
wait_until 30 "the agent has seen a later epoch" newer
ok $? "the agent keeps the cell's new epoch on disk"

# What would happen if the agent believed it.
former_sql "select from howdah.operator_kill(array['$KEPT'::uuid], 0)"
LIVE_DB=$HOWDAH_DB_ADMIN
HOWDAH_DB_ADMIN="$HOWDAH_DB_ADMIN host=$FORMER_HOST" HOWDAH_DB_FRAMEWORK_LIVE=$HOWDAH_DB_FRAMEWORK
HOWDAH_DB_FRAMEWORK="$HOWDAH_DB_FRAMEWORK host=$FORMER_HOST"
task_new agent-1 '"command": {"shell": "sleep 300"}' && NEVER=$TASK
HOWDAH_DB_ADMIN=$LIVE_DB HOWDAH_DB_FRAMEWORK=$HOWDAH_DB_FRAMEWORK_LIVE

LIVE_HOST=$(<"$CLUSTER/run/pg-socket")
mapfile -d '' -t ARGV <"/proc/$(cluster_pid agent-1)/cmdline"
for i in "${!ARGV[@]}"; do
    [ "${ARGV[$i]}" = --db ] && ARGV[i + 1]="${ARGV[$i + 1]} host=$FORMER_HOST,$LIVE_HOST"
done
cluster_kill TERM agent-1
wait_until 20 "the agent has gone" sh -c "! kill -0 $(cluster_pid agent-1) 2>/dev/null"
"${ARGV[@]}" >"$TEST_SCRATCH/agent.log" 2>&1 &
AGENT=$!
trap 'kill "$AGENT" 2>/dev/null; former_stop; wait; test_cleanup' EXIT
back() { [ "$(cluster_sql "select epoch from howdah.agents where name = 'agent-1'")" = 2 ]; }
wait_until 60 "the agent is with the cell" back
ok $? "an agent that finds the former primary first registers with the cell"
is "$(former_sql "select epoch from howdah_private.agent where name = 'agent-1'")" 1 "and not there"
[ "$(grep -c 'this database is refused' "$TEST_SCRATCH/agent.log")" -le 1 ]
ok $? "it says at most once that it refused it"
task_new agent-1 '"command": {"shell": "exit 7"}'
task_wait 30 "$TASK" failed
is "$(task_field "$TASK" exit_code)" 7 "it works for the cell"
task_wait 10 "$KEPT" running
[ -n "$(task_pids "$KEPT")" ]
ok $? "what the former primary wanted killed runs on"
[ ! -e "$WORK/meta/tasks/$NEVER" ]
ok $? "what it wanted started was not"

# Now nothing but the former primary is left.
devcluster pg-stop "$CLUSTER"
wait_until 60 "the agent met it" grep -q 'cell_stale\|server_stale' "$TEST_SCRATCH/agent.log"
ok $? "when only the former primary is left the agent refuses it"
epoch_there() { former_sql "select epoch from howdah_private.agent where name = 'agent-1'"; }
is "$(epoch_there)" 1 "by not so much as registering there"
[ -n "$(task_pids "$KEPT")" ] && [ ! -e "$WORK/meta/tasks/$NEVER" ]
ok $? "and starts and kills nothing"
[ "$(grep -c 'this database is refused' "$TEST_SCRATCH/agent.log")" -le 2 ]
ok $? "it says so once for each time"
kill -0 "$AGENT"
ok $? "it goes on looking"
devcluster pg-start "$CLUSTER"
task_new agent-1 '"command": {"shell": "exit 8"}'
task_wait 60 "$TASK" failed
ok $? "and finds the cell when it is back"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
