-- SPDX-License-Identifier: PostgreSQL
-- Demand: stated, replaced, taken back, ended with the framework.

\ir lib/open.psql

select t.fw('a') as fw, t.fw('b', login => 'fw_b') as other \gset
create function t.request(framework uuid, requests text)
returns jsonb
language sql
as $$
    select t.problem(format('select howdah.request(%L, %s, %L)', framework, t.epoch_of(framework), requests),
                     t.principal_of(framework));
$$;
create function t.stated(framework uuid)
returns text
language sql
as $$
    select string_agg(format('%s x %s %s', r.count, r.resources, r.constraints), ', ' order by r.n)
    from howdah.requests r where r.framework_id = framework;
$$;

select is((select requested_at from howdah.frameworks where framework_id = :'fw'), null, 'nothing is stated at first');
select is(t.request(:'fw', '[{"count": 3, "resources": {"cpus": 0.25, "mem": 100}},
                             {"count": 1, "resources": {"disk": 7, "gpus": 1, "ports": 2, "scalars": {"l": 1}},
                              "constraints": {"attributes": {"zone": ["a", "b"], "ssd": true}}}]'), null,
          'a framework states what it needs');
select is(t.stated(:'fw'), '3 x {"mem": 100, "cpus": 0.25} , 1 x {"disk": 7, "gpus": 1, "ports": 2, "scalars": {"l": 1}} '
          '{"attributes": {"ssd": true, "zone": ["a", "b"]}}', 'the view shows it');
select is(t.rows('select n, cpus_milli, mem, disk, gpus from howdah_private.request order by n'), '(1,250,100,0,0) (2,0,0,7,1)',
          'amounts that shares add up stand in columns');
select isnt((select requested_at from howdah.frameworks where framework_id = :'fw'), null, 'and since when');
select is(t.request(:'fw', '[{"count": 1000000, "resources": {"mem": 1}}]'), null, 'a new statement');
select is(t.stated(:'fw'), '1000000 x {"mem": 1} ', 'replaces the old one whole');
select is(t.request(:'other', '[{"count": 2, "resources": {"cpus": 1}}]'), null, 'another framework''s');
select is(t.stated(:'fw') || t.stated(:'other'), '1000000 x {"mem": 1} 2 x {"cpus": 1} ', 'is its own');
select is(t.as_login('fw_a', 'select count(*) from howdah.requests'), '1', 'and is not seen by others');
select is(t.request(:'fw', '[]'), null, 'an empty list');
select is(t.stated(:'fw'), null, 'needs nothing');
select isnt((select requested_at from howdah.frameworks where framework_id = :'fw'), null, 'but is a statement');
select is(t.request(:'fw', null), null, 'null takes the statement back');
select is((select requested_at from howdah.frameworks where framework_id = :'fw'), null, 'then there is none');

-- --- ends ----------------------------------------------------------------------------------------

select is(t.request(:'fw', '[{"count": 1, "resources": {"mem": 1}}]'), null, 'stated once more');
select t.as_login('fw_a', format('select framework_id from howdah.framework_register(''a'', framework_id => %L)', :'fw'))
    is not null as failed_over \gset
select is(t.stated(:'fw'), null, 'a take-over forgets what the former instance said');
select is(t.request(:'fw', '[{"count": 1, "resources": {"mem": 1}}]'), null, 'the new one states its own');
select t.as_login('op', format('select howdah.framework_remove(%L)', :'fw')) is not null as removed \gset
select is_empty(format('select 1 from howdah_private.request where framework_id = %L', :'fw'),
                'the demand of a framework ends with it');
select is(t.stated(:'other'), '2 x {"cpus": 1} ', 'others'' stays');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select howdah.request(%L, 1, %L)', :'other', v.body), 'value_invalid', v.field, null,
                format('%s is refused', v.what), 'fw_b')
from (values ('{}', 'requests', 'an object for a list'), ('7', 'requests', 'a number for a list'),
             ('[7]', 'requests[0]', 'a request that is a number'),
             ('[{"count": 1, "resources": {"mem": 1}}, {"count": 0, "resources": {"mem": 1}}]', 'requests[1]', 'a count of zero'),
             ('[{"resources": {"mem": 1}}]', 'requests[0]', 'no count'),
             ('[{"count": 1.5, "resources": {"mem": 1}}]', 'requests[0]', 'a broken count'),
             ('[{"count": 1000001, "resources": {"mem": 1}}]', 'requests[0]', 'a huge count'),
             ('[{"count": 1}]', 'requests[0]', 'no resources'),
             ('[{"count": 1, "resources": {}}]', 'requests[0]', 'a request for nothing'),
             ('[{"count": 1, "resources": {"mem": 0}}]', 'requests[0]', 'a request for zero'),
             ('[{"count": 1, "resources": {"mem": -1}}]', 'requests[0]', 'a negative amount'),
             ('[{"count": 1, "resources": {"pigs": 1}}]', 'requests[0]', 'an unknown kind'),
             ('[{"count": 1, "resources": {"mem": 1}, "colour": 1}]', 'requests[0]', 'an unknown field'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": []}]', 'requests[0]', 'constraints that are a list'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": {"x": 1}}]', 'requests[0]', 'an unknown constraint'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": {"agents": ["x"]}}]', 'requests[0]', 'no agent''s id'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": {"agents": "x"}}]', 'requests[0]', 'agents that are no list'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": {"attributes": [1]}}]', 'requests[0]', 'attributes that are a list'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": {"attributes": {"a": {}}}}]', 'requests[0]', 'an object as value'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": {"attributes": {"a": [[]]}}}]', 'requests[0]', 'a list in a list'),
             ('[{"count": 1, "resources": {"mem": 1}, "constraints": {"attributes": {"a": []}}}]', 'requests[0]', 'an empty list of values'))
    as v (body, field, what);
select is(t.problem(format('select howdah.request(%L, 1, %L)', :'other', '[{"count": 1, "resources": {"mem": -1}}]'), 'fw_b') ->> 'message',
          'request: field "requests[0]", value "{"count": 1, "resources": {"mem": -1}}": expected a good request; '
          'field "resources.mem", value -1: expected a whole number from 0 to 10^12', 'the message says what is wrong with it');
select t.raises(format('select howdah.request(%L, 1, %L)', :'other',
                       (select jsonb_agg('{"count": 1, "resources": {"mem": 1}}'::jsonb) from generate_series(1, 1001))),
                'value_invalid', 'requests', null, 'a list that is too long is refused', 'fw_b');
select t.raises(format('select howdah.request(%L, 7, ''[]'')', :'other'), 'epoch_stale', 'epoch', '7', 'a fenced instance is refused', 'fw_b');
select t.raises(format('select howdah.request(%L, 1, ''[]'')', :'other'), 'not_permitted', 'framework_id', :'other',
                'another login is refused', 'fw_a');
select t.raises(format('select howdah.request(%L, 2, ''[]'')', :'fw'), 'framework_completed', 'framework_id', :'fw', 'a framework that has ended is refused', 'fw_a');
select t.raises('select howdah.request(null, 1, ''[]'')', 'field_missing', 'framework_id', null, 'no framework is refused', 'fw_a');

-- --- absurd amounts ------------------------------------------------------------------------------

select t.ag('of-all-kinds', '{"cpus": 4, "mem": 4000, "disk": 100}') is not null as made;
select t.as_login('fw_b', format('select howdah.request(%L, 1, %L)', :'other', jsonb_build_array(
    jsonb_build_object('count', 1000000, 'resources',
                       '{"cpus": 1e12, "mem": 1e12, "disk": 1e12}'::jsonb))));
select is((select r.amount from howdah_private.role_requested r
           join howdah_private.framework f on f.role = r.role and f.framework_id = :'other'
           where r.resource = 'cpus'), 1e18::double precision,
          'the most that can be asked for can be added up');
select is((select count(*) from howdah_private.share_now() s where s.node = '' and s.fair > s.total * 1.000001),
          0::bigint, 'and shares can be made of it');

select * from finish();
