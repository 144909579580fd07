# SPDX-License-Identifier: PostgreSQL
# A cluster whose directory has spaces, a quote and a long name works like any other.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

LONG=$(printf 'long%.0s' $(seq 40))
CLUSTER="$TEST_SCRATCH/it's a dir/$LONG/cluster"
TEST_CLUSTERS+=("$CLUSTER")
mkdir -p "$(dirname "$CLUSTER")"
exits 0 "up works in a path with spaces, a quote and 170 characters" devcluster start "$CLUSTER" --agents 1
cluster_use "$CLUSTER"
is "$(howdah run --cpus 0.1 --mem 32 -- echo works)" works "a task runs there"
exits 0 "the audit is empty" howdah audit
exits 0 "down works there" howdah down
[ ! -e "$CLUSTER" ]
ok $? "and removes the directory"

done_testing
