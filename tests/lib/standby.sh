# SPDX-License-Identifier: PostgreSQL
# Streaming standbys of a test cluster (bash). Source it after cluster.sh; all of it goes at exit.
#
#   standby_start [NAME]          a base backup of $CLUSTER's server, started as a hot standby that
#                                 streams from it under that application_name (standby)
#   standby_options NAME TEXT     server options for its next start ("-c hot_standby_feedback=on")
#   standby_conninfo NAME LOGIN   its conninfo
#   standby_sql NAME [-u LOGIN] SQL
#   standby_caught_up NAME        it has replayed what the primary has written so far
#   standby_promote NAME
#   standby_stop NAME [MODE]      fast, or immediate
#
# The server's user must be able to read what it starts from: everything lies in a private directory
# of that user's.

declare -A STANDBY_HOME STANDBY_OPTIONS

standby_dev() { # FUNCTION ARGUMENT...: of devcluster.sh, whose names would hide those of cluster.sh
    (. "$TEST_ROOT/cli/devcluster.sh" && "$@")
}

standby_conninfo() { # NAME LOGIN
    standby_dev conninfo_of "$CLUSTER" "$2" | sed "s|^host=[^ ]*|host=${STANDBY_HOME[$1]}/socket|"
}

standby_options() { STANDBY_OPTIONS[$1]=$2; }

standby_launch() { # NAME
    local home=${STANDBY_HOME[$1]}
    standby_dev pg_as "$(standby_dev pg_bin)/pg_ctl" -D "$home/data" -l "$home/postgres.log" -w -t 60 \
        -o "-c fsync=${TEST_FSYNC:-off} ${STANDBY_OPTIONS[$1]:-}" start >/dev/null 2>&1 </dev/null ||
        { tail -n 5 "$home/postgres.log" >&2; return 1; }
}

standby_backup() { # NAME: the data directory, from the primary of $CLUSTER
    local home=${STANDBY_HOME[$1]} source
    source=$(standby_dev conninfo_of "$CLUSTER" admin | sed 's/dbname=[^ ]* //')
    "$(standby_dev pg_bin)/pg_basebackup" -d "$source" -D "$home/data" -X stream -c fast >/dev/null 2>&1 || return
    cp "$CLUSTER/pgpass" "$home/pgpass" && mkdir "$home/socket" && : >"$home/data/standby.signal" || return
    cat >>"$home/data/postgresql.auto.conf" <<CONF
primary_conninfo = '${source%% passfile=*} passfile=$home/pgpass application_name=$1'
unix_socket_directories = '$home/socket'
CONF
    [ "$(id -u)" -ne 0 ] || chown -R postgres: "$home"
}

standby_start() { # [NAME]
    local name=${1:-standby}
    if [ -z "${STANDBY_HOME[$name]:-}" ]; then
        STANDBY_HOME[$name]=$(standby_dev pg_private_dir /var/tmp/howdah-standby.XXXXXX) && standby_backup "$name" || return
    fi
    standby_launch "$name"
}

standby_sql() { # NAME [-u LOGIN] SQL
    local name=$1 login=admin
    shift
    [ "$1" = -u ] && login=$2 && shift 2
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$(standby_conninfo "$name" "$login")" -c "$1"
}

standby_caught_up() { # NAME: within half a minute
    local lsn
    lsn=$(cluster_sql "select pg_current_wal_flush_lsn()")
    wait_until 30 "standby $1 has replayed $lsn" standby_replayed "$1" "$lsn"
}

standby_replayed() { [ "$(standby_sql "$1" "select pg_last_wal_replay_lsn() >= '$2'")" = t ]; }

standby_ctl() { # NAME COMMAND...
    local home=${STANDBY_HOME[$1]}
    shift
    standby_dev pg_as "$(standby_dev pg_bin)/pg_ctl" -D "$home/data" -w -t 60 "$@" >/dev/null 2>&1
}

standby_promote() { standby_ctl "$1" promote; }
standby_stop() { standby_ctl "$1" stop -m "${2:-fast}"; }

standby_cleanup() {
    local name
    for name in "${!STANDBY_HOME[@]}"; do
        standby_stop "$name" immediate
        rm -rf "${STANDBY_HOME[$name]:?}"
    done
    test_cleanup
}
trap standby_cleanup EXIT
