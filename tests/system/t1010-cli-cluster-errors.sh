# SPDX-License-Identifier: PostgreSQL
# No cluster, no database, a wrong password, another version of the schema, a taken port, files that
# are no JSON: each gives its exit code and a message that names the field and the next step.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

fails() { # CODE MESSAGE ARGUMENT...
    local code=$1 message=$2
    shift 2
    exits "$code" "$1 $2: exit code $code" "$@"
    like "$OUT" "$message" "$1 $2: the message says: $message"
}

cd "$TEST_SCRATCH" || exit 1
fails 3 'no cluster found in ".howdah": start one with `howdah up`, or set HOWDAH_DB' howdah agents
fails 125 'no cluster found' howdah run -- true
fails 3 'nowhere' howdah tasks --db 'host=/nowhere dbname=howdah'
fails 2 'nonsense' howdah tasks --db 'nonsense=1'
fails 125 'nowhere' howdah run --db 'host=/nowhere dbname=howdah' -- true

cluster_new
devcluster pg-start "$CLUSTER"
cluster_use "$CLUSTER"
fails 3 'no howdah schema; run howdah migrate' howdah agents
fails 3 '"nix" does not exist' howdah agents --db "$(printf '%s' "$HOWDAH_DB_OPERATOR" | sed 's/dbname=howdah/dbname=nix/')"
printf '*:*:*:operator:wrong\n' >"$TEST_SCRATCH/wrong" && chmod 600 "$TEST_SCRATCH/wrong"
fails 3 'password' howdah agents --db "host=$(cat "$CLUSTER/run/pg-socket") dbname=howdah user=operator passfile=$TEST_SCRATCH/wrong"
mkdir "$TEST_SCRATCH/sql" && echo nonsense >"$TEST_SCRATCH/sql/manifest"
fails 2 'manifest, line 1: "nonsense": expected migrations' howdah migrate --sql "$TEST_SCRATCH/sql"

cluster_start --agents 1
fails 2 'option --cpus, value "lots": expected a number' howdah run --cpus lots -- true
fails 2 'option --cpus, value "0.0001": expected a number' howdah run --cpus 0.0001 -- true
fails 2 'option --cpus, value "nan": expected a number' howdah run --cpus nan -- true
fails 2 'option --env, value "X": expected NAME=VALUE' howdah run --env X -- true
fails 2 'option --state, value "happy": expected one of staging' howdah tasks --state happy
fails 125 'role' howdah run --role nobody-made-this -- true
for VERB in task logs kill; do
    fails 1 'no task has the name "no-such-task" or an id that begins so: howdah tasks --all lists them .task_unknown.' \
        howdah $VERB no-such-task
    fails 1 'no task has the name "00000000-0000-0000-0000-000000000000"' howdah $VERB 00000000-0000-0000-0000-000000000000
    fails 1 'field "prefix", value "": expected the beginning of an id, or a name' howdah $VERB ''
done
fails 1 'no framework has the name "nobody"' howdah tasks --framework nobody
fails 1 'setting' howdah settings no-such-setting
fails 1 'setting' howdah settings no-such-setting 1
fails 1 'overlap' howdah settings overlap many
for WEIGHT in abc '' 1x 0x10 ' 1' nan Infinity 1e999 '1;'; do
    fails 2 "field \"weight\", value \"$WEIGHT\": expected a number from 0.000001 to 1000000 .input_invalid." \
        howdah role-set bulk "$WEIGHT"
done
for WEIGHT in 0 -3 1000001 -0 1e300 1e-7; do
    fails 1 'howdah role-set: field "weight", value "[-0-9.]+": expected a number from 0.000001 to 1000000 .value_invalid.' \
        howdah role-set bulk -- "$WEIGHT"
done
fails 1 'no-such-role' howdah role-delete no-such-role
fails 1 'field "parent", value "bulk"' howdah role-set bulk/night 1
fails 2 'option --guarantee, value "cpus": expected KIND=NUMBER' howdah quota-set default --guarantee cpus
fails 2 'expected --guarantee, --limit or both' howdah quota-set default
fails 1 'field "guarantee.cpus", value "1000000": expected guarantees that the cell can keep' howdah quota-set default --guarantee cpus=1000000
fails 1 'field "limits.pigs"' howdah quota-set default --limit pigs=1
fails 1 'no-such-role' howdah quota-clear no-such-role
is "$(howdah roles --json | jq -r 'map(.name) | index("bulk")')" null "refused changes leave nothing behind"

# The same, for programs: an object on standard error, nothing on standard output.
json_error() { howdah "$@" 2>&1 >/dev/null | jq -r '.error | "\(.code): \(.message)"'; }
like "$(json_error task --json no-such-task)" '^task_unknown: no task has the name "no-such-task"' "--json: an unknown id"
like "$(json_error role-set --json bulk abc)" '^input_invalid: field "weight", value "abc"' "--json: a wrong operand"
like "$(json_error agents --json --db 'host=/nowhere dbname=howdah')" '^connection_failed: .*nowhere' "--json: no database"
like "$(json_error task --json "$(printf 'caf\351')")" '^[a-z_]+: ' "--json: an operand that is no UTF-8"

# Another version of the schema.
FUNCTION=$(cluster_sql "select pg_get_functiondef('howdah.schema_version()'::regprocedure)")
version_set() { cluster_sql "$(printf '%s' "$FUNCTION" | sed "s/select [0-9]*/select $1/")"; }
version_set 9999
fails 3 'the database has schema 9999 and this program expects [0-9]+: install a newer howdah' howdah agents
fails 125 'schema' howdah run -- true
version_set 0
fails 3 'the database has schema 0 and .* run howdah migrate' howdah agents
cluster_sql "$FUNCTION"
cluster_sql "insert into howdah_private.schema_migration (file, checksum) values ('migrations/9999_future.sql', 'x')"
fails 3 "the database's schema is newer than this program" howdah migrate
cluster_sql "delete from howdah_private.schema_migration where file = 'migrations/9999_future.sql'"
exits 0 "with the right version it works again" howdah agents

# A taken port and wrong options end the daemons with a message.
PORT=$(cat "$CLUSTER/http-port")
exits 2 "a second coordinator on the same port ends" \
    timeout 30 howdah-coordinator --db "$HOWDAH_DB_COORDINATOR" --name second --port "$PORT"
like "$OUT" "$PORT" "and names the port"
exits 1 "an agent whose resources are broken JSON ends" \
    timeout 30 howdah-agent --db "$HOWDAH_DB_AGENT" --name broken --work-dir "$TEST_SCRATCH/broken" --resources '{"cpus": '
like "$OUT" 'resources' "and names the field"
mkdir -m 0777 "$TEST_SCRATCH/nobody"
# That user may not be able to reach the build folder.
cp "$HOWDAH_BIN/howdah-agent" "$HOWDAH_BIN/howdah-executor" "$TEST_SCRATCH/nobody"
[ "$(id -u)" -eq 0 ] && AS_NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups) || AS_NOBODY=()
exits 1 "an agent that is asked for cgroups without the rights ends" \
    timeout 30 "${AS_NOBODY[@]}" env HOWDAH_DB="host=/nowhere" "$TEST_SCRATCH/nobody/howdah-agent" \
    --name nobody --work-dir "$TEST_SCRATCH/nobody/work" --isolation cgroup_v1 --resources 'cpus:1;mem:64'
like "$OUT" 'cgroup' "and says what is missing"
exits 0 "the cluster is unharmed" howdah audit

done_testing
