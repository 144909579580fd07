# SPDX-License-Identifier: PostgreSQL
# The quick cell of docker/quick: real work through it, every container killed. Sourced by run.sh.

quick_starts() {
    cell_up
    ok $? "docker-compose up brings the quick cell up, every service healthy" || return
    like "$(http /healthz)" '^ok' "the coordinator is healthy on a port of loopback"
    like "$(http /)" '<!doctype html>' "and serves the page"
    is "$(sql "select count(*) from howdah.agents where state = 'active'")" 3 "three agents are active"
}

# All at the same time, so that no agent has room for the tasks of two.
quick_runs() {
    exits 0 "howdah run runs 12 tasks" \
        client howdah run -q -n 12 --cpus 0.5 --mem 64 -- sh -c 'sleep 2; hostname; id -un >&2; grep memory: /proc/self/cgroup'
    is "$(grep -c '^agent-[123]$' <<<"$OUT")" 12 "each prints where it ran"
    is "$(grep '^agent-' <<<"$OUT" | sort -u | wc -l)" 3 "they ran on all three agents"
    exits 7 "the exit code of a command comes through" client howdah run -q -- sh -c 'exit 7'
}

# A task's own view of its group, and the limit that the group has.
quick_isolates() {
    local id group
    id=$(container agent-1)
    group=$(client howdah run -q -- cat /proc/self/cgroup)
    if [ -z "$(docker exec "$id" sh -c 'ls -d /sys/fs/cgroup/memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null')" ]; then
        skip "a task's cgroup lies inside its container's" "this host has no cgroups"
        skip "a task that exceeds its memory fails, and says so" "this host has no cgroups"
        return
    fi
    like "$group" '(memory:|^0::).*/howdah/agent-[123]/' "a task's cgroup lies inside its container's"
    client howdah run -q --name hungry --mem 32 -- sh -c 'head -c 200m /dev/zero | tail >/dev/null' >/dev/null 2>&1
    is "$(sql "select state || ' ' || reason from howdah.tasks where name = 'hungry-1'")" \
        "failed memory_limit" "a task that exceeds its memory fails, and says so"
}

quick_keeps_secrets() {
    exits 3 "a login without its password is refused" client env PGPASSFILE=/dev/null howdah roles
    like "$OUT" 'password' "and the refusal says that a password is missing"
    is "$(docker exec "$(container client)" cat /keys/client/pgpass | cut -d: -f4 | xargs)" \
        "framework operator" "the client knows its own passwords only"
    is "$(docker exec "$(container coordinator)" id -u)" 900 "the coordinator is not root"
    is "$(docker inspect --format '{{.HostConfig.Privileged}}' "$(container agent-1)")" false \
        "the agent is not privileged"
}

quick_renews_secrets() {
    local before
    before=$(client md5sum /keys/client/pgpass)
    exits 0 "cell-keys --renew makes new passwords" compose run --rm -T keys cell-keys --renew
    unlike "$(client md5sum /keys/client/pgpass)" "$before" "the client has another one"
    cell_up
    exits 0 "and is let in with it after docker-compose up" client howdah roles
}

# Coordinator and database die while tasks run; the tasks and howdah run do not notice.
quick_survives() {
    work_start steady howdah run -q -n 9 --cpus 0.2 -- sh -c 'sleep 15; echo "$HOWDAH_TASK_ID"'
    wait_until 30 "nine tasks run" tasks_run 9
    container_kill coordinator
    container_start coordinator
    wait_until 60 "the coordinator is healthy" container_healthy coordinator
    ok $? "a killed coordinator comes back"
    container_kill postgres
    container_start postgres
    work_end steady
    is "$CODE" 0 "howdah run ends with 0 though coordinator and PostgreSQL were killed"
    is "$(sort -u <<<"$OUT" | wc -l)" 9 "its nine tasks wrote their lines"
    is "$(tasks_finished "$OUT")" 9 "and the cell has all nine as finished"
}

# An agent's container is a machine: its tasks die with it. The framework starts them elsewhere.
quick_loses_machine() {
    work_start count env HOWDAH_DEMO_COPIES=10 demo --maps 120 --cpus 0.5
    wait_until 60 "wordcount has tasks on agent-2" agent_busy agent-2
    container_kill agent-2
    ok $? "an agent's container is killed while wordcount has tasks on it"
    container_start agent-2
    work_end count
    is "$CODE" 0 "wordcount ends with 0"
    like "$OUT" 'checked against a direct count: yes' "and its count is the one made directly"
    wait_until 60 "agent-2 is active" agent_active agent-2
    ok $? "the agent comes back as the same machine"
}

quick_ends() {
    local before group
    is "$(sql "select count(*) from howdah.tasks where live")" 0 "no task is left"
    exits 0 "the audit finds nothing" client howdah audit
    like "$OUT" 'audit: 0 violations' "and says so"
    before=$(sql "select count(*) from howdah.tasks")
    cell_down
    cell_up
    ok $? "docker-compose down and up: the cell starts again"
    is "$(sql "select count(*) from howdah.tasks")" "$before" "and knows every task of before"
    group=$(container agent-1)
    cell_down -v
    ok $? "docker-compose down -v ends it"
    is "$(docker volume ls -q --filter "name=$COMPOSE_PROJECT_NAME" | wc -l)" 0 "no volume is left"
    is "$(find /sys/fs/cgroup -maxdepth 4 -type d -name "*$group*" 2>/dev/null | wc -l)" 0 \
        "no cgroup of an agent is left"
}

quick_test() {
    cell_use quick
    quick_starts || return
    quick_runs
    quick_isolates
    quick_keeps_secrets
    quick_renews_secrets
    quick_survives
    quick_loses_machine
    quick_ends
}
