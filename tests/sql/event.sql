-- SPDX-License-Identifier: PostgreSQL
-- event_add: one row for each state change, with its cause.

\ir lib/open.psql

select howdah_private.event_add('agent', '00000000-0000-0000-0000-000000000001', 'active', 'gone',
                                'operator', 'remove');
select howdah_private.event_add('task', '00000000-0000-0000-0000-000000000002', null, 'staging',
                                'framework', 'claim', 'why', 'in words', '{"n": 1}');

select results_eq(
    $$ select object_kind, object_id::text, from_state, to_state, actor, cause, reason, message,
                  detail
       from howdah_private.event order by event_id $$,
    $$ values ('agent', '00000000-0000-0000-0000-000000000001', 'active', 'gone', 'operator',
               'remove',
               null, null, null::jsonb),
              ('task', '00000000-0000-0000-0000-000000000002', null, 'staging', 'framework',
               'claim',
               'why', 'in words', '{"n": 1}') $$,
    'an event keeps from, to, who, by which rule, and why');
select ok(bool_and(at between now() - interval '1 minute' and clock_timestamp()),
          'an event has its time')
from howdah_private.event;
select ok(count(distinct event_id) = count(*), 'an event has a number of its own')
from howdah_private.event;
select throws_ok($$ select howdah_private.event_add('agent', '00000000-0000-0000-0000-000000000001',
                                                    null,
                                                    'gone', null, 'remove') $$, '23502', null,
                 'an event without an actor is refused');
select throws_ok($$ select howdah_private.event_add('agent', '00000000-0000-0000-0000-000000000001',
                                                    null,
                                                    'gone', 'operator', null) $$, '23502', null,
                 'an event without a cause is refused');
select throws_ok($$ select howdah_private.event_add('agent', null, null, 'gone', 'operator',
                                                    'remove') $$,
                 '23502', null, 'an event about nothing is refused');

-- --- the whole life of one task, read from its events --------------------------------------------

select t.fw('a') as fw \gset
select t.ag('agent-1') as ag \gset
select t.task(:'fw', :'ag', 'life') as task \gset
select t.sync(:'ag') is not null as synced \gset
select t.report(:'task', 'starting') is not null as synced \gset
select t.report(:'task', 'running') is not null as synced \gset
select t.report(:'task', 'failed', '{"reason": "command_exited", "exit_code": 3, "message": "no"}')
    is not null as synced \gset
select results_eq(
    format($$ select from_state, to_state, reason, actor, cause, message
              from howdah.events where object_id = %L order by at, event_id nulls first $$,
           :'task'),
    $$ values (null, 'staging', null, 'framework', 'claim', null),
              ('staging', 'starting', null, 'agent', 'report_starting', null),
              ('starting', 'running', null, 'agent', 'report_running', null),
              ('running', 'failed', 'command_exited', 'agent', 'report_failed', 'no') $$,
    'the events of a task tell its whole life in order');
select ok(bool_and(at >= lag), 'the events of a task are in the order of time')
from (select at, coalesce(lag(at) over (order by event_id), '-infinity') as lag
      from howdah_private.event where object_id = :'task') e;
select is((select detail ->> 'claim_key' from howdah.events where object_id = :'task'
           and to_state = 'staging'),
          (select claim_key::text from howdah_private.task where task_id = :'task'),
          'the first event of a task names the claim that made it');
select is((select count(*) from howdah_private.event where object_kind = 'framework'
           and object_id = :'fw'),
          1::bigint, 'registering a framework is an event');
select is((select count(*) from howdah_private.event where object_kind = 'agent'
           and object_id = :'ag'),
          1::bigint, 'registering an agent is an event');

select * from finish();
