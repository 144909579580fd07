# SPDX-License-Identifier: PostgreSQL
# kill -9 of executors in the middle of the demonstration: their tasks fail and run again; and of a
# server process of PostgreSQL, which makes it recover by itself.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/demo.sh"

executors() { pgrep -f "howdah-executor.*$DEMO_DIR" | head -n 2; }

demo_start
demo_wait_work
ok $? "the demonstration works"
wait_until 30 "an executor runs" sh -c "pgrep -f 'howdah-executor.*$DEMO_DIR'"
executors | xargs kill -KILL
ok $? "executors are killed"
kill -KILL "$(cluster_sql 'select pid from pg_stat_activity where backend_type = '\''client backend'\'' and pid <> pg_backend_pid() limit 1')"
ok $? "a server process of PostgreSQL is killed"
demo_finish "executors and a server process"

done_testing
