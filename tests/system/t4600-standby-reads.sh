# SPDX-License-Identifier: PostgreSQL
# A hot standby serves what only reads: every public view and list, with nulls for the soft state that
# no standby has, and readings of the cell that claims at the primary are made from.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$TEST_ROOT/tests/lib/standby.sh"
. "$TEST_ROOT/tests/lib/tasks.sh"

cluster_new
cluster_start --agents 2
framework_new
task_new agent-1 '"command": {"shell": "sleep 300"}'
task_wait 20 "$TASK" running
standby_start || exit 1
standby_caught_up standby
OPERATOR=$(standby_conninfo standby operator)

on_standby() { howdah "$@" --db "$OPERATOR"; }

# --- views and functions ----------------------------------------------------------------------------

for login in operator framework; do
    for view in $(cluster_sql "select relname from pg_class where relkind = 'v'
                               and relnamespace = 'howdah'::regnamespace order by 1"); do
        exits 0 "login $login reads howdah.$view on a standby" \
            standby_sql standby -u $login "select count(to_jsonb(x)) from howdah.$view x"
    done
done
is "$(standby_sql standby -u operator "select count(*) from howdah.agents where last_seen_s is null and offer_count is null")" 2 \
    "what only the primary knows about agents is null"
is "$(cluster_sql -u operator "select count(*) from howdah.agents where last_seen_s < 60 and offer_count >= 0")" 2 \
    "and is there at the primary"
is "$(standby_sql standby -u operator "select task_count, cpus_used from howdah.agents where name = 'agent-1'")" "1|0.1" \
    "what is in the books is right on a standby"
# Whoever may call them as an observer only reads.
for call in $(cluster_sql "select proname from pg_proc where pronamespace = 'howdah'::regnamespace
                           and pronargs = pronargdefaults
                           and has_function_privilege('howdah_observer', oid, 'execute') order by 1"); do
    exits 0 "howdah.$call() answers on a standby" standby_sql standby -u operator "select * from howdah.$call()"
done
is "$(standby_sql standby -u operator "select (howdah.cell_snapshot() -> 'agents' -> 0) - 'offer_count' - 'last_seen_s'")" \
    "$(cluster_sql -u operator "select (howdah.cell_snapshot() -> 'agents' -> 0) - 'offer_count' - 'last_seen_s'")" \
    "the snapshot shows the same agents on both"

# --- the command --------------------------------------------------------------------------------------

for list in agents frameworks roles offers tasks settings explain-share audit 'tasks --all' 'offers --all' "task $TASK"; do
    exits 0 "howdah $list works on a standby" on_standby $list
done
like "$(on_standby agents)" 'agent-1 +active +0.1/4 ' "agents are listed with what is used"
for write in 'settings overlap 1' 'role-set bulk 2' 'role-delete bulk' "kill $TASK" "logs $TASK" 'recover x'; do
    exits 3 "howdah $write is refused by a standby" on_standby $write
    like "$OUT" 'host ".*" port [0-9]+ is a standby or read-only: expected a server that takes writes: give --db the primary' "and says why, and what to do"
done
is "$(task_field "$TASK" state)" running "nothing changed"

# --- claims from a standby's reading ------------------------------------------------------------------

reading() { standby_sql standby -u framework "select json_build_object('agent', agent_id, 'version', version)
                                              from howdah.cell where name = 'agent-2'"; }
claim_on() { # READING NAME RULE
    cluster_sql -u framework "
        select coalesce(reason, 'committed') from howdah.claim(
            framework_id => '$FRAMEWORK', epoch => $EPOCH, claim_key => gen_random_uuid(), conflict => '$3',
            tasks => jsonb_build_array('$1'::jsonb || '{\"name\": \"$2\", \"resources\": {\"cpus\": 0.1, \"mem\": 32},
                                                       \"command\": {\"shell\": \"true\"}}'))"
}
FRESH=$(reading)
is "$(claim_on "$FRESH" first version)" committed "a claim from a standby's reading is committed at the primary"
is "$(claim_on "$FRESH" second version)" agent_changed "by the rule version the same reading is stale by now"
is "$(claim_on "$FRESH" second fit)" committed "by the rule fit it still serves"
standby_caught_up standby
is "$(claim_on "$(reading)" third version)" committed "a new reading is good again"

# --- promotion ----------------------------------------------------------------------------------------

cluster_kill KILL postgres
ok "$(standby_promote standby; echo $?)" "the standby is promoted"
is "$(standby_sql standby -u operator "select count(*) from howdah.offers")" 0 "it begins without offers"
is "$(standby_sql standby -u operator "select count(*) from howdah.agents where offer_count = 0")" 2 \
    "and counts them"
exits 0 "it takes writes" on_standby settings overlap 3
done_testing
