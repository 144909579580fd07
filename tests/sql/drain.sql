-- SPDX-License-Identifier: PostgreSQL
-- Drains: frameworks are asked to leave an agent, their budgets hold before the deadline, nothing is left
-- after it.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''agent_timeout_s'', ''1'')');
select t.lead() is not null as led \gset
select t.fw('svc') as svc, t.fw('batch', login => 'fw_b') as batch \gset
select t.ag('one') as one, t.ag('two') as two, t.ag('three') as three \gset
create function t.drain(agent uuid, deadline_s integer default 600, reason text default null)
returns text
language sql
as $$ select x from t.as_login('op', format('select howdah.agent_drain(%L, %s, %L)', agent, deadline_s, reason)) x; $$;
create function t.asked(framework uuid)
returns text
language sql
as $$
    select string_agg(x, ', ') from t.as_login(t.principal_of(framework), format(
        'select concat_ws('' '', i.agent_name, cardinality(i.task_ids), i.reason, i.accepted, i.answer_reason)
         from howdah.inverse_offers_pending(%L, %s) i', framework, t.epoch_of(framework))) x;
$$;
create function t.answer(framework uuid, accept text, reason text default null)
returns text
language sql
as $$
    select x from t.as_login(t.principal_of(framework), format(
        'select howdah.inverse_offer_answer(%L, %s, array(select inverse_offer_id from howdah.inverse_offers), %s, %L)',
        framework, t.epoch_of(framework), accept, reason)) x;
$$;
create function t.running(framework uuid, agent uuid, name text)
returns uuid
language plpgsql
as $$
declare
    v_task uuid := t.task(framework, agent, name);
begin
    perform t.report(v_task, 'running');
    return v_task;
end
$$;
create function t.end_killed(agent uuid)
returns bigint
language sql
as $$
    /* The agent obeys: how many of its tasks ended. */
    select count(t.report(k.task_id, 'killed', '{"reason": "killed_by_request"}'))
    from howdah_private.task k where k.agent_id = agent and k.state = 'killing';
$$;
create function t.states(framework uuid, agent uuid)
returns text
language sql
as $$
    select string_agg(s.state || ' ' || s.n, ', ' order by s.state)
    from (select k.state, count(*) as n from howdah_private.task k
          where k.framework_id = framework and k.agent_id = agent group by k.state) s;
$$;

-- --- beginning -----------------------------------------------------------------------------------

select t.running(:'svc', :'one', 's1') as s1, t.running(:'svc', :'one', 's2') as s2,
       t.running(:'svc', :'one', 's3') as s3, t.running(:'svc', :'two', 's4') as s4,
       t.running(:'batch', :'one', 'b1') as b1, t.running(:'batch', :'one', 'b2') as b2 \gset
select is(t.chore('drains_advance'), 0, 'without drains there is nothing to do');
select is(t.drain(:'one', 600, 'new board'), 'true', 'an operator drains an agent');
select is(t.rows(format('select cordoned, cordon_reason, cordoned_by, drain from howdah.agents where agent_id = %L', :'one')),
          '(t,"new board",op,draining)', 'it is cordoned, with the reason, and shown as draining');
select ok(drain_deadline between now() + interval '590 s' and now() + interval '610 s', 'until when, too')
from howdah.agents where agent_id = :'one';
select is(t.reasons(:'svc', jsonb_build_array(t.spec('new', :'one'))), 'agent_closed', 'claims are refused');
select is(t.asked(:'svc'), 'one 3 new board', 'a framework is asked to move its tasks');
select is(t.asked(:'batch'), 'one 2 new board', 'so is the other one');
select is(t.rows('select framework_name, agent_name, task_count, accepted from howdah.inverse_offers order by 1'),
          '(batch,one,2,) (svc,one,3,)', 'the operator sees who was asked');
select is(t.rows(format($$ select cause, message, detail ->> 'by', detail ->> 'deadline_s' from howdah_private.event
                        where object_id = %L and cause = 'drain' $$, :'one')),
          '(drain,"new board",op,600)', 'that is an event, with who and why');
select is(t.drain(:'one', 600, 'new board'), 'false', 'draining again changes nothing');
select is(t.drain(:'one', 900), 'true', 'another deadline counts');
select ok(drain_deadline > now() + interval '800 s', 'from now') from howdah.agents where agent_id = :'one';
select cmp_ok(t.chore('wakeups_send'), '>=', 2, 'frameworks are told to look');
select is(t.chore('wakeups_send') >= 0, true, 'and not all the time');
select is((select position from howdah_private.news_cursor where name = 'inverse_offers'),
          (select max(change_seq) from howdah_private.inverse_offer), 'the cursor is at the newest one');

-- --- answers -------------------------------------------------------------------------------------

select is(t.answer(:'svc', 'true', 'moving'), '1', 'a framework accepts');
select is(t.asked(:'svc'), 'one 3 new board t moving', 'which it reads again');
select is(t.answer(:'svc', 'true', 'moving'), '0', 'the same answer again is none');
select is(t.answer(:'batch', 'false', 'nearly done'), '1', 'the other one declines');
select is(t.rows('select framework_name, accepted, answer_reason from howdah.inverse_offers order by 1'),
          '(batch,f,"nearly done") (svc,t,moving)', 'the operator sees both answers');
select is(t.rows(format($$ select cause, message, detail ->> 'framework_id' = %L from howdah_private.event
                        where object_id = %L and cause like 'inverse%%' order by event_id $$, :'svc', :'one')),
          '(inverse_offer_accept,moving,t) (inverse_offer_decline,"nearly done",f)', 'and they are events');
select is((select count(*) from t.as_login('fw_b', 'select 1 from howdah.inverse_offers')), 1::bigint,
          'a framework sees its own only');
select is(t.as_login('fw_b', format(
    'select howdah.inverse_offer_answer(%L, %s, %L, true)', :'batch', t.epoch_of(:'batch'),
    array(select inverse_offer_id from howdah_private.inverse_offer where framework_id = :'svc'))), '0',
          'and cannot answer for another');

-- --- the budget ----------------------------------------------------------------------------------

select t.as_login('op', 'select howdah.setting_set(''drain_replace_s'', ''1000'')');
select is(t.chore('drains_advance'), 2, 'one task of each framework is taken down');
select is(t.states(:'svc', :'one'), 'running 2, killing 1', 'of the one');
select is(t.states(:'batch', :'one'), 'running 1, killing 1', 'and of the other');
select is(t.chore('drains_advance'), 0, 'no second one before it is replaced');
select is((select count(*) from howdah_private.task_update u where u.reason = 'agent_draining' and u.state = 'killing'),
          2::bigint, 'their updates say why');
select is(t.end_killed(:'one'), 2::bigint, 'they end');
select is((select count(*) from howdah_private.task_update u where u.reason = 'agent_draining' and u.state = 'killed'),
          2::bigint, 'and the updates of their ends say why');
select is((select count(*) from howdah_private.event e where e.reason = 'agent_draining'), 4::bigint,
          'so do the events');
select is(t.chore('drains_advance'), 0, 'an end alone is not enough while the framework may replace it');
select t.task(:'svc', :'three', 's1-again') as again \gset
select is(t.chore('drains_advance'), 0, 'nor is a replacement that does not run yet');
select t.report(:'again', 'running') is not null as x \gset
select is(t.chore('drains_advance'), 1, 'when it runs the next one goes');
select is(t.states(:'svc', :'one'), 'running 1, killing 1, killed 1', 'of that framework');
select is(t.chore('drains_advance'), 0, 'a replacement stands for one');
select t.running(:'svc', :'three', 's2-again') as s2again \gset
select is(t.chore('drains_advance'), 1, 'with a replacement the former one need not have ended');
select is(t.states(:'svc', :'one'), 'killing 2, killed 1', 'the last one of it goes');
select t.as_login('op', 'select howdah.setting_set(''drain_replace_s'', ''0'')');
select is(t.chore('drains_advance'), 1, 'a framework that replaces nothing is not waited for longer than said');
select is(t.states(:'batch', :'one'), 'killing 1, killed 1', 'its next one goes');
select is(t.asked(:'batch'), 'one 1 new board f nearly done', 'it is asked for what is left');
select is(t.end_killed(:'one'), 3::bigint, 'all end');
select is(t.chore('drains_advance'), 1, 'the agent is drained');
select is(t.rows(format('select drain, drained_at is not null, cordoned from howdah.agents where agent_id = %L', :'one')),
          '(drained,t,t)', 'and shown so, still cordoned');
select is((select cause from howdah_private.event where object_id = :'one' order by event_id desc limit 1),
          'drained', 'that is an event');
select is(t.chore('drains_advance'), 0, 'once');
select is_empty('select from howdah_private.inverse_offer', 'nobody is asked any more');
select is_empty('select from howdah_private.drain_kill', 'and nothing is counted');
select is(t.states(:'svc', :'two'), 'running 1', 'what runs elsewhere runs on');
select is(t.drain(:'one', 60), 'false', 'a drained agent need not be drained');
select is(t.as_login('op', format('select howdah.agent_uncordon(%L)', :'one')), 'true', 'it is opened again');
select is(t.rows(format('select cordoned, drain from howdah.agents where agent_id = %L', :'one')), '(f,)',
          'and takes part as before');
select is(t.reasons(:'svc', jsonb_build_array(t.spec('back', :'one'))), 'committed', 'in claims, too');
select t.audit_clean('the books are right');

-- --- budgets that frameworks set, over several agents --------------------------------------------

create function t.budget(framework uuid, tasks text)
returns text
language sql
as $$ select format('select howdah.framework_budget_set(%L, %s, %s)', framework, t.epoch_of(framework), tasks); $$;
select t.fw('wide') as wide \gset
select t.ag('w1') as w1, t.ag('w2') as w2 \gset
select t.running(:'wide', :'w1', 'a1') as a1, t.running(:'wide', :'w1', 'a2') as a2,
       t.running(:'wide', :'w2', 'a3') as a3, t.running(:'wide', :'w2', 'a4') as a4 \gset
select t.as_login('fw_a', t.budget(:'wide', '0'));
select is((select disruption_budget from howdah.frameworks where framework_id = :'wide'), 0,
          'a framework sets its budget');
select t.drain(:'w1', 500) is not null as x, t.drain(:'w2', 600) is not null as y \gset
select is(t.asked(:'wide'), 'w1 2, w2 2', 'it is asked to leave two agents, the nearest deadline first');
select is(t.chore('drains_advance'), 0, 'with a budget of 0 nothing of it goes before the deadline');
select t.as_login('fw_a', t.budget(:'wide', '3'));
select is(t.chore('drains_advance'), 3, 'with 3 so many go in all');
select is(t.states(:'wide', :'w1') || '; ' || t.states(:'wide', :'w2'), 'killing 2; running 1, killing 1',
          'the nearest deadline''s first');
select is(t.as_login('op', format('select howdah.agent_uncordon(%L)', :'w2')), 'true', 'a drain is broken off');
select is(t.states(:'wide', :'w2'), 'running 1, killing 1', 'what it has not killed runs on');
select is(t.asked(:'wide'), 'w1 2', 'and nobody is asked to move it');

-- --- the deadline --------------------------------------------------------------------------------

select t.ag('late') as late \gset
select t.running(:'wide', :'late', 'l1') as l1, t.running(:'wide', :'late', 'l2') as l2,
       t.task(:'wide', :'late', 'l3', extra => '{"kill_grace_s": 7}') as l3 \gset
select t.as_login('fw_a', t.budget(:'wide', '0'));
select is(t.drain(:'late', 0), 'true', 'a deadline of 0 is now');
select is(t.chore('drains_advance'), 3, 'at the deadline all go, whatever the budget');
select is((select (k.value ->> 'grace_s')::integer from jsonb_array_elements(
              t.sync(:'late', jsonb_build_object('running', t.held(:'late'))) -> 'kill') k
           where k.value ->> 'task_id' = :'l3'), 7, 'each with its own grace');
select t.ag('dark') as dark \gset
select t.running(:'wide', :'dark', 'd1') as d1 \gset
select is(t.fall_silent(:'dark'), 1, 'an agent falls silent');
select is(t.drain(:'dark', 600), 'true', 'a silent agent can be drained');
select is(t.chore('drains_advance'), 0, 'nothing can be done there');
select is(t.rows(format('select state, drain from howdah.agents where agent_id = %L', :'dark')),
          '(unreachable,draining)', 'it is draining until it is back or removed');
update howdah_private.drain d set deadline = clock_timestamp() where d.agent_id = :'dark';
select is(t.chore('drains_advance'), 1, 'at the deadline its tasks'' ends are asked for');
select t.sync(:'dark', jsonb_build_object('running', jsonb_build_array(:'d1'))) is not null as x \gset
select is(t.state(:'d1'), 'killing', 'and happen when it is back');
select t.as_login('op', format('select howdah.agent_remove(%L)', :'dark')) is not null as x \gset
select is_empty(format('select from howdah_private.drain where agent_id = %L', :'dark'),
                'a removed agent''s drain is over');
select t.audit_clean('the books are right');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select howdah.agent_drain(%L, %s)', :'three', v.s), 'value_invalid', 'deadline_s',
                null, format('a deadline of %s is refused', v.s), 'op')
from (values ('-1'), ('31536001'), ('null')) as v (s);
select t.raises(format('select howdah.agent_drain(%L, 1, '''')', :'three'), 'value_invalid', 'reason', '',
                'an empty reason is refused', 'op');
select t.raises(format('select howdah.agent_drain(%L)', :'dark'), 'agent_unknown', 'agent_id', :'dark',
                'an agent that is gone cannot be drained', 'op');
select t.raises(t.budget(:'wide', v.n), 'value_invalid', 'tasks', null,
                format('a budget of %s is refused', v.n), 'fw_a')
from (values ('-1'), ('1000001'), ('null')) as v (n);
select t.raises(format('select howdah.inverse_offer_answer(%L, %s, ''{}'', null)', :'wide', t.epoch_of(:'wide')),
                'field_missing', 'accept', null, 'an answer says yes or no', 'fw_a');
select t.denied(format('select howdah.agent_drain(%L)', :'three'), l.login,
                format('login %s drains nothing', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.audit_clean('and the books are right');

select * from finish();
