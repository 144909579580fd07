#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The scheduler of docs/examples compiles with what is installed, and runs; its hundred lines are the
# measure of libframework.
. "$(dirname "$0")/../lib/cluster.sh"

installed=$TEST_SCRATCH/installed
scheduler=$TEST_SCRATCH/scheduler

# A consumer's build: installed header, shared library and pkg-config file, nothing of the tree.
install_library() {
    install -D -m 644 "$TEST_ROOT/libframework/include/framework.h" "$installed/include/framework.h"
    install -d "$installed/lib/pkgconfig"
    cp -P "$TEST_B"/lib/libframework.* "$installed/lib/"
    sed -e "s|@PREFIX@|$installed|g" -e 's|@VERSION@|0|g' "$TEST_ROOT/libframework/framework.pc.in" \
        >"$installed/lib/pkgconfig/framework.pc"
}

compile() { # COMPILER LANGUAGE STANDARD OUTPUT
    local flags
    flags=$(PKG_CONFIG_PATH=$installed/lib/pkgconfig pkg-config --cflags --libs framework) || return
    "$1" -x "$2" "-std=$3" -Wall -Wextra -Werror ${SANITIZE:-} -o "$4" \
        "$TEST_ROOT/docs/examples/scheduler.c" -x none $flags
}

[ "${SAN:-0}" = 1 ] && SANITIZE=-fsanitize=address,undefined
install_library
exits 0 "the example compiles against the installed library alone" compile gcc c c11 "$scheduler"
export LD_LIBRARY_PATH=$installed/lib

exported=$(nm -D --defined-only "$installed/lib/libframework.so" | awk '$2 == "T" {print $3}' | grep -v '^fw_')
is "$exported" "" "the library exports nothing but fw_ functions"
declared=$(grep -o '\bfw_[a-z_]*(' "$installed/include/framework.h" | tr -d '(' | sort -u)
exported=$(nm -D --defined-only "$installed/lib/libframework.so" | awk '$2 == "T" {print $3}' |
    sed 's/@.*//' | sort -u)
is "$exported" "$declared" "every declared function is exported"

cluster_new
cluster_start --agents 2 >/dev/null || skip_all "no cluster"

out=$("$scheduler" "$HOWDAH_DB_FRAMEWORK" 20 'echo "$HOWDAH_TASK_NAME"' 2>&1)
is "$?" 0 "twenty copies run and the scheduler ends by itself"
is "$(grep -c 'is finished' <<<"$out")" 20 "each copy is reported finished once"

"$scheduler" "$HOWDAH_DB_FRAMEWORK" 3 'exit 3' >/dev/null 2>&1
is "$?" 1 "copies that fail are reported as failure"

exits 1 "a database that nobody answers for is waited for, a refused login is not" \
    timeout 20 "$scheduler" "${HOWDAH_DB_FRAMEWORK/user=framework/user=nobody-knows}" 1 true
like "$("$scheduler" "$HOWDAH_DB_FRAMEWORK" 1 2>&1)" '^usage: scheduler CONNINFO COUNT COMMAND$' "too few arguments are said"
like "$("$scheduler" 'nonsense=1' 1 true 2>&1)" '^input_invalid: .*nonsense' "so is a connection string that is none"
lines=$(wc -l <"$TEST_ROOT/docs/examples/scheduler.c")
[ "$lines" -le 110 ]
ok $? "the example has about a hundred lines ($lines)"
is "$(cluster_sql 'select count(*) from howdah.audit()')" 0 "the books are right afterwards"
is "$(cluster_sql "select count(*) from howdah.frameworks where state <> 'completed'")" 0 \
    "no framework is left behind"

done_testing
