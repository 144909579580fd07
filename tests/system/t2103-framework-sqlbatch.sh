#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The framework that is nothing but SQL: right results, exactly-once handling, its own restart.
. "$(dirname "$0")/../lib/cluster.sh"

batch() {
    "$TEST_ROOT/frameworks/sqlbatch/sqlbatch.py" --db "$HOWDAH_DB_FRAMEWORK" --json --timeout 180 "$@"
}

field() { # NAME JSON
    sed -n "s/.*\"$1\": *\"\{0,1\}\([^,\"}]*\).*/\1/p" <<<"$2"
}

results() { # DIR COUNT
    [ "$(find "$1/out" -name '0*' -not -name '*.*' 2>/dev/null | wc -l)" -ge "$2" ]
}

dead() { # PID
    ! grep -q '^State:.[^Z]' "/proc/$1/status" 2>/dev/null
}

/usr/bin/python3 -c 'import psycopg2' 2>/dev/null || skip_all "python3-psycopg2 is not installed"
cluster_new
cluster_start --agents 2 >/dev/null || skip_all "no cluster"

out=$(batch 2>/dev/null)
is "$?" 0 "sixty results are right"
is "$(field tasks "$out")" 60 "each task ran once"
is "$(field wrong "$out")" 0 "no result is wrong"

work=$TEST_SCRATCH/work
state=$TEST_SCRATCH/state
batch --tasks 80 --numbers 20000 --workdir "$work" --state "$state" >/dev/null 2>&1 &
pid=$!
wait_until 60 "five results are there" results "$work" 5
kill -KILL "$pid"
wait "$pid" 2>/dev/null
out=$(batch --tasks 80 --numbers 20000 --workdir "$work" --state "$state" 2>/dev/null)
is "$?" 0 "a run that was killed goes on with its state file"
is "$(field wrong "$out")" 0 "its results are right"

batch --tasks 80 --numbers 20000 --workdir "$work.2" >"$TEST_SCRATCH/out" 2>"$TEST_SCRATCH/err" &
pid=$!
wait_until 60 "five results are there" results "$work.2" 5
postgres=$(cluster_pid postgres)
cluster_kill KILL postgres
wait_until 20 "PostgreSQL is dead" dead "$postgres"
cluster_revive >/dev/null
wait "$pid"
ok $? "the results are right although PostgreSQL was killed" ||
    diag "$(tail -n 20 "$TEST_SCRATCH/err")"
reconnects=$(field reconnects "$(cat "$TEST_SCRATCH/out")")
ok $((${reconnects:-0} < 1)) "it connected again"

exits 2 "a missing database is a usage error" env -u HOWDAH_DB \
    "$TEST_ROOT/frameworks/sqlbatch/sqlbatch.py" --tasks 1
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right afterwards"

done_testing
