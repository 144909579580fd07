-- SPDX-License-Identifier: PostgreSQL
-- Which agents are chosen: strategies, preferences, fault domains, neighbours.

\ir lib/open.psql

select t.fw('a') as fw \gset
create function t.specs(prefix text, count integer, resources jsonb default '{"cpus": 1, "mem": 1000}', extra jsonb default '{}')
returns jsonb
language sql
as $$
    select jsonb_agg(jsonb_build_object('name', prefix || i, 'resources', resources, 'command', '{"shell": "true"}'::jsonb) || extra order by i)
    from generate_series(1, count) i;
$$;
create function t.chosen(specs jsonb, constraints jsonb default '{}', strategy text default 'pack')
returns text
language sql
as $$
    -- How many go where.
    select string_agg(x.name || ' ' || x.n, ', ' order by x.name)
    from (select coalesce(a.name, 'none') as name, count(*) as n
          from unnest(howdah_private.place_choose((select framework_id from howdah_private.framework), specs, constraints, strategy)) u
          left join howdah_private.agent a on a.agent_id = u
          group by 1) x;
$$;
select t.ag('a' || i, '{"cpus": 4, "mem": 4000, "scalars": {"l": 1}}',
            attributes => jsonb_build_object('zone', case when i < 4 then 'x' else 'y' end, 'n', i::text)) is not null as made
from generate_series(1, 5) i;
select t.ag('odd', '{"cpus": 8, "mem": 8000}') as odd \gset

-- --- strategies ----------------------------------------------------------------------------------

select is(howdah_private.place_score('pack', v.cpus, 8000, v.mem, 8000)::numeric, v.score, v.what)
from (values (0, 0, 2.0, 'BestFit v3: a full agent leaves nothing of either kind, 1 + 1'),
             (8000, 8000, 20.0, 'an empty one everything, 10 + 10'),
             (0, 8000, 11.0, 'one kind full strands the other'),
             (4000, 4000, 6.5, 'half full of both is better than that')) as v (cpus, mem, score, what);
select is(howdah_private.place_score('spread', 8000, 8000, 8000, 8000)::numeric, -20.0, 'spread is the reverse');
select ok(t.chosen(t.specs('p', 4)) ~ '^a[1-5] 4$', 'pack fills an agent before it takes another');
select ok(t.chosen(t.specs('p', 8)) ~ '^a[1-5] 4, a[1-5] 4$', 'and then the next');
select is(t.chosen(t.specs('p', 28)), 'a1 4, a2 4, a3 4, a4 4, a5 4, odd 8', 'until all are full');
select is(t.chosen(t.specs('p', 30)), 'a1 4, a2 4, a3 4, a4 4, a5 4, none 2, odd 8', 'what is left has no agent');
select is(t.chosen(t.specs('p', 7), strategy => 'spread'), 'a1 1, a2 1, a3 1, a4 1, a5 1, odd 2', 'spread takes the emptiest first');
select is(t.chosen(t.specs('p', 3, '{"cpus": 1}') || t.specs('q', 1, '{"cpus": 8}')) ~ 'odd 1', true, 'unlike specs are looked for by their own needs');
select cmp_ok((select count(distinct t.chosen(t.specs('p', 4))) from generate_series(1, 40)), '>', 1::bigint, 'near equals are drawn by lot');
select is(t.chosen(t.specs('p', 6, '{"cpus": 1, "scalars": {"l": 1}}')), 'a1 1, a2 1, a3 1, a4 1, a5 1, none 1', 'custom scalars count');

-- --- constraints ---------------------------------------------------------------------------------

select is(t.chosen(t.specs('p', 9), '{"attributes": {"zone": "y"}}'), 'a4 4, a5 4, none 1', 'mandatory attributes');
select is(t.chosen(t.specs('p', 5), '{"attributes": {"n": {"min": 2, "max": 3}}, "distinct": true}'), 'a2 1, a3 1, none 3', 'distinct agents');
select is(t.chosen(t.specs('p', 5), '{"prefer": [{"attributes": {"n": "2"}}]}') ~ 'a2 4', true, 'preferred ones first, the others then');
select is(t.chosen(t.specs('p', 5), '{"prefer": [{"attributes": {"n": "2"}, "weight": 2}, {"attributes": {"n": ["3", "4"]}}]}') ~ '^a2 4, a[34] 1$', true,
          'the more weight the better');
select is(t.chosen(t.specs('p', 5), format('{"prefer": [{"attributes": {"n": "2"}}], "patience_s": 30, "waited_s": %s}', w)::jsonb) ~ p, true,
          format('after %s s of 30 s of patience: %s', w, p))
from (values (0, '^a2 4, none 1$'), (29.999, '^a2 4, none 1$'), (30, '^(a2 4, \w+ 1|a1 1, a2 4)$')) as v (w, p);
select is(t.chosen(t.specs('p', 6), '{"spread": {"attribute": "zone"}}') ~ '^((a[1-3] [123](, )?)+)(a[45] [123](, )?)+$', true, 'both fault domains');
select is((select sum(substr(x, 4)::integer) from regexp_split_to_table(t.chosen(t.specs('p', 6), '{"spread": {"attribute": "zone"}}'), ', ') x where x ~ '^a[45]'),
          3::bigint, 'get the same number of tasks');
select is(t.chosen(t.specs('p', 22), '{"spread": {"attribute": "zone"}}'), 'a1 4, a2 4, a3 4, a4 4, a5 4, odd 2', 'an agent without the attribute is the last');
select t.task(:'fw', (select agent_id from howdah_private.agent where name = 'a' || i), 'db-' || i, '{"mem": 1}', '{"labels": {"tier": "db"}}') is not null as made
from generate_series(1, 3) i;
select is(t.chosen(t.specs('p', 2), '{"spread": {"attribute": "zone", "name": "db-"}}') ~ '^a[45] \d(, a[45] \d)?$', true, 'live tasks by name count for their domain');
select is(t.chosen(t.specs('p', 20), '{"near": {"name": "db-"}}'), 'a1 3, a2 3, a3 3, none 11', 'near tasks by name: only where they are');
select is(t.chosen(t.specs('p', 20), '{"near": {"labels": {"tier": "db"}}, "attributes": {"n": "2"}}'), 'a2 3, none 17', 'or by label');
select is(t.chosen(t.specs('p', 20), '{"near": {"labels": {"tier": "web"}}}'), 'none 20', 'near none: none');
select is(t.chosen(t.specs('p', 20), '{"apart": {"name": "db-"}}'), 'a4 4, a5 4, none 4, odd 8', 'apart from them: only where they are not');
select is(t.chosen(t.specs('p', 7), '{"apart": {"name": "p"}}'), 'a1 1, a2 1, a3 1, a4 1, a5 1, none 1, odd 1', 'apart from each other, by their own name');
select is(t.chosen(t.specs('p', 7, extra => '{"labels": {"a": "b", "c": "d"}}'), '{"apart": {"labels": {"a": "b"}}}'),
          'a1 1, a2 1, a3 1, a4 1, a5 1, none 1, odd 1', 'and label');
select is(howdah_private.task_selected('{}', 'x', '{}'), false, 'what selects nothing selects no task');
select t.as_login('op', format('select howdah.agent_remove(%L)', :'odd')) is not null as x \gset
select is(t.chosen(t.specs('p', 20)) ~ 'odd', false, 'a removed agent gets nothing');

select * from finish();
