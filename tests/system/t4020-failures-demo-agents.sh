# SPDX-License-Identifier: PostgreSQL
# kill -9 of two of the three agents in the middle of the demonstration: their tasks run on.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/demo.sh"

demo_start
demo_wait_work
ok $? "the demonstration works"
demo_kill agent-1 && demo_kill agent-3
ok $? "two agents are killed"
demo_finish "two agents"
like "$(cat "$DEMO_LOG")" "starting agent-3 again" "they were started again"
done_testing
