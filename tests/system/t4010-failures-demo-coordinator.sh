# SPDX-License-Identifier: PostgreSQL
# kill -9 of the coordinator in the middle of the demonstration.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/demo.sh"

demo_start
demo_wait_work
ok $? "the demonstration works"
demo_kill coordinator
ok $? "the coordinator is killed"
demo_finish "the coordinator"
like "$(cat "$DEMO_LOG")" "starting the coordinator again" "the coordinator was started again"
done_testing
