# SPDX-License-Identifier: PostgreSQL
# Maintenance windows: planned, shown in offers, a machine empty when one starts and open after it.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tasks.sh"

cluster_new
cluster_start --agents 2 >/dev/null
ok $? "a cluster with two agents starts"
framework_new
agent_is() { [ "$(howdah agents --json | jq -r ".[] | select(.name == \"$1\") | .condition")" = "$2" ]; }
offer_shows() { [ "$(cluster_sql -u framework "select count(*) from howdah.offers_since('$FRAMEWORK', $EPOCH)
    where agent_name = 'agent-1' and unavailable_from is not null")" = 1 ]; }

exits 0 "without windows the list is empty" howdah maintenance
is "$OUT" "no maintenance windows" "and says so"
exits 0 "a window is planned" howdah maintenance agent-1 --start '2100-01-10 22:00+00' --end '2100-01-11 02:00+00' --reason boards
like "$OUT" 'agent-1 +planned +2100-01-1.* boards' "and listed"
wait_until 20 "an offer of the machine shows the window" offer_shows
ok $? "offers show it"
exits 1 "one that overlaps is refused" howdah maintenance agent-1 --start '2100-01-11 01:00+00' --end '2100-01-12 02:00+00'
like "$OUT" 'field "starts_at".*beside that of agent agent-1' "with what it overlaps"
exits 1 "an end before the start is refused" howdah maintenance agent-2 --start '2100-01-11' --end '2100-01-10'
exits 1 "the past is refused" howdah maintenance agent-2 --start '2001-01-10' --end '2100-01-10'
exits 1 "what is no time is refused" howdah maintenance agent-2 --start garbage --end '2100-01-10'
like "$OUT" 'field "starts_at".*garbage.*a time such as' "with what was expected"
exits 1 "as an end, too" howdah maintenance agent-2 --start '2100-01-10' --end garbage
like "$OUT" 'field "ends_at".*garbage.*a time such as' "with what was expected"
exits 2 "a start alone is not enough" howdah maintenance agent-2 --start '2100-01-10'
exits 2 "nor is no machine" howdah maintenance --cancel
exits 0 "it is cancelled" howdah maintenance agent-1 --cancel
is "$OUT" "no maintenance windows" "and gone"

task_new agent-1 '"command": {"shell": "sleep 300"}'
task_wait 20 "$TASK" running
FROM=$(cluster_sql "select now() + interval '3 s'")
UNTIL=$(cluster_sql "select now() + interval '12 s'")
exits 0 "a window that is near" howdah maintenance agent-1 --start "$FROM" --end "$UNTIL" --reason boards
wait_until 20 "the machine is empty" agent_is agent-1 "active, drained"
ok $? "drains the machine at once"
is "$(task_field "$TASK" "state || ' ' || reason")" "killed agent_draining" "its task was taken down"
wait_until 30 "the machine is open" agent_is agent-1 active
ok $? "which is open again after the end"
is "$(howdah maintenance --json)" "[]" "and the window is gone"
is "$(howdah audit)" "audit: 0 violations" "the books are right"
done_testing
