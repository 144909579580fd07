# SPDX-License-Identifier: PostgreSQL
# Cordons: a machine closed to new tasks through everything that happens to it, and opened again.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 2 >/dev/null
ok $? "a cluster with two agents starts"
framework_new

agent_field() { howdah agents --json | jq -r ".[] | select(.name == \"$1\") | .$2"; }
agent_offers() { [ "$(agent_field "$1" offer_count)" "$2" 0 ]; }

task_new agent-1 '"command": {"shell": "sleep 300"}'
RUNS=$TASK
task_wait 20 "$RUNS" running
ok $? "a task runs on the first"
wait_until 20 "the first is offered" agent_offers agent-1 -gt
exits 0 "an operator cordons it" howdah cordon agent-1 --reason 'fan fails'
like "$OUT" 'agent-1 +active, cordoned +1 +- +fan fails' "and sees it"
wait_until 10 "its offers are gone" agent_offers agent-1 -eq
like "$(howdah agents)" 'agent-1 +active, cordoned ' "agents shows it"
is "$(agent_field agent-1 cordon_reason)" "fan fails" "and why, in JSON"
like "$(howdah offers --all)" 'agent-1 +rescinded .* agent_cordoned' "the offers' end has the reason"
task_new agent-1 '"command": {"shell": "true"}' 2>/dev/null >"$TEST_SCRATCH/refused"
is "$?" 1 "a claim on it is refused"
like "$TASK" '^agent_closed: agent .* takes no claims now' "with the reason"
exits 0 "other machines do the work" howdah run -n 4 -- true
is "$(howdah tasks --all --json | jq -r '.[] | select(.name | startswith("true")) | .agent_name' | sort -u)" \
    agent-2 "they do all of it"
is "$(task_field "$RUNS" state)" running "what ran there runs on"

cluster_kill KILL agent-1
cluster_revive >/dev/null
wait_until 20 "the agent is back" grep -q "task adopted task=$RUNS" "$CLUSTER/log/agent-1.log"
is "$(agent_field agent-1 condition)" "active, cordoned" "a restarted agent is cordoned as before"
exits 0 "cordoning again is no error" howdah cordon agent-1
is "$(agent_field agent-1 cordon_reason)" "fan fails" "and keeps the reason"

exits 1 "one wrong name cordons nothing" howdah cordon agent-2 no-such-agent
is "$(agent_field agent-2 cordoned)" false "the other one is open"
exits 2 "a name is needed" howdah cordon
exits 1 "an empty reason is refused" howdah cordon agent-2 --reason ' '
like "$OUT" 'field "reason", value " ": expected 1 to 255 characters' "saying what is expected"

exits 0 "both are opened in one command" howdah uncordon agent-1 agent-2
like "$OUT" 'agent-1 +active +1' "and shown"
wait_until 20 "it is offered again" agent_offers agent-1 -gt
task_new agent-1 '"command": {"shell": "true"}'
ok $? "and claimed on"
task_wait 20 "$TASK" finished
is "$(cluster_sql "select string_agg(cause || coalesce(' ' || message, '') || ' ' || (detail ->> 'by'), ', ' order by event_id)
    from howdah.events where object_kind = 'agent' and cause like '%cordon'")" \
    "cordon fan fails operator, uncordon operator" \
    "the events say who did it, and why"
is "$(howdah audit)" "audit: 0 violations" "the books are right"
done_testing
