-- SPDX-License-Identifier: PostgreSQL
-- Each test for each agent; what is free, and whether what is asked for can be had.

\ir lib/open.psql

select t.fw('f') as fw \gset
select t.ag('one', '{"cpus": 4, "mem": 100, "ports": [[1, 3]], "scalars": {"l": 2}, "sets": {"s": ["x", "y"]}}', attributes => '{"zone": "a"}') as one,
       t.ag('two', '{"cpus": 2, "mem": 200}') as two \gset
select t.task(:'fw', :'one', 'x', '{"cpus": 1, "mem": 10, "ports": [[2, 2]], "scalars": {"l": 0.5}, "sets": {"s": ["x"]}}') is not null as made \gset
create function t.tests(constraints jsonb, resources jsonb)
returns text
language sql
as $$
    select string_agg(concat_ws(' ', a.name, x.test, trim_scale(x.wanted), trim_scale(x.free), x.passed), ', ' order by a.name, x.rank, x.test)
    from howdah_private.agent_tests(constraints, resources) x join howdah_private.agent a using (agent_id);
$$;

select is(t.tests('{}', '{}'), 'one open t, two open t', 'each agent must take claims');
select is(t.tests(null, null), 'one open t, two open t', 'nothing asked is no other test');
select is(t.tests(jsonb_build_object('agents', jsonb_build_array(:'two'), 'attributes', '{"zone": "a", "ssd": {"exists": true}}'::jsonb), '{}'),
          'one open t, one agents f, one attributes.ssd f, one attributes.zone t, two open t, two agents t, two attributes.ssd f, two attributes.zone f',
          'a test for the list of agents, and one for each attribute');
select is(t.tests('{}', '{"cpus": 3, "mem": 91, "disk": 0, "ports": 2, "scalars": {"l": 1.5}, "sets": {"s": 1}}'),
          'one open t, one cpus 3 3 t, one mem 91 90 f, one ports 2 2 t, one scalars.l 1.5 1.5 t, one sets.s 1 1 t, '
          'two open t, two cpus 3 2 f, two mem 91 200 t, two ports 2 0 f, two scalars.l 1.5 0 f, two sets.s 1 0 f',
          'and one for each kind that is wanted, by what tasks leave of it');
select is(t.tests('{}', '{"ports": [[1, 1], [3, 3]], "sets": {"s": ["y"]}}'),
          'one open t, one ports 2 2 t, one sets.s 1 1 t, two open t, two ports 2 0 f, two sets.s 1 0 f', 'the very ports and items');
select is(t.tests('{}', '{"ports": [[2, 3]], "sets": {"s": ["x"]}}'),
          'one open t, one ports 2 2 f, one sets.s 1 1 f, two open t, two ports 2 0 f, two sets.s 1 0 f', 'not others');
select t.as_login('op', format('select howdah.agent_remove(%L)', :'two')) is not null as x \gset
select is(t.tests('{}', '{}'), 'one open t', 'agents that are gone are not asked');
select is((select howdah_private.agent_has_all(g, r.resources::jsonb) from howdah_private.agent_free g), r.met, r.resources)
from (values ('{}', true), ('{"cpus": 3, "ports": 2}', true), ('{"cpus": 3.001, "ports": 2}', false), ('{"ports": [[2, 2]]}', false)) as r (resources, met);

select * from finish();
