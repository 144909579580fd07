-- SPDX-License-Identifier: PostgreSQL
-- A small cell lives through a few thousand random calls of everybody: frameworks claim, decline, kill,
-- acknowledge and end; agents report, fall silent, come back and lose tasks; the operator changes
-- roles and removes; the leader does its chores. Each step may be refused, but only as the call's
-- documentation says; and after each the books are right (I1, I4), no task has left an end that it
-- reached (I3), and every end and every start has one event. setseed makes
-- the dice, though not the ids, the same each time.

\ir lib/open.psql

select t.lead() as epoch \gset
select setseed(0.4242) \gset
insert into howdah_private.permission (principal, role)
select l, '*' from unnest('{fw_a,fw_b}'::text[]) l on conflict do nothing;

create function t.any_of(anyarray)
returns anyelement
language sql volatile
as $$ select $1[1 + floor(random() * cardinality($1))::integer]; $$;

create function t.some_agent() returns uuid language sql volatile
as $$ select agent_id from howdah_private.agent order by random() limit 1 $$;
create function t.some_framework() returns uuid language sql volatile
as $$ select framework_id from howdah_private.framework order by (state = 'completed'), random() limit 1 $$;
create function t.some_task() returns uuid language sql volatile
as $$ select task_id from howdah_private.task order by (terminal_at is not null), random() limit 1 $$;

create function t.of_framework(call text, framework uuid, rest text default '')
returns text
language sql
as $$ select format('select howdah.%s(%L, %s%s)', call, framework, coalesce(t.epoch_of(framework), 0), rest) $$;

create function t.random_specs()
returns jsonb
language sql volatile
as $$
    select jsonb_agg(jsonb_build_object(
        'name', 'n' || floor(random() * 60), 'command', '{"shell": "true"}'::jsonb,
        'resources', jsonb_strip_nulls(jsonb_build_object(
            'cpus', t.any_of('{0,0.1,0.5,1,2}'::numeric[]), 'mem', t.any_of('{0,16,100,900}'::integer[]),
            'ports', case when random() < 0.2 then t.any_of('{1,2}'::integer[]) end)))
        || case when random() < 0.5 and o.offer_id is not null
                then jsonb_build_object('offer', o.offer_id)
                else jsonb_build_object('agent', t.some_agent()) end)
    from generate_series(1, 1 + floor(random() * 6)::integer) n
    left join lateral (select offer_id from howdah_private.offer where n > 0 order by random() limit 1) o on true;
$$;

create function t.random_report(agent uuid)
returns jsonb
language sql volatile
as $$
    -- What the agent should hold, each task with some luck a step further; now and then one is missing.
    select jsonb_build_object(
        'running', coalesce(jsonb_agg(k.task_id) filter (where x.said in ('none', 'starting', 'running')
                                                         and random() < 0.97), '[]'),
        'updates', coalesce(jsonb_agg(jsonb_build_object('task_id', k.task_id, 'state', x.said,
                                                         'exit_code', 0))
                            filter (where x.said <> 'none'), '[]'))
    from howdah_private.task k
    cross join lateral (select t.any_of(case when k.terminal_at is not null
        then '{finished,none}' when random() < 0.5 then '{none,running}'
        else '{starting,running,running,finished,failed,killed}' end::text[]) as said where k.task_id is not null) x
    where k.agent_id = random_report.agent and (k.terminal_at is null or random() < 0.1);
$$;

-- One step: what is done, and the codes with which it may be refused.
create function t.random_step(out login text, out call text, out codes text[])
returns record
language plpgsql volatile
as $$
declare
    v_fw uuid := t.some_framework();
    v_ag uuid := t.some_agent();
    v_task uuid := t.some_task();
    v_owner text := (select f.principal from howdah_private.framework f where f.framework_id = v_fw);
    v_dice double precision := random() * 100;
begin
    login := 'op';
    codes := '{}';
    if v_fw is null or v_dice < 2 then
        login := t.any_of('{fw_a,fw_b}'::text[]);
        call := format('select howdah.framework_register(%L, %L, %s)', 'f' || floor(random() * 9),
                       t.any_of('{default,batch,ads}'::text[]), t.any_of('{1,600,600}'::integer[]));
        codes := '{role_unknown,framework_completed}';
    elsif v_ag is null or v_dice < 4 then
        login := 'ag_a';
        call := format('select howdah.agent_register(%L, ''h'', %L)', 'a' || floor(random() * 6),
                       format('{"cpus": %s, "mem": %s, "ports": [[100, %s]]}', t.any_of('{1,4,8}'::integer[]),
                              t.any_of('{512,4096}'::integer[]), t.any_of('{101,120}'::integer[])));
        codes := '{agent_name_taken,value_invalid}';
    elsif v_dice < 9 then
        login := v_owner;
        call := t.of_framework('place', v_fw, format(', gen_random_uuid(), %L, %L, %L, %L, %L, %L',
            (select jsonb_agg(case when jsonb_typeof(s) = 'object' then s - '{agent,offer,version}'::text[] else s end)
             from jsonb_array_elements(t.random_specs()) s),
            t.any_of(array['{}', '{}', '{"distinct": true}', '{"apart": {"name": "n"}}', '{"prefer": [{"attributes": {"zone": "a"}}]}']),
            t.any_of('{pack,spread}'::text[]), t.any_of('{all,any}'::text[]), random() < 0.2, random() < 0.1));
        codes := '{framework_completed}';
    elsif v_dice < 34 then
        login := v_owner;
        call := t.of_framework('claim', v_fw, format(', gen_random_uuid(), %L, %L, %L, %L, %L', t.random_specs(),
            t.any_of('{all,any}'::text[]), t.any_of('{fit,version}'::text[]), random() < 0.2, random() < 0.1));
        codes := '{framework_completed}';
    elsif v_dice < 64 then
        login := 'ag_a';
        call := format('select howdah.agent_sync(%L, %s, %L)', v_ag, t.epoch_of(v_ag), t.random_report(v_ag));
        codes := '{agent_unknown,epoch_stale}';
    elsif v_dice < 70 then
        login := (select f.principal from howdah_private.task k join howdah_private.framework f using (framework_id)
                  where k.task_id = v_task);
        call := t.of_framework('task_kill', (select k.framework_id from howdah_private.task k
                                             where k.task_id = v_task),
                               format(', array[%L]::uuid[], %s', v_task, t.any_of('{0,5}'::integer[])));
        codes := '{framework_completed}';
    elsif v_dice < 74 then
        login := v_owner;
        call := t.of_framework('update_acknowledge', v_fw, format(', array(select u.update_id from howdah.updates_pending(%L, %s) u limit 5)',
                               v_fw, t.epoch_of(v_fw)));
        codes := '{framework_completed}';
    elsif v_dice < 78 then
        login := v_owner;
        call := t.of_framework(t.any_of('{framework_heartbeat,framework_suppress,framework_revive,filters_clear,tasks_reconcile,offers_since,inverse_offers_pending,framework_budget_set}'
                                        ::text[]), v_fw);
        codes := '{framework_completed}';
    elsif v_dice < 82 then
        login := v_owner;
        call := t.of_framework('offer_decline', v_fw, format(', %L::uuid[], %s',
            array(select o.offer_id from howdah_private.offer o where o.framework_id = v_fw and random() < 0.5),
            t.any_of('{0,1,60}'::integer[])));
        codes := '{framework_completed}';
    elsif v_dice < 82.5 then
        login := v_owner;
        call := t.of_framework('framework_teardown', v_fw);
        codes := '{framework_completed}';
    elsif v_dice < 82.8 then
        call := format('select howdah.framework_remove(%L)', v_fw);
    elsif v_dice < 83.3 then
        call := format('select howdah.agent_remove(%L)', v_ag);
    elsif v_dice < 84.3 then
        call := format('select howdah.%s(%L)', t.any_of('{agent_cordon,agent_uncordon,agent_uncordon}'::text[]), v_ag);
        codes := '{agent_unknown}';
    elsif v_dice < 85 then
        call := format('select howdah.agent_drain(%L, %s)', v_ag, t.any_of('{0,0,600}'::integer[]));
        codes := '{agent_unknown}';
    elsif v_dice < 85.6 then
        call := format('select howdah.maintenance_set(array[%L]::uuid[], date_trunc(''second'', now()) + interval ''%s min'', date_trunc(''second'', now()) + interval ''3 h'')',
                       v_ag, t.any_of('{30,90}'::integer[]));
        codes := '{agent_unknown,value_invalid}';
    elsif v_dice < 86 then
        call := format('select howdah.maintenance_cancel(array[%L]::uuid[])', v_ag);
    elsif v_dice < 87 then
        call := format('select howdah.operator_kill(array[%L]::uuid[])', v_task);
    elsif v_dice < 88 then
        call := format('select howdah.role_set(%L, %s)', t.any_of('{batch,ads}'::text[]), t.any_of('{0.5,1,7}'::numeric[]));
    elsif v_dice < 88.5 then
        call := format('select howdah.role_delete(%L)', t.any_of('{batch,ads}'::text[]));
        codes := '{role_unknown,role_in_use}';
    elsif v_dice < 89 then
        call := format('select howdah.setting_set(''overlap'', %L)', t.any_of('{1,2,unlimited}'::text[]));
    else
        login := 'co';
        call := format('select howdah.%s(%s)', t.any_of(
            '{offers_make,offers_make,offers_make,offers_expire,agents_expire,tasks_expire,frameworks_expire,maintenance_advance,drains_advance,history_roll,stats_roll,wakeups_send}'
            ::text[]), (select l.epoch from howdah_private.leader l));
    end if;
end
$$;

create function t.time_passes()
returns void
language sql volatile
as $$
    -- Some become silent, some offers and filters old; nobody waits for it.
    update howdah_private.agent_heartbeat set seen_at = clock_timestamp() - interval '1 hour' where random() < 0.03;
    update howdah_private.framework_heartbeat set seen_at = clock_timestamp() - interval '1 hour' where random() < 0.02;
    update howdah_private.framework set state_at = clock_timestamp() - interval '1 hour' where random() < 0.1;
    update howdah_private.offer set expires_at = clock_timestamp() - interval '1 s'
    where state = 'outstanding' and random() < 0.1;
    update howdah_private.news_cursor set position = 0 where name = 'offers_made_ms';
$$;

create temp table seen_end (task_id uuid primary key, state text);
create temp table oddity (step integer, what text);
create temp table done (call text, taken boolean);

create function t.step_check(step integer)
returns void
language sql volatile
as $$
    insert into oddity
    select step, format('%s: %s %s', a.invariant, a.object, a.detail) from howdah.audit() a;
    insert into oddity
    select step, format('task %s was %s and is %s', s.task_id, s.state, k.state)
    from seen_end s join howdah_private.task_all k using (task_id) where k.state::text <> s.state;
    insert into seen_end
    select k.task_id, k.state from howdah_private.task k where k.terminal_at is not null
    on conflict do nothing;
$$;

do $$
declare
    v_step record;
    v_got jsonb;
begin
    for i in 1 .. 2500 loop
        v_step := t.random_step();
        continue when v_step.call is null or v_step.login is null;
        v_got := t.problem(v_step.call, v_step.login);
        if v_got is not null and not coalesce(
               (v_got ->> 'detail')::jsonb ->> 'code' = any (v_step.codes), false) then
            insert into oddity values (i, format('%s as %s: %s', v_step.call, v_step.login, v_got));
        end if;
        insert into done values (substring(v_step.call from 'howdah\.(\w+)'), v_got is null);
        if i % 10 = 0 then
            perform t.time_passes();
            perform t.step_check(i);
        end if;
    end loop;
end
$$;

select is_empty('select step, left(what, 500) from oddity order by step limit 10',
                'every call was taken or refused as documented, and the books were right all the time');
select cmp_ok(count(*) filter (where d.taken), '>=', 1::bigint, format('%s was called and taken', d.call))
from done d where d.call <> 'role_delete' group by d.call order by d.call;
select cmp_ok((select count(*) from seen_end), '>=', 40::bigint, 'many tasks ended');
select cmp_ok((select count(distinct state) from seen_end), '>=', 3::bigint, 'in several ways');
select is_empty($$ select e.object_id, count(*) from howdah.events e
                   where e.object_kind = 'task'
                     and e.to_state in ('finished', 'failed', 'killed', 'error', 'dropped', 'gone', 'gone_by_operator')
                   group by e.object_id having count(*) > 1 $$, 'no task ended twice');
select is_empty($$ select e.object_id from howdah.events e join howdah.events n using (object_id)
                   where e.object_kind = 'task' and n.object_kind = 'task' and n.event_id > e.event_id
                     and e.to_state is distinct from n.from_state
                     and not exists (select 1 from howdah.events m where m.object_id = e.object_id
                                     and m.event_id > e.event_id and m.event_id < n.event_id) $$,
                'each task''s events join on to one another');
select is_empty($$ select k.task_id from howdah.tasks k where k.live and not exists (
                       select 1 from howdah.agents a where a.agent_id = k.agent_id and a.state <> 'gone') $$,
                'no live task is on an agent that is gone');

-- Everything ends: all frameworks are removed, all agents report; nothing is held any more.
select t.as_login('op', format('select howdah.framework_remove(%L)', f.framework_id))
from howdah_private.framework f \g /dev/null
select t.as_login('op', format('select howdah.agent_remove(%L)', a.agent_id)) from howdah_private.agent a \g /dev/null
select is_empty('select k.task_id from howdah_private.task k where k.terminal_at is null', 'no task lives on');
select is_empty($$ select p.agent_id from howdah_private.agent_pool p
                   where p.cpus_free + p.cpus_revocable <> p.cpus_capacity or p.mem_free + p.mem_revocable <> p.mem_capacity $$,
                'and nothing is held');
select t.audit_clean('and the books are right');
select * from finish();
