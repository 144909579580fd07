# SPDX-License-Identifier: PostgreSQL
# The lists: tables for people, JSON with every column for programs, ids that may be shortened.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
cluster_start --agents 2
howdah run --name keep --count 2 --cpus 0.5 --mem 128 -- sh -c 'echo "started $HOWDAH_TASK_NAME"; echo oops >&2; sleep 300' >/dev/null 2>&1 &
wait_until 30 "two tasks run" sh -c '[ "$(howdah tasks --state running --json | jq length)" = 2 ]'
ID=$(howdah tasks --json | jq -r '.[] | select(.name == "keep-1") | .task_id')

like "$(howdah agents)" '^ID +NAME +STATE +CPUS +MEM MiB' "agents: a table with headers"
like "$(howdah agents)" 'agent-1 +active +[0-9.]+/4 +[0-9]+/4096' "used and total stand side by side"
like "$(howdah agents)" 'disk=ssd rack=r1|rack=r1 disk=ssd' "attributes are readable"
is "$(howdah agents --json | jq '[.[].cpus_used] | add')" 1 "JSON numbers are numbers"
like "$(howdah frameworks)" 'keep +default +active +2 ' "frameworks: the one that runs"
like "$(howdah tasks)" "^${ID:0:8} +keep-1 +keep +agent-[12] +running +0.5 +128 " "tasks: a line for each"
is "$(howdah tasks --framework keep --json | jq length)" 2 "tasks of one framework, by its name"
is "$(howdah tasks --state finished --json | jq length)" 0 "tasks by state"

exits 0 "why tells of a framework" howdah why keep
is "$OUT" "the framework says of nothing that it needs it" "that it said nothing"
FRAMEWORK=$(howdah frameworks --json | jq -r '.[] | select(.name == "keep") | .framework_id')
cluster_sql "select howdah.request('$FRAMEWORK', (select epoch from howdah.frameworks where framework_id = '$FRAMEWORK'),
    '[{\"count\": 2, \"resources\": {\"cpus\": 1000}}]')" >/dev/null
like "$(howdah why keep)" '1 +2 +cpus +[12] +[12] +[12] +1000 ' "or which test its requests fail, and where"
is "$(howdah filters)" "no filters" "filters: none at first"
cluster_sql "select howdah.filter_set('$FRAMEWORK', (select epoch from howdah.frameworks where framework_id = '$FRAMEWORK'),
    'only ssd', '{\"attributes\": {\"disk\": \"ssd\"}}', 36000)" >/dev/null
like "$(howdah filters keep)" '^keep +only ssd .* (10|9)h +\{"attributes": \{"disk": "ssd"\}\}' "then what a framework wants offered, and for how long"
exits 1 "filters of no framework fail" howdah filters no-such-framework
like "$(howdah task "${ID:0:6}")" "^id +$ID" "task: found by the start of its id"
like "$(howdah task keep-1)" "^id +$ID" "task: found by its name"
like "$(howdah task keep-1)" '(staging|starting) +running +agent ' "its events are listed"
is "$(howdah task keep-1 --json | jq -r '.events | map(.to_state) | index("running") != null')" true "in JSON, too"

is "$(howdah logs keep-1)" "started keep-1" "logs: standard output so far"
is "$(howdah logs --stderr keep-1)" oops "logs --stderr: standard error"
howdah logs -f keep-2 >"$TEST_SCRATCH/follow" &
FOLLOW=$!
wait_until 20 "the followed log has begun" grep -q started "$TEST_SCRATCH/follow"
exits 0 "kill ends a task" howdah kill --kill-grace 1s keep-2
wait_until 20 "logs -f has ended" sh -c "! kill -0 $FOLLOW"
ok $? "logs -f ends with the task"
like "$(howdah tasks --all)" 'keep-2 .* killed' "the killed task is listed with --all"
exits 0 "logs of an ended task can be read" howdah logs keep-2
is "$OUT" "started keep-2" "and are whole"
exits 1 "kill with one wrong id kills nothing" howdah kill keep-1 no-such-task
is "$(howdah task keep-1 --json | jq -r .state)" running "the other task runs on"
howdah kill keep-1 >/dev/null

like "$(howdah settings)" '^NAME +VALUE +DEFAULT +UNIT +MEANING' "settings: all of them"
like "$(howdah settings overlap)" '^overlap +unlimited' "settings: one"
exits 0 "settings: a change" howdah settings overlap 2
is "$(howdah settings overlap --json | jq -r '.[0].value')" 2 "is in force"
exits 0 "role-set makes a role" howdah role-set bulk 2.5
is "$(howdah roles --json | jq -r '.[] | select(.name == "bulk") | .weight')" 2.5 "roles lists it"
exits 0 "a child of it can be made" howdah role-set bulk/night 1
is "$(howdah roles --json | jq -c 'map(select(.parent == "bulk").name)')" '["bulk/night"]' "it stands below it"
exits 0 "quota-set sets guarantees and limits" howdah quota-set bulk/night --guarantee cpus=0.5,mem=64 --limit cpus=2,sets.gpu=1
like "$OUT" 'bulk/night .* (mem=64 cpus=0.5|cpus=0.5 mem=64) +cpus=2 sets=' "and shows them"
exits 0 "an empty list takes them away" howdah quota-set bulk/night --guarantee ''
is "$(howdah roles --json | jq -c '.[] | select(.name == "bulk/night") | [.guarantee, .limits.cpus]')" '[null,2]' "but not the others"
exits 0 "explain-share lists the roles" howdah explain-share
like "$OUT" '^bulk/night +0.0%' "with what they hold"
exits 0 "explain-share tells of one role" howdah explain-share bulk/night
like "$OUT" '^cpus .* 2 .*nothing is wanted' "its limit, and why its share is not more"
exits 1 "but not of one that there is not" howdah explain-share no-such-role
exits 0 "quota-clear takes all away" howdah quota-clear bulk/night
is "$(howdah roles --json | jq -c '.[] | select(.name == "bulk/night") | .limits')" null "they are gone"
exits 1 "a role with children stays" howdah role-delete bulk
exits 0 "the child goes first" howdah role-delete bulk/night
exits 0 "role-delete deletes it" howdah role-delete bulk
unlike "$(howdah roles)" bulk "it is gone"
exits 0 "audit succeeds" howdah audit
is "$OUT" "audit: 0 violations" "and says so"
is "$(howdah audit --json)" "[]" "audit in JSON is an empty list"
is "$(howdah offers --json | jq 'type')" '"array"' "offers is a list"

# Fits the terminal it is on.
if command -v script >/dev/null; then
    WIDEST=$(script -qec "stty cols 60; howdah settings" /dev/null | tr -d '\r' | LC_ALL=C.UTF-8 wc -L)
    [ "$WIDEST" -le 60 ]
    ok $? "a table is cut to the terminal's width (widest line: $WIDEST of 60)"
else
    skip "a table is cut to the terminal's width" "script is not installed"
fi

done_testing
