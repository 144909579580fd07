# SPDX-License-Identifier: PostgreSQL
# What a coordinator refuses: foreign hosts, methods, paths outside the page, floods, and start-ups
# that cannot work. It says why, and goes on serving.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

export HOWDAH_UI_DIR=$TEST_ROOT/ui-static
cluster_new
exits 0 "a cluster starts" cluster_start --agents 0
cluster_use "$CLUSTER"
PORT=${HOWDAH_HTTP##*:}

get() { curl -s --path-as-is --max-time 10 "$HOWDAH_HTTP$1" "${@:2}"; }
status() { get "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }
# TEXT: what the server sends back for these raw bytes (printf format)
raw() {
    exec 9<>"/dev/tcp/127.0.0.1/$PORT" && printf "$1" >&9 && timeout 5 head -c 4000 <&9
    exec 9>&-
}
coordinator() { timeout 20 howdah-coordinator --db "$HOWDAH_DB_COORDINATOR" --port 0 "$@"; }

is "$(status /api/v1/nothing)" 404 "an unknown API path is 404"
like "$(get /api/v1/nothing | jq -r .error.message)" 'agents, frameworks, tasks' "which says what there is"
is "$(get /nothing | jq -r .error.code)" path_unknown "so is an unknown page"
for path in /../README.md /..%2fREADME.md /%2e%2e/README.md //etc/passwd /components/../../README.md \
    /..%5cREADME.md /app.js%00.txt /.git/config; do
    like "$(status "$path")" '^40[04]$' "nothing outside the page is served: $path"
done
for method in POST PUT DELETE PATCH OPTIONS; do
    is "$(status /api/v1/cell -X "$method")" 405 "$method is refused"
done
is "$(get /api/v1/cell -X POST -d '{}' | jq -r .error.code)" method_refused "with an error in JSON"
is "$(status / -H 'Host: elsewhere.example')" 403 "a foreign Host header is refused"
is "$(status / -H 'Host: localhost:1')" 200 "the host's own names are not"
is "$(status / -H "X-Long: $(head -c 20000 /dev/zero | tr '\0' x)")" 400 "endless headers are refused"
raw 'nonsense\r\n\r\n' >/dev/null
raw 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n' >/dev/null
raw 'GET http://elsewhere/ HTTP/1.1\r\n\r\n' >/dev/null
raw '\x00\xff\xfe\r\n\r\n' >/dev/null
is "$(status /healthz)" 200 "garbage does no harm"

exits 2 "a taken port ends the program with status 2" coordinator --port "$PORT"
like "$OUT" "cannot listen on 127\.0\.0\.1 port $PORT: Address already in use" "and a message naming address and port"
like "$OUT" 'code=port_taken' "and the error's code"
exits 1 "an address beyond loopback is refused" coordinator --listen 0.0.0.0
like "$OUT" 'insecure-http' "unless one insists"
exits 1 "an address that is none is refused" coordinator --listen nowhere
like "$OUT" 'value "nowhere"' "with the value named"
exits 1 "an unknown option is refused" coordinator --colour blue
exits 1 "an option out of range is refused" coordinator --turn 1ms
exits 1 "a renewal that is too rare for its lease is refused" coordinator --lease-renew 1s
exits 1 "no database is no start" env -u HOWDAH_DB howdah-coordinator --port 0
like "$OUT" 'option --db is missing' "and says which option is missing"
exits 1 "a conninfo that cannot be parsed is refused" howdah-coordinator --db 'host=x colour=blue' --port 0
cluster_sql "create database empty"
exits 3 "a database without a schema ends the program with status 3" \
    timeout 20 howdah-coordinator --db "${HOWDAH_DB_COORDINATOR/dbname=howdah/dbname=empty}" --port 0
like "$OUT" 'run howdah migrate' "and says what to do"

# A server of its own with four connections: silent ones fill it, yet it comes back.
howdah-coordinator --db "$HOWDAH_DB_COORDINATOR" --name small --port 0 --http-clients 4 \
    --http-port-file "$TEST_SCRATCH/port" >"$TEST_SCRATCH/small.log" 2>&1 &
SMALL=$!
wait_until 10 "the port file is there" test -s "$TEST_SCRATCH/port"
ok $? "a free port is chosen and written to a file"
PORT=$(cat "$TEST_SCRATCH/port")
HOWDAH_HTTP=http://127.0.0.1:$PORT
wait_until 10 "the second coordinator is healthy" eval 'get /healthz | grep -q "^standby"'
ok $? "a second coordinator stands by and serves"
exec 5<>"/dev/tcp/127.0.0.1/$PORT" 6<>"/dev/tcp/127.0.0.1/$PORT" 7<>"/dev/tcp/127.0.0.1/$PORT" \
    8<>"/dev/tcp/127.0.0.1/$PORT"
wait_until 10 "all connections are in use" eval '! curl -s --max-time 1 "$HOWDAH_HTTP/healthz"'
ok $? "four silent clients take all four connections"
exec 5>&- 6>&-
wait_until 10 "it serves again" eval 'get /healthz | grep -q "^ok"'
ok $? "when one leaves, the next is served"
like "$(get /metrics)" '^howdah_http_full_total [1-9]' "and the shortage is counted"
exec 7>&- 8>&-
kill -TERM "$SMALL"
wait "$SMALL"
is $? 0 "a signal ends it with status 0"

done_testing
