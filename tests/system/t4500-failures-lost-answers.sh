#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Every program behind a relay that loses answers: of each function that changes something the first
# call of every few is carried out and its answer dropped, with the connection. Nobody learns of it,
# nothing happens twice, nothing is lost.
. "$(dirname "$0")/../lib/cluster.sh"
. "$TEST_ROOT/tests/lib/tasks.sh"

every=4
functions=leader_acquire,offers_make,offers_expire,wakeups_send,stats_roll,doorbell_set
functions+=,agent_register,agent_sync
functions+=,framework_register,claim,update_acknowledge,offer_decline,framework_suppress
functions+=,framework_revive,task_kill,framework_teardown,log_request
functions+=,operator_kill,role_set,role_delete,quota_set,quota_clear,setting_set

cluster_new
cluster_pg >/dev/null || skip_all "no PostgreSQL"
server_dir=$(sed -n 's/.*host=\([^ ]*\).*/\1/p' <<<"$HOWDAH_DB_FRAMEWORK")
proxy_dir=$TEST_SCRATCH/proxy
mkdir -p "$proxy_dir"
/usr/bin/env python3 "$TEST_ROOT/tests/lib/cut_proxy.py" "$proxy_dir/.s.PGSQL.5432" \
    "$server_dir/.s.PGSQL.5432" "$functions" "$every" >"$TEST_SCRATCH/cuts" 2>&1 &
proxy_pid=$!
programs=("$proxy_pid")
programs_stop() {
    kill "${programs[@]}" 2>/dev/null
    wait "${programs[@]}" 2>/dev/null
}
trap 'programs_stop; test_cleanup' EXIT
wait_until 20 "the relay listens" test -S "$proxy_dir/.s.PGSQL.5432"

proxied() { # LOGIN
    local conninfo=HOWDAH_DB_${1^^}
    printf '%s' "${!conninfo/host=$server_dir/host=$proxy_dir}"
}
cuts() { grep -c "^cut $1\$" "$TEST_SCRATCH/cuts"; }

"$HOWDAH_BIN/howdah-coordinator" --db "$(proxied coordinator)" --name c1 --port 0 \
    >"$TEST_SCRATCH/coordinator.log" 2>&1 &
programs+=($!)
"$HOWDAH_BIN/howdah-agent" --db "$(proxied agent)" --name agent-1 --isolation none \
    --work-dir "$TEST_SCRATCH/agent" --resources 'cpus:4;mem:4096;disk:1024' \
    >"$TEST_SCRATCH/agent.log" 2>&1 &
programs+=($!)

agent_there() { [ "$(cluster_sql "select count(*) from howdah.agents where state = 'active'")" = 1 ]; }
wait_until 30 "the agent is registered" agent_there

# --- a framework ------------------------------------------------------------------------------------

OUT=$(timeout 120 "$HOWDAH_BIN/howdah" run --db "$(proxied framework)" --name lossy --count 12 --cpus 0.1 --mem 16 \
    -- sh -c 'echo $HOWDAH_TASK_ID' 2>"$TEST_SCRATCH/run.err")
status=$?
is "$status" 0 "howdah run ends well"
[ "$status" = 0 ] || diag "$(tail -n 5 "$TEST_SCRATCH/run.err")"
is "$(sort -u <<<"$OUT" | wc -l)" 12 "every task wrote its line"
is "$(wc -l <<<"$OUT")" 12 "and none wrote it twice"
is "$(sort <<<"$OUT")" "$(cluster_sql 'select task_id from howdah.tasks' | sort)" "the books have these tasks and no other"
is "$(cluster_sql "select string_agg(distinct state::text, ' ') from howdah.tasks")" finished "all are finished"
is "$(cluster_sql "select count(*) from howdah.frameworks where name like 'lossy%'")" 1 "it registered once"
is "$(cluster_sql "select state from howdah.frameworks where name like 'lossy%'")" completed "it was torn down"

timeout 120 "$HOWDAH_BIN/howdah" run --db "$(proxied framework)" --name killed --cpus 0.1 --mem 16 --timeout 2s \
    --kill-grace 1s -- sleep 100 >/dev/null 2>&1
is "$?" 124 "a kill whose answer was lost has happened"

is "$(cluster_sql 'select count(*) from howdah.agents')" 1 "the agent registered once"
is "$(cluster_sql "select count(*) from (select from howdah.events where object_kind = 'task'
    group by object_id, to_state having count(*) > 1) x")" 0 "no task changed into a state twice"

# --- the command line -----------------------------------------------------------------------------

command() { "$HOWDAH_BIN/howdah" "$@" --db "$(proxied operator)"; }
framework_new
task_new agent-1 '"command": {"shell": "sleep 100"}' && task_wait 60 "$TASK" running
while read -r function words; do
    exits 0 "howdah $words" command $words
    ok $(($(cuts "$function") < 1)) "and its answer was lost once"
done <<END
role_set role-set lossy 3
quota_set quota-set lossy --guarantee cpus=1
quota_clear quota-clear lossy
role_delete role-delete lossy
setting_set settings overlap 3
operator_kill kill $TASK
END
task_wait 60 "$TASK" killed
ok $? "the task was killed"
is "$(cluster_sql "select count(*) from howdah.roles where name = 'lossy'")" 0 "the role is deleted"
is "$(cluster_sql "select value from howdah.settings where name = 'overlap'")" 3 "the setting is set"

# --- all in all -------------------------------------------------------------------------------------

for function in leader_acquire agent_register agent_sync framework_register claim update_acknowledge \
    task_kill framework_teardown; do
    ok $(($(cuts "$function") < 1)) "answers to $function were lost"
done
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"

programs_stop
done_testing
