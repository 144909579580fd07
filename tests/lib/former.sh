# SPDX-License-Identifier: PostgreSQL
# A second PostgreSQL beside a test's cluster, with the data as it was: a former primary, or a backup.
# Source it after cluster.sh. The cluster's PostgreSQL must be down while data are copied.
#
#   data_copy NAME           the data directory as it is now, kept under that name
#   data_restore NAME        the cluster's data directory becomes that copy
#   former_start NAME        a server on that copy; its conninfo parameters in $FORMER_HOST
#   former_sql SQL           as admin on it
#   former_stop

pg_home() { cat "$CLUSTER/run/pg-home"; }
pg_run() { # COMMAND...: as the user whom the data belong to
    local owner
    owner=$(stat -c %U "$(pg_home)/data")
    if [ "$owner" = "$(id -un)" ]; then "$@"; else (cd / && setpriv --reuid="$owner" --regid="$owner" --clear-groups "$@"); fi
}

data_copy() { # NAME
    pg_run cp -a "$(pg_home)/data" "$(pg_home)/$1"
}

data_restore() { # NAME
    pg_run sh -c 'rm -rf "$1/data" && cp -a "$1/$2" "$1/data"' sh "$(pg_home)" "$1"
}

former_start() { # NAME
    local bin
    bin=$(pg_config --bindir)
    FORMER_DATA=$(pg_home)/$1
    FORMER_HOST=$(pg_home)/$1-socket
    pg_run mkdir -m 0755 "$FORMER_HOST" &&
        pg_run "$bin/pg_ctl" -D "$FORMER_DATA" -l "$FORMER_DATA/log.txt" -w -t 60 \
            -o "-c unix_socket_directories=$FORMER_HOST -c fsync=off" start >/dev/null 2>&1 </dev/null
}

former_sql() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$HOWDAH_DB_ADMIN host=$FORMER_HOST" -c "$1"
}

former_stop() {
    [ -n "${FORMER_DATA:-}" ] || return 0
    pg_run "$(pg_config --bindir)/pg_ctl" -D "$FORMER_DATA" -m immediate -w stop >/dev/null 2>&1
    FORMER_DATA=
}
