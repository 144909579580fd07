#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A framework whose connection is cut again and again, some of the times right after the server
# committed a claim and before its answer arrived: every claim is committed once, its answer is the
# truth, and every update is handed out once.
. "$(dirname "$0")/../lib/cluster.sh"

claims=40
probe=$TEST_SCRATCH/framework_claims
out=$TEST_SCRATCH/out
proxy_dir=$TEST_SCRATCH/proxy

[ "${SAN:-0}" = 1 ] && SANITIZE="-fsanitize=address,undefined"
gcc -std=c11 -Wall -Wextra ${SANITIZE:-} -I"$TEST_ROOT/libframework/include" -o "$probe" \
    "$TEST_ROOT/tests/system/framework_claims.c" "$TEST_B/lib/libframework.a" \
    $(pkg-config --libs libpq libevent jansson)
ok $? "the test's framework compiles against the static library" || done_testing

cluster_new
cluster_start --agents 1 >/dev/null || skip_all "no cluster"
agent=$(cluster_sql 'select agent_id from howdah.agents')
server_dir=$(sed -n 's/.*host=\([^ ]*\).*/\1/p' <<<"$HOWDAH_DB_FRAMEWORK")

start_proxy() { # PATTERN N
    mkdir -p "$proxy_dir"
    /usr/bin/env python3 "$TEST_ROOT/tests/lib/cut_proxy.py" "$proxy_dir/.s.PGSQL.5432" \
        "$server_dir/.s.PGSQL.5432" "$1" "$2" >"$TEST_SCRATCH/proxy.out" 2>&1 &
    proxy_pid=$!
    wait_until 20 "the proxy listens" test -S "$proxy_dir/.s.PGSQL.5432"
}

registered() { grep -q '^framework' "$out"; }
ended() { grep -q '^end\|^error' "$out"; }

cut_by_the_server() {
    local cuts=0
    while [ "$cuts" -lt 12 ] && ! ended; do
        cluster_sql "select pg_terminate_backend(pid) from pg_stat_activity
                     where application_name = 'framework claims'" >/dev/null
        cuts=$((cuts + 1))
        sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
    done
}

run_probe() { # NAME CONNINFO [DISTURBANCE]
    local pid id
    timeout -k 5 150 "$probe" "$2" "$agent" "$claims" >"$out" 2>&1 &
    pid=$!
    wait_until 20 "the framework has registered" registered
    ${3:-true}
    wait_until 120 "the framework has seen the end of every task" ended
    wait "$pid"
    is "$?" 0 "the framework ends by itself ($1)"
    is "$(tail -n 1 "$out")" end "without error ($1)"
    id=$(sed -n 's/^framework \([^ ]*\) .*/\1/p' "$out")
    sed -n 's/^task //p' "$out" | sort >"$TEST_SCRATCH/told"
    cluster_sql "select task_id from howdah.tasks where framework_id = '$id'" | sort \
        >"$TEST_SCRATCH/books"
    is "$(wc -l <"$TEST_SCRATCH/told")" $((2 * claims)) \
        "every claim was answered with two committed tasks ($1)"
    is "$(diff "$TEST_SCRATCH/told" "$TEST_SCRATCH/books")" "" \
        "the answers and the books name the same tasks ($1)"
    is "$(sort "$TEST_SCRATCH/told" | uniq -d)" "" "no task was answered twice ($1)"
    is "$(grep -c '^refused' "$out")" 0 "no claim was refused ($1)"
    is "$(grep -c '^again' "$out")" 0 "no update was handed out twice ($1)"
    is "$(sed -n 's/^update \([^ ]*\) finished/\1/p' "$out" | sort -u | wc -l)" $((2 * claims)) \
        "each task was reported finished ($1)"
}

run_probe "backends terminated" "$HOWDAH_DB_FRAMEWORK" cut_by_the_server
ok $(($(grep -c '^cut' "$out") < 3)) "its connection was cut several times"

proxied=${HOWDAH_DB_FRAMEWORK/host=$server_dir/host=$proxy_dir}
while read -r function every least; do
    start_proxy "$function" "$every"
    run_probe "answers to $function lost" "$proxied"
    kill "$proxy_pid" && wait "$proxy_pid" 2>/dev/null
    ok $(($(grep -c cut "$TEST_SCRATCH/proxy.out") < least)) "answers to $function were lost"
    [ "$function" = claim ] || continue
    ok $(($(grep -c '^replayed' "$out") < least)) "the first answer was given again"
done <<'END'
claim 5 3
update_acknowledge 2 1
END

is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"

done_testing
