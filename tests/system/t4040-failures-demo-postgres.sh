# SPDX-License-Identifier: PostgreSQL
# kill -9 of PostgreSQL in the middle of the demonstration: everybody reconnects.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/demo.sh"

demo_start
demo_wait_work
ok $? "the demonstration works"
demo_kill postgres
ok $? "PostgreSQL is killed"
demo_finish "PostgreSQL"
like "$(cat "$DEMO_LOG")" "starting PostgreSQL again" "PostgreSQL was started again"
done_testing
