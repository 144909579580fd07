#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The scheduler of docs/sql-api.md, block by block as it stands there.
. "$(dirname "$0")/../lib/cluster.sh"

page=$TEST_ROOT/docs/sql-api.md
mine="framework_id => current_setting('page.id')::uuid, epoch => current_setting('page.epoch')::bigint"

# A bounded wait inside the session, where the page says "wait a moment": $1 is what has to be true.
wait_for() {
    cat <<SQL
do \$\$
begin
    for i in 1 .. 200 loop
        exit when $1;
        perform pg_sleep(0.1);
    end loop;
end
\$\$;
SQL
}

block() { # NUMBER: that sql block of the page
    awk -v wanted="$1" '/^```sql$/ { inside = 1; number++; next } /^```$/ { inside = 0 }
                        inside && number == wanted' "$page"
}

session() {
    block 1
    echo "select set_config('page.id', :'framework_id', false), set_config('page.epoch', :'epoch', false) \\g /dev/null"
    block 2
    wait_for "exists (select from howdah.offers_since($mine))"
    block 3
    wait_for "(select count(*) = 3 from howdah.updates_pending($mine) where state in ('finished', 'failed'))"
    block 4
    block 5 | sed '/pg_sleep/,$d'
    echo "select set_config('page.request', :'request_id', false) \\g /dev/null"
    wait_for "(select ready from howdah.log_fetch(current_setting('page.request')::bigint))"
    block 5 | sed '1,/pg_sleep/d'
    block 6
}

cluster_new
cluster_start --agents 1 >/dev/null || skip_all "no cluster"

out=$(session | psql -X -A -t -v ON_ERROR_STOP=1 -d "$HOWDAH_DB_FRAMEWORK" 2>&1)
is "$?" 0 "every block of the page works as it stands" || diag "$out"
is "$(grep -c '^```sql$' "$page")" 6 "and there is no other one"
like "$out" 'two\|insufficient_resource\|1000\|4' "the dry run says what is short"
like "$out" 'UPDATE 3' "the claim and the jobs' rows are one transaction"
like "$out" 'one\|echo one\|[0-9a-f-]{36}\|finished 0' "a job that ended well is seen"
like "$out" 'two\|[^|]*\|[0-9a-f-]{36}\|failed 3' "and one that failed, with its exit code"
like "$out" 't\|agent-1' "the output of a task is read"
is "$(cluster_sql "select state from howdah.frameworks where name = 'by hand'")" completed \
    "the framework is gone at the end"
is "$(cluster_sql "select count(*) from howdah.audit()")" 0 "the books are right"

done_testing
