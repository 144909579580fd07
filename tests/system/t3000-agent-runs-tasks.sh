# SPDX-License-Identifier: PostgreSQL
# An agent runs what the cell places on it: results, environment, user, sandbox, logs, bad specs.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
framework_new

like "$(cat "$CLUSTER/log/agent-1.log")" 'isolation driver=[a-z0-9_]+ enforced="[^"]+" not_enforced=' \
    "the agent says at start what is enforced and what is not"

task_new agent-1 '"command": {"argv": ["sh", "-c", "echo out; echo err >&2; exit 37"]}'
task_wait 20 "$TASK" failed
is "$(task_field "$TASK" "exit_code || ' ' || reason")" "37 command_exited" "an exit code is reported"
is "$(task_output "$TASK" agent-1) $(task_output "$TASK" agent-1 stderr)" "out err" \
    "stdout and stderr stand in the sandbox"
is "$(howdah logs "$TASK")" "out" "and can be read through the cell"

task_new agent-1 '"command": {"shell": "kill -SEGV $$"}'
task_wait 20 "$TASK" failed
is "$(task_field "$TASK" signal)" 11 "a signal is reported"

task_new agent-1 '"command": {"shell": "env"}, "environment": {"COLOUR": "dark blue"},
    "resources": {"cpus": 0.1, "mem": 32, "ports": 2}'
task_wait 20 "$TASK" finished
OUT=$(task_output "$TASK" agent-1)
like "$OUT" "^HOWDAH_TASK_ID=$TASK\$" "the environment names the task"
like "$OUT" "^HOWDAH_FRAMEWORK_ID=$FRAMEWORK\$" "and the framework"
like "$OUT" '^HOWDAH_AGENT_NAME=agent-1$' "and the agent"
like "$OUT" '^HOWDAH_PORTS=31[0-9]{3}' "and the ports it was given"
like "$OUT" '^COLOUR=dark blue$' "what the framework wants is in it"
unlike "$OUT" '^(PGPASS|HOWDAH_DB|HOWDAH_DIR)' "nothing of the agent's own is"

if [ "$(id -u)" -eq 0 ]; then
    task_new agent-1 '"command": {"shell": "id -un; stat -c %U:%a ."}'
    task_wait 20 "$TASK" finished
    is "$(task_output "$TASK" agent-1 | tr '\n' ' ')" "nobody nobody:750 " \
        "a task without user runs as nobody in a sandbox of its own"
else
    skip "a task without user runs as nobody" "not root"
fi

for row in \
    'command.argv|failed launch_failed|"command": {"argv": ["no-such-program"]}' \
    'workdir|error task_invalid|"command": {"shell": "true"}, "workdir": "not/there"' \
    'sandbox|error task_invalid|"command": {"shell": "true"}, "workdir": "a/../../.."'; do
    IFS='|' read -r word outcome fields <<<"$row"
    if task_new agent-1 "$fields" 2>/dev/null; then
        task_wait 20 "$TASK" failed error
        is "$(task_field "$TASK" "state || ' ' || reason")" "$outcome" "$word: bad spec ends as $outcome"
        like "$(task_field "$TASK" message)" "$word" "$word: the message names it"
    else
        like "$TASK" "workdir" "$word: the claim is refused already"
    fi
done

is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
