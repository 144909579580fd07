# SPDX-License-Identifier: PostgreSQL
# What the benches share (bash): a private PostgreSQL, measured runs, medians, and the report that
# people and machines read. Source it.
#
#   bench_cluster               PostgreSQL and schema in $BENCH_CLUSTER, as a real one: fsync on,
#                               synchronous_commit on; removed at exit
#   bench_sql SQL               as the superuser
#   bench_wal_ready MB          so much of the log ahead is files that exist
#   bench_watch_start, bench_watch_stop
#                               what happens between the two: sets WATCH_SERVER_S (cpu seconds of
#                               the server's sessions that have ended), WATCH_WAL (bytes),
#                               WATCH_OTHERS (processors kept busy by others)
#   bench_quiet                 waits until others keep less than QUIET_CORES busy; QUIET_S at most
#   median, spread              of the numbers on standard input: the middle; "least-most"
#   report_row KEY=VALUE...     row, figure, unit, against, against_figure, ratio, target, conditions
#   report_end NAME             writes build/bench/NAME.json, prints the table; fails if a target
#                               was missed and BENCH_STRICT is 1

BENCH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BENCH_B=${B:-build}
case $BENCH_B in /*) ;; *) BENCH_B=$BENCH_ROOT/$BENCH_B ;; esac
BENCH_OUT=$BENCH_ROOT/build/bench
BENCH_CLUSTER=$BENCH_OUT/cluster-$$
BENCH_ROWS=$(mktemp)
BENCH_STRICT=0
QUIET_CORES=${QUIET_CORES:-0.15}
QUIET_S=${QUIET_S:-10}
export HOWDAH_BIN=$BENCH_B/bin HOWDAH_SQL=$BENCH_ROOT/sql

# No checkpoint falls into a run: after one, each page that is touched goes to the log whole, which
# costs pgbench with its large table more than it costs claims.
export HOWDAH_PG_OPTIONS="-c fsync=on -c synchronous_commit=on -c full_page_writes=on \
-c checkpoint_timeout=1h -c max_wal_size=32GB ${HOWDAH_PG_OPTIONS:-}"

. "$BENCH_ROOT/cli/devcluster.sh"

bench_stop() {
    local status=$?
    trap - EXIT
    rm -f "$BENCH_ROWS"
    [ -f "$BENCH_CLUSTER/cluster" ] && cluster_remove "$BENCH_CLUSTER" >/dev/null 2>&1
    exit "$status"
}
trap bench_stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bench_cluster() {
    mkdir -p "$BENCH_OUT"
    BENCH_CLUSTER=$(cluster_open "$BENCH_CLUSTER") && pg_start "$BENCH_CLUSTER" &&
        env_write "$BENCH_CLUSTER" && migrate "$BENCH_CLUSTER" && . "$BENCH_CLUSTER/env"
}

# A server that has run for a while writes its log into files of before; a new one makes each anew,
# 16 MB of zeros and an fsync within somebody's commit, which is dearest for who writes most. A
# checkpoint keeps used files for later, up to min_wal_size.
bench_wal_ready() { # MB
    bench_sql "alter system set min_wal_size = '$1MB'" >/dev/null &&
        bench_sql "select pg_reload_conf()" >/dev/null &&
        bench_sql "do \$\$ begin
                       for i in 1 .. $1 / 16 loop
                           perform pg_logical_emit_message(false, 'bench', 'fill'), pg_switch_wal();
                       end loop;
                   end \$\$" >/dev/null &&
        bench_sql checkpoint >/dev/null
}

bench_sql() { pg_psql "$BENCH_CLUSTER" -A -t -c "$1"; }

# --- what a run costs --------------------------------------------------------------------------

children_ticks() { # PID: cpu time of its children that have ended
    local stat
    stat=$(<"/proc/$1/stat")
    set -- ${stat##*) }
    echo $((${14} + ${15}))
}

machine_ticks() { # busy time of all processors
    local name user nice system idle iowait irq softirq rest
    read -r name user nice system idle iowait irq softirq rest </proc/stat
    echo $((user + nice + system + irq + softirq))
}

own_ticks() { # of this shell, its children that have ended, and the server's
    local self
    self=$(<"/proc/$$/stat")
    set -- ${self##*) }
    echo $((${12} + ${13} + ${14} + ${15} + $(children_ticks "$(program_pid "$BENCH_CLUSTER" postgres)")))
}

wal_position() { bench_sql "select pg_current_wal_insert_lsn() - '0/0'"; }

bench_watch_start() {
    WATCH_WAL0=$(wal_position)
    WATCH_SERVER0=$(children_ticks "$(program_pid "$BENCH_CLUSTER" postgres)")
    WATCH_OWN0=$(own_ticks)
    WATCH_MACHINE0=$(machine_ticks)
    WATCH_T0=$EPOCHREALTIME
}

sessions_gone() {
    [ "$(bench_sql "select count(*) from pg_stat_activity
                    where backend_type = 'client backend' and application_name like any (array['pgbench', 'claim_bench%'])")" = 0 ]
}

# A session's time is the server's only when it has ended.
bench_watch_stop() {
    local t1 machine own server deadline=$((SECONDS + 20))
    until sessions_gone || [ $SECONDS -ge $deadline ]; do sleep 0.05; done
    t1=$EPOCHREALTIME
    machine=$(($(machine_ticks) - WATCH_MACHINE0))
    own=$(($(own_ticks) - WATCH_OWN0))
    server=$(($(children_ticks "$(program_pid "$BENCH_CLUSTER" postgres)") - WATCH_SERVER0))
    WATCH_WAL=$(($(wal_position) - WATCH_WAL0))
    WATCH_SERVER_S=$(awk "BEGIN { print $server / $(getconf CLK_TCK) }")
    WATCH_OTHERS=$(awk "BEGIN { x = ($machine - $own) / $(getconf CLK_TCK) / ($t1 - $WATCH_T0)
                                printf \"%.2f\", (x > 0 ? x : 0) }")
}

machine_busy() { # processors that were busy in the last half second
    local before
    before=$(machine_ticks)
    sleep 0.5
    awk "BEGIN { print ($(machine_ticks) - $before) / $(getconf CLK_TCK) / 0.5 }"
}

bench_quiet() {
    local deadline=$((SECONDS + QUIET_S))
    while [ $SECONDS -lt $deadline ]; do
        awk "BEGIN { exit !($(machine_busy) < $QUIET_CORES) }" && return
    done
    return 0
}

# --- numbers -----------------------------------------------------------------------------------

median() {
    sort -g | awk '{ x[NR] = $1 }
                   END { if (NR) printf "%.6g\n", (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'
}

spread() { # FORMAT: of each of both ends
    sort -g | awk -v f="$1" 'NR == 1 { least = $1 } { most = $1 }
                             END { if (NR) printf f "-" f "\n", least, most }'
}

# --- report ------------------------------------------------------------------------------------

report_row() {
    local pair arguments=()
    for pair in "$@"; do
        arguments+=(--arg "${pair%%=*}" "${pair#*=}")
    done
    jq -cn "${arguments[@]}" '
        def text(k): $ARGS.named[k] as $v | if $v == "" then null else $v end;
        def number(k): text(k) as $v | if $v == null then null else $v | tonumber end;
        {row: text("row"), figure: number("figure"), unit: text("unit"), against: text("against"),
         against_figure: number("against_figure"), ratio: number("ratio"),
         target: number("target"), conditions: text("conditions")}
        | .met = (if .target == null or .ratio == null then null else .ratio >= .target end)' \
        >>"$BENCH_ROWS"
}

report_table() { # FILE
    jq -r '
        def n: if . == null then "-" elif . >= 100 then round | tostring
               else . * 100 | round / 100 | tostring end;
        (["row", "figure", "unit", "against", "its figure", "ratio", "target", "", "conditions"],
         (.[] | [.row, (.figure | n), .unit // "-", .against // "-", (.against_figure | n),
                 (.ratio | n), (.target | n),
                 (if .met == null then "-" elif .met then "met" else "MISSED" end),
                 .conditions // "-"])) | join("\t")' "$1" | column -t -s $'\t'
}

report_end() { # NAME
    local file=$BENCH_OUT/$1.json
    jq -s '[.[] | {row, figure, unit, against, against_figure, ratio, target, met, conditions}]' \
        "$BENCH_ROWS" >"$file.new" && mv "$file.new" "$file" || return
    report_table "$file"
    [ "$BENCH_STRICT" = 0 ] || jq -e 'all(.[]; .met != false)' "$file" >/dev/null
}
