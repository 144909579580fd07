# SPDX-License-Identifier: PostgreSQL
# The database goes away under a coordinator: it goes on serving, says how old its data is, stops
# leading, and takes up everything again by itself.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

export HOWDAH_UI_DIR=$TEST_ROOT/ui-static
cluster_new
exits 0 "a cluster starts" cluster_start --agents 1
cluster_use "$CLUSTER"

get() { curl -s --max-time 10 "$HOWDAH_HTTP$1" "${@:2}"; }
header() { get "$1" -o /dev/null -D - | tr -d '\r' | sed -n "s/^$2: //Ip"; }

wait_until 10 "the coordinator leads" eval 'get /healthz | grep -q "^leader"'
ok $? "the coordinator leads"
EPOCH=$(cluster_sql "select epoch from howdah.leader")
wait_until 10 "the agent is shown" eval 'get /api/v1/agents | jq -e ".agents[0]"'
ok $? "and shows the agent"

cluster_kill QUIT postgres
wait_until 20 "health is 503" eval '[ "$(get /healthz -o /dev/null -w "%{http_code}")" = 503 ]'
ok $? "without a database health turns bad"
like "$(get /healthz)" 'has not answered for' "and says why"
is "$(get /metrics -o /dev/null -w '%{http_code}')" 200 "metrics answer all the same"
like "$(get /metrics)" '^howdah_scrape_success 0$' "and say that the cell's figures are missing"
like "$(get /metrics)" '^howdah_coordinator_leading 0$' "it no longer trusts its lead"
is "$(get /api/v1/agents | jq -r '.agents[0].name')" agent-1 "the last state is still shown"
is "$(header /api/v1/agents Howdah-Stale)" true "marked stale"
is "$(get /api/v1/events -o /dev/null -w '%{http_code}')" 503 "what was never read cannot be shown"
like "$(get /api/v1/events | jq -r .error.message)" 'database' "and the answer says why"
is "$(get / -o /dev/null -w '%{http_code}')" 200 "the page is served"

exits 0 "the database comes back" cluster_revive
wait_until 30 "the coordinator leads again" eval 'get /healthz | grep -q "^leader"'
ok $? "the coordinator leads again"
is "$(cluster_sql "select epoch > $EPOCH from howdah.leader")" t "under a newer epoch"
wait_until 10 "the data is fresh" eval '[ "$(header /api/v1/agents Howdah-Stale)" = false ]'
ok $? "and the data is fresh"

done_testing
