# SPDX-License-Identifier: PostgreSQL
# Two clusters at once do not know of each other; removing one leaves the other alone; a cluster that
# is stopped with --keep goes on with the same data.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
FIRST=$CLUSTER
cluster_start --agents 1
FIRST_ID=$(cluster_sql "select task_id from howdah.tasks limit 1")
is "$(howdah run --name first -- echo one)" one "the first cluster works"
FIRST_ID=$(howdah tasks --all --json | jq -r '.[0].task_id')

cluster_new
SECOND=$CLUSTER
cluster_start --agents 1
ok $? "a second cluster starts beside it"
is "$(howdah tasks --all --json | jq length)" 0 "the second one knows nothing of the first one's tasks"
exits 0 "the second one is removed" howdah down
cluster_use "$FIRST"
exits 0 "the first one runs on" howdah status

exits 0 "down --keep stops the first one" howdah down --keep
[ -f "$FIRST/pgpass" ]
ok $? "its files are still there"
exits 3 "commands find no cluster now" howdah agents
exits 0 "up starts it again" devcluster start "$FIRST" --agents 1
cluster_use "$FIRST"
is "$(howdah tasks --all --json | jq -r '.[0].task_id')" "$FIRST_ID" "with the same data"

mkdir "$TEST_SCRATCH/other" && touch "$TEST_SCRATCH/other/file"
exits 1 "up refuses a directory that holds something else" howdah up --dir "$TEST_SCRATCH/other"
like "$OUT" 'is not empty and holds no development cluster' "and says why"
is "$(ls "$TEST_SCRATCH/other")" file "and leaves it as it is"

done_testing
