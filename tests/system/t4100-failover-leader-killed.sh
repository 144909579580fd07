# SPDX-License-Identifier: PostgreSQL
# Two coordinators: one leads, the other leads within two seconds after the first is killed, at once
# after it resigns, and a paused leader comes back as a standby.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
exits 0 "PostgreSQL and schema are there" cluster_pg
cluster_use "$CLUSTER"

declare -A PID
start() { # NAME
    rm -f "$TEST_SCRATCH/$1.port"
    howdah-coordinator --db "$HOWDAH_DB_COORDINATOR" --name "$1" --port 0 \
        --http-port-file "$TEST_SCRATCH/$1.port" >>"$TEST_SCRATCH/$1.log" 2>&1 &
    PID[$1]=$!
    wait_until 10 "$1 serves" test -s "$TEST_SCRATCH/$1.port"
}
health() { curl -s --max-time 5 "http://127.0.0.1:$(cat "$TEST_SCRATCH/$1.port")/healthz" | sed -n 2p; }
leads() { health "$1" | grep -q '^leader'; }
stands_by() { health "$1" | grep -q "^standby, leader is $2"; }
now_ms() { date +%s%3N; }

start east
wait_until 10 "east leads" leads east
ok $? "the first coordinator leads"
start west
wait_until 10 "west stands by" stands_by west east
ok $? "the second stands by and knows who leads"

T0=$(now_ms)
kill -9 "${PID[east]}"
wait_until 10 "west leads" leads west
ok $? "the leader is killed and the standby leads"
TOOK=$(($(now_ms) - T0))
[ "$TOOK" -lt 2500 ]
ok $? "within two seconds (and the time to notice it here): $TOOK ms"
is "$(cluster_sql "select epoch from howdah.leader")" 2 "under the next epoch"

start east
wait_until 10 "east stands by" stands_by east west
ok $? "the killed one comes back as a standby"
T0=$(now_ms)
kill -TERM "${PID[west]}"
wait_until 10 "east leads" leads east
ok $? "a leader that is told to stop hands over"
TOOK=$(($(now_ms) - T0))
[ "$TOOK" -lt 1500 ]
ok $? "before its lease has run out: $TOOK ms"
wait "${PID[west]}"
is $? 0 "and ends with status 0"

start west
wait_until 10 "west stands by" stands_by west east
EPOCH=$(cluster_sql "select epoch from howdah.leader")
cluster_sql "begin; select howdah_private.leader_enter(call => 'slow chore', epoch => $EPOCH);
             select pg_sleep(3); commit" >/dev/null
is "$(cluster_sql "select epoch from howdah.leader")" "$EPOCH" \
    "a chore that takes longer than the lease does not cost the lead"
kill -STOP "${PID[east]}"
wait_until 10 "west leads" leads west
ok $? "a leader that is paused is replaced"
kill -CONT "${PID[east]}"
wait_until 10 "east stands by" stands_by east west
ok $? "and, resumed, finds that it leads no more"
is "$(cluster_sql "select count(*) from howdah.leader")" 1 "there is one leader"
is "$(cluster_sql "select count(*) from howdah.audit()")" 0 "the books are right"

kill -TERM "${PID[east]}" "${PID[west]}"
wait "${PID[east]}" "${PID[west]}"
done_testing
