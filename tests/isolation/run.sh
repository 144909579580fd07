#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Races: each specs/NAME.spec puts the steps of a few sessions into chosen orders, isolationtester plays
# them against a private PostgreSQL, and what it prints must be expected/NAME.out. Ids are made anew in
# every run, so each uuid is compared as <id>. Then stress.py, which chooses its orders by a seed.
#
#   tests/isolation/run.sh [NAME]...       all, or these specs ("stress" is one of the names)
#
# Every spec gets a fresh copy of a database with schema and lab.sql, the words in which specs are
# written. Environment: ACCEPT=1 takes what came out as what is expected (read it then: it is what the
# test demands from now on); STRESS_SEED and STRESS_SECONDS (see stress.py), STRESS_VERBOSE=1 shows what
# a good run did, too; TEST_KEEP=1 keeps server directory and results.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cd "$HERE/../.." || exit 1
HOWDAH_PG_OPTIONS="-c synchronous_commit=off -c autovacuum=off -c deadlock_timeout=200ms ${HOWDAH_PG_OPTIONS:-}"
. tests/lib/cluster.sh

isolationtester_find() { # prints the path of the program
    local dir
    for dir in "$(dirname "$(pg_config --pgxs 2>/dev/null)" 2>/dev/null)/../.." /usr/lib/postgresql/*/lib/pgxs/src; do
        [ -x "$dir/test/isolation/isolationtester" ] && printf '%s' "$dir/test/isolation/isolationtester" && return
    done
    return 1
}

python_find() { # prints a python3 that has psycopg2
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import psycopg2' 2>/dev/null && printf '%s' "$python" && return
    done
    return 1
}

# Silence counts from the server's start on, and specs let frameworks be silent for three seconds.
server_is_old() {
    [ "$(cluster_sql "select clock_timestamp() > pg_postmaster_start_time() + interval '3.5 s'")" = t ]
}

database_new() { # NAME: a copy of the template; prints its conninfo
    psql -X -q -v ON_ERROR_STOP=1 -d "${HOWDAH_DB_ADMIN/dbname=howdah/dbname=postgres}" \
        -c "create database $1 template howdah" >&2 || return
    printf '%s' "${HOWDAH_DB_ADMIN/dbname=howdah/dbname=$1}"
}

spec_story() { # NAME: the first line of the spec's head is what the test is called
    sed -n '2s/^# *//p' "$HERE/specs/$1.spec"
}

spec_run() { # NAME
    local conninfo out=$TEST_SCRATCH/$1.out expected=$HERE/expected/$1.out
    if [ -z "$TESTER" ]; then
        skip "$1: $(spec_story "$1")" "no isolationtester here: install postgresql-server-dev-15"
        return
    fi
    conninfo=$(database_new "race_${1//-/_}") || { ok 1 "$1: its database cannot be made"; return; }
    PGISOLATIONTIMEOUT=30 timeout -k 5 120 "$TESTER" "$conninfo" <"$HERE/specs/$1.spec" 2>&1 |
        sed -E 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/<id>/g' >"$out"
    [ -n "${ACCEPT:-}" ] && cp "$out" "$expected"
    if cmp -s "$expected" "$out"; then
        ok 0 "$1: $(spec_story "$1")"
    else
        ok 1 "$1: $(spec_story "$1")"
        diag "$(diff -u "$expected" "$out" | sed 1,2d | head -n 60)"
    fi
}

stress_run() {
    local conninfo python out=$TEST_SCRATCH/stress.out
    python=$(python_find) || { skip "stress" "python3 has no psycopg2: install python3-psycopg2"; return; }
    conninfo=$(database_new stress) || { ok 1 "stress: its database cannot be made"; return; }
    timeout -k 5 300 "$python" "$HERE/stress.py" --db "$conninfo" >"$out" 2>&1
    ok $? "stress: $(tail -n 1 "$out")" || diag "$(tail -n 60 "$out")"
    [ -z "${STRESS_VERBOSE:-}" ] || diag "$(tail -n 60 "$out")"
}

TESTER=$(isolationtester_find)
if [ $# -eq 0 ]; then
    set -- $(cd "$HERE/specs" && printf '%s\n' *.spec | sed 's/\.spec$//') stress
fi
cluster_new
cluster_pg && cluster_sql "$(cat "$HERE/lab.sql")" >/dev/null &&
    wait_until 30 "the server is up for long enough" server_is_old || { diag "no database"; exit 1; }
for each in "$@"; do
    if [ "$each" = stress ]; then stress_run; else spec_run "${each%.spec}"; fi
done
printf '1..%d\n' "$TAP_COUNT"
echo "$((TAP_COUNT - TAP_FAILED)) passed, $TAP_FAILED failed"
exit $((TAP_FAILED > 0))
