# SPDX-License-Identifier: PostgreSQL
# howdah run while programs die under it: PostgreSQL, the coordinator and an agent are killed and come
# back, and it neither loses output nor forgets a task; killed itself, it leaves nothing behind.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
cluster_start --agents 2
running() { [ "$(howdah tasks --state running --json | jq length)" = "$1" ]; }

howdah run --name steady --count 4 -- sh -c 'echo "begin $HOWDAH_TASK_NAME"; sleep 8; echo "end $HOWDAH_TASK_NAME"' \
    >"$TEST_SCRATCH/out" 2>"$TEST_SCRATCH/err" &
RUN=$!
wait_until 30 "four tasks run" running 4
ok $? "four tasks run"
cluster_kill KILL postgres
cluster_kill KILL coordinator
cluster_kill KILL agent-1
ok $? "PostgreSQL, the coordinator and an agent are killed"
wait_until 20 "howdah run notices" grep -q 'waiting for the database' "$TEST_SCRATCH/err"
ok $? "howdah run says that it waits for the database"
cluster_revive >/dev/null
wait $RUN
is $? 0 "howdah run ends with 0 after they came back"
is "$(sort "$TEST_SCRATCH/out" | tr '\n' ' ')" \
    "begin steady-1 begin steady-2 begin steady-3 begin steady-4 end steady-1 end steady-2 end steady-3 end steady-4 " \
    "and has printed every line once"
exits 0 "the audit is empty" howdah audit

howdah run --name patient --database-timeout 3s -- sleep 300 >/dev/null 2>"$TEST_SCRATCH/err" &
RUN=$!
wait_until 30 "the task runs" running 1
devcluster pg-stop "$CLUSTER"
wait_until 60 "howdah run gives up" sh -c "! kill -0 $RUN"
wait $RUN
is $? 125 "howdah run gives up when the database is away for longer than --database-timeout"
like "$(cat "$TEST_SCRATCH/err")" 'waiting for the database' "having said that it waits"
like "$(cat "$TEST_SCRATCH/err")" 'giving up: the database has been away for [0-9]+ s \(--database-timeout\)' "and why it ends"
devcluster pg-start "$CLUSTER"
wait_until 30 "the task still runs" running 1
ok $? "its task runs on meanwhile"
howdah kill "$(howdah tasks --json | jq -r '.[0].task_id')" >/dev/null
wait_until 30 "the task has ended" running 0

howdah run --name orphan --failover-timeout 3s -- sleep 300 >/dev/null 2>&1 &
RUN=$!
disown $RUN
wait_until 30 "the task runs" running 1
kill -KILL $RUN
wait_until 100 "the cell has ended the task of the killed howdah run" running 0
ok $? "killed itself, its task is ended by the cell after the failover timeout"
exits 0 "the audit is empty" howdah audit

done_testing
