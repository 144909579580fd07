-- SPDX-License-Identifier: PostgreSQL
-- Agents: register, come back as a new incarnation, fall silent, are declared gone.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''agent_timeout_s'', ''1'')');
select t.lead() is not null as led \gset
create function t.register(name text, resources text default '{"cpus": 4, "mem": 4096}',
                           agent uuid default null, login text default 'ag_a',
                           attributes text default '{}', host text default 'h')
returns text
language sql
as $$ select format('select agent_id from howdah.agent_register(%L, %L, %L, %L, ''boot'', %L)',
                    name, host, resources, attributes, agent); $$;
create function t.agent_row(agent uuid)
returns text
language sql
as $$
    select format('%s %s %s %s %s', a.state, a.epoch, p.open, trim_scale(p.cpus_capacity / 1000.0),
                  p.mem_capacity)
    from howdah_private.agent a join howdah_private.agent_pool p using (agent_id)
    where a.agent_id = agent_row.agent;
$$;

-- --- registering ---------------------------------------------------------------------------------

select x as ag from t.as_login('ag_a', t.register('one',
                                                  '{"cpus": 4, "mem": 4096, "disk": 100, "gpus": 1, "ports": [[31000, 31009]],
    "scalars": {"l": 3}, "sets": {"g": ["0", "1"]}}', attributes => '{"rack": "r1"}')) x \gset
select is(t.agent_row(:'ag'), 'active 1 t 4 4096',
          'a new agent is active, in epoch 1, and takes claims');
select is(t.rows(format($$ select name, host, boot_id, attributes, principal
                        from howdah_private.agent where agent_id = %L $$, :'ag')),
          '(one,h,boot,"{""rack"": ""r1""}",ag_a)',
          'it is kept with name, host, boot, attributes and login');
select is((select cell_id::text from howdah_private.cell),
          (select x from t.as_login('ag_a',
                                    format('select cell_id from howdah.agent_register(''other'', ''h'', ''{}'')')) x),
          'an agent learns which cell it is in');
select is(t.rows('select cpus, mem, disk, gpus, cpus_free, cpus_used, other from howdah.agents where name = ''one'''),
          '(4,4096,100,1,4,0,"{""sets"": {""g"": [""0"", ""1""]}, ""ports"": [[31000, 31009]], ""scalars"": {""l"": 3}}")',
          'the view shows its capacity');
select is((select to_state || ' ' || cause from howdah_private.event where object_id = :'ag'),
          'active register', 'registering is an event');
select is((select count(*) from howdah_private.agent_heartbeat where agent_id = :'ag'), 1::bigint,
          'registering is a sign of life');
select t.age_agent(:'ag', '-1 hour');
select t.raises(t.register('one'), 'agent_name_taken', 'name', 'one',
                'the name of an agent that is alive is taken', 'ag_a');
select t.raises(t.register('one', login => 'ag_b'), 'not_permitted', 'name', 'one',
                'another login''s agent is not one''s own', 'ag_b');

-- --- a new incarnation ---------------------------------------------------------------------------

select t.fw('a') as fw \gset
select t.task(:'fw', :'ag', 'kept',
              '{"cpus": 2, "mem": 1000, "ports": 2, "scalars": {"l": 1}, "sets": {"g": 1}}') as kept \gset
select t.report(:'kept', 'running') is not null as x \gset
select is(t.as_login('ag_a', t.register('one', agent => :'ag',
                                        resources => '{"cpus": 3, "mem": 2000, "ports": [[31000, 31004]], "scalars": {"l": 1},
    "sets": {"g": ["0"]}}', host => 'elsewhere')), :'ag',
          'with its id an agent comes back although it was just heard from');
select is(t.agent_row(:'ag'), 'active 2 t 3 2000', 'in the next epoch and with its new capacity');
select is((select host::text from howdah_private.agent where agent_id = :'ag'), 'elsewhere',
          'and its new host');
select is(t.state(:'kept'), 'running', 'its tasks stay as they were');
select t.raises(format('select howdah.agent_sync(%L, 1, ''{}'')', :'ag'), 'epoch_stale', 'epoch',
                '1', 'the old incarnation''s calls are refused', 'ag_a');
select t.age_agent(:'ag', '2 s');
select is(t.as_login('ag_a', t.register('one',
                                        '{"cpus": 3, "mem": 2000, "ports": [[31000, 31004]], "scalars": {"l": 1},
    "sets": {"g": ["0"]}}')), :'ag', 'a silent agent''s name gives the same id again');
select t.raises(t.register('one', agent => :'ag', resources => v.resources), 'value_invalid',
                'resources', null,
                format('an agent cannot come back with %s than its live tasks hold', v.what),
                'ag_a')
from (values ('{"cpus": 1.999, "mem": 2000, "ports": [[31000, 31004]], "scalars": {"l": 1}, "sets": {"g": ["0"]}}',
              'fewer cpus'),
             ('{"cpus": 3, "mem": 999, "ports": [[31000, 31004]], "scalars": {"l": 1}, "sets": {"g": ["0"]}}',
              'less memory'),
             ('{"cpus": 3, "mem": 2000, "ports": [[31001, 31004]], "scalars": {"l": 1}, "sets": {"g": ["0"]}}',
              'fewer ports'),
             ('{"cpus": 3, "mem": 2000, "ports": [[31000, 31004]], "sets": {"g": ["0"]}}',
              'fewer licences'),
             ('{"cpus": 3, "mem": 2000, "ports": [[31000, 31004]], "scalars": {"l": 1}, "sets": {"g": ["1"]}}',
              'other items')) as v (resources, what);
select t.raises(t.register('one', agent => '00000000-0000-0000-0000-00000000dead'), 'agent_unknown',
                'agent_id', '00000000-0000-0000-0000-00000000dead',
                'a wrong id for a name is refused', 'ag_a');
select t.raises(t.register('never seen', agent => :'ag'), 'agent_unknown', 'agent_id', :'ag',
                'so is a wrong name for an id', 'ag_a');
select t.audit_clean('the books are right');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(t.register(v.name, v.resources, host => v.host, attributes => v.attributes),
                'value_invalid', v.field, v.value, format('%s is refused', v.what), 'ag_a')
from (values
    ('', '{}', 'h', '{}', 'name', '', 'an agent without a name'),
      (E'a\nb', '{}', 'h', '{}', 'name', 'a?b', 'a name with a newline'),
    (' a', '{}', 'h', '{}', 'name', ' a', 'a name with a blank in front'),
      (repeat('n', 256), '{}', 'h', '{}', 'name', repeat('n', 200), 'a name of 256 characters'),
    ('x', '{}', '', '{}', 'host', '', 'an agent without a host'),
      ('x', '{}', E'h\t', '{}', 'host', 'h?', 'a host with a tab'),
    ('x', '{}', 'h', '[]', 'attributes', '[]', 'a list of attributes'),
      ('x', '{}', 'h', '"a"', 'attributes', '"a"', 'a string of attributes'),
    ('x', '[]', 'h', '{}', 'resources', '[]', 'a list of resources'),
      ('x', '{"cpus": -1}', 'h', '{}', 'resources', '{"cpus": -1}', 'a negative capacity'),
    ('x', '{"cpus": "NaN"}', 'h', '{}', 'resources', '{"cpus": "NaN"}', 'a capacity of NaN'),
      ('x', '{"mem": 1.5}', 'h', '{}', 'resources', '{"mem": 1.5}', 'memory in fractions'),
    ('x', '{"mem": 1e30}', 'h', '{}', 'resources', null, 'memory that overflows'),
      ('x', '{"ports": 10}', 'h', '{}', 'resources', '{"ports": 10}', 'a number of ports'),
    ('x', '{"ports": [[5, 1]]}', 'h', '{}', 'resources', null, 'a range that runs backwards'),
      ('x', '{"sets": {"g": 2}}', 'h', '{}', 'resources', null, 'a number of items'),
    ('x', '{"sets": {"g": ["a", "a"]}}', 'h', '{}', 'resources', null, 'an item twice'),
      ('x', '{"cores": 4}', 'h', '{}', 'resources', '{"cores": 4}', 'an unknown resource'),
    ('x', '{"scalars": {"l": -2}}', 'h', '{}', 'resources', null,
     'a negative named amount')) as v (name, resources, host, attributes, field, value, what);
select t.raises('select howdah.agent_register(null, ''h'', ''{}'')', 'value_invalid', 'name', null,
                'no name is refused', 'ag_a');
select t.raises('select howdah.agent_register(''x'', null, ''{}'')', 'value_invalid', 'host', null,
                'no host is refused', 'ag_a');
select t.raises('select howdah.agent_register(''x'', ''h'', null)', 'value_invalid', 'resources',
                null, 'no resources are refused', 'ag_a');
select t.raises('select howdah.agent_register(''x'', ''h'', ''{}'', null)', 'value_invalid',
                'attributes', null, 'attributes that are null are refused', 'ag_a');
select alike(t.problem(t.register('x', '{"cpus": -1}'), 'ag_a') ->> 'message',
             '%field "resources.cpus", value -1: expected a number from 0%',
             'the message names the bad field inside resources');
select is(t.as_login('ag_a', t.register('nothing', '{}')) is not null, true,
          'an agent may have nothing at all');
select t.denied(t.register('x'), l.login, format('login %s registers no agents', l.login))
from unnest('{fw_a,co,op,obs}'::text[]) as l (login);

-- --- silence -------------------------------------------------------------------------------------

create function t.everybody_alive()
returns void
language sql
as $$ update howdah_private.agent_heartbeat h set seen_at = clock_timestamp() + interval '1 hour'; $$;
select t.ag('quiet') as quiet, t.ag('talker') as talker \gset
select t.task(:'fw', :'quiet', 'q-staging') as q1, t.task(:'fw', :'quiet', 'q-running') as q2,
    t.task(:'fw', :'quiet', 'q-ended') as q3,
       t.task(:'fw', :'talker', 't-running') as q4 \gset
select t.report(:'q2', 'running') is not null as x, t.report(:'q3', 'finished') is not null as y,
    t.report(:'q4', 'running') is not null as z \gset
select t.offers() is not null as made \gset
select isnt(t.offer(:'fw', :'quiet'), null, 'the agent is offered');
select t.books(:'quiet') as books \gset
select t.everybody_alive();
select is(t.chore('agents_expire'), 0, 'nobody is silent');
select t.age_agent(:'quiet', '2 s');
select is(t.chore('agents_expire'), 1, 'one is');
select is(t.agent_row(:'quiet'), 'unreachable 1 f 4 4096', 'it is unreachable and takes no claims');
select is(t.state(:'q1') || ' ' || t.state(:'q2') || ' ' || t.state(:'q3') || ' ' || t.state(:'q4'),
          'unreachable unreachable finished running',
          'its live tasks are unreachable, ended ones and other agents'' are as before');
select is(t.books(:'quiet'), :'books'::jsonb, 'what they hold stays held: they may still run');
select is((select string_agg(distinct o.state || ' ' || o.reason, ', ') from howdah_private.offer o
           where o.agent_id = :'quiet'), 'rescinded agent_unreachable',
          'its offers are taken back');
select is((select from_state || ' ' || to_state || ' ' || actor || ' ' || cause
           from howdah_private.event where object_id = :'quiet' order by event_id desc limit 1),
          'active unreachable coordinator silent', 'that is an event');
select is(t.chore('agents_expire'), 0, 'being unreachable is not news twice');
select t.refused(:'fw', jsonb_build_array(t.spec('late', :'quiet')), 'agent_closed', '%',
                 'nothing can be claimed there');
select is((select count(*) from howdah.cell where agent_id = :'quiet'), 0::bigint,
          'the view of free resources does not list it');
update howdah_private.cell set epoch_at = clock_timestamp();
select t.age_agent(:'talker', '1 hour');
select is(t.chore('agents_expire'), 0,
          'nobody counts as silent before the leader has led that long');
delete from howdah_private.agent_heartbeat;
select is(t.chore('agents_expire'), 0, 'not even when all heartbeats are lost, as after a crash');
update howdah_private.cell set epoch_at = clock_timestamp() - interval '1 day';
update howdah_private.agent set state_at = clock_timestamp() - interval '1 minute';
select is(t.chore('agents_expire'), 0,
          'nor under a leader that has led for long: whose heartbeat a crash took has a whole period');
update howdah_private.agent_heartbeat set seen_at = clock_timestamp() - interval '1 hour';
select cmp_ok(t.chore('agents_expire'), '>=', 1, 'after which silence counts');
select is(t.agent_row(:'talker'), 'unreachable 1 f 4 4096', 'as the talker does');
select is(t.as_login('ag_a', t.register('talker')), :'talker',
          'an unreachable agent may register again');
select is(t.agent_row(:'talker'), 'active 2 t 4 4096', 'and is active again, in the next epoch');
select is(t.state(:'q4'), 'unreachable', 'its tasks wait for its first report');
select t.sync(:'talker', jsonb_build_object('running',
                                            jsonb_build_array(:'q4'))) is not null as x \gset
select is(t.state(:'q4'), 'running', 'after which they run again');

-- --- declared gone -------------------------------------------------------------------------------

select t.everybody_alive();
select t.offers() is not null as made \gset
select t.task(:'fw', :'talker', 't-staging') as q5 \gset
select is(t.as_login('op', format('select howdah.agent_remove(%L)', :'talker')), '2',
          'removing an agent says how many tasks it had');
select is(t.state(:'q4') || ' ' || t.state(:'q5'), 'gone_by_operator gone_by_operator',
          'they are gone by operator');
select is(t.books(:'talker'), '{}', 'and hold nothing any more');
select is(t.agent_row(:'talker'), 'gone 3 f 4 4096', 'the agent is gone, fenced and closed');
select t.raises(format('select howdah.agent_sync(%L, 2, ''{}'')', :'talker'), 'epoch_stale',
                'epoch', '2', 'should it still be alive, its calls are refused', 'ag_a');
select is((select string_agg(distinct o.state || ' ' || o.reason, ', ') from howdah_private.offer o
           where o.agent_id = :'talker' and o.reason like 'agent_g%'), 'rescinded agent_gone',
          'its offers are taken back');
select is(t.as_login('op', format('select howdah.agent_remove(%L)', :'talker')), '0',
          'removing it twice is no error');
select is(t.as_login('ag_b', t.register('talker')) is distinct from :'talker', true,
          'its name is free, for another login even, and gives a new agent');
select is(t.as_login('op', format('select howdah.agent_remove(%L)', :'quiet')), '2',
          'an unreachable agent can be removed, too');
select is(t.state(:'q1') || ' ' || t.books(:'quiet')::text, 'gone_by_operator {}',
          'which frees what its tasks held');
select t.raises('select howdah.agent_remove(''00000000-0000-0000-0000-00000000dead'')',
                'agent_unknown', 'agent_id', '00000000-0000-0000-0000-00000000dead',
                'an unknown agent cannot be removed', 'op');
select t.denied(format('select howdah.agent_remove(%L)', :'ag'), l.login,
                format('login %s removes no agents', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.audit_clean('the books are right at the end');

select * from finish();
