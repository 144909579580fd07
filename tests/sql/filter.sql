-- SPDX-License-Identifier: PostgreSQL
-- Filters: refusals and named ones, what they bar, listing, clearing, ends.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''offer_refresh_s'', ''0'')');
select t.lead() is not null as led \gset
select t.fw('a') as fw, t.fw('b', login => 'fw_b') as other \gset
select t.ag('one', '{"cpus": 4, "mem": 4000, "disk": 100, "ports": [[1, 4]], "scalars": {"l": 2}, "sets": {"s": ["x", "y"]}}',
            attributes => '{"zone": "a", "disks": "4"}') as one,
       t.ag('two', '{"cpus": 2, "mem": 2000}', attributes => '{"zone": "b"}') as two,
       t.ag('three', '{"cpus": 8, "mem": 1000, "gpus": 2}', attributes => '{"zone": "b"}') as three \gset
create function t.set(framework uuid, name text, wanted text, seconds text default 'null')
returns jsonb
language sql
as $$
    select t.problem(format('select howdah.filter_set(%L, %s, %L, %L, %s)', framework, t.epoch_of(framework),
                            name, wanted, seconds), t.principal_of(framework));
$$;
create function t.clear(framework uuid, arguments text default '')
returns text
language sql
as $$
    select x from t.as_login(t.principal_of(framework), format('select howdah.filters_clear(%L, %s %s)',
                                                               framework, t.epoch_of(framework), arguments)) x;
$$;
create function t.offered(framework uuid, overlap text default 'unlimited')
returns text
language sql
as $$
    -- The agents that the next turn offers, when nothing is on offer yet.
    delete from howdah_private.offer;
    select t.as_login('op', format('select howdah.setting_set(''overlap'', %L)', overlap));
    select t.offers();
    select string_agg(a.name, ' ' order by a.name)
    from howdah_private.offer o join howdah_private.agent a using (agent_id)
    where o.framework_id = framework and o.state = 'outstanding';
$$;

-- --- what a named filter lets through -----------------------------------------------------------

select is(t.offered(:'fw'), 'one three two', 'without filters a framework is offered every agent');
create temp table tried as
select v.*, t.set(:'fw', 'f', v.wanted) as problem, t.offered(:'fw') as spread, t.offered(:'fw', '2') as dealt
from (values (jsonb_build_object('agents', jsonb_build_array(:'one', :'three'))::text, 'one three', 'only these agents'),
             ('{"agents": []}', null, 'no agent'),
             ('{"attributes": {"zone": "b"}}', 'three two', 'an attribute with this value'),
             ('{"attributes": {"zone": ["a", "c"]}}', 'one', 'one of these values'),
             ('{"attributes": {"disks": {"min": 3, "max": 5}}}', 'one', 'a range'),
             ('{"attributes": {"disks": {"exists": false}}}', 'three two', 'agents without an attribute'),
             ('{"attributes": {"zone": {"not": "b"}}}', 'one', 'any value but this'),
             ('{"resources": {"cpus": 4}}', 'one three', 'at least these cpus'),
             ('{"resources": {"cpus": 2.001, "mem": 1001}}', 'one', 'and this memory'),
             ('{"resources": {"gpus": 2}}', 'three', 'gpus'), ('{"resources": {"disk": 100}}', 'one', 'disk'),
             ('{"resources": {"ports": 4}}', 'one', 'ports'), ('{"resources": {"ports": [[4, 5]]}}', null, 'the very ports'),
             ('{"resources": {"scalars": {"l": 2}}}', 'one', 'custom scalars'),
             ('{"resources": {"sets": {"s": ["y"]}}}', 'one', 'items of a set'),
             ('{"resources": {"sets": {"s": 3}}}', null, 'more items than there are'),
             ('{"resources": {}}', 'one three two', 'nothing'),
             ('{"attributes": {"zone": "b"}, "resources": {"cpus": 4}}', 'three', 'all of it')) as v (wanted, passed, what);
select is(x.problem, null, format('a filter for %s is taken', x.what)) from tried x;
select is(x.spread, x.passed, format('%s: offered what passes', x.what)) from tried x;
select is(x.dealt, x.passed, format('%s: with limited overlap, too', x.what)) from tried x;
select is(t.offered(:'other'), 'one three two', 'another framework''s filters bar nothing');
select is(t.set(:'fw', 'f', '{"attributes": {"zone": "b"}}'), null, 'one filter');
select is(t.set(:'fw', 'g', '{"resources": {"mem": 1500}}'), null, 'and another');
select is(t.offered(:'fw'), 'two', 'agents must pass both');
select is((select count(*) from howdah_private.offer_excluded e where e.framework_id = :'fw'), 3::bigint,
          'two agents are barred, once each, and one is on offer');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('anyway', :'one'))), 'committed', 'a claim is not held to filters');
select t.offers() is not null as x \g /dev/null
select is(t.set(:'fw', 'f', '{"agents": []}'), null, 'a filter that bars all');
select is((select count(*) from howdah_private.offer where framework_id = :'fw' and state = 'outstanding'), 1::bigint,
          'leaves outstanding offers');

-- --- how long -----------------------------------------------------------------------------------

select is(t.set(:'fw', 'f', '{"agents": []}', '60'), null, 'a filter for a minute');
select ok((select until between clock_timestamp() + interval '50 s' and clock_timestamp() + interval '60 s'
           from howdah.filters where name = 'f'), 'lasts a minute');
update howdah_private.offer_filter set until = clock_timestamp() - interval '1 ms' where name = 'f';
select is(t.offered(:'fw'), 'one two', 'and bars nothing any more when its time is over');
select is(t.rows('select name from howdah.filters'), '(g)', 'it is not listed then');
select t.chore('offers_expire') is not null as x \g /dev/null
select is(t.rows('select name from howdah_private.offer_filter'), '(g)', 'the leader forgets it');
select is(t.set(:'fw', 'g', '{"agents": []}', '0'), null, 'a filter for no time');
select is_empty('select 1 from howdah_private.offer_filter', 'is none, and takes the one of that name away');
select is(t.set(:'fw', 'f', '{"agents": []}', '31536000'), null, 'a year is the most');

-- --- suppress, revive, clear: one thing each -----------------------------------------------------

select is(t.set(:'fw', 'g', '{"attributes": {"zone": "b"}}'), null, 'another filter');
select is(t.set(:'other', 'f', '{"agents": []}'), null, 'one of another framework');
select t.offered(:'other') \g /dev/null
insert into howdah_private.filter (framework_id, agent_id, until, cpus_milli, mem, disk, gpus)
select :'fw', a, clock_timestamp() + interval '1 hour', 1, 1, 1, 1 from unnest(array[:'one', :'two']::uuid[]) a;
select is(t.problem(format('select howdah.framework_%s(%L, 1)', w, :'fw'), 'fw_a'), null, w)
from unnest('{suppress,revive}'::text[]) w;
select is((select count(*) from howdah.filters where framework_id = :'fw'), 4::bigint, 'neither clears a filter');
select is(t.rows(format('select agent_name, cpus, mem, name, wanted from howdah.filters where framework_id = %L order by name, agent_name', :'fw')),
          '(,,,f,"{""agents"": []}") (,,,g,"{""attributes"": {""zone"": ""b""}}") (one,0.001,1,,) (two,0.001,1,,)',
          'the view lists both kinds');
select is(t.as_login('fw_b', 'select count(*) from howdah.filters'), '1', 'a framework''s login sees its own');
select is(t.as_login('op', 'select count(*) from howdah.filters'), '5', 'an operator all');
select is(t.clear(:'fw', v.arguments), v.count, v.what)
from (values (format(', array[%L]::uuid[]', gen_random_uuid()), '0', 'clearing what is not there is no error'),
             (format(', array[%L]::uuid[]', :'one'), '1', 'refusals can be cleared by agent'),
             (', names => ''{nope}''', '0', 'a name that is not there is no error'),
             (', names => ''{f}''', '1', 'filters by name'),
             (', ''{}'', ''{}''', '0', 'nothing named is nothing cleared'),
             ('', '2', 'the rest at once')) as v (arguments, count, what);
select is((select count(*) from howdah_private.offer_filter), 1::bigint, 'one''s own only');

-- --- ends ----------------------------------------------------------------------------------------

select is(t.set(:'fw', 'g', '{"attributes": {"zone": "b"}}'), null, 'set again');
select is((select relpersistence from pg_class where oid = 'howdah_private.offer_filter'::regclass), 'p'::"char",
          'named filters outlive a crash');
select t.as_login('fw_a', format('select framework_id from howdah.framework_register(''a'', framework_id => %L)', :'fw')) is not null as x \gset
select is_empty(format('select 1 from howdah_private.offer_filter where framework_id = %L', :'fw'), 'a take-over forgets them');
select t.as_login('op', format('select howdah.framework_remove(%L)', :'other')) is not null as x \gset
select is_empty('select 1 from howdah_private.offer_filter', 'so does the end of the framework');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select howdah.filter_set(%L, 2, %s, %s, %s)', :'fw', v.name, v.wanted, v.seconds),
                'value_invalid', v.field, v.value, format('%s is refused', v.what), 'fw_a')
from (values ('''f''', 'null', 'null', 'wanted', null, 'no filter'),
             ('''f''', '''{}''', 'null', 'wanted', '{}', 'an empty filter'),
             ('''f''', '''[]''', 'null', 'wanted', '[]', 'a list for a filter'),
             ('''f''', '''{"cpus": 1}''', 'null', 'wanted', '{"cpus": 1}', 'an unknown field'),
             ('''f''', '''{"agents": ["x"]}''', 'null', 'wanted', null, 'no agent''s id'),
             ('''f''', '''{"attributes": {"a": {"min": "x"}}}''', 'null', 'wanted', null, 'a range of text'),
             ('''f''', '''{"resources": {"mem": -1}}''', 'null', 'wanted', null, 'a negative amount'),
             ('''f''', '''{"resources": null}''', 'null', 'wanted', null, 'resources that are null'),
             ('null', '''{"agents": []}''', 'null', 'name', null, 'no name'),
             ('''''', '''{"agents": []}''', 'null', 'name', '', 'an empty name'),
             ('repeat(''x'', 256)', '''{"agents": []}''', 'null', 'name', null, 'a long name'),
             ('E''a\nb''', '''{"agents": []}''', 'null', 'name', 'a?b', 'a name of two lines'),
             ('''f''', '''{"agents": []}''', '-1', 'refuse_seconds', '-1', 'a negative time'),
             ('''f''', '''{"agents": []}''', '31536001', 'refuse_seconds', '31536001', 'more than the setting'),
             ('''f''', '''{"agents": []}''', '''NaN''', 'refuse_seconds', 'NaN', 'no number'))
    as v (name, wanted, seconds, field, value, what);
select is(t.set(:'fw', 'f', '{"attributes": {"a": {"min": 2, "max": 1}}}') ->> 'message',
          'filter_set: field "wanted", value "{"attributes": {"a": {"max": 1, "min": 2}}}": expected a good filter; '
          'field "wanted.attributes.a", value {"max": 1, "min": 2}: expected a value, a list of values one of which matches, '
          'or an object of exists (true or false), not (a value or a list), min and max (numbers)', 'the message says what is wrong with it');
select t.set(:'fw', 'n' || i, '{"agents": []}') from generate_series(1, 100) i \g /dev/null
select t.raises(format('select howdah.filter_set(%L, 2, ''f'', ''{"agents": []}'')', :'fw'), 'value_invalid', 'name', 'f',
                'a hundred filters are enough', 'fw_a');
select is(t.set(:'fw', 'n1', '{"agents": []}'), null, 'one of them may be replaced');
select t.raises(format('select howdah.filter_set(%L, 1, ''f'', ''{"agents": []}'')', :'fw'), 'epoch_stale', 'epoch', '1',
                'a fenced instance is refused', 'fw_a');

select * from finish();
