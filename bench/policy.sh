#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# How long one turn of the sharing policy takes: shares of the role tree, and offers.
#
#   bench/policy.sh [--turns N] [--quick] [--strict]
#
# For each size of a cell the leader's chores offers_expire and offers_make run turn after turn, with all
# offers answered and tasks ended between turns on a fiftieth of the agents, on one connection, which is
# one core. The median of the turns is the figure. --quick leaves the largest cells out. --strict: fail
# when a target is missed. docs/performance.md says what each row means.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$BENCH_ROOT" || exit 1

TURNS=9
LARGE=1
while [ $# -gt 0 ]; do
    case $1 in
    --turns) TURNS=$2 && shift 2 ;;
    --quick) LARGE=0 && shift ;;
    --strict) BENCH_STRICT=1 && shift ;;
    *) fail "bench/policy.sh: argument \"$1\": expected --turns N, --quick or --strict"; exit 2 ;;
    esac
done

quotient() { awk "BEGIN { printf \"%.6g\", $1 / $2 }"; }

figure() { # WHAT KEY: the middle of the turns' KEY
    bench_sql "select round((percentile_cont(0.5) within group (order by $2))::numeric, 1)
               from bench.turn where what = '$1'"
}

mean_cpu() { # WHAT: processor time comes in steps of 10 ms
    bench_sql "select round(avg(cpu_ms)::numeric, 1) from bench.turn where what = '$1'"
}

measure() { # AGENTS FRAMEWORKS ROLES OVERLAP [TARGET]
    local tasks=$(($1 * 5)) shares cpu target=${5:-}
    pg_psql "$BENCH_CLUSTER" -v agents="$1" -v frameworks="$2" -v roles="$3" -v tasks="$tasks" -v overlap="$4" \
        -f bench/policy.sql >/dev/null || exit 1
    bench_quiet
    bench_sql "call bench.turns($TURNS)" >/dev/null || exit 1
    shares=$(mean_cpu shares) cpu=$(mean_cpu turn)
    report_row row="turn: $1 agents, $2 frameworks, $3 roles, overlap $4" figure="$cpu" unit="cpu ms" \
        against="${target:+ms allowed}" against_figure="$target" \
        ratio="${target:+$(quotient "$target" "$cpu")}" target="${target:+1}" \
        conditions="$tasks tasks; shares alone $shares ms; wall $(figure turn wall_ms) ms; offers made $(figure turn made); $TURNS turns"
}

bench_cluster || exit 1
for overlap in 1 unlimited; do
    measure 5000 200 20 $overlap 300
done
measure 500 200 20 unlimited
measure 5000 20 20 unlimited
measure 5000 200 60 unlimited
if [ $LARGE = 1 ]; then
    measure 5000 2000 20 unlimited
    measure 50000 200 20 unlimited
    measure 50000 2000 20 1
fi
report_end policy
