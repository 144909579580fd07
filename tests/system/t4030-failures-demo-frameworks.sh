# SPDX-License-Identifier: PostgreSQL
# kill -9 of both frameworks in the middle of the demonstration: they fail over to themselves.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/demo.sh"

demo_start
demo_wait_work
ok $? "the demonstration works"
demo_kill wordcount && demo_kill sqlbatch
ok $? "both frameworks are killed"
demo_finish "both frameworks"
like "$(cat "$DEMO_LOG")" "starting wordcount again" "wordcount was started again"
like "$(cat "$DEMO_LOG")" "starting sqlbatch again" "sqlbatch was started again"
done_testing
