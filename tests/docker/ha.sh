# SPDX-License-Identifier: PostgreSQL
# The highly available cell of docker/ha: whatever is killed, the cell goes on, and what was acknowledged
# stays. Sourced by run.sh.

HA_SERVERS="postgres-1 postgres-2 postgres-3"

server_sql() { # SERVICE SQL: as superuser, on that very server
    docker exec -e PGPASSFILE=/keys/postgres/pgpass "$(container "$1")" \
        psql -X -q -A -t -h 127.0.0.1 -U postgres -c "$2" 2>/dev/null
}

ha_primary() { # prints the service that is the primary; fails unless exactly one is
    local server found=""
    for server in $HA_SERVERS; do
        [ "$(server_sql "$server" 'select pg_is_in_recovery()')" = f ] && found="$found$server "
    done
    [ "$(wc -w <<<"$found")" -eq 1 ] && printf '%s' "${found% }"
}

# One primary, two standbys that stream, one of them synchronous.
ha_whole() {
    local primary
    primary=$(ha_primary) &&
        [ "$(server_sql "$primary" "select count(*) filter (where state = 'streaming') || ' ' ||
                 count(*) filter (where sync_state = 'sync') from pg_stat_replication")" = "2 1" ]
}

ha_other_primary() { # FORMER
    local primary
    primary=$(ha_primary) && [ "$primary" != "$1" ]
}

ha_leader() { # prints the leading coordinator
    local number port=$HOWDAH_HTTP_PORT
    for number in 1 2; do
        http /healthz "$port" 2>/dev/null | grep -q '^leader' && printf 'coordinator-%s' "$number" && return
        port=$HOWDAH_HTTP_PORT_2
    done
    return 1
}

ha_other_leader() { # FORMER
    local leader
    leader=$(ha_leader) && [ "$leader" != "$1" ]
}

ha_starts() {
    cell_up 300
    ok $? "docker-compose up brings the cell up, every service healthy" || return
    wait_until 60 "one primary, two standbys, one of them synchronous" ha_whole
    ok $? "PostgreSQL has a primary and two standbys, one of them synchronous" || return
    wait_until 30 "a coordinator leads" ha_leader
    ok $? "one of two coordinators leads"
    is "$(sql "select count(*) from howdah.agents where state = 'active'")" 3 "three agents are active"
    exits 0 "howdah run runs 12 tasks" client howdah run -q -n 12 --cpus 0.2 --mem 32 -- hostname
    is "$(grep -c '^agent-[123]$' <<<"$OUT")" 12 "each prints where it ran"
}

ha_guards() {
    if iptables -S DOCKER-ISOLATION-STAGE-1 >/dev/null 2>&1; then
        exits 1 "a task cannot reach etcd" \
            docker exec "$(container agent-1)" timeout 5 bash -c ': <"/dev/tcp/$1/2379" || exit 1' - "$HOWDAH_NET_DCS.21"
    else
        skip "a task cannot reach etcd" "this docker daemon writes no firewall rules that part its networks"
    fi
    is "$(server_sql "$(ha_primary)" 'show synchronous_standby_names' | grep -c .)" 1 \
        "commits wait for a standby"
}

# One `howdah run` after another, each of which prints its task's id when that has ended.
ha_stream() {
    # shellcheck disable=SC2016
    work_start stream bash -c 'for i in $(seq "$1"); do
            howdah run -q --cpus 0.1 --mem 32 -- sh -c "echo \$HOWDAH_TASK_ID" || exit
        done' - "$1"
}

ha_loses_coordinator() {
    local leader
    leader=$(ha_leader)
    work_start steady howdah run -q -n 6 --cpus 0.1 --mem 32 -- sh -c 'sleep 8; echo "$HOWDAH_TASK_ID"'
    wait_until 60 "six tasks run" tasks_run 6
    container_kill "$leader"
    wait_until 30 "the other coordinator leads" ha_other_leader "$leader"
    ok $? "the leading coordinator is killed, the other one leads"
    work_end steady
    is "$CODE" 0 "howdah run ends with 0"
    is "$(tasks_finished "$OUT")" 6 "and the cell has its six tasks as finished"
    container_start "$leader"
    wait_until 60 "the former leader is healthy" container_healthy "$leader"
    ok $? "the killed one comes back, as a standby"
}

# Long tasks run while the primary dies, and short ones are claimed all the time.
ha_loses_primary() {
    local primary new
    primary=$(ha_primary)
    work_start steady howdah run -q -n 6 --cpus 0.1 --mem 32 -- sh -c 'sleep 25; echo "$HOWDAH_TASK_ID"'
    wait_until 60 "six tasks run" tasks_run 6
    ha_stream 15
    wait_until 30 "the stream has run two tasks" ha_streamed 2
    container_kill "$primary"
    wait_until 120 "another PostgreSQL is the primary" ha_other_primary "$primary"
    ok $? "the primary PostgreSQL is killed, a standby takes over" || return
    new=$(ha_primary)
    diag "primary was $primary, is $new; $(wc -l <"$WORK/stream.out") of 15 streamed by then"
    work_end stream
    is "$CODE" 0 "each howdah run of a stream ends with 0"
    is "$(tasks_finished "$OUT")" 15 "and each task that it was told of is finished on the new primary"
    work_end steady
    is "$CODE" 0 "tasks that ran all the while did not notice"
    is "$(tasks_finished "$OUT")" 6 "and are finished, too"
    container_start "$primary"
    wait_until 180 "the former primary streams from the new one" ha_whole
    ok $? "the former primary comes back as a standby" || ha_explain
    is "$(ha_primary)" "$new" "and leaves the lead where it is"
}

ha_explain() { docker exec "$(container postgres-1)" patronictl list 2>&1 | sed 's/^/# /' >&2; }

ha_streamed() { [ "$(wc -l <"$WORK/stream.out")" -ge "$1" ]; }

ha_loses_others() {
    work_start count env HOWDAH_DEMO_COPIES=6 demo --maps 90 --cpus 0.25
    wait_until 60 "wordcount has tasks on agent-3" agent_busy agent-3
    container_kill etcd-1
    container_kill agent-3
    container_start agent-3
    work_end count
    is "$CODE" 0 "an agent and an etcd are killed, wordcount ends with 0"
    like "$OUT" 'checked against a direct count: yes' "and its count is the one made directly"
    container_start etcd-1
    wait_until 60 "etcd-1 is healthy" container_healthy etcd-1
    ok $? "etcd comes back"
    wait_until 60 "agent-3 is active" agent_active agent-3
    ok $? "and so does the agent, as the same machine"
}

ha_ends() {
    local counts
    cell_healthy || wait_until 120 "every service is healthy" cell_healthy
    ok $? "every service is healthy after all that"
    counts=$(compose logs --no-color demo | grep -o 'direct count: .*' | sort -u)
    is "$counts" "direct count: yes" "the demonstration has always counted right"
    is "$(docker inspect --format '{{.RestartCount}}' "$(container demo)")" 0 "and never ended"
    exits 0 "the audit finds nothing" client howdah audit
    like "$OUT" 'audit: 0 violations' "and says so"
    cell_down -v
    ok $? "docker-compose down -v ends it"
    is "$(docker volume ls -q --filter "name=$COMPOSE_PROJECT_NAME" | wc -l)" 0 "no volume is left"
}

ha_test() {
    cell_use ha
    ha_starts || return
    ha_guards
    ha_loses_coordinator
    ha_loses_primary || return
    ha_loses_others
    ha_ends
}
