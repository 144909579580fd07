# SPDX-License-Identifier: PostgreSQL
# `howdah up` and `howdah down`: what is started, how it is protected, and that nothing stays behind.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
exits 0 "up starts a cluster" devcluster start "$CLUSTER" --agents 2
cluster_use "$CLUSTER"

exits 0 "status succeeds while everything runs" howdah status
like "$OUT" '^agent-2 +running' "status lists the agents"
is "$(howdah status --json | jq -c 'map([.program, .running])')" \
    '[["postgres",true],["coordinator",true],["agent-1",true],["agent-2",true]]' "with --json, too"
is "$(howdah status --json | jq -r '.[0].pid')" "$(cluster_pid postgres)" "with their pids"
is "$(howdah agents --json | jq -r '[.[] | select(.state == "active") | .name] | join(" ")')" \
    "agent-1 agent-2" "both agents are active"
is "$(howdah agents --json | jq -r '[.[].attributes.rack] | unique | length')" 2 \
    "the agents have different attributes"
is "$(howdah agents --json | jq -r '[.[].cpus] | unique | length')" 2 "and different capacities"
is "$(curl -s -o /dev/null -w '%{http_code}' "$HOWDAH_HTTP/healthz")" 200 "the coordinator answers on HTTP"
like "$HOWDAH_HTTP" '^http://127\.0\.0\.1:[0-9]+$' "on the loopback address only"

POSTGRES=$(cluster_pid postgres)
is "$(stat -c %a "$CLUSTER/pgpass")" 600 "the passwords are readable by their owner only"
unlike "$(tr '\0' ' ' </proc/"$(cluster_pid coordinator)"/cmdline)" \
    "$(sed -n 's/.*:coordinator://p' "$CLUSTER/pgpass")" "no password stands in a process list"
isnt_root=$(ps -o uid= -p "$POSTGRES" | tr -d ' ')
[ "$isnt_root" -ne 0 ]
ok $? "PostgreSQL does not run as root"
is "$(cluster_sql "show listen_addresses")" "" "PostgreSQL does not listen on TCP"
is "$(cluster_sql "show password_encryption")" scram-sha-256 "passwords are SCRAM"
exits 2 "a login without its password is refused" \
    psql -X -w "$(printf '%s' "$HOWDAH_DB_ADMIN" | sed 's/passfile=.*/passfile=\/dev\/null/')" -c 'select 1'

is "$(howdah up --agents 2 --json 2>/dev/null | jq -c '[.dir, .agents, .http]')" "[\"$CLUSTER\",2,\"$HOWDAH_HTTP\"]" \
    "up again is harmless"
is "$(cluster_pid postgres)" "$POSTGRES" "and leaves the running programs alone"

exits 0 "up with one agent more" devcluster start "$CLUSTER" --agents 3
wait_until 20 "three agents" sh -c '[ "$(howdah agents --json | jq length)" = 3 ]'
ok $? "adds it"
exits 0 "up with one agent fewer" devcluster start "$CLUSTER" --agents 2
is "$(cluster_sql "select state from howdah.agents where name = 'agent-3'")" gone "takes it out of the cell at once"

SOCKET=$(cat "$CLUSTER/run/pg-socket")
howdah run --count 2 -- sleep 300 >/dev/null 2>&1 &
RUN=$!
wait_until 30 "two tasks run" sh -c '[ "$(howdah tasks --state running --json | jq length)" = 2 ]'
ok $? "two long tasks run when the cluster goes down"
howdah run --cpus 64 -- true >"$TEST_SCRATCH/waits" 2>&1 &
WAITS=$!
wait_until 30 "one waits for room" grep -q 'no agent is large enough' "$TEST_SCRATCH/waits"
is "$(howdah down --json | jq -c '[.dir, .removed]')" "[\"$CLUSTER\",true]" "down succeeds"
wait_until 20 "howdah run has ended" sh -c "! kill -0 $RUN && ! kill -0 $WAITS"
ok $? "howdah run ends with its cluster, whether its tasks ran or not"
wait "$WAITS"
is $? 125 "with a code of its own"
like "$(cat "$TEST_SCRATCH/waits")" "the cluster in \".*\" is gone" "and says why"
[ ! -e "$CLUSTER" ]
ok $? "the cluster's directory is gone"
[ ! -e "$SOCKET" ]
ok $? "the socket directory is gone"
is "$(find /sys/fs/cgroup -maxdepth 3 -type d -name "$(basename "$SOCKET")")" "" "its cgroups are gone"
is "$(pgrep -af -- "$CLUSTER" | grep -v pgrep)" "" "no process of the cluster is left, its tasks' neither"
exits 1 "down without a cluster says so" howdah down
like "$OUT" 'no development cluster in' "and where it looked"

done_testing
