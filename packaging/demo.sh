#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# The demonstration behind `make demo`: a private cluster of three agents, and on it two frameworks at
# the same time: wordcount (C, libframework) counts the words of the texts that Debian ships, sqlbatch
# (Python, nothing but SQL) runs a batch of its own. Then the results, a table and the audit.
#
# While they work this script is their supervisor: it starts again whatever dies, PostgreSQL
# included, as an init system would. The results must be right all the same.
#
# On a terminal the cluster stays up until Ctrl-C. Otherwise it is torn down. The exit code is 0 when the
# count equals one made directly, the batch is complete and the audit is empty. After a failure the files
# stay where they are, for reading.
#
# Environment: B (the build folder), HOWDAH_DEMO_DIR (the cluster's folder, default $B/demo),
# HOWDAH_DEMO_SECONDS (give up after so long, default 600).

DEMO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$DEMO_ROOT" || exit 1
DEMO_B=${B:-build}
case $DEMO_B in /*) ;; *) DEMO_B=$DEMO_ROOT/$DEMO_B ;; esac
export HOWDAH_BIN=${HOWDAH_BIN:-$DEMO_B/bin} HOWDAH_SQL=$DEMO_ROOT/sql
# shellcheck source=../cli/devcluster.sh
. cli/devcluster.sh

FRAMEWORKS="wordcount sqlbatch"
TEXTS_MAX=400
declare -A RESULT=() PEAK=() PID=()
# What a right result says, in the last line of the framework's output.
declare -A RIGHT=([wordcount]='"correct": *"yes"' [sqlbatch]='"wrong": *0[,}]')

head_line() { printf '\n== %s\n' "$*"; }

# --- the frameworks ----------------------------------------------------------------------------

texts_list() { # the texts' paths, each once
    find /usr/share/common-licenses /usr/share/doc -type f \
        \( -path '/usr/share/common-licenses/*' -o -name copyright \) 2>/dev/null |
        sort | head -n "$TEXTS_MAX"
}

python_with_psycopg2() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import psycopg2' 2>/dev/null && printf '%s' "$python" && return
    done
    fail "python3 has no psycopg2: install python3-psycopg2"
}

# In a session of its own, so that Ctrl-C reaches this script only; not disowned, because the exit
# code is wanted.
framework_start() { # NAME COMMAND...
    local name=$1
    shift
    setsid "$@" >"$DIR/$name.out" 2>>"$DIR/log/$name.log" </dev/null &
    program_remember "$DIR" "$name" $!
    PID[$name]=$!
}

# With root's agents the tasks run as nobody; the frameworks give their shared folders to that user.
task_user() { [ "$(id -u)" -ne 0 ] || printf '%s' '--user=nobody'; }

wordcount_start() {
    # shellcheck disable=SC2046
    framework_start wordcount "$HOWDAH_BIN/wordcount" --db "$HOWDAH_DB_FRAMEWORK" --role wordcount \
        --state "$SHARED/wordcount.state" --maps 48 --reference --json $(task_user) "${TEXTS[@]}"
}

sqlbatch_start() {
    # shellcheck disable=SC2046
    framework_start sqlbatch "$PYTHON" frameworks/sqlbatch/sqlbatch.py --db "$HOWDAH_DB_FRAMEWORK" \
        --role batch --state "$SHARED/sqlbatch.state" --tasks 160 --json $(task_user)
}

frameworks_start() {
    mapfile -t TEXTS < <(texts_list)
    [ ${#TEXTS[@]} -gt 0 ] || fail "no texts found below /usr/share" || return
    PYTHON=$(python_with_psycopg2) || return
    SHARED=$(mktemp -d /tmp/howdah-demo.XXXXXX) && chmod 0755 "$SHARED" || return
    say "wordcount counts the words of ${#TEXTS[@]} texts; sqlbatch runs a batch beside it"
    wordcount_start
    sqlbatch_start
}

# A framework that was killed goes on where it was; one that ends by itself has a result.
framework_check() { # NAME
    local name=$1 code
    [ -n "${RESULT[$name]:-}" ] && return
    program_pid "$DIR" "$name" >/dev/null && return
    wait "${PID[$name]}" 2>/dev/null
    code=$?
    if [ "$code" -gt 128 ] && [ "$code" -ne 255 ]; then
        say "starting $name again"
        "${name}_start"
    else
        RESULT[$name]=$code
        say "$name has ended, exit code $code"
    fi
}

# --- watching ----------------------------------------------------------------------------------

progress_query="
    select f.name, count(t.task_id) filter (where t.live),
           count(t.task_id) filter (where not t.live), round(100 * f.dominant_share)::int
    from howdah.frameworks f
    left join howdah.tasks t on t.framework_id = f.framework_id
    where f.state = 'active'
    group by f.framework_id, f.name, f.dominant_share
    order by f.name desc"

# One line, said when it has changed; remembers the largest share of each framework.
progress_say() {
    local name live ended share line=""
    while IFS='|' read -r name live ended share; do
        line="$line  $name: $live tasks live, $ended ended, $share% of the cell;"
        [ "$share" -gt "${PEAK[$name]:-0}" ] && PEAK[$name]=$share
    done < <(pg_psql "$DIR" -At -c "$progress_query" 2>/dev/null)
    [ -z "$line" ] || [ "$line" = "${LAST_LINE:-}" ] || say "${line%;}"
    LAST_LINE=$line
}

frameworks_done() {
    local name
    for name in $FRAMEWORKS; do
        [ -n "${RESULT[$name]:-}" ] || return
    done
}

supervise() { # until both frameworks have ended
    local deadline=$((SECONDS + ${HOWDAH_DEMO_SECONDS:-600})) name
    until frameworks_done; do
        [ $SECONDS -lt $deadline ] || fail "the frameworks did not end in time" || return
        cluster_revive "$DIR"
        for name in $FRAMEWORKS; do
            framework_check "$name"
        done
        progress_say
        sleep 0.5
    done
}

# --- results -----------------------------------------------------------------------------------

report_query="
    select f.name, f.role, f.tasks_total, f.claims, f.conflicts, f.offers_rescinded
    from howdah.frameworks f
    where f.name = any (string_to_array(:'names', ' '))
    order by f.registered_at"

report_table() {
    local name role tasks claims conflicts rescinds
    printf '%-12s %-10s %6s %7s %10s %9s %11s\n' FRAMEWORK ROLE TASKS CLAIMS CONFLICTS RESCINDS 'PEAK SHARE'
    echo "$report_query" | pg_psql "$DIR" -At -v names="$FRAMEWORKS" -f - |
        while IFS='|' read -r name role tasks claims conflicts rescinds; do
            printf '%-12s %-10s %6s %7s %10s %9s %10s%%\n' "$name" "$role" "$tasks" "$claims" \
                "$conflicts" "$rescinds" "${PEAK[$name]:-0}"
        done
}

result_check() { # NAME: by its exit code and by what it printed
    [ "${RESULT[$1]:-1}" -eq 0 ] && tail -n 1 "$DIR/$1.out" | grep -Eq "${RIGHT[$1]}" && return
    log_tail "$DIR" "$1"
    fail "$1: the result is not right"
}

report() { # fails when anything is wrong
    local failed=0
    head_line "Results"
    sed -n '/^ *[0-9][0-9]*  /p; /^wordcount: [0-9]* words/p' "$DIR/log/wordcount.log" | tail -n 11
    grep -v '^[0-9-]*T' "$DIR/log/sqlbatch.log" | tail -n 3
    result_check wordcount || failed=1
    result_check sqlbatch || failed=1
    head_line "Frameworks"
    report_table
    head_line "Audit"
    "$HOWDAH_BIN/howdah" audit --dir "$DIR" || failed=1
    return $failed
}

# --- life --------------------------------------------------------------------------------------

demo_stop() {
    local name
    for name in $FRAMEWORKS; do
        program_stop "$DIR" "$name"
    done
    cluster_stop "$DIR"
    [ -n "${SHARED:-}" ] && rm -rf "$SHARED"
}

demo_end() { # CODE
    trap - EXIT INT TERM HUP
    if [ "$1" -eq 0 ]; then
        demo_stop
        rm -f "$DIR"/*.out
        cluster_remove "$DIR"
    else
        demo_stop
        say "the demonstration failed; its logs are in $DIR/log"
    fi
    exit "$1"
}

stay() { # on a terminal: until Ctrl-C
    trap 'echo; say "stopping"; demo_end '"$1" INT TERM HUP
    head_line "The cluster stays up: $HOWDAH_HTTP"
    say "Try: ${HOWDAH_BIN}/howdah --help, with HOWDAH_DIR=$DIR. Ctrl-C stops everything."
    while :; do
        cluster_revive "$DIR"
        sleep 1
    done
}

demo() {
    local code=0
    DIR=${HOWDAH_DEMO_DIR:-$DEMO_B/demo}
    [ -f "$DIR/cluster" ] && cluster_remove "$(cluster_find "$DIR")"
    rm -f "$DIR"/*.out 2>/dev/null
    DIR=$(cluster_open "$DIR") || return
    trap 'demo_end 130' INT
    trap 'demo_end 143' TERM HUP
    head_line "Starting PostgreSQL, a coordinator and three agents"
    cluster_start "$DIR" 3 || demo_end 1
    . "$DIR/env"
    say "UI: $HOWDAH_HTTP"
    head_line "Working"
    { roles_make && frameworks_start && supervise; } || demo_end 1
    report || code=1
    if [ -t 0 ] && [ -t 1 ]; then
        stay $code
    fi
    demo_end $code
}

roles_make() {
    "$HOWDAH_BIN/howdah" role-set wordcount 2 --dir "$DIR" >/dev/null &&
        "$HOWDAH_BIN/howdah" role-set batch 1 --dir "$DIR" >/dev/null
}

unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGDATA PGPASSFILE PGPASSWORD PGOPTIONS PGSERVICE
unset HOWDAH_DB HOWDAH_DIR HOWDAH_ROLE HOWDAH_NAME
demo
