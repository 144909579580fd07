-- SPDX-License-Identifier: PostgreSQL
-- Every call twice. A client whose answer was lost repeats the call, so the second one must do nothing
-- that the first did not: no table changes any more, but for what says so below, and the answer is the
-- same, or says that there was nothing left to do.

\ir lib/open.psql
\ir lib/calls.psql

-- The cell for the calls that want more than it has: an offer, an update, a second task.
select t.offers() as made \gset
select t.offer(:'fw', :'ag') as offer \gset
select t.task(:'fw', :'ag', 'ends') as ends \gset
select t.report(:'ends', 'running') is not null as x \gset
select u.update_id as update_id from howdah_private.task_update u where u.task_id = :'ends' limit 1 \gset
select gen_random_uuid() as key \gset
select t.ag('gone') as gone \gset
select t.ag('shut') as shut \gset
select t.fw('away') as away \gset
select t.fw('torn') as torn \gset

create temp table twice (name text, login text, call text, second text, moves text[]);
-- second: the answer of the repetition if it is another one. moves: tables whose rows the repetition
-- may change, since each call is a sign of life or asks for something new. '*': an answer that differs in
-- a part (an epoch, the time to the next poll, a hint that is given again).
insert into twice
select w.name, w.login,
       replace(replace(replace(replace(w.call, '$fw', quote_literal(:'fw') || ', ' || :fw_epoch),
               '$ag', quote_literal(:'ag') || ', ' || :ag_epoch), '$lead', :'epoch'),
               '$key', quote_literal(:'key')),
       w.second, coalesce(w.moves, '{}')
from (values
    ('agent_register', 'ag_b', 'agent_register(''new'', ''h'', ''{"cpus": 1}'', key => $key)', '*', '{agent,agent_pool,event}'::text[]),
    ('agent_cordon', 'op', format('agent_cordon(%L, ''repair'')', :'shut'), 'false', null),
    ('agent_drain', 'op', format('agent_drain(%L, 600)', :'shut'), 'false', null),
    ('drains_advance', 'co', 'drains_advance($lead)', '0', null),
    ('framework_budget_set', 'fw_a', 'framework_budget_set($fw, 3)', null, null),
    ('inverse_offer_answer', 'fw_a', 'inverse_offer_answer($fw, ''{}'', true)', null, null),
    ('agent_uncordon', 'op', format('agent_uncordon(%L)', :'shut'), 'false', null),
    ('agent_remove', 'op', format('agent_remove(%L)', :'gone'), '0', null),
    ('agent_sync', 'ag_a', format('agent_sync($ag, %L)',
        jsonb_build_object('seq', 7, 'running', jsonb_build_array(:'task'), 'updates', jsonb_build_array(
            jsonb_build_object('task_id', :'ends', 'state', 'finished', 'exit_code', 0)))), '*', '{agent}'),
    ('agents_expire', 'co', 'agents_expire($lead)', null, null),
    ('tasks_expire', 'co', 'tasks_expire($lead)', null, null),
    ('claim', 'fw_a', format('claim($fw, $key, %L)', jsonb_build_array(t.spec('once', :'ag'))), '*', null),
    ('doorbell_set', 'co', 'doorbell_set($lead, true)', null, null),
    ('filter_set', 'fw_a', 'filter_set($fw, ''f'', ''{"resources": {"cpus": 1}}'')', null, null),
    ('filters_clear', 'fw_a', 'filters_clear($fw)', '0', null),
    ('framework_heartbeat', 'fw_a', 'framework_heartbeat($fw)', null, null),
    ('framework_register', 'fw_a', 'framework_register(''same'', key => $key)', '*', '{framework,event}'),
    ('framework_remove', 'op', format('framework_remove(%L)', :'away'), '0', null),
    ('framework_suppress', 'fw_a', 'framework_suppress($fw)', null, null),
    ('framework_revive', 'fw_a', 'framework_revive($fw)', null, null),
    ('frameworks_expire', 'co', 'frameworks_expire($lead)', null, null),
    ('history_roll', 'co', 'history_roll($lead)', '0', null),
    ('leader_acquire', 'co', 'leader_acquire(''00000000-0000-0000-0000-0000000000c0'', ''co'', 60000)', '*', '{leader}'),
    ('maintenance_set', 'op', format('maintenance_set(array[%L]::uuid[], ''2100-01-01 00:00+00'', ''2100-01-02 00:00+00'')', :'shut'), '0', null),
    ('maintenance_advance', 'co', 'maintenance_advance($lead)', null, null),
    ('maintenance_cancel', 'op', format('maintenance_cancel(array[%L]::uuid[])', :'shut'), '0', null),
    ('offer_decline', 'fw_a', format('offer_decline($fw, array[%L]::uuid[], 0)', :'offer'), '0', null),
    ('offers_expire', 'co', 'offers_expire($lead)', '0', null),
    ('offers_make', 'co', 'offers_make($lead)', '0', '{news_cursor}'),
    ('operator_kill', 'op', format('operator_kill(array[%L]::uuid[])', :'task'), null, null),
    ('place', 'fw_a', 'place($fw, ''00000000-0000-0000-0000-0000000000aa'', ''[{"name": "placed", "resources": {}, "command": {"shell": "true"}}]'')', '*', null),
    ('principal_permit', 'op', 'principal_permit(''fw_b'', ''batch'')', null, null),
    ('principal_forbid', 'op', 'principal_forbid(''fw_b'', ''batch'')', '0', null),
    ('quota_set', 'op', 'quota_set(''batch'', limits => ''{"cpus": 4}'')', null, '{event}'),
    ('quota_clear', 'op', 'quota_clear(''batch'')', '0', '{event}'),
    ('request', 'fw_a', 'request($fw, ''[{"count": 2, "resources": {"cpus": 1}}]'')', null, '{request}'),
    ('role_set', 'op', 'role_set(''ads'', 3)', null, '{event}'),
    ('setting_set', 'op', 'setting_set(''overlap'', ''3'')', null, '{event}'),
    ('stats_roll', 'co', 'stats_roll($lead)', '0', '{rate_sample,news_cursor}'),
    ('task_kill', 'fw_a', format('task_kill($fw, array[%L]::uuid[])', :'task'), null, null),
    ('tasks_reconcile', 'fw_a', 'tasks_reconcile($fw)', null, null),
    ('update_acknowledge', 'fw_a', format('update_acknowledge($fw, array[%s]::bigint[])', :'update_id'), '0', null),
    ('wakeups_send', 'co', 'wakeups_send($lead)', '*', '{news_cursor,offer_horizon}'))
    as w (name, login, call, second, moves);

create function t.again(query text, login text, second text, moves text[], description text)
returns setof text
language plpgsql
as $$
/* Two tests: the repetition changes no table besides `moves`, and its answer is as it should be. */
declare
    v_first text;
    v_second text;
    v_before text;
begin
    v_first := (select string_agg(x, E'\n') from t.as_login(login, 'select howdah.' || query) x);
    v_before := t.digest(moves);
    v_second := (select string_agg(x, E'\n') from t.as_login(login, 'select howdah.' || query) x);
    return next is(t.digest(moves), v_before, description || ' a second time changes nothing');
    if second is distinct from '*' then
        return next is(v_second, coalesce(second, v_first), description || ': what the repetition answers');
    end if;
end
$$;

select t.again(w.call, w.login, w.second, w.moves, w.name) from twice w order by w.name;

-- Of those whose answer differs in a part:
select is((select count(distinct c.task_id) from t.as_login('fw_a', format(
               'select task_id from howdah.claim(%L, %s, %L, %L)', :'fw', :fw_epoch, :'key',
               jsonb_build_array(t.spec('once', :'ag')))) as c (task_id)), 1::bigint,
          'a claim made again answers with the task that it made');
select is((select count(*) from howdah_private.task k where k.name = 'once'), 1::bigint,
          'and made one task');
select is((select count(*) from howdah_private.agent a where a.name = 'new'), 1::bigint,
          'an agent that registers again with its key is one agent');
select is((select count(*) from howdah_private.framework f where f.name = 'same'), 1::bigint,
          'a framework that registers again with its key is one framework');

-- Ends, each for good: the same call again says what has happened, and nothing happens again.
select x from t.as_login('fw_a', format('select howdah.framework_teardown(%L, %s)', :'torn',
                                         t.epoch_of(:'torn'))) x \gset
select t.digest() as digest \gset
select matches(t.problem(format('select howdah.framework_teardown(%L, %s)', :'torn', t.epoch_of(:'torn')),
                         'fw_a') ->> 'sqlstate',
               howdah_private.error_sqlstate('framework_completed') || '|'
               || howdah_private.error_sqlstate('epoch_stale'), 'a second teardown is told that it is over');
select is(t.digest(), :'digest', 'and changes nothing');
select is(t.as_login('co', format('select howdah.leader_resign(''00000000-0000-0000-0000-0000000000c0'', %s)',
                                  :'epoch')), 'true', 'the leader resigns');
select t.digest() as digest \gset
select is(t.as_login('co', format('select howdah.leader_resign(''00000000-0000-0000-0000-0000000000c0'', %s)',
                                  :'epoch')), 'false', 'once');
select is(t.digest(), :'digest', 'the second time changes nothing');

select t.audit_clean('and the books are right');
select * from finish();
