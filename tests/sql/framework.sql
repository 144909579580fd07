-- SPDX-License-Identifier: PostgreSQL
-- Frameworks: register, fail over (fencing), heartbeat, suppress, fall silent, end.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''framework_heartbeat_s'', ''1'')');
select t.as_login('op', 'select howdah.role_set(''ads'')');
select t.lead() is not null as led \gset
select t.ag('agent-1', '{"cpus": 100, "mem": 100000}') as ag \gset
create function t.fw_row(framework uuid)
returns text
language sql
as $$ select format('%s %s %s %s', f.state, f.epoch, f.suppressed, f.failover_timeout_s)
from howdah_private.framework f where f.framework_id = fw_row.framework; $$;
create function t.again(framework uuid, role text default 'default', timeout_s integer default 60)
returns text
language sql
as $$ select format('select epoch from howdah.framework_register(''again'', %L, %s, %L)', role,
                    timeout_s, framework); $$;

-- --- registering ---------------------------------------------------------------------------------

select x as answer from t.as_login('fw_a',
                                   'select to_jsonb(r) from howdah.framework_register(''first'', failover_timeout_s => 60) r') x \gset
select (:'answer'::jsonb ->> 'framework_id') as fw \gset
select is(:'answer'::jsonb - 'framework_id' - 'cell',
          jsonb_build_object('epoch', 1, 'heartbeat_s', 1, 'channel', 'howdah_framework_'
                             || replace(:'fw', '-', '')),
          'a framework learns its epoch, its channel and how often to send a heartbeat');
select is(t.fw_row(:'fw'), 'active 1 f 60',
          'it is active, wants offers, and has its failover timeout');
select is(t.rows(format('select name, role, principal from howdah_private.framework where framework_id = %L',
                        :'fw')), '(first,default,fw_a)', 'it is kept with name, role and login');
select t.as_login('fw_a',
        'select framework_id from howdah.framework_register(''p'')') is not null as x \gset
select is((select failover_timeout_s from howdah_private.framework where name = 'p'), 604800,
          'a framework that says nothing has a week');
select isnt(t.fw('first'), :'fw'::uuid, 'the same name again is another framework');
select is((select tasks || ' ' || claims from howdah_private.framework_total
           where framework_id = :'fw'), '0 0', 'its totals begin at zero');
select is((select to_state || ' ' || cause || ' ' || message from howdah_private.event
           where object_id = :'fw'), 'active register first', 'registering is an event');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select howdah.framework_register(%L, %L, %s)', v.name, v.role, v.timeout_s),
                v.code, v.field, v.value, format('%s is refused', v.what), 'fw_a')
from (values ('', 'default', '60', 'value_invalid', 'name', '', 'an empty name'),
      (E'a\nb', 'default', '60', 'value_invalid', 'name', 'a?b', 'a name with a newline'),
             ('x ', 'default', '60', 'value_invalid', 'name', 'x ', 'a name with a blank behind'),
      (repeat('n', 256), 'default', '60', 'value_invalid', 'name', repeat('n', 200),
       'a name of 256 characters'),
             (null, 'default', '60', 'value_invalid', 'name', null, 'no name'),
      ('x', 'default', '-1', 'value_invalid', 'failover_timeout_s', '-1', 'a negative timeout'),
             ('x', 'default', '31536001', 'value_invalid', 'failover_timeout_s', '31536001',
              'a timeout above a year'),
      ('x', 'default', 'null', 'value_invalid', 'failover_timeout_s', null, 'no timeout'),
             ('x', 'nope', '60', 'role_unknown', 'role', 'nope', 'an unknown role'),
      ('x', null, '60', 'role_unknown', 'role', null, 'no role'),
      ('x', '', '60', 'role_unknown', 'role', '', 'an empty role'),
             ('x', 'ads', '60', 'not_permitted', 'role', 'ads',
              'a role that the login may not use')) as v (name, role, timeout_s, code, field, value,
                      what);
select is(t.problem('select howdah.framework_register(''x'', ''default'', 99999999999)',
                    'fw_a') ->> 'sqlstate', '42883',
          'a timeout that is no integer does not get as far');
select t.denied('select howdah.framework_register(''x'')', l.login,
                format('login %s registers no frameworks', l.login))
from unnest('{ag_a,co,obs,stranger}'::text[]) as l (login);

-- --- fail-over -----------------------------------------------------------------------------------

select t.task(:'fw', :'ag', 'survivor') as survivor \gset
select t.report(:'survivor', 'running') is not null as x \gset
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer \gset
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 3600)',
                                 :'fw', :'offer'));
select t.ag('agent-2') as ag2 \gset
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag2') as offer \gset
select t.as_login('fw_a', format('select howdah.framework_suppress(%L, 1)', :'fw'));
select is(t.as_login('fw_a', t.again(:'fw', timeout_s => 90)), '2',
          'taking over gives the next epoch');
select is(t.fw_row(:'fw'), 'active 2 f 90', 'and un-suppresses, and takes the new timeout');
select is((select state || ' ' || reason from howdah_private.offer where offer_id = :'offer'),
          'rescinded framework_failed_over', 'the former self''s offers are taken back');
select is((select count(*) from howdah_private.filter where framework_id = :'fw'), 0::bigint,
          'its filters are forgotten');
select is(t.state(:'survivor'), 'running', 'its tasks run on');
select is((select cause || ' ' || message from howdah_private.event where object_id = :'fw'
           order by event_id desc limit 1), 'failover epoch 2', 'a take-over is an event');
select t.raises(format('select howdah.%s', c.call), 'epoch_stale', 'epoch', '1',
                format('the former self''s %s is refused', split_part(c.call, '(', 1)), 'fw_a')
from (values (format('framework_heartbeat(%L, 1)', :'fw')),
      (format('framework_suppress(%L, 1)', :'fw')), (format('framework_revive(%L, 1)', :'fw')),
             (format('framework_teardown(%L, 1)', :'fw')), (format('offers_since(%L, 1)', :'fw')),
      (format('offer_decline(%L, 1, ''{}'')', :'fw')),
             (format('filters_clear(%L, 1)', :'fw')),
      (format('task_kill(%L, 1, array[%L]::uuid[])', :'fw', :'survivor')),
      (format('tasks_reconcile(%L, 1)', :'fw')),
             (format('updates_pending(%L, 1)', :'fw')),
      (format('update_acknowledge(%L, 1, ''{1}'')', :'fw')),
             (format('claim(%L, 1, gen_random_uuid(), ''[]'')', :'fw'))) as c (call);
select t.raises(format('select howdah.%s', c.call), 'not_permitted', 'framework_id', :'fw',
                format('another login''s %s is refused', split_part(c.call, '(', 1)), 'fw_b')
from (values (format('framework_heartbeat(%L, 2)', :'fw')),
      (format('framework_suppress(%L, 2)', :'fw')), (format('framework_revive(%L, 2)', :'fw')),
             (format('framework_teardown(%L, 2)', :'fw')), (format('offers_since(%L, 2)', :'fw')),
      (format('offer_decline(%L, 2, ''{}'')', :'fw')),
             (format('filters_clear(%L, 2)', :'fw')), (format('tasks_reconcile(%L, 2)', :'fw')),
      (format('updates_pending(%L, 2)', :'fw')),
             (format('update_acknowledge(%L, 2, ''{1}'')', :'fw'))) as c (call);
select t.raises(format('select howdah.%s', c.call), 'field_missing', 'framework_id', null,
                format('%s of no framework is refused', split_part(c.call, '(', 1)), 'fw_a')
from unnest('{framework_heartbeat(null\,1),framework_suppress(null\,1),framework_revive(null\,1),framework_teardown(null\,1),offers_since(null\,1)}'::text[]) as c (call);
select t.raises(t.again(:'fw'), 'not_permitted', 'framework_id', :'fw',
                'another login cannot take it over', 'fw_b');
select t.raises(t.again('00000000-0000-0000-0000-00000000dead'), 'framework_unknown',
                'framework_id', '00000000-0000-0000-0000-00000000dead',
                'an unknown one cannot be taken over', 'fw_a');
select t.as_login('op', 'select howdah.principal_permit(''fw_a'', ''ads'')');
select t.raises(t.again(:'fw', 'ads'), 'value_invalid', 'role', 'ads',
                'a take-over cannot change the role', 'fw_a');
select is(t.fw_row(:'fw'), 'active 2 f 90', 'attempts that were refused change nothing');
select is((select count(*) from pg_locks l where l.locktype = 'advisory'
           and l.pid = pg_backend_pid()), 0::bigint, 'no lock is left over');

-- A call holds the framework's lock shared until its transaction ends: a take-over waits for it.
begin;
select t.as_login('fw_a', format('select howdah.framework_suppress(%L, 2)', :'fw'));
select is((select string_agg(l.mode, ' ') from pg_locks l where l.locktype = 'advisory'
           and l.pid = pg_backend_pid()), 'ShareLock', 'a call holds the framework shared');
rollback;
begin;
select t.as_login('fw_a', t.again(:'fw'));
select ok(bool_or(l.mode = 'ExclusiveLock'), 'a take-over holds it exclusively') from pg_locks l
where l.locktype = 'advisory' and l.pid = pg_backend_pid();
rollback;
select is(t.fw_row(:'fw'), 'active 2 f 90', 'a take-over that is rolled back never was');

-- --- heartbeat, silence, return ------------------------------------------------------------------

select t.age_framework(:'fw', '1 hour');
select is(t.problem(format('select howdah.framework_heartbeat(%L, 2)', :'fw'), 'fw_a'), null,
          'a heartbeat is taken');
select ok(seen_at > clock_timestamp() - interval '1 minute', 'and is kept')
from howdah_private.framework_heartbeat where framework_id = :'fw';
delete from howdah_private.framework_heartbeat;
select is(t.chore('frameworks_expire'), 0, 'whose heartbeat a crash took is not silent');
update howdah_private.framework_heartbeat set seen_at = clock_timestamp() + interval '1 hour';
select is(t.chore('frameworks_expire'), 0, 'nobody is silent');
select t.age_framework(:'fw', '2 s');
select is(t.chore('frameworks_expire'), 0, 'less than three heartbeats is not yet silence');
select t.offers() is not null as made \gset
select t.age_framework(:'fw', '3.5 s');
select is(t.chore('frameworks_expire'), 1, 'three heartbeats are');
select is(t.fw_row(:'fw'), 'disconnected 2 f 90',
          'the framework is disconnected, in the same epoch');
select is((select count(*) from howdah_private.offer where framework_id = :'fw'
           and state = 'outstanding'), 0::bigint, 'it has no offers any more');
select is((select reason from howdah_private.offer where framework_id = :'fw'
           and state = 'rescinded' order by change_seq desc limit 1), 'framework_disconnected',
          'they were taken back');
select is(t.state(:'survivor'), 'running', 'its tasks run on');
select t.offers() is not null as made \gset
select is(t.offer(:'fw', :'ag'), null, 'a disconnected framework is offered nothing');
select is(t.chore('frameworks_expire'), 0, 'being disconnected is not news twice');
select is((select count(*)::integer from t.claim(:'fw', jsonb_build_array(t.spec('still', :'ag')))
           where committed), 1, 'a disconnected framework''s claim still goes through');
select t.task(:'fw', :'ag', 'meanwhile') as meanwhile \gset
select t.report(:'meanwhile', 'finished') is not null as x \gset
select is(t.problem(format('select howdah.framework_heartbeat(%L, 2)', :'fw'), 'fw_a'), null,
          'a heartbeat');
select is(t.fw_row(:'fw'), 'active 2 f 90', 'brings it back, in the same epoch');
select is(t.as_login('fw_a', format('select count(*) from howdah.updates_pending(%L, 2) u
                                     where u.task_id = %L', :'fw', :'meanwhile')), '1',
          'what was reported while it was disconnected waits for it');
select is((select from_state || ' ' || cause from howdah_private.event where object_id = :'fw'
           order by event_id desc limit 1), 'disconnected sync', 'which is an event');
update howdah_private.cell set epoch_at = clock_timestamp();
select t.age_framework(:'fw', '1 hour');
select is(t.chore('frameworks_expire'), 0,
          'nobody counts as silent before the epoch has lasted that long');
update howdah_private.cell set epoch_at = clock_timestamp() - interval '1 day';

-- --- failover timeout ----------------------------------------------------------------------------

select is(t.chore('frameworks_expire'), 1, 'now it does');
select is(t.chore('frameworks_expire'), 0, 'before its failover timeout it stays disconnected');
update howdah_private.framework set failover_timeout_s = 2 where framework_id = :'fw';
update howdah_private.framework set state_at = clock_timestamp() - interval '3 s'
where framework_id = :'fw';
select t.task(:'fw', :'ag', 'staged') as staged \gset
update howdah_private.cell set epoch_at = clock_timestamp();
select is(t.chore('frameworks_expire'), 0, 'nor is it ended as soon as a new epoch begins');
update howdah_private.cell set epoch_at = clock_timestamp() - interval '3.5 s';
update howdah_private.framework set failover_timeout_s = 60, state_at = clock_timestamp() - interval '61 s'
where framework_id = :'fw';
select is(t.chore('frameworks_expire'), 1,
          'after it, counted from its last sign of life through every epoch since');
update howdah_private.cell set epoch_at = clock_timestamp() - interval '1 day';
select is(t.fw_row(:'fw'), 'completed 3 f 60', 'it is completed, and fenced');
select is(t.state(:'survivor') || ' ' || t.state(:'staged'), 'killing killing',
          'its tasks are killed');
select is((select reason || ' ' || (select actor from howdah_private.event
        where object_id = :'survivor' order by event_id desc limit 1) from howdah_private.task
           where task_id = :'survivor'),
          'framework_removed coordinator', 'because it was removed, by the coordinator');
select is((select count(*) from howdah_private.task_update where framework_id = :'fw'), 0::bigint,
          'updates that nobody will read are dropped');
select t.raises(t.again(:'fw'), 'framework_completed', 'framework_id', :'fw',
                'its id is never used again', 'fw_a');
select t.raises(format('select howdah.framework_heartbeat(%L, 3)', :'fw'), 'framework_completed',
                'framework_id', :'fw', 'its heartbeat is refused', 'fw_a');
select t.raises(format('select howdah.framework_heartbeat(%L, 2)', :'fw'), 'framework_completed',
                'framework_id', :'fw', 'which its former epoch is told, too', 'fw_a');
select t.report(:'survivor', 'killed') is not null as x,
    t.report(:'staged', 'killed') is not null as y \gset
select is((select count(*) from howdah_private.task_update where framework_id = :'fw'), 0::bigint,
          'the ends of its tasks wait for no acknowledgement');
select t.fw('instant', timeout_s => 0) as instant \gset
select t.age_framework(:'instant', '1 hour');
select is(t.chore('frameworks_expire') >= 1, true, 'with a failover timeout of zero') ;
select is(t.chore('frameworks_expire') >= 0 and t.fw_row(:'instant') like 'completed%', true,
          'silence is the end');

-- --- suppress and revive -------------------------------------------------------------------------

select t.fw('moody') as moody \gset
update howdah_private.framework_heartbeat set seen_at = clock_timestamp() + interval '1 hour';
select t.offers() is not null as made \gset
select t.offer(:'moody', :'ag') as offer \gset
select is(t.problem(format('select howdah.framework_suppress(%L, 1)', :'moody'), 'fw_a'), null,
          'a framework may ask for no more offers');
select is((select state::text from howdah_private.offer where offer_id = :'offer'), 'outstanding',
          'those it has stay');
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 0)',
                                 :'moody', :'offer'));
select t.offers() is not null as made \gset
select is(t.offer(:'moody', :'ag'), null, 'new ones are not made');
select is((select suppressed from howdah.frameworks where framework_id = :'moody'), true,
          'the view shows it');
select is((select count(*)::integer from t.claim(:'moody', jsonb_build_array(t.spec('m', :'ag')))
           where committed), 1, 'claims still work');
select is(t.problem(format('select howdah.framework_suppress(%L, 1)', :'moody'), 'fw_a'), null,
          'asking twice is no error');
select is(t.problem(format('select howdah.framework_revive(%L, 1)', :'moody'), 'fw_a'), null,
          'reviving');
select t.offers() is not null as made \gset
select isnt(t.offer(:'moody', :'ag'), null, 'brings offers again');
select is((select string_agg(cause, ' ' order by event_id) from howdah_private.event
           where object_id = :'moody'), 'register suppress revive', 'each change is one event');
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 3600)',
                                 :'moody', t.offer(:'moody', :'ag')));
select is(t.problem(format('select howdah.framework_revive(%L, 1)', :'moody'), 'fw_a'), null,
          'reviving what is not suppressed is no error');
select t.offers() is not null as made \gset
select is(t.offer(:'moody', :'ag'), null, 'and forgets no filter');

-- --- teardown ------------------------------------------------------------------------------------

select t.task(:'moody', :'ag', 't1') as t1, t.task(:'moody', :'ag', 't2') as t2 \gset
select t.report(:'t1', 'running') is not null as x,
    t.report(:'t2', 'finished') is not null as y \gset
select is(t.as_login('fw_a', format('select howdah.framework_teardown(%L, 1)', :'moody')), '2',
          'tearing down says how many tasks are being killed');
select is(t.fw_row(:'moody'), 'completed 2 f 604800', 'the framework is completed, and fenced');
select is(t.state(:'t1') || ' ' || t.state(:'t2'), 'killing finished', 'its live tasks are killed');
select is((select count(*) from howdah_private.offer where framework_id = :'moody'
           and state = 'outstanding')
          + (select count(*) from howdah_private.filter where framework_id = :'moody')
          + (select count(*) from howdah_private.framework_heartbeat where framework_id = :'moody'),
          0::bigint, 'offers, filters and heartbeat are gone');
select t.raises(format('select howdah.framework_teardown(%L, %s)', :'moody', e), 'framework_completed',
                'framework_id', :'moody', 'tearing down again says that it has happened', 'fw_a')
from unnest('{1,2}'::int[]) as x (e);
select t.fw('removed', login => 'fw_b') as removed \gset
select t.task(:'removed', :'ag', 'r1') as r1 \gset
select is(t.as_login('op', format('select howdah.framework_remove(%L)', :'removed')), '1',
          'an operator removes anybody''s framework');
select is((select actor || ' ' || cause from howdah_private.event where object_id = :'removed'
           order by event_id desc limit 1), 'operator teardown', 'the event says who');
select is(t.as_login('op', format('select howdah.framework_remove(%L)', :'removed')), '0',
          'removing twice is no error');
select t.raises('select howdah.framework_remove(''00000000-0000-0000-0000-00000000dead'')',
                'framework_unknown', 'framework_id', '00000000-0000-0000-0000-00000000dead',
                'an unknown one is', 'op');
select t.denied(format('select howdah.framework_remove(%L)', :'removed'), l.login,
                format('login %s removes no frameworks', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.audit_clean('the books are right at the end');

select * from finish();
