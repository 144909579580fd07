-- SPDX-License-Identifier: PostgreSQL
-- Guarantees and limits: set, replaced, taken away, and everything that does not fit refused.

\ir lib/open.psql

create function t.quota(role text, guarantee text, limits text default null, force text default 'false')
returns jsonb
language sql
as $$ select t.problem(format('select howdah.quota_set(%L, %L, %L, %L)', role, guarantee, limits, force), 'op'); $$;
create function t.shown(role text)
returns text
language sql
as $$ select format('%s | %s', r.guarantee, r.limits) from howdah.roles r where r.name = role; $$;
create function t.refuses(role text, guarantee text, limits text, field text, value text, description text)
returns text
language sql
as $$
    select t.raises(format('select howdah.quota_set(%L, %L, %L)', role, guarantee, limits),
                    'value_invalid', field, value, description, 'op');
$$;

select t.ag('big', '{"cpus": 10, "mem": 1000, "disk": 100, "gpus": 4, "ports": [[1000,1009],[2000,2004]],
                     "scalars": {"licences": 3.5}, "sets": {"fpga": ["a", "b"]}}') is not null as made \gset
select t.as_login('op', format('select howdah.role_set(%L)', n)) is null as made
from unnest('{eng,eng/ads,eng/ml,eng/ml/train,sales}'::text[]) n;

-- --- the cell, kind by kind ----------------------------------------------------------------------

select is(t.rows('select resource, trim_scale(amount) from howdah_private.cell_amount order by 1'),
          '(cpus,10) (disk,100) (gpus,4) (mem,1000) (ports,15) (scalars.licences,3.5) (sets.fpga,2)',
          'what the cell has, a row for each kind; ports and items are counted');
select is(t.rows($$ select * from howdah_private.resource_amounts('{"cpus": 0.5, "ports": [[1,3],[3,5]],
                    "scalars": {"a.b": 2}, "sets": {"x": ["1", "2"], "y": 4}}') order by 1 $$),
          '(cpus,0.5) (ports,5) (scalars.a.b,2) (sets.x,2) (sets.y,4)',
          'a resources object is flattened; lists are counted');
select is(howdah_private.amounts_to_json('{cpus,scalars.a.b,sets.x,sets.y,mem}', '{0.50,2,3,4,null}'),
          '{"cpus": 0.5, "scalars": {"a.b": 2}, "sets": {"x": 3, "y": 4}}',
          'and put together again');
select is(howdah_private.amounts_to_json('{}', '{}'), null, 'nothing is null');

-- --- setting -------------------------------------------------------------------------------------

select is(t.quota('eng', '{"cpus": 6, "mem": 500}', '{"cpus": 8, "sets": {"fpga": 1}}'), null,
          'a role gets guarantees and limits');
select is(t.shown('eng'), '{"mem": 500, "cpus": 6} | {"cpus": 8, "sets": {"fpga": 1}}', 'the view shows them');
select is(t.quota('eng', '{"cpus": 5, "ports": 10, "gpus": 0}'), null, 'a new guarantee replaces the old one whole');
select is(t.shown('eng'), '{"cpus": 5, "gpus": 0, "ports": 10} | {"cpus": 8, "sets": {"fpga": 1}}',
          'and leaves the limits');
select is(t.quota('eng', null, '{}'), null, 'an empty object takes limits away');
select is(t.shown('eng'), '{"cpus": 5, "gpus": 0, "ports": 10} | ', 'and leaves the guarantee');
select is(t.rows($$ select reason, detail from howdah_private.event where cause = 'quota_set'
                    order by event_id limit 1 $$),
          '(eng,"{""limits"": {""cpus"": 8, ""sets"": {""fpga"": 1}}, ""guarantee"": {""mem"": 500, ""cpus"": 6}}")',
          'each change is an event');
select is(t.as_login('op', 'select howdah.quota_clear(''eng'')'), '3', 'clearing says how many kinds had one');
select is(t.shown('eng'), ' | ', 'and nothing is left');
select is(t.as_login('op', 'select howdah.quota_clear(''eng'')'), '0', 'clearing twice is no error');

-- --- the whole cell ------------------------------------------------------------------------------

select is(t.quota('eng', '{"cpus": 10, "scalars": {"licences": 3.5}, "sets": {"fpga": 2}, "ports": 15}'),
          null, 'all that the cell has may be guaranteed');
select t.refuses('eng', '{"cpus": 10.001}', null, 'guarantee.cpus', '10.001', 'more cpus than the cell has: refused');
select t.refuses('eng', '{"ports": 16}', null, 'guarantee.ports', '16', 'more ports: refused');
select t.refuses('eng', '{"sets": {"fpga": 3}}', null, 'guarantee.sets.fpga', '3', 'more items: refused');
select t.refuses('eng', '{"scalars": {"licences": 4}}', null, 'guarantee.scalars.licences', '4',
                 'more of a custom scalar: refused');
select t.refuses('eng', '{"scalars": {"nil": 1}}', null, 'guarantee.scalars.nil', '1',
                 'of what the cell has none nothing can be guaranteed');
select t.refuses('sales', '{"cpus": 1}', null, 'guarantee.cpus', '1',
                 'nor what is guaranteed to another role already');
select is(t.quota('sales', '{"cpus": 1}', null, 'true'), null, 'unless it is forced');
select is(t.quota('sales', null, '{"cpus": 1}'), null, 'limits may still be set then');
select is(t.quota('sales', null, '{"mem": 1000000}'), null, 'a limit above the cell is no fault');
select t.as_login('op', format('select howdah.quota_clear(%L)', n)) is null as cleared
from unnest('{eng,sales}'::text[]) n;

-- --- the tree ------------------------------------------------------------------------------------

select is(t.quota('eng', '{"cpus": 6}', '{"cpus": 8}'), null, 'a parent has 6 of at most 8');
select is(t.quota('eng/ads', '{"cpus": 4, "mem": 100}'), null, 'a child 4 of these, and memory that its parent has none of');
select t.refuses('eng/ml', '{"cpus": 3}', null, 'guarantee.cpus', '3', 'its brother cannot have 3 more');
select t.refuses('eng/ml/train', '{"cpus": 3}', null, 'guarantee.cpus', '3', 'nor a grandchild');
select is(t.quota('eng/ml/train', '{"cpus": 2}'), null, 'but 2');
select t.refuses('eng', '{"cpus": 5}', null, 'guarantee.cpus', '5', 'the parent cannot shrink below its children');
select is(t.quota('eng', '{}'), null, 'a parent without a guarantee sets no bound');
select is(t.quota('eng/ml/train', '{"cpus": 3}'), null, 'then a child may have more');
select t.refuses('eng/ml/train', '{"cpus": 5}', null, 'guarantee.cpus', '5', 'up to the limit of the role above');
select t.refuses('eng', null, '{"cpus": 6.5}', 'limits.cpus', '6.5', 'a limit below what is guaranteed under it: refused');
select t.refuses('eng', '{"cpus": 7}', '{"cpus": 6.5}', 'guarantee.cpus', '7', 'a guarantee above the role''s own limit: refused');
select t.refuses('eng/ads', null, '{"cpus": 3}', 'limits.cpus', '3', 'so is a limit below the guarantee that is there');
select t.refuses('sales', '{"mem": 901}', null, 'guarantee.mem', '901', 'what children have counts for the whole cell');
select is(t.quota('sales', '{"mem": 900}'), null, 'the rest is free to be guaranteed');
select is(howdah_private.role_guarantee(null, 'mem'), 1000::numeric, 'the sum over the cell is right');

-- --- bad input -----------------------------------------------------------------------------------

select t.refuses('sales', v.body, null, 'guarantee' || v.field, v.value, format('%s is refused', v.what))
from (values ('{"cpus": -1}', '.cpus', '-1', 'a negative amount'),
             ('{"cpus": 0.0001}', '.cpus', '0.0001', 'a fourth decimal'),
             ('{"mem": 0.5}', '.mem', '0.5', 'half a MiB'), ('{"ports": 1.5}', '.ports', '1.5', 'half a port'),
             ('{"ports": [[1,2]]}', '.ports', '[[1, 2]]', 'a list of ports'),
             ('{"sets": {"fpga": ["a"]}}', '.sets.fpga', '["a"]', 'a list of items'),
             ('{"sets": 1}', '.sets', '1', 'sets that are no object'),
             ('{"scalars": null}', '.scalars', 'null', 'scalars that are null'),
             ('{"scalars": {"x": "1"}}', '.scalars.x', '"1"', 'text for a number'),
             ('{"scalars": {"": 1}}', '.scalars.', '1', 'an empty name'),
             ('{"cpus": 1e13}', '.cpus', '10000000000000', 'a huge amount'),
             ('{"pigs": 1}', '.pigs', '1', 'an unknown kind'), ('[]', '', '[]', 'a list'),
             ('7', '', '7', 'a number')) as v (body, field, value, what);
select t.refuses('sales', null, '{"cpus": -1}', 'limits.cpus', '-1', 'a negative limit is refused');
select t.raises('select howdah.quota_set(''sales'')', 'field_missing', 'guarantee', null, 'nothing to set is refused', 'op');
select t.raises('select howdah.quota_set(''nope'', ''{}'')', 'role_unknown', 'role', 'nope', 'an unknown role is refused', 'op');
select t.raises('select howdah.quota_set(null, ''{}'')', 'role_unknown', 'role', null, 'no role is refused', 'op');
select t.raises('select howdah.quota_set(''sales'', ''{}'', null, null)', 'value_invalid', 'force', null,
                'neither forced nor not is refused', 'op');
select t.raises('select howdah.quota_clear(''nope'')', 'role_unknown', 'role', 'nope', 'clearing an unknown role is refused', 'op');
select t.denied('select howdah.quota_set(''sales'', ''{}'')', l.login, format('login %s sets no quota', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.denied('select howdah.quota_clear(''sales'')', l.login, format('login %s clears no quota', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.as_login('op', 'select howdah.role_delete(''sales'')');
select is_empty('select 1 from howdah_private.quota where role = ''sales''', 'quota goes with its role');

select * from finish();
