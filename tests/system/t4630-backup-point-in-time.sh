# SPDX-License-Identifier: PostgreSQL
# A base backup and archived WAL, restored to a point in time while agents and tasks run on: before `howdah
# recover` agents refuse the database, which has seen fewer terms than they, and touch nothing; after it agents
# and books agree by rule.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$TEST_ROOT/tests/lib/tasks.sh"

JOURNAL=$TEST_SCRATCH/journal FLAGS=$TEST_SCRATCH/flags ARCHIVE=$TEST_SCRATCH/archive BACKUP=$TEST_SCRATCH/backup
: >"$JOURNAL" && chmod 666 "$JOURNAL" && mkdir "$FLAGS" "$ARCHIVE" "$BACKUP" && chmod 755 "$FLAGS"
dev() { (. "$TEST_ROOT/cli/devcluster.sh" && "$@"); }
[ "$(id -u)" -ne 0 ] || chown postgres: "$ARCHIVE" "$BACKUP"
export HOWDAH_PG_OPTIONS="-c archive_mode=on -c archive_command='cp %p $ARCHIVE/%f'"

job() { # NAME AGENT: notes its start, runs until its flag is there, exits with 3; its id in $NAME
    task_new "$2" "\"command\": {\"shell\": \"echo $1 >>$JOURNAL; while [ ! -e $FLAGS/$1 ]; do sleep 0.2; done; exit 3\"}" || return
    eval "$1=$TASK"
}
starts() { grep -cx "$1" "$JOURNAL"; }
archived() { test -f "$ARCHIVE/$1"; }
agent_refuses() { grep -q 'cell_stale\|left behind\|former primary' "$CLUSTER/log/agent-1.log"; }

cluster_new
cluster_start --agents 2
framework_new

# --- a base backup, work, the moment, more work ------------------------------------------------------------

exits 0 "a base backup is made under load" pg_basebackup -X none -c fast -D "$BACKUP/data" \
    -d "$(sed 's/dbname=[^ ]* //' <<<"$HOWDAH_DB_ADMIN")"
job keeps agent-1 && job ends agent-1 && task_wait 20 "$keeps" running && task_wait 20 "$ends" running
howdah run --name across --failover-timeout 600s -- sh -c "echo across >>$JOURNAL; while [ ! -e $FLAGS/across ]; do sleep 0.2; done; exit 7" \
    >"$TEST_SCRATCH/across.out" 2>&1 &
ACROSS=$!
wait_until 30 "howdah run has a task" grep -qx across "$JOURNAL"
wait_until 30 "and knows" sh -c '[ "$(howdah tasks --state running --json | jq "[.[] | select(.framework_name == \"across\")] | length")" = 1 ]'
MOMENT=$(cluster_sql "select clock_timestamp()")
cluster_kill KILL coordinator
wait_until 20 "the coordinator is gone" sh -c "! kill -0 $(cluster_pid coordinator)"
cluster_revive >/dev/null
second_term() { [ "$(cluster_sql "select epoch from howdah.leader")" -ge 2 ]; }
wait_until 30 "the coordinator leads in its second term" second_term
ok $? "a second term begins after the moment"
job unknown agent-2 && task_wait 20 "$unknown" running
touch "$FLAGS/ends"
task_wait 20 "$ends" failed
KEEPS_PID=$(executor_pid "$keeps" "$(agent_dir agent-1)")
SEGMENT=$(cluster_sql "select pg_walfile_name(pg_current_wal_lsn())")
cluster_sql "select pg_switch_wal()" >/dev/null
wait_until 30 "the archive has $SEGMENT" archived "$SEGMENT"
ok $? "the WAL is archived"

# --- the server's disk is lost -----------------------------------------------------------------------------

cluster_kill KILL coordinator # it would begin a term of its own in whatever database it finds
cluster_kill KILL postgres
wait_until 20 "the server is gone" sh -c "! kill -0 $(cluster_pid postgres)"
HOME_OF_PG=$(<"$CLUSTER/run/pg-home")
rm -rf "$HOME_OF_PG/data"
mv "$BACKUP/data" "$HOME_OF_PG/data"
cat >>"$HOME_OF_PG/data/postgresql.auto.conf" <<CONF
restore_command = 'cp $ARCHIVE/%f %p'
recovery_target_time = '$MOMENT'
recovery_target_action = 'promote'
CONF
: >"$HOME_OF_PG/data/recovery.signal"
[ "$(id -u)" -ne 0 ] || chown -R postgres: "$HOME_OF_PG/data"
devcluster pg-start "$CLUSTER"
promoted() { [ "$(cluster_sql "select pg_is_in_recovery()")" = f ]; }
wait_until 60 "the server is restored and promoted" promoted
ok $? "the server comes up from backup and archive"
is "$(cluster_sql "select count(*) from howdah.tasks where task_id in ('$keeps', '$ends', '$unknown')")" 2 \
    "it is the database of that moment"

# --- nobody takes it for the cell until told so --------------------------------------------------------------

wait_until 60 "agent-1 says that this database was left behind" agent_refuses
ok $? "agents refuse it and say so"
task_is "$ends" running
ok $? "nothing is reported to it"
is "$(task_pids "$unknown" | wc -l | sed 's/[1-9][0-9]*/some/')" some "a task that it does not know is not killed"
exits 0 "howdah recover makes it the cell" howdah recover "disk lost, restored to $MOMENT"
cluster_revive >/dev/null
task_wait 60 "$ends" failed
ok $? "then a task that ended meanwhile is reported"
is "$(task_field "$ends" exit_code)" 3 "with its exit code"
wait_until 30 "the unknown task is gone" task_gone "$unknown"
ok $? "the task that the database does not know is killed"
is "$(cluster_sql "select count(*) from howdah.events where object_id = '$unknown' and cause = 'forget'")" 1 \
    "with one event"
task_is "$keeps" running && kill -0 "$KEEPS_PID"
ok $? "a task that both know runs on"
touch "$FLAGS/across"
wait "$ACROSS"
is $? 7 "howdah run has registered again, and returns its task's exit code" || diag "$(tail -n 5 "$TEST_SCRATCH/across.out")"
is "$(starts keeps) $(starts ends) $(starts unknown) $(starts across)" "1 1 1 1" "nothing was started twice"
is "$(howdah audit)" "audit: 0 violations" "the books are right"
touch "$FLAGS/keeps"
task_wait 20 "$keeps" failed
ok $? "and its end is reported"
exits 0 "new work runs" timeout 60 howdah run --count 2 -- true
is "$(howdah audit)" "audit: 0 violations" "the books are still right"
done_testing
