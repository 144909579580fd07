# SPDX-License-Identifier: PostgreSQL
# What a coordinator serves over HTTP while all is well: health, metrics, JSON, the page.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

export HOWDAH_UI_DIR=$TEST_ROOT/ui-static
cluster_new
exits 0 "a cluster starts" cluster_start --agents 1
cluster_use "$CLUSTER"

get() { curl -s --path-as-is --max-time 10 "$HOWDAH_HTTP$1" "${@:2}"; }
status() { get "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }
header() { get "$1" -o /dev/null -D - "${@:3}" | tr -d '\r' | sed -n "s/^$2: //Ip"; }

wait_until 10 "the coordinator leads" eval 'get /healthz | grep -q "^leader"'
ok $? "the only coordinator leads"
is "$(get /healthz | head -1)" ok "healthz says ok"
is "$(cluster_sql "select epoch from howdah.leader")" "$(get /healthz | sed -n 's/leader, epoch //p')" \
    "and names the epoch that the database has"

for name in cell agents frameworks tasks offers roles events; do
    is "$(status "/api/v1/$name")" 200 "/api/v1/$name answers"
    is "$(get "/api/v1/$name" | jq -r 'has("now")')" true "/api/v1/$name is JSON and says when it was read"
done
is "$(get /api/v1/agents | jq -r '.agents[].name')" agent-1 "the agent is listed"
is "$(get /api/v1/cell | jq -r '.agents[0].state')" active "with its state"
is "$(header /api/v1/cell Howdah-Stale)" false "the data is fresh"
is "$(header /api/v1/cell Content-Type)" application/json "the type is JSON"
is "$(header /api/v1/cell Cache-Control)" no-store "nobody keeps a copy"
like "$(header /api/v1/cell Howdah-Age-Ms)" '^[0-9]+$' "its age is told"

ETAG=$(header /api/v1/roles ETag)
is "$(status /api/v1/roles -H "If-None-Match: $ETAG")" 304 "what has not changed costs a 304"
is "$(status /api/v1/roles -H 'If-None-Match: "other"')" 200 "another tag gets the document"
is "$(header /api/v1/roles Howdah-Stale -H "If-None-Match: $ETAG")" false "a 304 tells the freshness too"

exits 0 "a task runs" howdah run --name counted -- true
wait_until 10 "the task is listed" eval 'get /api/v1/tasks | jq -e ".tasks[] | select(.state == \"finished\")"'
ok $? "and is listed as finished"
wait_until 10 "its events are listed" eval 'get /api/v1/events | jq -e ".events[] | select(.to_state == \"finished\")"'
ok $? "with its events"

METRICS=$(get /metrics)
is "$(header /metrics Content-Type)" "text/plain; version=0.0.4; charset=utf-8" "metrics are Prometheus text"
like "$METRICS" '^howdah_coordinator_leading 1$' "the leader's gauge is 1"
like "$METRICS" '^howdah_scrape_success 1$' "the cell's figures were read"
like "$METRICS" '^howdah_chore_runs_total\{chore="offers_make"\} [1-9]' "chores are counted"
like "$METRICS" '^howdah_http_requests_total\{code="304"\} [1-9]' "and answers"
is "$(printf '%s\n' "$METRICS" | grep -Evc '^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+0-9.eInfNa]+)$')" \
    0 "every line is a comment or a sample"
is "$(printf '%s\n' "$METRICS" | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' | sort | uniq -d)" "" \
    "no metric is declared twice"
is "$(cluster_sql "select count(*) from howdah.metrics()" | awk '{print ($1 > 0)}')" 1 "the cell has figures of its own"
like "$METRICS" "^$(cluster_sql "select case when name like 'howdah\\_%' then name else 'howdah_' || name end from howdah.metrics() order by name limit 1")[ {]" \
    "and they are among them"

is "$(status /)" 200 "the page is served"
is "$(header / Content-Type)" "text/html; charset=utf-8" "as HTML"
is "$(header /app.js Content-Type)" "text/javascript; charset=utf-8" "with its script"
like "$(header / Content-Security-Policy)" "^default-src 'self'" "under a strict policy"
is "$(header / X-Content-Type-Options)" nosniff "whose types are not guessed"
is "$(status / -H "If-None-Match: $(header / ETag)")" 304 "and which is not sent twice"
is "$(curl -sI "$HOWDAH_HTTP/api/v1/cell" | head -1 | tr -d '\r')" "HTTP/1.1 200 OK" "HEAD is answered"
is "$(curl -sI "$HOWDAH_HTTP/api/v1/cell" | tr -d '\r' | sed '1,/^$/d')" "" "without a body"

done_testing
