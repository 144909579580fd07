-- SPDX-License-Identifier: PostgreSQL
-- The mover over every state and every event, its guard, kill and reconcile.

\ir lib/open.psql

select t.fw('a') as fw \gset
select t.fw('b', 'default', 'fw_b') as other \gset
select t.ag('agent-1', '{"cpus": 1000, "mem": 1000000}') as ag \gset

-- --- the full product: a task in each state is sent each event -----------------------------------
-- Every task gets to its state by legal events. Nothing leads to lost yet, so no task is in it.

create temp table way (state text primary key, events text[]);
insert into way values
    ('staging', '{}'), ('starting', '{report_starting}'), ('running', '{report_running}'),
    ('killing', '{report_running,kill}'), ('unreachable', '{report_running,agent_lost}'),
    ('finished', '{report_finished}'), ('failed', '{report_failed}'), ('killed', '{report_killed}'),
    ('error', '{report_error}'), ('dropped', '{report_dropped}'),
    ('gone', '{report_running,missing}'),
    ('gone_by_operator', '{agent_removed}');
create temp table event_name (event text primary key);
insert into event_name values ('report_starting'), ('report_running'), ('report_finished'),
    ('report_failed'),
    ('report_killed'), ('report_error'), ('report_dropped'), ('kill'), ('missing'), ('agent_lost'),
    ('agent_removed'), ('expire'), ('report_lost'), ('no_such_event');
create temp table trial (state text, event text, task_id uuid, before_books jsonb,
                         before_events bigint,
                         before_updates bigint, returned integer, after_state text,
                         after_books jsonb,
                         after_events bigint, after_updates bigint, row_after jsonb);

do $$
declare
    v_fw uuid := (select framework_id from howdah_private.framework where name = 'a');
    v_ag uuid := (select agent_id from howdah_private.agent);
    v_case record;
    v_event text;
    v_trial trial;
begin
    for v_case in select w.state, w.events, e.event from way w cross join event_name e loop
        v_trial.state := v_case.state;
        v_trial.event := v_case.event;
        v_trial.task_id := t.task(v_fw, v_ag, v_case.state || ' ' || v_case.event,
                                  '{"cpus": 0.5, "mem": 10}');
        foreach v_event in array v_case.events loop
            perform howdah_private.tasks_step(array[v_trial.task_id], v_event, 'test');
        end loop;
        v_trial.before_books := t.books(v_ag);
        v_trial.before_events := (select count(*) from howdah_private.event
                                  where object_id = v_trial.task_id);
        v_trial.before_updates := (select count(*) from howdah_private.task_update
                                   where task_id = v_trial.task_id);
        v_trial.returned := howdah_private.tasks_step(array[v_trial.task_id], v_case.event,
                                                      'tester', 'why',
                                                      'in words', 7, 9);
        v_trial.after_state := (select state::text from howdah_private.task
                                where task_id = v_trial.task_id);
        v_trial.after_books := t.books(v_ag);
        v_trial.after_events := (select count(*) from howdah_private.event
                                 where object_id = v_trial.task_id);
        v_trial.after_updates := (select count(*) from howdah_private.task_update
                                  where task_id = v_trial.task_id);
        v_trial.row_after := (select to_jsonb(k) from howdah_private.task k
                              where task_id = v_trial.task_id);
        insert into trial values (v_trial.*);
    end loop;
end
$$;

select is(x.after_state, coalesce(howdah_private.task_next(x.state::howdah.task_state,
        x.event)::text, x.state),
          format('%s, %s: the task is %s', x.state, x.event,
                 coalesce('then ' || howdah_private.task_next(x.state::howdah.task_state,
                         x.event)::text,
                          'as before')))
from trial x order by x.state, x.event;

create temp view moved as
select x.*, x.state is distinct from x.after_state as changed,
       howdah_private.task_terminal(x.after_state::howdah.task_state)
       and not howdah_private.task_terminal(x.state::howdah.task_state) as ended
from trial x;
select is((select count(*) from moved where changed), 45::bigint,
          'so many of them changed the state');
select is_empty('select state, event, returned from moved where returned <> changed::integer',
                'tasks_step returns how many it changed');
select is_empty('select state, event from moved where after_events - before_events <> changed::integer',
                'each change is one event, no change is none');
select is_empty('select state, event from moved where after_updates - before_updates <> changed::integer',
                'each change is one update for the framework, no change is none');
select is_empty($$ select state, event, before_books, after_books from moved
                   where (before_books ->> 'cpus_allocated')::integer - coalesce((after_books ->> 'cpus_allocated')::integer,
                           0)
                         <> case when ended then 500 else 0 end
                      or (before_books ->> 'mem_allocated')::integer - coalesce((after_books ->> 'mem_allocated')::integer,
                              0)
                         <> case when ended then 10 else 0 end $$,
                'what ends gives its resources back, once, and nothing else does');
select is_empty($$ select state, event from moved
                   where howdah_private.task_terminal(after_state::howdah.task_state)
                         <> (row_after -> 'terminal_at' <> 'null') $$,
                'exactly the ended ones have terminal_at');
select is_empty($$ select state, event from moved where changed
                     and (row_after ->> 'reason' <> 'why' or row_after ->> 'message' <> 'in words'
                          or row_after ->> 'exit_code' <> '7' or row_after ->> 'signal' <> '9') $$,
                'a change keeps reason, message, exit code and signal');
select is_empty($$ select state, event from moved where not changed
                and row_after ->> 'reason' = 'why' $$,
                'an event without an edge leaves reason and message alone');
select is_empty($$ select x.state, x.event from moved x
                   join howdah_private.event e on e.object_id = x.task_id
                     and e.event_id = (select max(m.event_id) from howdah_private.event m
                                       where m.object_id = x.task_id)
                   where x.changed and (e.from_state, e.to_state, e.actor, e.cause, e.reason,
                                        e.message)
                         is distinct from (x.state, x.after_state, 'tester', x.event, 'why',
                                           'in words') $$,
                'the event says from where to where, who, by which event and why');
select is_empty($$ select x.state, x.event from moved x
                   where (x.row_after ->> 'started_at' is not null)
                         <> (x.after_state = 'running'
                             or x.state in ('running', 'killing', 'unreachable', 'gone')) $$,
                'started_at is set by the first running and kept');
select t.audit_clean('after the whole product the books are right');

-- --- many at once, none, unknown ones ------------------------------------------------------------

select is(howdah_private.tasks_step(null, 'kill', 'x'), 0, 'no tasks: none changed');
select is(howdah_private.tasks_step('{}', 'kill', 'x'), 0, 'an empty list: none changed');
select is(howdah_private.tasks_step(array[gen_random_uuid()], 'kill', 'x'), 0,
          'an unknown task: none changed');
select t.task(:'fw', :'ag', 'm1') as m1, t.task(:'fw', :'ag', 'm2') as m2,
    t.task(:'fw', :'ag', 'm3') as m3 \gset
select is(howdah_private.tasks_step(array[:'m1', :'m2', :'m1']::uuid[], 'report_running', 'x'), 2,
          'a task that is named twice changes once');
select is(howdah_private.tasks_step(array[:'m1', :'m2', :'m3']::uuid[], 'missing', 'x'), 2,
          'of several, those that have the edge change');
select is(t.state(:'m1') || ' ' || t.state(:'m3'), 'gone staging', 'and the others stay');
select howdah_private.tasks_step(array[:'m3']::uuid[], 'report_failed', 'x', 'r',
                                 repeat('m', 5000));
select is((select length(message) from howdah_private.task where task_id = :'m3'), 2000,
          'a message is cut to 2,000 characters');
select t.audit_clean('and the books are right');

-- --- the guard -----------------------------------------------------------------------------------

select t.task(:'fw', :'ag', 'guarded') as guarded \gset
select t.raises(format('update howdah_private.task set state = %L where task_id = %L', s.state,
                       :'guarded'), 'edge_illegal', 'state',
                'staging -> ' || s.state,
                format('not even the owner moves a task from staging to %s', s.state))
from (values ('lost'), ('gone')) as s (state);
select howdah_private.tasks_step(array[:'guarded']::uuid[], 'report_finished', 'x');
select t.raises(format('update howdah_private.task set state = %L where task_id = %L', s.state,
                       :'guarded'), 'edge_illegal', 'state',
                'finished -> ' || s.state,
                format('nothing brings an ended task back to %s', s.state))
from unnest(enum_range(null::howdah.task_state)) as s (state) where s.state <> 'finished';
select lives_ok(format('update howdah_private.task set state = ''finished'', message = ''x'' where task_id = %L',
                       :'guarded'),
                'setting a state to itself is no change');

-- --- task_kill -----------------------------------------------------------------------------------

select t.task(:'fw', :'ag', 'k1') as k1, t.task(:'fw', :'ag', 'k2') as k2,
    t.task(:'fw', :'ag', 'k3', extra => '{"kill_grace_s": 8}') as k3,
       t.task(:'other', :'ag', 'k4') as k4 \gset
create function t.kill(framework uuid, tasks uuid[], grace text default 'null')
returns text
language sql
as $$
    select string_agg(x, ' ') from t.as_login(t.principal_of(framework), format(
        'select k.state || case when k.known then '''' else ''?'' end from howdah.task_kill(%L, %s, %L, %s) k',
        framework, t.epoch_of(framework), tasks, grace)) x;
$$;
select is(t.kill(:'fw', array[:'k1', :'k2']::uuid[], '4'), 'killing killing',
          'killing says the state after it');
select is((select string_agg(kill_grace_s::text, ' ') from howdah_private.task
           where name in ('k1', 'k2')), '4 4', 'the grace is kept');
select is((select reason from howdah_private.task where task_id = :'k1'), 'killed_by_request',
          'the reason is a request');
select is((select actor || ' ' || cause from howdah_private.event where object_id = :'k1'
           order by event_id desc limit 1), 'framework kill',
          'the event says that the framework killed it');
select is(t.kill(:'fw', array[:'k1']::uuid[]), 'killing', 'killing twice is no error');
select is((select count(*) from howdah_private.event where object_id = :'k1'), 1::bigint,
          'and no second event');
select is(t.kill(:'fw', array[:'k1']::uuid[], '0'), 'killing',
          'a second kill may shorten the grace');
select is((select kill_grace_s from howdah_private.task where task_id = :'k1'), 0,
          'the new grace counts');
select is(t.kill(:'fw', array[:'k3']::uuid[]), 'killing', 'a kill without grace');
select is((select kill_grace_s from howdah_private.task where task_id = :'k3'), 8,
          'leaves the task''s own');
select is(t.kill(:'fw', array[:'k4', :'guarded', gen_random_uuid()]::uuid[]),
          'unknown? finished unknown?',
          'another framework''s task and one that never was are unknown, an ended one says how it ended');
select is(t.state(:'k4'), 'staging', 'another framework''s task is not killed');
select is(t.kill(:'fw', '{}'), null, 'killing nothing is no error');
select is((select string_agg(e ->> 'task_id' || ':' || (e ->> 'grace_s'), ' '
                             order by e ->> 'grace_s')
           from jsonb_array_elements(t.sync(:'ag',
                                            jsonb_build_object('running',
                                                    t.held(:'ag'))) -> 'kill') e
           where e ->> 'task_id' in (:'k1', :'k3')), :'k1' || ':0 ' || :'k3' || ':8',
          'the agent is told whom to kill, with which grace');
select t.raises(format('select howdah.task_kill(%L, 1, array[%L]::uuid[], %s)', :'fw', :'k2',
                       v.grace), 'value_invalid', 'grace_s', v.grace,
                format('a grace of %s s is refused', v.grace), 'fw_a')
from (values ('-1'), ('86401')) as v (grace);
select t.raises(format('select howdah.task_kill(%L, 7, array[%L]::uuid[])', :'fw', :'k2'),
                'epoch_stale', 'epoch', '7', 'a kill of a fenced self is refused', 'fw_a');
select t.raises(format('select howdah.task_kill(%L, 1, array[%L]::uuid[])', :'fw', :'k2'),
                'not_permitted', 'framework_id', :'fw',
                'a kill by another login is refused', 'fw_b');
begin isolation level repeatable read;
select t.raises(format('select howdah.task_kill(%L, 1, array[%L]::uuid[])', :'fw', :'k2'),
                'isolation_level', 'transaction_isolation', 'repeatable read',
                'a kill in a repeatable read transaction is refused', 'fw_a');
rollback;
begin;
select is(t.kill(:'other', array[:'k4']::uuid[]), 'killing',
          'a kill joins the caller''s transaction');
rollback;
select is(t.state(:'k4'), 'staging', 'and is undone with it');

-- --- operator_kill -------------------------------------------------------------------------------

select is((select string_agg(x, ' ') from t.as_login('op',
        format('select state || known from howdah.operator_kill(array[%L, %L]::uuid[], 2)', :'k4',
           gen_random_uuid())) x), 'killingtrue unknownfalse', 'an operator kills anybody''s task');
select is(t.rows(format('select reason, kill_grace_s from howdah_private.task where task_id = %L',
                        :'k4')), '(killed_by_operator,2)', 'the reason says who');
select t.raises(format('select howdah.operator_kill(array[%L]::uuid[], -5)', :'k4'),
                'value_invalid', 'grace_s', '-5', 'an operator''s grace is checked, too', 'op');
select t.denied(format('select howdah.operator_kill(array[%L]::uuid[])', :'k4'), l.login,
                format('login %s is no operator', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);

-- --- reconcile -----------------------------------------------------------------------------------

create function t.reconcile(framework uuid, tasks uuid[] default null)
returns text
language sql
as $$
    select string_agg(x, ', ') from t.as_login(t.principal_of(framework), format(
        'select concat_ws('' '', r.name, r.state, r.reason, r.exit_code, r.agent_name) from howdah.tasks_reconcile(%L, %s, %L) r',
        framework, t.epoch_of(framework), tasks)) x;
$$;
select t.fw('r') as fwr, t.fw('r2', 'default', 'fw_b') as fwr2 \gset
select is(t.reconcile(:'fwr'), null, 'a framework without tasks has nothing to reconcile');
select t.task(:'fwr', :'ag', 'r1') as r1 \gset
select t.task(:'fwr', :'ag', 'r2') as r2 \gset
select t.task(:'fwr', :'ag', 'r3') as r3, t.task(:'fwr2', :'ag', 'r4') as r4 \gset
select t.report(:'r2', 'running') is not null as x,
    t.report(:'r3', 'failed', '{"exit_code": 3, "reason": "command_exited"}') is not null as y \gset
select is(t.reconcile(:'fwr'),
          'r1 staging agent-1, r2 running agent-1, r3 failed command_exited 3 agent-1',
          'without ids: all that are live or not acknowledged, in the order they were made');
select is(t.reconcile(:'fwr', array[:'r3', :'r1']::uuid[]),
          'r3 failed command_exited 3 agent-1, r1 staging agent-1',
          'with ids: in the order of the ids');
select is(t.reconcile(:'fwr', array[gen_random_uuid(), :'r4']::uuid[]), 'unknown, unknown',
          'unknown tasks and other frameworks'' are unknown');
select is(t.reconcile(:'fwr', '{}'), null, 'no ids: no answer');
delete from howdah_private.task_update where task_id = :'r3';
select is(t.reconcile(:'fwr'), 'r1 staging agent-1, r2 running agent-1',
          'what has ended and is acknowledged is not listed');
select is(t.reconcile(:'fwr', array[:'r3']::uuid[]), 'r3 failed command_exited 3 agent-1',
          'but known when asked for');
select t.lead() is not null as led \gset
update howdah_private.task set terminal_at = terminal_at - interval '2 minutes'
where task_id = :'r3';
select cmp_ok(t.chore('history_roll'), '>', 0, 'it moves to history');
select is((select count(*) from howdah_private.task where task_id = :'r3'), 0::bigint,
          'away from the live table');
select is(t.reconcile(:'fwr', array[:'r3']::uuid[]), 'r3 failed command_exited 3 agent-1',
          'and is known still');
select t.raises(format('select howdah.tasks_reconcile(%L, 1)', :'fwr'), 'not_permitted',
                'framework_id', :'fwr', 'another login cannot reconcile it', 'fw_b');
select t.audit_clean('the books are right');

select * from finish();
