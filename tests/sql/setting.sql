-- SPDX-License-Identifier: PostgreSQL
-- Settings: declared with a pattern, changed by operators only, read by everybody.

\ir lib/open.psql

create function t.set(name text, value text)
returns text
language sql
as $$ select format('select howdah.setting_set(%L, %L)', name, value); $$;

-- --- presets -------------------------------------------------------------------------------------

select results_eq(
    'select name from howdah.settings order by name',
    $$ values ('agent_poll_ms'), ('agent_timeout_s'), ('claim_key_hours'), ('claim_tasks_max'),
              ('drain_replace_s'), ('framework_heartbeat_s'), ('history_days'), ('history_delay_s'),
              ('kill_grace_s'), ('maintenance_lead_s'),
              ('offer_batch'), ('offer_min_cpus_milli'), ('offer_min_mem'), ('offer_policy'),
              ('offer_refresh_s'),
              ('offer_timeout_s'), ('outage_grace_s'), ('overlap'), ('refuse_seconds_max') $$,
    'these settings are declared');
select is_empty('select name from howdah.settings where value <> default_value or changed_at is not null',
                'a fresh cell has every setting at its preset');
select is_empty($$ select name from howdah_private.setting
                where preset !~ ('^(' || pattern || ')$') $$,
                'every preset matches its own pattern');
select is_empty($$ select name from howdah.settings where coalesce(help, '') = ''
                or coalesce(unit, '') = '' $$,
                'every setting has a unit and a help text');

-- --- changing ------------------------------------------------------------------------------------

select is(t.problem(t.set('overlap', '4'), 'op'), null, 'an operator changes a setting');
select is((select value from howdah.settings where name = 'overlap'), '4',
          'the new value shows in the view');
select is((select default_value from howdah.settings where name = 'overlap'), 'unlimited',
          'the preset stays');
select is((select changed_by::text from howdah.settings where name = 'overlap'), 'op',
          'who changed it is kept');
select ok((select changed_at > now() - interval '1 minute' from howdah.settings
           where name = 'overlap'),
          'when it was changed is kept');
select results_eq(
    $$ select object_kind, from_state, to_state, actor, cause, reason from howdah_private.event
       where cause = 'setting_set' $$,
    $$ values ('setting', 'unlimited', '4', 'operator', 'setting_set', 'overlap') $$,
    'a change is an event with old and new value');
select is(howdah_private.setting_get('overlap'), '4', 'setting_get reads the new value');
select is(howdah_private.setting_get('no_such'), null, 'setting_get of an unknown name is null');
select is(howdah_private.setting_interval('agent_timeout_s'), interval '75 s',
          'setting_interval reads seconds as an interval');

select is(t.problem(t.set(v.name, v.value), 'op'), null, format('%s may be %s', v.name, v.value))
from (values ('overlap', '1'), ('overlap', '999999'), ('overlap', 'unlimited'),
      ('offer_timeout_s', '1'),
             ('offer_refresh_s', '0'), ('offer_min_mem', '0'), ('kill_grace_s', '0'),
      ('history_delay_s', '0'),
             ('offer_policy', 'first_come'), ('offer_policy', 'strict_priority'), ('offer_policy', 'drf'),
             ('agent_poll_ms', '10'), ('claim_tasks_max', '1'),
      ('history_days', '99999')) as v (name, value);

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(t.set(v.name, v.value), 'value_invalid', v.name, v.value,
                format('%s cannot be %s', v.name, v.what), 'op')
from (values
    ('overlap', '0', 'zero'), ('overlap', '-1', 'negative'), ('overlap', '1.5', 'a fraction'),
    ('overlap', '1000000', 'a million'), ('overlap', 'UNLIMITED', 'in capitals'),
      ('overlap', '', 'empty'),
    ('overlap', ' 1', 'padded'), ('overlap', '1 or 2', 'two values'),
      ('offer_timeout_s', '0', 'zero'),
    ('offer_timeout_s', 'NaN', 'NaN'), ('offer_timeout_s', '1e3', 'in scientific notation'),
    ('offer_timeout_s', '99999999999999999999', 'too big'), ('agent_poll_ms', '9', 'one digit'),
    ('agent_timeout_s', '٣', 'a digit of another script'), ('claim_tasks_max', '0', 'zero'),
    ('history_days', '-5', 'negative'), ('offer_policy', 'nope', 'a policy that there is not'),
    ('offer_policy', 'drf(); drop table x', 'more than a name')) as v (name, value, what);
select t.raises(format('select howdah.setting_set(%L, E''1\n2'')', 'overlap'), 'value_invalid',
                'overlap', '1?2',
                'a value with a newline is refused and shown without it', 'op');
select t.raises(t.set('overlap', null), 'value_invalid', 'overlap', null, 'a null value is refused',
                'op');
select t.raises(t.set('overlapp', '1'), 'setting_unknown', 'name', 'overlapp',
                'an unknown setting is refused', 'op');
select alike(t.problem(t.set('overlapp', '1'), 'op') ->> 'message',
             '%agent_poll_ms, agent_timeout_s, %',
             'the refusal of an unknown setting lists those there are');
select t.raises(t.set(null, '1'), 'setting_unknown', 'name', null, 'a null name is refused', 'op');
select t.raises(t.set('overlap''; drop table x; --', '1'), 'setting_unknown', 'name',
                'overlap''; drop table x; --', 'a name is never run as SQL', 'op');

-- --- a setting takes effect ----------------------------------------------------------------------

select t.fw('a') as fw \gset
select t.ag('agent-1') as ag \gset
select t.as_login('op', t.set('claim_tasks_max', '2'));
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), %L)', :'fw',
                       jsonb_build_array(t.spec('a', :'ag'), t.spec('b', :'ag'),
                                         t.spec('c', :'ag'))),
                'value_invalid', 'tasks', '3 elements', 'claim_tasks_max limits the next claim',
                'fw_a');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('a', :'ag'), t.spec('b', :'ag'))),
          'committed committed',
          'a claim within claim_tasks_max goes through');
select t.as_login('op', t.set('agent_poll_ms', '1234'));
select t.report((select task_id from howdah_private.task where name = n),
                'running') is not null as done
from unnest('{a,b}'::text[]) n;
select is(t.sync(:'ag', jsonb_build_object('running', t.held(:'ag'))) ->> 'next_poll_ms', '1234',
          'agent_poll_ms is what an idle agent is told');
select t.as_login('op', t.set('framework_heartbeat_s', '7'));
select is(t.as_login('fw_a', $$ select heartbeat_s from howdah.framework_register('b') $$), '7',
          'framework_heartbeat_s is what a framework is told');

select * from finish();
