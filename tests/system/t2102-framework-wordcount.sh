#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The word count is right, and stays right whatever is killed in the middle of it.
. "$(dirname "$0")/../lib/cluster.sh"

texts=$TEST_SCRATCH/texts
count() { wordcount --db "$HOWDAH_DB_FRAMEWORK" --json --reference --timeout 3m "$@"; }

# Enough text for some hundred milliseconds of work in each map.
make_texts() {
    local i
    mkdir -p "$texts"
    for i in $(seq 60); do
        for _ in $(seq 40); do
            printf 'The Quick brown fox-%s jumps over the lazy dog; %s\n' "$i" "déjà vu x$((i * 7))y"
            cat /usr/share/common-licenses/GPL-3 2>/dev/null || seq 1000
        done >"$texts/text $i"
    done
}

field() { # NAME JSON
    sed -n "s/.*\"$1\": *\"\{0,1\}\([^,\"}]*\).*/\1/p" <<<"$2"
}

finished_maps() { # DIR COUNT
    [ "$(find "$1/out" -name '0*' -not -name '*.*' 2>/dev/null | wc -l)" -ge "$2" ]
}

# Start a run, wait until some maps are done, do something terrible, wait for the result.
disturbed_run() { # NAME DISTURBANCE...
    local name=$1 work=$TEST_SCRATCH/work-$RANDOM pid out=$TEST_SCRATCH/out-$RANDOM
    shift
    count --maps 40 --workdir "$work" "$texts" >"$out" 2>"$out.err" &
    pid=$!
    wait_until 60 "three maps are done" finished_maps "$work" 3
    "$@" || diag "the disturbance failed: $*"
    wait "$pid"
    ok $? "the count is right although $name" || diag "$(tail -n 20 "$out.err")"
    is "$(field correct "$(cat "$out")")" yes "it equals the direct count although $name"
}

dead() { # PID
    ! grep -q '^State:.[^Z]' "/proc/$1/status" 2>/dev/null
}

kill_and_revive() { # NAME
    local pid
    pid=$(cluster_pid "$1") && cluster_kill KILL "$1"
    wait_until 20 "$1 is dead" dead "$pid" && cluster_revive >/dev/null
}

executor_killed() {
    local pid
    pid=$(pgrep -f "howdah-executor $CLUSTER/agents/" | head -n 1) && kill -KILL "$pid"
}

kill_an_executor() {
    wait_until 20 "an executor was there to be killed" executor_killed
}

make_texts
cluster_new
cluster_start --agents 3 >/dev/null || skip_all "no cluster"

out=$(count 2>/dev/null)
is "$?" 0 "the texts of this system are counted"
is "$(field correct "$out")" yes "the result equals the direct count"
maps=$(field maps "$out")
is "$(field tasks "$out")" $((${maps:-0} + 1)) "each map and the reduce ran once"

disturbed_run "the coordinator was killed" kill_and_revive coordinator
disturbed_run "an agent was killed" kill_and_revive agent-1
disturbed_run "PostgreSQL was killed" kill_and_revive postgres
disturbed_run "an executor was killed" kill_an_executor

# Killed itself: the next run with the same state file goes on.
state=$TEST_SCRATCH/state
work=$TEST_SCRATCH/work-self
count --maps 40 --workdir "$work" --state "$state" "$texts" >/dev/null 2>&1 &
pid=$!
wait_until 60 "three maps are done" finished_maps "$work" 3
kill -KILL "$pid"
wait "$pid" 2>/dev/null
id=$(field framework_id "$(cat "$state")")
before=$(find "$work/out" -name '0*' -not -name '*.*' | wc -l)
out=$(count --maps 40 --workdir "$work" --state "$state" "$texts" 2>/dev/null)
is "$?" 0 "a run that was killed goes on with its state file"
is "$(field correct "$out")" yes "its result equals the direct count"
is "$(field framework_id "$out")" "$id" "it is the same framework"
tasks=$(field tasks "$out")
ok $((${tasks:-99} > 41 - before)) "finished maps were not run again"
[ ! -e "$state" ]
ok $? "the state file is gone afterwards"

# Two instances: the newer one wins, the older one says so and stops.
count --maps 40 --workdir "$work" --state "$state" "$texts" >"$TEST_SCRATCH/older" 2>&1 &
pid=$!
wait_until 60 "the older instance has registered" test -s "$state"
count --maps 40 --workdir "$work" --state "$state" "$texts" >"$TEST_SCRATCH/newer" 2>&1
is "$?" 0 "the newer instance finishes the work"
wait "$pid"
is "$?" 1 "the older instance fails"
like "$(cat "$TEST_SCRATCH/older")" epoch_stale "it says that it was fenced"

exits 2 "a bad number of cpus is refused" wordcount --db x --cpus none
like "$OUT" 'cpus.*none' "the message names option and value"
mkdir "$TEST_SCRATCH/tmp"
exits 1 "nothing to count is an error" env TMPDIR="$TEST_SCRATCH/tmp" wordcount --db x "$TEST_SCRATCH/nowhere"
like "$OUT" nowhere "the message names what is missing"
is "$(ls -A "$TEST_SCRATCH/tmp")" "" "it leaves no directory behind"

is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right afterwards"

done_testing
