# SPDX-License-Identifier: PostgreSQL
# Throwaway clusters for tests (bash). Source it; it brings tap.sh and wait_until.sh along.
#
#   cluster_new                  a fresh directory in $CLUSTER; removed with all it runs at exit
#   cluster_pg                   PostgreSQL and schema only
#   cluster_start [--agents N]   all of it
#   cluster_sql [-u LOGIN] SQL   rows as a|b text, as login admin unless told otherwise
#   cluster_pid NAME             pid of postgres, coordinator, agent-1 ...
#   cluster_kill SIGNAL NAME     to that pid and to no other process
#   cluster_revive               starts again what has died
#   howdah ARGUMENT...           the command, on this cluster
#
# After cluster_pg and cluster_start the variables of $CLUSTER/env are exported (HOWDAH_DB_ADMIN, ...).
# Several clusters at once: call cluster_new again; cluster_use DIR goes back to another one.
# A test file owns its clusters, so that all files may run side by side. Fsync is off here: a killed
# process loses nothing by that, only a machine that crashes would. TEST_FSYNC=on keeps it on.

TEST_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
TEST_B=${B:-$TEST_ROOT/build}
case $TEST_B in /*) ;; *) TEST_B=$TEST_ROOT/$TEST_B ;; esac
export HOWDAH_BIN=${HOWDAH_BIN:-$TEST_B/bin} HOWDAH_SQL=${HOWDAH_SQL:-$TEST_ROOT/sql}
PATH=$HOWDAH_BIN:$PATH
unset HOWDAH_DB HOWDAH_DIR HOWDAH_HTTP

. "$TEST_ROOT/tests/lib/tap.sh"
. "$TEST_ROOT/tests/lib/wait_until.sh"

TEST_CLUSTERS=()
TEST_SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/howdah-test.XXXXXX")
chmod 0755 "$TEST_SCRATCH"

devcluster() {
    HOWDAH_PG_OPTIONS="-c fsync=${TEST_FSYNC:-off} ${HOWDAH_PG_OPTIONS:-}" "$TEST_ROOT/cli/devcluster.sh" "$@"
}

cluster_use() { # DIR
    CLUSTER=$1
    export HOWDAH_DIR=$1
    if [ -f "$1/env" ]; then
        set -a
        . "$1/env"
        set +a
    fi
}

cluster_new() {
    TEST_CLUSTERS+=("$TEST_SCRATCH/cluster-${#TEST_CLUSTERS[@]}")
    cluster_use "${TEST_CLUSTERS[-1]}"
}

cluster_pg() {
    devcluster pg-start "$CLUSTER" && devcluster migrate "$CLUSTER" && cluster_use "$CLUSTER"
}

cluster_start() {
    devcluster start "$CLUSTER" "$@" && cluster_use "$CLUSTER"
}

cluster_sql() {
    local login=ADMIN conninfo
    [ "$1" = -u ] && login=${2^^} && shift 2
    conninfo=HOWDAH_DB_$login
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "${!conninfo}" -c "$1"
}

cluster_pid() { cat "$CLUSTER/run/$1.pid"; }
cluster_kill() { # SIGNAL PROGRAM; returns after KILL when it is dead, as revive leaves alone what lives
    local pid
    pid=$(cluster_pid "$2") && kill "-$1" "$pid" || return
    [ "$1" != KILL ] || wait_until 20 "$2 is dead" test ! -e "/proc/$pid"
}
cluster_revive() { devcluster revive "$CLUSTER"; }

# At exit, also after Ctrl-C. With TEST_KEEP=1 the files of a failed run stay for reading.
test_cleanup() {
    local status=$? dir
    trap - EXIT
    for dir in "${TEST_CLUSTERS[@]}"; do
        [ -f "$dir/cluster" ] || continue
        if [ -n "${TEST_KEEP:-}" ]; then
            devcluster stop "$dir" >/dev/null 2>&1
        else
            devcluster remove "$dir" >/dev/null 2>&1
        fi
    done
    [ -n "${TEST_KEEP:-}" ] && diag "kept: $TEST_SCRATCH" || rm -rf "$TEST_SCRATCH"
    exit "$status"
}
trap test_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
