#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# A development cluster in one directory: a private PostgreSQL, one coordinator and some agents.
#
#   devcluster.sh pg-start DIR             PostgreSQL only: superuser "admin", empty database "howdah"
#   devcluster.sh migrate DIR              apply sql/manifest, then the logins' memberships
#   devcluster.sh start DIR [--agents N]   all of it (N = 3)
#   devcluster.sh revive DIR               start again whatever has died
#   devcluster.sh status DIR [--json]      one line for each program; fails when one is not running
#   devcluster.sh stop DIR                 stop what was started here; the data stays
#   devcluster.sh remove DIR               stop, then delete the cluster's files
#   devcluster.sh pg-stop DIR              stop PostgreSQL only
#
# `howdah up` and `howdah down` run this file; the demo and the tests source or run it. It never
# touches a server that is already there: the data directory, the socket directory and the
# passwords are its own, and there is no TCP.
#
# What lies in DIR:
#   env            shell assignments: HOWDAH_DB_ADMIN, _COORDINATOR, _AGENT, _FRAMEWORK, _OPERATOR
#                  (libpq conninfos without secrets) and HOWDAH_HTTP (the UI's address)
#   pgpass         the generated passwords, mode 0600
#   http-port      the coordinator's loopback port; kept over restarts
#   run/NAME.pid   of each program; NAME.start is the kernel's start time of that pid, so that a
#                  number which was given to another process since is never signalled
#   log/NAME.log   output of each program
#   pg/            PostgreSQL's data. PostgreSQL refuses to run as root; as root it runs as user
#                  postgres, and where that user cannot reach DIR the data lies in a private
#                  directory below /var/tmp, named by run/pg-home
#   agents/NAME/   work directories: sandboxes and checkpoints (elsewhere, too, where nobody, as whom
#                  root's agents run tasks, cannot reach DIR: run/agents-home)
#
# Environment: HOWDAH_BIN (folder of the programs), HOWDAH_SQL (folder of the manifest),
# HOWDAH_PG_BIN (PostgreSQL's programs), HOWDAH_PG_OPTIONS (more server options, "-c fsync=off"),
# HOWDAH_COORDINATOR_OPTIONS and HOWDAH_AGENT_OPTIONS (more options for the daemons).

set -u

DEVCLUSTER_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
DEVCLUSTER_LOGINS="coordinator agent framework operator"
DEVCLUSTER_MARK="howdah development cluster"

# What the agents declare: cpus, mem (MiB), disk (MiB), attributes. Row after row, then again from
# the top. These are declarations: a machine smaller than their sum just shares its time.
DEVCLUSTER_AGENTS=(
    '4|4096|20480|rack=r1 disk=ssd'
    '2|2048|10240|rack=r2 disk=ssd'
    '8|8192|40960|rack=r3 disk=hdd'
)

say() { printf '%s\n' "$*"; }

fail() {
    printf 'devcluster: %s\n' "$*" >&2
    return 1
}

first_dir() { # DIR...: prints the first one that exists
    local dir
    for dir in "$@"; do
        [ -d "$dir" ] && (cd "$dir" && pwd -P) && return 0
    done
    return 1
}

shell_quote() { # TEXT: one word for sh, for the env file
    local quoted=${1//\'/\'\\\'\'}
    printf "'%s'" "$quoted"
}

conninfo_quote() { # TEXT: one value of a libpq conninfo
    local quoted=${1//\\/\\\\}
    printf "'%s'" "${quoted//\'/\\\'}"
}

# --- programs: start, check and stop by pid and start time -------------------------------------

process_start_time() { # PID: field 22 of stat, counted after the parenthesised name
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    stat=${stat##*) }
    set -- $stat
    [ "$1" != Z ] && printf '%s' "${20}"
}

program_pid() { # DIR NAME: prints the pid while that very process lives
    local pid start
    { pid=$(<"$1/run/$2.pid") && start=$(<"$1/run/$2.start"); } 2>/dev/null || return 1
    [ -n "$pid" ] && [ "$(process_start_time "$pid")" = "$start" ] && printf '%s' "$pid"
}

program_remember() { # DIR NAME PID
    printf '%s\n' "$3" >"$1/run/$2.pid"
    process_start_time "$3" >"$1/run/$2.start"
}

program_forget() { rm -f "$1/run/$2.pid" "$1/run/$2.start"; }

program_start() { # DIR NAME COMMAND...: in a session of its own, output to the log
    local dir=$1 name=$2
    shift 2
    setsid "$@" >>"$dir/log/$name.log" 2>&1 </dev/null &
    program_remember "$dir" "$name" $!
    disown $!
}

program_wait_end() { # DIR NAME SECONDS
    local deadline=$((SECONDS + $3))
    while program_pid "$1" "$2" >/dev/null; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

program_stop() { # DIR NAME [SIGNAL]: the signal (TERM), ten seconds, KILL
    local pid
    if pid=$(program_pid "$1" "$2"); then
        kill "-${3:-TERM}" "$pid" 2>/dev/null
        if ! program_wait_end "$1" "$2" 10; then
            kill -KILL "$pid" 2>/dev/null
            program_wait_end "$1" "$2" 5
        fi
    fi
    program_forget "$1" "$2"
}

log_tail() { # DIR NAME: the last lines of a log, for a failure's message
    [ -f "$1/log/$2.log" ] && tail -n 5 "$1/log/$2.log" | sed "s/^/    $2: /" >&2
}

# --- PostgreSQL --------------------------------------------------------------------------------

pg_bin() { # prints the folder of the newest server, 15 or later
    local dir best="" version
    if [ -n "${HOWDAH_PG_BIN:-}" ]; then
        printf '%s' "$HOWDAH_PG_BIN"
        return
    fi
    for version in 15 16 17 18 19; do
        [ -x "/usr/lib/postgresql/$version/bin/initdb" ] && best=/usr/lib/postgresql/$version/bin
    done
    [ -n "$best" ] || best=$(dirname "$(command -v initdb || printf /)")
    [ -x "$best/initdb" ] || fail "no PostgreSQL server found: install postgresql-15 or set HOWDAH_PG_BIN" || return
    printf '%s' "$best"
}

pg_as() { # COMMAND...: as a user who may run a server, from a folder that user can stand in
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/ "$@")
    else
        (cd / && exec "$@")
    fi
}

pg_private_dir() { # TEMPLATE: a fresh directory that only the server's user can enter
    local dir
    dir=$(mktemp -d "$1") || return
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres: "$dir" || return
    fi
    printf '%s' "$dir"
}

pg_home_make() { # DIR: prints where the data goes; DIR/pg, or elsewhere when that is out of reach
    local dir=$1 home=$1/pg
    mkdir -p "$home" || return
    if [ "$(id -u)" -eq 0 ]; then
        getent passwd postgres >/dev/null ||
            fail "PostgreSQL does not run as root and there is no user \"postgres\": install postgresql-15" || return
        chown postgres: "$home"
    fi
    chmod 0700 "$home"
    if ! pg_as test -w "$home" 2>/dev/null; then
        rmdir "$home"
        home=$(pg_private_dir /var/tmp/howdah-pg.XXXXXX) || return
    fi
    printf '%s' "$home"
}

pg_settings() { # SOCKET_DIR
    cat <<CONF

# Howdah's development cluster
listen_addresses = ''
unix_socket_directories = '$1'
unix_socket_permissions = 0700
password_encryption = scram-sha-256
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 64MB
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
autovacuum_naptime = 10s
log_line_prefix = '%m [%p] %q%u/%a '
log_lock_waits = on
timezone = 'UTC'
CONF
}

pg_init() { # DIR: data directory, password of the superuser
    local dir=$1 bin home socket
    bin=$(pg_bin) && home=$(pg_home_make "$dir") || return
    printf '%s\n' "$home" >"$dir/run/pg-home"
    (umask 077 && password_make admin >"$dir/pgpass") || return
    # The server's user may not be able to read below DIR: it gets the password in a file of its own.
    sed 's/.*://' "$dir/pgpass" | pg_as sh -c 'umask 077; cat >"$1"' - "$home/password"
    pg_as "$bin/initdb" -D "$home/data" --username=admin --pwfile="$home/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-instructions \
        >"$dir/log/initdb.log" 2>&1 ||
        { log_tail "$dir" initdb; rm -rf "$home/data"; fail "initdb failed"; return; }
    rm -f "$home/password"
    socket=$(pg_private_dir /tmp/howdah.XXXXXX) || return
    printf '%s\n' "$socket" >"$dir/run/pg-socket"
    pg_settings "$socket" >>"$home/data/postgresql.conf"
    ln -sf "$home/postgres.log" "$dir/log/postgres.log"
}

pg_socket_check() { # DIR: after a reboot the socket directory may be gone
    local socket
    socket=$(<"$1/run/pg-socket")
    [ -d "$socket" ] && return
    socket=$(pg_private_dir /tmp/howdah.XXXXXX) || return
    printf '%s\n' "$socket" >"$1/run/pg-socket"
    pg_settings "$socket" >>"$(<"$1/run/pg-home")/data/postgresql.conf"
}

password_make() { # LOGIN: a pgpass line
    printf '*:*:*:%s:%s\n' "$1" "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
}

conninfo_of() { # DIR LOGIN
    printf 'host=%s dbname=howdah user=%s passfile=%s' \
        "$(<"$1/run/pg-socket")" "$2" "$(conninfo_quote "$1/pgpass")"
}

pg_psql() { # DIR ARGUMENT...: psql as the superuser
    local dir=$1
    shift
    "$(pg_bin)/psql" -X -q -v ON_ERROR_STOP=1 -d "$(conninfo_of "$dir" admin)" "$@"
}

pg_database_make() { # DIR: the database and the logins; memberships follow the migrations
    local dir=$1 login
    "$(pg_bin)/psql" -X -q -v ON_ERROR_STOP=1 -c 'create database howdah' \
        -d "$(conninfo_of "$dir" admin | sed 's/dbname=howdah/dbname=postgres/')" || return
    for login in $DEVCLUSTER_LOGINS; do
        password_make "$login" >>"$dir/pgpass"
    done
    grep -v ':admin:' "$dir/pgpass" |
        sed 's/^\*:\*:\*:\(.*\):\(.*\)$/create role \1 login password '\''\2'\'';/' |
        pg_psql "$dir" -f -
}

# A postmaster that was killed leaves children behind for a moment, and the next one refuses to
# start while they hold the shared memory: hence the repetitions.
pg_launch() { # DIR
    local dir=$1 bin home try
    bin=$(pg_bin) && home=$(<"$dir/run/pg-home") || return
    for try in 1 2 3 4 5 6 7 8 9 10; do
        pg_as "$bin/pg_ctl" -D "$home/data" -l "$home/postgres.log" -w -t 120 \
            -o "${HOWDAH_PG_OPTIONS:-}" start >>"$dir/log/pg_ctl.log" 2>&1 </dev/null && break
        [ "$try" -lt 10 ] || { log_tail "$dir" postgres; fail "PostgreSQL does not start"; return; }
        sleep 0.5
    done
    program_remember "$dir" postgres "$(head -n 1 "$home/data/postmaster.pid")"
}

pg_start() { # DIR
    local dir=$1
    program_pid "$dir" postgres >/dev/null && return
    if [ -f "$dir/run/pg-ready" ]; then
        pg_socket_check "$dir" && pg_launch "$dir"
        return
    fi
    pg_init "$dir" && pg_launch "$dir" && pg_database_make "$dir" && : >"$dir/run/pg-ready"
}

pg_stop() { # DIR: fast shutdown; immediate when that takes longer than 30 s
    local dir=$1 bin home mode
    program_pid "$dir" postgres >/dev/null || return 0
    bin=$(pg_bin) && home=$(<"$dir/run/pg-home") || return
    for mode in fast immediate; do
        pg_as "$bin/pg_ctl" -D "$home/data" -m "$mode" -w -t 30 stop >>"$dir/log/pg_ctl.log" 2>&1 && break
    done
    program_forget "$dir" postgres
}

# --- schema ------------------------------------------------------------------------------------

programs_dir() { # prints the folder of howdah, howdah-coordinator, howdah-agent
    if [ -n "${HOWDAH_BIN:-}" ]; then
        printf '%s' "$HOWDAH_BIN"
    else
        first_dir "$DEVCLUSTER_HERE/../build/bin" "$DEVCLUSTER_HERE/../../bin" ||
            fail "the programs are not built: run make, or set HOWDAH_BIN"
    fi
}

sql_dir() {
    first_dir ${HOWDAH_SQL:+"$HOWDAH_SQL"} "$DEVCLUSTER_HERE/../sql" \
        "$DEVCLUSTER_HERE/../../share/howdah/sql" || fail "no folder with sql/manifest found"
}

manifest_list() { # SQL_DIR KIND: the manifest's files below KIND/, in order
    sed -e 's/#.*//' -e 's/[[:space:]]*$//' "$1/manifest" | grep "^$2/"
}

# What `howdah migrate` does, by plain psql and for a fresh database: each migration in its own
# transaction, then all function files in one, and a row for each file.
migrate_by_psql() { # DIR
    local dir=$1 sql file arguments
    local -x PGOPTIONS='-c client_min_messages=warning'
    sql=$(sql_dir) || return
    for file in $(manifest_list "$sql" migrations); do
        pg_psql "$dir" -1 -f "$sql/$file" -c "$MIGRATION_TABLE" -c "$(migration_row "$sql" "$file")" || return
    done
    arguments=(-c 'set local role howdah_owner')
    for file in $(manifest_list "$sql" functions); do
        arguments+=(-f "$sql/$file" -c "$(migration_row "$sql" "$file")")
    done
    pg_psql "$dir" -1 "${arguments[@]}" >/dev/null
}

MIGRATION_TABLE='create table if not exists howdah_private.schema_migration (
    file text primary key, checksum text not null, applied_at timestamptz not null default now())'

migration_row() { # SQL_DIR FILE
    printf "insert into howdah_private.schema_migration (file, checksum) values ('%s', '%s')" \
        "$2" "$(sha256sum <"$1/$2" | cut -d' ' -f1)"
}

migrate() { # DIR
    local dir=$1 bin
    if bin=$(programs_dir 2>/dev/null) && [ -x "$bin/howdah" ]; then
        "$bin/howdah" migrate --db "$(conninfo_of "$dir" admin)" --sql "$(sql_dir)" \
            >>"$dir/log/migrate.log" 2>&1 || { log_tail "$dir" migrate; fail "the migration failed"; return; }
    elif [ "$(pg_psql "$dir" -At -c "select to_regnamespace('howdah') is null")" = t ]; then
        migrate_by_psql "$dir" || return
    fi
    memberships_grant "$dir"
}

# Login "agent" becomes a member of howdah_agent, and so on. Login "framework" may use every role and every
# OS user: this is a development cluster.
memberships_grant() { # DIR
    local login
    {
        for login in $DEVCLUSTER_LOGINS; do
            printf 'grant howdah_%s to %s;\n' "$login" "$login"
        done
        echo "grant pg_monitor to operator;" # for howdah doctor
        echo "select howdah.principal_permit(principal => 'framework', role => '*');"
        echo "select howdah.principal_permit(principal => 'framework', os_user => '*');"
    } | pg_psql "$1" -f - >>"$1/log/migrate.log" 2>&1 || { log_tail "$1" migrate; fail "the logins cannot be set up"; }
}

# --- coordinator and agents --------------------------------------------------------------------

http_answers() { # PORT: /healthz says ok
    local line
    exec 9<>"/dev/tcp/127.0.0.1/$1" || return
    printf 'GET /healthz HTTP/1.0\r\n\r\n' >&9
    IFS= read -r -t 5 line <&9
    exec 9>&-
    [[ $line == *' 200 '* ]]
}

# The first start takes a free port and writes it down; later ones take the same one again.
coordinator_launch() { # DIR
    local port=0
    [ -f "$1/http-port" ] && port=$(<"$1/http-port")
    program_start "$1" coordinator "$(programs_dir)/howdah-coordinator" \
        --db "$(conninfo_of "$1" coordinator)" --name coordinator-1 --listen 127.0.0.1 \
        --port "$port" --http-port-file "$1/http-port" ${HOWDAH_COORDINATOR_OPTIONS:-}
}

# Where somebody else has taken the port meanwhile, the coordinator ends: choose another one then.
coordinator_start() { # DIR
    local dir=$1 try deadline
    program_pid "$dir" coordinator >/dev/null && return
    for try in 1 2; do
        coordinator_launch "$dir"
        deadline=$((SECONDS + 20))
        while program_pid "$dir" coordinator >/dev/null && [ $SECONDS -lt $deadline ]; do
            (http_answers "$(<"$dir/http-port")") 2>/dev/null && return
            sleep 0.1
        done
        program_stop "$dir" coordinator
        [ "$try" -eq 1 ] && rm -f "$dir/http-port"
    done
    log_tail "$dir" coordinator
    fail "the coordinator does not start"
}

agent_start() { # DIR NUMBER
    local dir=$1 name=agent-$2 row cpus mem disk attributes
    program_pid "$dir" "$name" >/dev/null && return
    row=${DEVCLUSTER_AGENTS[$((($2 - 1) % ${#DEVCLUSTER_AGENTS[@]}))]}
    IFS='|' read -r cpus mem disk attributes <<<"$row"
    mkdir -p "$(agents_home "$dir")/$name"
    program_start "$dir" "$name" "$(programs_dir)/howdah-agent" \
        --db "$(conninfo_of "$dir" agent)" --name "$name" --work-dir "$(agents_home "$dir")/$name" \
        --resources "{\"cpus\": $cpus, \"mem\": $mem, \"disk\": $disk, \"ports\": [[31000, 31999]]}" \
        --attributes "$(attributes_json $attributes)" --cgroup-root "$(cgroup_root "$dir")" \
        ${HOWDAH_AGENT_OPTIONS:-}
}

# Agents of different clusters have the same names: each cluster has a cgroup of its own above them.
cgroup_root() { basename "$(<"$1/run/pg-socket")"; }

cgroups_remove() { # DIR: what the agents left, below every hierarchy
    local top
    for top in /sys/fs/cgroup/{,*/}"$(cgroup_root "$1")"; do
        [ -d "$top" ] && find "$top" -depth -type d -exec rmdir {} + 2>/dev/null
    done
}

# Root's agents run tasks as nobody, who must be able to reach the sandboxes.
agents_home() { # DIR: prints where the work directories lie
    local home
    if [ ! -f "$1/run/agents-home" ]; then
        mkdir -p "$1/agents"
        if [ "$(id -u)" -ne 0 ] || setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$1/agents"; then
            printf '%s\n' "$1/agents"
        else
            home=$(mktemp -d /var/tmp/howdah-agents.XXXXXX) && chmod 0755 "$home" && printf '%s\n' "$home"
        fi >"$1/run/agents-home"
    fi
    cat "$1/run/agents-home"
}

attributes_json() { # KEY=VALUE...
    local pair text=""
    for pair in "$@"; do
        text="$text${text:+, }\"${pair%%=*}\": \"${pair#*=}\""
    done
    printf '{%s}' "$text"
}

agents_active() { # DIR: how many the cell knows
    pg_psql "$1" -At -c "select count(*) from howdah.agents where state = 'active'" 2>/dev/null
}

agents_start() { # DIR COUNT: start them and wait until all are registered
    local dir=$1 count=$2 i deadline=$((SECONDS + 30))
    for ((i = 1; i <= count; i++)); do
        agent_start "$dir" "$i"
    done
    until [ "$(agents_active "$dir")" -ge "$count" ] 2>/dev/null; do
        if [ $SECONDS -ge $deadline ]; then
            for ((i = 1; i <= count; i++)); do log_tail "$dir" "agent-$i"; done
            fail "the agents do not register"
            return
        fi
        sleep 0.1
    done
}

# An agent leaves its tasks running when it stops, so that an upgrade disturbs nobody; SIGUSR1 makes it
# end them first. One that has died is started again for that, or its tasks would outlive the cluster.
agent_end() { # DIR NUMBER
    [ -f "$1/run/agent-$2.pid" ] && ! program_pid "$1" "agent-$2" >/dev/null &&
        program_pid "$1" postgres >/dev/null && agent_start "$1" "$2" && sleep 1
    program_stop "$1" "agent-$2" USR1
}

# --- the cluster -------------------------------------------------------------------------------

cluster_mine() { # DIR: says whose it is, if it is somebody else's
    [ ! -e "$1/cluster" ] || [ -w "$1" ] && return
    fail "the cluster in $1 belongs to user $(stat -c %U "$1/cluster")"
}

cluster_open() { # DIR: makes it and prints its absolute path
    cluster_mine "$1" || return
    if [ -d "$1" ] && [ ! -f "$1/cluster" ] && [ -n "$(ls -A "$1")" ]; then
        fail "$1 is not empty and holds no development cluster" || return
    fi
    mkdir -p "$1/run" "$1/log" || return
    printf '%s\n' "$DEVCLUSTER_MARK" >"$1/cluster"
    (cd "$1" && pwd -P)
}

cluster_find() { # DIR: prints its absolute path if a cluster is there
    [ -f "$1/cluster" ] || fail "no development cluster in $1" || return
    (cd "$1" && pwd -P)
}

env_write() { # DIR
    local login
    {
        for login in admin $DEVCLUSTER_LOGINS; do
            printf 'HOWDAH_DB_%s=%s\n' "${login^^}" "$(shell_quote "$(conninfo_of "$1" "$login")")"
        done
        if [ -f "$1/http-port" ]; then
            printf "HOWDAH_HTTP='http://127.0.0.1:%s'\n" "$(<"$1/http-port")"
        fi
    } >"$1/env.new" && mv "$1/env.new" "$1/env"
}

agent_count() { cat "$1/run/agent-count" 2>/dev/null || printf 3; }

# One agent fewer: the cell must not go on placing tasks on it until it counts as silent.
agent_drop() { # DIR NUMBER
    program_pid "$1" "agent-$2" >/dev/null || return 0
    say "stopping agent-$2: tasks on it are killed"
    agent_end "$1" "$2"
    pg_psql "$1" -q -c "select howdah.agent_remove(a.agent_id) from howdah.agents a
                        where a.name = 'agent-$2' and a.state <> 'gone'" >/dev/null
}

cluster_start() { # DIR AGENTS
    local dir=$1 i
    for ((i = $2 + 1; i <= $(agent_count "$dir"); i++)); do
        agent_drop "$dir" "$i"
    done
    printf '%s\n' "$2" >"$dir/run/agent-count"
    pg_start "$dir" && env_write "$dir" && migrate "$dir" &&
        coordinator_start "$dir" && env_write "$dir" && agents_start "$dir" "$2"
}

cluster_revive() { # DIR: says what had died
    local dir=$1 i
    program_pid "$dir" postgres >/dev/null || { say "starting PostgreSQL again" && pg_start "$dir"; }
    program_pid "$dir" coordinator >/dev/null || { say "starting the coordinator again" && coordinator_launch "$dir"; }
    for ((i = 1; i <= $(agent_count "$dir"); i++)); do
        program_pid "$dir" "agent-$i" >/dev/null || { say "starting agent-$i again" && agent_start "$dir" "$i"; }
    done
}

cluster_stop() { # DIR
    local dir=$1 i
    for ((i = 1; i <= $(agent_count "$dir"); i++)); do
        agent_end "$dir" "$i" &
    done
    wait
    program_stop "$dir" coordinator
    pg_stop "$dir"
    rm -f "$dir/env"
}

cluster_remove() { # DIR: deletes only what this file makes
    local dir=$1 home socket name
    cluster_mine "$dir" || return
    cluster_stop "$dir"
    [ -f "$dir/run/pg-socket" ] && cgroups_remove "$dir"
    home=$(cat "$dir/run/pg-home" 2>/dev/null) && rm -rf "${home:?}"
    socket=$(cat "$dir/run/pg-socket" 2>/dev/null) && rm -rf "${socket:?}"
    home=$(cat "$dir/run/agents-home" 2>/dev/null) && rm -rf "${home:?}"
    for name in pg run log agents env env.new pgpass http-port cluster; do
        rm -rf "${dir:?}/$name"
    done
    rmdir "$dir" 2>/dev/null || fail "$dir holds other files, too: left as it is"
}

cluster_programs() { # DIR: a line for each program: its name and, if it runs, its pid
    local name
    for name in postgres coordinator $(seq -f 'agent-%g' 1 "$(agent_count "$1")"); do
        printf '%s %s\n' "$name" "$(program_pid "$1" "$name")"
    done
}

cluster_status() { # DIR [--json]
    local dir=$1 json=${2:-} name pid result=0 separator='[' http=
    [ -f "$dir/http-port" ] && http=http://127.0.0.1:$(<"$dir/http-port")
    while read -r name pid; do
        [ -n "$pid" ] || result=1
        if [ -z "$json" ]; then
            printf '%-12s %s\n' "$name" "${pid:+running  pid }${pid:-stopped}"
        else
            printf '%s{"program": "%s", "running": %s, "pid": %s}' "$separator" "$name" \
                "$([ -n "$pid" ] && echo true || echo false)" "${pid:-null}"
            separator=$',\n '
        fi
    done < <(cluster_programs "$dir")
    if [ -n "$json" ]; then
        printf ']\n'
    elif [ -n "$http" ]; then
        printf '%-12s %s\n' UI "$http"
    fi
    return $result
}

# --- command line ------------------------------------------------------------------------------

usage() {
    sed -n '4,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    return 2
}

agents_option() { # [--agents N]: prints N
    [ $# -eq 0 ] && printf 3 && return
    [ "$1" = --agents ] && [[ ${2:-} =~ ^[0-9]{1,3}$ ]] && [ $# -eq 2 ] && printf '%d' "$((10#$2))" && return
    fail "option --agents, value \"${2:-}\": expected a number from 0 to 999"
}

main() {
    local verb=${1:-} dir=${2:-} count
    [ -n "$verb" ] && [ -n "$dir" ] || { usage >&2; return; }
    shift 2
    unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGDATA PGPASSFILE PGPASSWORD PGOPTIONS PGSERVICE
    case $verb in
    pg-start | migrate | start) dir=$(cluster_open "$dir") || return ;;
    *) dir=$(cluster_find "$dir") || return ;;
    esac
    case $verb in
    pg-start) pg_start "$dir" && env_write "$dir" ;;
    pg-stop) pg_stop "$dir" ;;
    migrate) migrate "$dir" ;;
    start) count=$(agents_option "$@") && cluster_start "$dir" "$count" ;;
    revive) cluster_revive "$dir" ;;
    status) cluster_status "$dir" "${1:-}" ;;
    stop) cluster_stop "$dir" ;;
    remove) cluster_remove "$dir" ;;
    *) usage >&2 ;;
    esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    main "$@"
fi
