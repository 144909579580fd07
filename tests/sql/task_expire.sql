-- SPDX-License-Identifier: PostgreSQL
-- Tasks with stop_unreachable_s: which syncs prove contact, and when the leader counts the tasks of a
-- silent agent as stopped.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''agent_timeout_s'', ''1'')');
select t.lead() is not null as led \gset
select t.fw('a') as fw \gset
select t.ag('cut', '{"cpus": 8, "mem": 4096}') as cut, t.ag('other') as other \gset

create function t.stops(name text, agent uuid, extra jsonb default '{"stop_unreachable_s": 60, "kill_grace_s": 2}')
returns uuid
language sql
as $$ select t.task((select f.framework_id from howdah_private.framework f), agent, name,
                    '{"cpus": 1, "mem": 100}', extra); $$;
create function t.launched(answer jsonb)
returns text
language sql
as $$ select string_agg(e ->> 'name', ' ' order by e ->> 'name')
      from jsonb_array_elements(answer -> 'launch') e; $$;
create function t.logged(agent uuid, report jsonb)
returns boolean
language plpgsql
as $$
/* Whether this sync wrote to the log and commits synchronously. */
declare
    v_before pg_lsn := pg_current_wal_insert_lsn();
    v_sync text;
begin
    set local synchronous_commit = local;
    perform t.sync(agent, report);
    v_sync := current_setting('synchronous_commit');
    set local synchronous_commit = default;
    return pg_current_wal_insert_lsn() > v_before and v_sync = 'on';
end
$$;

-- --- when it is sure -----------------------------------------------------------------------------

select is(howdah_private.task_stop_after('{"stop_unreachable_s": 60, "kill_grace_s": 2}'),
          interval '77.124 s', 'the time, the grace, 0.2 % of both and 15 s');
select is(howdah_private.task_stop_after('{"stop_unreachable_s": 5}'), interval '25.02 s',
          'without a grace 5 s are counted');
select is(howdah_private.task_stop_after('{"stop_unreachable_s": 86400, "kill_grace_s": 0}'),
          interval '24:00:00' + interval '187.8 s', 'a day is possible');

-- --- which answers are confirmed -----------------------------------------------------------------

select is(t.sync(:'other', '{"confirm": false}') -> 'confirmed', null,
          'who does not ask for confirmation gets none');
select is(t.sync(:'other', '{"confirm": true}') -> 'confirmed', 'true', 'who asks for it gets it');
select ok(not t.logged(:'other', '{"confirm": false}'), 'a sign of life writes no log and waits for nobody');
select ok(t.logged(:'other', '{"confirm": true}'),
          'a confirmed one does, synchronously whatever the session says');
select throws_like(format('select t.sync(%L, ''{"confirm": 1}'')', :'other'),
                   '%confirm: true or false%', 'confirm is true or false');
select t.stops('early', :'other') as early, t.task(:'fw', :'other', 'plain') as plain \gset
select is(t.launched(t.sync(:'other', '{}')), 'plain',
          'an agent that does not know of it is not given such a task');
select is(t.sync(:'other', '{}') -> 'confirmed', null, 'and its answer is not confirmed');
select is(t.launched(t.sync(:'other', '{"confirm": false}')), 'early plain', 'one that does is');
select is(t.sync(:'other', '{"confirm": false}') -> 'confirmed', 'true',
          'by a confirmed answer, asked for or not');

-- --- the chore -----------------------------------------------------------------------------------

select t.books(:'cut') as empty \gset
select t.stops('s-running', :'cut') as running, t.stops('s-killing', :'cut') as killing,
       t.stops('s-long', :'cut', '{"stop_unreachable_s": 600}') as long,
       t.stops('s-staging', :'cut') as staging \gset
select t.report(:'running', 'running') is not null as x, t.report(:'killing', 'running') is not null as y,
       t.report(:'long', 'running') is not null as z \gset
select t.task(:'fw', :'cut', 'runs-on') as runs_on \gset
select t.report(:'runs_on', 'running') is not null as x \gset
select t.as_login('fw_a', format('select howdah.task_kill(%L, 1, %L)', :'fw',
                                 array[:'killing'::uuid])) is not null as x \gset
select t.books(:'cut') as full \gset
select t.age_agent(:'cut', '1 hour');
select is(t.chore('tasks_expire'), 0, 'tasks of an agent that is not unreachable are left alone');
update howdah_private.agent_heartbeat set seen_at = clock_timestamp() + interval '1 hour'
where agent_id = :'other';
select is(t.chore('agents_expire'), 1, 'the agent is found silent');
select is(t.state(:'running') || ' ' || t.state(:'staging'), 'unreachable unreachable',
          'its tasks are unreachable');

select t.age_agent(:'cut', '77 s');
select is(t.chore('tasks_expire'), 0, 'not before the time has passed');
select is(t.books(:'cut'), :'full'::jsonb, 'till then what they hold is held');
select t.age_agent(:'cut', '77.2 s');
select is(t.chore('tasks_expire'), 0, 'nor before it has passed since this server started');
-- This server has just started, which is not what the rest is about.
create or replace function howdah_private.silence_since()
returns timestamptz
language sql stable
as $$ select c.epoch_at from howdah_private.cell c; $$;
update howdah_private.cell set epoch_at = clock_timestamp() - interval '77 s';
select is(t.chore('tasks_expire'), 0, 'nor before it has passed in the present epoch');
update howdah_private.cell set epoch_at = clock_timestamp() - interval '1 day', timeline = 'FFFFFFFF';
select is(t.chore('tasks_expire'), 0, 'nor while the epoch is of another timeline');
update howdah_private.cell set timeline = howdah_private.wal_timeline();
update howdah_private.leader set expires_at = clock_timestamp() - interval '1 s';
select is(t.chore('tasks_expire'), 0, 'nor when the clock has jumped over the end of the lease');
update howdah_private.leader set expires_at = clock_timestamp() + interval '1 day',
    renewed_at = clock_timestamp() + interval '1 hour';
select is(t.chore('tasks_expire'), 0, 'nor when it went back');
update howdah_private.leader set renewed_at = clock_timestamp();
delete from howdah_private.agent_heartbeat where agent_id = :'cut';
select is(t.chore('tasks_expire'), 0, 'an agent whose heartbeat a crash took has a whole period');
select t.age_agent(:'cut', '77.2 s');
select howdah_private.tasks_step(array[:'killing'::uuid], 'report_running', 'agent') is not null as late \gset
select is(t.chore('tasks_expire'), 3,
          'then they are stopped, also one that a report made running while its agent was found silent');
select is(t.state(:'running') || ' ' || t.state(:'killing') || ' ' || t.state(:'staging') || ' '
          || t.state(:'long') || ' ' || t.state(:'runs_on'),
          'gone gone gone unreachable unreachable',
          'they are gone; one with a longer time and one without are not');
select is(t.rows(format('select state, reason from howdah_private.task_update where task_id = %L
                         order by update_id desc limit 1', :'running')),
          '(gone,stopped_unreachable)', 'the framework is told, with a reason');
select is(t.rows(format('select from_state, to_state, reason, actor, cause from howdah_private.event
                         where object_id = %L order by event_id desc limit 1', :'running')),
          '(unreachable,gone,stopped_unreachable,coordinator,expire)', 'the event says why');
select is((select p.cpus_free::bigint from howdah_private.agent_pool p where p.agent_id = :'cut'), 6900::bigint,
          'what they held is free');
select t.audit_clean('the books are right');
select is(t.chore('tasks_expire'), 0, 'once');

-- --- the agent returns ---------------------------------------------------------------------------

select t.sync(:'cut', jsonb_build_object('confirm', true, 'running', jsonb_build_array(
                  :'running', :'long', :'runs_on'))) as answer \gset
select is(:'answer'::jsonb -> 'forget', jsonb_build_array(:'running'),
          'an agent that returns is told to kill what is gone');
select is(t.state(:'running') || ' ' || t.state(:'long') || ' ' || t.state(:'runs_on'),
          'gone running running', 'the others run on');
select t.sync(:'cut', jsonb_build_object('confirm', true, 'running', jsonb_build_array(:'long', :'runs_on'),
    'updates', jsonb_build_array(jsonb_build_object('task_id', :'running', 'state', 'killed',
                                                    'reason', 'stopped_unreachable')))) is not null as x \gset
select is(t.state(:'running'), 'gone', 'its late report changes nothing');
select t.report(:'long', 'killed', '{"reason": "stopped_unreachable"}') is not null as x \gset
select is(t.state(:'long'), 'killed', 'an agent that is back in time reports the end itself');
select t.audit_clean('the books are right at the end');

select * from finish();
