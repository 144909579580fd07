-- SPDX-License-Identifier: PostgreSQL
-- agent_sync: desired state against actual state. What is said once may be lost or said again or come
-- late; the books end up the same.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''agent_timeout_s'', ''1'')');
select t.lead() is not null as led \gset
select t.fw('a') as fw \gset
select t.ag('agent-1',
            '{"cpus": 100, "mem": 100000, "ports": [[31000, 31009]], "sets": {"g": ["0", "1"]}, "scalars": {"l": 5}}') as ag,
    t.ag('agent-2') as ag2 \gset

create function t.launched(answer jsonb)
returns text
language sql
as $$ select string_agg(e ->> 'name', ' ' order by n)
from jsonb_array_elements(answer -> 'launch') with ordinality as x (e, n); $$;
create function t.killed(answer jsonb)
returns text
language sql
as $$ select string_agg(k.name || ':' || (e ->> 'grace_s'), ' ' order by k.name)
      from jsonb_array_elements(answer -> 'kill') e
join howdah_private.task k on k.task_id::text = e ->> 'task_id'; $$;
create function t.update(task uuid, state text, extra jsonb default '{}')
returns jsonb
language sql
as $$ select jsonb_build_object('task_id', task, 'state', state) || extra; $$;
create function t.say(agent uuid, updates jsonb, running jsonb, seq bigint default null)
returns jsonb
language sql
as $$ select t.sync(agent, jsonb_strip_nulls(jsonb_build_object('updates', updates, 'running',
        running, 'seq', seq))); $$;

-- --- nothing to do -------------------------------------------------------------------------------

select is(t.sync(:'ag', '{}') - 'cell',
          '{"epoch": 1, "next_poll_ms": 500, "launch": [], "kill": [], "forget": [], "logs": []}',
          'an idle agent is told its epoch and when to come again');
select t.digest() as before \gset
select t.sync(:'ag',
              '{"updates": [], "running": [], "usage": [], "logs": []}') is not null as x \gset
select is(t.digest(), :'before', 'a sync without news changes nothing but the heartbeat');
select t.age_agent(:'ag', '1 hour');
select t.sync(:'ag') is not null as x \gset
select ok(seen_at > clock_timestamp() - interval '1 minute', 'every sync is a sign of life')
from howdah_private.agent_heartbeat where agent_id = :'ag';

-- --- launch: repeated until something is reported ------------------------------------------------

select t.task(:'fw', :'ag', 'one',
              '{"cpus": 0.5, "mem": 64, "ports": 2, "sets": {"g": 1}, "scalars": {"l": 2}}',
              '{"environment": {"A": "1"}, "kill_grace_s": 9}') as one \gset
select t.task(:'fw', :'ag2', 'elsewhere') as elsewhere \gset
select is(t.launched(t.sync(:'ag')), 'one',
          'an agent is told to launch its own task and no other''s');
select is(t.sync(:'ag') #> '{launch,0}',
          jsonb_build_object('task_id', :'one', 'framework_id', :'fw', 'name', 'one', 'revocable',
                             false, 'user', null,
          'resources', '{"cpus": 0.5, "mem": 64, "disk": 0, "gpus": 0, "ports": [[31000, 31001]], "sets": {"g": ["0"]}, "scalars": {"l": 2}}'::jsonb,
          'spec', t.spec('one', :'ag',
                         '{"cpus": 0.5, "mem": 64, "ports": 2, "sets": {"g": 1}, "scalars": {"l": 2}}',
                         '{"environment": {"A": "1"}, "kill_grace_s": 9}') - '{name,agent}'::text[]),
          'the launch has the concrete ports and items, and the spec that was claimed');
select is((t.sync(:'ag') ->> 'next_poll_ms')::integer, 50,
          'an agent with something to launch is asked to come again soon');
select is(t.launched(t.sync(:'ag')), 'one',
          'however often it asks, the launch is repeated: an answer may be lost');
select is(t.launched(t.say(:'ag', '[]', '[]')), 'one',
          'not holding it is no news while it is in staging');
select is(t.state(:'one'), 'staging', 'and does not end it');
select is(t.launched(t.say(:'ag', jsonb_build_array(t.update(:'one', 'starting')),
                           jsonb_build_array(:'one'))), null,
          'once it is reported the launch stops');
select is(t.state(:'one'), 'starting', 'the update is taken');
select is(t.say(:'ag', '[]', jsonb_build_array(:'one')) -> 'launch', '[]', 'and it stays so');

-- --- updates -------------------------------------------------------------------------------------

select t.digest() as before \gset
select t.say(:'ag', jsonb_build_array(t.update(:'one', 'starting')),
             jsonb_build_array(:'one')) is not null as x \gset
select is(t.digest(), :'before', 'a repeated update changes nothing');
select t.say(:'ag', jsonb_build_array(t.update(:'one', 'running')),
             jsonb_build_array(:'one')) is not null as x \gset
select t.digest() as before \gset
select t.say(:'ag', jsonb_build_array(t.update(:'one', 'starting'), t.update(:'one', 'running')),
             jsonb_build_array(:'one')) is not null as x \gset
select is(t.digest(), :'before', 'old updates that come again do not turn the clock back');
select t.say(:'ag', jsonb_build_array(t.update(:'one', 'finished',
                                               '{"exit_code": 0, "reason": "command_exited", "message": "done"}')),
             '[]') is not null as x \gset
select is(t.rows(format('select state, exit_code, reason, message from howdah_private.task where task_id = %L',
                        :'one')), '(finished,0,command_exited,done)',
          'an end comes with exit code, reason and message');
select is(t.books(:'ag'), '{}', 'and gives everything back');
select t.digest() as before \gset
select t.say(:'ag', jsonb_build_array(t.update(:'one', u.state)), '[]') is not null as x
from unnest('{starting,running,finished,failed,killed,error,dropped}'::text[]) as u (state);
select is(t.digest(), :'before', 'no later update changes how a task ended');
select is((select string_agg(u.state::text, ' ' order by update_id)
           from howdah_private.task_update u where u.task_id = :'one'), 'starting running finished',
          'its framework is told each change once');
select t.task(:'fw', :'ag', 'two') as two, t.task(:'fw', :'ag', 'three') as three \gset
select t.say(:'ag', jsonb_build_array(t.update(:'two', 'starting'), t.update(:'three', 'starting'),
                                      t.update(:'two', 'running'),
                                      t.update(:'two', 'failed', '{"exit_code": 3}'),
                                      t.update(:'three', 'running')),
             jsonb_build_array(:'three')) is not null as x \gset
select is(t.state(:'two') || ' ' || t.state(:'three'), 'failed running',
          'a report may tell a whole life');
select is((select string_agg(u.state::text, ' ' order by update_id)
           from howdah_private.task_update u where u.task_id = :'two'), 'starting running failed',
          'of which the framework is told every step, in order');
select t.task(:'fw', :'ag', 'quick') as quick \gset
select t.say(:'ag', jsonb_build_array(t.update(:'quick', 'running')),
             jsonb_build_array(:'three')) is not null as x \gset
select is(t.state(:'quick'), 'running',
          'what an update says to be running is held, even where the list lacks it');
select t.say(:'ag', jsonb_build_array(t.update(:'quick', 'finished')),
             jsonb_build_array(:'three')) is not null as x \gset
select t.say(:'ag2', jsonb_build_array(t.update(:'three', 'failed')), '[]') is not null as x \gset
select is(t.state(:'three'), 'running', 'an agent cannot report another agent''s task');
select t.say(:'ag', jsonb_build_array(t.update(gen_random_uuid(), 'failed')),
             jsonb_build_array(:'three')) is not null as x \gset
select is(t.state(:'three'), 'running', 'an update about an unknown task is passed over');
select is((t.say(:'ag', jsonb_build_array(t.update(:'three', 'failed',
                                                   '{"signal": 9, "reason": "memory_limit"}')),
                 '[]') ->> 'next_poll_ms')::integer, 50,
          'after news an agent is asked to come again soon');
select is(t.rows(format('select state, signal, reason, exit_code from howdah_private.task where task_id = %L',
                        :'three')), '(failed,9,memory_limit,)', 'a signal is kept');

-- --- what an agent does not hold is gone ---------------------------------------------------------

select t.task(:'fw', :'ag', 'g-staging') as g1, t.task(:'fw', :'ag', 'g-starting') as g2,
    t.task(:'fw', :'ag', 'g-running') as g3, t.task(:'fw', :'ag', 'g-killing') as g4,
       t.task(:'fw', :'ag', 'g-held') as g5 \gset
select t.report(:'g2', 'starting') is not null as a, t.report(:'g3', 'running') is not null as b,
    t.report(:'g4', 'running') is not null as c, t.report(:'g5', 'running') is not null as d \gset
select t.as_login('fw_a', format('select howdah.task_kill(%L, 1, array[%L]::uuid[])', :'fw',
                                 :'g4'));
select t.say(:'ag', '[]', jsonb_build_array(:'g5')) as answer \gset
select is(t.state(:'g1') || ' ' || t.state(:'g2') || ' ' || t.state(:'g3') || ' ' || t.state(:'g4')
          || ' ' || t.state(:'g5'), 'staging gone gone killed running',
          'what the agent does not hold is gone, what was to be killed is killed, what it was not yet told of stays');
select is((select string_agg(distinct reason, ' ') from howdah_private.task
           where task_id in (:'g2', :'g3', :'g4')), 'not_on_agent', 'the reason says so');
select is(t.books(:'ag'), '{"cpus_allocated": 200, "mem_allocated": 64}',
          'what is gone holds nothing');
select is(:'answer'::jsonb -> 'forget', '[]', 'the agent need not forget what it holds rightly');

-- --- forget --------------------------------------------------------------------------------------

select is(t.say(:'ag', '[]', jsonb_build_array(:'g5', :'g3',
                                               '00000000-0000-0000-0000-00000000dead')) -> 'forget',
          jsonb_build_array(:'g3', '00000000-0000-0000-0000-00000000dead'),
          'what the agent holds and should not, ended or unknown, it is told to forget');
select is(t.say(:'ag', '[]', jsonb_build_array(:'g5', :'elsewhere')) -> 'forget',
          jsonb_build_array(:'elsewhere'), 'another agent''s task it is told to forget, too');
select is(t.state(:'elsewhere'), 'staging', 'which does not touch that task');

-- --- kill ----------------------------------------------------------------------------------------

select t.task(:'fw', :'ag', 'k-own', extra => '{"kill_grace_s": 7}') as k1,
    t.task(:'fw', :'ag', 'k-cell') as k2,
    t.task(:'fw', :'ag', 'k-asked', extra => '{"kill_grace_s": 7}') as k3 \gset
select t.report(:'k1', 'running') is not null as a, t.report(:'k2', 'running') is not null as b,
    t.report(:'k3', 'running') is not null as c \gset
select t.as_login('fw_a', format('select howdah.task_kill(%L, 1, array[%L, %L]::uuid[])', :'fw',
                                 :'k1', :'k2'));
select t.as_login('fw_a', format('select howdah.task_kill(%L, 1, array[%L]::uuid[], 1)', :'fw',
                                 :'k3'));
select is(t.killed(t.say(:'ag', '[]', t.held(:'ag'))), 'k-asked:1 k-cell:3 k-own:7',
          'the grace is what the kill said, else the task''s own, else the cell''s');
select is(t.killed(t.say(:'ag', '[]', t.held(:'ag'))), 'k-asked:1 k-cell:3 k-own:7',
          'a kill is repeated');
select t.as_login('op', 'select howdah.setting_set(''kill_grace_s'', ''30'')');
select is(t.killed(t.say(:'ag', jsonb_build_array(t.update(:'k1', 'killed', '{"signal": 15}')),
                         t.held(:'ag') - :'k1')), 'k-asked:1 k-cell:30',
          'until the task has ended');
select t.say(:'ag', jsonb_build_array(t.update(:'k2', 'running')),
             t.held(:'ag')) is not null as x \gset
select is(t.state(:'k2'), 'killing', 'a late word that it runs does not stop the kill');
select t.say(:'ag', jsonb_build_array(t.update(:'k2', 'finished', '{"exit_code": 0}')),
             t.held(:'ag') - :'k2') is not null as x \gset
select is(t.state(:'k2'), 'finished',
          'a task that ended by itself before the kill arrived has finished');
select t.task(:'fw', :'ag', 'k-unborn') as k4 \gset
select t.as_login('fw_a', format('select howdah.task_kill(%L, 1, array[%L]::uuid[])', :'fw',
                                 :'k4'));
select t.say(:'ag', '[]', t.held(:'ag') - :'k4') as answer \gset
select is(t.state(:'k4'), 'killed',
          'a task that is killed before its agent ever took it is killed with the next sync');
select is(t.launched(:'answer'), 'g-staging',
          'and is never launched, unlike the one that still waits');

-- --- late and repeated reports -------------------------------------------------------------------

select t.task(:'fw', :'ag', 'seq') as seq \gset
select t.say(:'ag', jsonb_build_array(t.update(:'seq', 'running')), t.held(:'ag')
             || jsonb_build_array(:'seq'), 10) is not null as x \gset
select is(t.state(:'seq'), 'running', 'report 10 is taken');
select t.digest() as before \gset
select is(t.say(:'ag', '[]', '[]', 9) -> 'stale', 'true', 'report 9, which comes late, is stale');
select is(t.digest(), :'before', 'and ends nothing, although it lacks what runs since');
select is(t.say(:'ag', '[]', '[]', 9) - 'stale' - 'next_poll_ms' - 'cell',
          '{"epoch": 1, "launch": [], "kill": [], "forget": [], "logs": []}',
          'its answer asks for nothing');
select is(t.say(:'ag', '[]', t.held(:'ag'), 10) ? 'stale', false,
          'report 10, sent again because its answer was lost, is taken');
select is(t.say(:'ag', jsonb_build_array(t.update(:'seq', 'finished')), t.held(:'ag') - :'seq',
                11) ? 'stale', false, 'report 11 is taken');
select is(t.state(:'seq'), 'finished', 'and counts');
select t.as_login('ag_a',
                  format('select epoch from howdah.agent_register(''agent-1'', ''h'', %L, agent_id => %L)',
    '{"cpus": 100, "mem": 100000, "ports": [[31000, 31009]], "sets": {"g": ["0", "1"]}, "scalars": {"l": 5}}',
                         :'ag'));
select is(t.say(:'ag', '[]', t.held(:'ag'), 1) ? 'stale', false,
          'a new incarnation counts from the beginning');

-- --- silence and return --------------------------------------------------------------------------

select t.task(:'fw', :'ag2', 'u-runs') as u1, t.task(:'fw', :'ag2', 'u-ended') as u2,
    t.task(:'fw', :'ag2', 'u-lost') as u3, t.task(:'fw', :'ag2', 'u-unborn') as u4 \gset
select t.report(task_id, 'running') is not null as x from howdah_private.task
where name in ('u-runs', 'u-ended', 'u-lost', 'elsewhere') and agent_id = :'ag2';
select t.age_agent(:'ag2', '2 s'), t.age_agent(:'ag', '-1 hour');
select is(t.chore('agents_expire'), 1, 'agent-2 falls silent');
select is((select string_agg(distinct state::text, ' ') from howdah_private.task
           where agent_id = :'ag2'), 'unreachable', 'all its tasks are unreachable');
select t.books(:'ag2') as books \gset
select t.say(:'ag2', jsonb_build_array(t.update(:'u2', 'finished', '{"exit_code": 0}')),
             jsonb_build_array(:'u1', :'elsewhere')) as answer \gset
select is(t.rows(format('select a.state, p.open from howdah_private.agent a join howdah_private.agent_pool p using (agent_id) where agent_id = %L',
                        :'ag2')), '(active,t)',
          'heard from again, it is active and takes claims');
select is(t.state(:'u1') || ' ' || t.state(:'u2') || ' ' || t.state(:'u3') || ' ' || t.state(:'u4'),
          'running finished gone gone',
          'what it still holds runs again, what ended meanwhile has ended, what it does not have is gone');
select is((select string_agg(u.state::text, ' ' order by update_id)
           from howdah_private.task_update u where u.task_id = :'u1'),
          'running unreachable running',
          'the framework was told all of it');
select is((select reason from howdah_private.task where task_id = :'u1'), 'agent_returned',
          'and why');
select is((select cause || ' ' || from_state from howdah_private.event where object_id = :'ag2'
           order by event_id desc limit 1), 'sync unreachable', 'the return is an event');
select is(:'answer'::jsonb -> 'launch', '[]', 'nothing that was given up is launched after all');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('after', :'ag2'))), 'committed',
          'claims go through again');
select t.audit_clean('the books are right');

-- A framework that was torn down while its agent was silent must not leave tasks running for ever.
select t.fw('doomed') as doomed \gset
select t.task(:'doomed', :'ag2', 'orphan') as orphan \gset
select t.report(:'orphan', 'running') is not null as x \gset
select t.age_agent(:'ag2', '2 s');
select t.chore('agents_expire') is not null as x \gset
select t.as_login('fw_a', format('select howdah.framework_teardown(%L, 1)', :'doomed'));
select t.say(:'ag2', '[]', t.held(:'ag2')) is not null as x \gset
select is(t.state(:'orphan'), 'killing',
        'a task whose framework ended while its agent was silent is killed when the agent returns');
select is(t.killed(t.say(:'ag2', '[]', t.held(:'ag2'))) like '%orphan:%', true,
          'the agent is told to kill it');

-- --- a kill that was under way when its agent fell silent --------------------------------------------

select t.fw('patient') as patient \gset
select t.task(:'patient', :'ag2', 'condemned', extra => '{"kill_grace_s": 9}') as condemned,
       t.task(:'patient', :'ag2', 'spared') as spared \gset
select t.report(:'condemned', 'running') is not null as x,
       t.report(:'spared', 'running') is not null as y \gset
select t.as_login('fw_a', format('select state from howdah.task_kill(%L, 1, array[%L]::uuid[])',
                                 :'patient', :'condemned')) \g /dev/null
select is(t.fall_silent(:'ag2'), 1, 'an agent falls silent with a kill under way');
select is(t.state(:'condemned'), 'unreachable', 'nobody knows whether it was killed');
select t.say(:'ag2', '[]', t.held(:'ag2')) as answer \gset
select is(t.state(:'condemned'), 'killing', 'when the agent comes back with the task the kill goes on');
select is(t.killed(:'answer') like '%condemned:9%', true, 'the agent is told to, with the grace period');
select is(t.state(:'spared'), 'running', 'a task that nobody wanted to kill runs on');
select is((select string_agg(u.state::text, ' ' order by u.update_id) from howdah_private.task_update u
           where u.task_id = :'condemned'), 'running killing unreachable running killing',
          'the framework is told of each step');
select is((select u.reason from howdah_private.task_update u where u.task_id = :'condemned'
           order by u.update_id desc limit 1), 'killed_by_request', 'and that it had asked for it');
select is(t.fall_silent(:'ag2'), 1, 'it falls silent again');
select t.say(:'ag2', jsonb_build_array(t.update(:'condemned', 'running')), t.held(:'ag2')) is not null as x \gset
select is(t.state(:'condemned'), 'killing', 'a report that it runs does not save it either');
select is(t.fall_silent(:'ag2'), 1, 'and again');
select t.say(:'ag2', jsonb_build_array(t.update(:'condemned', 'killed')),
             t.held(:'ag2') - :'condemned'::text) is not null as x \gset
select is(t.state(:'condemned'), 'killed', 'an agent that comes back having killed it says so');

-- A kill that is asked for while the agent is silent.
select is(t.state(:'spared'), 'running', 'the agent is back');
select is(t.fall_silent(:'ag2'), 1, 'an agent falls silent with a task');
select is(k, 'unreachable t', 'nobody can kill it now')
from generate_series(1, 2), t.as_login('fw_a', format(
    'select state || '' '' || left(known::text, 1) from howdah.task_kill(%L, 1, array[%L]::uuid[], 4)',
    :'patient', :'spared')) k;
select is(t.rows(format('select from_state, to_state, actor, reason from howdah.events
                         where object_id = %L and cause = ''kill''', :'spared')),
          '(,,framework,killed_by_request)', 'but the wish is kept, once');
select is((select u.state::text from howdah_private.task_update u where u.task_id = :'spared'
           order by u.update_id desc limit 1), 'unreachable', 'the framework is told of no change');
select t.say(:'ag2', '[]', t.held(:'ag2')) as answer \gset
select is(t.state(:'spared'), 'killing', 'when the agent comes back with the task, it is killed');
select is(t.killed(:'answer') like '%spared:4%', true, 'with the grace period of the wish');
select is((select u.reason from howdah_private.task_update u where u.task_id = :'spared'
           order by u.update_id desc limit 1), 'killed_by_request', 'and the framework learns why');

-- --- usage and logs ------------------------------------------------------------------------------

select t.sync(:'ag2', jsonb_build_object('running', t.held(:'ag2'), 'usage', jsonb_build_array(
    jsonb_build_object('task_id', :'u1', 'cpu_ms', 100, 'mem_bytes', 5000, 'mem_peak_bytes', 9000,
                       'pids', 3)))) is not null as x \gset
select is(t.rows(format('select cpu_ms, mem_bytes, mem_peak_bytes, pids from howdah.tasks where task_id = %L',
                        :'u1')), '(100,5000,9000,3)', 'a usage sample shows in the view');
select t.sync(:'ag2', jsonb_build_object('running', t.held(:'ag2'), 'usage', jsonb_build_array(
    jsonb_build_object('task_id', :'u1', 'cpu_ms', 200, 'mem_bytes', 4000, 'mem_peak_bytes', 8000,
                       'pids', 2)))) is not null as x \gset
select is(t.rows(format('select cpu_ms, mem_bytes, mem_peak_bytes, pids from howdah.tasks where task_id = %L',
                        :'u1')), '(200,4000,9000,2)',
          'the newest one counts, but a peak stays a peak');
select t.sync(:'ag', jsonb_build_object('running', t.held(:'ag'), 'usage', jsonb_build_array(
    jsonb_build_object('task_id', :'u1', 'cpu_ms', 999)))) is not null as x \gset
select is((select cpu_ms from howdah.tasks where task_id = :'u1'), 200::bigint,
          'an agent cannot report the usage of another agent''s task');

-- --- who calls -----------------------------------------------------------------------------------

select t.raises(format('select howdah.agent_sync(%L, 1, ''{}'')', :'ag2'), 'not_permitted',
                'agent_id', :'ag2', 'another login''s agent is not one''s own', 'ag_b');
select t.raises('select howdah.agent_sync(''00000000-0000-0000-0000-00000000dead'', 1, ''{}'')',
                'agent_unknown', 'agent_id', '00000000-0000-0000-0000-00000000dead',
                'an unknown agent is refused', 'ag_a');
select t.raises('select howdah.agent_sync(null, 1, ''{}'')', 'agent_unknown', 'agent_id', null,
                'no agent is refused', 'ag_a');
select t.raises(format('select howdah.agent_sync(%L, %s, ''{}'')', :'ag2', e.epoch), 'epoch_stale',
                'epoch', nullif(e.epoch, 'null'), format('epoch %s is refused', e.epoch), 'ag_a')
from (values ('0'), ('2'), ('null')) as e (epoch);
select is((select count(*) from howdah_private.agent_heartbeat
           where agent_id = '00000000-0000-0000-0000-00000000dead'), 0::bigint,
          'a refused call leaves no heartbeat');
select t.denied(format('select howdah.agent_sync(%L, 1, ''{}'')', :'ag2'), l.login,
                format('login %s is no agent', l.login))
from unnest('{fw_a,co,op,obs}'::text[]) as l (login);

-- --- bad reports: nothing of them is taken -------------------------------------------------------

select t.raises(format('select howdah.agent_sync(%L, 1, %L)', :'ag2', v.report), 'value_invalid',
                'report', left(v.report::jsonb::text, 80),
                format('a report with %s is refused', v.what), 'ag_a')
from (values
    ('[]', 'a list around it'), ('"x"', 'a string around it'), ('null', 'nothing in it'),
      ('{"updates": {}}', 'updates that are an object'),
    ('{"updates": null}', 'updates that are null'), ('{"running": "x"}', 'a string of tasks'),
      ('{"usage": 5}', 'a number as usage'), ('{"logs": {}}', 'logs that are an object'),
    ('{"seq": "1"}', 'a sequence number in quotes'),
      ('{"seq": 1.5}', 'a sequence number in fractions'),
      ('{"seq": -1}', 'a negative sequence number'),
    ('{"seq": 1e30}', 'a sequence number that overflows'),
      ('{"running": ["x"]}', 'a task id that is none'), ('{"running": [5]}', 'a number as task id'),
    ('{"running": [null]}', 'a null as task id'),
      ('{"updates": [5]}', 'an update that is a number'), ('{"updates": [{}]}', 'an empty update'),
    ('{"updates": [{"task_id": "00000000-0000-0000-0000-000000000001"}]}',
     'an update without a state'),
    ('{"updates": [{"task_id": "x", "state": "running"}]}', 'an update about no uuid'),
    ('{"updates": [{"task_id": "00000000-0000-0000-0000-000000000001", "state": "sleeping"}]}',
     'an unknown state'),
    ('{"updates": [{"task_id": "00000000-0000-0000-0000-000000000001", "state": "unreachable"}]}',
     'a state that agents do not report'),
    ('{"updates": [{"task_id": "00000000-0000-0000-0000-000000000001", "state": "failed", "exit_code": "1"}]}',
     'an exit code in quotes'),
    ('{"updates": [{"task_id": "00000000-0000-0000-0000-000000000001", "state": "failed", "exit_code": 1.5}]}',
     'an exit code in fractions'),
    ('{"updates": [{"task_id": "00000000-0000-0000-0000-000000000001", "state": "failed", "exit_code": 99999999999}]}',
     'an exit code that overflows'),
    ('{"updates": [{"task_id": "00000000-0000-0000-0000-000000000001", "state": "failed", "signal": {}}]}',
     'a signal that is an object'),
    ('{"usage": [{}]}', 'usage of nothing'),
      ('{"usage": [{"task_id": "00000000-0000-0000-0000-000000000001", "cpu_ms": -1}]}',
       'a negative usage'),
    ('{"usage": [{"task_id": "00000000-0000-0000-0000-000000000001", "mem_bytes": "many"}]}',
     'a usage in words'),
    ('{"usage": [{"task_id": "00000000-0000-0000-0000-000000000001", "pids": 1e300}]}',
     'a usage that overflows'),
    ('{"logs": [{}]}', 'an answer to no request'),
      ('{"logs": [{"request_id": "1"}]}', 'a request number in quotes'),
    ('{"logs": [{"request_id": 1, "data": "not base64!"}]}', 'data that is not base64'),
      ('{"logs": [{"request_id": 1, "size": -1}]}', 'a negative size'),
    ('{"logs": [{"request_id": 1, "eof": "yes"}]}', 'an eof in words')) as v (report, what);
select t.raises(format('select howdah.agent_sync(%L, 1, null)', :'ag2'), 'value_invalid', 'report',
                null, 'no report is refused', 'ag_a');
select t.raises(format('select howdah.agent_sync(%L, 1, %L)', :'ag2',
                       jsonb_build_object('running', t.held(:'ag2'), 'updates',
                                          jsonb_build_array(t.update(:'u1', 'failed'),
    t.update(:'u1', 'sleeping')))), 'value_invalid', 'report', null,
                'one bad update spoils the report', 'ag_a');
select is(t.state(:'u1'), 'running', 'of which nothing is taken');
select is(howdah_private.report_problem('{"logs": [{"request_id": 1, "data": "aGVs\nbG8=", "size": 5, "eof": false, "error": null}], "updates": [{"task_id": "00000000-0000-0000-0000-000000000001", "state": "failed", "exit_code": null, "signal": 9}]}'),
          null,
          'base64 with line ends and nulls where nothing is known are good');
-- --- portions --------------------------------------------------------------------------------------

select t.ag('portions', '{"cpus": 4000, "mem": 400000}') as portions \gset
select t.fw('greedy') as greedy \gset
select howdah.setting_set('claim_tasks_max', '5000');
select is((select count(*) from t.claim(:'greedy', (
              select jsonb_agg(t.spec('p' || i, :'portions', '{"cpus": 0.1}',
                                      '{"kill_grace_s": 5.0}'))
              from generate_series(1, 1200) i)) c where c.committed), 1200::bigint,
          'a framework may send 1200 tasks to one agent');
select is(jsonb_array_length(t.sync(:'portions', '{"running": []}') -> 'launch'), 1000,
          'which hears of at most a thousand in one answer');
select is(t.sync(:'portions', '{"running": []}') #>> '{launch,0,spec,kill_grace_s}', '5',
          'a grace of 5.0 is handed out as the whole number that it is');
update howdah_private.task t
set spec = t.spec || jsonb_build_object('environment', jsonb_build_object('X', (
        select string_agg(md5(i::text), '') from generate_series(1, 3000) i)))
where t.framework_id = :'greedy';
select cmp_ok(jsonb_array_length(t.sync(:'portions', '{"running": []}') -> 'launch'), '<', 500,
              'and of fewer when their specs are long');
select howdah.log_request(:'u1', 'stdout') from generate_series(1, 40) \g /dev/null
select is(jsonb_array_length(t.sync(:'ag2', jsonb_build_object('running', t.held(:'ag2')))
                             -> 'logs'), 16,
          'requests for logs are handed out sixteen at a time');

select t.audit_clean('the books are right at the end');

select * from finish();
