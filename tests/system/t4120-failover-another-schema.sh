# SPDX-License-Identifier: PostgreSQL
# A coordinator that was made for another version of the schema says so and does not lead; the one that fits
# leads; when the schema fits again, so does the first.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
cluster_pg >/dev/null
ok $? "PostgreSQL and schema are there"
howdah-coordinator --db "$HOWDAH_DB_COORDINATOR" --name ours --port 0 --http-port-file "$TEST_SCRATCH/port" \
    >"$TEST_SCRATCH/log" 2>&1 &
OURS=$!
trap 'kill "$OURS" 2>/dev/null; wait; test_cleanup' EXIT
wait_until 10 "it serves" test -s "$TEST_SCRATCH/port"
health() { curl -s --max-time 5 -w '%{http_code}\n' "http://127.0.0.1:$(cat "$TEST_SCRATCH/port")/healthz"; }
says() { health | grep -Eq "$1"; }
wait_until 10 "it leads" says '^leader'
ok $? "a coordinator leads"

# A new release migrates under it: the version is another one, and a coordinator of that release comes.
FUNCTION=$(cluster_sql "select pg_get_functiondef('howdah.schema_version()'::regprocedure)")
VERSION=$(cluster_sql "select howdah.schema_version()")
cluster_sql "${FUNCTION/select $VERSION;/select 9999;}" >/dev/null
wait_until 10 "it says that the schema is another one" says '9999'
ok $? "under a schema of another version /healthz says so"
like "$(health)" '^unhealthy' "it is unhealthy"
like "$(health)" '503$' "with status 503"
like "$(cat "$TEST_SCRATCH/log")" 'schema is version 9999.*upgrade howdah-coordinator.*code=schema_newer' \
    "so does the log, with the code and what to do"
newer() {
    [ "$(cluster_sql "select \"leading\" from howdah.leader_acquire(coordinator_id => '00000000-0000-0000-0000-000000009999',
         name => 'newer', ttl_ms => 60000, schema_version => 9999)")" = t ]
}
wait_until 10 "the other one leads" newer
ok $? "it has let the lead go: the coordinator of the new version leads"
kill -0 "$OURS"
ok $? "the old one is still there"
is "$(grep -c 'not leading here' "$TEST_SCRATCH/log")" 1 "it said so once"

cluster_sql "$FUNCTION" >/dev/null
wait_until 20 "it stands by" says '^standby, leader is newer'
ok $? "once the schema fits it stands by, healthy"
kill -TERM "$OURS"
wait "$OURS"
is $? 0 "and ends well"
done_testing
