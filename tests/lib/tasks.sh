# SPDX-License-Identifier: PostgreSQL
# Tasks placed straight by SQL, for tests of the agent. Source it after cluster.sh.
#
#   framework_new                    register one; its id and epoch in $FRAMEWORK and $EPOCH
#   task_new AGENT FIELDS            claim one task there; its id in $TASK. FIELDS is the inside of a
#                                    JSON object: '"command": {"shell": "exit 3"}'. Resources are
#                                    0.1 cpus and 32 MiB unless named.
#   task_field TASK COLUMN           of view howdah.tasks
#   task_is TASK STATE...            in one of these states
#   task_wait SECONDS TASK STATE...  until it is
#   task_kill GRACE TASK
#   task_pids TASK                   its processes on this machine, by their mark
#   task_output TASK AGENT [stderr]  what it wrote, from the sandbox

framework_new() {
    IFS='|' read -r FRAMEWORK EPOCH < <(cluster_sql -u framework \
        "select framework_id, epoch from howdah.framework_register(name => 'test-$RANDOM')")
}

task_new() {
    local agent spec=$2
    agent=$(cluster_sql "select agent_id from howdah.agents where name = '$1'")
    [[ $spec == *'"resources"'* ]] || spec="$spec, \"resources\": {\"cpus\": 0.1, \"mem\": 32}"
    TASK=$(PGOPTIONS='' cluster_sql -u framework "
        select coalesce(task_id::text, reason || ': ' || message)
        from howdah.claim(framework_id => '$FRAMEWORK', epoch => $EPOCH,
                          claim_key => gen_random_uuid(),
                          tasks => \$json\$[{\"name\": \"task-$RANDOM$RANDOM\", \"agent\": \"$agent\", $spec}]\$json\$)")
    [[ $TASK =~ ^[0-9a-f-]{36}$ ]] || { diag "claim: $TASK"; return 1; }
}

task_field() { cluster_sql "select $2 from howdah.tasks where task_id = '$1'"; }

task_is() {
    local task=$1 state
    shift
    state=$(task_field "$task" state)
    [[ " $* " == *" $state "* ]]
}

task_wait() {
    local seconds=$1 task=$2
    shift 2
    wait_until "$seconds" "task $task is $*" task_is "$task" "$@" && return
    diag "it is: $(task_field "$task" "state || ', ' || coalesce(reason, '') || ', ' || coalesce(message, '')")"
    return 1
}

task_kill() {
    cluster_sql -u framework "select state from howdah.task_kill(framework_id => '$FRAMEWORK',
        epoch => $EPOCH, task_ids => '{$2}', grace_s => $1)"
}

task_pids() {
    grep -lzxF -- "HOWDAH_TASK_ID=$1" /proc/[0-9]*/environ 2>/dev/null | grep -o '[0-9]*'
}

task_gone() { [ -z "$(task_pids "$1")" ]; }

agent_dir() { # AGENT: its work directory, from its command line
    tr '\0' '\n' <"/proc/$(cluster_pid "$1")/cmdline" | sed -n '/^--work-dir$/{n;p}'
}

task_output() { cat "$(agent_dir "$2")/sandboxes/$1/${3:-stdout}"; }

executor_pid() { # TASK AGENT-DIR
    jq .pid "$2/meta/tasks/$1/executor.json"
}
