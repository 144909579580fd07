#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# How fast claims commit, next to `pgbench -N` on the same server with as many clients.
#
#   bench/claims.sh [--pairs N] [--seconds S] [--strict]
#
# A round runs everything once, each run on freshly reset tables, and ratios are formed within the
# round: what else the machine does changes from minute to minute and then touches both sides. The
# median of the rounds' ratios is the figure; the spread stands in the conditions. docs/performance.md
# says what each row means. --strict: fail when a target is missed.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$BENCH_ROOT" || exit 1

ROUNDS=7
SECONDS_EACH=5
WARMUP=1
while [ $# -gt 0 ]; do
    case $1 in
    --pairs) ROUNDS=$2 && shift 2 ;;
    --seconds) SECONDS_EACH=$2 && shift 2 ;;
    --strict) BENCH_STRICT=1 && shift ;;
    *) fail "bench/claims.sh: argument \"$1\": expected --pairs N, --seconds S or --strict"; exit 2 ;;
    esac
done

RAW=$(mktemp -d)
trap 'rm -rf "$RAW"; bench_stop' EXIT

note() { # SERIES VALUE: one more measurement
    printf '%s\n' "$2" >>"$RAW/$1"
}
series() { cat "$RAW/$1" 2>/dev/null; }
latest() { tail -n 1 "$RAW/$1"; }
quotient() { awk "BEGIN { printf \"%.6g\", $1 / $2 }"; }

reset() { pg_psql "$BENCH_CLUSTER" -f bench/reset.sql >/dev/null; }

watch_note() { # SERIES COUNT: what each of COUNT transactions cost
    note "$1.server_us" "$(quotient "$WATCH_SERVER_S * 1e6" "$2")"
    note "$1.wal" "$(quotient "$WATCH_WAL" "$2")"
    note others "$WATCH_OTHERS"
}

run_pgbench() { # CLIENTS [OPTION]...: a line of pgbench.CLIENTS
    local clients=$1 series=pgbench.$1 out
    [ $# -gt 1 ] && series=pgbench.$1.prepared
    shift
    reset && bench_quiet
    bench_watch_start
    out=$("$(pg_bin)/pgbench" -n -N -c "$clients" -j 2 -T "$SECONDS_EACH" "$@" "$HOWDAH_DB_ADMIN" 2>&1) ||
        { fail "pgbench: $out"; exit 1; }
    bench_watch_stop
    note "$series" "$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<<"$out")"
    watch_note "$series" "$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<<"$out")"
}

run_claims() { # SERIES CLIENTS [OPTION]...
    local series=$1 clients=$2 out key
    shift 2
    bench_watch_start
    out=$("$BENCH_B/bin/claim_bench" --db "$HOWDAH_DB_FRAMEWORK" --clients "$clients" --warmup "${WARMUP}s" \
        --time "${SECONDS_EACH}s" "$@") || { fail "claim_bench: $out"; exit 1; }
    bench_watch_stop
    for key in claims_per_s tasks_per_s p50_ms p99_ms notified; do
        note "$series.$key" "$(jq ".$key" <<<"$out")"
    done
    watch_note "$series" "$(bench_sql 'select count(*) from howdah_private.claim')"
    pool_note "$series"
}

pool_note() { # SERIES: what updates left behind in the books
    local row
    row=$(bench_sql "select n_dead_tup || ' ' || coalesce(100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0), 0)
                     from pg_stat_user_tables where relname = 'agent_pool'")
    note "$1.dead" "${row% *}"
    note "$1.hot" "${row#* }"
}

run_single() { # CLIENTS
    reset && bench_quiet
    bench_sql "select pg_stat_reset_single_table_counters('howdah_private.agent_pool'::regclass)" >/dev/null
    run_claims "single.$1" "$1"
    note "single.$1.ratio" "$(quotient "$(latest "single.$1.claims_per_s")" "$(latest "pgbench.$1")")"
}

run_gang() {
    reset && bench_quiet
    run_claims gang 8 --gang 100
    note gang.ratio "$(quotient "$(latest gang.tasks_per_s)" "$(latest pgbench.8)")"
}

# The coordinator makes offers of all agents to 20 frameworks meanwhile, unless they are suppressed.
run_coordinated() {
    reset && bench_quiet
    coordinator_start "$BENCH_CLUSTER" || exit 1
    run_claims coordinated 8 --listeners 20
    program_stop "$BENCH_CLUSTER" coordinator
    note coordinated.ratio "$(quotient "$(latest coordinated.claims_per_s)" "$(latest single.8.claims_per_s)")"
}

round() { # NUMBER
    run_pgbench 8
    run_single 8
    run_gang
    run_coordinated
    run_pgbench 32
    run_single 32
    run_pgbench 8 -M prepared
    printf 'round %s: single/8 %.2f  single/32 %.2f  gang %.2f  coordinated %.2f  (others %s cores)\n' "$1" \
        "$(latest single.8.ratio)" "$(latest single.32.ratio)" "$(latest gang.ratio)" \
        "$(latest coordinated.ratio)" "$(series others | tail -n 7 | spread %.2f)"
}

compared() { # ROW SERIES FIGURE_KEY UNIT AGAINST AGAINST_SERIES TARGET CONDITIONS
    report_row row="$1" figure="$(series "$2.$3" | median)" unit="$4" against="$5" \
        against_figure="$(series "$6" | median)" ratio="$(series "$2.ratio" | median)" target="$7" \
        conditions="$8; ratios $(series "$2.ratio" | spread %.2f)"
}

plain() { # ROW SERIES UNIT CONDITIONS
    report_row row="$1" figure="$(series "$2" | median)" unit="$3" against= against_figure= ratio= target= \
        conditions="$4"
}

beside() { # ROW SERIES UNIT AGAINST AGAINST_SERIES CONDITIONS: two figures without a target
    local figure against
    figure=$(series "$2" | median) && against=$(series "$5" | median)
    report_row row="$1" figure="$figure" unit="$3" against="$4" against_figure="$against" \
        ratio="$(quotient "$figure" "$against")" target= conditions="$6"
}

report() {
    local common="5,000 agents, 10 frameworks, median of $ROUNDS rounds of $SECONDS_EACH s"
    compared "single claims, 8 clients" single.8 claims_per_s claims/s "pgbench -N tps" pgbench.8 1.0 "$common"
    compared "single claims, 32 clients" single.32 claims_per_s claims/s "pgbench -N tps" pgbench.32 1.0 "$common"
    compared "gangs of 100, 8 clients" gang tasks_per_s tasks/s "pgbench -N tps" pgbench.8 8 "$common"
    compared "with coordinator, 20 listening" coordinated claims_per_s claims/s "single claims, 8 clients" \
        single.8.claims_per_s 0.8 "$common"
    beside "single claims, 8 clients, prepared" single.8.claims_per_s claims/s "pgbench -N -M prepared" \
        pgbench.8.prepared "for information"
    plain "single claims, 8 clients: p99" single.8.p99_ms ms "p50 $(series single.8.p50_ms | median) ms"
    plain "single claims, 32 clients: p99" single.32.p99_ms ms "p50 $(series single.32.p50_ms | median) ms"
    plain "gangs of 100: p99" gang.p99_ms ms "p50 $(series gang.p50_ms | median) ms"
    beside "server cpu per claim, 8 clients" single.8.server_us us "per pgbench -N transaction" \
        pgbench.8.server_us "ended sessions"
    beside "server cpu per claim, 32 clients" single.32.server_us us "per pgbench -N transaction" \
        pgbench.32.server_us "ended sessions"
    plain "server cpu per gang of 100" gang.server_us us "ended sessions"
    beside "WAL per claim" single.8.wal bytes "per pgbench -N transaction" pgbench.8.wal "8 clients"
    plain "WAL per gang of 100" gang.wal bytes "8 clients"
    plain "agent_pool: HOT updates" single.8.hot % "8 clients, after a run"
    plain "agent_pool: dead rows" single.8.dead rows "8 clients, after a run"
    plain "hints to each listener" coordinated.notified count "all 20 together, in a run"
    plain "processors that others kept busy" others cores "spread $(series others | spread %.2f) of $(nproc)"
}

# Of a round's seven runs the gangs' writes most: some 50 MB of log a second. Twice what was measured.
bench_cluster && bench_wal_ready $((ROUNDS * (SECONDS_EACH + WARMUP) * 200)) &&
    pg_psql "$BENCH_CLUSTER" -f bench/claims.sql || exit 1
"$(pg_bin)/pgbench" -i -q -s 20 "$HOWDAH_DB_ADMIN" >"$BENCH_CLUSTER/log/pgbench.log" 2>&1 || exit 1
for ((number = 1; number <= ROUNDS; number++)); do
    round "$number"
done
violations=$(bench_sql 'select * from howdah.audit()')
report
report_end claims
status=$?
[ -z "$violations" ] || { fail "audit: $violations"; status=1; }
exit $status
