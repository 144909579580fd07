# SPDX-License-Identifier: PostgreSQL
# howdah migrate: once, twice, twice at the same time, with plain psql, and what it refuses.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

LATEST=$(grep -c '^migrations/' "$TEST_ROOT/sql/manifest")
cluster_new
devcluster pg-start "$CLUSTER"
cluster_use "$CLUSTER"

exits 0 "--dry-run succeeds on an empty database" howdah migrate --dry-run
is "$(printf '%s\n' "$OUT" | grep -c '^pending  migrations/')" "$LATEST" "and lists every migration"
is "$(cluster_sql "select to_regnamespace('howdah') is null")" t "and changes nothing"

howdah migrate >"$TEST_SCRATCH/one" 2>&1 &
ONE=$!
howdah migrate >"$TEST_SCRATCH/two" 2>&1 &
TWO=$!
wait $ONE
ok $? "the first of two concurrent runs succeeds"
wait $TWO
ok $? "so does the second"
is "$(cat "$TEST_SCRATCH/one" "$TEST_SCRATCH/two" | grep -c '^applied migrations/')" "$LATEST" \
    "together they applied each migration once"
is "$(cat "$TEST_SCRATCH/one" "$TEST_SCRATCH/two" | grep -c 'up to date')" 1 "one of them had nothing to do"
exits 0 "a third run succeeds" howdah migrate
is "$(howdah migrate --json | jq -c '[.applied, (.files | map(.state) | unique[])]')" '[0,"applied"]' "--json: nothing was left to do"
is "$OUT" "the schema is up to date" "and does nothing"
is "$(howdah migrate --status --json | jq -r '[.[].state] | unique | join(",")')" applied "--status: all applied"
is "$(cluster_sql 'select howdah.schema_version()')" \
    "$(sed -n 's/^#define HOWDAH_SCHEMA_VERSION //p' "$TEST_ROOT/libframework/base/version.h")" \
    "the schema's version is the one that the programs expect"
schema_dump() { pg_dump --schema-only -d "$HOWDAH_DB_ADMIN" | grep -v '^\\\(un\)\?restrict'; }
schema_dump >"$TEST_SCRATCH/by-howdah.sql"

# Plain psql does the same: devcluster.sh falls back to it where there is no program.
FIRST=$CLUSTER
cluster_new
devcluster pg-start "$CLUSTER"
mkdir "$TEST_SCRATCH/empty"
HOWDAH_BIN="$TEST_SCRATCH/empty" devcluster migrate "$CLUSTER"
ok $? "psql applies the manifest"
cluster_use "$CLUSTER"
exits 0 "howdah migrate finds nothing left to do" howdah migrate
is "$OUT" "the schema is up to date" "the checksums agree"
schema_dump >"$TEST_SCRATCH/by-psql.sql"
is "$(diff "$TEST_SCRATCH/by-howdah.sql" "$TEST_SCRATCH/by-psql.sql")" "" "both schemas are the same"
cluster_use "$FIRST"

# What is refused changes nothing.
cp -R "$TEST_ROOT/sql" "$TEST_SCRATCH/sql"
export HOWDAH_SQL=$TEST_SCRATCH/sql
printf '\n-- changed\n' >>"$HOWDAH_SQL/$(sed -n 's/^\(migrations\/0002[^ ]*\).*/\1/p' "$HOWDAH_SQL/manifest")"
exits 1 "a changed migration is refused" howdah migrate
like "$OUT" 'migrations/0002.*differs from the one that was applied' "by name"
cp -R "$TEST_ROOT/sql/." "$TEST_SCRATCH/sql"

NUMBER=$(printf '%04d' $((LATEST + 1)))
printf 'create table howdah.left_over ();\nselct 1;\n' >"$HOWDAH_SQL/migrations/${NUMBER}_broken.sql"
printf 'migrations/%s_broken.sql\n' "$NUMBER" >>"$HOWDAH_SQL/manifest"
exits 1 "a broken migration fails" howdah migrate
like "$OUT" "migrations/${NUMBER}_broken.sql: line 2: syntax error" "with file and line"
is "$(cluster_sql "select to_regclass('howdah.left_over') is null")" t "and is rolled back"
printf 'select 1;\n' >"$HOWDAH_SQL/migrations/${NUMBER}_broken.sql"
exits 0 "mended, it is applied" howdah migrate
export HOWDAH_SQL=$TEST_ROOT/sql
exits 3 "the tree without it finds the schema newer" howdah migrate
like "$OUT" "$NUMBER.*newer than this program" "and says which migration it does not know"

cp -R "$TEST_ROOT/sql/." "$TEST_SCRATCH/sql"
export HOWDAH_SQL=$TEST_SCRATCH/sql
cluster_new
devcluster pg-start "$CLUSTER"
cluster_use "$CLUSTER"
for line in '../evil.sql' 'migrations/x.sql' 'migrations/0001_again.sql' 'functions/missing.sql'; do
    cp "$TEST_ROOT/sql/manifest" "$HOWDAH_SQL/manifest"
    printf '%s\n' "$line" >>"$HOWDAH_SQL/manifest"
    howdah migrate >"$TEST_SCRATCH/out" 2>&1
    [ $? -ne 0 ] && grep -q "manifest, line" "$TEST_SCRATCH/out"
    ok $? "a manifest with the line \"$line\" is refused and the line named"
done
is "$(cluster_sql "select to_regnamespace('howdah') is null")" t "nothing was applied"

done_testing
