# SPDX-License-Identifier: PostgreSQL
# The limits that this machine can enforce hold, and an exceeded memory limit is reported as such.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

[ "$(id -u)" -eq 0 ] || skip_all "only root can make cgroups here"
cluster_new
HOWDAH_AGENT_OPTIONS="--task-pids 16 --usage-interval 200ms" cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
grep -q 'driver=none' "$CLUSTER/log/agent-1.log" && skip_all "no cgroups on this machine"
framework_new

group_file() { # TASK FILE...: the content of the first that exists
    local file task=$1
    shift
    for file in "$@"; do
        find /sys/fs/cgroup -path "*/$task/$file" -exec cat {} + 2>/dev/null
    done | head -n 1
}

task_new agent-1 '"command": {"shell": "dd if=/dev/zero of=/dev/null bs=200M count=1"},
    "resources": {"cpus": 0.1, "mem": 40}'
task_wait 30 "$TASK" failed
is "$(task_field "$TASK" reason)" memory_limit "a task that needs more memory than it has ends with memory_limit"
like "$(task_field "$TASK" message)" '40 MiB' "the message names the limit"

task_new agent-1 '"command": {"shell": "i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i+1)); done; wait"}'
task_wait 30 "$TASK" failed
like "$(task_output "$TASK" agent-1 stderr)" 'ork' "a task cannot have more processes than allowed"
wait_until 10 "its processes are gone" task_gone "$TASK"
ok $? "and the ones it had are gone with it"

task_new agent-1 '"command": {"shell": "sleep 300"}, "resources": {"cpus": 2, "mem": 64}'
task_wait 20 "$TASK" running
like "$(group_file "$TASK" cpu.weight cpu.shares)" '^(200|2048)$' "the cpu weight follows the cpus"
is "$(group_file "$TASK" memory.max memory.limit_in_bytes)" $((64 << 20)) "the memory limit is set"
is "$(group_file "$TASK" pids.max)" 16 "the process limit is set"
is "$(task_kill 1 "$TASK")" killing "it is killed"
task_wait 20 "$TASK" killed
is "$(find /sys/fs/cgroup -type d -name "$TASK" 2>/dev/null)" "" "its cgroups are removed"
done_testing
