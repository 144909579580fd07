# SPDX-License-Identifier: PostgreSQL
# cgroup v2 proved where it exists whatever this machine has: the agent's and executor's unit tests
# run in a small virtual machine with every controller on v2. They show memory (an exceeded limit is
# reported as such), pids, cpu weight and ceiling, kill of the whole group, adoption.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tap.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
PROGRAM=tests/test_agent_life
BUILD=${B:-$HERE/build}
case $BUILD in /*) ;; *) BUILD=$HERE/$BUILD ;; esac

[ -x "$BUILD/$PROGRAM" ] || make -s -C "$HERE" "${B:-build}/$PROGRAM" >&2
OUT=$(VM_SECONDS=250 "$HERE/tests/vm/run.sh" HOWDAH_TEST_ISOLATION=cgroup_v2 "$PROGRAM" 2>&1)
CODE=$?
[ "$CODE" -eq 77 ] && skip_all "$(printf '%s\n' "$OUT" | tail -n 1)"

[ "$CODE" -eq 0 ] || diag "$(printf '%s\n' "$OUT" | grep -v -e '  OK ' -e ' RUN ' | tail -n 40)"
ok "$CODE" "the tests pass with the cgroup v2 driver"
for name in memory_limit_is_enforced_and_named process_limit_is_enforced \
    limits_are_written_as_asked ceiling_holds_on_an_idle_machine lost_executor_leaks_nothing \
    kill_after_grace_takes_everything; do
    like "$OUT" "OK \] test_$name" "${name//_/ }"
done
done_testing
