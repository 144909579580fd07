-- SPDX-License-Identifier: PostgreSQL
-- Status updates: which there are and what they say, their order, handing out without those already
-- seen, acknowledging, and that nobody touches another framework's.

\ir lib/open.psql

create function t.pending(framework uuid, what text default 'task_name || '':'' || state',
                          args text default '')
returns text
language sql
as $$
    select coalesce(string_agg(x, ' '), '')
    from t.as_login(t.principal_of(framework), format(
        'select %s from howdah.updates_pending(%L, %s%s)', what, framework, t.epoch_of(framework),
                                                      args)) x;
$$;

create function t.ack(framework uuid, ids bigint[])
returns integer
language sql
as $$
    select x::integer
    from t.as_login(t.principal_of(framework),
                    format('select howdah.update_acknowledge(%L, %s, %L)',
                                                      framework, t.epoch_of(framework), ids)) x;
$$;

create function t.ids(framework uuid)
returns bigint[]
language sql
as $$ select coalesce(array_agg(u.update_id order by u.update_id), '{}')
from howdah_private.task_update u
      where u.framework_id = framework; $$;

select t.lead() is not null as led \gset
select t.ag('one') as ag, t.ag('two') as two, t.fw('a') as fw,
       t.fw('b', login => 'fw_b') as other \gset

-- --- which there are -----------------------------------------------------------------------------

select is(t.pending(:'fw'), '', 'a framework without tasks has no updates');
select t.task(:'fw', :'ag', 'x') as x, t.task(:'fw', :'two', 'y') as y,
       t.task(:'other', :'ag', 'z') as z \gset
select is(t.pending(:'fw'), '', 'a claim makes no update: its answer said all');
select t.report(:'x', 'starting') is not null as a, t.report(:'y', 'starting') is not null as b,
       t.report(:'x', 'running') is not null as c, t.report(:'z', 'running') is not null as d,
       t.report(:'y', 'running') is not null as e \gset
select is(t.pending(:'fw'), 'x:starting y:starting x:running y:running',
          'each change of a state is one, oldest first');
select is(t.pending(:'other'), 'z:running', 'each framework is told of its own tasks');
select t.report(:'x', 'running') is not null as a, t.report(:'x', 'starting') is not null as b \gset
select is(t.pending(:'fw'), 'x:starting y:starting x:running y:running',
          'what changes no state is none');
select t.report(:'x', 'failed',
                '{"exit_code": 137, "signal": 9, "reason": "memory_limit", "message": "out of memory"}')
       is not null as a \gset
select is(t.pending(:'fw', 'format(''%s|%s|%s|%s|%s'', state, reason, message, exit_code, signal)'),
          'starting|||| starting|||| running|||| running|||| failed|memory_limit|out of memory|137|9',
          'an update says why, and how a task ended');
select is(t.pending(:'fw', 'task_id::text || agent_id || agent_name', ', ''{}'', 1'),
          format('%s%sone', :'x', :'ag'),
          'it says which task and where');
select ok((t.pending(:'fw', 'created_at',
                     ', ''{}'', 1'))::timestamptz between now() - interval '1 minute'
                     and clock_timestamp(),
          'and when');
select is((select array_agg(u order by u) from unnest(string_to_array(t.pending(:'fw', 'update_id'),
                                                                      ' ')::bigint[]) u),
          string_to_array(t.pending(:'fw', 'update_id'), ' ')::bigint[],
          'ids grow in the order of handing out');
select is((select array_agg(state::text order by update_id) from howdah_private.task_update
           where task_id = :'x'),
          array(select to_state from howdah.events where object_id = :'x'
                and from_state is not null order by at),
          'per task the updates are its changes, in order');

-- --- seen, and how many --------------------------------------------------------------------------

select (t.ids(:'fw'))[1] as u1, (t.ids(:'fw'))[2] as u2, (t.ids(:'fw'))[5] as u5 \gset
select is(t.pending(:'fw', args => format(', ''{%s}''', :'u1')),
          'y:starting x:running y:running x:failed',
          'what was seen is not handed out again');
select is(t.pending(:'fw', args => format(', ''{%s,%s}''', :'u2', :'u5')),
          'x:starting x:running y:running',
          'whichever they are: it is no cursor');
select is(t.pending(:'fw', args => format(', %L', t.ids(:'fw'))), '',
          'after all have been seen none is left');
select is(t.pending(:'fw', args => ', ''{999999,-1}'''),
          'x:starting y:starting x:running y:running x:failed',
          'unknown ids among those seen do no harm');
select is(t.pending(:'fw', args => ', null'), 'x:starting y:starting x:running y:running x:failed',
          'nothing seen: all');
select is(t.pending(:'fw', args => ', ''{}'', 2'), 'x:starting y:starting',
          'no more than asked for, the oldest first');
select is(t.pending(:'fw', args => format(', ''{%s,%s}'', 2', :'u1', :'u2')), 'x:running y:running',
          'those seen do not count among them');
select is(t.pending(:'fw', args => ', max_updates => 10000'),
          'x:starting y:starting x:running y:running x:failed',
          'ten thousand may be asked for');
select t.raises(format('select * from howdah.updates_pending(%L, 1, ''{}'', %s)', :'fw', v),
                'value_invalid', 'max_updates',
                nullif(v, 'null'), format('%s updates may not', v), 'fw_a')
from (values ('0'), ('-1'), ('10001'), ('null')) as n (v);
-- A transaction that began earlier may commit later: its update has the lower id.
insert into howdah_private.task_update (framework_id, update_id, task_id, state)
overriding system value values (:'fw', -5, :'y', 'killing');
select is(t.pending(:'fw', args => format(', %L', array_remove(t.ids(:'fw'), -5))), 'y:killing',
          'an update that commits late under a lower id is handed out all the same');
select is(t.ack(:'fw', '{-5}'), 1, 'and may be acknowledged');

-- --- acknowledging -------------------------------------------------------------------------------

select is(t.ack(:'fw', array[:u1]::bigint[]), 1, 'an update is acknowledged');
select is(t.pending(:'fw'), 'y:starting x:running y:running x:failed',
          'it is not handed out any more');
select is(t.ack(:'fw', array[:u1]::bigint[]), 0,
          'acknowledging it again is no error and does nothing');
select is(t.ack(:'fw', array[:u2, :u2, :u1, 999999]::bigint[]), 1,
          'ids that come twice, are old or are unknown are passed over');
select is(t.ack(:'fw', array[]::bigint[]), 0, 'nothing may be acknowledged');
select is(t.ack(:'fw', null), 0, 'so may null');
select is(t.ack(:'fw', array[:u5]::bigint[]), 1, 'the order is the framework''s own affair');
select is(t.pending(:'fw'), 'x:running y:running', 'the others wait on');
select is(t.ack(:'fw', t.ids(:'other')), 0, 'another framework''s updates cannot be acknowledged');
select is(t.pending(:'other'), 'z:running', 'they wait for their own');
select is(t.rows('select state from howdah_private.task order by name'),
          '(failed) (running) (running)',
          'acknowledging changes no task');
begin;
select t.ack(:'fw', t.ids(:'fw'));
rollback;
select is(t.pending(:'fw'), 'x:running y:running',
          'an acknowledgement in a transaction that fails has not happened: handling is exactly once');
select is(t.ack(:'fw', t.ids(:'fw')), 2, 'all the rest at once');
select is(t.pending(:'fw'), '', 'then there are none');

-- --- whose they are ------------------------------------------------------------------------------

select t.raises(format('select * from howdah.updates_pending(%L, 1)', :'fw'), 'not_permitted',
                'framework_id', :'fw',
                'another login may not read them', 'fw_b');
select t.raises(format('select howdah.update_acknowledge(%L, 1, ''{1}'')', :'fw'), 'not_permitted',
                'framework_id', :'fw',
                'nor acknowledge them', 'fw_b');
select is(t.problem(format('select * from howdah.updates_pending(%L, 1)', :'other'), 'op'), null,
          'an operator may read them');
select t.denied(format(f, :'fw'), l, format('login %s may not call %s', l,
                                            substring(f from 'howdah\.(\w+)')))
from unnest('{ag_a,co,obs,stranger}'::text[]) l,
     unnest(array['select * from howdah.updates_pending(%L, 1)',
                  'select howdah.update_acknowledge(%L, 1, ''{1}'')']) f;
select t.raises(format(f, '00000000-0000-0000-0000-000000000001'), 'framework_unknown',
                'framework_id', null,
                format('%s of an unknown framework is refused', substring(f from 'howdah\.(\w+)')),
                'fw_a')
from unnest(array['select * from howdah.updates_pending(%L, 1)',
                  'select howdah.update_acknowledge(%L, 1, ''{1}'')']) f;
select t.raises(format(f, :'fw', e), 'epoch_stale', 'epoch', e,
                format('%s with epoch %s is refused',
                substring(f from 'howdah\.(\w+)'), e), 'fw_a')
from unnest(array['select * from howdah.updates_pending(%L, %s)',
                  'select howdah.update_acknowledge(%L, %s, ''{1}'')']) f,
                  unnest('{0,2}'::text[]) e;

-- --- fail-over, history, the end -----------------------------------------------------------------

select t.report(:'y', 'finished', '{"exit_code": 0}') is not null as a \gset
select t.as_login('fw_a',
                  format('select epoch from howdah.framework_register(''a'', framework_id => %L)',
                         :'fw')) as epoch \gset
select is(t.pending(:'fw'), 'y:finished',
          'after a fail-over the new self finds what was not acknowledged');
select t.raises(format('select howdah.update_acknowledge(%L, 1, %L)', :'fw', t.ids(:'fw')),
                'epoch_stale', 'epoch', '1',
                'and the former self acknowledges nothing any more', 'fw_a');
update howdah_private.task set terminal_at = now() - interval '1 hour'
    where terminal_at is not null;
select is(t.chore('history_roll'), 1, 'a task whose updates are all acknowledged moves to history');
select is(t.pending(:'fw', 'format(''%s|%s|%s'', task_name, agent_name, exit_code)'), 'y|two|0',
          'one whose last update waits stays, and the update is whole');
insert into howdah_private.task_update (framework_id, task_id, state) values (:'fw', :'x',
                                                                              'failed');
select is(t.pending(:'fw', 'task_name || agent_name', format(', %L', (t.ids(:'fw'))[1:1])), 'xone',
          'an update of a task in history has its name and agent, too');
select t.as_login('fw_b', format('select howdah.framework_teardown(%L, 1)', :'other'));
select is((select count(*) from howdah_private.task_update where framework_id = :'other'),
          0::bigint,
          'a framework that ends leaves no updates behind');
select t.report(:'z', 'killed') is not null as a \gset
select is((select count(*) from howdah_private.task_update where framework_id = :'other'),
          0::bigint,
          'and gets none any more');
select t.raises(format('select * from howdah.updates_pending(%L, 2)', :'other'),
                'framework_completed', 'framework_id', :'other',
                'nor may it ask', 'fw_b');

select * from finish();
