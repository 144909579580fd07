# SPDX-License-Identifier: PostgreSQL
# Without root: the agent says what is not enforced, runs tasks as itself, and refuses what it cannot do.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 0 >/dev/null
ok $? "a cluster without agents starts"
framework_new

WORK=$(mktemp -d /tmp/howdah-test-agent.XXXXXX)
LOG=$WORK/log
PASSFILE=$WORK/pgpass
cp "$CLUSTER/pgpass" "$PASSFILE"
chmod 0600 "$PASSFILE"
DB=$(printf '%s' "$HOWDAH_DB_AGENT" | sed "s|passfile='\{0,1\}[^ ']*'\{0,1\}|passfile=$PASSFILE|")
AGENT=
agent_end() { [ -n "$AGENT" ] && kill -USR1 "$AGENT" 2>/dev/null && wait "$AGENT" 2>/dev/null; rm -rf "$WORK"; }
trap 'agent_end; test_cleanup' EXIT

# The programs are copied: a checkout below a closed directory is out of reach for other users.
cp "$HOWDAH_BIN/howdah-agent" "$HOWDAH_BIN/howdah-executor" "$WORK"
if [ "$(id -u)" -eq 0 ]; then
    OWNER=postgres # whom the cluster's private socket directory belongs to
    chown -R "$OWNER" "$WORK"
    as_user() { exec setpriv --reuid "$OWNER" --regid "$OWNER" --clear-groups "$@"; }
else
    as_user() { exec "$@"; }
    OWNER=$(id -un)
fi

run_agent() { as_user "$WORK/howdah-agent" --db "$DB" --name plain --work-dir "$WORK/work dir" "$@"; }

OUT=$( (run_agent --isolation cgroup_v1) 2>&1)
is "$?" 1 "isolation that cannot be had is an error"
like "$OUT" 'isolation_missing' "with its code"
like "$OUT" 'cgroup_v1.*cannot be had here: .+' "and the reason"
OUT=$( (run_agent --isolation docker) 2>&1)
like "$OUT" 'option "isolation", value "docker"' "an unknown driver is refused by name"

(run_agent >"$LOG" 2>&1) &
AGENT=$!
wait_until 20 "the agent is registered" grep -q 'registered name=plain' "$LOG"
ok $? "an agent without rights registers"
like "$(cat "$LOG")" 'warn agent: isolation driver=none .*not_enforced="cpu, memory, processes' \
    "it warns that nothing is enforced"
like "$(cat "$LOG")" 'passed_over="cgroup_v2: .*cgroup_v1: ' "and says why"

task_new plain '"command": {"shell": "id -un; exit 4"}'
task_wait 20 "$TASK" failed
is "$(cat "$WORK/work dir/sandboxes/$TASK/stdout") $(task_field "$TASK" exit_code)" "$OWNER 4" \
    "tasks run as the agent's own user"

task_new plain '"command": {"shell": "(setsid sleep 300 &); setsid sleep 300 & trap \"\" TERM; echo ready; while :; do sleep 0.1; done"}'
wait_until 20 "the task is ready" grep -q ready "$WORK/work dir/sandboxes/$TASK/stdout"
task_kill 0 "$TASK" >/dev/null
task_wait 20 "$TASK" killed
is "$(task_pids "$TASK")" "" "a kill takes all processes without cgroups too"

cluster_sql "select howdah.principal_permit(principal => 'framework', os_user => 'daemon')" >/dev/null
if task_new plain '"command": {"shell": "true"}, "user": "daemon"'; then
    task_wait 20 "$TASK" error
    like "$(task_field "$TASK" message)" 'field "user", value "daemon"' \
        "another user is an error that names the field"
else
    skip "another user is an error that names the field" "the claim was refused"
fi
done_testing
