# SPDX-License-Identifier: PostgreSQL
# The answer to a first registration is lost: the framework is there once, and the agent has its name at once,
# even when it died in between.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
cluster_start --agents 1 >/dev/null
ok $? "a cluster with one agent starts"
SERVER_DIR=$(<"$CLUSTER/run/pg-socket")
PROXY=
trap 'kill $PROXY $AGENT 2>/dev/null; wait; test_cleanup' EXIT
AGENT=

proxy_start() { # FUNCTION: the first answer to it is lost, no other one
    kill $PROXY 2>/dev/null
    rm -rf "$TEST_SCRATCH/proxy"
    mkdir "$TEST_SCRATCH/proxy"
    python3 "$TEST_ROOT/tests/lib/cut_proxy.py" "$TEST_SCRATCH/proxy/.s.PGSQL.5432" \
        "$SERVER_DIR/.s.PGSQL.5432" "$1" 100000 >"$TEST_SCRATCH/proxy.out" 2>&1 &
    PROXY=$!
    wait_until 20 "the proxy listens" test -S "$TEST_SCRATCH/proxy/.s.PGSQL.5432"
}
was_cut() { grep -q cut "$TEST_SCRATCH/proxy.out"; }
agent_start() { # CONNINFO
    howdah-agent --db "$1" --name fresh --work-dir "$TEST_SCRATCH/fresh" --isolation none \
        --resources 'cpus:1;mem:128;disk:100' >>"$TEST_SCRATCH/agent.log" 2>&1 &
    AGENT=$!
}
registered() { [ "$(grep -c 'registered name=fresh' "$TEST_SCRATCH/agent.log")" -ge "$1" ]; }

proxy_start framework_register
is "$(howdah run --db "$HOWDAH_DB_FRAMEWORK host=$TEST_SCRATCH/proxy" --name once -- echo done 2>"$TEST_SCRATCH/run.log")" \
    "done" "a framework works although the answer to its registration was lost"
was_cut
ok $? "it was lost indeed"
is "$(cluster_sql "select count(*) from howdah.frameworks where name = 'once'")" 1 "no second framework was left behind"

proxy_start agent_register
agent_start "$HOWDAH_DB_AGENT host=$TEST_SCRATCH/proxy"
wait_until 30 "the agent is registered" registered 1
ok $? "an agent whose registration's answer was lost registers again at once"
was_cut
ok $? "it was lost indeed"
is "$(cluster_sql "select count(*), max(epoch) from howdah.agents where name = 'fresh'")" "1|2" \
    "as the same agent, in its next epoch"
is "$(grep -c agent_name_taken "$TEST_SCRATCH/agent.log")" 0 "its own name was not held against it"
kill -TERM "$AGENT"
wait "$AGENT"
cluster_sql "select howdah.agent_remove(agent_id) from howdah.agents where name = 'fresh'" >/dev/null
rm -rf "$TEST_SCRATCH/fresh"

# The agent dies before it can ask again.
proxy_start agent_register
agent_start "$HOWDAH_DB_AGENT host=$TEST_SCRATCH/proxy"
wait_until 30 "the answer is lost" was_cut
kill -9 "$AGENT"
kill $PROXY
wait "$AGENT" 2>/dev/null
agent_start "$HOWDAH_DB_AGENT"
wait_until 30 "the next agent is registered" registered 2
ok $? "the next process in its work directory is the same agent at once"
is "$(cluster_sql "select count(*) from howdah.agents where name = 'fresh' and state = 'active'")" 1 "the only one of its name"
is "$(grep -c agent_name_taken "$TEST_SCRATCH/agent.log")" 0 "its name was not held against it"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right"
done_testing
