# SPDX-License-Identifier: PostgreSQL
# The agent is killed and started again at random moments while many tasks start and end: each task is
# run exactly once, and its exit code is the one it gave.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

COUNT=60
cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new
MARKS=$TEST_SCRATCH/marks
mkdir -m 0777 "$MARKS"

specs() { # task n writes its mark, sleeps a little, exits with n modulo 7
    local agent i
    agent=$(cluster_sql "select agent_id from howdah.agents where name = 'agent-1'")
    for ((i = 1; i <= COUNT; i++)); do
        printf '%s{"name": "t%d", "agent": "%s", "resources": {"cpus": 0.05, "mem": 32},' \
            "$([ "$i" -eq 1 ] || echo ,)" "$i" "$agent"
        printf '"command": {"shell": "echo x >>%s/$HOWDAH_TASK_NAME; sleep 0.%d; exit %d"}}' \
            "$MARKS" $((i % 10)) $((i % 7))
    done
}

is "$(cluster_sql -u framework "select count(*) from howdah.claim(framework_id => '$FRAMEWORK',
      epoch => $EPOCH, claim_key => gen_random_uuid(), tasks => \$json\$[$(specs)]\$json\$)
      where committed")" "$COUNT" "$COUNT tasks are placed in one claim"

ended() { cluster_sql "select count(*) from howdah.tasks where framework_id = '$FRAMEWORK' and not live"; }

KILLS=0
DEADLINE=$((SECONDS + 120))
while [ "$(ended)" -lt "$COUNT" ] && [ "$SECONDS" -lt "$DEADLINE" ]; do
    sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
    cluster_kill KILL agent-1 2>/dev/null && KILLS=$((KILLS + 1))
    wait_until 10 "the agent is dead" sh -c "! kill -0 $(cluster_pid agent-1)"
    cluster_revive >/dev/null
done
[ "$KILLS" -ge 1 ]
ok $? "the agent was killed at least once"
diag "kills: $KILLS"
is "$(ended)" "$COUNT" "all tasks have ended"
is "$(cat "$MARKS"/* | wc -l)" "$COUNT" "each was run exactly once"
is "$(find "$MARKS" -type f | wc -l)" "$COUNT" "and none was left out"
is "$(cluster_sql "select count(*) from howdah.tasks where framework_id = '$FRAMEWORK'
      and exit_code is distinct from substr(name, 2)::int % 7")" 0 "every exit code is the task's own"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
