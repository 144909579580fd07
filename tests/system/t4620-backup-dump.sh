# SPDX-License-Identifier: PostgreSQL
# pg_dump and pg_restore with agents and tasks under way: after the restore and `howdah recover` agents and
# books agree again by rule, nothing runs twice, and the audit is clean. And the same dump on a server that
# knew nothing of the cell.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$TEST_ROOT/tests/lib/tasks.sh"

JOURNAL=$TEST_SCRATCH/journal FLAGS=$TEST_SCRATCH/flags
: >"$JOURNAL" && chmod 666 "$JOURNAL" && mkdir "$FLAGS" && chmod 755 "$FLAGS"

job() { # NAME AGENT: notes its start, runs until its flag is there, exits with 3; its id in $NAME
    task_new "$2" "\"command\": {\"shell\": \"echo $1 >>$JOURNAL; while [ ! -e $FLAGS/$1 ]; do sleep 0.2; done; exit 3\"}" || return
    eval "$1=$TASK"
}
starts() { grep -cx "$1" "$JOURNAL"; }
postgres_sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$(sed 's/dbname=howdah/dbname=postgres/' <<<"$HOWDAH_DB_ADMIN")" -c "$1"; }
agent_lives() { kill -0 "$(cluster_pid "$1")"; }

cluster_new
cluster_start --agents 2
framework_new
job keeps agent-1 && job ends agent-1 && job killed agent-1
task_wait 20 "$keeps" running && task_wait 20 "$ends" running && task_wait 20 "$killed" running
cluster_kill STOP agent-2
job staged agent-2
KEEPS_PID=$(executor_pid "$keeps" "$(agent_dir agent-1)")

# --- the backup, and what it does not know -------------------------------------------------------------

pg_dump -Fc -d "$HOWDAH_DB_ADMIN" -f "$TEST_SCRATCH/howdah.dump"
ok $? "pg_dump reads a cell in use"
pg_dumpall --roles-only -d "$HOWDAH_DB_ADMIN" >"$TEST_SCRATCH/roles.sql"
ok $? "the roles are in a file of their own"
cluster_kill CONT agent-2
task_wait 20 "$staged" running
touch "$FLAGS/ends"
task_wait 20 "$ends" failed
task_kill 1 "$killed" >/dev/null
task_wait 20 "$killed" killed
job unknown agent-2
task_wait 20 "$unknown" running
job brief agent-1
task_wait 20 "$brief" running
touch "$FLAGS/brief"
task_wait 20 "$brief" failed

# --- the loss, and the restore beside it -----------------------------------------------------------------

postgres_sql "alter database howdah allow_connections false"
postgres_sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = 'howdah'" >/dev/null
postgres_sql "alter database howdah rename to howdah_lost"
postgres_sql "create database howdah_restored"
RESTORED=$(sed 's/dbname=howdah/dbname=howdah_restored/' <<<"$HOWDAH_DB_ADMIN")
exits 0 "pg_restore makes the database" pg_restore --exit-on-error -d "$RESTORED" "$TEST_SCRATCH/howdah.dump"
is "$(howdah migrate --dry-run --db "$RESTORED")" "the schema is up to date" "howdah migrate knows the restored schema"
exits 0 "howdah recover declares it to be the cell" howdah recover "tests restore a dump" \
    --db "$(sed 's/dbname=howdah/dbname=howdah_restored/' <<<"$HOWDAH_DB_OPERATOR")"
like "$OUT" '^cell howdah is restored: epoch [0-9]{10,} \(before: [0-9]+\), generation 2$' "it says what it did"
like "$OUT" '^2 agents and 1 frameworks are fenced' "how many have to register again"
like "$OUT" '^4 tasks live in the books' "and what the books say"
postgres_sql "alter database howdah_restored rename to howdah"

# --- agents and books agree again ----------------------------------------------------------------------------

for agent in agent-1 agent-2 coordinator; do
    agent_lives $agent
    ok $? "$agent has outlived it"
done
task_wait 60 "$ends" failed
ok $? "a task that ended meanwhile is reported"
is "$(task_field "$ends" exit_code)" 3 "with its exit code"
task_wait 30 "$killed" killed
ok $? "one that was killed meanwhile, too"
task_wait 30 "$staged" running
ok $? "one that was started after the backup is found running"
wait_until 30 "the unknown task is gone" task_gone "$unknown"
ok $? "a task that the database does not know is killed"
is "$(cluster_sql "select count(*) from howdah.events where object_id = '$unknown' and cause = 'forget'")" 1 \
    "with one event"
is "$(cluster_sql "select count(*) from howdah.tasks where task_id in ('$unknown', '$brief')")" 0 "and is not in the books"
task_is "$keeps" running
ok $? "a task that both know runs on"
is "$(executor_pid "$keeps" "$(agent_dir agent-1)")" "$KEEPS_PID" "under the same executor"
kill -0 "$KEEPS_PID"
ok $? "which lives"
is "$(starts keeps) $(starts ends) $(starts killed) $(starts staged) $(starts unknown) $(starts brief)" "1 1 1 1 1 1" \
    "nothing was started twice"
is "$(howdah audit)" "audit: 0 violations" "the books are right"
is "$(cluster_sql "select count(*) from howdah.events where object_kind = 'cell' and cause = 'recover'
                   and message = 'tests restore a dump'")" 1 "the restore is in the log"

# --- work goes on ----------------------------------------------------------------------------------------------

like "$(task_kill 1 "$keeps" 2>&1)" "field \"epoch\", value \"$EPOCH\": expected the present epoch" \
    "a framework that did not register again is fenced"
IFS='|' read -r _ EPOCH < <(cluster_sql -u framework "select framework_id, epoch from howdah.framework_register(
    name => 'again', framework_id => '$FRAMEWORK')")
job after agent-2
task_wait 30 "$after" running
ok $? "a new claim runs"
touch "$FLAGS/keeps" "$FLAGS/staged" "$FLAGS/after"
task_wait 20 "$keeps" failed && task_wait 20 "$staged" failed && task_wait 20 "$after" failed
ok $? "all tasks end as they should"
exits 0 "howdah run works" timeout 60 howdah run --count 4 -- true
is "$(howdah audit)" "audit: 0 violations" "the books are still right"

# --- without a superuser ------------------------------------------------------------------------------------------

postgres_sql "create role dba login createdb password 'dba' in role howdah_owner"
dba() { sed "s/dbname=howdah user=.*/dbname=$1 user=dba password=dba/" <<<"$HOWDAH_DB_ADMIN"; }
exits 0 "a member of howdah_owner may dump" pg_dump -Fc --no-unlogged-table-data -d "$(dba howdah)" -f "$TEST_SCRATCH/dba.dump"
psql -X -q -d "$(dba postgres)" -c "create database copy" -c "grant create on database copy to howdah_owner"
exits 0 "and restore" pg_restore --exit-on-error -d "$(dba copy)" "$TEST_SCRATCH/dba.dump"
is "$(psql -X -At -d "$(dba copy)" -c "set role howdah_owner" -c "select count(*) from howdah.audit()" | tail -1)" 0 "the copy's books are right"
is "$(psql -X -At -d "$(dba copy)" -c "set role howdah_owner" -c "select count(*) from howdah.agents where last_seen_s is null" | tail -1)" 2 \
    "without what is soft state"

# --- on another server -------------------------------------------------------------------------------------------

FIRST_SCHEMA=$(pg_dump -s -d "$HOWDAH_DB_ADMIN" | grep -v '^--\|restrict')
FIRST=$CLUSTER
cluster_new
devcluster pg-start "$CLUSTER" && cluster_use "$CLUSTER"
psql -X -q -d "$HOWDAH_DB_ADMIN" -f "$TEST_SCRATCH/roles.sql" >/dev/null 2>"$TEST_SCRATCH/roles.err"
is "$(grep -v 'already exists' "$TEST_SCRATCH/roles.err")" "" "the roles can be made on another server"
cp "$FIRST/pgpass" "$CLUSTER/pgpass" # passwords are the roles'
exits 0 "and the database on it" pg_restore --exit-on-error -d "$HOWDAH_DB_ADMIN" "$TEST_SCRATCH/howdah.dump"
is "$(pg_dump -s -d "$HOWDAH_DB_ADMIN" | grep -v '^--\|restrict')" "$FIRST_SCHEMA" \
    "schema, partitions, owners and grants are the same"
is "$(cluster_sql "select count(*) from howdah.audit()")" 0 "its books are right"
is "$(psql -X -At -d "$HOWDAH_DB_ADMIN" -c "select count(*) from howdah.doctor() where id = 'cell.grants' and severity = 'ok'")" 1 \
    "the doctor finds its privileges in order"
done_testing
