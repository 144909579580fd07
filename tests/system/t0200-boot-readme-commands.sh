# SPDX-License-Identifier: PostgreSQL
# The commands of the README, as they stand there.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
mkdir -p "$TEST_SCRATCH/here" && cd "$TEST_SCRATCH/here" || exit 1
unset HOWDAH_DIR
TEST_CLUSTERS+=("$PWD/.howdah")

OUT=$(howdah up --agents 3 && howdah run --count 20 --cpus 0.1 --mem 32 -- sh -c 'echo $HOWDAH_TASK_ID' &&
    howdah audit && howdah down)
ok $? "up, run, audit and down succeed one after the other"
is "$(printf '%s\n' "$OUT" | grep -Ec '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')" 20 \
    "20 task ids are printed"
is "$(printf '%s\n' "$OUT" | grep -E '^[0-9a-f]{8}-' | sort -u | wc -l)" 20 "and they differ"
like "$OUT" 'audit: 0 violations' "the audit finds nothing"
[ ! -e .howdah ]
ok $? "nothing stays behind"

done_testing
