# SPDX-License-Identifier: PostgreSQL
# Drains: a machine is emptied by its deadline, a framework's tasks one at a time, and opened again.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 2 >/dev/null
ok $? "a cluster with two agents starts"
framework_new
howdah settings drain_replace_s 600 >/dev/null

agent_is() { [ "$(howdah agents --json | jq -r ".[] | select(.name == \"$1\") | .condition")" = "$2" ]; }
count() { cluster_sql "select count(*) from howdah.tasks where framework_id = '$FRAMEWORK' and agent_name = '$1' and state = '$2'"; }
count_is() { [ "$(count "$1" "$2")" = "$3" ]; }
asked() { cluster_sql -u framework "select agent_name || ' ' || cardinality(task_ids) || ' ' || reason
    from howdah.inverse_offers_pending(framework_id => '$FRAMEWORK', epoch => $EPOCH)"; }

for _ in 1 2 3; do
    task_new agent-1 '"command": {"shell": "sleep 300"}'
done
wait_until 30 "three tasks run" count_is agent-1 running 3
budget() { cluster_sql -u framework "select howdah.framework_budget_set(framework_id => '$FRAMEWORK', epoch => $EPOCH, tasks => $1)" >/dev/null; }
budget 0 # until the framework has answered

exits 0 "an operator drains the machine" howdah drain agent-1 --deadline 10m --reason 'new board'
like "$OUT" 'agent-1 +active, draining +3 +.* new board' "and sees it"
is "$(asked)" "agent-1 3 new board" "the framework is asked to move its tasks"
is "$(cluster_sql -u framework "select howdah.inverse_offer_answer(framework_id => '$FRAMEWORK', epoch => $EPOCH,
    inverse_offer_ids => array(select inverse_offer_id from howdah.inverse_offers), accept => true, reason => 'moving')")" \
    1 "and answers"
is "$(cluster_sql 'select accepted, answer_reason from howdah.inverse_offers')" "t|moving" "which the operator sees"
budget 1
wait_until 30 "one task has been taken down" count_is agent-1 killed 1
ok $? "one task is taken down"
is "$(cluster_sql "select reason from howdah.tasks where state = 'killed'")" agent_draining "with the reason"
is "$(cluster_sql "select string_agg(state || ' ' || reason, ', ' order by update_id)
    from howdah.updates_pending(framework_id => '$FRAMEWORK', epoch => $EPOCH) where reason = 'agent_draining'")" \
    "killing agent_draining, killed agent_draining" "and its framework is told it"
count_is agent-1 running 2
ok $? "the others wait for its replacement"

task_new agent-2 '"command": {"shell": "sleep 300"}'
wait_until 30 "a second one has been taken down" count_is agent-1 killed 2
ok $? "when that runs elsewhere the next one goes"
count_is agent-1 running 1
ok $? "and no other"

cluster_kill KILL agent-1
cluster_revive >/dev/null
wait_until 20 "the agent is back" agent_is agent-1 "active, draining"
ok $? "a restarted agent is being drained as before"

exits 0 "a nearer deadline ends the drain" timeout 120 howdah drain agent-1 --deadline 1s --wait
like "$OUT" 'agent-1 +active, drained +0 ' "--wait returns when the machine is empty"
is "$(asked)" "" "nobody is asked any more"
count_is agent-2 running 1
ok $? "the other machine works on"

exits 0 "uncordon opens it again" howdah uncordon agent-1
wait_until 20 "it is open" agent_is agent-1 active
task_new agent-1 '"command": {"shell": "true"}'
ok $? "it takes claims"
task_wait 20 "$TASK" finished

budget 0
howdah drain agent-2 --wait >"$TEST_SCRATCH/drain" 2>&1 &
DRAIN=$!
wait_until 20 "it waits" grep -q 'waiting: 1 task left' "$TEST_SCRATCH/drain"
ok $? "with a budget of 0 nothing goes before the deadline, and --wait says what it waits for"
howdah uncordon agent-2 >/dev/null
wait "$DRAIN"
is "$?" 1 "a drain that is broken off ends the wait"
like "$(cat "$TEST_SCRATCH/drain")" 'uncordoned or removed meanwhile' "and says so"
count_is agent-2 running 1
ok $? "the task runs on"

exits 2 "a deadline that is no time is refused" howdah drain agent-1 --deadline soon
exits 1 "an unknown machine is refused" howdah drain no-such-agent
is "$(howdah audit)" "audit: 0 violations" "the books are right"
done_testing
