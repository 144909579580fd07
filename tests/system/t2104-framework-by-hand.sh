#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The psql session of frameworks/sqlbatch/README.md, statement by statement as it stands there.
. "$(dirname "$0")/../lib/cluster.sh"

readme=$TEST_ROOT/frameworks/sqlbatch/README.md

# A bounded wait inside the session, where the page says "wait a moment": $1 is what has to exist.
wait_for() {
    cat <<SQL
select set_config('by_hand.id', :'framework_id', false), set_config('by_hand.epoch', :'epoch', false)
\\g /dev/null
do \$\$
begin
    for i in 1 .. 200 loop
        exit when exists ($1);
        perform pg_sleep(0.1);
    end loop;
end
\$\$;
SQL
}

mine="framework_id => current_setting('by_hand.id')::uuid, epoch => current_setting('by_hand.epoch')::bigint"

session() {
    local line
    sed '1,/^## The same by hand/d' "$readme" | sed -n 's/^    //p' | while IFS= read -r line; do
        case $line in
        'listen :channel;') printf '%s\n' "$line"; wait_for "select from howdah.offers_since($mine)" ;;
        'create temp table seen'*) wait_for "select from howdah.updates_pending($mine) where state = 'finished'"
            printf '%s\n' "$line" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
}

cluster_new
cluster_start --agents 1 >/dev/null || skip_all "no cluster"

out=$(session | psql -X -A -t -v ON_ERROR_STOP=1 -d "$HOWDAH_DB_FRAMEWORK" 2>&1)
ok $? "every statement of the page works as it stands" || diag "$out"
like "$out" 'agent-1\|.*cpus' "the offer is shown"
like "$out" 'hello\|[0-9a-f-]{36}\|t\|' "the claim is committed"
like "$out" '[0-9]+\|hello\|finished' "the task's end is seen and acknowledged"
is "$(cluster_sql "select state from howdah.frameworks where name = 'by hand'")" completed \
    "the framework is gone at the end"

done_testing
