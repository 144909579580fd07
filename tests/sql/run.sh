#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# SQL tests: pgTAP against a private PostgreSQL of this run, a database for each file, two files at
# a time.
#
#   tests/sql/run.sh [FILE]...      all, or these
#
# The schema is installed once; lib/template.psql adds logins and helpers, and lib/open.psql, which
# every file begins with, copies the result. So files commit as real programs do and see nobody else.
#
# Environment: JOBS (2), SCHEMA_UPDATE=1 (rewrite expected/schema.txt from a fresh install).

. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
cd "$TEST_ROOT" || exit 1

command -v pg_prove >/dev/null ||
    { echo "tests/sql: pg_prove not found: install libtap-parser-sourcehandler-pgtap-perl"; exit 1; }
[ $# -gt 0 ] || set -- tests/sql/*.sql

admin_sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

server_settled() { # chores count silence from the server's start
    [ "$(admin_sql -c "select clock_timestamp() - pg_postmaster_start_time() > '4 s'")" = t ]
}

cluster_new
cluster_pg || exit 1
export PGHOST PGUSER=admin PGDATABASE=postgres PGPASSFILE=$CLUSTER/pgpass
export PGOPTIONS='-c client_min_messages=warning'
PGHOST=$(<"$CLUSTER/run/pg-socket")

admin_sql -d howdah -f tests/sql/lib/template.psql || exit 1
admin_sql -c 'alter database howdah is_template true' || exit 1
wait_until 20 "the server is up for four seconds" server_settled

if [ -n "${SCHEMA_UPDATE:-}" ]; then
    admin_sql -d howdah -c 'select line from t.schema_list order by line collate "C"' \
        >tests/sql/expected/schema.txt || exit 1
    echo "tests/sql: wrote expected/schema.txt"
fi

pg_prove --ext .sql -j "${JOBS:-2}" "$@"
